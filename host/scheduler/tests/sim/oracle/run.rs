//! What becomes of jobs and runs: each change of a run's record has a reason that was seen, and follows the
//! table of retries.

use super::books::RunBook;
use super::occurrence::Dealt;
use super::request::Asked;
use super::rest::GuestEnd;
use super::{Oracle, Places, Seen};
use sandglass_core::policy::{Overlap, Retry};
use sandglass_core::run::{Cause, Outcome, Run, State, Trigger};
use sandglass_core::{JobId, RunId, Span};
use std::collections::{BTreeMap, BTreeSet};

/// Why a run's record may have changed, where nobody asked.
struct Around<'a> {
    /// The job's runs that others may replace in this commit.
    replaced: &'a BTreeSet<JobId>,
    deleted: &'a BTreeSet<JobId>,
}

impl Oracle {
    /// Follows every run that a commit changed, and gives the occurrences that it made runs of.
    pub(super) fn move_runs(&mut self, seen: &Seen) -> Vec<Dealt> {
        let mut dealt = Vec::new();
        let new = |places: &Places| {
            let run = places.waiting.clone().flatten().or(places.live.clone().flatten())?;
            (run.trigger == Trigger::Schedule).then_some(run.id)
        };
        let made = seen.runs.iter().filter(|(id, _)| !self.runs.contains_key(*id));
        let replaced = made.filter_map(|(_, places)| Some(new(places)?.job()));
        let replaces = |id: &JobId| self.jobs[id].policy().overlap == Overlap::Replace;
        let replaced = replaced.filter(|id| self.jobs.contains_key(id)).filter(replaces).collect();
        let deleted = seen.jobs.iter().filter(|(_, job)| job.is_none()).map(|(id, _)| *id).collect();
        let around = Around { replaced: &replaced, deleted: &deleted };
        for (id, places) in &seen.runs {
            let ((Some(Some(after)), Some(None) | None, None | Some(None))
            | (Some(None) | None, Some(Some(after)), None | Some(None))
            | (Some(None) | None, Some(None) | None, Some(Some(after)))) =
                (&places.live, &places.waiting, &places.ended)
            else {
                self.fail("places", format!("run {id} lies in no place, or in two"));
                continue;
            };
            match self.runs.remove(id) {
                None => dealt.extend(self.make(after)),
                Some(mut book) => {
                    let finding = self.advance(&mut book, places, after, &around);
                    if let Err((check, text)) = finding {
                        let before = book.run.clone();
                        self.fail(
                            check,
                            format!("run {id} of {}: {text}: {before:?} -> {after:?}", after.job),
                        );
                    }
                    book.run = after.clone();
                    self.runs.insert(*id, book);
                }
            }
            self.place(*id);
        }
        for id in &deleted {
            if let Some(run) = self.jobs.get(id).and_then(|job| job.waiting.first().copied()) {
                self.fail("delete", format!("run {run} still waits, and its job was deleted"));
            }
        }
        dealt
    }

    /// Keeps the job's lists of its runs.
    fn place(&mut self, id: RunId) {
        let (Some(book), Some(job)) = (self.runs.get(&id), self.jobs.get_mut(&id.job())) else { return };
        job.waiting.remove(&id);
        job.live.remove(&id);
        match book.run.state {
            State::Queued { .. } => drop(job.waiting.insert(id)),
            State::Running { .. } | State::Retrying { .. } => drop(job.live.insert(id)),
            State::Ended { .. } => {}
        }
    }

    /// A run that was not there before.
    fn make(&mut self, run: &Run) -> Option<Dealt> {
        let id = run.id;
        self.tally.runs += 1;
        let mut book = RunBook {
            run: run.clone(),
            born: self.commits,
            born_at: self.now,
            since: self.now,
            life: self.life,
            eligible: None,
            steps: BTreeMap::new(),
            inherited: run.progress.as_deref().map_or(0, |text| text.parse().unwrap_or(0)),
            counted: 0,
            conflicts: 0,
            conflict_since: None,
            lost: 0,
            memory: 0,
        };
        if !run.attempts.is_empty() || run.outcome().is_some() {
            self.fail("places", format!("a new run that is not new: {run:?}"));
        }
        if let Some(old) = run.retry_of {
            let old = self.runs.get(&old).map(|book| &book.run);
            let right = old.is_some_and(|old| {
                let progress = if old.outcome() == Some(Outcome::Succeeded) { &None } else { &old.progress };
                (old.scheduled_for, old.epoch, &old.input, progress)
                    == (run.scheduled_for, run.epoch, &run.input, &run.progress)
            });
            if !right {
                self.fail("again", format!("{run:?} is not as {old:?}"));
            }
        } else if run.epoch != self.epoch && run.trigger == Trigger::Manual {
            self.fail("epoch", format!("{run:?} was asked for in epoch {}", self.epoch));
        }
        if let Some(unasked) = self.requests.unasked(run, self.wall) {
            self.fail("unasked", format!("{unasked}: {run:?}"));
        }
        if run.running_attempt().is_some()
            && let Err((check, text)) = self.begin(&mut book, run)
        {
            self.fail(check, format!("run {id}: {text}"));
        }
        self.runs.insert(id, book);
        Dealt::run(run)
    }

