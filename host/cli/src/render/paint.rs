//! Colours. They are always written; the streams of anstream take them out where the output is not a terminal,
//! or `NO_COLOR` is set (<https://no-color.org>).

use anstyle::{AnsiColor, Style};
use std::fmt::Display;

pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
pub(crate) const CARE: Style = AnsiColor::Yellow.on_default();
pub(crate) const BUSY: Style = AnsiColor::Cyan.on_default();
pub(crate) const FAINT: Style = Style::new().dimmed();
pub(crate) const STRONG: Style = Style::new().bold();

/// How the state of a run or of a job is coloured.
pub(crate) fn state(word: &str) -> Style {
    match word {
        "succeeded" | "active" | "sent" => GOOD,
        "failed" => BAD,
        "cancelled" | "paused" | "retrying" | "skipped" => CARE,
        "running" | "sending" => BUSY,
        _ => Style::new(),
    }
}

pub(crate) fn paint(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}
