//! Tables of rows, by their ids. What asks for rows by their contents is in `query`.

use crate::bindings::sandglass::job::table as host;
use crate::{Error, Instant, Query, Result};
use serde::de::DeserializeOwned;
use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt;
use std::marker::PhantomData;

/// A table of rows whose fields are a `T`: a type that serializes to a JSON object.
///
/// An attempt sees what is committed, with its own uncommitted writes on top, in every call. A row that it
/// read and then writes must still be as it was read when the attempt commits: else the attempt ends as a
/// conflict, and is made again at once.
///
/// A row may have up to 256 KiB, and a commit may write 10,000 rows of 8 MiB together: beyond that a call
/// answers [`Code::Quota`](crate::Code::Quota), and a [checkpoint](crate::Context::checkpoint) makes room.
/// Each call may answer [`Code::Denied`](crate::Code::Denied) where the job's grant is for reading or
/// writing only.
pub struct Table<T> {
    name: String,
    pub(crate) host: host::Table,
    // It makes and takes values of the type, and owns none.
    fields: PhantomData<fn(T) -> T>,
}

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct Row<T> {
    /// Names the row within its table: 1 to 255 bytes, no control characters.
    pub id: String,
    /// The commit that wrote it; 0 while it is not committed. Grows, and is never used twice.
    pub version: u64,
    /// When it was inserted. For a row that this attempt wrote, when it did.
    pub created_at: Instant,
    /// When it was last written.
    pub updated_at: Instant,
    /// What the row says.
    pub fields: T,
}

impl<T> Table<T> {
    pub(crate) fn open(name: &str) -> Result<Self> {
        Ok(Self { name: name.to_string(), host: host::open(name)?, fields: PhantomData })
    }

    /// The table's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Merges the members of `changes` into a row, and returns nothing of it: RFC 7396, so that `null`
    /// removes a member. [`Code::NotFound`](crate::Code::NotFound) where there is no such row.
    pub fn update(&self, id: &str, changes: &impl Serialize) -> Result<()> {
        Ok(self.host.update(id, &to_json(changes)?, None)?)
    }

    /// As [`update`](Self::update), where the row still has this version, and else
    /// [`Code::Conflict`](crate::Code::Conflict).
    pub fn update_if(&self, id: &str, version: u64, changes: &impl Serialize) -> Result<()> {
        Ok(self.host.update(id, &to_json(changes)?, Some(version))?)
    }

    /// Deletes a row and says whether there was one.
    pub fn delete(&self, id: &str) -> Result<bool> {
        Ok(self.host.delete(id, None)?)
    }

    /// As [`delete`](Self::delete), where the row still has this version, and else
    /// [`Code::Conflict`](crate::Code::Conflict).
    pub fn delete_if(&self, id: &str, version: u64) -> Result<bool> {
        Ok(self.host.delete(id, Some(version))?)
    }

    /// Begins a query of every row, see [`Query`].
    pub fn query(&self) -> Query<'_, T> {
        Query::new(self)
    }
}

impl<T: Serialize> Table<T> {
    /// Adds a row and returns the id that was made for it.
    pub fn insert(&self, fields: &T) -> Result<String> {
        Ok(self.host.insert(&to_json(fields)?, None)?)
    }

    /// Adds a row under an id of the job's choice. [`Code::Conflict`](crate::Code::Conflict) where it is
    /// there already.
    pub fn insert_with_id(&self, id: &str, fields: &T) -> Result<()> {
        self.host.insert(&to_json(fields)?, Some(id))?;
        Ok(())
    }

    /// Puts a row under an id, in place of what is there.
    pub fn put(&self, id: &str, fields: &T) -> Result<()> {
        Ok(self.host.put(id, &to_json(fields)?)?)
    }
}

impl<T: DeserializeOwned> Table<T> {
    /// One row by its id, none where there is no such row.
    pub fn get(&self, id: &str) -> Result<Option<Row<T>>> {
        self.host.get(id)?.map(|row| self.typed(row)).transpose()
    }

    pub(crate) fn typed(&self, row: host::Row) -> Result<Row<T>> {
        typed(&self.name, row)
    }
}

