//! What one simulation does: a host, its jobs' guests, and what happens to them at which moment. Plain data, so
//! that a plan that fails can be printed and made smaller.

use sandglass_core::limit::Bytes;
use sandglass_core::run::Cause;
use sandglass_core::spec::Specification;
use sandglass_core::{Instant, Span};

#[derive(Debug, Clone)]
pub struct Plan {
    pub seed: u64,
    /// What the wall clock shows at the beginning.
    pub began: Instant,
    /// How long things happen. Afterwards everything is given the time to come to rest.
    pub horizon: Span,
    pub look_every: Span,
    pub slots: usize,
    pub memory: Bytes,
    pub history: Span,
    /// A commit takes up to so long to begin, and as long to be answered.
    pub latency: Span,
    /// One per job name: see [`job_name`].
    pub guests: Vec<Guest>,
    /// In the order of their moments.
    pub steps: Vec<Step>,
    /// Whether every commit is printed.
    pub traced: bool,
}

/// How the attempts of a job's runs behave. What exactly one does follows from the seed, its run and its number.
#[derive(Debug, Clone)]
pub struct Guest {
    /// A step of an attempt takes up to so long.
    pub pace: Span,
    /// Steps of a run. Each but the last ends in a checkpoint.
    pub steps: u32,
    /// Attempts of a hundred that fail, and how they do.
    pub failing: u32,
    pub failures: Vec<Fault>,
    /// Whether it counts in a row that other guests count in too: then there are conflicts.
    pub counts: bool,
    /// Attempts of a hundred that go on after they were cancelled.
    pub deaf: u32,
    pub logs: bool,
}

/// A cause, and whether the guest says that another attempt is worth it.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    pub cause: Cause,
    pub retry: bool,
}

#[derive(Debug, Clone)]
pub struct Step {
    /// Since the beginning, by a clock that nobody sets.
    pub at: Span,
    pub what: What,
}

/// Jobs are named by their numbers.
#[derive(Debug, Clone)]
pub enum What {
    Deploy {
        job: usize,
        spec: Box<Specification>,
    },
    Pause {
        job: usize,
    },
    Resume {
        job: usize,
    },
    /// To the revision so many before the newest.
    RollBack {
        job: usize,
        back: u32,
    },
    Delete {
        job: usize,
    },
    /// Asks for a run; twice under one key is asking once.
    Ask {
        job: usize,
        key: Option<u8>,
    },
    /// Cancels one of the job's runs that have not ended.
    Cancel {
        job: usize,
        pick: u32,
    },
    /// Asks for one of the job's ended runs again.
    Again {
        job: usize,
        pick: u32,
    },
    /// The newest so many instants of the schedule.
    Backfill {
        job: usize,
        count: u32,
    },
    /// The wall clock is set, or the machine slept.
    Clock {
        by_ms: i64,
    },
    /// The host dies at a commit that is so many ahead, and is started after `off`.
    Crash {
        commits: u32,
        at: Moment,
        off: Span,
    },
    /// The store stops at a commit that is so many ahead, and the host ends when it notices. Whether that commit
    /// counts is seen at the next start.
    Stop {
        commits: u32,
        at: Moment,
    },
    /// The host is stopped in order, and started after `off`.
    Restart {
        grace: Span,
        off: Span,
    },
    /// The store refuses so many scripts, or all of them for a time.
    Refuse {
        with: Refusal,
        count: u32,
        during: Span,
    },
}

/// Where in a commit the host dies, and what is left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    Before,
    /// The commit counts, and nobody is told.
    After,
    /// The power goes: what could be seen, and was not answered yet, is gone.
    Lost,
    /// The same, but of one commit the history is there.
    Torn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    Full,
    Failed,
    /// For good, until the host is started again.
    Stopped,
}

pub fn job_name(job: usize) -> String {
    format!("job-{job}")
}
