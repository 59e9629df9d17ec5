//! A run and its states. [`step`] is the state machine; docs/state-machine.md draws it.

use crate::exchange::Exchange;
use crate::id::{Name, RunId};
use crate::policy::Retry;
use crate::time::{Instant, Span};
use serde::{Deserialize, Serialize};

/// The work for one occurrence, or for one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub id: RunId,
    pub job: Name,
    pub trigger: Trigger,
    /// The nominal instant of the occurrence; for a run that somebody asked for, when that was.
    pub scheduled_for: Instant,
    /// Which clock that instant was read from: see [`crate::epoch`].
    #[serde(default, skip_serializing_if = "crate::epoch::is_first")]
    pub epoch: u32,
    /// A run that has not begun by then ends as skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_by: Option<Instant>,
    /// How long that was from when it could have begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_within: Option<Span>,
    /// The ended run that this one does again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<RunId>,
    /// JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    pub state: State,
    /// The newest ones, at most [`Run::ATTEMPTS_KEPT`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// Attempts that count against the retry policy.
    #[serde(default)]
    pub counted: u32,
    #[serde(default)]
    pub conflicts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflicts_since: Option<Instant>,
    #[serde(default)]
    pub lost: u32,
    /// What the newest checkpoint left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<String>,
    /// Emails committed so far, all attempts together.
    #[serde(default)]
    pub emails: u32,
    /// What the run returned when it succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// The run of this job that ended before this one did: runs of a job are listed along this chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<RunId>,
}

/// What asked for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// An occurrence that was due.
    Schedule,
    /// An occurrence that was missed.
    CatchUp,
    /// An occurrence of the past that somebody asked for.
    Backfill,
    /// Somebody, now.
    Manual,
    /// A signed request of another system.
    Webhook,
}

impl Trigger {
    pub const ALL: [Trigger; 5] =
        [Trigger::Schedule, Trigger::CatchUp, Trigger::Backfill, Trigger::Manual, Trigger::Webhook];

    pub fn as_str(self) -> &'static str {
        match self {
            Trigger::Schedule => "schedule",
            Trigger::CatchUp => "catch-up",
            Trigger::Backfill => "backfill",
            Trigger::Manual => "manual",
            Trigger::Webhook => "webhook",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum State {
    /// Waits for its first attempt.
    Queued {
        /// Its place in the index of what is to be done; none while others of its job go before it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due: Option<Instant>,
    },
    Running {
        /// Numbered from 1. The number is the attempt's fence: nothing of an older one is committed.
        attempt: u32,
        revision: u32,
        since: Instant,
    },
    /// Waits for its next attempt.
    Retrying {
        due: Instant,
    },
    Ended {
        outcome: Outcome,
        at: Instant,
    },
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Succeeded,
    Failed(Cause),
    Cancelled,
    /// It did not begin in time, and was given up as missed.
    Skipped,
}

impl Outcome {
    /// `succeeded`, `failed`, `cancelled` or `skipped`.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Succeeded => "succeeded",
            Outcome::Failed(_) => "failed",
            Outcome::Cancelled => "cancelled",
            Outcome::Skipped => "skipped",
        }
    }

    pub fn cause(self) -> Option<Cause> {
        match self {
            Outcome::Failed(cause) => Some(cause),
            _ => None,
        }
    }
}

/// Why an attempt failed: the host's limit or refusal, or else the guest's own error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The guest returned a failure.
    Error,
    /// It used something that jobs, or this one, are not given, in a way that no answer could refuse.
    Denied,
    Trap,
    OutOfFuel,
    OutOfMemory,
    StackOverflow,
    Timeout,
    Quota,
    /// A row that it read and wrote was written by somebody else meanwhile.
    Conflict,
    /// The host failed, not the guest.
    HostError,
    /// The host died while the attempt was running.
    Lost,
}

impl Cause {
    pub const ALL: [Cause; 11] = [
        Cause::Error,
        Cause::Denied,
        Cause::Trap,
        Cause::OutOfFuel,
        Cause::OutOfMemory,
        Cause::StackOverflow,
        Cause::Timeout,
        Cause::Quota,
        Cause::Conflict,
        Cause::HostError,
        Cause::Lost,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Cause::Error => "error",
            Cause::Denied => "denied",
            Cause::Trap => "trap",
            Cause::OutOfFuel => "out-of-fuel",
            Cause::OutOfMemory => "out-of-memory",
            Cause::StackOverflow => "stack-overflow",
            Cause::Timeout => "timeout",
            Cause::Quota => "quota",
            Cause::Conflict => "conflict",
            Cause::HostError => "host-error",
            Cause::Lost => "lost",
        }
    }
}

