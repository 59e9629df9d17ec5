//! Waiting for what nobody announces.

use std::time::{Duration, Instant};

/// Longer than anything takes on a busy machine, and short enough to fail within a test run.
pub const PATIENCE: Duration = Duration::from_mins(1);

const POLL: Duration = Duration::from_millis(20);

/// Asks again and again until there is an answer, and gives it. `what` ends the sentence "waited in vain for".
#[track_caller]
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(POLL);
    }
}