    fn advance(
        &mut self,
        book: &mut RunBook,
        places: &Places,
        after: &Run,
        around: &Around,
    ) -> Result<(), (&'static str, String)> {
        let before = book.run.clone();
        let wrong = |check, text: &str| Err((check, text.to_owned()));
        let left = match before.state {
            State::Queued { .. } => places.waiting.is_some(),
            State::Running { .. } | State::Retrying { .. } => places.live.is_some(),
            State::Ended { .. } => true,
        };
        if !left {
            return wrong("places", "it is left where it was");
        }
        match (&before.state, &after.state) {
            (State::Queued { .. }, State::Queued { .. }) => Ok(()),
            (State::Retrying { .. }, State::Retrying { due }) => {
                let due = self.elapsed_at(*due);
                // Who could begin before the clock was set, and still can, has waited since then.
                let before = book.eligible.filter(|_| due <= self.now);
                book.eligible = Some(before.map_or(due, |before| before.min(due)));
                Ok(())
            }
            (State::Queued { .. } | State::Retrying { .. }, State::Running { .. }) => self.begin(book, after),
            (State::Running { attempt, .. }, State::Running { attempt: same, .. }) if attempt == same => {
                if before.attempts != after.attempts {
                    return wrong("attempts", "a checkpoint changed what is past");
                }
                self.tally.checkpoints += 1;
                Ok(())
            }
            (State::Running { attempt, .. }, State::Retrying { .. } | State::Ended { .. }) => {
                self.end(book, *attempt, after, around)
            }
            (State::Queued { .. }, State::Ended { outcome: Outcome::Skipped, .. }) => {
                if before.start_by.is_none_or(|start_by| self.wall < start_by) {
                    return wrong("start-within", "it was given up too soon");
                }
                self.count_end(after, Outcome::Skipped);
                Ok(())
            }
            (
                State::Queued { .. } | State::Retrying { .. },
                State::Ended { outcome: Outcome::Cancelled, .. },
            ) => {
                self.cancelled(&before, around)?;
                self.count_end(after, Outcome::Cancelled);
                Ok(())
            }
            (State::Ended { .. }, State::Ended { .. }) => {
                let mut noted = after.clone();
                for (noted, ended) in noted.attempts.iter_mut().zip(&before.attempts) {
                    noted.usage = ended.usage;
                    noted.last_error.clone_from(&ended.last_error);
                }
                if noted == before { Ok(()) } else { wrong("ended", "it changed after its end") }
            }
            _ => wrong("states", "no event makes this of that"),
        }
    }

    fn cancelled(&mut self, run: &Run, around: &Around) -> Result<(), (&'static str, String)> {
        self.tally.cancels += 1;
        let job = run.id.job();
        let replaced = around.replaced.contains(&job) && run.trigger == Trigger::Schedule;
        let deleted = around.deleted.contains(&job) && run.running_attempt().is_none();
        if replaced || deleted || self.requests.has_asked(&Asked::Cancel(run.id)) {
            return Ok(());
        }
        Err(("cancel", "nobody cancelled it".into()))
    }

    /// An attempt begins.
    fn begin(&mut self, book: &mut RunBook, after: &Run) -> Result<(), (&'static str, String)> {
        let State::Running { attempt, revision, since } = after.state else {
            return Err(("states", "it does not run".into()));
        };
        self.tally.attempts += 1;
        let last = book.run.attempts.last().map_or(0, |attempt| attempt.number);
        if attempt != last + 1 || since != self.wall {
            return Err(("attempts", format!("attempt {attempt} after {last}, since {since}")));
        }
        let Some(job) = self.jobs.get(&after.id.job()).filter(|job| !job.deleted) else {
            return Err(("delete", "it begins, and its job is gone".into()));
        };
        let newest = job.newest();
        if revision != newest.number {
            return Err((
                "revision",
                format!("it begins with {revision}, and the newest is {}", newest.number),
            ));
        }
        book.memory = newest.spec.limits.memory.0;
        if book.run.is_queued() && after.start_by.is_some_and(|start_by| self.wall >= start_by) {
            return Err(("start-within", "it begins too late".into()));
        }
        if let State::Retrying { due } = book.run.state
            && self.wall < due
            && self.epoch_since != self.commits
        {
            return Err(("backoff", format!("it begins before {due}")));
        }
        (book.since, book.life) = (self.now, self.life);
        Ok(())
    }

