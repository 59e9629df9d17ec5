//! Queries over the rows of one table: which rows match, in which order, a page at a time.
//!
//! One meaning for guests' calls and HTTP. Pure: rows come from a [`Source`], and nothing here knows where
//! they are kept or who may read them.
//!
//! Values and members
//! - Filters compare values of one kind only: `lt` of a number matches no string. Within strings, RFC 3339
//!   text compares as an instant where both sides are such text, and all else by bytes; the row's id always
//!   by bytes.
//! - A member that is missing matches `exists` of false and `ne`, and nothing else. A member that is null is
//!   there: it matches `exists` of true, `eq` of null, and `ne` of anything else.
//! - An order has to rank all values: missing < null < false < true < numbers < RFC 3339 strings < other
//!   strings < arrays < objects ([`value`]). Descending is the exact reverse; ties go by id, ascending.

pub mod access;
pub mod cursor;
pub mod field;
pub mod filter;
pub mod interval;
pub mod key;
pub mod notation;
pub mod order;
pub mod page;
mod reach;
pub mod rest;
#[cfg(test)]
pub(crate) mod tests;
pub mod value;
pub mod walk;

pub use access::Access;
pub use cursor::Cursor;
pub use field::Field;
pub use filter::{Condition, Filter, Operator};
pub use interval::Interval;
pub use order::{Order, SortKey, Step};
pub use page::{Page, page};
pub use walk::{Part, Source, Walk};

use crate::id::Name;
use sha2::{Digest as _, Sha256};

/// Rows in a page when the query does not say.
pub const PAGE_ROWS_DEFAULT: u32 = 100;
/// Rows in a page at most. A query that asks for more gets pages of so many.
pub const PAGE_ROWS_MAX: u32 = 1_000;
/// Bytes of rows ([`crate::row::Row::bytes`]) in a page at most; but a page always has its first row.
pub const PAGE_BYTES_MAX: usize = 4 << 20;

/// Which rows of a table, in which order, from where on, and how many at once.
#[derive(Debug, Clone)]
pub struct Query {
    filter: Filter,
    order: Order,
    limit: u32,
    cursor: Option<Cursor>,
    fingerprint: Fingerprint,
}

/// Tells queries apart, so that a cursor goes on with its own query only.
pub(crate) type Fingerprint = [u8; 8];

impl Query {
    /// `limit` in rows, 0 for the default; `cursor` as the page before gave it.
    ///
    /// Fails for a cursor that is none, or belongs to another table, filter or order. The limit is free to
    /// change from page to page.
    pub fn new(
        table: &Name,
        filter: Filter,
        order: Order,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Query, String> {
        // What is the same in all rows that match orders nothing.
        let order = match filter.groups() {
            [group] => order.without(|field| access::is_equal(group, field)),
            _ => order,
        };
        let fingerprint = fingerprint(table, &filter, &order);
        let cursor = cursor.map(|text| Cursor::parse(text, fingerprint)).transpose()?;
        let limit = if limit == 0 { PAGE_ROWS_DEFAULT } else { limit.min(PAGE_ROWS_MAX) };
        Ok(Query { filter, order, limit, cursor, fingerprint })
    }

    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    pub fn order(&self) -> &Order {
        &self.order
    }

    /// Rows in a page, from 1 to [`PAGE_ROWS_MAX`].
    pub fn limit(&self) -> u32 {
        self.limit
    }

    pub fn cursor(&self) -> Option<&Cursor> {
        self.cursor.as_ref()
    }
}

fn fingerprint(table: &Name, filter: &Filter, order: &Order) -> Fingerprint {
    let mut hash = Sha256::new();
    // Each part goes in with its length, so that no two queries run together into the same bytes.
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    part(table.as_str().as_bytes());
    for group in filter.groups() {
        part(b"group");
        for condition in group {
            part(condition.field().name().as_bytes());
            part(condition.operator().name().as_bytes());
            part(condition.value().to_string().as_bytes());
        }
    }
    part(b"order");
    for step in order.steps() {
        part(step.field.name().as_bytes());
        part(&[u8::from(step.descending)]);
    }
    let digest: [u8; 32] = hash.finalize().into();
    let mut fingerprint = Fingerprint::default();
    fingerprint.copy_from_slice(&digest[..8]);
    fingerprint
}
