//! The clock's epochs: what is stored when the wall clock moves on, and when it was set back.

use crate::key::{Due, DueKey, KeyRange, LiveKey};
use crate::op::{job, pause, turn};
use crate::record::{DueEntry, Live, Meta, Waiting};
use crate::store::{Read, StoreError, Write};
use sandglass_core::Instant;
use sandglass_core::epoch::Epoch;
use sandglass_core::job::{Job, Revision, Status};
use sandglass_core::run::{Run, State};

/// The epoch that goes on.
pub fn current(read: &dyn Read) -> Result<Epoch, StoreError> {
    Ok(read.load::<Meta>(&())?.unwrap_or_default().epoch)
}

/// Stores that the clock shows `now`, where that is news, and gives the epoch. A step back by more than a day
/// opens a new one: every schedule goes on from `now`, in this one script, however many jobs there are. It
/// happens once in a machine's life, and nothing may come in between.
pub fn observe(write: &mut dyn Write, now: Instant) -> Result<Epoch, StoreError> {
    let mut meta = write.load::<Meta>(&())?.unwrap_or_default();
    let Some(epoch) = meta.epoch.observe(now) else {
        return Ok(meta.epoch);
    };
    let before = std::mem::replace(&mut meta.epoch, epoch.clone());
    write.save(&(), &meta);
    if before.number != epoch.number {
        for (_, job) in write.as_read().list::<Job>(&KeyRange::all(), false, usize::MAX)? {
            go_on(write, job, &before, now)?;
        }
        set_back(write, now)?;
        go_on_waiting(write, now)?;
    }
    Ok(epoch)
}

/// Lets a job's schedule go on at `now`, after the epoch `before`.
fn go_on(write: &mut dyn Write, mut job: Job, before: &Epoch, now: Instant) -> Result<(), StoreError> {
    let mut revision = job::newest(write.as_read(), &job)?;
    job.owned_to = None;
    if job.paused.is_some() {
        pause::record(write, &mut job, &revision, before.number, before.reached)?;
        if let Some(pause) = &mut job.paused {
            pause.recorded_to = now;
        }
    }
    if revision.anchor > now && revision.spec.schedule.every.is_some() {
        // It was set by a clock that ran ahead, and would count from there.
        revision = Revision {
            number: revision.number + 1,
            committed_at: now,
            anchor: now,
            schedule_since: revision.number + 1,
            spec: revision.spec,
        };
        job.revision = revision.number;
        job.version = write.sequence();
        write.save(&job::revision_key(job.id, revision.number), &revision);
    }
    write.save(&job.id, &job);
    if job.paused.is_none() {
        job::await_next(write, &job, &revision, now)?;
    }
    let mut status = job::status(write.as_read(), job.id)?;
    if status.last_success.max(status.last_skip).is_some_and(|at| at > now) {
        for last in [&mut status.last_success, &mut status.last_skip] {
            *last = last.map(|at| at.min(now));
        }
        write.save::<Status>(&job.id, &status);
    }
    Ok(())
}

/// The clock may have been set back, and shows `now`. Attempts that wait for their turn, and for a delay that began
/// at an instant which is still to come, would wait until it has come so far again: they wait as if it had not.
pub fn set_back(write: &mut dyn Write, now: Instant) -> Result<(), StoreError> {
    let entries = write.as_read().list::<DueEntry>(&Due::attempts(Instant::MAX), false, usize::MAX)?;
    for (key, entry) in entries.iter().filter(|(key, _)| key.at > now) {
        let Due::Attempt(id) = key.what else { continue };
        let Some(run) = turn::live(write.as_read(), id)? else { continue };
        let began = run.attempts.last().map_or(key.at, |attempt| attempt.ended_at);
        if began > now {
            let at = now.plus(key.at.since(began));
            write.remove::<DueEntry>(key);
            move_to(write, run, at);
            write.save(&DueKey { at, what: key.what }, entry);
        }
    }
    Ok(())
}

/// Runs that may wait until an instant which the clock will not show for long may wait as long as they might have.
fn go_on_waiting(write: &mut dyn Write, now: Instant) -> Result<(), StoreError> {
    for (key, Waiting(mut run)) in write.as_read().list::<Waiting>(&KeyRange::all(), false, usize::MAX)? {
        let Some(start_by) = run.start_by else { continue };
        // Not from when it was made: after a step back before this one, its id may be of an instant still to come.
        let most = run.start_within.unwrap_or_else(|| start_by.since(run.id.made_at()));
        if start_by > now.plus(most) {
            let start_by = now.plus(most);
            run.start_by = Some(start_by);
            write.save(&DueKey { at: start_by, what: Due::Check(run.id) }, &DueEntry::default());
            write.save(&key, &Waiting(run));
        }
    }
    Ok(())
}

fn move_to(write: &mut dyn Write, mut run: Run, at: Instant) {
    let id = run.id;
    match &mut run.state {
        State::Queued { due } => {
            *due = Some(at);
            write.save(&LiveKey(id), &Waiting(run));
        }
        State::Retrying { due } => {
            *due = at;
            write.save(&LiveKey(id), &Live(run));
        }
        State::Running { .. } | State::Ended { .. } => {}
    }
}
