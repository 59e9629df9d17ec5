//! The host: storage, runtime and the loops, behind one handle.

use crate::claim::Lateness;
use crate::executor::Executor;
use crate::log::{Journal, Journals};
use crate::{claim, prune, recover};
use parking_lot::Mutex;
use sandglass_core::limit::fixed;
use sandglass_core::retention::Retention;
use sandglass_core::run::Run;
use sandglass_core::{Instant, RunId, Span};
use sandglass_runtime::Clock;
use sandglass_store::op::{self, OpError};
use sandglass_store::{Space, Store, StoreError, StoreExt, Write};
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What the operator may set.
#[derive(Debug, Clone)]
pub struct Options {
    /// Attempts that execute at one time.
    pub attempts_max: usize,
    /// How long ended runs and their logs are kept, and how much of them.
    pub history: Retention,
}

impl Default for Options {
    fn default() -> Options {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Options { attempts_max: 64 * cores, history: Retention::default() }
    }
}

/// Why the host did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where the host's random numbers come from: [`system_random`], or a seed in a simulation.
pub type Random = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The running host. Cheap to share in an `Arc`.
pub struct Host {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) executor: Arc<dyn Executor>,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) options: Options,
    pub(crate) journals: Journals,
    pub(crate) lateness: Lateness,
    pub(crate) tasks: TaskTracker,
    /// Ends the loops.
    pub(crate) closing: CancellationToken,
    /// Storage has stopped, and with it this host.
    broken: CancellationToken,
    /// Runs of all jobs that wait for an attempt, as they were counted lately.
    waiting: AtomicUsize,
    due: Notify,
    executing: AtomicUsize,
    running: Mutex<HashMap<RunId, CancellationToken>>,
    changes: broadcast::Sender<RunId>,
}

/// Changes of runs that a slow listener may lag behind before it must look for itself.
const CHANGES_KEPT: usize = 1024;

impl Host {
    /// Recovers what the last process left, and starts the loops on the current tokio runtime.
    pub async fn start(
        store: Arc<dyn Store>,
        executor: Arc<dyn Executor>,
        clock: Clock,
        random: Random,
        options: Options,
    ) -> Result<Arc<Host>, StartError> {
        let host = Arc::new(Host {
            store,
            executor,
            clock,
            random,
            options,
            journals: Journals::default(),
            lateness: Lateness::default(),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            broken: CancellationToken::new(),
            waiting: AtomicUsize::new(0),
            due: Notify::new(),
            executing: AtomicUsize::new(0),
            running: Mutex::default(),
            changes: broadcast::channel(CHANGES_KEPT).0,
        });
        let recovered = recover::recover(&host).await?;
        if recovered.lost > 0 {
            tracing::warn!(
                attempts = recovered.lost,
                "attempts were lost when the host stopped; they are tried again"
            );
        }
        host.tasks.spawn(claim::run(host.clone()));
        host.tasks.spawn(prune::run(host.clone()));
        Ok(host)
    }

    /// Takes no more work, gives what is running `grace` to end, and returns. What has not ended by then is
    /// lost, and tried again at the next start.
    pub async fn stop(&self, grace: Span) {
        self.closing.cancel();
        self.tasks.close();
        if tokio::time::timeout(grace.to_std(), self.tasks.wait()).await.is_err() {
            tracing::warn!(attempts = self.executing(), "stopped while attempts were running");
        }
    }

    /// Ends when storage has stopped for good: the process is of no use any more and must start again.
    pub async fn broken(&self) {
        self.broken.cancelled().await;
    }

    pub(crate) fn set_broken(&self) {
        self.broken.cancel();
    }

    /// Counts the runs that wait.
    pub(crate) fn count_waiting(&self) -> Result<(), StoreError> {
        let range = op::due::all_attempts();
        let waiting = self.store.read(|read| read.count(Space::Due, &range, fixed::WAITING))?;
        self.waiting.store(waiting, Ordering::Relaxed);
        Ok(())
    }

    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    pub fn now(&self) -> Instant {
        (self.clock)()
    }

