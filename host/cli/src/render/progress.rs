//! Progress on standard error. Nothing is shown where that is not a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, Read};
use std::time::Duration;

/// A bar of bytes with their total, or a counter where the total is unknown.
pub(crate) fn bytes(what: &str, total: Option<u64>) -> ProgressBar {
    let bar = match total {
        Some(total) => ProgressBar::new(total)
            .with_style(style("{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec}")),
        None => ProgressBar::new_spinner().with_style(style("{spinner} {msg} {bytes} {bytes_per_sec}")),
    };
    let bar = bar.with_message(what.to_owned());
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// A reader that moves a bar along. At its end the bar says what is waited for.
pub(crate) struct Watched<R> {
    reader: R,
    bar: ProgressBar,
    then: &'static str,
}

impl<R: Read> Watched<R> {
    pub(crate) fn new(reader: R, bar: ProgressBar, then: &'static str) -> Watched<R> {
        Watched { reader, bar, then }
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.bar.inc(count as u64);
        let over = self.bar.length().is_some_and(|length| self.bar.position() >= length);
        if count == 0 || over {
            self.bar.set_style(style("{spinner} {msg}"));
            self.bar.set_message(self.then);
        }
        Ok(count)
    }
}
