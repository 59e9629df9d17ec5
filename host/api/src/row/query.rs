//! `/tables/{table}/rows?...`: the rows that match, and deleting them.

use super::View;
use super::scan::{Counted, Looked, Passage, too_many};
use crate::app::App;
use crate::parameter::Parameters;
use crate::path::At;
use crate::problem::Refusal;
use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_RANGE;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use sandglass_core::Name;
use sandglass_core::index::Index;
use sandglass_core::query::{self, Filter, Page, Query, Walk, rest};
use sandglass_core::row::Row;
use sandglass_store::op;
use sandglass_store::{Read, StoreError};
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
    let (filter, is_first) = (query.filter().clone(), query.cursor().is_none());
    let most = app.options.rows_scanned_max;
    let name = table.clone();
    let (page, _) = app.scan(move |read| page(read, &name, &query, most)).await?;
    let count = if wants_count(&headers) { Some(count(&app, &table, &filter).await?) } else { None };
    let range = count.and_then(|count| content_range(page.rows.len(), is_first, count));
    let found = Json(Found { items: page.rows, next: page.next, count });
    let Some(range) = range else { return Ok(found.into_response()) };
    let applied = (HeaderName::from_static("preference-applied"), HeaderValue::from_static("count=exact"));
    Ok(([applied, (CONTENT_RANGE, range)], found).into_response())
}

/// Which of all rows that match are on the page, as `PostgREST` writes it: `0-24/573`. Of a later page nobody has
/// counted the rows before it, and of an empty one there is nothing to say: `*/573`.
fn content_range(rows: usize, is_first: bool, count: u64) -> Option<HeaderValue> {
    let range = if is_first && rows > 0 { format!("0-{}/{count}", rows - 1) } else { format!("*/{count}") };
    HeaderValue::try_from(range).ok()
}

/// One page, as all of it is at one moment, and what was looked at for it.
fn page(read: &dyn Read, table: &Name, query: &Query, most: u64) -> Result<(Page, Way), Refusal> {
    let indexes = op::table::find(read, table)?.indexes;
    let walk = Walk::of(query, &indexes);
    let index = indexes.iter().find(|index| Some(index.id) == walk.index());
    let (index, in_order) = (index.map(Index::name), walk.is_in_order());
    let mut rows = Counted::new(read, table, most);
    let page = query::page(&mut rows, query, walk)?;
    Ok((page, Way { index, in_order, looked: rows.looked }))
}

/// How a page was found.
struct Way {
    index: Option<String>,
    in_order: bool,
    looked: Looked,
}

/// What a page of a query costs: which index served it, and how much was read for it.
pub(crate) async fn explain(
    State(app): State<App>,
    At(table): At<Name>,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let query = rest::parse(&table, parameters.rest()).map_err(Refusal::invalid)?;
    let most = app.options.rows_scanned_max;
    let (page, way) = app.scan(move |read| page(read, &table, &query, most)).await?;
    let Looked { keys, scanned, fetched } = way.looked;
    Ok(Json(json!({
        "index": way.index,
        "in_order": way.in_order,
        "keys_read": keys,
        "rows_read": scanned + fetched,
        "rows_returned": page.rows.len(),
        "next": page.next,
    })))
}

/// Rows or entries that one look of a count sees. Commits come between them: a count is no page.
const COUNTED_AT_ONCE: u64 = 5_000;

async fn count(app: &App, table: &Name, filter: &Filter) -> Result<u64, Refusal> {
    let most = app.options.rows_scanned_max;
    let (mut matching, mut passage) = (0, Passage::default());
    loop {
        let (table, filter) = (table.clone(), filter.clone());
        let part = app.scan(move |read| -> Result<_, StoreError> {
            let mut count = 0;
            let look = passage.look(read, &table, &filter, COUNTED_AT_ONCE, |_| {
                count += 1;
                ControlFlow::Continue(())
            })?;
            Ok((count, look, passage))
        });
        let (part_matching, look, passage_after) = part.await?;
        passage = passage_after;
        matching = if look.anew { part_matching } else { matching + part_matching };
        if passage.looked > most {
            return Err(too_many(most));
        }
        if look.ended {
            return Ok(matching);
        }
    }
}

/// Rows that one transaction looks at, and deletes, and the bytes of those: about.
const SEEN_AT_ONCE: u64 = 2_000;
const DELETED_AT_ONCE: usize = 500;
const DELETED_BYTES_AT_ONCE: usize = 4 << 20;

/// Deletes the rows that match, a part at a time: where one part fails, those before it stay deleted.
pub(crate) async fn delete(
    State(app): State<App>,
    At(table): At<Name>,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let filter = filter_of_delete(&table, &parameters)?;
    app.look(|read| op::table::find(read, &table))?;
    let (mut deleted, mut passage) = (0, Passage::default());
    loop {
        let (table, filter) = (table.clone(), filter.clone());
        let part = app.write(move |write, _| {
            let (mut rows, mut bytes) = (Vec::new(), 0);
            // What is gone is gone, where it begins anew.
            let look = passage.look(write.as_read(), &table, &filter, SEEN_AT_ONCE, |row| {
                bytes += row.bytes();
                rows.push(row);
                let is_enough = rows.len() >= DELETED_AT_ONCE || bytes >= DELETED_BYTES_AT_ONCE;
                if is_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?;
            op::table::remove(write, &table, &rows)?;
            Ok((rows.len() as u64, look.ended, passage))
        });
        let part = part.await.map_err(|refusal| match deleted {
            0 => refusal,
            _ => refusal.and(&format!("; {deleted} rows were deleted before")),
        });
        let (part_deleted, ended, passage_after) = part?;
        (deleted, passage) = (deleted + part_deleted, passage_after);
        if ended {
            return Ok(Json(json!({"deleted": deleted})));
        }
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
    fn the_range_of_a_page_is_that_of_the_first_one() {
        for (rows, is_first, count, expected) in
            [(25, true, 573, "0-24/573"), (25, false, 573, "*/573"), (0, true, 0, "*/0")]
        {
            assert_eq!(content_range(rows, is_first, count).unwrap(), expected);
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
