//! The end of an attempt, and its checkpoints: effects commit with what became of the run.

use crate::key::LiveKey;
use crate::op::{effect, job, run};
use crate::record::{Ended, Live};
use crate::store::{StoreError, Write};
use sandglass_core::effect::Effects;
use sandglass_core::job::Job;
use sandglass_core::run::{Cause, Ending, Event, Failure, Outcome, Run, Traces};
use sandglass_core::{Instant, RunId};

/// Ends the attempt of this number: commits `effects` where it succeeded and nothing that it read has
/// changed, and moves the run. None where the attempt is not the one that is running (any more): then
/// nothing of it is kept.
pub fn end(
    write: &mut dyn Write,
    id: RunId,
    attempt: u32,
    mut ending: Ending,
    effects: &Effects,
    now: Instant,
    random: u64,
) -> Result<Option<Run>, StoreError> {
    let Some(Live(mut run)) = running(write, id, attempt)? else {
        return Ok(None);
    };
    if ending.result.is_ok() {
        match commit(write, &mut run, effects, now)? {
            Ok(()) => {}
            Err(conflict) => ending.result = Err(conflict),
        }
    }
    run::advance(write, &run, Event::End { attempt, ending: Box::new(ending) }, now, random)
}

/// Adds what a cancelled attempt used to its record: the cancel was committed before the attempt ended.
pub fn note(write: &mut dyn Write, id: RunId, attempt: u32, traces: Traces) -> Result<(), StoreError> {
    let Some(Ended(mut run)) = write.load::<Ended>(&id)? else { return Ok(()) };
    let noted =
        run.attempts.iter_mut().find(|ended| ended.number == attempt && ended.outcome == Outcome::Cancelled);
    if let Some(ended) = noted {
        ended.usage = traces.usage;
        ended.last_error = traces.last_error;
        ended.exchanges = traces.exchanges;
        write.save(&id, &Ended(run));
    }
    Ok(())
}

/// Why a checkpoint was not committed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The attempt ends with this.
    #[error("{}", .0.message)]
    Failed(Failure),
    /// The attempt is not the one that is running: nobody waits for how it ends.
    #[error("the attempt is not the one that is running")]
    Stale,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Commits what the running attempt wrote so far, with its progress.
pub fn checkpoint(
    write: &mut dyn Write,
    id: RunId,
    attempt: u32,
    effects: &Effects,
    progress: Option<String>,
    now: Instant,
) -> Result<(), CheckpointError> {
    let Some(Live(mut run)) = running(write, id, attempt)? else {
        return Err(CheckpointError::Stale);
    };
    commit(write, &mut run, effects, now)?.map_err(CheckpointError::Failed)?;
    run.progress = progress;
    write.save(&LiveKey(id), &Live(run));
    Ok(())
}

/// The run, if this attempt of it is running.
fn running(write: &dyn Write, id: RunId, attempt: u32) -> Result<Option<Live>, StoreError> {
    let live = write.load::<Live>(&LiveKey(id))?;
    Ok(live.filter(|Live(run)| run.running_attempt() == Some(attempt)))
}

fn commit(
    write: &mut dyn Write,
    run: &mut Run,
    effects: &Effects,
    now: Instant,
) -> Result<Result<(), Failure>, StoreError> {
    let emails = effects.emails.len() as u32;
    if let Err(conflict) = effect::commit(write, effects, now)? {
        let message = if effects.ids_are_secret { conflict.without_id() } else { conflict.to_string() };
        return Ok(Err(Failure::new(Cause::Conflict, message)));
    }
    if emails > 0 {
        run.emails += emails;
        let id = run.id.job();
        if write.load::<Job>(&id)?.is_some() {
            let mut status = job::status(write.as_read(), id)?;
            status.emails.add(emails, now);
            write.save(&id, &status);
        }
    }
    Ok(Ok(()))
}
