//! What the host knows of an attempt before it begins, and what comes of it.

use sandglass_core::effect::Effects;
use sandglass_core::log::Line;
use sandglass_core::run::{Ending, Failure, Traces, Trigger};
use sandglass_core::spec::Specification;
use sandglass_core::{Instant, Name, RunId, SecretName, SecretValue};
use sandglass_outbound::Client;
use sandglass_store::Store;
use std::pin::Pin;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The host's wall clock.
pub type Clock = Arc<dyn Fn() -> Instant + Send + Sync>;

/// A future that a trait object gives.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Everything that one attempt is given.
pub struct AttemptContext {
    pub run: RunId,
    /// The job's name.
    pub job: Name,
    /// From 1.
    pub attempt: u32,
    pub trigger: Trigger,
    /// The nominal instant of the occurrence; for a manual run, when it was asked for.
    pub scheduled_for: Instant,
    /// The occurrence of the newest run that succeeded.
    pub last_success: Option<Instant>,
    /// JSON text.
    pub input: Option<String>,
    /// What the newest checkpoint of the run left.
    pub progress: Option<String>,
    /// Environment, grants, limits and timeout come from here.
    pub spec: Arc<Specification>,
    /// Emails of the run that were committed before this attempt. Message-IDs go on from here.
    pub emails_of_run: u32,
    /// Emails of the job that were committed in the 24 hours before.
    pub emails_of_day: u32,
    pub clock: Clock,
    /// All of the guest's randomness comes of it: from the system in production, chosen in tests.
    pub seed: [u8; 32],
    /// For reading rows.
    pub store: Arc<dyn Store>,
    pub committer: Arc<dyn Committer>,
    pub secrets: Arc<dyn Secrets>,
    /// What makes the guest's requests to other hosts. None: this host makes none.
    pub outbound: Option<Arc<Client>>,
    pub log: Arc<dyn LogSink>,
    /// Ends the attempt wherever it is, as soon as it can.
    pub cancel: CancellationToken,
}

/// Makes an attempt's checkpoints durable.
pub trait Committer: Send + Sync + 'static {
    /// Commits what the attempt wrote since its last checkpoint, together with `progress`, and returns when
    /// that is durable. The future may be dropped at any moment: the commit then happens, or it does not.
    ///
    /// # Errors
    /// The attempt ends with this failure, a conflict for example. Where the run was cancelled, cancel the
    /// attempt's token too.
    fn checkpoint(&self, effects: Effects, progress: Option<String>) -> BoxFuture<'_, Result<(), Failure>>;
}

/// Gives the values of secrets. Whether a job may have one is judged before it is asked for.
pub trait Secrets: Send + Sync + 'static {
    /// A secret's newest value, none where it was never set.
    ///
    /// # Errors
    /// Why it cannot be had now, for people.
    fn get(&self, name: &SecretName) -> Result<Option<SecretValue>, String>;
}

/// Takes the lines of an attempt's log, in their order.
pub trait LogSink: Send + Sync + 'static {
    /// Called on the threads of guests: it must not block.
    fn line(&self, line: Line);
}

/// What came of an attempt.
#[derive(Debug)]
pub enum Finished {
    Ended {
        ending: Ending,
        /// What the attempt wrote since its last checkpoint. Empty unless the guest succeeded.
        effects: Effects,
    },
    /// By its token. What it wrote since its last checkpoint is dropped.
    Cancelled(Traces),
}
