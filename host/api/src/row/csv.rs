//! Rows as CSV (RFC 4180): a header with the names, then a record for each row.
//!
//! A cell holds a value in the manner of filters: what reads as a JSON number, `true`, `false` or `null` is that, and
//! so is what reads as a JSON string, array or object; all else is text. An empty cell is a member that is not there.
//! Text that would read as something else is written as a JSON string, so that all comes back as it was.

use super::{check, new_id};
use sandglass_core::Instant;
use sandglass_core::limit::Bytes;
use sandglass_core::row::{Fields, RESERVED, Row, RowId};
use serde_json::{Number, Value};

pub(super) const CSV: &str = "text/csv";

/// Columns of an export or an import.
pub(super) const COLUMNS_MAX: usize = 1_000;
/// A record: a row of the largest size, with all of its quotes doubled.
const RECORD_BYTES_MAX: usize = 1 << 20;

/// Values of a row that stand before its members.
const OWN: [&str; 4] = ["id", "version", "created_at", "updated_at"];

fn value(cell: &str) -> Value {
    let first = cell.bytes().next().unwrap_or_default();
    let read = match first {
        b'"' | b'[' | b'{' | b'n' | b't' | b'f' => serde_json::from_str(cell).ok(),
        b'-' | b'0'..=b'9' => serde_json::from_str::<Number>(cell).ok().map(Value::from),
        _ => None,
    };
    // What JSON passes over around a value is a part of the text.
    let is_whole = !cell.ends_with(|last: char| last.is_ascii_whitespace());
    read.filter(|_| is_whole).unwrap_or_else(|| cell.into())
}

fn cell(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() && self::value(text) == *value => text.clone(),
        value => value.to_string(),
    }
}

/// Writes rows below a header of these members.
pub(super) struct Encoder {
    members: Vec<String>,
}

impl Encoder {
    pub(super) fn new(members: Vec<String>) -> Encoder {
        Encoder { members }
    }

    pub(super) fn header(&self) -> Vec<u8> {
        let members = self.members.iter().map(String::as_str);
        record([OWN.into_iter().chain(members).map(str::to_owned).collect()])
    }

    /// None where a row has a member that is not among those of the header.
    pub(super) fn rows(&self, rows: &[Row]) -> Option<Vec<u8>> {
        let known = |name: &String| self.members.binary_search(name).is_ok();
        if !rows.iter().all(|row| row.fields.keys().all(known)) {
            return None;
        }
        Some(record(rows.iter().map(|row| {
            let own = [
                row.id.to_string(),
                row.version.to_string(),
                row.created_at.to_string(),
                row.updated_at.to_string(),
            ];
            let members = self.members.iter().map(|name| row.fields.get(name).map_or_else(String::new, cell));
            own.into_iter().chain(members).collect()
        })))
    }
}

fn record(records: impl IntoIterator<Item = Vec<String>>) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for record in records {
        // Memory takes everything, and all records of a header have as many cells.
        writer.write_record(record).expect("memory takes a record");
    }
    writer.into_inner().expect("memory takes a record")
}

/// Reads rows from CSV that comes in parts.
pub(super) struct Decoder {
    reader: csv_core::Reader,
    bytes: Vec<u8>,
    bytes_used: usize,
    ends: Vec<usize>,
    ends_used: usize,
    /// None before the header was read.
    names: Option<Vec<String>>,
}

impl Decoder {
    pub(super) fn new() -> Decoder {
        Decoder {
            reader: csv_core::Reader::new(),
            bytes: vec![0; 4 << 10],
            bytes_used: 0,
            ends: vec![0; COLUMNS_MAX + 1],
            ends_used: 0,
            names: None,
        }
    }

    /// The line at which it stands, from 1.
    pub(super) fn line(&self) -> u64 {
        self.reader.line()
    }

    /// The next row of `input`, of which the part that was read is taken off; none where more input is needed.
    /// `is_last` says that none will come.
    pub(super) fn next(
        &mut self,
        input: &mut &[u8],
        is_last: bool,
        now: Instant,
        number: usize,
    ) -> Result<Option<(RowId, Fields)>, String> {
        while let Some(record) = self.record(input, is_last)? {
            match &self.names {
                None => self.names = Some(header(record)?),
                Some(names) => return row(names, record, now, number).map(Some),
            }
        }
        Ok(None)
    }

    fn record(&mut self, input: &mut &[u8], is_last: bool) -> Result<Option<Vec<String>>, String> {
        use csv_core::ReadRecordResult::{End, InputEmpty, OutputEndsFull, OutputFull, Record};
        loop {
            if input.is_empty() && !is_last {
                return Ok(None);
            }
            let (bytes, ends) = (&mut self.bytes[self.bytes_used..], &mut self.ends[self.ends_used..]);
            let (result, read, written, ended) = self.reader.read_record(input, bytes, ends);
            *input = &input[read..];
            self.bytes_used += written;
            self.ends_used += ended;
            match result {
                InputEmpty => {}
                OutputFull if self.bytes.len() < RECORD_BYTES_MAX => {
                    self.bytes.resize(2 * self.bytes.len(), 0);
                }
                OutputFull => {
                    let most = Bytes(RECORD_BYTES_MAX as u64);
                    return Err(format!("a record is longer than {most}, the limit of one"));
                }
                OutputEndsFull => return Err(format!("there are more than {COLUMNS_MAX} columns")),
                Record => return self.take().map(Some),
                End => return Ok(None),
            }
        }
    }

