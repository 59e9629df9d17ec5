//! The host: storage, runtime and the loops, behind one handle.

use crate::claim::Lateness;
use crate::deliver::{self, MailProblem, MailRoute};
use crate::executor::Executor;
use crate::log::{Journal, Journals};
use crate::vault::{KeySource, SecretError, Vault};
use crate::watch::Watched;
use crate::{claim, index, metric, notify, prune, recover};
use parking_lot::Mutex;
use sandglass_core::limit::{Bytes, fixed};
use sandglass_core::retention::Retention;
use sandglass_core::run::{Run, Trigger};
use sandglass_core::{Instant, Name, RunId, SecretName, SecretValue, Span};
use sandglass_outbound::Client;
use sandglass_runtime::Clock;
use sandglass_store::op::claim::Room;
use sandglass_store::op::email::Place;
use sandglass_store::op::{self, OpError, once};
use sandglass_store::{KeyRange, Space, Store, StoreError, StoreExt, Write};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What the operator may set.
#[derive(Debug, Clone)]
pub struct Options {
    /// Attempts that execute at one time.
    pub attempts_max: usize,
    /// Their linear memory, counted by what each may take at most.
    pub memory_max: Bytes,
    /// How long ended runs and their logs are kept, and how much of them.
    pub history: Retention,
    /// What makes requests to other hosts: those of jobs, and webhooks. Without it jobs are told so, and webhooks wait.
    pub outbound: Option<Arc<Client>>,
    /// What delivers mail; without it the outbox keeps it.
    pub mail: Option<Arc<MailRoute>>,
    /// What secrets are sealed with.
    pub secret_key: KeySource,
    /// A wall clock that is set, or a machine that slept, is noticed within this time.
    pub look_every: Span,
}

impl Default for Options {
    fn default() -> Options {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Options {
            attempts_max: 64 * cores,
            memory_max: Bytes(u64::MAX),
            history: Retention::default(),
            outbound: None,
            mail: None,
            secret_key: KeySource::default(),
            look_every: Span::from_secs(1),
        }
    }
}

/// Why the host did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Secret(#[from] SecretError),
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
    pub(crate) vault: Arc<Vault>,
    pub(crate) journals: Journals,
    pub(crate) lateness: Lateness,
    pub(crate) tasks: TaskTracker,
    /// Ends the loops.
    pub(crate) closing: CancellationToken,
    /// Storage has stopped, and with it this host.
    broken: CancellationToken,
    /// What the clock has shown, as the loop of claims saw it last: then it is seen to be set back.
    pub(crate) seen: Mutex<Instant>,
    /// Runs of all jobs that wait for an attempt, as they were counted lately.
    waiting: AtomicUsize,
    due: Notify,
    pub(crate) index_work: Notify,
    executing: Mutex<Executing>,
    attempts: AtomicU64,
    changes: broadcast::Sender<RunId>,
    /// There may be mail to deliver.
    pub(crate) outbox: Notify,
    pub(crate) mail_problem: Mutex<Option<MailProblem>>,
    pub(crate) mail_changes: broadcast::Sender<Place>,
}

/// The attempts that execute, and what they take.
#[derive(Default)]
struct Executing {
    /// By run and attempt: the next attempt may begin before the one before it has let go of everything.
    cancels: BTreeMap<(RunId, u32), CancellationToken>,
    memory: u64,
    /// How often a run was ended by somebody else than its attempt.
    endings: u64,
}