/// One execution of the component for a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub number: u32,
    pub revision: u32,
    pub started_at: Instant,
    pub ended_at: Instant,
    pub outcome: Outcome,
    /// What ended it, for people; none where it succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The WebAssembly frames of a trap, innermost first, a line each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backtrace: Option<String>,
    /// The last error that a host call gave, whatever ended the attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    #[serde(default)]
    pub usage: Usage,
    /// Its requests to other hosts, the first ones; `usage.http_calls` counts all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<Exchange>,
}

/// What an attempt leaves behind, however it ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Traces {
    pub usage: Usage,
    /// The last error that a host call gave.
    pub last_error: Option<String>,
    /// Its requests to other hosts, at most [`EXCHANGES_KEPT`](crate::limit::fixed::EXCHANGES_KEPT).
    pub exchanges: Vec<Exchange>,
}

/// What an attempt used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Units, instantiation and the host calls' tariff included.
    pub fuel: u64,
    /// The most linear memory that was allocated at one time, summed over memories.
    pub memory_bytes: u64,
    /// Wall time from instantiation to return.
    pub wall_micros: u64,
    /// Wall time inside host calls.
    pub host_call_micros: u64,
    pub host_calls: u64,
    pub rows_read: u64,
    pub rows_written: u64,
    pub emails: u32,
    pub log_bytes: u64,
    /// Requests to other hosts, refused ones included, and the bytes of HTTP that they sent and received.
    pub http_calls: u32,
    pub http_sent: u64,
    pub http_received: u64,
}

/// How an attempt ended, as the one who executed it tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    pub result: Result<Option<String>, Failure>,
    pub traces: Traces,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub cause: Cause,
    /// Whether the guest said that another attempt is worth it.
    pub retry: bool,
    pub message: String,
    pub backtrace: Option<String>,
}

impl Failure {
    pub fn new(cause: Cause, message: impl Into<String>) -> Failure {
        Failure { cause, retry: false, message: message.into(), backtrace: None }
    }
}

impl Run {
    pub const ATTEMPTS_KEPT: usize = 20;

    /// A run that waits for its first attempt.
    pub fn queued(id: RunId, job: Name, trigger: Trigger, scheduled_for: Instant, epoch: u32) -> Run {
        Run {
            id,
            job,
            trigger,
            scheduled_for,
            epoch,
            start_by: None,
            start_within: None,
            retry_of: None,
            input: None,
            state: State::Queued { due: None },
            attempts: Vec::new(),
            counted: 0,
            conflicts: 0,
            conflicts_since: None,
            lost: 0,
            progress: None,
            emails: 0,
            result: None,
            previous: None,
        }
    }

    /// The number of the attempt that is running.
    pub fn running_attempt(&self) -> Option<u32> {
        match self.state {
            State::Running { attempt, .. } => Some(attempt),
            _ => None,
        }
    }

    /// How many attempts there were, the running one included.
    pub fn attempts_begun(&self) -> u32 {
        self.running_attempt().or(self.attempts.last().map(|attempt| attempt.number)).unwrap_or(0)
    }

    /// Where the run stands in the index of what is to be done, if it waits there.
    pub fn due(&self) -> Option<Instant> {
        match self.state {
            State::Queued { due } => due,
            State::Retrying { due } => Some(due),
            _ => None,
        }
    }

    pub fn outcome(&self) -> Option<Outcome> {
        match self.state {
            State::Ended { outcome, .. } => Some(outcome),
            _ => None,
        }
    }

    /// Whether it waits for its first attempt.
    pub fn is_queued(&self) -> bool {
        matches!(self.state, State::Queued { .. })
    }

    /// The state in one word: queued, running, retrying, succeeded, failed, cancelled or skipped.
    pub fn status(&self) -> &'static str {
        match self.state {
            State::Queued { .. } => "queued",
            State::Running { .. } => "running",
            State::Retrying { .. } => "retrying",
            State::Ended { outcome, .. } => outcome.as_str(),
        }
    }
}

/// What can happen to a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An attempt begins, of this revision.
    Start { revision: u32 },
    /// The running attempt ended by itself, by a limit, or by a conflict at its commit.
    End { attempt: u32, ending: Box<Ending> },
    /// Somebody asked to end the run, or a newer occurrence replaces it.
    Cancel,
    /// The run has waited as long as its policy lets it.
    Expire,
    /// The host started and found the run running.
    Lose,
}

