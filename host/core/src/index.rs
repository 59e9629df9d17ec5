//! Indexes that a table declares: which members, in which order, and how far an index is built.
//!
//! An index keeps an entry for every row: the row's values in the index's fields as bytes that sort as the
//! values do ([`crate::query::key`]), then its id. So its entries lie in the order of a query that asks for
//! these fields, all of them ascending, and a value counts with as many bytes as it does there.

use crate::limit::fixed;
use crate::problem::Problem;
use crate::query::order::{Order, SortKey, Step};
use crate::query::{Field, key};
use crate::row::{Row, RowId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Tells indexes of one host apart. No two ever have the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IndexId(pub u32);

/// What somebody declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    /// Members of the rows' objects, or `version`, `created_at`, `updated_at`; most significant first.
    #[serde(with = "names")]
    pub fields: Vec<Field>,
    /// No two rows have the same values in all of the fields. A row that lacks one of them, or has null
    /// there, is not judged.
    #[serde(default)]
    pub unique: bool,
}

impl Declaration {
    /// What the index is called: its fields.
    pub fn name(&self) -> String {
        self.fields.iter().map(name_of).collect::<Vec<_>>().join(",")
    }
}

/// Fields as they are written over HTTP and kept.
mod names {
    use super::{Field, name_of};
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(fields: &[Field], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(fields.iter().map(name_of))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Field>, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        Ok(names.iter().map(|name| Field::new(name)).collect())
    }
}

fn name_of(field: &Field) -> &str {
    match field {
        Field::CreatedAt => "created_at",
        Field::UpdatedAt => "updated_at",
        field => field.name(),
    }
}

/// Everything that is wrong with the indexes that a table is to have, each with its JSON pointer under `at`.
pub fn problems(declared: &[Declaration], at: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let most = fixed::INDEXES;
    if declared.len() > most {
        let message = format!("a table has at most {most} indexes, and these are {}", declared.len());
        problems.push(Problem::new(at, message));
    }
    for (number, index) in declared.iter().enumerate().take(most) {
        let mut found =
            |message: String| problems.push(Problem::new(format!("{at}/{number}/fields"), message));
        let (count, most) = (index.fields.len(), fixed::INDEX_FIELDS);
        if count == 0 || count > most {
            found(format!("an index has 1 to {most} fields, and this one has {count}"));
        }
        for (place, field) in index.fields.iter().enumerate() {
            if *field == Field::Id {
                found("rows lie in the order of their ids: no index is needed for that".into());
            } else if index.fields[..place].contains(field) {
                found(format!("`{}` is named twice", name_of(field)));
            } else if name_of(field).len() > fixed::INDEX_FIELD_NAME {
                found(format!("a field of an index has a name of at most {} bytes", fixed::INDEX_FIELD_NAME));
            }
        }
        if declared[..number].iter().any(|other| other.name() == index.name()) {
            found(format!("there are two indexes on `{}`", index.name()));
        }
    }
    problems
}

/// An index of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    pub id: IndexId,
    pub declared: Declaration,
    pub state: State,
}

/// How far an index is built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Rows up to this one have their entries, so many of them; those behind it get theirs in their turn.
    Building { after: Option<RowId>, rows: u64 },
    /// Every row has its entry.
    Ready,
    /// It cannot be: two rows have the same values, say. Nothing keeps it up.
    Failed { reason: String },
}

impl Index {
    pub fn name(&self) -> String {
        self.declared.name()
    }

    pub fn fields(&self) -> &[Field] {
        &self.declared.fields
    }

    pub fn is_ready(&self) -> bool {
        self.state == State::Ready
    }

    /// Whether a row of this id has its entry in the index now, if there is such a row.
    pub fn covers(&self, id: &RowId) -> bool {
        match &self.state {
            State::Ready => true,
            State::Building { after, .. } => after.as_ref().is_some_and(|after| id <= after),
            State::Failed { .. } => false,
        }
    }