impl Executing {
    fn measure(&self) {
        metric::executing(self.cancels.len(), self.memory);
    }
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
        let vault = Arc::new(Vault::open(store.clone(), clock.clone(), options.secret_key.clone())?);
        let broken = CancellationToken::new();
        let host = Arc::new(Host {
            store: Arc::new(Watched { store, stopped: broken.clone() }),
            executor,
            clock,
            random,
            options,
            vault,
            journals: Journals::default(),
            lateness: Lateness::default(),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            broken,
            seen: Mutex::new(Instant::MIN),
            waiting: AtomicUsize::new(0),
            due: Notify::new(),
            index_work: Notify::new(),
            executing: Mutex::default(),
            attempts: AtomicU64::new(0),
            changes: broadcast::channel(CHANGES_KEPT).0,
            outbox: Notify::new(),
            mail_problem: Mutex::default(),
            mail_changes: broadcast::channel(CHANGES_KEPT).0,
        });
        let recovered = recover::recover(&host).await?;
        metric::lost(recovered.lost);
        if recovered.lost > 0 {
            tracing::warn!(
                attempts = recovered.lost,
                "attempts were lost when the host stopped; they are tried again"
            );
        }
        let sending = deliver::recover(&host).await?;
        if sending > 0 {
            tracing::warn!(
                emails = sending,
                "emails were being sent when the host stopped; they are sent again"
            );
        }
        if let Err(error) = host.vault.settle().await {
            tracing::error!(%error, "the change of the key of secrets is not done; both keys are kept");
        }
        host.tasks.spawn(claim::run(host.clone()));
        host.tasks.spawn(prune::run(host.clone()));
        host.tasks.spawn(notify::run(host.clone()));
        host.tasks.spawn(index::run(host.clone()));
        host.tasks.spawn(deliver::run(host.clone()));
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

    /// Counts the runs that wait.
    pub(crate) fn count_waiting(&self) -> Result<(), StoreError> {
        let waiting = self.store.read(|read| read.count(Space::Waiting, &KeyRange::all(), fixed::WAITING))?;
        self.waiting.store(waiting, Ordering::Relaxed);
        metric::waiting(waiting);
        Ok(())
    }

    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    pub fn vault(&self) -> &Arc<Vault> {
        &self.vault
    }

