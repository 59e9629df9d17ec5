//! A job as it is shown: what it is, how it stands, and what comes next.

use super::warning;
use sandglass_core::job::{End, Job, Status};
use sandglass_core::run::Cause;
use sandglass_core::schedule::Schedule;
use sandglass_core::spec::Specification;
use sandglass_core::{Digest, Instant, Name, RunId, SecretName};
use sandglass_store::op::job::Current;
use sandglass_store::op::{self, OpError};
use sandglass_store::record::Component;
use sandglass_store::{Read, StoreError};
use serde::Serialize;
use std::collections::HashMap;

#[derive(Debug, Serialize)]
pub(crate) struct View {
    name: Name,
    version: u64,
    revision: u32,
    created_at: Instant,
    revised_at: Instant,
    /// `active` or `paused`.
    state: &'static str,
    paused: Option<Paused>,
    specification: Specification,
    schedule_words: String,
    /// The next instants of the schedule, before jitter.
    next: Vec<Instant>,
    live_runs: usize,
    last_success: Option<Instant>,
    last_skip: Option<Instant>,
    last_run: Option<Last>,
    /// Newest first.
    recent: Vec<Last>,
    counters: Counters,
    /// Notifications that nobody took.
    #[serde(skip_serializing_if = "Option::is_none")]
    undelivered: Option<Undelivered>,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Paused {
    since: Instant,
    reason: String,
}

/// How one run ended, in brief.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Last {
    id: RunId,
    outcome: &'static str,
    cause: Option<&'static str>,
    ended_at: Instant,
    duration_ms: u64,
}

#[derive(Debug, Serialize)]
struct Undelivered {
    count: u64,
    /// Of the newest.
    reason: String,
}

#[derive(Debug, Serialize)]
struct Counters {
    succeeded: u64,
    failed: u64,
    cancelled: u64,
    skipped: u64,
    missed: u64,
}

/// Instants that a job shows of what comes next.
const NEXT: usize = 3;

/// Looks up what belongs to jobs, components once each.
pub(crate) struct Viewer<'a> {
    read: &'a dyn Read,
    now: Instant,
    components: HashMap<Digest, Option<Component>>,
}

impl<'a> Viewer<'a> {
    pub(crate) fn new(read: &'a dyn Read, now: Instant) -> Viewer<'a> {
        Viewer { read, now, components: HashMap::new() }
    }

    pub(crate) fn view(&mut self, current: &Current) -> Result<View, OpError> {
        let Current { job, revision } = current;
        let status = op::job::status(self.read, job.id)?;
        let schedule = revision.schedule();
        let (going_on, waiting) = op::turn::count(self.read, job.id)?;
        let recent: Vec<Last> = status.recent.iter().map(Last::from).collect();
        Ok(View {
            name: job.name.clone(),
            version: job.version,
            revision: revision.number,
            created_at: job.created_at,
            revised_at: revision.committed_at,
            state: if job.paused.is_some() { "paused" } else { "active" },
            paused: job
                .paused
                .as_ref()
                .map(|pause| Paused { since: pause.since, reason: pause.reason.clone() }),
            schedule_words: schedule.words(),
            next: next_of(job, &schedule, self.now).take(NEXT).collect(),
            live_runs: going_on + waiting,
            undelivered: status
                .undelivered_reason
                .as_ref()
                .map(|reason| Undelivered { count: status.undelivered, reason: reason.clone() }),
            last_success: status.last_success,
            last_skip: status.last_skip,
            last_run: recent.first().cloned(),
            recent,
            counters: counters(current, &status, self.now),
            warnings: self.warnings(&revision.spec)?,
            specification: revision.spec.clone(),
        })
    }

    fn warnings(&mut self, spec: &Specification) -> Result<Vec<String>, StoreError> {
        let named = spec.grants.secrets.iter().chain(&spec.notify.secret);
        let named =
            named.chain(spec.hook.as_ref().map(|hook| &hook.secret)).filter_map(|name| name.parse().ok());
        let mut unset: Vec<SecretName> = Vec::new();
        for name in named {
            if !unset.contains(&name) && !op::secret::is_set(self.read, &name)? {
                unset.push(name);
            }
        }
        Ok(warning::of(self.component(spec.component)?, spec, &unset))
    }

    fn component(&mut self, digest: Digest) -> Result<Option<&Component>, StoreError> {
        if !self.components.contains_key(&digest) {
            self.components.insert(digest, op::component::get(self.read, digest)?);
        }
        Ok(self.components.get(&digest).and_then(Option::as_ref))
    }
}

impl From<&End> for Last {
    fn from(end: &End) -> Last {
        Last {
            id: end.run,
            outcome: end.outcome.as_str(),
            cause: end.outcome.cause().map(Cause::as_str),
            ended_at: end.at,
            duration_ms: end.millis,
        }
    }
}

/// The instants of a job's schedule after `now`; none while it is paused.
pub(super) fn next_of(job: &Job, schedule: &Schedule, now: Instant) -> impl Iterator<Item = Instant> {
    let is_active = job.paused.is_none();
    is_active.then(|| schedule.instants_after(now)).into_iter().flatten()
}

/// A pause that goes on has skipped what nobody has recorded yet; it counts.
fn counters(current: &Current, status: &Status, now: Instant) -> Counters {
    let pause = current.job.paused.as_ref();
    let skipping = pause.and_then(|pause| op::pause::skipped(pause, &current.revision, now));
    Counters {
        succeeded: status.succeeded,
        failed: status.failed,
        cancelled: status.cancelled,
        skipped: status.skipped + skipping.map_or(0, |skip| skip.count),
        missed: status.missed,
    }
}
