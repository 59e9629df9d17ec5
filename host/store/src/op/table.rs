//! Rows of tables, as they are committed and as the API writes them.

use crate::key::{Key, KeyRange, RowPlace};
use crate::op::index::{self, Upkeep};
use crate::op::{OpError, effect};
use crate::record::{Record, Table, row_head};
use crate::space::Space;
use crate::store::{Read, StoreError, Write};
use sandglass_core::index::TooLong;
use sandglass_core::row::{Row, RowId};
use sandglass_core::{Instant, Name, Problem};
use serde_json::{Map, Value};
use std::ops::{Bound, ControlFlow};

pub fn get(read: &dyn Read, table: &Name, id: &RowId) -> Result<Option<Row>, StoreError> {
    read.load(&RowPlace { table: table.clone(), id: id.clone() })
}

/// Shows the rows of a table in the order of their ids, those after `after`, until `visit` breaks.
pub fn rows_after(
    read: &dyn Read,
    table: &Name,
    after: Option<&RowId>,
    mut visit: impl FnMut(Row) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let prefix = RowPlace::prefix(table);
    let range = match after {
        Some(id) => {
            KeyRange::prefix_after(prefix, RowPlace { table: table.clone(), id: id.clone() }.to_bytes())
        }
        None => KeyRange::prefix(prefix),
    };
    read.each::<Row>(&range, false, |_, row| visit(row))
}

/// Tables after `after`, in the order of their names.
pub fn list(read: &dyn Read, after: Option<&Name>, limit: usize) -> Result<Vec<(Name, Table)>, StoreError> {
    let from = after.map_or(Bound::Unbounded, |name| Bound::Excluded(name.to_bytes()));
    read.list::<Table>(&KeyRange { from, to: Bound::Unbounded }, false, limit)
}

pub fn find(read: &dyn Read, table: &Name) -> Result<Table, OpError> {
    read.load(table)?.ok_or_else(|| OpError::NotFound(format!("there is no table `{table}`")))
}

/// Makes a table exist, and says whether it did not.
pub fn create(write: &mut dyn Write, table: &Name, now: Instant) -> Result<bool, StoreError> {
    let there = write.load::<Table>(table)?.is_some();
    effect::ensure_table(write, table, now)?;
    Ok(!there)
}

/// What to do with a row that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    Refuse,
    Replace,
}

/// Writes rows, all of them or none, and gives them as they are then.
pub fn put(
    write: &mut dyn Write,
    table: &Name,
    rows: Vec<(RowId, Map<String, Value>)>,
    existing: Existing,
    now: Instant,
) -> Result<Vec<Row>, OpError> {
    effect::ensure_table(write, table, now)?;
    let version = write.sequence();
    let mut upkeep = Upkeep::new(table, index::of(write.as_read(), table)?);
    let mut written = Vec::with_capacity(rows.len());
    for (id, fields) in rows {
        let place = RowPlace { table: table.clone(), id };
        let key = place.to_bytes();
        let current = write.get(Row::SPACE, &key)?;
        if current.is_some() && existing == Existing::Refuse {
            return Err(OpError::Conflict(format!("table `{table}` has a row `{}` already", place.id)));
        }
        let head = current.as_deref().map(row_head).transpose()?;
        let created_at = head.map_or(now, |(_, created_at)| created_at);
        let row = Row { id: place.id, version, created_at, updated_at: now, fields };
        if upkeep.is_needed() {
            let before = current.as_deref().map(Row::decode).transpose()?;
            upkeep.row(&row.id, before.as_ref(), Some(&row)).map_err(|long| too_long(&row.id, &long))?;
        }
        write.put(Row::SPACE, key, row.encode());
        written.push(row);
    }
    finish(write, upkeep)?;
    Ok(written)
}

/// Judges what was changed in indexes, and writes it. Whoever may only write is not told of other rows.
fn finish(write: &mut dyn Write, upkeep: Upkeep) -> Result<(), OpError> {
    upkeep.judge(write.as_read())?.map_err(|taken| OpError::Conflict(taken.without_id()))?;
    upkeep.write(write);
    Ok(())
}

