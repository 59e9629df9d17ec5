//! A job in few words, for lists of many.

use super::view::{Last, next_of};
use sandglass_core::{Instant, Name};
use sandglass_store::Read;
use sandglass_store::op::job::Current;
use sandglass_store::op::{self, OpError};
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(crate) struct Brief {
    name: Name,
    state: &'static str,
    schedule_words: String,
    /// The next instant of the schedule, before jitter.
    next: Option<Instant>,
    live_runs: usize,
    last_run: Option<Last>,
    /// The outcomes of the newest runs, newest first.
    recent: Vec<&'static str>,
    skipped: u64,
    missed: u64,
    /// The newest occurrence of those.
    last_skip: Option<Instant>,
}

pub(crate) fn brief(read: &dyn Read, current: &Current, now: Instant) -> Result<Brief, OpError> {
    let Current { job, revision } = current;
    let status = op::job::status(read, job.id)?;
    let schedule = revision.schedule();
    let (going_on, waiting) = op::turn::count(read, job.id)?;
    Ok(Brief {
        name: job.name.clone(),
        state: if job.paused.is_some() { "paused" } else { "active" },
        schedule_words: schedule.words(),
        next: next_of(job, &schedule, now).next(),
        live_runs: going_on + waiting,
        last_run: status.recent.front().map(Last::from),
        recent: status.recent.iter().map(|end| end.outcome.as_str()).collect(),
        skipped: status.skipped,
        missed: status.missed,
        last_skip: status.last_skip,
    })
}
