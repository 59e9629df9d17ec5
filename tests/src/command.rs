//! The binary as a client of a host, as a shell starts it.

use crate::client::Client;
use crate::place::binary;
use serde_json::Value;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// The command line with a host to talk to, in a folder of its own that no file of the user's reaches.
pub struct Cli {
    folder: TempDir,
    url: String,
    token: String,
    tools: Tools,
}

/// Which programs a command finds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tools {
    /// Those of the system.
    System,
    /// Those of this process's own environment, with all that they need of it.
    Own,
    None,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// What it printed, where it ended with status 0.
    #[track_caller]
    pub fn well(self) -> String {
        assert_eq!(self.status, 0, "{}\n{}", self.out, self.err);
        self.out
    }

    #[track_caller]
    pub fn json(self) -> Value {
        let out = self.well();
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }

    /// Itself, where it ended with this status and said these words on standard error.
    #[track_caller]
    #[allow(clippy::return_self_not_must_use, reason = "that it holds may be all that is asked")]
    pub fn badly(self, status: i32, words: &[&str]) -> Ended {
        assert_eq!(self.status, status, "{}\n{}", self.out, self.err);
        for word in words {
            assert!(self.err.contains(word), "it does not say {word:?}: {}", self.err);
        }
        self
    }
}

impl Cli {
    pub fn of(host: &Client) -> Cli {
        Cli::with(host.url(), host.token())
    }

    /// With whatever URL and token.
    pub fn with(url: &str, token: &str) -> Cli {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Cli { folder, url: url.to_string(), token: token.to_string(), tools: Tools::System }
    }

    /// In this process's own environment, where compilers find what they need.
    #[must_use]
    pub fn with_tools(self) -> Cli {
        Cli { tools: Tools::Own, ..self }
    }

    /// Where no program is installed.
    #[must_use]
    pub fn without_tools(self) -> Cli {
        Cli { tools: Tools::None, ..self }
    }

    pub fn run(&self, line: &[&str]) -> Ended {
        self.run_with(line, "")
    }

    pub fn run_with(&self, line: &[&str], input: &str) -> Ended {
        let mut command = Command::new(binary());
        if self.tools != Tools::Own {
            command.env_clear().env("HOME", self.folder.path());
        }
        if self.tools == Tools::System {
            command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        }
        let mut child = command
            .args(line)
            .current_dir(self.folder.path())
            .env("SANDGLASS_URL", &self.url)
            .env("SANDGLASS_TOKEN", &self.token)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        // A command that does not read it may have ended.
        let _ = child.stdin.take().expect("stdin is a pipe").write_all(input.as_bytes());
        let output = child.wait_with_output().expect("one may wait for one's child");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the command line writes UTF-8");
        Ended {
            status: output.status.code().expect("no signal ended it"),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    /// A file in its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
