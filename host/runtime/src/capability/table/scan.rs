//! Calls on many rows: a table's committed rows with the attempt's own writes merged in, by id.

use super::rows::{shown, written};
use crate::bindings::sandglass::job::table;
use crate::meter::Meter;
use crate::state::{Code, State, Stop};
use sandglass_core::Name;
use sandglass_core::effect::{Change, Quota, RowKey, Workspace};
use sandglass_core::limit::fixed;
use sandglass_core::query::order::Step;
use sandglass_core::query::{Condition, Field, Filter, Order, Query, collect};
use sandglass_core::row::{Fields, Row, RowId};
use sandglass_store::{Read, StoreExt as _, op};
use serde_json::Value;
use std::iter::Peekable;
use std::ops::ControlFlow;

/// Rows that a count or a delete looks at before it lets commits go on: no commit happens during a look.
const LOOK_ROWS: usize = 1_000;

/// Committed rows that are fetched at once.
const FETCH_ROWS: usize = 64;

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
            let rows = Merged::new(read, table, query.start_after_id(), workspace, meter);
            collect(rows, &query)
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
        let mut count = 0;
        self.look_by_parts(table, |row| {
            count += u64::from(filter.matches(&row));
            ControlFlow::Continue(())
        })?;
        Ok(count)
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
        let mut doomed: Vec<Doomed> = Vec::new();
        let mut added = 0;
        let mut is_too_many = false;
        self.look_by_parts(table, |row| {
            if filter.matches(&row) {
                // Rows that the attempt wrote are among the written ones already.
                added += usize::from(row.version != 0);
                is_too_many = written + added > fixed::COMMIT_ROWS;
                let key = RowKey { table: table.clone(), id: row.id };
                doomed.push(Doomed { key, version: row.version, created_at: row.created_at });
            }
            if doomed.len() < most && !is_too_many {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
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

    /// Shows every row of the table, in looks of [`LOOK_ROWS`], until `visit` breaks.
    fn look_by_parts(
        &mut self,
        table: &Name,
        mut visit: impl FnMut(Row) -> ControlFlow<()>,
    ) -> Result<(), Stop> {
        let State { context, workspace, meter, .. } = self;
        let mut after: Option<RowId> = None;
        loop {
            let flow = context.store.read(|read| {
                let mut last = None;
                let mut seen = 0;
                for row in Merged::new(read, table, after.as_ref(), workspace, meter).take(LOOK_ROWS) {
                    let row = row?;
                    seen += 1;
                    last = Some(row.id.clone());
                    if visit(row).is_break() {
                        return Ok(None);
                    }
                }
                Ok::<_, Stop>(last.filter(|_| seen == LOOK_ROWS))
            })?;
            match flow {
                Some(last) => after = Some(last),
                None => return Ok(()),
            }
        }
    }
}

type Written<'a> = Box<dyn Iterator<Item = (&'a RowId, &'a Change)> + 'a>;

/// A table's rows as the attempt sees them, in the order of their ids. Each one that it looks at is counted
/// and charged for; the limit of rows scanned ends it.
struct Merged<'a> {
    read: &'a dyn Read,
    table: &'a Name,
    meter: &'a mut Meter,
    written: Peekable<Written<'a>>,
    fetched: Peekable<std::vec::IntoIter<Row>>,
    /// After which row the next fetch begins, and whether there is one.
    after: Option<RowId>,
    has_more: bool,
}

enum Next {
    Row(Row),
    /// A committed row that the attempt deleted.
    Deleted,
    End,
}

impl<'a> Merged<'a> {
    fn new(
        read: &'a dyn Read,
        table: &'a Name,
        after: Option<&'a RowId>,
        workspace: &'a Workspace,
        meter: &'a mut Meter,
    ) -> Merged<'a> {
        let written: Written<'a> = Box::new(workspace.written_after(table, after));
        Merged {
            read,
            table,
            meter,
            written: written.peekable(),
            fetched: Vec::new().into_iter().peekable(),
            after: after.cloned(),
            has_more: true,
        }
    }

    fn fetch(&mut self) -> Result<(), Stop> {
        let mut rows = Vec::with_capacity(FETCH_ROWS);
        op::table::rows_after(self.read, self.table, self.after.as_ref(), |row| {
            rows.push(row);
            if rows.len() < FETCH_ROWS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        self.has_more = rows.len() == FETCH_ROWS;
        self.after = rows.last().map(|row| row.id.clone());
        self.fetched = rows.into_iter().peekable();
        Ok(())
    }

    fn step(&mut self) -> Result<Next, Stop> {
        if self.has_more && self.fetched.peek().is_none() {
            self.fetch()?;
        }
        let own = match (self.fetched.peek(), self.written.peek()) {
            (None, None) => return Ok(Next::End),
            (None, Some(_)) => true,
            (Some(_), None) => false,
            (Some(row), Some((id, _))) => **id <= row.id,
        };
        if !self.meter.scan() {
            let most = self.meter.scanned_max();
            let message = format!("more than {most} rows looked at by this attempt (limit rows_scanned)");
            return Err(Stop::Tell(Code::Quota, message));
        }
        let row = if own {
            let Some((id, change)) = self.written.next() else { return Ok(Next::End) };
            // What the attempt wrote stands in place of what is committed.
            self.fetched.next_if(|row| row.id == *id);
            written(id, change)
        } else {
            self.fetched.next()
        };
        self.meter.rows_read += 1;
        self.meter.charge_row(row.as_ref().map_or(0, |row| weight(&row.fields)));
        Ok(row.map_or(Next::Deleted, Next::Row))
    }
}

impl Iterator for Merged<'_> {
    type Item = Result<Row, Stop>;

    fn next(&mut self) -> Option<Result<Row, Stop>> {
        loop {
            match self.step() {
                Ok(Next::Row(row)) => return Some(Ok(row)),
                Ok(Next::Deleted) => {}
                Ok(Next::End) => return None,
                Err(stop) => return Some(Err(stop)),
            }
        }
    }
}
