//! One attempt, from its claim to its committed end.

use crate::host::{Entered, Host};
use crate::log::Journal;
use crate::metric;
use sandglass_core::effect::Effects;
use sandglass_core::log::Line;
use sandglass_core::run::{Cause, Ending, Failure, Outcome, Run, Traces};
use sandglass_core::{RunId, Span};
use sandglass_runtime::{AttemptContext, BoxFuture, Committer, Finished};
use sandglass_store::op::attempt::{self, CheckpointError};
use sandglass_store::op::claim::Started;
use sandglass_store::op::log as pieces;
use sandglass_store::{Store, StoreError, StoreExt};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Executes a claimed attempt in a task of its own.
pub(crate) fn spawn(host: &Arc<Host>, started: Started) {
    let Some(number) = started.run.running_attempt() else {
        return;
    };
    // At once, not when the task comes to run: it takes a slot, and a cancel must find it.
    let entered = Host::enter(host, started.run.id, number, started.revision.spec.limits.memory);
    let host = host.clone();
    host.clone().tasks.spawn(async move { execute(&host, &entered, started, number).await });
}

async fn execute(host: &Arc<Host>, entered: &Entered, started: Started, number: u32) {
    let run = started.run.id;
    let (ending, effects) = match attempt_of(host, entered, started, number).await {
        Some(Finished::Ended { ending, effects }) => (ending, effects),
        Some(Finished::Cancelled(traces)) => {
            // The cancel was committed before the attempt was told. What it used is told afterwards.
            if let Err(error) = note_cancelled(host, &entered.journal, run, number, traces).await {
                tracing::warn!(%run, %error, "what a cancelled attempt used could not be stored");
            }
            return;
        }
        None => return,
    };
    if let Err(failure) = &ending.result {
        entered.journal.push(Line::of_failure(host.now(), number, failure.cause, &failure.message));
    }
    let ended = commit_end(host, &entered.journal, run, number, ending, effects).await;
    // The attempt's own mail, or a notification.
    host.outbox.notify_one();
    match ended {
        Ok(Some(ended)) => tell_end(&ended, number),
        // Cancelled meanwhile.
        Ok(None) | Err(StoreError::Closed) => {}
        Err(error) => {
            metric::store_error("execute");
            tracing::error!(%run, %error, "the end of an attempt could not be stored");
        }
    }
}

async fn attempt_of(host: &Arc<Host>, entered: &Entered, started: Started, number: u32) -> Option<Finished> {
    let Started { run, revision, last_success, emails_today } = started;
    let component = revision.spec.component;
    let mut seed = [0; 32];
    for part in seed.chunks_exact_mut(8) {
        part.copy_from_slice(&(host.random)().to_le_bytes());
    }
    let committer = Fence {
        store: host.store.clone(),
        clock: host.clock.clone(),
        run: run.id,
        attempt: number,
        cancel: entered.cancel.clone(),
    };
    let context = AttemptContext {
        run: run.id,
        job: run.job,
        attempt: number,
        trigger: run.trigger,
        scheduled_for: run.scheduled_for,
        last_success,
        input: run.input,
        progress: run.progress,
        spec: Arc::new(revision.spec),
        emails_of_run: run.emails,
        emails_of_day: emails_today,
        clock: host.clock.clone(),
        seed,
        store: host.store.clone(),
        committer: Arc::new(committer),
        secrets: host.vault.clone(),
        outbound: host.options.outbound.clone(),
        log: entered.journal.clone(),
        cancel: entered.cancel.clone(),
    };
    let mut attempt = std::pin::pin!(host.executor.attempt(component, context));
    loop {
        tokio::select! {
            biased;
            finished = &mut attempt => return Some(finished),
            () = entered.journal.ripe() => {
                if let Err(error) = store_log(host, &entered.journal, run.id).await {
                    tracing::warn!(run = %run.id, %error, "a piece of a log could not be stored yet");
                }
            }
        }
    }
}

/// Stores the lines that were logged since the last piece, while the attempt goes on.
async fn store_log(host: &Host, journal: &Arc<Journal>, run: RunId) -> Result<(), StoreError> {
    let Some((number, lines)) = journal.cut(&*host.store)? else {
        return Ok(());
    };
    host.store.write(move |write| pieces::add(write, run, number, &lines)).await?;
    journal.stored(number);
    Ok(())
}

/// After storage refused.
const PAUSE_AFTER_REFUSAL: Span = Span::from_secs(1);

