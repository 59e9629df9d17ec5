//! The store as others see it.

use crate::commit::{Request, Writer};
use crate::database::{Database, io_failure};
use crate::folder::{OpenError, check_format, claim};
use crate::history::{History, folder_bytes};
use crate::progress::Progress;
use parking_lot::RwLock;
use sandglass_core::Instant;
use sandglass_core::retention::Period;
use sandglass_store::store::{Done, Script};
use sandglass_store::{Answer, KeyRange, Read, Space, Store, StoreError};
use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};
use tokio::sync::oneshot;

#[derive(Debug, Clone)]
pub struct Options {
    /// Memory for what was read of the state.
    pub state_cache_bytes: u64,
    /// Memory for what was read of each day of history that is open; up to eight are.
    pub history_cache_bytes: u64,
    /// Writes are refused while the disk has less space left than this.
    pub reserve_bytes: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options { state_cache_bytes: 64 << 20, history_cache_bytes: 8 << 20, reserve_bytes: 64 << 20 }
    }
}

/// What was done since the store was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Scripts that wrote something and were committed.
    pub commits: u64,
    /// Records that were put or deleted, each counted once in a batch however often its scripts wrote it.
    pub records: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// How often a database was synced.
    pub syncs: u64,
}

/// Storage in a folder, for one process. Closed when it is dropped: what was submitted is finished first.
pub struct SledStore {
    shared: Arc<Shared>,
    /// Gone only while the store is being dropped.
    requests: Option<Sender<Request>>,
    writer: Option<JoinHandle<()>>,
}

/// What those who look and the thread that commits have in common. Databases are closed in the order of the
/// fields, and the folder is let go of last.
pub(crate) struct Shared {
    pub history: History,
    pub state: Database,
    /// Held by everybody who looks, and by the one who writes while a database changes.
    pub looks: RwLock<()>,
    pub progress: Progress,
    pub counters: Counters,
    pub reserve_bytes: AtomicU64,
    pub folder: PathBuf,
    _lock: File,
}

#[derive(Default)]
pub(crate) struct Counters {
    pub commits: AtomicU64,
    pub records: AtomicU64,
    pub bytes: AtomicU64,
    pub syncs: AtomicU64,
}

impl SledStore {
    /// Opens the store in a folder, or makes one there. Takes about a second for a million records.
    pub fn open(folder: &Path, options: &Options) -> Result<SledStore, OpenError> {
        let failed = |error| OpenError::of_store(folder, error);
        let lock = claim(folder)?;
        check_format(folder)?;
        let state = Database::open(&folder.join("state"), options.state_cache_bytes, true).map_err(failed)?;
        let history = History::open(folder.join("history"), options.history_cache_bytes).map_err(failed)?;
        let shared = Arc::new(Shared {
            history,
            state,
            looks: RwLock::new(()),
            progress: Progress::new(),
            counters: Counters::default(),
            reserve_bytes: AtomicU64::new(options.reserve_bytes),
            folder: folder.to_owned(),
            _lock: lock,
        });
        let writer = Writer::new(shared.clone()).map_err(failed)?;
        let (requests, waiting) = mpsc::channel();
        let writer = thread::Builder::new()
            .name("sandglass-commit".into())
            .spawn(move || writer.work(&waiting))
            .map_err(|error| OpenError::Failed { path: folder.to_owned(), why: error.to_string() })?;
        Ok(SledStore { shared, requests: Some(requests), writer: Some(writer) })
    }

    pub fn stats(&self) -> Stats {
        let counters = &self.shared.counters;
        Stats {
            commits: counters.commits.load(Ordering::Relaxed),
            records: counters.records.load(Ordering::Relaxed),
            bytes: counters.bytes.load(Ordering::Relaxed),
            syncs: counters.syncs.load(Ordering::Relaxed),
        }
    }

    /// Changes [`Options::reserve_bytes`] from the next batch on.
    pub fn set_reserve(&self, bytes: u64) {
        self.shared.reserve_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Gives the request back where nobody takes any.
    fn send(&self, request: Request) -> Result<(), Request> {
        match &self.requests {
            Some(requests) => requests.send(request).map_err(|error| error.0),
            None => Err(request),
        }
    }
}

impl Store for SledStore {
    fn view(&self, look: &mut dyn FnMut(&dyn Read)) {
        let _look = self.shared.looks.read();
        look(&Committed(&self.shared));
    }

    fn submit(&self, script: Script, done: Done) {
        if let Err(Request::Run(_, done)) = self.send(Request::Run(script, done)) {
            done(Err(StoreError::Closed));
        }
    }

    fn settled(&self) -> Answer<()> {
        self.shared.progress.settled()
    }

    fn history(&self) -> Result<Vec<Period>, StoreError> {
        self.shared.history.periods()
    }

    fn bytes(&self) -> Result<u64, StoreError> {
        folder_bytes(&self.shared.folder).map_err(|error| io_failure(&error))
    }

    fn forget_history(&self, before: Instant) -> Answer<usize> {
        let (answer, answered) = oneshot::channel();
        // Where nobody takes it, the channel ends.
        let _ = self.send(Request::Forget { before, answer });
        Box::pin(async move { answered.await.unwrap_or(Err(StoreError::Closed)) })
    }
}

impl Drop for SledStore {
    fn drop(&mut self) {
        // The thread ends when it has done what waits.
        self.requests = None;
        if let Some(writer) = self.writer.take() {
            // A `done` that had the last handle of the store drops it on that thread itself.
            if writer.thread().id() != thread::current().id() && writer.join().is_err() {
                tracing::error!("the thread that commits ended in a panic");
            }
        }
    }
}

/// What is committed. Whoever reads it either holds `looks` or is the thread that commits.
pub(crate) struct Committed<'a>(pub &'a Shared);

impl Read for Committed<'_> {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if space.is_history() { self.0.history.get(space, key) } else { self.0.state.get(space, key) }
    }

    fn scan(
        &self,
        space: Space,
        range: &KeyRange,
        backwards: bool,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        if space.is_history() {
            return self.0.history.scan(space, range, backwards, visit);
        }
        self.0.state.scan(space, range, backwards, visit).map(|_| ())
    }
}
