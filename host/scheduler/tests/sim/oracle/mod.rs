//! The second statement of what the scheduler promises. It sees every commit, what was asked of the host and
//! what guests did, keeps books of its own, and says what does not agree.
//!
//! It shares the schedule's arithmetic and the forms of records with the host, and no decision.

mod books;
mod effect;
mod job;
mod occurrence;
mod request;
mod rest;
mod run;

pub use books::Tally;
pub use request::Asked;

use crate::plan::Plan;
use crate::store::Changes;
use books::{JobBook, RunBook};
use effect::Rows;
use request::Requests;
pub use rest::GuestEnd;
use rest::Presence;
use sandglass_core::job::{Job, Revision, Skip, Status};
use sandglass_core::row::Row;
use sandglass_core::run::{Run, State};
use sandglass_core::spec::Specification;
use sandglass_core::{Instant, JobId, Name, RunId, Span};
use sandglass_store::key::{LiveKey, RevisionKey, RowPlace, SkipKey};
use sandglass_store::record::{Ended, Live, Meta, Waiting};
use sandglass_store::{Key, Record, Space};
use std::collections::BTreeMap;

/// One commit, as it was seen from outside.
#[derive(Debug)]
pub struct Commit {
    pub elapsed: Span,
    pub wall: Instant,
    pub changes: Changes,
    pub facts: Vec<Fact>,
}

/// What a request did, said by its script: it counts if the script was committed.
#[derive(Debug, Clone)]
pub enum Fact {
    Deployed {
        job: Name,
        spec: Box<Specification>,
    },
    /// A revision that is added even where nothing changes.
    RolledBack {
        job: Name,
        number: u32,
    },
    Paused {
        job: Name,
    },
    Resumed {
        job: Name,
    },
    Deleted {
        job: Name,
    },
    Refused {
        job: Name,
        what: &'static str,
        why: String,
    },
}

/// What is not as promised.
#[derive(Debug, Clone)]
pub struct Violation {
    /// The check's name.
    pub check: &'static str,
    pub text: String,
    pub at: Span,
}

pub struct Oracle {
    plan: std::sync::Arc<Plan>,
    now: Span,
    wall: Instant,
    jobs: BTreeMap<JobId, JobBook>,
    names: BTreeMap<Name, JobId>,
    runs: BTreeMap<RunId, RunBook>,
    rows: Rows,
    requests: Requests,
    presence: Presence,
    epoch: u32,
    /// The commit that opened it.
    epoch_since: u64,
    /// The newest instant that the wall clock showed at a commit of this epoch.
    high: Instant,
    /// The newest instant up to which it says that it has come, exact to the hour.
    reached: Instant,
    /// When the last thing happened that excuses delays, the wall clock was last set, and set back by much.
    disturbed: Span,
    jumped: Span,
    reordered: Span,
    /// Lives of the host are counted.
    life: u32,
    commits: u64,
    pub tally: Tally,
    pub violation: Option<Violation>,
}

/// A commit's records by kind.
#[derive(Default)]
struct Seen {
    meta: Option<Meta>,
    /// Where each run lies afterwards.
    runs: BTreeMap<RunId, Places>,
    jobs: BTreeMap<JobId, Option<Job>>,
    revisions: Vec<(RevisionKey, Option<Revision>)>,
    statuses: Vec<(JobId, Option<Status>)>,
    skips: Vec<(SkipKey, Option<Skip>)>,
    rows: Vec<(RowPlace, Option<Row>)>,
}

/// What became of a run's record in its three spaces.
#[derive(Default)]
#[allow(clippy::option_option, reason = "untouched, removed and written")]
struct Places {
    waiting: Option<Option<Run>>,
    live: Option<Option<Run>>,
    ended: Option<Option<Run>>,
}

fn read<R: Record>(key: &[u8], value: Option<&Vec<u8>>) -> Option<(R::Key, Option<R>)> {
    Some((R::Key::decode(key)?, value.map(|value| R::decode(value)).transpose().ok()?))
}

impl Seen {
    fn of(changes: &Changes) -> Option<Seen> {
        let mut seen = Seen::default();
        for ((space, key), value) in changes {
            let value = value.as_ref();
            match space {
                Space::Meta => seen.meta = read::<Meta>(key, value)?.1,
                Space::Job => drop({
                    let (id, job) = read::<Job>(key, value)?;
                    seen.jobs.insert(id, job)
                }),
                Space::Revision => seen.revisions.push(read::<Revision>(key, value)?),
                Space::Status => seen.statuses.push(read::<Status>(key, value)?),
                Space::Skip => seen.skips.push(read::<Skip>(key, value)?),
                Space::Row => seen.rows.push(read::<Row>(key, value)?),
                Space::Waiting => {
                    let (LiveKey(id), run) = read::<Waiting>(key, value)?;
                    seen.runs.entry(id).or_default().waiting = Some(run.map(|Waiting(run)| run));
                }
                Space::Live => {
                    let (LiveKey(id), run) = read::<Live>(key, value)?;
                    seen.runs.entry(id).or_default().live = Some(run.map(|Live(run)| run));
                }
                Space::Ended => {
                    let (id, run) = read::<Ended>(key, value)?;
                    seen.runs.entry(id).or_default().ended = Some(run.map(|Ended(run)| run));
                }
                _ => {}
            }
        }
        Some(seen)
    }
}

