//! The host as the demo's child.

use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// How long the host may take to finish what it is doing.
const STOP_WITHIN: Duration = Duration::from_secs(15);

/// A host that runs. It is stopped when this is dropped, whatever went wrong.
pub(super) struct Host {
    process: Child,
    url: String,
    /// Signs in to the portal once.
    link: Option<String>,
}

/// Another host at the address would answer the demo, and perhaps it is the last demo's, at work in the folder
/// that this one would empty.
pub(super) fn check_is_free(address: &str) -> Result<()> {
    let asks_for_any = address.ends_with(":0");
    if !asks_for_any && TcpStream::connect(address).is_ok() {
        bail!("something listens on {address} already; stop it, or give another --listen");
    }
    Ok(())
}

impl Host {
    /// Starts a host and waits until it says that it listens.
    pub(super) fn start(binary: &Path, data: &Path, address: &str) -> Result<Self> {
        println!("\n$ sandglass serve --data {} --listen {address}", data.display());
        let mut process = Command::new(binary)
            .arg("serve")
            .arg("--data")
            .arg(data)
            .args(["--listen", address])
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let stdout = process.stdout.take();
        // From here on the process is stopped by `drop`.
        let mut host = Self { process, url: String::new(), link: None };
        let mut lines = BufReader::new(stdout.context("the host has no stdout")?);
        (host.url, host.link) = addresses_when_ready(&mut lines)?;
        println!("listening on {}", host.url);
        show_the_rest(lines);
        Ok(host)
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn link(&self) -> Option<&str> {
        self.link.as_deref()
    }

    /// Stops the host as an operator would.
    pub(super) fn stop(mut self) -> Result<()> {
        self.terminate()
    }

    /// Waits until somebody else stops it: Ctrl-C reaches it as it reaches this program.
    pub(super) fn wait(mut self) -> Result<()> {
        let status = self.process.wait()?;
        if !status.success() {
            bail!("the host ended with {status}");
        }
        Ok(())
    }

    fn terminate(&mut self) -> Result<()> {
        if self.process.try_wait()?.is_some() {
            return Ok(());
        }
        // The standard library can only kill.
        Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status()?;
        let deadline = Instant::now() + STOP_WITHIN;
        while Instant::now() < deadline {
            if let Some(status) = self.process.try_wait()? {
                if !status.success() {
                    bail!("the host ended with {status}");
                }
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.process.kill()?;
        self.process.wait()?;
        bail!("the host did not stop within {} s and was killed", STOP_WITHIN.as_secs())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Err(error) = self.terminate() {
            eprintln!("stopping the host: {error:#}");
        }
    }
}

/// Reads up to the line that says where the host listens, which is there for programs like this one. The link to
/// the portal comes before it, and is of more use at the end of the demo.
fn addresses_when_ready(lines: &mut impl BufRead) -> Result<(String, Option<String>)> {
    let mut link = None;
    for line in lines.lines() {
        let line = line?;
        if line.contains("#sign-in=") {
            link = line.split_whitespace().last().map(str::to_string);
            continue;
        }
        if let Some((_, rest)) = line.split_once("listening on ") {
            let url = rest.split_whitespace().next().unwrap_or_default();
            if url.starts_with("http") {
                return Ok((url.trim_end_matches('/').to_string(), link));
            }
        }
        println!("{line}");
    }
    bail!("the host ended before it listened")
}

/// A pipe that nobody reads would stop the host once it is full.
fn show_the_rest(lines: BufReader<ChildStdout>) {
    std::thread::spawn(move || {
        for line in lines.lines().map_while(Result::ok) {
            println!("host: {line}");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_says_where_it_listens() {
        let link = "http://127.0.0.1:8420/#sign-in=abc".to_string();
        let text =
            format!("made a data folder\nthe portal: {link}\nlistening on http://127.0.0.1:8420/\nmore\n");
        let addresses = addresses_when_ready(&mut text.as_bytes()).expect("a URL");
        assert_eq!(addresses, ("http://127.0.0.1:8420".to_string(), Some(link)));
        assert!(addresses_when_ready(&mut "no such address\n".as_bytes()).is_err());
    }
}
