//! Committing effects: all of them, or none where a row has changed that the writer had read.

use crate::key::{Key, PieceKey, RowPlace};
use crate::op::email;
use crate::op::index::{Refused, Upkeep};
use crate::record::{Record, Table, encode_row, row_head};
use crate::store::{StoreError, Write};
use sandglass_core::effect::{Change, Effects, Expected, RowKey};
use sandglass_core::row::Row;
use sandglass_core::{Instant, Name};

/// Why effects are not committed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// This row is not as it was read.
    #[error("row `{}` of table `{}` was written by somebody else after this attempt read it", .0.id, .0.table)]
    Row(RowKey),
    /// A unique index has the values of a row already, since after the attempt wrote it.
    #[error(transparent)]
    Index(Refused),
}

impl Conflict {
    /// What it says, where the ids of rows are nobody else's business.
    pub fn without_id(&self) -> String {
        match self {
            Conflict::Row(key) => {
                let table = &key.table;
                format!("a row of table `{table}` was written by somebody else after this attempt read it")
            }
            Conflict::Index(Refused::Taken(taken)) => taken.without_id(),
            Conflict::Index(refused) => refused.to_string(),
        }
    }
}

/// Where a row is written, and since when there is one.
struct Place {
    key: Vec<u8>,
    created_at: Option<Instant>,
}

/// Judges and writes. On a conflict the script must drop what it wrote, or have written nothing before:
/// all is judged before the first row is written.
pub fn commit(
    write: &mut dyn Write,
    effects: &Effects,
    now: Instant,
) -> Result<Result<(), Conflict>, StoreError> {
    let mut places = Vec::with_capacity(effects.rows.len());
    let mut tables: Vec<(&Name, bool, Upkeep)> = Vec::new();
    for (key, change) in &effects.rows {
        if tables.last().is_none_or(|(name, ..)| *name != &key.table) {
            let table = write.load::<Table>(&key.table)?;
            let is_there = table.is_some();
            let indexes = table.map_or_else(Vec::new, |table| table.indexes);
            tables.push((&key.table, is_there, Upkeep::new(&key.table, indexes)));
        }
        let upkeep = tables.last_mut().map(|(.., upkeep)| upkeep).filter(|upkeep| upkeep.is_needed());
        match judge(write, key, change, upkeep, now)? {
            Ok(place) => places.push(place),
            Err(conflict) => return Ok(Err(conflict)),
        }
    }
    for (.., upkeep) in &tables {
        if let Err(taken) = upkeep.judge(write.as_read())? {
            return Ok(Err(Conflict::Index(Refused::Taken(taken))));
        }
    }
    for (name, is_there, upkeep) in tables {
        let adds = |(key, change): (&RowKey, &Change)| key.table == *name && change.fields.is_some();
        if !is_there && effects.rows.iter().any(adds) {
            ensure_table(write, name, now)?;
        }
        upkeep.write(write);
    }
    for ((key, change), place) in effects.rows.iter().zip(places) {
        write_row(write, key, place, change, now);
    }
    let sequence = write.sequence();
    for (number, email) in effects.emails.iter().enumerate() {
        email::put(write, PieceKey { of: sequence, number: number as u32 }, email);
    }
    Ok(Ok(()))
}

/// Looks whether a row is as it was read, and tells the table's indexes what becomes of it.
fn judge(
    write: &mut dyn Write,
    key: &RowKey,
    change: &Change,
    upkeep: Option<&mut Upkeep>,
    now: Instant,
) -> Result<Result<Place, Conflict>, StoreError> {
    let place = RowPlace { table: key.table.clone(), id: key.id.clone() }.to_bytes();
    let current = write.get(Row::SPACE, &place)?;
    let head = current.as_deref().map(row_head).transpose()?;
    let version = head.map_or(0, |(version, _)| version);
    let as_read = match change.expected {
        Expected::Anything => true,
        Expected::Version(expected) => expected == version,
        Expected::Neither => false,
    };
    if !as_read {
        return Ok(Err(Conflict::Row(key.clone())));
    }
    let created_at = head.map(|(_, created_at)| created_at);
    if let Some(upkeep) = upkeep {
        let before = current.as_deref().map(Row::decode).transpose()?;
        let after = change.row(&key.id).map(|row| Row {
            version: write.sequence(),
            created_at: created_at.unwrap_or(row.created_at),
            updated_at: now,
            ..row
        });
        if let Err(long) = upkeep.row(&key.id, before.as_ref(), after.as_ref()) {
            return Ok(Err(Conflict::Index(long.into())));
        }
    }
    Ok(Ok(Place { key: place, created_at }))
}

fn write_row(write: &mut dyn Write, key: &RowKey, place: Place, change: &Change, now: Instant) {
    let Some(fields) = &change.fields else {
        if place.created_at.is_some() {
            write.delete(Row::SPACE, place.key);
        }
        return;
    };
    let created_at = place.created_at.or(change.created_at).unwrap_or(change.at);
    let row = encode_row(&key.id, write.sequence(), created_at, now, fields);
    write.put(Row::SPACE, place.key, row);
}

/// A table comes to exist with its first row.
pub(crate) fn ensure_table(write: &mut dyn Write, name: &Name, now: Instant) -> Result<(), StoreError> {
    if write.load::<Table>(name)?.is_none() {
        write.save(name, &Table { created_at: now, indexes: Vec::new() });
    }
    Ok(())
}