impl Oracle {
    pub fn new(plan: std::sync::Arc<Plan>) -> Oracle {
        Oracle {
            now: Span::ZERO,
            wall: plan.began,
            high: plan.began,
            plan,
            jobs: BTreeMap::new(),
            names: BTreeMap::new(),
            runs: BTreeMap::new(),
            rows: Rows::default(),
            requests: Requests::default(),
            presence: Presence::default(),
            epoch: 0,
            epoch_since: 0,
            reached: Instant::MIN,
            disturbed: Span::ZERO,
            jumped: Span::ZERO,
            reordered: Span::ZERO,
            life: 0,
            commits: 0,
            tally: Tally::default(),
            violation: None,
        }
    }

    /// Notes what is not as promised. The first finding counts: others may follow from it.
    #[allow(clippy::needless_pass_by_value, reason = "every caller has just made it")]
    fn fail(&mut self, check: &'static str, text: String) {
        if self.violation.is_none() {
            self.violation = Some(Violation { check, text: format!("{}: {text}", self.wall), at: self.now });
        }
    }

    pub fn commit(&mut self, commit: &Commit) {
        if self.violation.is_some() {
            return;
        }
        (self.now, self.wall) = (commit.elapsed, commit.wall);
        self.commits += 1;
        self.tally.commits += 1;
        let Some(seen) = Seen::of(&commit.changes) else {
            self.fail("records", "a record does not read".into());
            return;
        };
        if let Some(meta) = &seen.meta {
            self.tell_epoch(meta, &seen);
        }
        self.high = self.high.max(commit.wall);
        let counts: BTreeMap<JobId, usize> = self.jobs.iter().map(|(id, job)| (*id, job.unended())).collect();
        for fact in &commit.facts {
            self.tell_fact(fact, &seen);
        }
        let dealt = self.move_runs(&seen);
        self.deal(&seen, dealt, &counts);
        self.write_rows(&seen);
        self.compare_jobs(&seen);
        self.judge_turns(&seen);
        self.look_for_stuck();
    }

    /// A task or a script of the host panicked, which the runtime and the store keep to themselves.
    pub fn panicked(&mut self, text: String) {
        self.fail("panic", text);
    }

    /// Something of an attempt was taken whose process had died.
    pub fn heard_of_ghost(&mut self, run: RunId, attempt: u32, what: &str) {
        self.fail(
            "ghost",
            format!("{what} of attempt {attempt} of run {run} was taken, whose process is dead"),
        );
    }

    /// Whether what is stored is what the commits made.
    pub fn holds(&mut self, same: bool, space: Space) {
        if !same {
            self.fail("store", format!("{space:?} is not what the commits made of it"));
        }
    }

    /// Something happened that excuses delays.
    pub fn disturbed(&mut self, now: Span) {
        self.disturbed = self.disturbed.max(now);
    }

    /// The store refuses until then, or until the host is started again.
    pub fn refused_for(&mut self, until: Span, stopped: bool) {
        if !stopped {
            self.disturbed(until);
        }
        self.tally.refusals += 1;
    }

    /// The wall clock was set.
    pub fn jumped(&mut self, now: Span, wall: Instant, by_ms: i64) {
        self.requests.forget(wall);
        self.disturbed(now);
        self.jumped = now;
        if by_ms < -50_000 {
            self.reordered = now;
        }
        self.tally.jumps += 1;
        for book in self.runs.values_mut().filter(|book| book.eligible.is_some_and(|at| at > now)) {
            let State::Retrying { due } = book.run.state else { continue };
            // A delay that began at an instant that is still to come is waited for as if the clock had not been set.
            if book.run.attempts.last().is_some_and(|last| last.ended_at <= wall) {
                book.eligible = Some(Span::from_millis(now.millis() + due.since(wall).millis()));
            }
        }
    }

    /// Longer than anything takes that is not disturbed.
    fn slack(&self) -> Span {
        let latency = self.plan.latency.millis();
        Span::from_millis(self.plan.look_every.millis() + 8_000 + 20 * latency)
    }

    /// Whether nothing has happened for so long that everything should have been seen to.
    fn is_calm_since(&self, since: Span) -> bool {
        let since = Span::from_millis(since.millis().max(self.disturbed.millis()) + self.slack().millis());
        since < self.now
    }
}
