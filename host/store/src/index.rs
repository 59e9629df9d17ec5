//! How the entries of tables' indexes are kept, and what is still to be done for an index.

use crate::key::{Key, KeyRange};
use crate::record::{Record, open, seal};
use crate::space::Space;
use crate::store::StoreError;
use sandglass_core::Name;
use sandglass_core::index::{Entry, IndexId};
use sandglass_core::query::Interval;
use serde::{Deserialize, Serialize};
use std::ops::Bound;

/// An entry of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexPlace {
    pub index: IndexId,
    pub entry: Entry,
}

impl IndexPlace {
    /// The keys of an index's entries that lie in an interval.
    pub fn range(index: IndexId, within: &Interval) -> KeyRange {
        within.within(&index.to_bytes()).into()
    }
}

impl Key for IndexId {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_be_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<IndexId> {
        bytes.try_into().ok().map(|bytes| IndexId(u32::from_be_bytes(bytes)))
    }
}

impl Key for IndexPlace {
    fn encode(&self, out: &mut Vec<u8>) {
        self.index.encode(out);
        out.extend_from_slice(&self.entry.to_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<IndexPlace> {
        let (index, entry) = bytes.split_first_chunk::<4>()?;
        Some(IndexPlace { index: IndexId::decode(index)?, entry: Entry::from_bytes(entry)? })
    }
}

/// All that an entry says stands in its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexEntry;

impl Record for IndexEntry {
    type Key = IndexPlace;
    const SPACE: Space = Space::Index;

    fn encode(&self) -> Vec<u8> {
        seal(&[])
    }

    fn decode(bytes: &[u8]) -> Result<IndexEntry, StoreError> {
        open(Space::Index, bytes).map(|_| IndexEntry)
    }
}

/// What is to be done for an index, in steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndexTask {
    /// Rows get their entries.
    Build { table: Name },
    /// Nothing uses the index any more: its entries go.
    Drop,
}

impl From<Interval> for KeyRange {
    fn from(Interval { from, to }: Interval) -> KeyRange {
        KeyRange { from: Bound::Included(from), to: to.map_or(Bound::Unbounded, Bound::Excluded) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_lie_by_index_and_read_back() {
        let entry = Entry::from_bytes(b"\x03some row\0\x08").unwrap();
        let place = IndexPlace { index: IndexId(7), entry };
        assert_eq!(IndexPlace::decode(&place.to_bytes()), Some(place.clone()));
        assert!(IndexPlace::range(IndexId(7), &Interval::all()).contains(&place.to_bytes()));
        assert!(!IndexPlace::range(IndexId(6), &Interval::all()).contains(&place.to_bytes()));
        assert!(!IndexPlace::range(IndexId(8), &Interval::all()).contains(&place.to_bytes()));
        assert!(IndexPlace::range(IndexId(7), &Interval::prefix(vec![3])).contains(&place.to_bytes()));
        assert!(IndexEntry::decode(&IndexEntry.encode()).is_ok());
        assert!(IndexEntry::decode(b"").is_err());
    }
}
