//! Building indexes and dropping their entries: in steps, each a commit of its own, so that writers of rows
//! come in between, and a crash costs no more than a step.

use crate::KeyRange;
use crate::index::{IndexEntry, IndexPlace, IndexTask};
use crate::op::index::Upkeep;
use crate::op::index::discard;
use crate::op::table;
use crate::record::{Record, Table};
use crate::store::{StoreError, Write};
use sandglass_core::Name;
use sandglass_core::index::{IndexId, State};
use sandglass_core::query::Interval;
use std::ops::ControlFlow;

/// What a step did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// There is nothing to do for any index.
    Nothing,
    Step,
    /// The index of this name is built.
    Built(Name, String),
    /// It cannot be, for this reason.
    Failed(Name, String, String),
}

/// Rows that one step gives entries, or entries that it drops; and the bytes of those rows.
const AT_ONCE: usize = 500;
const BYTES_AT_ONCE: usize = 1 << 20;
/// Tasks among which the next one is chosen: those that build come first.
const TASKS: usize = 100;

/// Does one step of what is to be done.
pub fn work(write: &mut dyn Write) -> Result<Done, StoreError> {
    let mut tasks = write.as_read().list::<IndexTask>(&KeyRange::all(), false, TASKS)?;
    tasks.sort_by_key(|(id, task)| (*task == IndexTask::Drop, *id));
    match tasks.into_iter().next() {
        None => Ok(Done::Nothing),
        Some((id, IndexTask::Build { table })) => build(write, id, &table),
        Some((id, IndexTask::Drop)) => drop_entries(write, id),
    }
}

fn drop_entries(write: &mut dyn Write, id: IndexId) -> Result<Done, StoreError> {
    let mut keys = Vec::new();
    let range = IndexPlace::range(id, &Interval::all());
    write.scan(IndexEntry::SPACE, &range, false, &mut |key, _| {
        keys.push(key.to_vec());
        if keys.len() < AT_ONCE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    if keys.len() < AT_ONCE {
        write.remove::<IndexTask>(&id);
    }
    for key in keys {
        write.delete(IndexEntry::SPACE, key);
    }
    Ok(Done::Step)
}

fn build(write: &mut dyn Write, id: IndexId, name: &Name) -> Result<Done, StoreError> {
    let mut table = write.load::<Table>(name)?;
    let index = table.as_mut().and_then(|table| table.indexes.iter_mut().find(|index| index.id == id));
    let Some(index) = index else {
        // It is not the table's any more: what there is of it goes.
        write.save(&id, &IndexTask::Drop);
        return Ok(Done::Step);
    };
    let State::Building { after, rows: before } = index.state.clone() else {
        write.remove::<IndexTask>(&id);
        return Ok(Done::Step);
    };
    let (mut rows, mut bytes) = (Vec::new(), 0);
    table::rows_after(write.as_read(), name, after.as_ref(), |row| {
        bytes += row.bytes();
        rows.push(row);
        let is_enough = rows.len() == AT_ONCE || bytes >= BYTES_AT_ONCE;
        if is_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    let Some(last) = rows.last() else {
        index.state = State::Ready;
        let built = Done::Built(name.clone(), index.name());
        write.remove::<IndexTask>(&id);
        save(write, name, table);
        return Ok(built);
    };
    index.state = State::Building { after: Some(last.id.clone()), rows: before + rows.len() as u64 };
    let mut upkeep = Upkeep::new(name, vec![index.clone()]);
    let mut refused = None;
    for row in &rows {
        if let Err(long) = upkeep.row(&row.id, None, Some(row)) {
            refused = Some(format!("row `{}`: {long}", row.id));
        }
    }
    if let Err(taken) = upkeep.judge(write.as_read())? {
        refused = Some(format!("two rows have the same values, one of them `{}`", taken.by));
    }
    if let Some(reason) = refused {
        index.state = State::Failed { reason: reason.clone() };
        let failed = Done::Failed(name.clone(), index.name(), reason);
        let gone = vec![index.clone()];
        // In place of the task that builds it.
        discard(write, gone);
        save(write, name, table);
        return Ok(failed);
    }
    upkeep.write(write);
    save(write, name, table);
    Ok(Done::Step)
}

fn save(write: &mut dyn Write, name: &Name, table: Option<Table>) {
    if let Some(table) = table {
        write.save(name, &table);
    }
}
