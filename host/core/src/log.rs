//! Lines of a run's log.

use crate::run::Cause;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub at: Instant,
    pub attempt: u32,
    pub level: Level,
    pub source: Source,
    pub message: String,
}

impl Line {
    /// The host's word on why an attempt failed: the last line of the attempt.
    pub fn of_failure(at: Instant, attempt: u32, cause: Cause, message: &str) -> Line {
        let message = format!("attempt {attempt} ended: {}: {message}", cause.as_str());
        Line { at, attempt, level: Level::Error, source: Source::Host, message }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// Where a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The log interface.
    Log,
    Stdout,
    Stderr,
    /// The host itself: cuts, retries, what ended the attempt.
    Host,
}
