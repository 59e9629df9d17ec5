//! Calls on many rows: a table's committed rows, and entries of its indexes, with the attempt's own writes merged in.

use super::rows::shown;
use crate::bindings::sandglass::job::table;
use crate::meter::Meter;
use crate::state::{Code, State, Stop};
use sandglass_core::Name;
use sandglass_core::effect::{Quota, RowKey, Workspace};
use sandglass_core::index::{Entry, Index, IndexId};
use sandglass_core::limit::fixed;
use sandglass_core::query::order::Step;
use sandglass_core::query::walk::STEP_MAX;
use sandglass_core::query::{Condition, Field, Filter, Interval, Order, Part, Query, Source, Walk, page};
use sandglass_core::row::{Fields, Row, RowId};
use sandglass_store::op::source::Committed;
use sandglass_store::{Read, StoreExt as _, op};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// Steps of a walk that a count or a delete makes before it lets commits go on: no commit happens during a look.
const LOOK_STEPS: usize = 16;

fn invalid(message: String) -> Stop {
    Stop::Tell(Code::Invalid, message)
}

/// Bytes of a filter, as they are charged for.
pub(super) fn filter_bytes(filter: &[Vec<table::Condition>]) -> usize {
    filter.iter().flatten().map(|one| one.field.len() + one.operator.len() + one.value.len()).sum()
}

fn filter(groups: &[Vec<table::Condition>]) -> Result<Filter, Stop> {
    if groups.len() > Filter::GROUPS_MAX || groups.iter().any(|group| group.len() > Filter::CONDITIONS_MAX) {
        return Err(invalid(format!(
            "a filter has at most {} groups of at most {} conditions",
            Filter::GROUPS_MAX,
            Filter::CONDITIONS_MAX
        )));
    }
    let condition = |one: &table::Condition| Condition::parse(&one.field, &one.operator, &one.value);
    let groups =
        groups.iter().map(|group| group.iter().map(condition).collect()).collect::<Result<_, String>>();
    groups.and_then(Filter::new).map_err(invalid)
}

/// About how many bytes an object has as JSON text, found quicker than by writing it.
pub(super) fn weight(fields: &Fields) -> usize {
    fn of(value: &Value) -> usize {
        match value {
            Value::Null | Value::Bool(_) => 5,
            Value::Number(_) => 8,
            Value::String(text) => text.len() + 3,
            Value::Array(items) => items.iter().map(of).sum::<usize>() + 2,
            Value::Object(fields) => weight(fields),
        }
    }
    fields.iter().map(|(name, value)| name.len() + 4 + of(value)).sum::<usize>() + 2
}

/// A row that a delete is about to take.
struct Doomed {
    key: RowKey,
    version: u64,
    created_at: sandglass_core::Instant,
}

/// What a delete has found.
#[derive(Default)]
struct Found {
    doomed: Vec<Doomed>,
    /// Those that the attempt has not written before.
    added: usize,
}

impl State {
    pub(super) fn query_rows(&mut self, table: &Name, query: &table::Query) -> Result<table::Page, Stop> {
        let filter = filter(&query.filter)?;
        let step = |step: &table::Order| Step { field: Field::new(&step.field), descending: step.descending };
        if query.order.len() > Order::STEPS_MAX {
            return Err(invalid(format!("an order has at most {} steps", Order::STEPS_MAX)));
        }
        let order = Order::new(query.order.iter().map(step).collect()).map_err(invalid)?;
        let query =
            Query::new(table, filter, order, query.limit, query.cursor.as_deref()).map_err(invalid)?;
        let State { context, workspace, meter, .. } = self;
        // One look for the whole page, so that it is consistent.
        let page = context.store.read(|read| {
            let indexes = op::index::of(read, table)?;
            let walk = Walk::of(&query, &indexes);
            page(&mut Merged::new(read, table, &walk, &indexes, workspace, meter), &query, walk)
        })?;
        let mut rows = Vec::with_capacity(page.rows.len());
        for row in &page.rows {
            self.see(table, row)?;
            let row = shown(row);
            self.meter.charge_row(row.fields.len());
            rows.push(row);
        }
        Ok(table::Page { rows, next: page.next })
    }

