//! Listings of runs.

use crate::key::{Key, KeyRange, LiveKey};
use crate::op::run::newest_end;
use crate::op::{job, turn};
use crate::record::{Ended, Live, Waiting};
use crate::store::{Read, StoreError};
use sandglass_core::run::{Cause, Outcome, Run, Trigger};
use sandglass_core::{Instant, JobId, RunId};
use std::ops::{Bound, ControlFlow};

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
        let cause = run.outcome().and_then(Outcome::cause).map(Cause::as_str);
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

/// Runs of a range that have not ended, newest first.
fn unended(read: &dyn Read, range: &KeyRange, shows: impl Fn(&Run) -> bool) -> Result<Vec<Run>, StoreError> {
    let mut runs = Vec::new();
    let mut show = |_: LiveKey, run: Run| {
        if shows(&run) {
            runs.push(run);
        }
        ControlFlow::Continue(())
    };
    read.each::<Waiting>(range, false, |key, Waiting(run)| show(key, run))?;
    read.each::<Live>(range, false, |key, Live(run)| show(key, run))?;
    runs.sort_unstable_by_key(|run| std::cmp::Reverse(run.id));
    Ok(runs)
}

/// Runs of all jobs by when they were made, newest first.
pub fn list(
    read: &dyn Read,
    filter: &Filter,
    after: Option<RunId>,
    limit: usize,
) -> Result<Page, StoreError> {
    let mut live =
        unended(read, &KeyRange::all(), |run| filter.shows(run) && after.is_none_or(|after| run.id < after))?;
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
        match turn::is_live(read, id) {
            Ok(false) if filter.shows(&run) => ended.push(run),
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
        Some(after) if !turn::is_live(read, after)? => read.load::<Ended>(&after)?,
        _ => None,
    };
    let mut next = if let Some(Ended(run)) = after_ended {
        run.previous
    } else {
        page.runs = unended(read, &KeyRange::prefix(job.to_bytes()), |run| {
            filter.shows(run) && after.is_none_or(|after| run.id < after)
        })?;
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
