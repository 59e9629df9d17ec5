//! The binary as a process: commands, and a host.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

/// The binary, with nothing of this machine's environment that it reads.
pub fn sandglass(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sandglass"));
    command.args(arguments).stdin(Stdio::null());
    for name in ["DATA", "URL", "TOKEN", "LISTEN", "CONFIG", "HISTORY", "ATTEMPTS_MAX", "LOG"] {
        command.env_remove(format!("SANDGLASS_{name}"));
    }
    command
}

pub fn output(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// A host in a folder, on a port of its own. Ends with the test.
pub struct Host {
    process: Child,
    out: BufReader<ChildStdout>,
    pub url: String,
    /// What it said before it said where it listens.
    #[allow(dead_code)] // Not every program of tests reads it.
    pub words: String,
}

impl Host {
    pub fn start(data: &Path) -> Host {
        let mut command = sandglass(&["serve", "--listen", "127.0.0.1:0", "--data"]);
        command.arg(data).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let out = BufReader::new(process.stdout.take().unwrap());
        let mut host = Host { process, out, url: String::new(), words: String::new() };
        while host.url.is_empty() {
            let mut line = String::new();
            assert!(host.out.read_line(&mut line).unwrap() > 0, "the host ended: {}", host.words);
            match line.strip_prefix("listening on ") {
                Some(url) => host.url = url.trim_end().into(),
                None => host.words += &line,
            }
        }
        host
    }

    pub fn client(&self, data: &Path, arguments: &[&str]) -> Command {
        let mut command = sandglass(arguments);
        command.env("SANDGLASS_URL", &self.url).env("SANDGLASS_DATA", data);
        command
    }

    /// Tells it to stop, and gives its exit status.
    pub fn stop(mut self, signal: &str) -> Option<i32> {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, id.as_str()]).status().unwrap().success());
        let mut rest = String::new();
        while self.out.read_line(&mut rest).unwrap() > 0 {}
        assert_eq!(rest, "");
        self.process.wait().unwrap().code()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
