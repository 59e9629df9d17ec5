//! Committing effects: all of them, or none where a row has changed that the writer had read.

use crate::key::{Key, PieceKey, RowPlace};
use crate::record::{Record, Table, encode_row};
use crate::store::{StoreError, Write};
use sandglass_core::Instant;
use sandglass_core::effect::{Change, Effects, Expected, RowKey};
use sandglass_core::row::Row;

/// The row that is not as it was read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("row `{}` of table `{}` was written by somebody else after this attempt read it", .0.id, .0.table)]
pub struct Conflict(pub RowKey);

impl Conflict {
    /// What it says, where the row's id is nobody else's business.
    pub fn without_id(&self) -> String {
        format!("a row of table `{}` was written by somebody else after this attempt read it", self.0.table)
    }
}

/// Judges and writes. On a conflict the script must drop what it wrote, or have written nothing before:
/// rows are judged before the first is written.
pub fn commit(
    write: &mut dyn Write,
    effects: &Effects,
    now: Instant,
) -> Result<Result<(), Conflict>, StoreError> {
    let mut currents = Vec::with_capacity(effects.rows.len());
    for (key, change) in &effects.rows {
        let place = RowPlace { table: key.table.clone(), id: key.id.clone() };
        let current = write.load::<Row>(&place)?;
        let version = current.as_ref().map_or(0, |row| row.version);
        let as_read = match change.expected {
            Expected::Anything => true,
            Expected::Version(expected) => expected == version,
            Expected::Neither => false,
        };
        if !as_read {
            return Ok(Err(Conflict(key.clone())));
        }
        currents.push((place, current));
    }
    let mut table = None;
    for ((key, change), (place, current)) in effects.rows.iter().zip(currents) {
        if table != Some(&key.table) && change.fields.is_some() {
            ensure_table(write, &key.table, now)?;
            table = Some(&key.table);
        }
        write_row(write, &place, current.as_ref(), change, now);
    }
    let sequence = write.sequence();
    for (number, email) in effects.emails.iter().enumerate() {
        write.save(&PieceKey { of: sequence, number: number as u32 }, email);
    }
    Ok(Ok(()))
}

fn write_row(write: &mut dyn Write, place: &RowPlace, current: Option<&Row>, change: &Change, now: Instant) {
    let Some(fields) = &change.fields else {
        if current.is_some() {
            write.remove::<Row>(place);
        }
        return;
    };
    let created_at = current.map_or(change.created_at.unwrap_or(change.at), |row| row.created_at);
    let row = encode_row(&place.id, write.sequence(), created_at, now, fields);
    write.put(Row::SPACE, place.to_bytes(), row);
}

/// A table comes to exist with its first row.
pub(crate) fn ensure_table(
    write: &mut dyn Write,
    name: &sandglass_core::Name,
    now: Instant,
) -> Result<(), StoreError> {
    if write.load::<Table>(name)?.is_none() {
        write.save(name, &Table { created_at: now });
    }
    Ok(())
}
