//! `/tables/{table}/rows/{id}`: single rows, and adding some.

pub(crate) mod batch;
mod csv;
mod ndjson;
pub(crate) mod query;
mod scan;
pub(crate) mod transfer;

use crate::app::App;
use crate::body;
use crate::condition::{self, Condition, etag};
use crate::once::Key;
use crate::parameter::NoParameters;
use crate::path::{At, Within};
use crate::problem::{Code, Refusal};
use axum::Json;
use axum::extract::State;
use axum::http::header::{ETAG, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sandglass_core::limit::fixed;
use sandglass_core::row::{Fields, Row, RowId, check_fields, merge_fields};
use sandglass_core::{Instant, Name, Problem};
use sandglass_store::op::table::Existing;
use sandglass_store::op::{self, OpError};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A row, as it is shown: its own four values before its members, in one object.
pub(crate) struct View<'a>(pub(crate) &'a Row);

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Row { id, version, created_at, updated_at, fields } = self.0;
        let mut map = serializer.serialize_map(Some(4 + fields.len()))?;
        map.serialize_entry("id", id)?;
        map.serialize_entry("version", version)?;
        map.serialize_entry("created_at", created_at)?;
        map.serialize_entry("updated_at", updated_at)?;
        for (name, value) in fields {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

fn shown(row: &Row) -> Response {
    ([(ETAG, etag(row.version))], Json(View(row))).into_response()
}

fn what(table: &Name, id: &RowId) -> String {
    format!("row `{id}` of table `{table}`")
}

/// What a row may have.
fn check(fields: &Fields) -> Result<(), String> {
    check_fields(fields, fixed::ROW.0 as usize)
}

/// Members that say nothing new of a row that is put as it was shown.
const SHOWN: [&str; 3] = ["version", "created_at", "updated_at"];

/// Takes the row's own values out of an object, and gives its id if it has one.
fn take_own(fields: &mut Fields) -> Result<Option<RowId>, String> {
    for name in SHOWN {
        fields.remove(name);
    }
    take_id(fields)
}

fn take_id(fields: &mut Fields) -> Result<Option<RowId>, String> {
    match fields.remove("id") {
        None => Ok(None),
        Some(Value::String(id)) => id.parse().map(Some),
        Some(_) => Err("an id is text".into()),
    }
}

/// The id of a row that brings none: a UUID of version 7 (RFC 9562), the `number`th of a request.
fn new_id(now: Instant, number: usize) -> Result<RowId, String> {
    let mut random = [0; 10];
    getrandom::fill(&mut random).map_err(|error| error.to_string())?;
    // The number stands where it sorts, so that rows of one request keep their order.
    random[0] = (number >> 14) as u8;
    random[1] = (number >> 6) as u8;
    random[2] = number as u8 & 0x3f;
    let millis = now.millis().max(0) as u64;
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().hyphenated().to_string().parse()
}

pub(crate) async fn get(
    State(app): State<App>,
    Within(table, id): Within<Name, RowId>,
    _: NoParameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let row = app.look(|read| -> Result<Row, OpError> {
        match op::table::get(read, &table, &id)? {
            Some(row) => Ok(row),
            None => Err(OpError::NotFound(format!("table `{table}` has no row `{id}`"))),
        }
    })?;
    let tag = etag(row.version);
    if condition::is_known(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response());
    }
    Ok(shown(&row))
}

/// The object of a body, without the row's own values.
fn object(body: &body::Json) -> Result<Fields, Refusal> {
    match body.value()? {
        Value::Object(fields) => Ok(fields),
        _ => Err(Refusal::invalid_at("", "a row is a JSON object")),
    }
}

/// Puts a row in place of what there is, or is not. The object may be one that was read before.
pub(crate) async fn put(
    State(app): State<App>,
    Within(table, id): Within<Name, RowId>,
    _: NoParameters,
    condition: Condition,
    body: body::Json,
) -> Result<Response, Refusal> {
    let mut fields = object(&body)?;
    let own = take_own(&mut fields).map_err(|message| Refusal::invalid_at("/id", message))?;
    if own.is_some_and(|own| own != id) {
        return Err(Refusal::invalid_at("/id", "the object's id is another one than the path's"));
    }
    check(&fields).map_err(|message| Refusal::invalid_at("", message))?;
    let location = format!("/v1/tables/{table}/rows/{}", utf8_percent_encode(id.as_str(), NON_ALPHANUMERIC));
    let (made, row) = app
        .write(move |write, now| {
            let there = op::table::get(write.as_read(), &table, &id)?.is_some();
            let version = condition.of_version(&what(&table, &id), there)?;
            Ok((!there, op::table::replace(write, &table, id, fields, version, now)?))
        })
        .await?;
    if made {
        return Ok((StatusCode::CREATED, [(LOCATION, location)], shown(&row)).into_response());
    }
    Ok(shown(&row))
}

