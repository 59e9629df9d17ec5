//! Pausing and resuming, and the record of what a pause skipped.

use crate::op::job::{self, Expect};
use crate::op::{OpError, run, skip};
use crate::store::{StoreError, Write};
use sandglass_core::job::{Job, Pause, Reason, Revision, Skip, Status};
use sandglass_core::time::Span;
use sandglass_core::{Instant, Name};

/// Pauses a job; one that is paused already stays so. Ends nothing that runs.
pub fn pause(
    write: &mut dyn Write,
    name: &Name,
    reason: &str,
    expect: Expect,
    now: Instant,
) -> Result<job::Current, OpError> {
    let job::Current { mut job, revision } = job::current(write.as_read(), name)?;
    job::check(&job, expect)?;
    if job.paused.is_none() {
        begin(write, &mut job, &revision, reason, now)?;
    }
    Ok(job::Current { job, revision })
}

/// Pauses a job that is not paused, and saves it.
pub(crate) fn begin(
    write: &mut dyn Write,
    job: &mut Job,
    revision: &Revision,
    reason: &str,
    now: Instant,
) -> Result<(), StoreError> {
    job::forget_next(write, job, revision, now)?;
    let recorded_to = job.owned_to.unwrap_or(now);
    job.paused = Some(Pause { since: now, recorded_to, reason: reason.into() });
    job.version = write.sequence();
    write.save(&job.id, job);
    Ok(())
}

/// Goes on from the next occurrence. Those that the pause skipped are recorded.
pub fn resume(
    write: &mut dyn Write,
    name: &Name,
    expect: Expect,
    now: Instant,
) -> Result<job::Current, OpError> {
    let job::Current { mut job, revision } = job::current(write.as_read(), name)?;
    job::check(&job, expect)?;
    if job.paused.is_some() {
        let epoch = run::epoch(write.as_read())?;
        record(write, &mut job, &revision, epoch, now)?;
        job.owned_to = job.owned_to.max(job.paused.take().map(|pause| pause.recorded_to));
        job.version = write.sequence();
        write.save(&job.id, &job);
        let mut status = job::status(write.as_read(), job.id)?;
        // Whoever resumes a job that failures paused has seen to it: the count begins anew.
        if status.failures_in_a_row > 0 {
            status.failures_in_a_row = 0;
            write.save(&job.id, &status);
        }
        job::await_next(write, &job, &revision, now)?;
    }
    Ok(job::Current { job, revision })
}

/// Records what the pause of `job` has skipped of `revision`'s schedule up to `now`, in the clock's `epoch`.
pub(crate) fn record(
    write: &mut dyn Write,
    job: &mut Job,
    revision: &Revision,
    epoch: u32,
    now: Instant,
) -> Result<(), StoreError> {
    let Some(pause) = &mut job.paused else {
        return Ok(());
    };
    if let Some(mut skip) = skipped(pause, revision, now) {
        skip.epoch = epoch;
        let mut status = job::status(write.as_read(), job.id)?;
        status.record_skip(&skip);
        write.save::<Status>(&job.id, &status);
        skip::record(write, job.id, &skip, None)?;
    }
    pause.recorded_to = pause.recorded_to.max(now);
    Ok(())
}

/// What a pause has skipped and nobody has recorded yet.
pub fn skipped(pause: &Pause, revision: &Revision, now: Instant) -> Option<Skip> {
    let schedule = revision.schedule();
    let (after, until) = (pause.recorded_to, now);
    let to = schedule.last_until(after, until)?;
    let from = schedule.next_after(after)?;
    let count = schedule.count(from.minus(Span::from_millis(1)), to);
    Some(Skip::new(Reason::Paused, from, to, count))
}
