//! Scripted guests: attempts that work, checkpoint, fail, count in a row that others count in too, and
//! sometimes go on after they were cancelled.

use crate::plan::Guest;
use crate::world::World;
use sandglass_core::effect::{Change, Effects, Expected, RowKey};
use sandglass_core::log::{Level, Line, Source};
use sandglass_core::row::Row;
use sandglass_core::run::{Cause, Ending, Failure, Traces};
use sandglass_core::{Digest, Name, RunId, Span};
use sandglass_runtime::{AttemptContext, BoxFuture, Finished};
use sandglass_scheduler::Executor;
use sandglass_store::key::RowPlace;
use sandglass_store::{StoreError, StoreExt};
use serde_json::{Map, Value, json};
use std::sync::Arc;

pub const EFFECTS: &str = "effects";
pub const COUNTER: &str = "counter";

/// The row that one step of one attempt writes.
pub fn row_id(run: RunId, step: u32, attempt: u32) -> String {
    format!("{run} {step} {attempt}")
}

pub fn read_row_id(id: &str) -> Option<(RunId, u32, u32)> {
    let mut parts = id.split(' ');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

pub struct Guests(pub Arc<World>);

impl Executor for Guests {
    fn attempt(&self, _component: Digest, context: AttemptContext) -> BoxFuture<'_, Finished> {
        let world = self.0.clone();
        Box::pin(async move {
            let attempt = Attempt::new(world.clone(), context);
            world.guest_enters(attempt.context.run, attempt.context.attempt);
            // Also where the host drops the attempt.
            let _present =
                Present { world: world.clone(), of: (attempt.context.run, attempt.context.attempt) };
            let timeout = attempt.context.spec.policy.timeout;
            let finished = tokio::select! {
                biased;
                finished = attempt.work() => finished,
                () = tokio::time::sleep(timeout.to_std()) => failed(Failure::new(Cause::Timeout, "too slow")),
            };
            world.guest_ends(attempt.context.run, attempt.context.attempt, &finished);
            finished
        })
    }
}

struct Present {
    world: Arc<World>,
    of: (RunId, u32),
}

impl Drop for Present {
    fn drop(&mut self) {
        self.world.guest_leaves(self.of.0, self.of.1);
    }
}

struct Attempt {
    world: Arc<World>,
    context: AttemptContext,
    guest: Guest,
    /// Where in its steps it fails, and how.
    fails: Option<(u32, Failure)>,
    deaf: bool,
    hash: u64,
}

impl Attempt {
    fn new(world: Arc<World>, context: AttemptContext) -> Attempt {
        let guest = world.guest_of(&context.job);
        let hash = world.hash(&[&context.run.to_bytes(), &context.attempt.to_be_bytes()]);
        let mut attempt = Attempt { world, context, guest, fails: None, deaf: false, hash };
        if attempt.world.is_resting() {
            return attempt;
        }
        attempt.deaf = attempt.draw(0, 100) < u64::from(attempt.guest.deaf);
        if !attempt.guest.failures.is_empty() && attempt.draw(1, 100) < u64::from(attempt.guest.failing) {
            let fault = attempt.guest.failures[attempt.draw(2, attempt.guest.failures.len() as u64) as usize];
            let step = 1 + attempt.draw(3, u64::from(attempt.guest.steps)) as u32;
            let failure = Failure { retry: fault.retry, ..Failure::new(fault.cause, "as planned") };
            attempt.fails = Some((step, failure));
        }
        attempt
    }

    /// A number below `bound` that is this attempt's own, one for each `which`.
    fn draw(&self, which: u64, bound: u64) -> u64 {
        self.world.hash(&[&self.hash.to_be_bytes(), &which.to_be_bytes()]) % bound.max(1)
    }

    async fn work(&self) -> Finished {
        let done: u32 = self.context.progress.as_deref().map_or(0, |text| text.parse().unwrap_or(0));
        for step in done + 1..=self.guest.steps {
            let pace = if self.world.is_resting() { Span::from_millis(1) } else { self.guest.pace };
            let length = Span::from_millis(self.draw(100 + u64::from(step), pace.millis() + 1));
            if self.guest.logs {
                self.log(step);
            }
            let mut effects = Effects::default();
            if self.guest.counts {
                self.count(&mut effects);
            }
            if !self.sleep(length).await {
                return Finished::Cancelled(Traces::default());
            }
            if let Some((at, failure)) = &self.fails
                && (*at == step || step == self.guest.steps)
            {
                let forever = Span::from_secs(1_000_000_000);
                if failure.cause == Cause::Timeout && !self.sleep(forever).await {
                    return Finished::Cancelled(Traces::default());
                }
                return failed(failure.clone());
            }
            let id = row_id(self.context.run, step, self.context.attempt);
            write(&mut effects, EFFECTS, &id, &json!({"step": step}), Expected::Anything, self);
            if step == self.guest.steps {
                let ending = Ending { result: Ok(Some(step.to_string())), traces: Traces::default() };
                return Finished::Ended { ending, effects };
            }
            if let Err(failure) = self.context.committer.checkpoint(effects, Some(step.to_string())).await {
                if self.deaf && self.context.cancel.is_cancelled() {
                    continue;
                }
                if self.context.cancel.is_cancelled() {
                    return Finished::Cancelled(Traces::default());
                }
                return failed(failure);
            }
        }
        // Every step was done by an earlier attempt, whose end was not to be.
        let ending = Ending { result: Ok(None), traces: Traces::default() };
        Finished::Ended { ending, effects: Effects::default() }
    }

    /// False where the attempt is to end.
    async fn sleep(&self, length: Span) -> bool {
        let slept = tokio::time::sleep(length.to_std());
        if self.deaf {
            slept.await;
            return true;
        }
        tokio::select! {
            biased;
            () = self.context.cancel.cancelled() => false,
            () = slept => true,
        }
    }

    fn count(&self, effects: &mut Effects) {
        let place = RowPlace { table: name(COUNTER), id: "n".parse().expect("an id") };
        let row: Result<Option<Row>, StoreError> = self.context.store.read(|read| read.load::<Row>(&place));
        // A store that cannot be read now is read by the next attempt.
        let Ok(row) = row else { return };
        let version = row.as_ref().map_or(0, |row| row.version);
        let before = row.and_then(|row| row.fields.get("n").and_then(Value::as_u64)).unwrap_or(0);
        write(effects, COUNTER, "n", &json!({"n": before + 1}), Expected::Version(version), self);
    }

    fn log(&self, step: u32) {
        let at = (self.context.clock)();
        let message = format!("step {step}");
        let (level, source) = (Level::Info, Source::Log);
        self.context.log.line(Line { at, attempt: self.context.attempt, level, source, message });
    }
}

fn write(effects: &mut Effects, table: &str, id: &str, fields: &Value, expected: Expected, by: &Attempt) {
    let fields: Map<String, Value> = fields.as_object().cloned().unwrap_or_default();
    let key = RowKey { table: name(table), id: id.parse().expect("an id") };
    let at = (by.context.clock)();
    effects.rows.insert(key, Change { fields: Some(fields), expected, at, created_at: None, size: 16 });
}

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

fn failed(failure: Failure) -> Finished {
    let ending = Ending { result: Err(failure), traces: Traces::default() };
    Finished::Ended { ending, effects: Effects::default() }
}