impl<T: Serialize + DeserializeOwned> Table<T> {
    /// Changes a row: reads it, lets `change` work on its fields, writes what is different then, and gives what
    /// `change` gave. None where there is no such row, and then `change` is not called.
    ///
    /// Two jobs that do this at once do not lose each other's changes, and no loop is needed for it: where somebody else
    /// wrote the row since it was read, the attempt does not commit, and the host makes it again at once, with the row as
    /// it is then (20 times within 10 seconds). `change` is best without effects on the world outside.
    ///
    /// Members that `T` does not know stay as they are. One that `change` sets to null is removed.
    ///
    /// ```no_run
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # struct Stock { count: u32 }
    /// # fn f(stock: sandglass::Table<Stock>) -> Result<(), sandglass::Failure> {
    /// let left = stock.modify("tea", |tea| {
    ///     tea.count = tea.count.saturating_sub(1);
    ///     tea.count
    /// })?;
    /// # Ok(()) }
    /// ```
    pub fn modify<R>(&self, id: &str, change: impl FnOnce(&mut T) -> R) -> Result<Option<R>> {
        let Some(Row { mut fields, .. }) = self.get(id)? else { return Ok(None) };
        let before = to_value(&fields)?;
        let given = change(&mut fields);
        let patch = difference(&before, to_value(&fields)?);
        if patch != Value::Object(Map::new()) {
            self.update(id, &patch)?;
        }
        Ok(Some(given))
    }
}

/// What is to be merged into `before` to make it `after` (RFC 7396).
fn difference(before: &Value, after: Value) -> Value {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            let gone = before.keys().filter(|name| !after.contains_key(*name));
            let mut patch: Map<String, Value> = gone.map(|name| (name.clone(), Value::Null)).collect();
            for (name, value) in after {
                match before.get(&name) {
                    Some(same) if *same == value => {}
                    Some(before) => drop(patch.insert(name, difference(before, value))),
                    None => drop(patch.insert(name, value)),
                }
            }
            Value::Object(patch)
        }
        (_, after) => after,
    }
}

impl<T> fmt::Debug for Table<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("name", &self.name).finish_non_exhaustive()
    }
}

fn typed<T: DeserializeOwned>(table: &str, row: host::Row) -> Result<Row<T>> {
    let fields = serde_json::from_str(&row.fields).map_err(|error| {
        Error::invalid(format!("row `{}` of table `{table}` is not as this job expects it: {error}", row.id))
    })?;
    Ok(Row {
        id: row.id,
        version: row.version,
        created_at: Instant::from_millis(row.created_at),
        updated_at: Instant::from_millis(row.updated_at),
        fields,
    })
}

fn to_value(fields: &impl Serialize) -> Result<Value> {
    serde_json::to_value(fields)
        .map_err(|error| Error::invalid(format!("these fields have no JSON: {error}")))
}

fn to_json(fields: &impl Serialize) -> Result<String> {
    serde_json::to_string(fields)
        .map_err(|error| Error::invalid(format!("these fields have no JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(fields: &str) -> host::Row {
        host::Row { id: "a".into(), version: 7, created_at: 0, updated_at: 1_500, fields: fields.into() }
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Session {
        user: String,
        last_seen: Instant,
    }

    #[test]
    fn a_row_is_read_as_its_type() {
        let row =
            typed::<Session>("sessions", row(r#"{"user":"u","last_seen":"1970-01-01T00:00:01Z","ip":1}"#));
        let expected = Session { user: "u".into(), last_seen: Instant::from_millis(1_000) };
        let row = row.expect("a session");
        assert_eq!(row.fields, expected);
        assert_eq!((row.version, row.updated_at), (7, Instant::from_millis(1_500)));
    }

    #[test]
    fn what_is_different_is_what_is_to_be_merged() {
        use serde_json::json;
        for (before, after, patch) in [
            (json!({"a": 1}), json!({"a": 1}), json!({})),
            (json!({"a": 1, "b": 2}), json!({"a": 3}), json!({"a": 3, "b": null})),
            (json!({}), json!({"a": {"b": 1}}), json!({"a": {"b": 1}})),
            (
                json!({"a": {"b": 1, "c": 2}}),
                json!({"a": {"b": 1, "d": 3}}),
                json!({"a": {"c": null, "d": 3}}),
            ),
            (json!({"a": [1]}), json!({"a": [1, 2]}), json!({"a": [1, 2]})),
            (json!({"a": {"b": 1}}), json!({"a": 5}), json!({"a": 5})),
            (json!({"a": 1}), json!({"a": null}), json!({"a": null})),
        ] {
            assert_eq!(difference(&before, after), patch);
        }
    }

    #[test]
    fn a_row_of_another_shape_is_named() {
        let error = typed::<Session>("sessions", row(r#"{"user":"u"}"#)).expect_err("it lacks a field");
        assert!(
            error
                .message
                .starts_with("row `a` of table `sessions` is not as this job expects it: missing field"),
            "{}",
            error.message
        );
    }
}
