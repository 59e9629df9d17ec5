//! Runs: asking for them, and moving them from state to state.

use crate::key::{Due, DueKey, LiveKey};
use crate::op::{OpError, job, notice, pause, turn};
use crate::record::{DueEntry, Ended, Live, Meta, Waiting};
use crate::store::{Read, StoreError, Write};
use sandglass_core::job::{Job, Revision, Status};
use sandglass_core::limit::fixed;
use sandglass_core::policy::Retry;
use sandglass_core::run::{Event, Outcome, Refused, Run, State, Trigger, step};
use sandglass_core::{Instant, Name, Problem, RunId, Span};

pub use crate::op::listing::{Filter, Page, list, list_of_job};

/// A run by its id, wherever it is.
pub fn get(read: &dyn Read, id: RunId) -> Result<Option<Run>, StoreError> {
    // Where it has not ended is the truth as long as it is there: see `Space::is_history`.
    match turn::live(read, id)? {
        Some(run) => Ok(Some(run)),
        None => Ok(read.load::<Ended>(&id)?.map(|Ended(run)| run)),
    }
}

/// Asks for a run now. It moves no schedule.
pub fn ask(
    write: &mut dyn Write,
    name: &Name,
    trigger: Trigger,
    input: Option<String>,
    now: Instant,
    random: u64,
) -> Result<Run, OpError> {
    let current = job::current(write.as_read(), name)?;
    let epoch = epoch(write.as_read())?;
    let id = turn::next_id(write.as_read(), current.job.id, now, random)?;
    let mut run = Run::queued(id, current.job.name.clone(), trigger, now, epoch);
    run.input = input;
    request(write, &current, run, now)
}

/// Asks for a run like one that has ended: of the same occurrence, with the same input, and where it did not
/// succeed, from where its checkpoints came to.
pub fn again(write: &mut dyn Write, id: RunId, now: Instant, random: u64) -> Result<Run, OpError> {
    if turn::is_live(write.as_read(), id)? {
        return Err(OpError::Conflict(format!("run {id} has not ended: cancel it, or wait for its end")));
    }
    let Some(Ended(old)) = write.load::<Ended>(&id)? else {
        return Err(OpError::NotFound(format!("there is no run {id}, or its history is gone")));
    };
    let Some(job) = write.load::<Job>(&id.job())? else {
        return Err(OpError::Conflict(format!("the job `{}` of run {id} was deleted", old.job)));
    };
    let revision = job::newest(write.as_read(), &job)?;
    let new = turn::next_id(write.as_read(), job.id, now, random)?;
    let mut run = Run::queued(new, job.name.clone(), Trigger::Manual, old.scheduled_for, old.epoch);
    run.retry_of = Some(id);
    let succeeded = old.outcome() == Some(Outcome::Succeeded);
    run.progress = old.progress.filter(|_| !succeeded);
    run.input = old.input;
    request(write, &job::Current { job, revision }, run, now)
}

/// Asks for a run for each instant of the job's schedule from `from` to `to`, both inclusive, oldest first.
pub fn backfill(
    write: &mut dyn Write,
    name: &Name,
    from: Instant,
    to: Instant,
    now: Instant,
    random: &mut dyn FnMut() -> u64,
) -> Result<Vec<Run>, OpError> {
    let current = job::current(write.as_read(), name)?;
    let invalid = |pointer: &str, message: String| OpError::Invalid(vec![Problem::new(pointer, message)]);
    if to > now {
        return Err(invalid("/to", format!("{to} is still to come, and the schedule will see to it")));
    }
    if from > to {
        return Err(invalid("/from", format!("{from} is after {to}")));
    }
    let schedule = current.revision.schedule();
    let before = from.minus(Span::from_millis(1));
    let count = schedule.count(before, to);
    if count == 0 {
        return Err(invalid("", format!("the schedule has no instant from {from} to {to}")));
    }
    let (_, waiting) = turn::count(write.as_read(), current.job.id)?;
    let room = fixed::WAITING_PER_JOB - waiting;
    if count > room as u64 {
        return Err(OpError::Limit(format!(
            "{count} instants from {from} to {to}, and {room} more runs of job `{name}` may wait (the limit is {}): \
             ask for a shorter time",
            fixed::WAITING_PER_JOB
        )));
    }
    let epoch = epoch(write.as_read())?;
    let mut at = before;
    let mut runs = Vec::with_capacity(count as usize);
    while let Some(nominal) = schedule.next_after(at).filter(|nominal| *nominal <= to) {
        at = nominal;
        let id = turn::next_id(write.as_read(), current.job.id, now, random())?;
        let run = Run::queued(id, current.job.name.clone(), Trigger::Backfill, nominal, epoch);
        runs.push(request(write, &current, run, now)?);
    }
    Ok(runs)
}

