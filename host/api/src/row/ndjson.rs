//! Rows as NDJSON: an object on each line.

use super::{View, check, new_id, take_own};
use bytes::{Buf as _, Bytes, BytesMut};
use sandglass_core::row::{Fields, Row, RowId};
use sandglass_core::{Instant, limit};
use serde_json::Value;

pub(super) const NDJSON: &str = "application/x-ndjson";

/// A line of an import: a row of the largest size, and what stands beside its members.
pub(super) const LINE_BYTES_MAX: usize = 1 << 20;

pub(super) fn written(rows: &[Row]) -> Vec<u8> {
    let mut text = Vec::new();
    for row in rows {
        // Rows are JSON objects: there is nothing in them that JSON cannot write.
        if serde_json::to_writer(&mut text, &View(row)).is_ok() {
            text.push(b'\n');
        }
    }
    text
}

pub(super) fn too_long() -> String {
    format!("it is longer than {}, the limit of a line", limit::Bytes(LINE_BYTES_MAX as u64))
}

/// The row of a line; its version and times, which an export writes, are set anew.
pub(super) fn read_row(line: &[u8], now: Instant, number: usize) -> Result<(RowId, Fields), String> {
    if line.len() > LINE_BYTES_MAX {
        return Err(too_long());
    }
    let mut fields = match serde_json::from_slice(line) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => return Err("a row is a JSON object".into()),
        Err(error) => return Err(format!("it is not JSON: {error}")),
    };
    let id = take_own(&mut fields)?;
    check(&fields)?;
    Ok((id.map_or_else(|| new_id(now, number), Ok)?, fields))
}

/// Cuts what comes in into lines.
#[derive(Default)]
pub(super) struct Lines {
    pub(super) rest: BytesMut,
    /// Up to here there is no line's end.
    searched: usize,
}

impl Lines {
    pub(super) fn add(&mut self, part: &[u8]) {
        self.rest.extend_from_slice(part);
    }

    /// The next whole line, without its end.
    pub(super) fn next(&mut self) -> Option<Bytes> {
        let Some(at) = self.rest[self.searched..].iter().position(|byte| *byte == b'\n') else {
            self.searched = self.rest.len();
            return None;
        };
        let line = self.rest.split_to(self.searched + at).freeze();
        self.rest.advance(1);
        self.searched = 0;
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lines_are_cut_wherever_the_parts_end() {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for part in ["{\"a\"", ":1}\n{}", "\n\n", "rest"] {
            lines.add(part.as_bytes());
            found.extend(std::iter::from_fn(|| lines.next()));
        }
        assert_eq!(found, ["{\"a\":1}", "{}", ""]);
        assert_eq!(lines.rest, "rest");
    }

    #[test]
    fn an_exported_row_can_be_imported() {
        let now = Instant::from_millis(5);
        let row = Row {
            id: "a/b".parse().unwrap(),
            version: 3,
            created_at: now,
            updated_at: now,
            fields: json!({"n": 1.5, "text": "two\nlines"}).as_object().unwrap().clone(),
        };
        let text = written(&[row.clone(), row.clone()]);
        let lines: Vec<_> = text.trim_ascii_end().split(|byte| *byte == b'\n').collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(read_row(lines[0], now, 0), Ok((row.id, row.fields)));
    }

    #[test]
    fn bad_lines_say_why() {
        let read = |line: &str| read_row(line.as_bytes(), Instant::EPOCH, 0).unwrap_err();
        assert!(read("{").contains("not JSON"));
        assert!(read("[]").contains("an object") || read("[]").contains("a JSON object"));
        assert!(read("{\"id\":1}").contains("an id is text"));
        assert!(read("{\"id\":\"\"}").contains("not a row's id"));
        assert!(read("{\"created-at\":1}").contains("created-at"));
    }
}