    /// The cells of the record that was read.
    fn take(&mut self) -> Result<Vec<String>, String> {
        let mut from = 0;
        let cells = self.ends[..self.ends_used].iter().map(|end| {
            let cell = std::str::from_utf8(&self.bytes[from..*end]);
            from = *end;
            cell.map(str::to_owned).map_err(|_| "a cell is not UTF-8".to_owned())
        });
        let cells = cells.collect();
        (self.bytes_used, self.ends_used) = (0, 0);
        cells
    }
}

fn header(mut names: Vec<String>) -> Result<Vec<String>, String> {
    // What some programs put before all text.
    const MARK: char = '\u{feff}';
    if let Some(first) = names.first_mut().filter(|name| name.starts_with(MARK)) {
        first.remove(0);
    }
    if names.len() > COLUMNS_MAX {
        return Err(format!("there are {} columns, and at most {COLUMNS_MAX}", names.len()));
    }
    for (at, name) in names.iter().enumerate() {
        if names[..at].contains(name) {
            return Err(format!("the header names `{name}` twice"));
        }
        if RESERVED.contains(&name.as_str()) && !OWN.contains(&name.as_str()) {
            return Err(format!("the header names `{name}`, which no member can be called"));
        }
    }
    Ok(names)
}

fn row(names: &[String], cells: Vec<String>, now: Instant, number: usize) -> Result<(RowId, Fields), String> {
    if cells.len() != names.len() {
        return Err(format!("there are {} cells below a header of {}", cells.len(), names.len()));
    }
    let mut fields = Fields::new();
    let mut id = None;
    for (name, cell) in names.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
        if name == "id" {
            id = Some(cell.parse()?);
        } else if !OWN.contains(&name.as_str()) {
            fields.insert(name.clone(), value(&cell));
        }
    }
    check(&fields)?;
    Ok((id.map_or_else(|| new_id(now, number), Ok)?, fields))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str, part: usize) -> Result<Vec<(RowId, Fields)>, String> {
        let mut decoder = Decoder::new();
        let mut rows = Vec::new();
        for mut part in text.as_bytes().chunks(part) {
            while let Some(row) = decoder.next(&mut part, false, Instant::EPOCH, 0)? {
                rows.push(row);
            }
        }
        while let Some(row) = decoder.next(&mut &[][..], true, Instant::EPOCH, 0)? {
            rows.push(row);
        }
        Ok(rows)
    }

    #[test]
    fn what_was_written_reads_back_however_it_is_cut() {
        let values = json!([
            null, true, false, 0, -1.5, 1e300, "", "a", "5", "true", "null", "\"", "\"a\"", "[1]", "[", "{}", " 5", "5 ",
            "a,b", "a\"b", "a\nb", "a\r\nb", "ü\u{0}", [1, "2"], {"a": {"b": null}}, "nul", "-", "\u{feff}"
        ]);
        let rows: Vec<Row> = values
            .as_array()
            .unwrap()
            .iter()
            .enumerate()
            .map(|(number, value)| Row {
                id: format!("{number}").parse().unwrap(),
                version: 3,
                created_at: Instant::EPOCH,
                updated_at: Instant::EPOCH,
                fields: json!({"v": value, "other": number}).as_object().unwrap().clone(),
            })
            .collect();
        let encoder = Encoder::new(vec!["other".into(), "v".into()]);
        let mut text = encoder.header();
        text.extend(encoder.rows(&rows).unwrap());
        let text = String::from_utf8(text).unwrap();
        let expected: Vec<_> = rows.into_iter().map(|row| (row.id, row.fields)).collect();
        for part in [1, 7, 100_000] {
            assert_eq!(read(&text, part).unwrap(), expected, "in parts of {part}");
        }
    }

    #[test]
    fn rows_of_other_programs_are_read() {
        let rows = read("\u{feff}id,name,\"n, m\"\nx,Ann,007\n,\"B\"\"b\",1", 3).unwrap();
        assert_eq!(rows[0].0.as_str(), "x");
        assert_eq!(Value::from(rows[0].1.clone()), json!({"name": "Ann", "n, m": "007"}));
        assert_eq!(Value::from(rows[1].1.clone()), json!({"name": "B\"b", "n, m": 1}));
        assert_eq!(read("", 1), Ok(vec![]));
        assert_eq!(read("a,b\n", 1), Ok(vec![]));
    }

    #[test]
    fn bad_records_say_why() {
        for (text, words) in [
            ("a,a\n1,2", "twice"),
            ("a,created-at\n1,2", "`created-at`"),
            ("a,b\n1", "1 cells below a header of 2"),
            ("a\n1,2", "2 cells below a header of 1"),
            ("id,a\n\u{7},1", "not a row's id"),
        ] {
            let error = read(text, 100).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
        assert!(read(&"a,".repeat(2_000), 100).unwrap_err().contains("columns"));
        assert!(read(&format!("a\n{}", "x".repeat(2 << 20)), 1 << 16).unwrap_err().contains("1MiB"));
    }

    #[test]
    fn a_row_that_does_not_fit_the_header_is_not_written() {
        let row = |fields: Value| Row {
            id: "x".parse().unwrap(),
            version: 1,
            created_at: Instant::EPOCH,
            updated_at: Instant::EPOCH,
            fields: fields.as_object().unwrap().clone(),
        };
        let encoder = Encoder::new(vec!["a".into()]);
        assert!(encoder.rows(&[row(json!({}))]).is_some());
        assert!(encoder.rows(&[row(json!({"b": 1}))]).is_none());
    }
}