    /// A secret's newest value, for the host's own use; none where there is no such secret.
    pub fn secret(&self, name: &SecretName) -> Result<Option<SecretValue>, SecretError> {
        self.vault.get(name)
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
            self.outbox.notify_one();
            result
        }
    }

    /// A change that is made once, however often it is asked for: see [`once`].
    pub fn change_once<T, F>(
        &self,
        request: Option<once::Request>,
        script: F,
    ) -> impl Future<Output = Result<T, OpError>> + Send
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        F: FnOnce(&mut dyn Write, Instant) -> Result<T, OpError> + Send + 'static,
    {
        self.change(move |write, now| once::once(write, request, now, |write| script(write, now)))
    }

    /// Asks for a run now.
    pub async fn ask(
        &self,
        job: Name,
        trigger: Trigger,
        input: Option<String>,
        request: Option<once::Request>,
    ) -> Result<Run, OpError> {
        self.check_room()?;
        let random = (self.random)();
        let script = move |write: &mut dyn Write, now| op::run::ask(write, &job, trigger, input, now, random);
        let run: Run = self.change_once(request, script).await?;
        self.tell(run.id);
        Ok(run)
    }

    /// Asks for a run like one that has ended.
    pub async fn again(&self, id: RunId, request: Option<once::Request>) -> Result<Run, OpError> {
        self.check_room()?;
        let random = (self.random)();
        let script = move |write: &mut dyn Write, now| op::run::again(write, id, now, random);
        let run: Run = self.change_once(request, script).await?;
        self.tell(run.id);
        Ok(run)
    }

    /// Asks for a run for each instant of a job's schedule in a time that is over.
    pub async fn backfill(
        &self,
        job: Name,
        from: Instant,
        to: Instant,
        request: Option<once::Request>,
    ) -> Result<Vec<RunId>, OpError> {
        self.check_room()?;
        let random = self.random.clone();
        let script = move |write: &mut dyn Write, now| {
            let runs = op::run::backfill(write, &job, from, to, now, &mut || random())?;
            Ok(runs.into_iter().map(|run| run.id).collect())
        };
        let runs: Vec<RunId> = self.change_once(request, script).await?;
        for run in &runs {
            self.tell(*run);
        }
        Ok(runs)
    }

    fn check_room(&self) -> Result<(), OpError> {
        if self.waiting.load(Ordering::Relaxed) < fixed::WAITING {
            return Ok(());
        }
        Err(OpError::Limit(format!(
            "{} runs of all jobs are waiting, which is the limit: try again when some have ended",
            fixed::WAITING
        )))
    }

    /// Cancels a run. Its attempt, if one is running, is dropped with all that it wrote.
    pub async fn cancel(&self, id: RunId) -> Result<Run, OpError> {
        let run = self.change(move |write, now| op::run::cancel(write, id, now)).await?;
        self.ended(id);
        Ok(run)
    }

    /// A run has ended, whatever its attempt does: if one executes, it is told.
    pub(crate) fn ended(&self, id: RunId) {
        let mut executing = self.executing.lock();
        executing.endings += 1;
        for token in executing.cancels.range((id, 0)..=(id, u32::MAX)).map(|(_, token)| token) {
            token.cancel();
        }
        drop(executing);
        self.tell(id);
    }

    /// For [`Host::end_what_ended_since`].
    pub(crate) fn endings(&self) -> u64 {
        self.executing.lock().endings
    }

    /// Tells attempts that have just entered of runs that were ended since `endings` was read, which was before
    /// their claim: whoever ended one between its claim and its entry found no attempt to tell.
    pub(crate) fn end_what_ended_since(&self, endings: u64, entered: &[RunId]) -> Result<(), StoreError> {
        if self.endings() == endings {
            return Ok(());
        }
        for id in entered {
            let run = self.store.read(|read| op::run::get(read, *id))?;
            if run.is_none_or(|run| run.outcome().is_some()) {
                self.ended(*id);
            }
        }
        Ok(())
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

    /// Runs as they change, from now on: when one is asked for, begins an attempt, ends one, or is cancelled.
    pub fn changes(&self) -> broadcast::Receiver<RunId> {
        self.changes.subscribe()
    }

    /// Ends when something may have become due earlier than was known, or a slot may have become free.
    pub(crate) async fn woken(&self) {
        self.due.notified().await;
    }

    /// There may be indexes to build, or to drop.
    pub fn indexes_changed(&self) {
        self.index_work.notify_one();
    }

    /// Attempts that execute now.
    pub fn executing(&self) -> usize {
        self.executing.lock().cancels.len()
    }

    pub(crate) fn room(&self) -> Room {
        let executing = self.executing.lock();
        Room {
            slots: self.options.attempts_max.saturating_sub(executing.cancels.len()),
            memory: Bytes(self.options.memory_max.0.saturating_sub(executing.memory)),
            idle: executing.cancels.is_empty(),
        }
    }

    /// Attempts that may execute at one time.
    pub fn attempts_max(&self) -> usize {
        self.options.attempts_max
    }

    /// Attempts that began since the start of the process.
    pub fn attempts(&self) -> u64 {
        self.attempts.load(Ordering::Relaxed)
    }

    /// Runs of all jobs that wait for an attempt, as they were counted in the last seconds.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    pub(crate) fn enter(host: &Arc<Host>, run: RunId, attempt: u32, memory: Bytes) -> Entered {
        let cancel = CancellationToken::new();
        let mut executing = host.executing.lock();
        executing.cancels.insert((run, attempt), cancel.clone());
        executing.memory += memory.0;
        executing.measure();
        drop(executing);
        let journal = host.journals.open(run);
        host.attempts.fetch_add(1, Ordering::Relaxed);
        host.tell(run);
        Entered { host: host.clone(), run, attempt, memory, cancel, journal }
    }
}

/// An attempt's place among those that execute; given back when it is dropped, whatever happened.
pub(crate) struct Entered {
    host: Arc<Host>,
    run: RunId,
    attempt: u32,
    memory: Bytes,
    pub(crate) cancel: CancellationToken,
    pub(crate) journal: Arc<Journal>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.host.journals.close(self.run, &self.journal);
        let mut executing = self.host.executing.lock();
        executing.cancels.remove(&(self.run, self.attempt));
        executing.memory -= self.memory.0;
        executing.measure();
        drop(executing);
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