/// Merges an object into a row: RFC 7396.
pub(crate) async fn patch(
    State(app): State<App>,
    Within(table, id): Within<Name, RowId>,
    _: NoParameters,
    condition: Condition,
    body: body::Json,
) -> Result<Response, Refusal> {
    let patch = object(&body)?;
    // The patch alone may not name what the row has of its own, not even to remove it.
    check(&patch).map_err(|message| Refusal::invalid_at("", message))?;
    let row = app.write(move |write, now| {
        let version = condition.of_version(&what(&table, &id), true)?;
        op::table::update(write, &table, id, version, now, |mut fields| {
            merge_fields(&mut fields, patch);
            match check(&fields) {
                Ok(()) => Ok(fields),
                Err(message) => Err(OpError::Invalid(vec![Problem::new("", message)])),
            }
        })
    });
    Ok(shown(&row.await?))
}

pub(crate) async fn delete(
    State(app): State<App>,
    Within(table, id): Within<Name, RowId>,
    _: NoParameters,
    condition: Condition,
) -> Result<StatusCode, Refusal> {
    app.write(move |write, _| {
        let there = op::table::get(write.as_read(), &table, &id)?.is_some();
        let version = condition.of_version(&what(&table, &id), there)?;
        if op::table::delete(write, &table, &id, version)? {
            return Ok(());
        }
        Err(OpError::NotFound(format!("table `{table}` has no row `{id}`")))
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is told of a row that was added.
#[derive(Serialize, Deserialize)]
struct Added {
    id: RowId,
    version: u64,
}

/// The rows of a body, one object or an array of them, or all that is wrong with them.
fn rows_of(document: Value, now: Instant) -> Result<Vec<(RowId, Fields)>, Refusal> {
    let (rows, prefix): (_, fn(usize) -> String) = match document {
        Value::Array(rows) => (rows, |number| format!("/{number}")),
        row => (vec![row], |_| String::new()),
    };
    if rows.len() > fixed::COMMIT_ROWS {
        let detail = format!("{} rows, and the limit of one request is {}", rows.len(), fixed::COMMIT_ROWS);
        return Err(Refusal::new(Code::TooLarge, detail));
    }
    let mut read = Vec::with_capacity(rows.len());
    let mut problems = Vec::new();
    for (number, row) in rows.into_iter().enumerate() {
        let Value::Object(mut fields) = row else {
            problems.push(Problem::new(prefix(number), "a row is a JSON object"));
            continue;
        };
        let id = take_id(&mut fields);
        if let Err(message) = check(&fields) {
            problems.push(Problem::new(prefix(number), message));
        }
        match id {
            Ok(Some(id)) => read.push((id, fields)),
            Ok(None) => read.push((new_id(now, number).map_err(Refusal::internal)?, fields)),
            Err(message) => problems.push(Problem::new(prefix(number) + "/id", message)),
        }
    }
    if problems.is_empty() { Ok(read) } else { Err(Refusal::invalid(problems)) }
}

/// Adds rows, all of them or none.
pub(crate) async fn add(
    State(app): State<App>,
    At(table): At<Name>,
    key: Key,
    _: NoParameters,
    body: body::Json,
) -> Result<Response, Refusal> {
    let rows = rows_of(body.value()?, app.host.now())?;
    let once = key.with(&body);
    let written = app.write(move |write, now| {
        op::once::once(write, once, now, |write| {
            let rows = op::table::put(write, &table, rows, Existing::Refuse, now)?;
            Ok(rows.into_iter().map(|Row { id, version, .. }| Added { id, version }).collect::<Vec<_>>())
        })
    });
    let items = written.await?;
    Ok((StatusCode::CREATED, Json(serde_json::json!({"items": items}))).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_without_an_id_get_one_in_their_order() {
        let now = Instant::from_millis(1_750_000_000_000);
        let rows = rows_of(json!([{"a": 1}, {"id": "x"}, {"a": 3}]), now).unwrap();
        assert_eq!(rows[1].0.as_str(), "x");
        assert!(rows[0].0 < rows[2].0 && rows[0].0.as_str().as_bytes()[14] == b'7');
        let many: Vec<_> = (0..10_000).map(|number| new_id(now, number).unwrap()).collect();
        assert!(many.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn every_wrong_row_is_named() {
        let refusal =
            rows_of(json!([{"id": 1}, 2, {"version": 3}, {"id": ""}, {}]), Instant::EPOCH).unwrap_err();
        let told = format!("{refusal:?}");
        for pointer in ["\"/0/id\"", "\"/1\"", "\"/2\"", "\"/3/id\""] {
            assert!(told.contains(pointer), "{told}");
        }
        assert!(!told.contains("\"/4"));
    }
}
