//! What happens around a job's runs: overlap, lateness, retries, timeouts.

use crate::limit::fixed;
use crate::problem::Problem;
use crate::run::Cause;
use crate::time::Span;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// For live occurrences of a job whose run is still going on, backoff included.
    pub overlap: Overlap,
    /// Runs of the job at one time under `overlap = "allow"`.
    pub max_concurrency: u32,
    /// An occurrence later than this was missed.
    pub late_after: Span,
    /// What becomes of missed occurrences.
    pub catch_up: CatchUp,
    /// A run that has waited so long for its start, counted from when it was due, is skipped as missed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_within: Option<Span>,
    /// Wall time of an attempt, until the guest returns.
    pub timeout: Span,
    pub retry: Retry,
    /// So many failed runs in a row pause the job; 0 never does.
    pub pause_after: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overlap {
    /// The new occurrence is skipped.
    Skip,
    /// One occurrence waits, further ones are skipped.
    Queue,
    /// Up to `max_concurrency` runs go on side by side, further ones are skipped.
    Allow,
    /// The older occurrence is cancelled.
    Replace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CatchUp {
    /// One run for the newest missed occurrence.
    Latest,
    None,
    /// A run for each, within bounds.
    All(Missed),
}

/// Which missed occurrences are caught up under `catch_up = { all = ... }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Missed {
    /// The newest so many.
    pub max: u32,
    /// Not those that were due longer ago.
    pub window: Span,
}

impl Default for Missed {
    fn default() -> Missed {
        Missed { max: 100, window: Span::from_secs(86_400) }
    }
}

/// When a failed attempt is followed by another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retry {
    /// The first attempt included. Conflicts and losses are not counted.
    pub max_attempts: u32,
    /// The backoff before the second attempt is at most this; it doubles from attempt to attempt.
    pub initial: Span,
    /// The most that a backoff can be.
    pub max: Span,
    /// Causes that are worth another attempt beside those that always are.
    pub on: Vec<Cause>,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            overlap: Overlap::Skip,
            max_concurrency: 1,
            late_after: Span::from_secs(60),
            catch_up: CatchUp::Latest,
            start_within: None,
            timeout: fixed::TIMEOUT,
            retry: Retry::default(),
            pause_after: 0,
        }
    }
}

impl Default for Retry {
    fn default() -> Retry {
        Retry { max_attempts: 3, initial: Span::from_secs(1), max: Span::from_secs(300), on: Vec::new() }
    }
}

impl Retry {
    /// Backoff before the attempt that follows `counted` counted ones: exponential with full jitter
    /// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
    pub fn backoff(&self, counted: u32, random: u64) -> Span {
        let doubled = self.initial.millis().saturating_mul(1 << counted.saturating_sub(1).min(40));
        let most = doubled.min(self.max.millis());
        Span::from_millis(random % (most + 1))
    }
}

impl Policy {
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut number = |name: &str, value: u32, least: u32, most: u32| {
            if !(least..=most).contains(&value) {
                let message = format!("{value}, and must be from {least} to {most}");
                problems.push(Problem::new(format!("/policy/{name}"), message));
            }
        };
        number("max_concurrency", self.max_concurrency, 1, fixed::CONCURRENCY);
        number("retry/max_attempts", self.retry.max_attempts, 1, fixed::ATTEMPTS);
        if let CatchUp::All(missed) = self.catch_up {
            number("catch_up/all/max", missed.max, 1, fixed::CATCH_UP);
        }
        let day = fixed::TIMEOUT_MAX;
        let mut span = |name: &str, value: Span, least: Span, most: Span| {
            if !(least..=most).contains(&value) {
                let message = format!("{value}, and must be from {least} to {most}");
                problems.push(Problem::new(format!("/policy/{name}"), message));
            }
        };
        span("timeout", self.timeout, Span::from_millis(1), day);
        let year = Span::from_secs(366 * 86_400);
        span("late_after", self.late_after, Span::from_secs(1), year);
        if let CatchUp::All(missed) = self.catch_up {
            span("catch_up/all/window", missed.window, Span::from_secs(1), year);
        }
        if let Some(start_within) = self.start_within {
            span("start_within", start_within, Span::from_secs(1), year);
        }
        span("retry/initial", self.retry.initial, Span::ZERO, day);
        span("retry/max", self.retry.max, self.retry.initial, day);
        if self.max_concurrency > 1 && self.overlap != Overlap::Allow {
            let message = "says something only with overlap = \"allow\"";
            problems.push(Problem::new("/policy/max_concurrency", message));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_its_most() {
        let retry = Retry { max: Span::from_secs(5), ..Retry::default() };
        for (counted, most) in [(1, 1000), (2, 2000), (3, 4000), (4, 5000), (90, 5000)] {
            assert_eq!(retry.backoff(counted, most).millis(), most);
            assert_eq!(retry.backoff(counted, most + 1).millis(), 0);
        }
    }

    #[test]
    fn each_wrong_value_is_named() {
        assert!(Policy::default().problems().is_empty());
        let policy = Policy {
            max_concurrency: 4,
            timeout: Span::ZERO,
            retry: Retry { max_attempts: 0, ..Retry::default() },
            ..Policy::default()
        };
        let pointers: Vec<_> = policy.problems().into_iter().map(|p| p.pointer).collect();
        assert_eq!(pointers, ["/policy/retry/max_attempts", "/policy/timeout", "/policy/max_concurrency"]);
    }
}