/// Why an event does not apply to a run's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the run has ended")]
    Ended,
    #[error("the run is running already")]
    Running,
    #[error("the run has begun")]
    Begun,
    #[error("that attempt is not the one that is running")]
    Stale,
}

const CONFLICTS_MAX: u32 = 20;
const CONFLICTS_WITHIN: Span = Span::from_secs(10);
const LOSSES_MAX: u32 = 3;

/// The state machine: what becomes of `run` when `event` happens at `now`. `random` spreads the backoff.
///
/// The effects follow from the new state: a run that waits stands in the index under its `due`, one that
/// ended leaves the live ones, and what the attempt wrote is committed only where the run succeeded.
pub fn step(run: &Run, event: Event, retry: &Retry, now: Instant, random: u64) -> Result<Run, Refused> {
    match (&run.state, event) {
        (State::Ended { .. }, _) => Err(Refused::Ended),
        (State::Running { .. }, Event::Start { .. }) => Err(Refused::Running),
        (State::Queued { .. } | State::Retrying { .. }, Event::Start { revision }) => {
            let mut run = run.clone();
            run.state = State::Running { attempt: run.attempts_begun() + 1, revision, since: now };
            Ok(run)
        }
        (State::Running { attempt, .. }, Event::End { attempt: ended, ending }) if *attempt == ended => {
            Ok(end(run, *ending, retry, now, random))
        }
        (State::Running { .. }, Event::Lose) => {
            let message = "the host stopped while this attempt was running".to_string();
            let failure = Failure::new(Cause::Lost, message);
            let ending = Ending { result: Err(failure), traces: Traces::default() };
            Ok(end(run, ending, retry, now, random))
        }
        (_, Event::End { .. } | Event::Lose) => Err(Refused::Stale),
        (State::Queued { .. }, Event::Expire) => {
            Ok(Run { state: State::Ended { outcome: Outcome::Skipped, at: now }, ..run.clone() })
        }
        (State::Running { .. } | State::Retrying { .. }, Event::Expire) => Err(Refused::Begun),
        (State::Running { .. }, Event::Cancel) => {
            let mut run =
                record(run, Outcome::Cancelled, Some("cancelled".into()), None, Traces::default(), now);
            run.state = State::Ended { outcome: Outcome::Cancelled, at: now };
            Ok(run)
        }
        (_, Event::Cancel) => {
            Ok(Run { state: State::Ended { outcome: Outcome::Cancelled, at: now }, ..run.clone() })
        }
    }
}

fn end(run: &Run, ending: Ending, retry: &Retry, now: Instant, random: u64) -> Run {
    let Ending { result, traces } = ending;
    let failure = match result {
        Ok(result) => {
            let mut run = record(run, Outcome::Succeeded, None, None, traces, now);
            run.result = result;
            run.state = State::Ended { outcome: Outcome::Succeeded, at: now };
            return run;
        }
        Err(failure) => failure,
    };
    let Failure { cause, retry: worth_it, message, backtrace } = failure;
    let mut run = record(run, Outcome::Failed(cause), Some(message), backtrace, traces, now);
    let again = match cause {
        Cause::Conflict => {
            let since = *run.conflicts_since.get_or_insert(now);
            run.conflicts += 1;
            (run.conflicts <= CONFLICTS_MAX && now.since(since) <= CONFLICTS_WITHIN).then_some(now)
        }
        Cause::Lost => {
            run.lost += 1;
            (run.lost <= LOSSES_MAX).then_some(now)
        }
        cause => {
            run.counted += 1;
            let by_itself = cause == Cause::HostError || (cause == Cause::Error && worth_it);
            let again = (by_itself || retry.on.contains(&cause)) && run.counted < retry.max_attempts;
            again.then(|| now.plus(retry.backoff(run.counted, random)))
        }
    };
    run.state = match again {
        Some(due) => State::Retrying { due },
        None => State::Ended { outcome: Outcome::Failed(cause), at: now },
    };
    run
}

/// The run with its running attempt among those that ended.
fn record(
    run: &Run,
    outcome: Outcome,
    message: Option<String>,
    backtrace: Option<String>,
    traces: Traces,
    now: Instant,
) -> Run {
    let mut run = run.clone();
    if let State::Running { attempt, revision, since } = run.state {
        if run.attempts.len() == Run::ATTEMPTS_KEPT {
            run.attempts.remove(0);
        }
        run.attempts.push(Attempt {
            number: attempt,
            revision,
            started_at: since,
            ended_at: now,
            outcome,
            message,
            backtrace,
            last_error: traces.last_error,
            usage: traces.usage,
            exchanges: traces.exchanges,
        });
    }
    run
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
