//! What an attempt has written and not committed yet, and what it must find unchanged when it commits.
//!
//! Conflicts: a row that the attempt read and then writes must still have the version it read, 0 standing
//! for absence. Rows written unread are taken as they are, and reads that lead to no write are not judged.
//! A commit, a checkpoint's too, begins anew: what was read before it is forgotten.

use crate::email::Email;
use crate::id::Name;
use crate::index::{Entry, Index, IndexId};
use crate::limit::{Bytes, fixed};
use crate::query::Interval;
use crate::row::{Row, RowId};
use crate::time::Instant;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

/// Which row of which table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey {
    pub table: Name,
    pub id: RowId,
}

/// A row as the attempt left it.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// None: deleted.
    pub fields: Option<Map<String, Value>>,
    pub expected: Expected,
    /// When it was written; and for a row that the attempt inserted or saw, when it was inserted.
    pub at: Instant,
    pub created_at: Option<Instant>,
    /// Bytes of its fields as JSON text.
    pub size: u64,
}

impl Change {
    /// The row that the attempt sees from now on, none where it is deleted.
    pub fn row(&self, id: &RowId) -> Option<Row> {
        self.fields.as_ref().map(|fields| Row {
            id: id.clone(),
            version: 0,
            created_at: self.created_at.unwrap_or(self.at),
            updated_at: self.at,
            fields: fields.clone(),
        })
    }
}

/// What the row must be like at the commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    Anything,
    /// 0: no such row.
    Version(u64),
    /// Two versions of it were seen: nothing satisfies that.
    Neither,
}

/// What one commit takes over.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Effects {
    pub rows: BTreeMap<RowKey, Change>,
    pub emails: Vec<Email>,
    /// Whether the ids of the rows hold a secret, and are not to be shown beside the run.
    pub ids_are_secret: bool,
}

impl Effects {
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.emails.is_empty()
    }
}

/// A limit that a write or a read would pass: its name and its figure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Quota {
    #[error("more than {} rows written since the last commit: checkpoint, then go on", fixed::COMMIT_ROWS)]
    Rows,
    #[error("more than {} of rows written since the last commit: checkpoint, then go on", fixed::COMMIT)]
    Bytes,
    #[error("more than {0} rows read since the last commit (limit rows_tracked): checkpoint, then go on")]
    Tracked(u64),
}

/// An attempt's uncommitted writes, over what is committed.
#[derive(Debug, Default)]
pub struct Workspace {
    effects: Effects,
    bytes: u64,
    seen: HashMap<RowKey, Expected>,
    tracked_max: u64,
    /// What was written, as the indexes would have it that were asked for since the last commit.
    indexed: BTreeMap<IndexId, Written>,
}

/// The rows that an attempt wrote in one table, as entries of an index.
#[derive(Debug)]
struct Written {
    table: Name,
    index: Index,
    entries: BTreeSet<Vec<u8>>,
}

impl Written {
    fn replace(&mut self, id: &RowId, before: Option<&Change>, after: &Change) {
        if let Some(row) = before.and_then(|change| change.row(id)) {
            self.entries.remove(&self.index.entry(&row).to_bytes());
        }
        if let Some(row) = after.row(id) {
            self.entries.insert(self.index.entry(&row).to_bytes());
        }
    }
}

impl Workspace {
    /// `tracked_max`: rows whose version is remembered between two commits.
    pub fn new(tracked_max: u64) -> Workspace {
        Workspace { tracked_max, ..Workspace::default() }
    }

    /// The row as this attempt wrote it, if it did.
    pub fn written(&self, key: &RowKey) -> Option<&Change> {
        self.effects.rows.get(key)
    }