    /// The order in which its entries lie.
    pub fn order(&self) -> Order {
        let step = |field: &Field| Step { field: field.clone(), descending: false };
        // Its fields were checked when it was declared.
        Order::new(self.fields().iter().map(step).collect()).unwrap_or_default()
    }

    pub fn entry(&self, row: &Row) -> Entry {
        Entry { key: self.order().key(row), id: row.id.clone() }
    }

    /// What must be the row's alone; none where it is not judged.
    ///
    /// # Errors
    /// Where a value is too long to be judged by: it would have to be read in full to tell it from others.
    pub fn unique_key(&self, row: &Row) -> Result<Option<SortKey>, TooLong> {
        if !self.declared.unique || self.fields().iter().any(|field| field.is_nothing(row)) {
            return Ok(None);
        }
        match self.fields().iter().find(|field| field.key_bytes(row) > Order::KEY_BYTES_MAX) {
            Some(field) => Err(TooLong { index: self.name(), field: name_of(field).into() }),
            None => Ok(Some(self.order().key(row))),
        }
    }
}

/// A value that no unique index can take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{field}` is longer than the {} bytes that the unique index `{index}` can tell values apart by",
    Order::KEY_BYTES_MAX
)]
pub struct TooLong {
    pub index: String,
    pub field: String,
}

/// Two rows would have the same values in a unique index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub table: crate::Name,
    /// The index's name.
    pub index: String,
    /// The row that has the values already.
    pub by: RowId,
}

impl Taken {
    /// What it says to those who may not know of the other row.
    pub fn without_id(&self) -> String {
        format!("another row of table `{}` has these values of its unique index `{}`", self.table, self.index)
    }
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row `{}` of table `{}` has these values", self.by, self.table)?;
        write!(f, " of the unique index `{}` already", self.index)
    }
}

/// A row's place in an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub key: SortKey,
    pub id: RowId,
}

impl Entry {
    /// No entry is longer.
    pub const BYTES_MAX: usize = fixed::INDEX_FIELDS * Order::KEY_BYTES_MAX + RowId::BYTES_MAX + 2;

    /// Key, id, and the id's length behind a NUL: no id holds one, so entries of one key sort as their ids do.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (key, id) = (self.key.as_bytes(), self.id.as_str().as_bytes());
        let mut bytes = Vec::with_capacity(key.len() + id.len() + 2);
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(id);
        // An id has at most 255 bytes.
        bytes.extend_from_slice(&[0, id.len() as u8]);
        bytes
    }

    /// None where the bytes are no entry.
    pub fn from_bytes(bytes: &[u8]) -> Option<Entry> {
        let (length, rest) = bytes.split_last()?;
        let rest = rest.strip_suffix(&[0])?;
        let (key, id) = rest.split_at_checked(rest.len().checked_sub((*length).into())?)?;
        let id = std::str::from_utf8(id).ok()?.parse().ok()?;
        Some(Entry { key: SortKey::from_bytes(key.to_vec()), id })
    }
}

impl Field {
    /// Whether the row lacks the field, or has null there.
    fn is_nothing(&self, row: &Row) -> bool {
        match self {
            Field::Member(name) => row.fields.get(&**name).is_none_or(serde_json::Value::is_null),
            _ => false,
        }
    }

