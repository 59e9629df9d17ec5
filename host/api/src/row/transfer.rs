//! `/tables/{table}/export` and `/import`: whole tables as NDJSON or CSV, streamed.

use super::csv::{COLUMNS_MAX, CSV, Decoder, Encoder};
use super::ndjson::{self, LINE_BYTES_MAX, Lines, NDJSON};
use crate::app::App;
use crate::body::{self, Incoming};
use crate::parameter::NoParameters;
use crate::path::At;
use crate::problem::Refusal;
use crate::stream::{self, Stop};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::response::Response;
use sandglass_core::Name;
use sandglass_core::row::{Fields, Row, RowId};
use sandglass_store::op::table::Existing;
use sandglass_store::{Read, StoreError, op};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use tokio::task::JoinHandle;

/// Rows and bytes that one look of an export reads.
const READ_AT_ONCE: usize = 1_000;
const READ_BYTES_AT_ONCE: usize = 1 << 20;

/// Every row in the order of ids. Rows that are written meanwhile may be in it or not.
pub(crate) async fn export(
    State(app): State<App>,
    At(table): At<Name>,
    _: NoParameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    app.look(|read| op::table::find(read, &table))?;
    if names(&headers, ACCEPT, CSV) {
        return export_csv(app, table).await;
    }
    let mut rows = All::of(&app, table);
    Ok(stream::respond(&app, NDJSON, |parts| async move {
        while let Some(rows) = rows.next().await? {
            parts.send(ndjson::written(&rows)).await?;
        }
        Ok(())
    }))
}

/// Reads the table twice: a header stands before all rows, and names what any of them has.
async fn export_csv(app: App, table: Name) -> Result<Response, Refusal> {
    let mut members = BTreeSet::new();
    let mut rows = All::of(&app, table.clone());
    while let Some(rows) = rows.next().await? {
        members.extend(rows.into_iter().flat_map(|row| row.fields.into_iter().map(|(name, _)| name)));
        if members.len() > COLUMNS_MAX {
            let message = format!(
                "the rows have more than {COLUMNS_MAX} members of different names, the limit of a CSV's columns: export \
                 NDJSON"
            );
            return Err(Refusal::invalid_at("", message));
        }
    }
    let encoder = Encoder::new(members.into_iter().collect());
    let mut rows = All::of(&app, table);
    Ok(stream::respond(&app, CSV, |parts| async move {
        parts.send(encoder.header()).await?;
        while let Some(rows) = rows.next().await? {
            let text = encoder.rows(&rows).ok_or_else(|| {
                Stop::Failed("a row got a member of a new name while its table was exported as CSV".into())
            })?;
            parts.send(text).await?;
        }
        Ok(())
    }))
}

/// Whether a header names this media type.
fn names(headers: &HeaderMap, header: axum::http::HeaderName, kind: &str) -> bool {
    let values = headers.get_all(header).iter().filter_map(|value| value.to_str().ok());
    let essences = values.flat_map(|value| value.split(',')).filter_map(|one| one.split(';').next());
    essences.into_iter().any(|essence| essence.trim().eq_ignore_ascii_case(kind))
}

/// All rows of a table, some at a time.
struct All {
    app: App,
    table: Name,
    after: Option<RowId>,
}

impl All {
    fn of(app: &App, table: Name) -> All {
        All { app: app.clone(), table, after: None }
    }

