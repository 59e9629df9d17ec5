//! Lines of a run's log: `08:30:00.123 info  deleted 5000 rows`.

use super::paint::{self, paint};
use super::text;
use crate::shape::LogLine;
use anstyle::Style;
use std::fmt::Write as _;

/// Writes lines one after the other. The date and the attempt are said when they change.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    date: Option<String>,
    attempt: Option<u64>,
}

impl Journal {
    /// The line, with a heading before it where one is due.
    pub(crate) fn line(&mut self, line: &LogLine) -> String {
        let mut written = self.heading(line).unwrap_or_default();
        let time = line.at.to_jiff().strftime("%H:%M:%S%.3f").to_string();
        let level = paint(style(&line.level), format_args!("{:<5}", text::plain(&line.level)));
        // What came through the log interface is the usual.
        let source = match line.source.as_str() {
            "log" => String::new(),
            source => paint(paint::FAINT, format_args!("[{}] ", text::plain(source))),
        };
        // Lines after the first stand below its text.
        let message =
            text::plain_lines(line.message.trim_end_matches('\n')).replace('\n', "\n                   ");
        let _ = writeln!(written, "{} {level} {source}{message}", paint(paint::FAINT, time));
        written
    }

    fn heading(&mut self, line: &LogLine) -> Option<String> {
        let date = line.at.to_jiff().strftime("%Y-%m-%d").to_string();
        let new_date = self.date.as_ref() != Some(&date);
        let new_attempt = self.attempt.unwrap_or(1) != line.attempt;
        self.date = Some(date.clone());
        self.attempt = Some(line.attempt);
        let words = match (new_date, new_attempt) {
            (false, false) => return None,
            (true, false) => format!("{date}, UTC"),
            (false, true) => format!("attempt {}", line.attempt),
            (true, true) => format!("{date}, UTC, attempt {}", line.attempt),
        };
        Some(format!("{}\n", paint(paint::FAINT, words)))
    }
}

fn style(level: &str) -> Style {
    match level {
        "error" => paint::BAD,
        "warn" => paint::CARE,
        "info" => paint::GOOD,
        _ => paint::FAINT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anstream::adapter::strip_str;

    #[test]
    fn headings_come_when_something_changes() {
        let mut journal = Journal::default();
        let mut lines = String::new();
        for (at, attempt, level, source, message) in [
            ("2026-01-31T23:59:59.123Z", 1, "info", "log", "one\ntwo\n"),
            ("2026-01-31T23:59:59.200Z", 1, "error", "host", "attempt 1 ended: trap"),
            ("2026-02-01T00:00:00Z", 2, "warn", "stderr", "\x1b[2Jthree"),
            ("2026-02-01T00:00:00.001Z", 2, "debug", "log", ""),
        ] {
            lines += &journal.line(&LogLine {
                at: at.parse().unwrap(),
                attempt,
                level: level.into(),
                source: source.into(),
                message: message.into(),
            });
        }
        let expected = [
            "2026-01-31, UTC",
            "23:59:59.123 info  one",
            "                   two",
            "23:59:59.200 error [host] attempt 1 ended: trap",
            "2026-02-01, UTC, attempt 2",
            "00:00:00.000 warn  [stderr] \\u{1b}[2Jthree",
            "00:00:00.001 debug ",
            "",
        ];
        assert_eq!(strip_str(&lines).to_string(), expected.join("\n"));
    }
}
