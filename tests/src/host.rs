//! The host under test: a process of the real binary on a data folder of its own.

use crate::client::Client;
use crate::place::binary;
use crate::wait::PATIENCE;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

/// A host that listens, and stops with this value. It derefs to the client of it.
pub struct Host {
    folder: TempDir,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    process: Option<Process>,
    client: Client,
    stderr: Arc<Mutex<String>>,
}

struct Process {
    child: Child,
    /// Where it says that it listens. It is closed when the process ends. In a mutex, as hosts are shared by
    /// threads.
    announced: Mutex<mpsc::Receiver<String>>,
    readers: Vec<std::thread::JoinHandle<()>>,
}

impl Host {
    /// A new host on a new folder.
    #[track_caller]
    pub fn start() -> Host {
        Host::start_with(&[])
    }

    /// The same with more arguments for `serve`.
    #[track_caller]
    pub fn start_with(arguments: &[&str]) -> Host {
        let mut host = Host::new();
        host.arguments = arguments.iter().map(ToString::to_string).collect();
        host.restart();
        host
    }

    /// The same, with these variables in its environment.
    #[track_caller]
    pub fn start_in(environment: &[(&str, &str)]) -> Host {
        let mut host = Host::new();
        host.environment =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        host.restart();
        host
    }

    /// Sets a variable of its environment, from the next start on.
    pub fn set_environment(&mut self, name: &str, value: &str) {
        self.environment.retain(|(other, _)| other != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// A host that was never started, on a new folder. Nobody answers until it is.
    pub fn new() -> Host {
        Host {
            folder: TempDir::with_prefix("sandglass-test-").expect("a temporary folder"),
            arguments: Vec::new(),
            environment: Vec::new(),
            process: None,
            client: Client::new("http://127.0.0.1:1", ""),
            stderr: Arc::default(),
        }
    }

    /// Starts it again on the same folder, killed first where it still runs.
    #[track_caller]
    pub fn restart(&mut self) {
        self.kill();
        let mut process = self.spawn();
        let Ok(url) = process.heard() else {
            let _ = process.child.kill();
            let status = process.end();
            panic!("the host does not say that it listens; it ended with {status}\n{}", self.stderr());
        };
        let token = std::fs::read_to_string(self.folder().join("token"));
        let token = token.expect("a host leaves its first token in its folder");
        self.client = Client::new(&url, token.trim());
        self.process = Some(process);
    }

    /// Starts it and kills it again so much later, most likely before it listens.
    #[track_caller]
    pub fn start_and_kill(&mut self, after: Duration) {
        self.kill();
        self.process = Some(self.spawn());
        // The moment is what is tried; there is nothing to wait for.
        std::thread::sleep(after);
        self.kill();
    }

    /// As `kill -9` does: it gets no chance to do anything any more.
    #[track_caller]
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.child.kill().expect("one may kill one's child");
            process.end();
        }
    }

    /// As a crash does, of a host that may leave a core file in its folder. Gives how it ended.
    #[track_caller]
    pub fn abort(&mut self) -> ExitStatus {
        let mut process = self.process.take().expect("a host that runs");
        kill_process(process.pid(), Signal::ABORT).expect("one may signal one's child");
        process.end()
    }

    /// As an operator does, who then finds exit status 0.
    #[track_caller]
    pub fn stop(&mut self) {
        let mut process = self.process.take().expect("a host that runs");
        kill_process(process.pid(), Signal::TERM).expect("one may signal one's child");
        let said = process.heard();
        assert_eq!(
            said,
            Err(RecvTimeoutError::Disconnected),
            "it does not stop at SIGTERM\n{}",
            self.stderr()
        );
        let status = process.end();
        assert!(status.success(), "the host ended with {status}\n{}", self.stderr());
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The folder that it was started in.
    pub fn place(&self) -> &Path {
        self.folder.path()
    }

    /// The data folder.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The host's process while it runs.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("a host that runs").child.id()
    }

    /// What the host has printed to stderr up to now, all its processes together.
    pub fn stderr(&self) -> String {
        self.stderr.lock().expect("nobody panics with it").clone()
    }

    fn spawn(&self) -> Process {
        let mut command = Command::new(binary());
        let own = |name: &std::ffi::OsString| name.to_string_lossy().starts_with("SANDGLASS_");
        for (name, _) in std::env::vars_os().filter(|(name, _)| own(name)) {
            command.env_remove(name);
        }
        let mut child = command
            .arg("serve")
            .arg("--data")
            .arg(self.folder())
            .args(["--listen", "127.0.0.1:0"])
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let (announce, announced) = mpsc::channel();
        let out = child.stdout.take().expect("stdout is a pipe");
        let mut err = child.stderr.take().expect("stderr is a pipe");
        let kept = Arc::clone(&self.stderr);
        // Both pipes are read to their ends: a full one would stop the host.
        let readers = vec![
            std::thread::spawn(move || {
                for line in BufReader::new(out).lines().map_while(Result::ok) {
                    if let Some((_, rest)) = line.split_once("listening on ") {
                        let url = rest.split_whitespace().next().unwrap_or_default();
                        // Nobody listens for a second one, or for any where the host is to be killed.
                        let _ = announce.send(url.trim_end_matches('/').to_string());
                    }
                }
            }),
            std::thread::spawn(move || {
                let mut piece = [0; 4096];
                while let Ok(read @ 1..) = err.read(&mut piece) {
                    let text = String::from_utf8_lossy(&piece[..read]).into_owned();
                    kept.lock().expect("nobody panics with it").push_str(&text);
                }
            }),
        ];
        Process { child, announced: Mutex::new(announced), readers }
    }
}

impl Default for Host {
    fn default() -> Host {
        Host::new()
    }
}

impl Deref for Host {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // The test is over; the folder goes next.
            let _ = process.child.kill();
            process.end();
        }
        if std::thread::panicking() {
            eprintln!("--- the host's stderr:\n{}---", self.stderr());
        }
    }
}

impl Process {
    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// The URL at which it says that it listens; that the process has ended; or that nothing was heard.
    fn heard(&mut self) -> Result<String, RecvTimeoutError> {
        self.announced.get_mut().expect("nobody panics with it").recv_timeout(PATIENCE)
    }

    fn end(&mut self) -> ExitStatus {
        let status = self.child.wait().expect("one may wait for one's child");
        for reader in self.readers.drain(..) {
            // It only copies; the pipe ended with the process.
            let _ = reader.join();
        }
        status
    }
}