    /// Remembers a row that the guest is shown, unless it is its own.
    fn see(&mut self, table: &Name, row: &Row) -> Result<(), Quota> {
        if row.version == 0 {
            return Ok(());
        }
        self.workspace.saw(&RowKey { table: table.clone(), id: row.id.clone() }, row.version)
    }

    pub(super) fn count_rows(&mut self, table: &Name, groups: &[Vec<table::Condition>]) -> Result<u64, Stop> {
        let filter = filter(groups)?;
        self.look_by_parts(table, &filter, false, |count: &mut u64, row| {
            *count += u64::from(filter.matches(&row));
            ControlFlow::Continue(())
        })
    }

    pub(super) fn delete_rows(
        &mut self,
        table: &Name,
        groups: &[Vec<table::Condition>],
        limit: u32,
    ) -> Result<u64, Stop> {
        let filter = filter(groups)?;
        let most = if limit == 0 { fixed::COMMIT_ROWS } else { limit as usize };
        let (written, _) = self.workspace.counts();
        let found = self.look_by_parts(table, &filter, true, |found: &mut Found, row| {
            if filter.matches(&row) {
                // Rows that the attempt wrote are among the written ones already.
                found.added += usize::from(row.version != 0);
                let key = RowKey { table: table.clone(), id: row.id };
                found.doomed.push(Doomed { key, version: row.version, created_at: row.created_at });
            }
            if found.doomed.len() < most && written + found.added <= fixed::COMMIT_ROWS {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        let Found { doomed, added } = found;
        let is_too_many = written + added > fixed::COMMIT_ROWS;
        // All of them or none: what could fail comes before the first write.
        if is_too_many {
            return Err(Quota::Rows.into());
        }
        for row in &doomed {
            if row.version != 0 {
                self.workspace.saw(&row.key, row.version)?;
            }
        }
        let now = self.now();
        let count = doomed.len() as u64;
        for Doomed { key, created_at, .. } in doomed {
            self.meter.charge_row(0);
            self.workspace.write(key, None, Some(created_at), now)?;
        }
        self.meter.rows_written += count;
        Ok(count)
    }

    /// Shows the rows that a filter's conditions leave, some of which may not match, in looks of [`LOOK_STEPS`], until
    /// `visit` breaks; in the order of their ids, or in any. What is found begins anew where an index goes away
    /// in between.
    fn look_by_parts<T: Default>(
        &mut self,
        table: &Name,
        filter: &Filter,
        in_order: bool,
        mut visit: impl FnMut(&mut T, Row) -> ControlFlow<()>,
    ) -> Result<T, Stop> {
        let State { context, workspace, meter, .. } = self;
        let mut found = T::default();
        let mut walk: Option<Walk> = None;
        loop {
            let ended = context.store.read(|read| {
                let indexes = op::index::of(read, table)?;
                if !walk.as_ref().is_some_and(|walk| walk.holds(&indexes)) {
                    found = T::default();
                    walk = None;
                }
                let walk = walk.get_or_insert_with(|| Walk::of_all(filter, &indexes, in_order));
                let mut rows = Merged::new(read, table, walk, &indexes, workspace, meter);
                for _ in 0..LOOK_STEPS {
                    let Some(step) = walk.step(&mut rows, STEP_MAX)? else { return Ok(true) };
                    for row in step {
                        if visit(&mut found, row).is_break() {
                            return Ok(true);
                        }
                    }
                }
                Ok::<_, Stop>(false)
            })?;
            if ended {
                return Ok(found);
            }
        }
    }
}

/// A table's rows as the attempt sees them. Each row and each entry of an index that it looks at is counted and
/// charged for; the limit of rows scanned ends it.
struct Merged<'a> {
    committed: Committed<'a>,
    workspace: &'a Workspace,
    meter: &'a mut Meter,
}

impl<'a> Merged<'a> {
    /// For a walk by one of these indexes, or by none.
    fn new(
        read: &'a dyn Read,
        table: &'a Name,
        walk: &Walk,
        indexes: &[Index],
        workspace: &'a mut Workspace,
        meter: &'a mut Meter,
    ) -> Merged<'a> {
        if let Some(index) = indexes.iter().find(|index| Some(index.id) == walk.index()) {
            workspace.keep_indexed(table, index);
        }
        Merged { committed: Committed { read, table }, workspace, meter }
    }

    fn key(&self, id: &RowId) -> RowKey {
        RowKey { table: self.committed.table.clone(), id: id.clone() }
    }

    fn scan(&mut self, bytes: usize) -> Result<(), Stop> {
        if !self.meter.scan() {
            let most = self.meter.scanned_max();
            let message = format!("more than {most} rows looked at by this attempt (limit rows_scanned)");
            return Err(Stop::Tell(Code::Quota, message));
        }
        self.meter.charge_row(bytes);
        Ok(())
    }
}

impl Source for Merged<'_> {
    type Error = Stop;