    /// What this attempt wrote in `table`, in an interval of ids and in their order.
    pub fn written_in<'a>(
        &'a self,
        table: &'a Name,
        ids: &'a Interval,
    ) -> impl Iterator<Item = (&'a RowId, &'a Change)> {
        let from = RowKey { table: table.clone(), id: RowId::bound(&ids.from) };
        let rows = self.effects.rows.range((Bound::Included(from), Bound::Unbounded));
        let inside = |key: &RowKey| key.table == *table && ids.contains(key.id.as_str().as_bytes());
        rows.take_while(move |(key, _)| inside(key)).map(|(key, change)| (&key.id, change))
    }

    /// Keeps what is written in the table as entries of an index, too, up to the next commit.
    pub fn keep_indexed(&mut self, table: &Name, index: &Index) {
        if self.indexed.contains_key(&index.id) {
            return;
        }
        let mut written = Written { table: table.clone(), index: index.clone(), entries: BTreeSet::new() };
        for (id, change) in self.written_in(table, &Interval::all()) {
            written.replace(id, None, change);
        }
        self.indexed.insert(index.id, written);
    }

    /// Entries of the rows that this attempt wrote, for an index that is kept so.
    pub fn indexed_in(
        &self,
        index: IndexId,
        within: &Interval,
    ) -> impl DoubleEndedIterator<Item = Entry> + use<'_> {
        let from = Bound::Included(within.from.clone());
        let to = within.to.clone().map_or(Bound::Unbounded, Bound::Excluded);
        let entries = self.indexed.get(&index).filter(|_| !within.is_empty());
        let found = entries.map(|written| written.entries.range((from, to)));
        found.into_iter().flatten().filter_map(|bytes| Entry::from_bytes(bytes))
    }

    /// The attempt was shown the committed row in this version; 0 says that there is none.
    pub fn saw(&mut self, key: &RowKey, version: u64) -> Result<(), Quota> {
        if let Some(seen) = self.seen.get_mut(key) {
            if *seen != Expected::Version(version) {
                *seen = Expected::Neither;
            }
            return Ok(());
        }
        if self.seen.len() as u64 >= self.tracked_max {
            return Err(Quota::Tracked(self.tracked_max));
        }
        self.seen.insert(key.clone(), Expected::Version(version));
        Ok(())
    }

    /// Writes a row, or deletes it. `created_at` is that of the row as it was seen, none where it was not
    /// seen or not there.
    pub fn write(
        &mut self,
        key: RowKey,
        fields: Option<(Map<String, Value>, u64)>,
        created_at: Option<Instant>,
        at: Instant,
    ) -> Result<(), Quota> {
        let before = self.effects.rows.get(&key);
        let (fields, size) = fields.map_or((None, 0), |(fields, size)| (Some(fields), size));
        let bytes = self.bytes - before.map_or(0, |change| change.size) + size;
        if before.is_none() && self.effects.rows.len() >= fixed::COMMIT_ROWS {
            return Err(Quota::Rows);
        }
        if bytes > fixed::COMMIT.0 {
            return Err(Quota::Bytes);
        }
        // What was read before the first write is what counts: from then on the attempt sees its own.
        let expected = before
            .map(|change| change.expected)
            .or_else(|| self.seen.get(&key).copied())
            .unwrap_or(Expected::Anything);
        let created_at = created_at.or(before.and_then(|change| change.created_at));
        let change = Change { fields, expected, at, created_at, size };
        for written in self.indexed.values_mut().filter(|written| written.table == key.table) {
            written.replace(&key.id, before, &change);
        }
        self.bytes = bytes;
        self.effects.rows.insert(key, change);
        Ok(())
    }

    /// Puts a message among the effects.
    pub fn send(&mut self, email: Email) {
        self.effects.emails.push(email);
    }

    /// Rows written and emails since the last commit.
    pub fn counts(&self) -> (usize, usize) {
        (self.effects.rows.len(), self.effects.emails.len())
    }

    /// Bytes of the rows written since the last commit.
    pub fn bytes(&self) -> Bytes {
        Bytes(self.bytes)
    }

    /// Hands over what is to be committed, and begins anew.
    pub fn take(&mut self) -> Effects {
        self.seen.clear();
        self.indexed.clear();
        self.bytes = 0;
        std::mem::take(&mut self.effects)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str) -> RowKey {
        RowKey { table: "t".parse().unwrap(), id: id.parse().unwrap() }
    }

    fn fields(size: u64) -> (Map<String, Value>, u64) {
        (Map::new(), size)
    }

    fn expected(workspace: &Workspace, id: &str) -> Expected {
        workspace.written(&key(id)).unwrap().expected
    }

    #[test]
    fn what_was_read_before_the_first_write_is_expected() {
        let mut workspace = Workspace::new(10);
        workspace.saw(&key("read"), 7).unwrap();
        workspace.saw(&key("absent"), 0).unwrap();
        workspace.saw(&key("torn"), 7).unwrap();
        workspace.saw(&key("torn"), 8).unwrap();
        for id in ["read", "absent", "torn", "unread"] {
            workspace.write(key(id), Some(fields(1)), None, Instant::EPOCH).unwrap();
            workspace.write(key(id), None, None, Instant::EPOCH).unwrap();
        }
        assert_eq!(expected(&workspace, "read"), Expected::Version(7));
        assert_eq!(expected(&workspace, "absent"), Expected::Version(0));
        assert_eq!(expected(&workspace, "torn"), Expected::Neither);
        assert_eq!(expected(&workspace, "unread"), Expected::Anything);
        assert_eq!(workspace.take().rows.len(), 4);
        workspace.write(key("read"), Some(fields(1)), None, Instant::EPOCH).unwrap();
        assert_eq!(expected(&workspace, "read"), Expected::Anything);
    }

    #[test]
    fn limits_are_named() {
        let mut workspace = Workspace::new(1);
        workspace.saw(&key("a"), 1).unwrap();
        workspace.saw(&key("a"), 1).unwrap();
        assert_eq!(workspace.saw(&key("b"), 1), Err(Quota::Tracked(1)));
        workspace.write(key("a"), Some(fields(fixed::COMMIT.0)), None, Instant::EPOCH).unwrap();
        assert_eq!(workspace.write(key("b"), Some(fields(1)), None, Instant::EPOCH), Err(Quota::Bytes));
        workspace.write(key("a"), Some(fields(0)), None, Instant::EPOCH).unwrap();
        for row in 1..fixed::COMMIT_ROWS {
            workspace.write(key(&row.to_string()), Some(fields(0)), None, Instant::EPOCH).unwrap();
        }
        assert_eq!(workspace.write(key("one-more"), Some(fields(0)), None, Instant::EPOCH), Err(Quota::Rows));
        assert!(workspace.write(key("1"), None, None, Instant::EPOCH).is_ok());
    }

    #[test]
    fn a_tables_writes_are_found_in_order() {
        let mut workspace = Workspace::new(10);
        for id in ["b", "a", "c"] {
            workspace.write(key(id), Some(fields(1)), None, Instant::EPOCH).unwrap();
        }
        let other = RowKey { table: "u".parse().unwrap(), id: "d".parse().unwrap() };
        workspace.write(other, Some(fields(1)), None, Instant::EPOCH).unwrap();
        let table: Name = "t".parse().unwrap();
        let ids = |ids: Interval| -> Vec<String> {
            workspace.written_in(&table, &ids).map(|(id, _)| id.to_string()).collect()
        };
        assert_eq!(ids(Interval::all()), ["a", "b", "c"]);
        assert_eq!(ids(Interval::all().after(b"a")), ["b", "c"]);
        assert_eq!(ids(Interval::all().before(b"b")), ["a"]);
        assert_eq!(ids(Interval::prefix(b"b".to_vec())), ["b"]);
    }

    #[test]
    fn what_was_written_is_kept_as_entries_of_the_indexes_that_were_asked_for() {
        let declared = serde_json::from_value(serde_json::json!({"fields": ["n"]})).unwrap();
        let index = Index { id: IndexId(3), declared, state: crate::index::State::Ready };
        let table: Name = "t".parse().unwrap();
        let mut workspace = Workspace::new(10);
        let write = |workspace: &mut Workspace, id: &str, n: Option<i64>| {
            let fields = n.map(|n| (serde_json::json!({"n": n}).as_object().unwrap().clone(), 1));
            workspace.write(key(id), fields, None, Instant::EPOCH).unwrap();
        };
        let ids = |workspace: &Workspace| -> Vec<String> {
            workspace.indexed_in(index.id, &Interval::all()).map(|entry| entry.id.to_string()).collect()
        };
        write(&mut workspace, "a", Some(3));
        write(&mut workspace, "b", Some(1));
        assert!(ids(&workspace).is_empty());
        workspace.keep_indexed(&table, &index);
        assert_eq!(ids(&workspace), ["b", "a"]);
        write(&mut workspace, "c", Some(2));
        write(&mut workspace, "a", Some(0));
        assert_eq!(ids(&workspace), ["a", "b", "c"]);
        write(&mut workspace, "b", None);
        assert_eq!(ids(&workspace), ["a", "c"]);
        workspace.take();
        assert!(ids(&workspace).is_empty());
    }
}
