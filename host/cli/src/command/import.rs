//! `sandglass import`: NDJSON or CSV into a table, streamed.

use crate::cli::Context;
use crate::client::{BodyError, LONG, Request};
use crate::render::{amount, progress};
use anyhow::{Context as _, Result};
use sandglass_core::Name;
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Read rows into a table: NDJSON, an object on each line, or CSV below a header
///
/// A row whose `id` is there replaces the one that is; a row without an `id` gets one. The table is made where
/// there is none.
#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    table: Name,
    /// A file; `-` is standard input
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
    /// It is CSV, as a file is whose name ends with .csv
    #[arg(long)]
    csv: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Import {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        let client = context.client()?;
        let (source, length) = open(&self.file)?;
        let bar = progress::bytes("importing", length);
        let is_csv = self.csv || is_csv(&self.file);
        let (rows, kind): (Box<dyn Read>, _) = if is_csv {
            (source, "text/csv")
        } else {
            (Box::new(Lines::new(source)), "application/x-ndjson")
        };
        let mut rows = progress::Watched::new(rows, bar.clone(), "waiting for the host");
        // Its length is not announced: where a line is wrong, the body ends there.
        let request = Request::post(format!("tables/{}/import", self.table));
        let answer = client.json::<Value>(request.stream(&mut rows, None, kind).patience(LONG));
        bar.finish_and_clear();
        let answer = answer?;
        if self.json {
            return context.print_json(&answer);
        }
        let count = answer.get("imported").and_then(Value::as_u64).unwrap_or_default();
        context.print(&format!("{} into {}\n", amount::many(count, "row"), self.table))
    }
}

/// Whether a file is CSV by its name.
pub(crate) fn is_csv(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"))
}

fn open(path: &Path) -> Result<(Box<dyn BufRead>, Option<u64>)> {
    if path == Path::new("-") {
        return Ok((Box::new(BufReader::new(io::stdin())), None));
    }
    let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let length = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
    Ok((Box::new(BufReader::new(file)), length))
}

/// Whole lines, each of which is an object: a host that finds another has taken the rows before it by then,
/// and its answer may be lost with the connection.
struct Lines<R> {
    source: R,
    line: Vec<u8>,
    taken: usize,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    fn new(source: R) -> Lines<R> {
        Lines { source, line: Vec::new(), taken: 0, number: 0 }
    }

    /// Puts the next line in the buffer; false where there is none.
    fn advance(&mut self) -> io::Result<bool> {
        self.line.clear();
        self.taken = 0;
        let count = self
            .source
            .read_until(b'\n', &mut self.line)
            .map_err(|error| ours(format!("reading: {error}")))?;
        self.number += 1;
        let row = self.line.trim_ascii();
        if !row.is_empty()
            && let Err(error) = serde_json::from_slice::<Map<String, Value>>(row)
        {
            return Err(ours(wrong(self.number, &error)));
        }
        Ok(count > 0)
    }
}

fn wrong(number: u64, error: &serde_json::Error) -> String {
    let message = error.to_string();
    // It knows of this line alone, and calls it line 1.
    let message = message.split(" at line ").next().unwrap_or_default();
    format!(
        "line {number} is not a JSON object: {message}, at column {}. Rows before it may be in the table already",
        error.column()
    )
}

fn ours(message: String) -> io::Error {
    io::Error::other(BodyError(message))
}

impl<R: BufRead> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.line.len() && !self.advance()? {
            return Ok(0);
        }
        let rest = &self.line[self.taken..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.taken += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(text: &str) -> (String, Option<String>) {
        let mut sent = Vec::new();
        let error = Lines::new(text.as_bytes()).read_to_end(&mut sent).err();
        (String::from_utf8(sent).unwrap(), error.map(|error| error.to_string()))
    }

    #[test]
    fn good_lines_go_out_as_they_are() {
        for text in ["", "{}\n", "{\"id\":\"ü\"}\n\n  \n{}", "{}\r\n{}\r\n"] {
            assert_eq!(sent(text), (text.to_owned(), None));
        }
    }

    #[test]
    fn a_bad_line_ends_it_with_its_number() {
        for (text, before, number) in
            [("{}\n[]\n{}\n", "{}\n", 2), ("{\n", "", 1), ("{}\n\n\n{\"a\": }", "{}\n\n\n", 4)]
        {
            let (out, error) = sent(text);
            assert_eq!(out, before);
            assert!(error.unwrap().starts_with(&format!("line {number} is not a JSON object")), "{text}");
        }
    }
}
