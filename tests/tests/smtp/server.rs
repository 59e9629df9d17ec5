//! A mail server as a process, which can be killed and started again on its port.

use crate::inbox::{Inbox, Received};
use sandglass_tests::{PATIENCE, workspace};
use serde_json::Value;
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;

pub(crate) struct Server {
    program: OsString,
    arguments: Vec<OsString>,
    pub(crate) port: u16,
    pub(crate) inbox: Inbox,
    process: Option<(Child, JoinHandle<()>)>,
}

impl Server {
    /// aiosmtpd, in the clear.
    pub(crate) fn plain() -> Server {
        let python =
            std::env::var_os("SANDGLASS_SMTP_PYTHON").expect("`cargo xtask test smtp` says where Python is");
        Server::start(python, vec![script("server.py").into()])
    }

    /// smtp-server, which takes this password of the user `sandglass` over TLS.
    pub(crate) fn secured(tls: &str, password: &str, certificate: PathBuf, key: PathBuf) -> Server {
        let mut arguments: Vec<OsString> = vec![script("server.mjs").into()];
        let options: [(&str, OsString); 5] = [
            ("--tls", tls.into()),
            ("--cert", certificate.into()),
            ("--key", key.into()),
            ("--user", "sandglass".into()),
            ("--password", password.into()),
        ];
        arguments.extend(options.into_iter().flat_map(|(name, value)| [name.into(), value]));
        Server::start("node".into(), arguments)
    }

    fn start(program: OsString, arguments: Vec<OsString>) -> Server {
        let mut server = Server { program, arguments, port: 0, inbox: Inbox::default(), process: None };
        server.restart();
        server
    }

    /// Starts it again on its port, killed first where it still runs.
    #[track_caller]
    pub(crate) fn restart(&mut self) {
        self.kill();
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .args(["--port", &self.port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the mail server starts");
        let out = child.stdout.take().expect("stdout is a pipe");
        let (announce, announced) = mpsc::channel();
        let inbox = self.inbox.clone();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                // Killed in the middle of a line, it has not acknowledged what that would have told.
                let Ok(event) = serde_json::from_str::<Value>(&line) else { break };
                match event["event"].as_str() {
                    Some("listening") => {
                        let _ = announce.send(event["port"].as_u64().expect("a port"));
                    }
                    Some("message") => inbox.add(Received::of(&event)),
                    _ => {}
                }
            }
        });
        self.process = Some((child, reader));
        let port = announced.recv_timeout(PATIENCE).expect("the mail server says that it listens");
        self.port = u16::try_from(port).expect("a port");
    }

    /// As `kill -9` does.
    pub(crate) fn kill(&mut self) {
        if let Some((mut child, reader)) = self.process.take() {
            let _ = child.kill();
            let _ = child.wait();
            let _ = reader.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn script(name: &str) -> PathBuf {
    workspace().join("tests/smtp").join(name)
}
