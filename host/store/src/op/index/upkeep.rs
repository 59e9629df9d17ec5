//! What a commit that writes rows changes in the indexes of their table.

use crate::index::{IndexEntry, IndexPlace};
use crate::key::Key;
use crate::record::Record;
use crate::store::{Read, StoreError, Write};
use sandglass_core::Name;
use sandglass_core::index::{Entry, Index, IndexId, Taken, TooLong};
use sandglass_core::query::Interval;
use sandglass_core::row::{Row, RowId};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// The changes of one table's indexes, collected row by row, then judged, then written.
#[derive(Debug)]
pub(crate) struct Upkeep {
    table: Name,
    indexes: Vec<Index>,
    removed: BTreeSet<(IndexId, Vec<u8>)>,
    /// With how many bytes of the entry are to be the row's alone, if any are.
    added: BTreeMap<(IndexId, Vec<u8>), Option<usize>>,
}

/// Why a row cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("{0}")]
    Taken(Taken),
    #[error(transparent)]
    TooLong(#[from] TooLong),
}

impl Upkeep {
    pub(crate) fn new(table: &Name, indexes: Vec<Index>) -> Upkeep {
        Upkeep { table: table.clone(), indexes, removed: BTreeSet::new(), added: BTreeMap::new() }
    }

    /// Whether what rows held before matters at all.
    pub(crate) fn is_needed(&self) -> bool {
        !self.indexes.is_empty()
    }

    /// A row of this id is written over, added or deleted.
    pub(crate) fn row(
        &mut self,
        id: &RowId,
        before: Option<&Row>,
        after: Option<&Row>,
    ) -> Result<(), TooLong> {
        for index in self.indexes.iter().filter(|index| index.covers(id)) {
            let entry = |row: &Row| (index.id, index.entry(row).to_bytes());
            let gone = before.map(entry);
            let unique = match after {
                Some(row) => index.unique_key(row)?.map(|key| key.as_bytes().len()),
                None => None,
            };
            let new = after.map(entry);
            if gone == new {
                continue;
            }
            // A row may be written more than once in a commit.
            if let Some(gone) = gone
                && self.added.remove(&gone).is_none()
            {
                self.removed.insert(gone);
            }
            if let Some(new) = new
                && !self.removed.remove(&new)
            {
                self.added.insert(new, unique);
            }
        }
        Ok(())
    }

    /// Whether values that must be one row's alone are so, once all of it is written.
    pub(crate) fn judge(&self, read: &dyn Read) -> Result<Result<(), Taken>, StoreError> {
        for ((index, bytes), unique) in &self.added {
            let Some(length) = *unique else { continue };
            let same = Interval::prefix(bytes[..length].to_vec());
            let from = (*index, same.from.clone());
            let mut others = self
                .added
                .range(from..)
                .map_while(|((other, bytes), _)| (other == index && same.contains(bytes)).then_some(bytes));
            let by = match others.find(|other| *other != bytes) {
                Some(other) => Entry::from_bytes(other).map(|entry| entry.id),
                None => self.committed(read, *index, &same)?,
            };
            if let Some(by) = by {
                let name = self.indexes.iter().find(|known| known.id == *index).map(Index::name);
                let index = name.unwrap_or_default();
                return Ok(Err(Taken { table: self.table.clone(), index, by }));
            }
        }
        Ok(Ok(()))
    }

    /// A row that has such an entry and keeps it.
    fn committed(
        &self,
        read: &dyn Read,
        index: IndexId,
        same: &Interval,
    ) -> Result<Option<RowId>, StoreError> {
        let mut found = None;
        let range = IndexPlace::range(index, same);
        read.each::<IndexEntry>(&range, false, |place, _| {
            let key = (index, place.entry.to_bytes());
            if self.removed.contains(&key) || self.added.contains_key(&key) {
                return ControlFlow::Continue(());
            }
            found = Some(place.entry.id);
            ControlFlow::Break(())
        })?;
        Ok(found)
    }

    pub(crate) fn write(self, write: &mut dyn Write) {
        let key = |(index, bytes): (IndexId, Vec<u8>)| [&index.to_bytes()[..], &bytes].concat();
        for gone in self.removed {
            write.delete(IndexEntry::SPACE, key(gone));
        }
        for (new, _) in self.added {
            write.put(IndexEntry::SPACE, key(new), IndexEntry.encode());
        }
    }
}
