//! What was asked of the host, and what it answered. A run that nobody asked for is a finding, and so is an
//! answer that is not true.

use super::Oracle;
use sandglass_core::run::{Outcome, Run, Trigger};
use sandglass_core::{Instant, Name, RunId, Span};
use sandglass_store::op::OpError;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    /// A run with this input.
    Run {
        job: Name,
        input: String,
        once: bool,
    },
    Again(RunId),
    Backfill {
        job: Name,
        from: Instant,
        to: Instant,
    },
    Cancel(RunId),
}

#[derive(Default)]
pub struct Requests {
    /// What was asked, how often, how many runs were made for it, and when it was asked last.
    asked: BTreeMap<Asked, (u32, u32, Span)>,
    once: BTreeMap<Asked, (RunId, Instant)>,
    backfilled: BTreeSet<(Name, Instant, RunId)>,
}

impl Requests {
    /// The clock shows this: keys live for a day of it.
    pub(super) fn forget(&mut self, wall: Instant) {
        self.once.retain(|_, (_, at)| wall.since(*at) < Span::from_secs(86_400));
    }

    /// They are of one clock.
    pub(super) fn forget_all(&mut self) {
        self.once.clear();
    }

    pub fn has_asked(&self, asked: &Asked) -> bool {
        self.asked.contains_key(asked)
    }

    /// What is wrong with a new run, if anything is.
    pub(super) fn unasked(&mut self, run: &Run, wall: Instant) -> Option<&'static str> {
        match run.trigger {
            Trigger::Schedule | Trigger::CatchUp => None,
            Trigger::Webhook => Some("nobody called"),
            Trigger::Backfill => {
                let of = |asked: &&Asked| {
                    matches!(asked, Asked::Backfill { job, from, to }
                        if *job == run.job && (*from..=*to).contains(&run.scheduled_for))
                };
                let asked = self.asked.keys().any(|asked| of(&asked));
                self.backfilled.insert((run.job.clone(), run.scheduled_for, run.id));
                (!asked).then_some("nobody asked for this instant")
            }
            Trigger::Manual => {
                let is_it = |asked: &&Asked| match asked {
                    Asked::Again(old) => run.retry_of == Some(*old),
                    Asked::Run { job, input, .. } => {
                        run.retry_of.is_none() && *job == run.job && run.input.as_ref() == Some(input)
                    }
                    _ => false,
                };
                let asked = self.asked.keys().find(is_it).cloned();
                let Some(asked) = asked else { return Some("nobody asked for it") };
                let (times, made, _) = self.asked.get_mut(&asked)?;
                *made += 1;
                if made > times {
                    return Some("it was asked for less often");
                }
                if let Asked::Run { once: true, .. } = &asked {
                    // A clock that was set may end the day that keys live.
                    let day = Span::from_secs(86_400);
                    let before = self.once.insert(asked, (run.id, wall));
                    let again = before.is_some_and(|(_, at)| wall.since(at) < day && at.since(wall) < day);
                    return again.then_some("it was asked for once, under one key");
                }
                None
            }
        }
    }
}

impl Oracle {
    /// Somebody is about to ask.
    pub fn ask(&mut self, asked: Asked, now: Span) {
        self.tally.requests += 1;
        let entry = self.requests.asked.entry(asked).or_default();
        (entry.0, entry.2) = (entry.0 + 1, now);
    }

    pub fn answer_run(&mut self, asked: &Asked, answer: &Result<Run, OpError>) {
        match answer {
            Ok(run) => {
                if !self.runs.contains_key(&run.id) {
                    self.fail("answers", format!("{asked:?} was answered with {run:?}, which is not there"));
                }
                if matches!(asked, Asked::Cancel(_)) && run.outcome() != Some(Outcome::Cancelled) {
                    self.fail("answers", format!("{asked:?} was answered with {run:?}"));
                }
                let ended = |run: &RunId| self.runs.get(run).is_none_or(|book| book.run.outcome().is_some());
                if matches!(asked, Asked::Cancel(_)) && !ended(&run.id) {
                    self.fail("answers", format!("{asked:?} was answered, and the run goes on"));
                }
                if let Some((once, at)) = self.requests.once.get(asked)
                    && *once != run.id
                    && self.wall.since(*at) < Span::from_secs(86_400)
                    && at.since(self.wall) < Span::from_secs(86_400)
                {
                    self.fail(
                        "answers",
                        format!("{asked:?} was answered with {} and before with {once}", run.id),
                    );
                }
            }
            Err(error) => self.refused(asked, error),
        }
    }

    pub fn answer_runs(&mut self, asked: &Asked, answer: &Result<Vec<RunId>, OpError>) {
        match answer {
            Ok(runs) => {
                let missing = runs.iter().find(|run| !self.runs.contains_key(run)).copied();
                if let Some(run) = missing {
                    self.fail("answers", format!("{asked:?} was answered with {run}, which is not there"));
                }
            }
            Err(error) => self.refused(asked, error),
        }
    }

    /// The job's runs that have not ended, and those that have.
    pub fn unended_of(&self, name: &Name) -> Vec<RunId> {
        let job = self.names.get(name).and_then(|id| self.jobs.get(id));
        job.map_or_else(Vec::new, |job| job.live.iter().chain(&job.waiting).copied().collect())
    }

    pub fn ended_of(&self, name: &Name) -> Vec<RunId> {
        let Some(id) = self.names.get(name) else { return Vec::new() };
        let runs = self.runs.iter().filter(|(run, book)| run.job() == *id && book.run.outcome().is_some());
        runs.map(|(run, _)| *run).collect()
    }

    /// From the first to the last of the newest so many instants of a job's schedule.
    pub fn newest_instants(&self, name: &Name, count: u32, now: Instant) -> Option<(Instant, Instant)> {
        let job = &self.jobs[self.names.get(name)?];
        let schedule = job.newest().schedule();
        let to = schedule.last_until(Instant::MIN, now)?;
        let mut from = to;
        for _ in 1..count {
            let before = from.minus(Span::from_millis(1));
            from = schedule.last_until(Instant::MIN, before).unwrap_or(from);
        }
        Some((from, to))
    }

    fn refused(&mut self, asked: &Asked, error: &OpError) {
        let since = self.requests.asked.get(asked).map_or(Span::ZERO, |(_, _, at)| *at);
        // It may have been made since.
        let gone = |job: &Name| self.names.get(job).is_none_or(|id| self.jobs[id].made_at >= since);
        let right = match (asked, error) {
            // History may be gone, and with it what is to be done again.
            (_, OpError::Store(_))
            | (Asked::Backfill { .. }, OpError::Invalid(_) | OpError::Limit(_))
            | (Asked::Run { .. }, OpError::Limit(_))
            | (Asked::Again(_), OpError::Limit(_) | OpError::NotFound(_)) => true,
            (Asked::Run { job, .. } | Asked::Backfill { job, .. }, OpError::NotFound(_)) => gone(job),
            (Asked::Again(run), OpError::Conflict(_)) => self.runs.get(run).is_none_or(|book| {
                book.run.outcome().is_none() || self.jobs.get(&run.job()).is_none_or(|job| job.deleted)
            }),
            (Asked::Cancel(run), OpError::Conflict(_) | OpError::NotFound(_)) => {
                self.runs.get(run).is_some_and(|book| book.run.outcome().is_some())
            }
            _ => false,
        };
        if !right {
            self.fail("answers", format!("{asked:?} was refused: {error}"));
        }
    }
}
