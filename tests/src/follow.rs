//! A run's log while the run goes on.

use serde_json::Value;
use std::io::{BufRead, BufReader, Lines};
use ureq::BodyReader;

/// The lines of a log as they are written. It ends with the run, or where the host is gone.
pub struct Followed {
    lines: Lines<BufReader<BodyReader<'static>>>,
}

impl Followed {
    pub(crate) fn new(body: BodyReader<'static>) -> Followed {
        Followed { lines: BufReader::new(body).lines() }
    }

    /// Waits until the guest has logged this.
    #[track_caller]
    pub fn wait_for(&mut self, message: &str) -> Value {
        let mut before = Vec::new();
        for line in self.by_ref() {
            if line["message"] == message {
                return line;
            }
            before.push(line["message"].to_string());
        }
        panic!("the run ended, and never logged {message:?}, but {before:?}");
    }
}

impl Iterator for Followed {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        loop {
            let line = self.lines.next()?.ok()?;
            if !line.trim().is_empty() {
                return Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")));
            }
        }
    }
}
