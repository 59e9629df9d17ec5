//! Effects: the rows that attempts wrote. A row is there if, and only if, the attempt that wrote it was the one
//! that ran, and succeeded or made a checkpoint of it.

use super::{Oracle, Seen};
use crate::guest::{COUNTER, EFFECTS, read_row_id};
use sandglass_core::RunId;
use sandglass_core::row::Row;
use sandglass_core::run::{Outcome, Run, State};
use serde_json::Value;

/// The row that guests count in.
#[derive(Default)]
pub struct Rows {
    version: u64,
    count: u64,
}

impl Rows {
    pub fn version(&self) -> u64 {
        self.version
    }
}

impl Oracle {
    pub(super) fn write_rows(&mut self, seen: &Seen) {
        let mut counted = 0;
        for (place, row) in &seen.rows {
            let Some(row) = row else {
                self.fail("effects", format!("row {} was deleted", place.id));
                continue;
            };
            let finding = match place.table.as_str() {
                EFFECTS => self.effect(row, seen),
                COUNTER => {
                    counted += 1;
                    self.count(row)
                }
                other => Err(format!("a row of table {other}")),
            };
            if let Err(text) = finding {
                self.fail("effects", text);
            }
        }
        let moved = |run: &&Run| {
            run.outcome() == Some(Outcome::Succeeded)
                || run.running_attempt().is_some_and(|_| run.progress.is_some())
        };
        let committing =
            seen.runs.keys().filter_map(|id| self.runs.get(id)).map(|book| &book.run).filter(moved);
        if counted > committing.count() {
            self.fail("effects", "somebody counted, and nobody succeeded or made a checkpoint".into());
        }
        for id in seen.runs.keys() {
            if let Some(text) = self.unfinished(*id) {
                self.fail("effects", text);
            }
        }
    }

    fn count(&mut self, row: &Row) -> Result<(), String> {
        let n = row.fields.get("n").and_then(Value::as_u64).unwrap_or(0);
        let before = std::mem::replace(&mut self.rows, Rows { version: row.version, count: n });
        if n == before.count + 1 && row.version > before.version {
            return Ok(());
        }
        Err(format!("the counter went from {} to {n}: an update is lost", before.count))
    }

    fn effect(&mut self, row: &Row, seen: &Seen) -> Result<(), String> {
        let id = &row.id;
        let (run, step, attempt) =
            read_row_id(id.as_str()).ok_or_else(|| format!("a row that nobody wrote: {id}"))?;
        let changed = seen.runs.contains_key(&run);
        let book = self.runs.get_mut(&run).filter(|_| changed);
        let Some(book) = book else {
            return Err(format!("step {step} of run {run} was written, and the run did nothing"));
        };
        let commits = match &book.run.state {
            State::Running { attempt: running, .. } => {
                *running == attempt && book.run.progress.as_deref() == Some(step.to_string().as_str())
            }
            State::Ended { outcome: Outcome::Succeeded, .. } => {
                book.run.attempts.last().is_some_and(|last| last.number == attempt)
            }
            _ => false,
        };
        if !commits {
            return Err(format!("step {step} of run {run} was written by attempt {attempt}: {:?}", book.run));
        }
        if let Some(before) = book.steps.insert(step, attempt) {
            return Err(format!("step {step} of run {run} was written by attempts {before} and {attempt}"));
        }
        Ok(())
    }

    /// What a run that succeeded, or that has come so far, should have left.
    fn unfinished(&self, id: RunId) -> Option<String> {
        let book = self.runs.get(&id)?;
        let guest = &self.plan.guests[crate::world::job_number(&book.run.job)];
        let progress = book.run.progress.as_deref().map_or(0, |text| text.parse().unwrap_or(0));
        let last = if book.run.outcome() == Some(Outcome::Succeeded) { guest.steps } else { progress };
        let steps: Vec<u32> = book.steps.keys().copied().collect();
        let wanted: Vec<u32> = (book.inherited + 1..=last).collect();
        (steps != wanted).then(|| format!("run {id} of {}: steps {steps:?}, not {wanted:?}", book.run.job))
    }
}
