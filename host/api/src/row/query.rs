//! `/tables/{table}/rows?...`: the rows that match, and deleting them.

use super::View;
use super::scan::{Rows, too_many};
use crate::app::App;
use crate::parameter::Parameters;
use crate::path::At;
use crate::problem::Refusal;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use sandglass_core::Name;
use sandglass_core::query::{self, Filter, Page, Query, rest};
use sandglass_core::row::{Row, RowId};
use sandglass_store::op::{self, OpError};
use sandglass_store::{Read, StoreError, Write};
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use std::ops::ControlFlow;

/// A page of rows; `count` is that of all that match, where it was asked for.
#[derive(Serialize)]
struct Found {
    #[serde(serialize_with = "views")]
    items: Vec<Row>,
    next: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
}

fn views<S: Serializer>(rows: &[Row], serializer: S) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(Some(rows.len()))?;
    for row in rows {
        list.serialize_element(&View(row))?;
    }
    list.end()
}

/// Whether the client wants all that match to be counted: `Prefer: count=exact` (RFC 7240).
fn wants_count(headers: &HeaderMap) -> bool {
    let preferences = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    preferences.flat_map(|list| list.split(',')).any(|one| one.trim().eq_ignore_ascii_case("count=exact"))
}

pub(crate) async fn list(
    State(app): State<App>,
    At(table): At<Name>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let query = rest::parse(&table, parameters.rest()).map_err(Refusal::invalid)?;
    let filter = query.filter().clone();
    let most = app.options.rows_scanned_max;
    let name = table.clone();
    let page = app.scan(move |read| page(read, &name, &query, most)).await?;
    let count = if wants_count(&headers) { Some(count(&app, &table, &filter).await?) } else { None };
    let found = Json(Found { items: page.rows, next: page.next, count });
    if count.is_none() {
        return Ok(found.into_response());
    }
    let applied = (HeaderName::from_static("preference-applied"), HeaderValue::from_static("count=exact"));
    Ok(([applied], found).into_response())
}

/// One page, as all of it is at one moment.
fn page(read: &dyn Read, table: &Name, query: &Query, most: u64) -> Result<Page, Refusal> {
    op::table::find(read, table)?;
    let after = query.start_after_id().cloned();
    let rows = Rows::new(read, table, after, query.limit() as usize + 1, most);
    query::collect(rows, query)
}

/// Rows that one look of a count sees. Commits come between them: a count is no page.
const COUNTED_AT_ONCE: u64 = 5_000;

async fn count(app: &App, table: &Name, filter: &Filter) -> Result<u64, Refusal> {
    let most = app.options.rows_scanned_max;
    let (mut matching, mut seen, mut after) = (0, 0, None);
    loop {
        let (table, filter) = (table.clone(), filter.clone());
        let part = app.scan(move |read| count_part(read, &table, &filter, after.as_ref()));
        let (part_matching, part_seen, last) = part.await?;
        (matching, seen) = (matching + part_matching, seen + part_seen);
        if part_seen < COUNTED_AT_ONCE {
            return Ok(matching);
        }
        if seen >= most {
            return Err(too_many(most));
        }
        after = last;
    }
}

/// How many match and how many there are of the next rows, and the last one's id.
fn count_part(
    read: &dyn Read,
    table: &Name,
    filter: &Filter,
    after: Option<&RowId>,
) -> Result<(u64, u64, Option<RowId>), StoreError> {
    let (mut matching, mut seen, mut last) = (0, 0, None);
    op::table::rows_after(read, table, after, |row| {
        seen += 1;
        matching += u64::from(filter.matches(&row));
        if seen < COUNTED_AT_ONCE {
            return ControlFlow::Continue(());
        }
        last = Some(row.id);
        ControlFlow::Break(())
    })?;
    Ok((matching, seen, last))
}

/// Rows that one transaction looks at, and deletes.
const SEEN_AT_ONCE: usize = 2_000;
const DELETED_AT_ONCE: usize = 500;

