//! Indexes of tables: declaring them, and what writers of rows do for them.
//!
//! A table's record has its indexes with how far each is built. Whoever writes rows reads it in the same
//! commit and keeps up the entries of rows that are built already ([`upkeep`]); what comes behind them, a loop
//! builds in steps ([`work`]). So nobody waits for an index, and it is right at every moment.

mod upkeep;
mod work;

pub use upkeep::Refused;
pub(crate) use upkeep::Upkeep;
pub use work::{Done, work};

use crate::index::IndexTask;
use crate::key::{KeyRange, RowPlace};
use crate::op::{OpError, effect};
use crate::record::{Meta, Table};
use crate::space::Space;
use crate::store::{Read, StoreError, Write};
use sandglass_core::index::{Declaration, Index, IndexId, State, problems};
use sandglass_core::{Instant, Name};

/// The indexes of a table, none where it does not exist.
pub fn of(read: &dyn Read, table: &Name) -> Result<Vec<Index>, StoreError> {
    Ok(read.load::<Table>(table)?.map_or_else(Vec::new, |table| table.indexes))
}

/// Gives a table these indexes and no others, and makes it exist. Those that it has already stay as they are,
/// but for those that failed, which are built anew.
pub fn declare(
    write: &mut dyn Write,
    name: &Name,
    declared: Vec<Declaration>,
    now: Instant,
) -> Result<(), OpError> {
    let problems = problems(&declared, "/indexes");
    if !problems.is_empty() {
        return Err(OpError::Invalid(problems));
    }
    effect::ensure_table(write, name, now)?;
    let Some(mut table) = write.load::<Table>(name)? else {
        return Err(StoreError::Failed("a table that was made is not there".into()).into());
    };
    let is_empty = write.as_read().count(Space::Row, &KeyRange::prefix(RowPlace::prefix(name)), 1)? == 0;
    let mut meta = write.load::<Meta>(&())?.unwrap_or_default();
    let mut before = std::mem::take(&mut table.indexes);
    for declared in declared {
        let same = |index: &Index| index.declared == declared && !matches!(index.state, State::Failed { .. });
        if let Some(at) = before.iter().position(same) {
            table.indexes.push(before.remove(at));
            continue;
        }
        meta.newest_index += 1;
        let id = IndexId(meta.newest_index);
        let state = if is_empty {
            State::Ready
        } else {
            write.save(&id, &IndexTask::Build { table: name.clone() });
            State::Building { after: None, rows: 0 }
        };
        table.indexes.push(Index { id, declared, state });
    }
    write.save(&(), &meta);
    write.save(name, &table);
    discard(write, before);
    Ok(())
}

/// Leaves the entries of indexes that nothing uses any more to the loop.
pub(crate) fn discard(write: &mut dyn Write, indexes: Vec<Index>) {
    for index in indexes {
        write.save(&index.id, &IndexTask::Drop);
    }
}
