//! What an attempt has written and not committed yet, and what it must find unchanged when it commits.
//!
//! Conflicts: a row that the attempt read and then writes must still have the version it read, 0 standing
//! for absence. Rows written unread are taken as they are, and reads that lead to no write are not judged.
//! A commit, a checkpoint's too, begins anew: what was read before it is forgotten.

use crate::email::Email;
use crate::id::Name;
use crate::limit::{Bytes, fixed};
use crate::row::RowId;
use crate::time::Instant;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
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

    /// What this attempt wrote in `table`, from the row `after` on (not with it), in the order of ids.
    pub fn written_after<'a>(
        &'a self,
        table: &'a Name,
        after: Option<&RowId>,
    ) -> impl Iterator<Item = (&'a RowId, &'a Change)> {
        let from = match after {
            Some(id) => Bound::Excluded(RowKey { table: table.clone(), id: id.clone() }),
            None => Bound::Included(RowKey { table: table.clone(), id: RowId::least() }),
        };
        let rows = self.effects.rows.range((from, Bound::Unbounded));
        rows.take_while(move |(key, _)| key.table == *table).map(|(key, change)| (&key.id, change))
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
        self.bytes = bytes;
        self.effects.rows.insert(key, Change { fields, expected, at, created_at, size });
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
        let ids = |after: Option<&str>| -> Vec<String> {
            let after: Option<RowId> = after.map(|id| id.parse().unwrap());
            workspace.written_after(&table, after.as_ref()).map(|(id, _)| id.to_string()).collect()
        };
        assert_eq!(ids(None), ["a", "b", "c"]);
        assert_eq!(ids(Some("a")), ["b", "c"]);
    }
}