/// Commits an attempt's end with its effects and the rest of its log. While there is no space, or storage fails,
/// it waits: nobody else ends this attempt before the next start. Asking twice does no harm, as only the attempt
/// that is running ends.
async fn commit_end(
    host: &Host,
    journal: &Journal,
    run: RunId,
    number: u32,
    ending: Ending,
    effects: Effects,
) -> Result<Option<Run>, StoreError> {
    let rest = journal.cut(&*host.store)?;
    let work = Arc::new((ending, effects));
    loop {
        let (work, rest) = (work.clone(), rest.clone());
        let (clock, random) = (host.clock.clone(), (host.random)());
        let ended = host.store.write(move |write| {
            let now = clock();
            let ended = attempt::end(write, run, number, work.0.clone(), &work.1, now, random)?;
            let conflict = ended.as_ref().filter(|_| work.0.result.is_ok()).and_then(conflict_of);
            if let Some((piece, lines)) = &rest {
                pieces::add(write, run, *piece, lines)?;
            }
            if let Some(message) = conflict {
                let line = Line::of_failure(now, number, Cause::Conflict, message);
                let piece = match &rest {
                    Some((piece, _)) => piece + 1,
                    None => pieces::next_number(write.as_read(), run)?,
                };
                pieces::add(write, run, piece, &[line])?;
            }
            Ok(ended)
        });
        match ended.await {
            Err(error @ (StoreError::Full | StoreError::Failed(_))) if !host.closing.is_cancelled() => {
                if let StoreError::Failed(_) = error {
                    metric::store_error("execute");
                    tracing::error!(%run, %error, "the end of an attempt cannot be stored yet");
                }
                tokio::time::sleep(PAUSE_AFTER_REFUSAL.to_std()).await;
            }
            result => return result,
        }
    }
}

/// What the commit of an attempt that had succeeded was refused for.
fn conflict_of(run: &Run) -> Option<&str> {
    let last = run.attempts.last().filter(|last| last.outcome == Outcome::Failed(Cause::Conflict));
    last.and_then(|last| last.message.as_deref())
}

/// Adds the rest of its log, and what it used, to a run that was cancelled.
async fn note_cancelled(
    host: &Host,
    journal: &Journal,
    run: RunId,
    number: u32,
    traces: Traces,
) -> Result<(), StoreError> {
    let rest = journal.cut(&*host.store)?;
    let noted = host.store.write(move |write| {
        if let Some((piece, lines)) = &rest {
            pieces::add(write, run, *piece, lines)?;
        }
        attempt::note(write, run, number, traces)
    });
    noted.await
}

fn tell_end(run: &Run, number: u32) {
    if let Some(attempt) = run.attempts.last() {
        metric::ended(attempt);
    }
    let outcome = run.attempts.last().map(|attempt| attempt.outcome);
    let cause = outcome.and_then(Outcome::cause).map(Cause::as_str);
    tracing::debug!(run = %run.id, job = %run.job, attempt = number, state = run.status(), cause, "attempt ended");
}

/// What an attempt may commit while it runs: only as long as it is the one that is running.
struct Fence {
    store: Arc<dyn Store>,
    clock: sandglass_runtime::Clock,
    run: RunId,
    attempt: u32,
    cancel: CancellationToken,
}

impl Committer for Fence {
    fn checkpoint(&self, effects: Effects, progress: Option<String>) -> BoxFuture<'_, Result<(), Failure>> {
        let (run, attempt, clock) = (self.run, self.attempt, self.clock.clone());
        let work = Arc::new((effects, progress));
        Box::pin(async move {
            let committed = loop {
                let (work, clock) = (work.clone(), clock.clone());
                let committed = self.store.write(move |write| {
                    attempt::checkpoint(write, run, attempt, &work.0, work.1.clone(), clock())
                });
                match committed.await {
                    // The attempt's own timeout bounds the wait.
                    Err(CheckpointError::Store(StoreError::Full)) => {
                        tokio::time::sleep(PAUSE_AFTER_REFUSAL.to_std()).await;
                    }
                    committed => break committed,
                }
            };
            match committed {
                Ok(()) => Ok(()),
                Err(CheckpointError::Failed(failure)) => Err(failure),
                Err(CheckpointError::Stale) => {
                    self.cancel.cancel();
                    Err(Failure::new(Cause::HostError, "the run was ended while this attempt was running"))
                }
                Err(CheckpointError::Store(error)) => Err(Failure::new(Cause::HostError, error.to_string())),
            }
        })
    }
}
