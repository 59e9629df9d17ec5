//! What a request looks at of a table: counted, and not without end.

use crate::problem::Refusal;
use sandglass_core::Name;
use sandglass_core::index::{Entry, Index, IndexId};
use sandglass_core::query::walk::STEP_MAX;
use sandglass_core::query::{Filter, Interval, Part, Source, Walk};
use sandglass_core::row::{Row, RowId};
use sandglass_store::op::{self, source::Committed};
use sandglass_store::{Read, StoreError};
use std::ops::ControlFlow;

/// What was looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Looked {
    /// Entries of an index.
    pub(super) keys: u64,
    /// Rows in the order of ids.
    pub(super) scanned: u64,
    /// Rows that entries named.
    pub(super) fetched: u64,
}

impl Looked {
    /// What counts against the limit.
    pub(super) fn at(self) -> u64 {
        self.keys + self.scanned
    }
}

/// The committed rows of a table, within one look. Ends with an error where more is looked at than may be.
pub(super) struct Counted<'a> {
    committed: Committed<'a>,
    pub(super) looked: Looked,
    most: u64,
}

impl<'a> Counted<'a> {
    pub(super) fn new(read: &'a dyn Read, table: &'a Name, most: u64) -> Counted<'a> {
        Counted { committed: Committed { read, table }, looked: Looked::default(), most }
    }

    fn check(&self) -> Result<(), Refusal> {
        if self.looked.at() > self.most { Err(too_many(self.most)) } else { Ok(()) }
    }
}

impl Source for Counted<'_> {
    type Error = Refusal;

    fn rows(&mut self, ids: &Interval, most: usize) -> Result<Part<Row>, Refusal> {
        let part = self.committed.rows(ids, most)?;
        self.looked.scanned += part.items.len() as u64;
        self.check()?;
        Ok(part)
    }

    fn entries(
        &mut self,
        index: IndexId,
        within: &Interval,
        backwards: bool,
        most: usize,
    ) -> Result<Part<Entry>, Refusal> {
        let part = self.committed.entries(index, within, backwards, most)?;
        self.looked.keys += part.items.len() as u64;
        self.check()?;
        Ok(part)
    }

    fn row(&mut self, id: &RowId) -> Result<Option<Row>, Refusal> {
        self.looked.fetched += 1;
        Ok(self.committed.row(id)?)
    }
}

/// What is told of a request that would look at too much.
pub(super) fn too_many(most: u64) -> Refusal {
    let message = format!(
        "this would look at more than {most} rows, the limit (rows_scanned) of one request: give the table an \
         index on what the conditions name, or export it"
    );
    Refusal::invalid_at("", message)
}

/// A walk over all rows that a filter's conditions leave, in several looks. It begins anew where its index goes
/// away in between.
#[derive(Debug, Default)]
pub(super) struct Passage {
    walk: Option<Walk>,
    pub(super) looked: u64,
}

/// What became of one look of a passage.
pub(super) struct Look {
    /// What earlier looks found does not count any more.
    pub(super) anew: bool,
    pub(super) ended: bool,
}

impl Passage {
    /// Looks at about `most` rows or entries, and shows those rows that match; ends soon after `visit` says that it
    /// has enough.
    pub(super) fn look(
        &mut self,
        read: &dyn Read,
        table: &Name,
        filter: &Filter,
        most: u64,
        mut visit: impl FnMut(Row) -> ControlFlow<()>,
    ) -> Result<Look, StoreError> {
        let indexes: Vec<Index> = op::index::of(read, table)?;
        let anew = self.walk.as_ref().is_some_and(|walk| !walk.holds(&indexes));
        if anew {
            self.walk = None;
        }
        let walk = self.walk.get_or_insert_with(|| Walk::of_all(filter, &indexes, false));
        let mut source = Committed { read, table };
        let (mut looked, mut is_enough) = (0, false);
        while looked < most && !is_enough {
            let Some(step) = walk.step(&mut source, STEP_MAX)? else {
                self.looked += looked;
                return Ok(Look { anew, ended: true });
            };
            looked += step.len().max(1) as u64;
            for row in step.into_iter().filter(|row| filter.matches(row)) {
                is_enough |= visit(row).is_break();
            }
        }
        self.looked += looked;
        Ok(Look { anew, ended: false })
    }
}