/// Deletes the rows that match, a part at a time: where one part fails, those before it stay deleted.
pub(crate) async fn delete(
    State(app): State<App>,
    At(table): At<Name>,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let filter = filter_of_delete(&table, &parameters)?;
    app.look(|read| op::table::find(read, &table))?;
    let (mut deleted, mut after) = (0, None);
    loop {
        let (table, filter) = (table.clone(), filter.clone());
        let part = app.write(move |write, _| delete_part(write, &table, &filter, after.as_ref()));
        let part = part.await.map_err(|refusal| match deleted {
            0 => refusal,
            _ => refusal.and(&format!("; {deleted} rows were deleted before")),
        });
        let (part_deleted, last) = part?;
        deleted += part_deleted;
        after = match last {
            Some(last) => Some(last),
            None => return Ok(Json(json!({"deleted": deleted}))),
        };
    }
}

/// Which rows to delete. Every one of them takes `all=true`, lest somebody forget the condition.
fn filter_of_delete(table: &Name, parameters: &Parameters) -> Result<Filter, Refusal> {
    const ALL: (&str, &str) = ("all", "true");
    let wants_all = parameters.rest().any(|pair| pair == ALL);
    let conditions: Vec<_> = parameters.rest().filter(|pair| *pair != ALL).collect();
    if let Some((name, _)) = conditions.iter().find(|(name, _)| ["order", "limit", "cursor"].contains(name)) {
        return Err(Refusal::invalid_at(
            format!("/{name}"),
            "deleting takes conditions only: all that match go",
        ));
    }
    let query = rest::parse(table, conditions).map_err(Refusal::invalid)?;
    match (query.filter().groups().is_empty(), wants_all) {
        (true, false) => {
            Err(Refusal::invalid_at("", "give conditions, such as status=eq.done; or all=true for every row"))
        }
        (false, true) => Err(Refusal::invalid_at("/all", "give conditions or all=true, not both")),
        _ => Ok(query.filter().clone()),
    }
}

/// Deletes what matches of the next rows. Gives how many, and the last row that was looked at if there are more.
fn delete_part(
    write: &mut dyn Write,
    table: &Name,
    filter: &Filter,
    after: Option<&RowId>,
) -> Result<(u64, Option<RowId>), OpError> {
    let (mut matching, mut seen, mut last) = (Vec::new(), 0, None);
    op::table::rows_after(write.as_read(), table, after, |row| {
        seen += 1;
        let is_last = seen == SEEN_AT_ONCE || matching.len() + 1 == DELETED_AT_ONCE;
        if is_last {
            last = Some(row.id.clone());
        }
        if filter.matches(&row) {
            matching.push(row.id);
        }
        if is_last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    for id in &matching {
        op::table::delete(write, table, id, None)?;
    }
    Ok((matching.len() as u64, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deleting_takes_a_condition_or_all() {
        let table: Name = "t".parse().unwrap();
        let groups = |query: &str| {
            filter_of_delete(&table, &Parameters::read(query)).map(|filter| filter.groups().len()).ok()
        };
        for (query, expected) in [
            ("status=eq.done", Some(1)),
            ("all=true", Some(0)),
            ("all=eq.true", Some(1)),
            ("", None),
            ("all=false", None),
            ("all=true&status=eq.done", None),
            ("limit=1", None),
            ("order=id&status=eq.done", None),
            ("cursor=x&all=true", None),
        ] {
            assert_eq!(groups(query), expected, "{query}");
        }
    }

    #[test]
    fn the_preference_for_a_count_is_found_among_others() {
        for (text, expected) in [
            ("count=exact", true),
            ("return=minimal, count=exact", true),
            ("count=planned", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(HeaderName::from_static("prefer"), text.parse().unwrap())]);
            assert_eq!(wants_count(&headers), expected, "{text}");
        }
    }
}