    fn rows(&mut self, ids: &Interval, most: usize) -> Result<Part<Row>, Stop> {
        let Part { items: committed, rest } = self.committed.rows(ids, most)?;
        let read = up_to(ids, rest.as_ref(), false);
        let written = self.workspace.written_in(self.committed.table, &read);
        // What the attempt wrote stands in place of what is committed; none where it deleted it.
        let mut all: BTreeMap<RowId, Option<Row>> =
            committed.into_iter().map(|row| (row.id.clone(), Some(row))).collect();
        // One more than there is room for tells that there are more.
        all.extend(written.take(most + 1).map(|(id, change)| (id.clone(), change.row(id))));
        let is_cut = all.len() > most;
        let mut items = Vec::with_capacity(all.len().min(most));
        let mut last = None;
        for (id, row) in all.into_iter().take(most) {
            self.scan(row.as_ref().map_or(0, |row| weight(&row.fields)))?;
            self.meter.rows_read += 1;
            items.extend(row);
            last = Some(id);
        }
        let after = last.filter(|_| is_cut).map(|id| ids.clone().after(id.as_str().as_bytes()));
        Ok(Part { items, rest: after.or(rest) })
    }

    fn entries(
        &mut self,
        index: IndexId,
        within: &Interval,
        backwards: bool,
        most: usize,
    ) -> Result<Part<Entry>, Stop> {
        let Part { items: committed, rest } = self.committed.entries(index, within, backwards, most)?;
        let read = up_to(within, rest.as_ref(), backwards);
        let written = self.workspace.indexed_in(index, &read);
        // An entry of a row that the attempt wrote is not what the attempt sees, unless it wrote it so.
        let is_as_committed = |entry: &Entry| self.workspace.written(&self.key(&entry.id)).is_none();
        let mut all: BTreeMap<Vec<u8>, Option<Entry>> = committed
            .into_iter()
            .map(|entry| (entry.to_bytes(), Some(entry).filter(is_as_committed)))
            .collect();
        let add = |entry: Entry| (entry.to_bytes(), Some(entry));
        if backwards {
            all.extend(written.rev().take(most + 1).map(add));
        } else {
            all.extend(written.take(most + 1).map(add));
        }
        let is_cut = all.len() > most;
        let mut items = Vec::with_capacity(all.len().min(most));
        let mut last = None;
        let in_turn: Box<dyn Iterator<Item = _>> =
            if backwards { Box::new(all.into_iter().rev()) } else { Box::new(all.into_iter()) };
        for (bytes, entry) in in_turn.take(most) {
            self.scan(0)?;
            items.extend(entry);
            last = Some(bytes);
        }
        let behind = |last: Vec<u8>| {
            let rest = within.clone();
            if backwards { rest.before(&last) } else { rest.after(&last) }
        };
        Ok(Part { items, rest: last.filter(|_| is_cut).map(behind).or(rest) })
    }

    fn row(&mut self, id: &RowId) -> Result<Option<Row>, Stop> {
        let row = match self.workspace.written(&self.key(id)) {
            Some(change) => change.row(id),
            None => self.committed.row(id)?,
        };
        self.meter.rows_read += 1;
        self.meter.charge_row(row.as_ref().map_or(0, |row| weight(&row.fields)));
        Ok(row)
    }
}

/// What of an interval was read, where the rest is still to be read.
fn up_to(interval: &Interval, rest: Option<&Interval>, backwards: bool) -> Interval {
    let mut read = interval.clone();
    match rest {
        None => {}
        Some(rest) if backwards => read.from = rest.to.clone().unwrap_or_default(),
        Some(rest) => read.to = Some(rest.from.clone()),
    }
    read
}
