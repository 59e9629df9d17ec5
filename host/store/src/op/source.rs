//! The committed rows of a table, as queries walk over them.

use crate::index::{IndexEntry, IndexPlace};
use crate::key::{KeyRange, RowPlace};
use crate::op::table;
use crate::store::{Read, StoreError};
use sandglass_core::Name;
use sandglass_core::index::{Entry, IndexId};
use sandglass_core::query::{Interval, Part, Source};
use sandglass_core::row::{Row, RowId};
use std::ops::ControlFlow;

/// Within one look, so all of it is of one moment.
#[derive(Clone, Copy)]
pub struct Committed<'a> {
    pub read: &'a dyn Read,
    pub table: &'a Name,
}

/// Bytes of rows that are read ahead of who looks at them: so many, and one row.
const AHEAD_BYTES: usize = 1 << 20;

impl Source for Committed<'_> {
    type Error = StoreError;

    fn rows(&mut self, ids: &Interval, most: usize) -> Result<Part<Row>, StoreError> {
        let (mut items, mut bytes) = (Vec::with_capacity(most), 0);
        let range: KeyRange = ids.within(&RowPlace::prefix(self.table)).into();
        self.read.each::<Row>(&range, false, |_, row| {
            bytes += row.bytes();
            items.push(row);
            let is_enough = items.len() >= most || bytes >= AHEAD_BYTES;
            if is_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let is_part = items.len() >= most || bytes >= AHEAD_BYTES;
        let last = items.last().filter(|_| is_part);
        let rest = last.map(|row| ids.clone().after(row.id.as_str().as_bytes()));
        Ok(Part { items, rest })
    }

    fn entries(
        &mut self,
        index: IndexId,
        within: &Interval,
        backwards: bool,
        most: usize,
    ) -> Result<Part<Entry>, StoreError> {
        let found = self.read.list::<IndexEntry>(&IndexPlace::range(index, within), backwards, most)?;
        let items: Vec<Entry> = found.into_iter().map(|(place, _)| place.entry).collect();
        let rest = items.last().filter(|_| items.len() == most).map(|last| {
            let (rest, last) = (within.clone(), last.to_bytes());
            if backwards { rest.before(&last) } else { rest.after(&last) }
        });
        Ok(Part { items, rest })
    }

    fn row(&mut self, id: &RowId) -> Result<Option<Row>, StoreError> {
        table::get(self.read, self.table, id)
    }
}
