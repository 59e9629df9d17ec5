//! Whose turn it is: the runs of a job that wait, in the order of their making, and those that go on.
//!
//! Of the runs that wait only a job's oldest stands in the index of what is due, and only while the job may
//! have one more going on. When it begins, the next one takes a place behind those of other jobs. So jobs
//! that contend for places take turns, and nobody's thousand runs stand before another's one.

use crate::key::{Due, DueKey, Key, KeyRange, LiveKey};
use crate::record::{DueEntry, Ended, Live, Waiting};
use crate::space::Space;
use crate::store::{Read, StoreError, Write};
use sandglass_core::limit::fixed;
use sandglass_core::occurrence::Queue;
use sandglass_core::policy::{Overlap, Policy};
use sandglass_core::run::{Run, State};
use sandglass_core::{Instant, JobId, RunId, Span};
use std::ops::Bound;

/// The run, if it has not ended.
pub fn live(read: &dyn Read, id: RunId) -> Result<Option<Run>, StoreError> {
    if let Some(Live(run)) = read.load::<Live>(&LiveKey(id))? {
        return Ok(Some(run));
    }
    Ok(read.load::<Waiting>(&LiveKey(id))?.map(|Waiting(run)| run))
}

pub(crate) fn is_live(read: &dyn Read, id: RunId) -> Result<bool, StoreError> {
    let key = LiveKey(id).to_bytes();
    Ok(read.get(Space::Live, &key)?.is_some() || read.get(Space::Waiting, &key)?.is_some())
}

/// Every run of the job that has not ended: those that go on, then those that wait, each oldest first.
pub fn all(read: &dyn Read, job: JobId) -> Result<Vec<Run>, StoreError> {
    let range = KeyRange::prefix(job.to_bytes());
    let live = read.list::<Live>(&range, false, usize::MAX)?.into_iter().map(|(_, Live(run))| run);
    let waiting = read.list::<Waiting>(&range, false, usize::MAX)?.into_iter();
    Ok(live.chain(waiting.map(|(_, Waiting(run))| run)).collect())
}

/// How many runs of the job go on, counted up to what any policy allows, and how many wait.
pub fn count(read: &dyn Read, job: JobId) -> Result<(usize, usize), StoreError> {
    let range = KeyRange::prefix(job.to_bytes());
    let going_on = read.count(Space::Live, &range, fixed::CONCURRENCY as usize)?;
    Ok((going_on, read.count(Space::Waiting, &range, fixed::WAITING_PER_JOB)?))
}

/// How a policy decides on an occurrence sees the job's runs.
pub(crate) fn queue(read: &dyn Read, job: JobId) -> Result<Queue, StoreError> {
    let (going_on, waiting) = count(read, job)?;
    Ok(Queue { live: going_on + waiting, room: fixed::WAITING_PER_JOB - waiting })
}

/// Whether one more run of the job may go on.
pub(crate) fn is_free(read: &dyn Read, job: JobId, policy: &Policy) -> Result<bool, StoreError> {
    let most = if policy.overlap == Overlap::Allow { policy.max_concurrency as usize } else { 1 };
    Ok(read.count(Space::Live, &KeyRange::prefix(job.to_bytes()), most)? < most)
}

/// Whether any run of the job waits.
pub(crate) fn is_awaited(read: &dyn Read, job: JobId) -> Result<bool, StoreError> {
    Ok(read.count(Space::Waiting, &KeyRange::prefix(job.to_bytes()), 1)? > 0)
}

/// A clock that was set back by no more than this does not change the order of runs.
const BACK: Span = Span::from_secs(60);

/// The id of a run that is made now, behind those of its job that wait.
pub(crate) fn next_id(read: &dyn Read, job: JobId, now: Instant, random: u64) -> Result<RunId, StoreError> {
    let id = RunId::new(job, now, random);
    let mut range = KeyRange::prefix(job.to_bytes());
    // Runs of a clock that ran ahead by more are behind the new one, whatever their number.
    let ahead = RunId::new(job, now.plus(BACK).plus(Span::from_millis(1)), 0);
    range.to = Bound::Excluded(LiveKey(ahead).to_bytes());
    let newest = read.list::<Waiting>(&range, true, 1)?;
    let Some((LiveKey(newest), _)) = newest.first().filter(|(LiveKey(newest), _)| *newest >= id) else {
        return Ok(id);
    };
    let mut id = id.after(*newest);
    // One that was made behind the same run may have begun or ended since.
    while read.load::<Ended>(&id)?.is_some() || read.load::<Live>(&LiveKey(id))?.is_some() {
        id = id.after(id);
    }
    Ok(id)
}

/// Puts the job's oldest waiting run into the index, if one more may go on and it is not there.
pub(crate) fn settle(
    write: &mut dyn Write,
    job: JobId,
    policy: &Policy,
    now: Instant,
) -> Result<(), StoreError> {
    let oldest = write.as_read().list::<Waiting>(&KeyRange::prefix(job.to_bytes()), false, 1)?;
    let Some((key, Waiting(mut run))) = oldest.into_iter().next() else {
        return Ok(());
    };
    if run.due().is_none() && is_free(write.as_read(), job, policy)? {
        run.state = State::Queued { due: Some(now) };
        write.save(&DueKey { at: now, what: Due::Attempt(run.id) }, &DueEntry::default());
        write.save(&key, &Waiting(run));
    }
    Ok(())
}

/// Stores a run that waits, and lets it have its turn. `check` is when to look whether it still does.
pub(crate) fn enqueue(
    write: &mut dyn Write,
    run: Run,
    policy: &Policy,
    check: Option<Instant>,
    now: Instant,
) -> Result<(), StoreError> {
    let (id, job) = (run.id, run.id.job());
    if let Some(at) = check.or(run.start_by) {
        write.save(&DueKey { at, what: Due::Check(id) }, &DueEntry::default());
    }
    write.save(&LiveKey(id), &Waiting(run));
    settle(write, job, policy, now)
}