pub(crate) fn epoch(read: &dyn Read) -> Result<u32, StoreError> {
    Ok(read.load::<Meta>(&())?.unwrap_or_default().epoch.number)
}

/// Makes a run that somebody asked for: it waits, however many others do, up to a limit.
fn request(
    write: &mut dyn Write,
    current: &job::Current,
    mut run: Run,
    now: Instant,
) -> Result<Run, OpError> {
    let (_, waiting) = turn::count(write.as_read(), run.id.job())?;
    if waiting >= fixed::WAITING_PER_JOB {
        return Err(OpError::Limit(format!(
            "{waiting} runs of job `{}` are waiting, and the limit is {}: try again when some have ended",
            run.job,
            fixed::WAITING_PER_JOB
        )));
    }
    let policy = &current.revision.spec.policy;
    run.start_by = policy.start_within.map(|most| now.plus(most));
    run.start_within = policy.start_within;
    let id = run.id;
    turn::enqueue(write, run, policy, None, now)?;
    turn::live(write.as_read(), id)?
        .ok_or_else(|| StoreError::Failed("a run that was stored is not there".into()).into())
}

/// Cancels a run that has not ended.
pub fn cancel(write: &mut dyn Write, id: RunId, now: Instant) -> Result<Run, OpError> {
    match turn::live(write.as_read(), id)? {
        Some(run) => Ok(advance(write, &run, Event::Cancel, now, 0)?.unwrap_or(run)),
        None => match write.load::<Ended>(&id)? {
            Some(_) => Err(OpError::Conflict(format!("run {id} has ended"))),
            None => Err(OpError::NotFound(format!("there is no run {id}"))),
        },
    }
}

/// Moves a run that has not ended by an event and stores what follows from its new state. None where the
/// event does not apply to the run: nothing is changed then.
pub fn advance(
    write: &mut dyn Write,
    run: &Run,
    event: Event,
    now: Instant,
    random: u64,
) -> Result<Option<Run>, StoreError> {
    let job = write.load::<Job>(&run.id.job())?;
    let owner = match job {
        Some(job) => {
            let revision = job::newest(write.as_read(), &job)?;
            Some((job, revision))
        }
        None => None,
    };
    // A run whose job is gone is not tried again.
    let alone = Retry { max_attempts: 1, ..Retry::default() };
    let retry = owner.as_ref().map_or(&alone, |(_, revision)| &revision.spec.policy.retry);
    let mut after = match step(run, event, retry, now, random) {
        Ok(after) => after,
        Err(Refused::Ended | Refused::Running | Refused::Begun | Refused::Stale) => return Ok(None),
    };
    if owner.is_none()
        && let State::Retrying { .. } = after.state
        && let Some(outcome) = after.attempts.last().map(|attempt| attempt.outcome)
    {
        after.state = State::Ended { outcome, at: now };
    }
    if let Some(at) = run.due() {
        write.remove::<DueEntry>(&DueKey { at, what: Due::Attempt(run.id) });
    }
    if after.outcome().is_some() {
        if run.is_queued() {
            write.remove::<Waiting>(&LiveKey(run.id));
        } else {
            write.remove::<Live>(&LiveKey(run.id));
        }
        if let Some((job, revision)) = owner {
            remember(write, job, &revision, &mut after, now)?;
        }
        write.save(&run.id, &Ended(after.clone()));
    } else {
        if let Some(at) = after.due() {
            write.save(&DueKey { at, what: Due::Attempt(run.id) }, &DueEntry::default());
        }
        write.save(&LiveKey(run.id), &Live(after.clone()));
    }
    Ok(Some(after))
}

/// What a job keeps of a run that has ended, and what follows for the job and its other runs.
fn remember(
    write: &mut dyn Write,
    mut job: Job,
    revision: &Revision,
    run: &mut Run,
    now: Instant,
) -> Result<(), StoreError> {
    let State::Ended { outcome, at } = run.state else {
        return Ok(());
    };
    let policy = &revision.spec.policy;
    let mut status = job::status(write.as_read(), job.id)?;
    run.previous = newest_end(&status);
    status.record(run, outcome, at);
    let pauses = policy.pause_after > 0
        && status.failures_in_a_row >= policy.pause_after
        && outcome.cause().is_some()
        && job.paused.is_none();
    if let Some(news) = status.news_of_end(&revision.spec.notify, run, outcome, pauses, now) {
        notice::tell(write, &job, &revision.spec.notify, &mut status, &news, Some(run.id), now)?;
    }
    if pauses {
        let reason = format!("{} runs in a row failed", status.failures_in_a_row);
        pause::begin(write, &mut job, revision, &reason, now)?;
    }
    write.save::<Status>(&job.id, &status);
    turn::settle(write, job.id, policy, now)
}

pub(crate) fn newest_end(status: &Status) -> Option<RunId> {
    status.recent.front().map(|end| end.run)
}
