//! What the oracle writes down of jobs and runs.

use sandglass_core::job::{Revision, Status};
use sandglass_core::policy::{Overlap, Policy};
use sandglass_core::run::{Outcome, Run};
use sandglass_core::schedule::Schedule;
use sandglass_core::{Instant, JobId, Name, RunId, Span};
use std::collections::{BTreeMap, BTreeSet};

/// What happened, for the summary.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    pub commits: u64,
    pub runs: u64,
    pub attempts: u64,
    pub skips: u64,
    pub skipped: u64,
    pub jumps: u64,
    pub epochs: u64,
    /// Of the host that were followed by another one.
    pub lives: u64,
    pub lost: u64,
    pub conflicts: u64,
    pub checkpoints: u64,
    pub cancels: u64,
    pub stale: u64,
    pub pauses: u64,
    pub refusals: u64,
    pub requests: u64,
}

impl Tally {
    pub fn add(&mut self, other: &Tally) {
        let Tally { commits, runs, attempts, skips, skipped, jumps, epochs, lives, lost, .. } = other;
        let Tally { conflicts, checkpoints, cancels, stale, pauses, refusals, requests, .. } = other;
        self.commits += commits;
        self.runs += runs;
        self.attempts += attempts;
        self.skips += skips;
        self.skipped = self.skipped.saturating_add(*skipped);
        self.jumps += jumps;
        self.epochs += epochs;
        self.lives += lives;
        self.lost += lost;
        self.conflicts += conflicts;
        self.checkpoints += checkpoints;
        self.cancels += cancels;
        self.stale += stale;
        self.pauses += pauses;
        self.refusals += refusals;
        self.requests += requests;
    }
}

pub struct JobBook {
    pub id: JobId,
    pub name: Name,
    pub made_at: Span,
    pub revisions: Vec<Revision>,
    pub paused: Option<Instant>,
    pub reigns: Vec<Reign>,
    /// Runs that go on, and that wait, in the order of their ids.
    pub live: BTreeSet<RunId>,
    pub waiting: BTreeSet<RunId>,
    pub turns: Vec<Turn>,
    /// The end of the last one of each row of skips, and how many.
    pub skips: BTreeMap<(Instant, u32), (Instant, u64)>,
    pub counts: Counts,
    /// The commit that last ended runs of it, and what it ended. Nobody can tell which of them was the last.
    pub ended_last: (u64, Vec<(RunId, Outcome)>),
    pub deleted: bool,
}

/// What a job's status is to say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counts {
    pub succeeded: u64,
    pub failed: u64,
    pub cancelled: u64,
    pub skipped: u64,
    pub missed: u64,
    pub failures_in_a_row: u32,
    pub newest: Option<(RunId, Outcome)>,
}

impl Counts {
    pub fn of(status: &Status) -> Counts {
        Counts {
            succeeded: status.succeeded,
            failed: status.failed,
            cancelled: status.cancelled,
            skipped: status.skipped,
            missed: status.missed,
            failures_in_a_row: status.failures_in_a_row,
            newest: status.recent.front().map(|end| (end.run, end.outcome)),
        }
    }
}

/// A time in which one schedule says when a job is to run, or would run if it were not paused.
pub struct Reign {
    pub epoch: u32,
    pub schedule: Schedule,
    pub paused: bool,
    /// It owns the instants after this one,
    pub from: Instant,
    /// up to this one.
    pub to: Option<Instant>,
    /// All its instants up to here have their outcome.
    pub dealt: Instant,
    /// The clock had been further when it began: what lies before may have been dealt with, or not.
    pub optional: Instant,
    /// What is due after this instant was never asked for: the clock was set back before it was seen.
    pub owed: Instant,
    /// The first instant without an outcome, and when it is due, while this is known.
    #[allow(clippy::option_option, reason = "not known, known to be none, and known")]
    pub next: Option<Option<(Instant, Instant)>>,
    /// Nothing of it is owed any more.
    pub released: bool,
}

/// A waiting run that is, or was, its job's oldest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Turn {
    pub run: RunId,
    /// Since when it may begin at the latest, and at the earliest; never yet: [`Span::MAX`].
    pub since: Span,
    pub first: Span,
}

pub struct RunBook {
    pub run: Run,
    /// Runs are numbered as they are made.
    pub born: u64,
    pub born_at: Span,
    /// When its attempt began, or its state changed otherwise, and in which life of the host.
    pub since: Span,
    pub life: u32,
    /// When its next attempt is due, by the clock that nobody sets.
    pub eligible: Option<Span>,
    /// Steps that are committed, and by which attempt.
    pub steps: BTreeMap<u32, u32>,
    /// Steps that an earlier run had done for it.
    pub inherited: u32,
    pub counted: u32,
    pub conflicts: u32,
    pub conflict_since: Option<Instant>,
    pub lost: u32,
    /// The memory that its attempt may take.
    pub memory: u64,
}

impl JobBook {
    pub fn newest(&self) -> &Revision {
        self.revisions.last().expect("a job has a revision")
    }

    pub fn policy(&self) -> &Policy {
        &self.newest().spec.policy
    }

    /// Its runs that have not ended.
    pub fn unended(&self) -> usize {
        self.live.len() + self.waiting.len()
    }

    pub fn concurrency(&self) -> usize {
        let policy = self.policy();
        if policy.overlap == Overlap::Allow { policy.max_concurrency as usize } else { 1 }
    }
}
