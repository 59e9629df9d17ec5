//! The host under test: a process of the real binary on a data folder of its own.

use crate::client::Client;
use crate::place::binary;
use crate::wait::PATIENCE;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Instant;
use tempfile::TempDir;

/// A host that listens, and stops with this value. It derefs to the client of it.
pub struct Host {
    folder: TempDir,
    process: Option<Process>,
    client: Client,
    stderr: Arc<Mutex<String>>,
}

struct Process {
    child: Child,
    readers: Vec<std::thread::JoinHandle<()>>,
}

impl Host {
    /// A new host on a new folder.
    #[track_caller]
    pub fn start() -> Host {
        let folder = TempDir::with_prefix("sandglass-test-").expect("a temporary folder");
        let stderr = Arc::default();
        let (process, client) = launch(folder.path(), &stderr);
        Host { folder, process: Some(process), client, stderr }
    }

    /// Starts it again on the same folder, killed first where it still runs.
    #[track_caller]
    pub fn restart(&mut self) {
        self.kill();
        let (process, client) = launch(self.folder.path(), &self.stderr);
        (self.process, self.client) = (Some(process), client);
    }

    /// As `kill -9` does: it gets no chance to do anything any more.
    #[track_caller]
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.child.kill().expect("one may kill one's child");
            process.end();
        }
    }

    /// As an operator does, who then finds exit status 0.
    #[track_caller]
    pub fn stop(&mut self) {
        let mut process = self.process.take().expect("a host that runs");
        kill_process(process.pid(), Signal::TERM).expect("one may signal one's child");
        let deadline = Instant::now() + PATIENCE;
        while process.child.try_wait().expect("one may wait for one's child").is_none() {
            assert!(Instant::now() < deadline, "the host does not stop at SIGTERM\n{}", self.stderr());
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let status = process.end();
        assert!(status.success(), "the host ended with {status}\n{}", self.stderr());
    }

    pub fn client(&self) -> &Client {
        &self.client
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

    fn end(&mut self) -> ExitStatus {
        let status = self.child.wait().expect("one may wait for one's child");
        for reader in self.readers.drain(..) {
            // It only copies; the pipe ended with the process.
            let _ = reader.join();
        }
        status
    }
}

/// Starts a process on the folder and waits until it says where it listens.
#[track_caller]
fn launch(folder: &Path, stderr: &Arc<Mutex<String>>) -> (Process, Client) {
    let data = folder.join("data");
    let mut command = Command::new(binary());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SANDGLASS_"))
    {
        command.env_remove(name);
    }
    let mut child = command
        .arg("serve")
        .arg("--data")
        .arg(&data)
        .args(["--listen", "127.0.0.1:0"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let (announce, announced) = mpsc::channel();
    let out = child.stdout.take().expect("stdout is a pipe");
    let mut err = child.stderr.take().expect("stderr is a pipe");
    let kept = Arc::clone(stderr);
    // Both pipes are read to their ends: a full one would stop the host.
    let readers = vec![
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if let Some((_, rest)) = line.split_once("listening on ") {
                    let url = rest.split_whitespace().next().unwrap_or_default();
                    // Nobody listens for a second one.
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
    let mut process = Process { child, readers };
    let Ok(url) = announced.recv_timeout(PATIENCE) else {
        let _ = process.child.kill();
        let status = process.end();
        let said = stderr.lock().expect("nobody panics with it").clone();
        panic!("the host does not say that it listens; it ended with {status}\n{said}");
    };
    let token =
        std::fs::read_to_string(data.join("token")).expect("a host leaves its first token in its folder");
    (process, Client::new(&url, token.trim()))
}
