//! Listings as columns without lines, and facts as a name and a value each.

use super::{paint, text};
use anstyle::{AnsiColor, Style};
use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table, Width,
};
use std::fmt::Write as _;

/// A table whose first line names its columns. Wraps to the width of the terminal, where there is one.
pub(crate) struct Listing(Table, Option<usize>);

/// Between two columns.
const GAP: u16 = 2;
/// A wrapped column that is narrower than this would not be read.
const WRAPPED_MIN: u16 = 20;

impl Listing {
    pub(crate) fn new(columns: &[&str]) -> Listing {
        let mut table = Table::new();
        table.load_preset(comfy_table::presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        // Whether colours are shown is decided by the stream that this goes to.
        table.enforce_styling();
        let header = columns.iter().map(|name| Cell::new(name).add_attribute(Attribute::Dim));
        table.set_header(header);
        Listing(table, None)
    }

    /// Columns of numbers, which stand on the right.
    pub(crate) fn numbers(mut self, columns: &[usize]) -> Listing {
        for column in columns {
            if let Some(column) = self.0.column_mut(*column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        self
    }

    /// A column of prose, which is wrapped where the terminal is too narrow. All others are never broken: they
    /// are read at a glance, and copied into other commands.
    pub(crate) fn wrapping(mut self, column: usize) -> Listing {
        self.1 = Some(column);
        self
    }

    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.0.add_row(cells);
    }

    #[cfg(test)]
    pub(crate) fn width(mut self, columns: u16) -> Listing {
        self.0.set_width(columns);
        self
    }

    fn widest(&self, column: usize) -> u16 {
        let cells = self.0.row_iter().filter_map(|row| row.cell_iter().nth(column));
        cells.map(|cell| cell.content().chars().count()).max().unwrap_or(0) as u16
    }

    /// The lines, without what nobody sees at their ends.
    pub(crate) fn finish(mut self) -> String {
        let wrapped_min = self.1.map_or(0, |column| self.widest(column).min(WRAPPED_MIN)) + GAP;
        for (at, column) in self.0.column_iter_mut().enumerate() {
            column.set_padding((0, GAP));
            column.set_constraint(if self.1 == Some(at) {
                ColumnConstraint::LowerBoundary(Width::Fixed(wrapped_min))
            } else {
                ColumnConstraint::ContentWidth
            });
        }
        let mut lines = String::new();
        for line in self.0.lines() {
            let _ = writeln!(lines, "{}", trimmed(&line));
        }
        lines
    }
}

/// The line without the spaces at its end, some of which stand before the end of a colour.
fn trimmed(line: &str) -> String {
    let mut line = line.to_owned();
    let mut styles = String::new();
    loop {
        line.truncate(line.trim_end().len());
        match line.rfind('\u{1b}') {
            Some(at) if line[at..].ends_with('m') && line[at..].matches('m').count() == 1 => {
                styles.insert_str(0, &line.split_off(at));
            }
            _ => return line + &styles,
        }
    }
}

/// A cell with text that may be a stranger's.
pub(crate) fn cell(content: impl AsRef<str>) -> Cell {
    Cell::new(text::plain(content.as_ref()))
}

/// A cell in the colour of what it says.
pub(crate) fn state_cell(word: &str, content: impl AsRef<str>) -> Cell {
    match colour(paint::state(word)) {
        Some(colour) => cell(content).fg(colour),
        None => cell(content),
    }
}

fn colour(style: Style) -> Option<Color> {
    match style.get_fg_color()? {
        anstyle::Color::Ansi(AnsiColor::Green) => Some(Color::DarkGreen),
        anstyle::Color::Ansi(AnsiColor::Red) => Some(Color::DarkRed),
        anstyle::Color::Ansi(AnsiColor::Yellow) => Some(Color::DarkYellow),
        anstyle::Color::Ansi(AnsiColor::Cyan) => Some(Color::DarkCyan),
        _ => None,
    }
}

/// Names and values, a line each; a value of several lines stays in its column.
#[derive(Default)]
pub(crate) struct Facts(Vec<(String, String)>);

impl Facts {
    /// The value may be coloured, so strangers' text in it must be made plain before.
    pub(crate) fn add(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_owned(), value.into()));
    }

    /// Only where there is something to say.
    pub(crate) fn add_some(&mut self, name: &str, value: Option<impl Into<String>>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }

    pub(crate) fn finish(self) -> String {
        let width = self.0.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0) + 2;
        let mut lines = String::new();
        for (name, value) in self.0 {
            for (at, line) in value.lines().enumerate() {
                let name = if at == 0 { name.as_str() } else { "" };
                let name = paint::paint(paint::FAINT, format_args!("{name:<width$}"));
                let _ = writeln!(lines, "{name}{line}");
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anstream::adapter::strip_str;

    #[test]
    fn columns_stand_below_each_other() {
        let mut listing = Listing::new(&["JOB", "STATE", "RUNS"]).numbers(&[2]);
        listing.row(vec![cell("a"), state_cell("paused", "paused"), cell("7")]);
        listing.row(vec![cell("cleanup_tables"), state_cell("active", "active"), cell("1200")]);
        let lines = strip_str(&listing.finish()).to_string();
        assert_eq!(
            lines,
            "JOB             STATE   RUNS\na               paused     7\ncleanup_tables  active  1200\n"
        );
    }

    #[test]
    fn nothing_stands_at_the_end_of_a_line() {
        for (line, expected) in [
            ("a  b   ", "a  b"),
            ("\u{1b}[2ma  \u{1b}[0m", "\u{1b}[2ma\u{1b}[0m"),
            ("\u{1b}[31mam  \u{1b}[39m   ", "\u{1b}[31mam\u{1b}[39m"),
            ("\u{1b}[31m  \u{1b}[39m  ", "\u{1b}[31m\u{1b}[39m"),
            ("", ""),
        ] {
            assert_eq!(trimmed(line), expected);
        }
    }

    #[test]
    fn a_narrow_terminal_wraps_what_may_be_wrapped() {
        let id = "0199a1b2-0000-7000-8000-000000000001";
        let mut listing = Listing::new(&["RUN", "MESSAGE"]).wrapping(1).width(60);
        listing.row(vec![cell(id), cell("the table sessions is not granted to this job")]);
        let lines = strip_str(&listing.finish()).to_string();
        assert!(lines.contains(&format!("{id}  the table")), "{lines}");
        assert!(lines.lines().all(|line| line.chars().count() <= 60), "{lines}");
    }

    #[test]
    fn facts_keep_their_column() {
        let mut facts = Facts::default();
        facts.add("next", "one\ntwo");
        facts.add_some("schedule", Some("every hour"));
        facts.add_some("none", None::<String>);
        assert_eq!(
            strip_str(&facts.finish()).to_string(),
            "next      one\n          two\nschedule  every hour\n"
        );
    }
}