fn too_long(id: &RowId, long: &TooLong) -> OpError {
    OpError::Invalid(vec![Problem::new("", format!("row `{id}`: {long}"))])
}

/// What the caller expects of the row, by its version.
pub(crate) fn expect(
    table: &Name,
    id: &RowId,
    current: Option<&Row>,
    version: Option<u64>,
) -> Result<(), OpError> {
    match (version, current) {
        (None, _) => Ok(()),
        (Some(version), Some(row)) if row.version == version => Ok(()),
        (Some(version), row) => {
            let is = row.map_or("is not there".into(), |row| format!("is at version {}", row.version));
            Err(OpError::Stale(format!(
                "row `{id}` of table `{table}` {is}, not at {version}: read it again"
            )))
        }
    }
}

/// Puts `fields` in place of a row's.
pub fn replace(
    write: &mut dyn Write,
    table: &Name,
    id: RowId,
    fields: Map<String, Value>,
    version: Option<u64>,
    now: Instant,
) -> Result<Row, OpError> {
    let current = get(write.as_read(), table, &id)?;
    expect(table, &id, current.as_ref(), version)?;
    let rows = put(write, table, vec![(id, fields)], Existing::Replace, now)?;
    rows.into_iter().next().ok_or_else(|| StoreError::Failed("no row was written".into()).into())
}

/// Changes a row by `change`, which gets its fields and says what is wrong with what it made of them.
pub fn update(
    write: &mut dyn Write,
    table: &Name,
    id: RowId,
    version: Option<u64>,
    now: Instant,
    change: impl FnOnce(Map<String, Value>) -> Result<Map<String, Value>, OpError>,
) -> Result<Row, OpError> {
    let current = get(write.as_read(), table, &id)?;
    let Some(row) = current else {
        return Err(OpError::NotFound(format!("table `{table}` has no row `{id}`")));
    };
    expect(table, &id, Some(&row), version)?;
    let fields = change(row.fields)?;
    replace(write, table, id, fields, None, now)
}

/// Whether there was such a row.
pub fn delete(
    write: &mut dyn Write,
    table: &Name,
    id: &RowId,
    version: Option<u64>,
) -> Result<bool, OpError> {
    let current = get(write.as_read(), table, id)?;
    expect(table, id, current.as_ref(), version)?;
    match current {
        Some(row) => remove(write, table, &[row])?,
        None => return Ok(false),
    }
    Ok(true)
}

/// Deletes rows as they were just read.
pub fn remove(write: &mut dyn Write, table: &Name, rows: &[Row]) -> Result<(), OpError> {
    let mut upkeep = Upkeep::new(table, index::of(write.as_read(), table)?);
    for row in rows {
        upkeep.row(&row.id, Some(row), None).map_err(|long| too_long(&row.id, &long))?;
        write.remove::<Row>(&RowPlace { table: table.clone(), id: row.id.clone() });
    }
    upkeep.write(write);
    Ok(())
}

/// Deletes a table with at most `limit` of its rows, and says whether it is gone: if not, rows are left. Its
/// indexes are gone at once.
pub fn drop(write: &mut dyn Write, table: &Name, limit: usize) -> Result<bool, OpError> {
    let mut record = find(write.as_read(), table)?;
    if !record.indexes.is_empty() {
        index::discard(write, std::mem::take(&mut record.indexes));
        write.save(table, &record);
    }
    let mut keys = Vec::new();
    write.scan(Space::Row, &KeyRange::prefix(RowPlace::prefix(table)), false, &mut |key, _| {
        keys.push(key.to_vec());
        if keys.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    let gone = keys.len() < limit;
    for key in keys {
        write.delete(Space::Row, key);
    }
    if gone {
        write.remove::<Table>(table);
    }
    Ok(gone)
}
