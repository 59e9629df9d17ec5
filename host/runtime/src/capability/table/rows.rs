//! Calls on one row.

use crate::bindings::sandglass::job::table;
use crate::state::{Code, State, Stop};
use rand::Rng as _;
use sandglass_core::effect::{Change, RowKey};
use sandglass_core::limit::fixed;
use sandglass_core::row::{self, Fields, Row, RowId};
use sandglass_core::{Instant, Name};
use sandglass_store::{StoreExt as _, op};
use uuid::Builder;

/// A row as the attempt sees it at this moment.
enum Current {
    /// As the attempt wrote it.
    Own(Row),
    /// As it is committed.
    Committed(Row),
    Absent,
}

impl Current {
    fn row(self) -> Option<Row> {
        match self {
            Current::Own(row) | Current::Committed(row) => Some(row),
            Current::Absent => None,
        }
    }
}

fn tell<T>(code: Code, message: String) -> Result<T, Stop> {
    Err(Stop::Tell(code, message))
}

fn invalid(message: String) -> Stop {
    Stop::Tell(Code::Invalid, message)
}

fn key(table: &Name, id: &str) -> Result<RowKey, Stop> {
    Ok(RowKey { table: table.clone(), id: id.parse().map_err(invalid)? })
}

fn fields(text: &str) -> Result<Fields, Stop> {
    row::parse_fields(text, fixed::ROW.0 as usize).map_err(invalid)
}

/// The row that a change leaves, none where it deletes.
pub(super) fn written(id: &RowId, change: &Change) -> Option<Row> {
    change.fields.as_ref().map(|fields| Row {
        id: id.clone(),
        version: 0,
        created_at: change.created_at.unwrap_or(change.at),
        updated_at: change.at,
        fields: fields.clone(),
    })
}

/// The row as the guest is shown it.
pub(super) fn shown(row: &Row) -> table::Row {
    table::Row {
        id: row.id.as_str().into(),
        version: row.version,
        created_at: row.created_at.millis(),
        updated_at: row.updated_at.millis(),
        // An object of JSON values with text for keys: there is nothing that JSON cannot write.
        fields: serde_json::to_string(&row.fields).unwrap_or_default(),
    }
}

impl State {
    /// Looks a row up, and remembers what was seen of it.
    fn look_up(&mut self, key: &RowKey) -> Result<Current, Stop> {
        self.meter.rows_read += 1;
        if let Some(change) = self.workspace.written(key) {
            let row = written(&key.id, change);
            self.meter.charge_row(change.size as usize);
            return Ok(row.map_or(Current::Absent, Current::Own));
        }
        let row = self.context.store.read(|read| op::table::get(read, &key.table, &key.id))?;
        self.meter.charge_row(row.as_ref().map_or(0, |row| super::scan::weight(&row.fields)));
        self.workspace.saw(key, row.as_ref().map_or(0, |row| row.version))?;
        Ok(row.map_or(Current::Absent, Current::Committed))
    }

    fn write_row(
        &mut self,
        key: RowKey,
        fields: Option<(Fields, u64)>,
        created_at: Option<Instant>,
    ) -> Result<(), Stop> {
        let now = self.now();
        self.meter.charge_row(fields.as_ref().map_or(0, |(_, size)| *size as usize));
        self.workspace.write(key, fields, created_at, now)?;
        self.meter.rows_written += 1;
        Ok(())
    }

    pub(super) fn get_row(&mut self, table: &Name, id: &str) -> Result<Option<table::Row>, Stop> {
        let key = key(table, id)?;
        Ok(self.look_up(&key)?.row().as_ref().map(shown))
    }

    pub(super) fn insert_row(&mut self, table: &Name, text: &str, id: Option<&str>) -> Result<String, Stop> {
        let key = match id {
            Some(id) => key(table, id)?,
            None => key(table, &self.new_id())?,
        };
        let fields = fields(text)?;
        // Nobody else can have made the id that was made here.
        if id.is_some() && !matches!(self.look_up(&key)?, Current::Absent) {
            return tell(Code::Conflict, format!("table `{table}` has a row `{}` already", key.id));
        }
        let id = key.id.as_str().to_string();
        self.write_row(key, Some((fields, text.len() as u64)), None)?;
        Ok(id)
    }

    /// A `UUIDv7` (RFC 9562): rows that were inserted later sort later.
    fn new_id(&mut self) -> String {
        let millis = self.now().millis().max(0) as u64;
        let mut random = [0; 10];
        self.random().fill_bytes(&mut random);
        Builder::from_unix_timestamp_millis(millis, &random).into_uuid().hyphenated().to_string()
    }

    pub(super) fn put_row(&mut self, table: &Name, id: &str, text: &str) -> Result<(), Stop> {
        let key = key(table, id)?;
        let fields = fields(text)?;
        self.write_row(key, Some((fields, text.len() as u64)), None)
    }

    pub(super) fn update_row(
        &mut self,
        table: &Name,
        id: &str,
        text: &str,
        if_version: Option<u64>,
    ) -> Result<(), Stop> {
        let key = key(table, id)?;
        let patch = fields(text)?;
        let Some(mut row) = self.look_up(&key)?.row() else {
            return tell(Code::NotFound, format!("table `{table}` has no row `{}`", key.id));
        };
        expect(&key, Some(&row), if_version)?;
        row::merge_fields(&mut row.fields, patch);
        row::check_fields(&row.fields, fixed::ROW.0 as usize).map_err(invalid)?;
        let size = row::fields_bytes(&row.fields) as u64;
        self.write_row(key, Some((row.fields, size)), Some(row.created_at))
    }

    pub(super) fn delete_row(
        &mut self,
        table: &Name,
        id: &str,
        if_version: Option<u64>,
    ) -> Result<bool, Stop> {
        let key = key(table, id)?;
        let row = self.look_up(&key)?.row();
        expect(&key, row.as_ref(), if_version)?;
        let Some(row) = row else { return Ok(false) };
        self.write_row(key, None, Some(row.created_at))?;
        Ok(true)
    }
}

/// Whether the row has the version that the guest expects. One that the attempt wrote has version 0.
fn expect(key: &RowKey, row: Option<&Row>, version: Option<u64>) -> Result<(), Stop> {
    let Some(version) = version else { return Ok(()) };
    let is = match row {
        Some(row) if row.version == version => return Ok(()),
        Some(row) => format!("is at version {}", row.version),
        None => "is not there".into(),
    };
    tell(
        Code::Conflict,
        format!("row `{}` of table `{}` {is}, not at {version}: read it again", key.id, key.table),
    )
}