    /// Bytes of the field's whole value in a key, up to one more than count.
    fn key_bytes(&self, row: &Row) -> usize {
        let mut writer = key::Writer::new();
        writer.start(Order::KEY_BYTES_MAX + 1);
        self.write(row, &mut writer);
        writer.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::tests::{json, row};
    use proptest::prelude::*;
    use serde_json::json;

    pub(crate) fn index(fields: &[&str], unique: bool) -> Index {
        let fields = fields.iter().map(|name| Field::new(name)).collect();
        Index { id: IndexId(1), declared: Declaration { fields, unique }, state: State::Ready }
    }

    #[test]
    fn what_is_wrong_with_declarations_is_told_in_full() {
        let declare = |fields: &[&str]| index(fields, false).declared;
        assert!(problems(&[declare(&["a", "created-at"]), declare(&["a"])], "/indexes").is_empty());
        let bad = [declare(&[]), declare(&["id"]), declare(&["a", "a"]), declare(&["b"]), declare(&["b"])];
        let told: Vec<String> = problems(&bad, "/indexes").iter().map(ToString::to_string).collect();
        let pointers: Vec<&str> = told.iter().filter_map(|text| text.split(':').next()).collect();
        let expected = [0, 1, 2, 4].map(|number| format!("/indexes/{number}/fields"));
        assert_eq!(pointers, expected);
        let many: Vec<_> = (0..9).map(|number| declare(&[&format!("f{number}")])).collect();
        assert!(problems(&many, "").iter().any(|problem| problem.to_string().contains("at most 8 indexes")));
        assert!(!problems(&[declare(&["a", "b", "c", "d", "e"])], "").is_empty());
        assert!(!problems(&[declare(&[&"x".repeat(256)])], "").is_empty());
    }

    #[test]
    fn declarations_are_written_with_the_names_that_rows_have_over_http() {
        let declared = index(&["status", "created-at"], true).declared;
        let text = serde_json::to_value(&declared).unwrap();
        assert_eq!(text, json!({"fields": ["status", "created_at"], "unique": true}));
        assert_eq!(serde_json::from_value::<Declaration>(text).unwrap(), declared);
        assert_eq!(declared.name(), "status,created_at");
    }

    #[test]
    fn values_that_are_nothing_or_too_long_are_not_compared() {
        let index = index(&["a", "b"], true);
        let key = |fields| index.unique_key(&row("x", 1, fields));
        assert_eq!(key(json!({"a": 1})), Ok(None));
        assert_eq!(key(json!({"a": 1, "b": null})), Ok(None));
        assert_eq!(key(json!({"a": 1, "b": 2})), key(json!({"a": 1.0, "b": 2, "c": 3})));
        assert!(key(json!({"a": 1, "b": "x".repeat(600)})).unwrap_err().to_string().contains("`a,b`"));
        let fits = Order::KEY_BYTES_MAX - 3;
        assert!(key(json!({"a": 1, "b": "x".repeat(fits)})).is_ok());
        assert!(key(json!({"a": 1, "b": "x".repeat(fits + 1)})).is_err());
    }

    #[test]
    fn a_row_is_covered_up_to_where_the_building_is() {
        let mut index = index(&["a"], false);
        let id = |text: &str| text.parse::<RowId>().unwrap();
        assert!(index.covers(&id("z")));
        index.state = State::Building { after: None, rows: 0 };
        assert!(!index.covers(&id("a")));
        index.state = State::Building { after: Some(id("m")), rows: 1 };
        assert!(index.covers(&id("a")) && index.covers(&id("m")) && !index.covers(&id("n")));
    }

    proptest! {
        #[test]
        fn entries_sort_as_their_rows_do_and_read_back(
            a in (json(), "[ a-c]{1,3}"), b in (json(), "[ a-c]{1,3}"), long in 0..3_usize,
        ) {
            let index = index(&["v"], false);
            let id = |id: &str| id.repeat(if long == 2 { 70 } else { 1 });
            let (left, right) = (row(&id(&a.1), 1, json!({"v": a.0})), row(&id(&b.1), 1, json!({"v": b.0})));
            let (one, two) = (index.entry(&left), index.entry(&right));
            prop_assert_eq!(one.to_bytes().cmp(&two.to_bytes()), index.order().compare(&left, &right));
            prop_assert_eq!(Entry::from_bytes(&one.to_bytes()), Some(one));
        }

        #[test]
        fn strange_bytes_never_panic(bytes: Vec<u8>) {
            drop(Entry::from_bytes(&bytes));
        }
    }
}
