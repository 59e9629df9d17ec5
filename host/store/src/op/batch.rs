//! Writes of rows, in several tables, that are done together or not at all: as the effects of an attempt are.

use crate::op::index::Refused;
use crate::op::{OpError, effect, table};
use crate::store::{Read, Write};
use sandglass_core::effect::{Change, Effects, Expected, RowKey};
use sandglass_core::limit::fixed;
use sandglass_core::row::{Fields, Row, check_fields, fields_bytes, merge_fields};
use sandglass_core::{Instant, Problem};

/// One write of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct One {
    pub key: RowKey,
    pub what: What,
    /// The version that the row must have, none where any will do.
    pub version: Option<u64>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// Adds a row that is not there.
    Insert(Fields),
    /// Puts a row in place of what there is, or is not.
    Put(Fields),
    /// Merges these members into a row that is there (RFC 7396).
    Update(Fields),
    /// Deletes a row that is there.
    Delete,
}

/// Does the writes in their order, each on top of those before it, and gives the version of the rows that they
/// leave. Unique indexes judge what all of them leave together.
///
/// # Errors
/// That of the first write that cannot be done, which names its number.
pub fn commit(write: &mut dyn Write, writes: &[One], now: Instant) -> Result<u64, OpError> {
    let mut effects = Effects::default();
    for (number, one) in writes.iter().enumerate() {
        let done = add(write.as_read(), &mut effects, one, now);
        done.map_err(|error| at(number, error))?;
    }
    match effect::commit(write, &effects, now)? {
        Ok(()) => Ok(write.sequence()),
        Err(effect::Conflict::Index(Refused::TooLong(long))) => {
            Err(OpError::Invalid(vec![Problem::new("/writes", long.to_string())]))
        }
        Err(conflict) => Err(OpError::Conflict(conflict.without_id())),
    }
}

fn add(read: &dyn Read, effects: &mut Effects, one: &One, now: Instant) -> Result<(), OpError> {
    let One { key: RowKey { table, id }, what, version } = one;
    let current = match effects.rows.get(&one.key) {
        Some(change) => change.row(id),
        None => table::get(read, table, id)?,
    };
    table::expect(table, id, current.as_ref(), *version)?;
    let created_at = current.as_ref().map(|row| row.created_at);
    let fields = match (what, current) {
        (What::Insert(_), Some(_)) => {
            return Err(OpError::Conflict(format!("table `{table}` has a row `{id}` already")));
        }
        (What::Insert(fields) | What::Put(fields), _) => Some(fields.clone()),
        (What::Update(_) | What::Delete, None) => {
            return Err(OpError::NotFound(format!("table `{table}` has no row `{id}`")));
        }
        (What::Update(patch), Some(Row { mut fields, .. })) => {
            merge_fields(&mut fields, patch.clone());
            check_fields(&fields, fixed::ROW.0 as usize)
                .map_err(|message| OpError::Invalid(vec![Problem::new("", message)]))?;
            Some(fields)
        }
        (What::Delete, Some(_)) => None,
    };
    let size = fields.as_ref().map_or(0, fields_bytes) as u64;
    let change = Change { fields, expected: Expected::Anything, at: now, created_at, size };
    effects.rows.insert(one.key.clone(), change);
    Ok(())
}

/// The error of the write with this number.
fn at(number: usize, error: OpError) -> OpError {
    let name = |message: String| format!("write {number}: {message}");
    match error {
        OpError::NotFound(message) => OpError::NotFound(name(message)),
        OpError::Conflict(message) => OpError::Conflict(name(message)),
        OpError::Stale(message) => OpError::Stale(name(message)),
        OpError::Invalid(problems) => {
            let under = |problem: Problem| {
                Problem::new(format!("/writes/{number}{}", problem.pointer), problem.message)
            };
            OpError::Invalid(problems.into_iter().map(under).collect())
        }
        error @ (OpError::Denied(_) | OpError::Limit(_) | OpError::Store(_)) => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreError;

    #[test]
    fn errors_name_the_write() {
        let text = || "no".to_string();
        assert_eq!(at(3, OpError::Stale(text())), OpError::Stale("write 3: no".into()));
        let invalid = at(3, OpError::Invalid(vec![Problem::new("/a", text())]));
        assert_eq!(invalid, OpError::Invalid(vec![Problem::new("/writes/3/a", text())]));
        assert_eq!(at(3, OpError::Store(StoreError::Full)), OpError::Store(StoreError::Full));
    }
}
