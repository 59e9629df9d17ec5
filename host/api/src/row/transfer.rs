//! `/tables/{table}/export` and `/import`: whole tables as NDJSON, streamed.

use super::{View, check, new_id, take_own};
use crate::app::App;
use crate::body::{self, Incoming};
use crate::parameter::NoParameters;
use crate::path::At;
use crate::problem::Refusal;
use crate::stream;
use axum::Json;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::{Buf, Bytes, BytesMut};
use sandglass_core::row::{Fields, Row, RowId};
use sandglass_core::{Instant, Name, limit};
use sandglass_store::op::table::Existing;
use sandglass_store::{Read, StoreError, op};
use serde_json::{Value, json};
use std::ops::ControlFlow;

const NDJSON: &str = "application/x-ndjson";

/// Rows and bytes that one look of an export reads.
const READ_AT_ONCE: usize = 1_000;
const READ_BYTES_AT_ONCE: usize = 1 << 20;

/// Every row in the order of ids. Rows that are written meanwhile may be in it or not.
pub(crate) async fn export(
    State(app): State<App>,
    At(table): At<Name>,
    _: NoParameters,
) -> Result<Response, Refusal> {
    app.look(|read| op::table::find(read, &table))?;
    let reading = app.clone();
    Ok(stream::respond(&app, NDJSON, |parts| async move {
        let mut after = None;
        loop {
            let table = table.clone();
            let rows = reading.scan(move |read| next_rows(read, &table, after.as_ref())).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = Some(last.id.clone());
            parts.send(written(&rows)).await?;
        }
    }))
}

fn next_rows(read: &dyn Read, table: &Name, after: Option<&RowId>) -> Result<Vec<Row>, StoreError> {
    let (mut rows, mut bytes) = (Vec::new(), 0);
    op::table::rows_after(read, table, after, |row| {
        bytes += row.bytes();
        rows.push(row);
        if rows.len() < READ_AT_ONCE && bytes < READ_BYTES_AT_ONCE {
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(())
    })?;
    Ok(rows)
}

fn written(rows: &[Row]) -> Vec<u8> {
    let mut text = Vec::new();
    for row in rows {
        // Rows are JSON objects: there is nothing in them that JSON cannot write.
        if serde_json::to_writer(&mut text, &View(row)).is_ok() {
            text.push(b'\n');
        }
    }
    text
}

/// A line of an import: a row of the largest size, and what stands beside its members.
const LINE_BYTES_MAX: usize = 1 << 20;
/// Rows and bytes that one transaction writes.
const WRITTEN_AT_ONCE: usize = 1_000;
const WRITTEN_BYTES_AT_ONCE: usize = 2 << 20;

/// Puts the rows of a body, a line each, over what there is. Batches are committed on the way: where a line is
/// bad, those before it are in.
pub(crate) async fn import(
    State(app): State<App>,
    At(table): At<Name>,
    _: NoParameters,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    let (parts, body) = request.into_parts();
    let types = [NDJSON, "application/ndjson", "application/jsonl", "application/octet-stream", "text/plain"];
    body::check_type(&parts.headers, &types)?;
    let _turn = app.import_turn().await?;
    let create = table.clone();
    app.write(move |write, now| Ok(op::table::create(write, &create, now)?)).await?;
    let mut body = Incoming::new(&app, body, app.options.upload_time_max);
    let mut import = Import { app, table, batch: Vec::new(), batch_bytes: 0, line: 0, imported: 0 };
    let mut lines = Lines::default();
    let taken = import.take_all(&mut body, &mut lines).await;
    // What came before a bad line is good.
    let flushed = import.flush().await;
    match taken.and(flushed) {
        Ok(()) => Ok(Json(json!({"imported": import.imported}))),
        Err(refusal) => Err(refusal.and(&format!("; the rows before it are in: {}", import.imported))),
    }
}

/// An import on its way.
struct Import {
    app: App,
    table: Name,
    batch: Vec<(RowId, Fields)>,
    batch_bytes: usize,
    /// The number of the line that was read last, from 1.
    line: u64,
    imported: u64,
}

impl Import {
    async fn take_all(&mut self, body: &mut Incoming, lines: &mut Lines) -> Result<(), Refusal> {
        while let Some(part) = body.next().await? {
            lines.add(&part);
            while let Some(line) = lines.next() {
                self.take(&line).await?;
            }
            if lines.rest.len() > LINE_BYTES_MAX {
                self.line += 1;
                return Err(self.bad(&too_long()));
            }
        }
        let rest = lines.rest.split().freeze();
        self.take(&rest).await
    }

    async fn take(&mut self, line: &[u8]) -> Result<(), Refusal> {
        self.line += 1;
        let line = line.trim_ascii();
        if line.is_empty() {
            return Ok(());
        }
        let row = read_row(line, self.app.host.now(), self.batch.len());
        self.batch.push(row.map_err(|message| self.bad(&message))?);
        self.batch_bytes += line.len();
        if self.batch.len() >= WRITTEN_AT_ONCE || self.batch_bytes >= WRITTEN_BYTES_AT_ONCE {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Refusal> {
        let rows = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        if rows.is_empty() {
            return Ok(());
        }
        let (table, count) = (self.table.clone(), rows.len() as u64);
        self.app.write(move |write, now| op::table::put(write, &table, rows, Existing::Replace, now)).await?;
        self.imported += count;
        Ok(())
    }

    fn bad(&self, message: &str) -> Refusal {
        Refusal::invalid_at(format!("/{}", self.line), format!("line {}: {message}", self.line))
    }
}

fn too_long() -> String {
    format!("it is longer than {}, the limit of a line", limit::Bytes(LINE_BYTES_MAX as u64))
}

/// The row of a line; its version and times, which an export writes, are set anew.
fn read_row(line: &[u8], now: Instant, number: usize) -> Result<(RowId, Fields), String> {
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
struct Lines {
    rest: BytesMut,
    /// Up to here there is no line's end.
    searched: usize,
}

impl Lines {
    fn add(&mut self, part: &[u8]) {
        self.rest.extend_from_slice(part);
    }

    /// The next whole line, without its end.
    fn next(&mut self) -> Option<Bytes> {
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
