//! Calls on one row.

use crate::bindings::sandglass::job::table;
use crate::state::{Code, State, Stop};
use rand::Rng as _;
use sandglass_core::effect::RowKey;
use sandglass_core::index::{Entry, Taken};
use sandglass_core::limit::fixed;
use sandglass_core::query::{Interval, Source as _};
use sandglass_core::row::{self, Fields, Row};
use sandglass_core::{Instant, Name};
use sandglass_store::op::source::Committed;
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
            let row = change.row(&key.id);
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
        if let Some((fields, _)) = &fields {
            self.check_unique(&key, fields, created_at.unwrap_or(now), now)?;
        }
        self.workspace.write(key, fields, created_at, now)?;
        self.meter.rows_written += 1;
        Ok(())
    }

    /// Whether the row may have such values, by the table's unique indexes, as the attempt sees it now. The commit
    /// judges it again.
    fn check_unique(
        &mut self,
        key: &RowKey,
        fields: &Fields,
        created_at: Instant,
        now: Instant,
    ) -> Result<(), Stop> {
        let State { context, workspace, meter, .. } = self;
        context.store.read(|read| {
            let indexes = op::index::of(read, &key.table)?;
            let mut unique = indexes.iter().filter(|index| index.declared.unique && index.covers(&key.id));
            let Some(first) = unique.next() else { return Ok(()) };
            let (id, fields) = (key.id.clone(), fields.clone());
            let row = Row { id, version: 0, created_at, updated_at: now, fields };
            for index in std::iter::once(first).chain(unique) {
                let Some(values) = index.unique_key(&row).map_err(|long| invalid(long.to_string()))? else {
                    continue;
                };
                meter.charge_row(0);
                workspace.keep_indexed(&key.table, index);
                let same = Interval::prefix(values.as_bytes().to_vec());
                let mut committed = Committed { read, table: &key.table };
                let committed = committed.entries(index.id, &same, false, usize::MAX)?.items;
                let is_as_committed = |entry: &Entry| {
                    let key = RowKey { table: key.table.clone(), id: entry.id.clone() };
                    workspace.written(&key).is_none()
                };
                let kept = committed.into_iter().filter(is_as_committed);
                let mut others = kept.chain(workspace.indexed_in(index.id, &same));
                if let Some(other) = others.find(|other| other.id != key.id) {
                    let taken = Taken { table: key.table.clone(), index: index.name(), by: other.id };
                    return tell(Code::Conflict, taken.without_id());
                }
            }
            Ok(())
        })
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