    pub fn lateness(&self) -> &Lateness {
        &self.lateness
    }

    /// Runs a script that may change what is due. It gets the instant of its commit, read while nobody else
    /// writes: instants follow each other as commits do.
    pub fn change<T, E, F>(&self, script: F) -> impl Future<Output = Result<T, E>> + Send
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut dyn Write, Instant) -> Result<T, E> + Send + 'static,
    {
        let clock = self.clock.clone();
        let written = self.store.write(move |write| script(write, clock()));
        async move {
            let result = written.await;
            self.due.notify_one();
            result
        }
    }

    /// Asks for a run now.
    pub async fn ask(&self, job: sandglass_core::Name, input: Option<String>) -> Result<Run, OpError> {
        if self.waiting.load(Ordering::Relaxed) >= fixed::WAITING {
            return Err(OpError::Limit(format!(
                "{} runs of all jobs are waiting, which is the limit: try again when some have ended",
                fixed::WAITING
            )));
        }
        let random = (self.random)();
        let run = self.change(move |write, now| op::run::ask(write, &job, input, now, random)).await?;
        Ok(run)
    }

    /// Cancels a run. Its attempt, if one is running, is dropped with all that it wrote.
    pub async fn cancel(&self, id: RunId) -> Result<Run, OpError> {
        let run = self.change(move |write, now| op::run::cancel(write, id, now)).await?;
        if let Some(token) = self.running.lock().get(&id) {
            token.cancel();
        }
        self.tell(id);
        Ok(run)
    }

    /// The run when it has ended, or as it is when `most` is over. None where there is no such run.
    pub async fn wait(&self, id: RunId, most: Span) -> Result<Option<Run>, StoreError> {
        let mut changes = self.changes.subscribe();
        let until = tokio::time::Instant::now() + most.to_std();
        loop {
            let run = self.store.read(|read| op::run::get(read, id))?;
            if run.as_ref().is_none_or(|run| run.outcome().is_some()) {
                return Ok(run);
            }
            let changed = async {
                // Whoever lags looks again, as after any change.
                while let Ok(changed) = changes.recv().await {
                    if changed == id {
                        break;
                    }
                }
            };
            if tokio::time::timeout_at(until, changed).await.is_err() {
                return self.store.read(|read| op::run::get(read, id));
            }
        }
    }

    /// Tells listeners that a run has changed.
    pub(crate) fn tell(&self, id: RunId) {
        // Nobody may listen.
        let _ = self.changes.send(id);
    }

    /// Ends when something may have become due earlier than was known, or a slot may have become free.
    pub(crate) async fn woken(&self) {
        self.due.notified().await;
    }

    /// Attempts that execute now.
    pub fn executing(&self) -> usize {
        self.executing.load(Ordering::Relaxed)
    }

    pub(crate) fn slots(&self) -> usize {
        self.options.attempts_max.saturating_sub(self.executing())
    }

    pub(crate) fn enter(host: &Arc<Host>, run: RunId) -> Entered {
        host.executing.fetch_add(1, Ordering::Relaxed);
        let cancel = CancellationToken::new();
        host.running.lock().insert(run, cancel.clone());
        let journal = host.journals.open(run);
        Entered { host: host.clone(), run, cancel, journal }
    }
}

/// An attempt's place among those that execute; given back when it is dropped, whatever happened.
pub(crate) struct Entered {
    host: Arc<Host>,
    run: RunId,
    pub(crate) cancel: CancellationToken,
    pub(crate) journal: Arc<Journal>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.host.journals.close(self.run);
        self.host.running.lock().remove(&self.run);
        self.host.executing.fetch_sub(1, Ordering::Relaxed);
        self.host.due.notify_one();
        self.host.tell(self.run);
    }
}

/// Eight random bytes of the operating system.
pub fn system_random() -> u64 {
    getrandom::u64().unwrap_or_else(|error| {
        // No kernel that runs this host lacks the call. Ids stay unique by their time alone.
        tracing::error!(%error, "the operating system gives no random bytes");
        0
    })
}
