//! The real binary, and as much of HTTP as it takes to ask it: one connection, one request after the other.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A host on a folder of its own. It ends with this value.
pub struct Process {
    child: Running,
    address: String,
    connection: BufReader<TcpStream>,
    token: String,
    folder: TempDir,
}

impl Process {
    pub fn start() -> Result<Process> {
        Process::on(tempfile::tempdir()?)
    }

    /// Ends it as a power failure would, and starts another one on the same folder.
    pub fn restart(self) -> Result<Process> {
        let Process { child, folder, .. } = self;
        drop(child);
        Process::on(folder)
    }

    fn on(folder: TempDir) -> Result<Process> {
        let data = folder.path().join("data");
        // It stands beside this program.
        let program = std::env::current_exe()?.with_file_name("sandglass");
        let child = Command::new(&program)
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| program.display().to_string())?;
        let mut child = Running(child);
        let mut out = BufReader::new(child.0.stdout.take().context("a pipe")?);
        let address = loop {
            let mut line = String::new();
            anyhow::ensure!(out.read_line(&mut line)? > 0, "the host does not start");
            if let Some(address) = line.trim().strip_prefix("listening on http://") {
                break address.to_owned();
            }
        };
        let token = std::fs::read_to_string(data.join("token"))?.trim().to_owned();
        let connection = connect(&address)?;
        Ok(Process { child, address, connection, token, folder })
    }

    /// Goes on over a new connection: the host closes one that was idle for long.
    pub fn reconnect(&mut self) -> Result<()> {
        self.connection = connect(&self.address)?;
        Ok(())
    }

    pub fn get(&mut self, path: &str) -> Result<Value> {
        self.ask("GET", path, "application/json", b"")
    }

    pub fn put(&mut self, path: &str, body: &Value) -> Result<Value> {
        self.ask("PUT", path, "application/json", body.to_string().as_bytes())
    }

    /// Uploads a component and gives its digest.
    pub fn upload(&mut self, component: &[u8]) -> Result<Value> {
        Ok(self.ask("POST", "/v1/components", "application/wasm", component)?["digest"].clone())
    }

    /// Asks for a run with this input, and gives its id.
    pub fn run(&mut self, job: &str, input: &Value) -> Result<String> {
        let body = json!({ "input": input }).to_string();
        let run = self.ask("POST", &format!("/v1/jobs/{job}/runs"), "application/json", body.as_bytes())?;
        run["id"].as_str().map(str::to_owned).context("a run has an id")
    }

    /// Asks for a run and waits until it has succeeded.
    pub fn run_well(&mut self, job: &str) -> Result<()> {
        let path = format!("/v1/jobs/{job}/runs?wait=60s");
        let run = self.ask("POST", &path, "application/json", b"{}")?;
        anyhow::ensure!(run["outcome"] == "succeeded", "the run of {job} did not succeed: {run}");
        Ok(())
    }

    /// A run, once it has ended.
    pub fn ended(&mut self, run: &str) -> Result<Value> {
        loop {
            let shown = self.get(&format!("/v1/runs/{run}"))?;
            if !shown["outcome"].is_null() {
                return Ok(shown);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn ask(&mut self, method: &str, path: &str, kind: &str, body: &[u8]) -> Result<Value> {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-type: {kind}\r\n\
             content-length: {}\r\n\r\n",
            self.token,
            body.len()
        );
        let stream = self.connection.get_mut();
        stream.write_all(&[head.as_bytes(), body].concat())?;
        let mut status = String::new();
        self.connection.read_line(&mut status)?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.connection.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.parse()?;
            }
        }
        let mut body = vec![0; length];
        self.connection.read_exact(&mut body)?;
        let is_well = status.split(' ').nth(1).is_some_and(|code| code.starts_with('2'));
        anyhow::ensure!(is_well, "{method} {path}: {status}{}", String::from_utf8_lossy(&body));
        Ok(serde_json::from_slice(&body)?)
    }
}

fn connect(address: &str) -> Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    Ok(BufReader::new(stream))
}

/// A process that ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
