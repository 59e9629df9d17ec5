//! What a start finds: attempts that were running when the host stopped.

use crate::key::{Key, KeyRange, LiveKey};
use crate::op::log;
use crate::op::run::advance;
use crate::record::Live;
use crate::store::{StoreError, Write};
use sandglass_core::log::Line;
use sandglass_core::run::{Attempt, Cause, Event};
use sandglass_core::{Instant, RunId};
use std::ops::Bound;

/// At the host's start, every attempt that was running is lost. Deals with at most `limit` runs after
/// `after`, and gives the last one, or none when there are no more; and how many were lost.
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
        if run.running_attempt().is_none() {
            continue;
        }
        if let Some(after) = advance(write, run, Event::Lose, now, random())? {
            lost += 1;
            note(write, run.id, after.attempts.last(), now)?;
        }
    }
    let last = if runs.len() < limit { None } else { runs.last().map(|(key, _)| key.0) };
    Ok((last, lost))
}

/// Ends the log of an attempt that nobody was left to end it for.
fn note(write: &mut dyn Write, run: RunId, lost: Option<&Attempt>, now: Instant) -> Result<(), StoreError> {
    let Some(Attempt { number, message: Some(message), .. }) = lost else {
        return Ok(());
    };
    let piece = log::next_number(write.as_read(), run)?;
    log::add(write, run, piece, &[Line::of_failure(now, *number, Cause::Lost, message)])
}
