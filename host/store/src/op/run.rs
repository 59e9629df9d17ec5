//! Runs, live and ended.

use crate::key::{Due, DueKey, Key, KeyRange, LiveKey};
use crate::op::{OpError, due, job, pause};
use crate::record::{DueEntry, Ended, Live};
use crate::space::Space;
use crate::store::{Read, StoreError, Write};
use sandglass_core::job::{Job, Status};
use sandglass_core::limit::fixed;
use sandglass_core::policy::Retry;
use sandglass_core::run::{Cause, Event, Refused, Run, State, Trigger, step};
use sandglass_core::{Instant, JobId, Name, RunId};
use std::ops::{Bound, ControlFlow};

/// A run by its id, wherever it is.
pub fn get(read: &dyn Read, id: RunId) -> Result<Option<Run>, StoreError> {
    // The live record is the true one while there is one: see `Space::is_history`.
    if let Some(Live(run)) = read.load::<Live>(&LiveKey(id))? {
        return Ok(Some(run));
    }
    Ok(read.load::<Ended>(&id)?.map(|Ended(run)| run))
}

/// Runs that are going on: those that run, and those between two attempts.
pub(crate) fn busy(live: &[Run]) -> usize {
    live.iter().filter(|run| matches!(run.state, State::Running { .. } | State::Retrying { .. })).count()
}

/// Asks for a run now. It moves no schedule.
pub fn ask(
    write: &mut dyn Write,
    name: &Name,
    input: Option<String>,
    now: Instant,
    random: u64,
) -> Result<Run, OpError> {
    let job = job::find(write.as_read(), name)?;
    let waiting = write.as_read().count(
        Space::Live,
        &KeyRange::prefix(job.id.to_bytes()),
        fixed::WAITING_PER_JOB + fixed::CONCURRENCY as usize,
    )?;
    if waiting >= fixed::WAITING_PER_JOB {
        return Err(OpError::Limit(format!(
            "{waiting} runs of job `{name}` are waiting, and the limit is {}: try again when some have ended",
            fixed::WAITING_PER_JOB
        )));
    }
    let mut run = Run::queued(RunId::new(job.id, now, random), job.name, Trigger::Manual, now, now);
    run.input = input;
    write.save(&LiveKey(run.id), &Live(run.clone()));
    due::wait(write, &run, now);
    Ok(run)
}

/// Cancels a run that has not ended.
pub fn cancel(write: &mut dyn Write, id: RunId, now: Instant) -> Result<Run, OpError> {
    match write.load::<Live>(&LiveKey(id))? {
        Some(Live(run)) => Ok(advance(write, &run, Event::Cancel, now, 0)?.unwrap_or(run)),
        None => match get(write.as_read(), id)? {
            Some(_) => Err(OpError::Conflict(format!("run {id} has ended"))),
            None => Err(OpError::NotFound(format!("there is no run {id}"))),
        },
    }
}

/// Moves a live run by an event and stores what follows from its new state. None where the event does not
/// apply to the run: nothing is changed then.
pub fn advance(
    write: &mut dyn Write,
    run: &Run,
    event: Event,
    now: Instant,
    random: u64,
) -> Result<Option<Run>, StoreError> {
    let job = write.load::<Job>(&run.id.job())?;
    let revision = job.as_ref().map(|job| job::newest(write.as_read(), job)).transpose()?;
    // A run whose job is gone is not tried again.
    let alone = Retry { max_attempts: 1, ..Retry::default() };
    let retry = revision.as_ref().map_or(&alone, |revision| &revision.spec.policy.retry);
    let mut after = match step(run, event, retry, now, random) {
        Ok(after) => after,
        Err(Refused::Ended | Refused::Running | Refused::Stale) => return Ok(None),
    };
    if job.is_none()
        && let State::Retrying { .. } = after.state
        && let Some(outcome) = after.attempts.last().map(|attempt| attempt.outcome)
    {
        after.state = State::Ended { outcome, at: now };
    }
    if let Some(at) = run.due() {
        write.remove::<DueEntry>(&DueKey { at, what: Due::Attempt(run.id) });
    }
    if let State::Ended { outcome, at } = after.state {
        if let (Some(mut job), Some(revision)) = (job, revision) {
            let mut status = job::status(write.as_read(), job.id)?;
            after.previous = newest_end(&status);
            status.record(&after, outcome, at);
            let after_failures = revision.spec.policy.pause_after;
            if after_failures > 0 && status.failures_in_a_row >= after_failures && job.paused.is_none() {
                let reason = format!("{} runs in a row failed", status.failures_in_a_row);
                pause::begin(write, &mut job, &revision, &reason, now);
            }
            write.save::<Status>(&job.id, &status);
        }
        write.remove::<Live>(&LiveKey(run.id));
        write.save(&run.id, &Ended(after.clone()));
        wake_next(write, run.id.job())?;
    } else {
        if let Some(at) = after.due() {
            due::wait(write, &after, at);
        }
        write.save(&LiveKey(run.id), &Live(after.clone()));
    }
    Ok(Some(after))
}

pub(crate) fn newest_end(status: &Status) -> Option<RunId> {
    status.recent.front().map(|end| end.run)
}

