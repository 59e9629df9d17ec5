//! One page of a query's rows, out of all rows of its table.

use super::cursor::Cursor;
use super::order::SortKey;
use super::walk::{STEP_MAX, Source, Walk};
use super::{PAGE_BYTES_MAX, Query};
use crate::row::{Row, RowId};
use std::collections::BTreeMap;

/// A part of a query's answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    pub rows: Vec<Row>,
    /// The cursor of the next page, none after the last. The page that it leads to may turn out empty, where
    /// nobody looked whether any of the rows to come matches.
    pub next: Option<String>,
}

/// Collects a page along `walk`, which is the query's. A page ends at the query's limit of rows or at
/// [`PAGE_BYTES_MAX`].
///
/// Where the rows come in the query's order it looks at no more than the page needs, and one to know whether
/// there are more. Else it looks at all, but holds no more at a time than the page itself and some rows.
pub fn page<S: Source>(source: &mut S, query: &Query, walk: Walk) -> Result<Page, S::Error> {
    if walk.is_in_order() { stream(source, walk, query) } else { sort(source, walk, query) }
}

fn stream<S: Source>(source: &mut S, mut walk: Walk, query: &Query) -> Result<Page, S::Error> {
    let mut page = Page::default();
    let mut bytes = 0;
    let mut all_match = true;
    loop {
        // As many as the page needs, as long as all of them match.
        let needed = query.limit as usize + 1 - page.rows.len();
        let Some(rows) = walk.step(source, if all_match { needed } else { STEP_MAX })? else {
            return Ok(page);
        };
        for row in rows {
            let is_full = page.rows.len() >= query.limit as usize;
            if !is_full && !query.filter.matches(&row) {
                all_match = false;
                continue;
            }
            bytes += row.bytes();
            if is_full || (bytes > PAGE_BYTES_MAX && !page.rows.is_empty()) {
                let last = page.rows.last().map(|row| Cursor::new(query.order.key(row), row.id.clone()));
                page.next = last.map(|last| last.to_text(query.fingerprint));
                return Ok(page);
            }
            page.rows.push(row);
        }
    }
}

fn sort<S: Source>(source: &mut S, mut walk: Walk, query: &Query) -> Result<Page, S::Error> {
    let mut best = Best { rows: BTreeMap::new(), bytes: 0, limit: query.limit as usize };
    while let Some(rows) = walk.step(source, STEP_MAX)? {
        for row in rows.into_iter().filter(|row| query.filter.matches(row)) {
            let key = query.order.key(&row);
            if query.cursor.as_ref().is_none_or(|cursor| cursor.is_before(&key, &row.id)) {
                best.offer(key, row);
            }
        }
    }
    let mut page = Page::default();
    let mut bytes = 0;
    let mut last = None;
    for ((key, id), (row, row_bytes)) in best.rows {
        bytes += row_bytes;
        if page.rows.len() >= query.limit as usize || (bytes > PAGE_BYTES_MAX && last.is_some()) {
            page.next = last.map(|(key, id)| Cursor::new(key, id).to_text(query.fingerprint));
            break;
        }
        page.rows.push(row);
        last = Some((key, id));
    }
    Ok(page)
}

/// The first rows of an order among those that were offered: those of the page, and one that comes after it.
struct Best {
    rows: BTreeMap<(SortKey, RowId), (Row, usize)>,
    /// Of all rows here.
    bytes: usize,
    limit: usize,
}

impl Best {
    fn offer(&mut self, key: SortKey, row: Row) {
        let place = (key, row.id.clone());
        if self.is_past_the_page() && self.rows.last_key_value().is_some_and(|(last, _)| place > *last) {
            return;
        }
        let bytes = row.bytes();
        if let Some((_, before)) = self.rows.insert(place, (row, bytes)) {
            self.bytes -= before;
        }
        self.bytes += bytes;
        // The last row goes as long as the others alone are past the page.
        while let Some((_, (_, last))) = self.rows.last_key_value() {
            let others = self.bytes - last;
            if !is_past_the_page(self.rows.len() - 1, others, self.limit) {
                break;
            }
            self.rows.pop_last();
            self.bytes = others;
        }
    }

    fn is_past_the_page(&self) -> bool {
        is_past_the_page(self.rows.len(), self.bytes, self.limit)
    }
}

/// Whether so many rows are at least the page and one more. One row is a page, however large it is.
fn is_past_the_page(rows: usize, bytes: usize, limit: usize) -> bool {
    rows > limit || (rows > 1 && bytes > PAGE_BYTES_MAX)
}