    async fn next(&mut self) -> Result<Option<Vec<Row>>, Refusal> {
        let (table, after) = (self.table.clone(), self.after.clone());
        let rows = self.app.scan(move |read| next_rows(read, &table, after.as_ref())).await?;
        self.after = rows.last().map(|row| row.id.clone()).or(self.after.take());
        Ok(Some(rows).filter(|rows| !rows.is_empty()))
    }
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

/// Rows and bytes that one transaction writes.
const WRITTEN_AT_ONCE: usize = 1_000;
const WRITTEN_BYTES_AT_ONCE: usize = 2 << 20;

/// Puts the rows of a body over what there is. Batches are committed on the way: where a row is bad, those before
/// it are in.
pub(crate) async fn import(
    State(app): State<App>,
    At(table): At<Name>,
    _: NoParameters,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    let (parts, body) = request.into_parts();
    let types =
        [NDJSON, CSV, "application/ndjson", "application/jsonl", "application/octet-stream", "text/plain"];
    body::check_type(&parts.headers, &types)?;
    let is_csv = names(&parts.headers, CONTENT_TYPE, CSV);
    let _turn = app.import_turn().await?;
    let create = table.clone();
    app.write(move |write, now| Ok(op::table::create(write, &create, now)?)).await?;
    let mut body = Incoming::new(&app, body, app.options.upload_time_max);
    let mut import = Import::new(app, table);
    let taken = if is_csv { import.take_csv(&mut body).await } else { import.take_lines(&mut body).await };
    // What came before a bad row is good.
    let flushed = import.finish().await;
    match taken.and(flushed) {
        Ok(()) => Ok(Json(json!({"imported": import.imported}))),
        Err(refusal) => Err(refusal.and(&format!("; the rows before it are in: {}", import.imported))),
    }
}

/// An import on its way. While one batch is committed the next one is read.
struct Import {
    app: App,
    table: Name,
    batch: Vec<(RowId, Fields)>,
    batch_bytes: usize,
    /// The batch that is being committed.
    committing: Option<JoinHandle<Result<u64, Refusal>>>,
    /// The number of the line that was read last, from 1.
    line: u64,
    imported: u64,
}

impl Import {
    fn new(app: App, table: Name) -> Import {
        Import { app, table, batch: Vec::new(), batch_bytes: 0, committing: None, line: 0, imported: 0 }
    }

    async fn take_lines(&mut self, body: &mut Incoming) -> Result<(), Refusal> {
        let mut lines = Lines::default();
        while let Some(part) = body.next().await? {
            lines.add(&part);
            while let Some(line) = lines.next() {
                self.take_line(&line).await?;
            }
            if lines.rest.len() > LINE_BYTES_MAX {
                self.line += 1;
                return Err(self.bad(&ndjson::too_long()));
            }
        }
        let rest = lines.rest.split().freeze();
        self.take_line(&rest).await
    }

    async fn take_line(&mut self, line: &[u8]) -> Result<(), Refusal> {
        self.line += 1;
        let line = line.trim_ascii();
        if line.is_empty() {
            return Ok(());
        }
        let row = ndjson::read_row(line, self.app.host.now(), self.batch.len());
        let row = row.map_err(|message| self.bad(&message))?;
        self.take(row, line.len()).await
    }

    async fn take_csv(&mut self, body: &mut Incoming) -> Result<(), Refusal> {
        let mut decoder = Decoder::new();
        loop {
            let part = body.next().await?;
            let is_last = part.is_none();
            let part = part.unwrap_or_default();
            let mut rest = &part[..];
            loop {
                let before = rest.len();
                self.line = decoder.line();
                let row = decoder.next(&mut rest, is_last, self.app.host.now(), self.batch.len());
                match row.map_err(|message| self.bad(&message))? {
                    Some(row) => self.take(row, before - rest.len()).await?,
                    None if is_last => return Ok(()),
                    None => break,
                }
            }
        }
    }

    /// Takes a row that took so many bytes.
    async fn take(&mut self, row: (RowId, Fields), bytes: usize) -> Result<(), Refusal> {
        self.batch.push(row);
        self.batch_bytes += bytes;
        if self.batch.len() >= WRITTEN_AT_ONCE || self.batch_bytes >= WRITTEN_BYTES_AT_ONCE {
            self.flush().await?;
        }
        Ok(())
    }

    /// Begins to commit the batch, once the one before it is.
    async fn flush(&mut self) -> Result<(), Refusal> {
        self.committed().await?;
        let rows = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        if rows.is_empty() {
            return Ok(());
        }
        let (app, table, count) = (self.app.clone(), self.table.clone(), rows.len() as u64);
        self.committing = Some(tokio::spawn(async move {
            app.write(move |write, now| op::table::put(write, &table, rows, Existing::Replace, now)).await?;
            Ok(count)
        }));
        Ok(())
    }

    /// Ends when the batch that is being committed is.
    async fn committed(&mut self) -> Result<(), Refusal> {
        if let Some(committing) = self.committing.take() {
            self.imported += committing.await.map_err(|error| Refusal::internal(error.to_string()))??;
        }
        Ok(())
    }

    async fn finish(&mut self) -> Result<(), Refusal> {
        self.flush().await?;
        self.committed().await
    }

    fn bad(&self, message: &str) -> Refusal {
        Refusal::invalid_at(format!("/{}", self.line), format!("line {}: {message}", self.line))
    }
}