/// Puts the job's oldest waiting run into the index, where it may have been kept out by the one that ended.
fn wake_next(write: &mut dyn Write, job: JobId) -> Result<(), StoreError> {
    let mut oldest = None;
    write.as_read().each::<Live>(&KeyRange::prefix(job.to_bytes()), false, |_, Live(run)| {
        match run.state {
            State::Queued { .. } => {
                oldest = Some(run);
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        }
    })?;
    if let Some(run) = oldest
        && let Some(at) = run.due()
    {
        due::wait(write, &run, at);
    }
    Ok(())
}

/// At the host's start, every attempt that was running is lost. Deals with at most `limit` live runs after
/// `after`, and gives the last one, or none when there are no more.
pub fn lose(
    write: &mut dyn Write,
    after: Option<RunId>,
    limit: usize,
    now: Instant,
    random: &mut dyn FnMut() -> u64,
) -> Result<(Option<RunId>, usize), StoreError> {
    let from = after.map_or(Bound::Unbounded, |run| Bound::Excluded(LiveKey(run).to_bytes()));
    let runs = write.as_read().list::<Live>(&KeyRange { from, to: Bound::Unbounded }, false, limit)?;
    let mut lost = 0;
    for (_, Live(run)) in &runs {
        if run.running_attempt().is_some() && advance(write, run, Event::Lose, now, random())?.is_some() {
            lost += 1;
        }
    }
    let last = if runs.len() < limit { None } else { runs.last().map(|(key, _)| key.0) };
    Ok((last, lost))
}

/// Which runs a listing shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// The state in one word, or a cause of failure.
    pub outcome: Option<String>,
    pub trigger: Option<Trigger>,
    /// By when the runs were made.
    pub since: Option<Instant>,
    pub until: Option<Instant>,
}

impl Filter {
    fn shows(&self, run: &Run) -> bool {
        let made = run.id.made_at();
        let cause = run.outcome().and_then(sandglass_core::run::Outcome::cause).map(Cause::as_str);
        self.outcome.as_deref().is_none_or(|outcome| run.status() == outcome || cause == Some(outcome))
            && self.trigger.is_none_or(|trigger| run.trigger == trigger)
            && self.since.is_none_or(|since| made >= since)
            && self.until.is_none_or(|until| made < until)
    }
}

/// Runs that one page of a listing looks at before it ends, whatever it found.
const LOOKED_AT_MAX: usize = 10_000;

/// A page of a listing, newest first, and the run after which the next one begins.
#[derive(Debug, Default)]
pub struct Page {
    pub runs: Vec<Run>,
    pub next: Option<RunId>,
}

/// Runs of all jobs by when they were made, newest first.
pub fn list(
    read: &dyn Read,
    filter: &Filter,
    after: Option<RunId>,
    limit: usize,
) -> Result<Page, StoreError> {
    let mut live: Vec<Run> = Vec::new();
    read.each::<Live>(&KeyRange::all(), false, |key, Live(run)| {
        if filter.shows(&run) && after.is_none_or(|after| key.0 < after) {
            live.push(run);
        }
        ControlFlow::Continue(())
    })?;
    live.sort_unstable_by_key(|run| std::cmp::Reverse(run.id));
    live.truncate(limit + 1);
    let to = after.map_or(Bound::Unbounded, |run| Bound::Excluded(Key::to_bytes(&run)));
    let from = filter.since.map_or(Bound::Unbounded, |since| {
        let first = RunId::new(JobId(0), since, 0);
        Bound::Included(Key::to_bytes(&first)[..6].to_vec())
    });
    let mut ended: Vec<Run> = Vec::new();
    let mut looked_at = 0;
    let mut stopped = None;
    let mut failed = None;
    read.each::<Ended>(&KeyRange { from, to }, true, |id, Ended(run)| {
        looked_at += 1;
        match read.get(Space::Live, &LiveKey(id).to_bytes()) {
            Ok(None) if filter.shows(&run) => ended.push(run),
            Ok(_) => {}
            Err(error) => {
                failed = Some(error);
                return ControlFlow::Break(());
            }
        }
        if ended.len() > limit {
            return ControlFlow::Break(());
        }
        if looked_at == LOOKED_AT_MAX {
            stopped = Some(id);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    let mut runs = live;
    runs.extend(ended);
    runs.sort_unstable_by_key(|run| std::cmp::Reverse(run.id));
    let full = runs.len() > limit;
    runs.truncate(limit);
    // Live runs older than where the look at history stopped would be shown before their turn.
    if let (false, Some(stopped)) = (full, stopped) {
        runs.retain(|run| run.id >= stopped);
    }
    let next = if full { runs.last().map(|run| run.id) } else { stopped };
    Ok(Page { runs, next })
}

/// Runs of one job: those that have not ended, newest first, then the others in the order in which they
/// ended, newest first.
pub fn list_of_job(
    read: &dyn Read,
    job: JobId,
    filter: &Filter,
    after: Option<RunId>,
    limit: usize,
) -> Result<Page, StoreError> {
    let mut page = Page::default();
    // A page may end at a run that was live then and has ended since: the listing goes on behind it.
    let after_ended = match after {
        Some(after) if read.get(Space::Live, &LiveKey(after).to_bytes())?.is_none() => {
            read.load::<Ended>(&after)?
        }
        _ => None,
    };
    let mut next = if let Some(Ended(run)) = after_ended {
        run.previous
    } else {
        let live = read.list::<Live>(&KeyRange::prefix(job.to_bytes()), true, usize::MAX)?;
        let runs = live.into_iter().map(|(_, Live(run))| run);
        page.runs.extend(runs.filter(|run| filter.shows(run) && after.is_none_or(|after| run.id < after)));
        newest_end(&job::status(read, job)?)
    };
    let mut last = after;
    for _ in 0..LOOKED_AT_MAX {
        if page.runs.len() > limit {
            page.runs.truncate(limit);
            page.next = page.runs.last().map(|run| run.id);
            return Ok(page);
        }
        let Some(id) = next else { return Ok(page) };
        // The chain ends where history was dropped.
        let Some(Ended(run)) = read.load::<Ended>(&id)? else {
            return Ok(page);
        };
        last = Some(id);
        next = run.previous;
        if filter.shows(&run) {
            page.runs.push(run);
        }
    }
    page.next = last;
    Ok(page)
}