    /// The running attempt ended.
    fn end(
        &mut self,
        book: &mut RunBook,
        number: u32,
        after: &Run,
        around: &Around,
    ) -> Result<(), (&'static str, String)> {
        let Some(attempt) = after.attempts.last().filter(|attempt| attempt.number == number) else {
            return Err(("attempts", "its attempt is not among those that ended".into()));
        };
        let guest = self.presence.end_of(after.id, number);
        let (cause, retry) = match attempt.outcome {
            Outcome::Cancelled => {
                self.cancelled(&book.run, around)?;
                if after.outcome() != Some(Outcome::Cancelled) {
                    return Err(("cancel", "it was cancelled, and goes on".into()));
                }
                book.since = self.now;
                self.count_end(after, Outcome::Cancelled);
                return Ok(());
            }
            Outcome::Skipped => return Err(("states", "an attempt cannot be skipped".into())),
            Outcome::Failed(Cause::Lost) => {
                if book.life == self.life {
                    return Err(("lost-attempt", "its host is alive".into()));
                }
                self.tally.lost += 1;
                (Cause::Lost, false)
            }
            outcome => match guest {
                None => return Err(("attempts", "its guest has not ended".into())),
                Some(GuestEnd::Succeeded { counted }) => {
                    let conflict = counted.is_some_and(|version| version != self.rows.version());
                    match outcome {
                        Outcome::Succeeded if conflict => {
                            return Err(("conflict", "it overwrote a row".into()));
                        }
                        Outcome::Succeeded => {
                            self.count_end(after, Outcome::Succeeded);
                            return match after.outcome() {
                                Some(Outcome::Succeeded) => Ok(()),
                                _ => Err(("states", "it succeeded, and goes on".into())),
                            };
                        }
                        Outcome::Failed(Cause::Conflict) if conflict => (Cause::Conflict, false),
                        _ => return Err(("causes", "the guest succeeded".into())),
                    }
                }
                Some(GuestEnd::Failed { cause, retry }) if outcome == Outcome::Failed(cause) => {
                    (cause, retry)
                }
                Some(guest) => return Err(("causes", format!("the guest ended so: {guest:?}"))),
            },
        };
        self.retries(book, after, cause, retry)
    }

    /// Whether another attempt follows, by the table of docs/semantics.md.
    fn retries(
        &mut self,
        book: &mut RunBook,
        after: &Run,
        cause: Cause,
        asked: bool,
    ) -> Result<(), (&'static str, String)> {
        let job = self.jobs.get(&after.id.job()).filter(|job| !job.deleted);
        let retry = job.map(|job| job.policy().retry.clone());
        let again = match (cause, &retry) {
            (_, None) => {
                self.tally.conflicts += u64::from(cause == Cause::Conflict);
                None
            }
            (Cause::Conflict, _) => {
                self.tally.conflicts += 1;
                book.conflicts += 1;
                let since = *book.conflict_since.get_or_insert(self.wall);
                (book.conflicts <= 20 && self.wall.since(since) <= Span::from_secs(10)).then_some(Span::ZERO)
            }
            (Cause::Lost, _) => {
                book.lost += 1;
                (book.lost <= 3).then_some(Span::ZERO)
            }
            (cause, Some(retry)) => {
                book.counted += 1;
                let worth = match cause {
                    Cause::HostError => true,
                    Cause::Error => asked || retry.on.contains(&cause),
                    cause => retry.on.contains(&cause),
                };
                (worth && book.counted < retry.max_attempts).then(|| longest(retry, book.counted))
            }
        };
        book.since = self.now;
        match (again, &after.state) {
            (Some(longest), State::Retrying { due }) => {
                if *due < self.wall || due.since(self.wall) > longest {
                    return Err(("backoff", format!("the next attempt is not within {longest}")));
                }
                book.eligible = Some(self.elapsed_at(*due));
                Ok(())
            }
            (None, State::Ended { outcome, .. }) if *outcome == Outcome::Failed(cause) => {
                self.count_end(after, *outcome);
                Ok(())
            }
            (again, _) => {
                Err(("retries", format!("{cause:?} is followed by another attempt: {}", again.is_some())))
            }
        }
    }

    /// When the wall clock will show `at`, if nobody sets it.
    fn elapsed_at(&self, at: sandglass_core::Instant) -> Span {
        Span::from_millis(self.now.millis() + at.since(self.wall).millis())
    }
}

/// The longest backoff after so many counted attempts.
fn longest(retry: &Retry, counted: u32) -> Span {
    let mut longest = retry.initial.millis();
    for _ in 1..counted {
        longest = longest.saturating_mul(2).min(retry.max.millis());
    }
    Span::from_millis(longest.min(retry.max.millis()))
}
