//! A walk over the rows that a query asks for, a few at a time, along the way that was chosen.

use super::access::{self, Access, Served, Ways};
use super::interval::Interval;
use super::order::SortKey;
use super::{Cursor, Filter, Order, Query};
use crate::index::{Entry, Index, IndexId};
use crate::row::{Row, RowId};
use std::collections::VecDeque;

/// Where rows come from: what is committed, or what an attempt sees of it.
pub trait Source {
    type Error;

    /// Rows whose ids lie in the interval, in the order of ids. It looks at `most` of them, or at fewer where
    /// they are large, and at one at least.
    fn rows(&mut self, ids: &Interval, most: usize) -> Result<Part<Row>, Self::Error>;

    /// Entries of an index that lie in the interval, in their order or against it: `most` of them are looked at.
    fn entries(
        &mut self,
        index: IndexId,
        within: &Interval,
        backwards: bool,
        most: usize,
    ) -> Result<Part<Entry>, Self::Error>;

    /// A row that an entry names.
    fn row(&mut self, id: &RowId) -> Result<Option<Row>, Self::Error>;
}

/// Some of what there is.
#[derive(Debug)]
pub struct Part<T> {
    pub items: Vec<T>,
    /// Where there may be more.
    pub rest: Option<Interval>,
}

/// Entries of an index whose order is not that of ids, which are put into that order before any row is read.
/// Where there are more, the rows are read in the order of ids in the first place.
pub const GATHERED_MAX: usize = 10_000;

/// Rows or entries that one step looks at, at most.
pub const STEP_MAX: usize = 64;

/// What is left of a walk. It holds nothing of the source, so it may go on in a later look.
#[derive(Debug, Clone)]
pub struct Walk {
    left: Left,
    /// Rows up to this id were on earlier pages.
    after: Option<RowId>,
    in_order: bool,
}

#[derive(Debug, Clone)]
enum Left {
    Table(VecDeque<Interval>),
    Forward { index: IndexId, intervals: VecDeque<Interval> },
    Backward { index: IndexId, intervals: Vec<Interval>, equal: Option<Interval> },
    Gather { index: IndexId, intervals: VecDeque<Interval>, ids: Vec<RowId> },
    Rows(VecDeque<RowId>),
}

impl Walk {
    /// For a page of a query.
    pub fn of(query: &Query, indexes: &[Index]) -> Walk {
        let access = access::choose(query.filter(), query.order(), indexes);
        Walk::along(access, query.order(), query.cursor())
    }

    /// For all rows of a filter in the order of their ids, or in any where `in_order` is false.
    pub fn of_all(filter: &Filter, indexes: &[Index], in_order: bool) -> Walk {
        let order = Order::default();
        match access::choose(filter, &order, indexes) {
            Access::Index(ways) if !in_order => {
                let intervals = ways.intervals.into();
                Walk { left: Left::Forward { index: ways.index, intervals }, after: None, in_order }
            }
            access => Walk::along(access, &order, None),
        }
    }

    fn along(access: Access, order: &Order, cursor: Option<&Cursor>) -> Walk {
        let by_id = order.is_by_id();
        let after = cursor.filter(|_| by_id).map(|cursor| cursor.id().clone());
        let (left, in_order) = match access {
            Access::Table(ids) => {
                let ids = ids.into_iter().map(|ids| match &after {
                    Some(id) => ids.after(id.as_str().as_bytes()),
                    None => ids,
                });
                (Left::Table(ids.collect()), by_id)
            }
            Access::Index(ways) if ways.served == Served::Forward => (forward(ways, cursor), true),
            Access::Index(ways) if ways.served == Served::Backward => (backward(ways, cursor), true),
            Access::Index(Ways { index, intervals, .. }) => {
                let intervals = intervals.into();
                let left = if by_id {
                    Left::Gather { index, intervals, ids: Vec::new() }
                } else {
                    Left::Forward { index, intervals }
                };
                (left, by_id)
            }
        };
        Walk { left, after, in_order }
    }

    /// The index by which it goes now, if it does. The walk is of no use any more once that is gone.
    pub fn index(&self) -> Option<IndexId> {
        match &self.left {
            Left::Forward { index, .. } | Left::Backward { index, .. } | Left::Gather { index, .. } => {
                Some(*index)
            }
            Left::Table(_) | Left::Rows(_) => None,
        }
    }

    /// Whether the index by which it goes, if it goes by one, is still among these.
    pub fn holds(&self, indexes: &[Index]) -> bool {
        self.index().is_none_or(|id| indexes.iter().any(|index| index.id == id && index.is_ready()))
    }

    /// Whether rows come in the query's order, so that a page may end before the walk does.
    pub fn is_in_order(&self) -> bool {
        self.in_order
    }

    /// The next rows of the walk, some of which may not match; looks at `most` keys, which is at most
    /// [`STEP_MAX`]. None at the end.
    pub fn step<S: Source>(&mut self, source: &mut S, most: usize) -> Result<Option<Vec<Row>>, S::Error> {
        let most = most.clamp(1, STEP_MAX);
        match &mut self.left {
            Left::Table(intervals) => {
                let Some(interval) = next(intervals) else { return Ok(None) };
                let Part { items, rest } = source.rows(&interval, most)?;
                put_back(intervals, rest);
                Ok(Some(items))
            }
            Left::Forward { index, intervals } => {
                let Some(interval) = next(intervals) else { return Ok(None) };
                let Part { items, rest } = source.entries(*index, &interval, false, most)?;
                put_back(intervals, rest);
                rows(source, items.iter().map(|entry| &entry.id)).map(Some)
            }
            Left::Backward { index, intervals, equal } => {
                if let Some(interval) = equal.take() {
                    let Part { items, rest } = source.entries(*index, &interval, false, most)?;
                    *equal = rest;
                    return rows(source, items.iter().map(|entry| &entry.id)).map(Some);
                }
                let Some(interval) = intervals.pop() else { return Ok(None) };
                let Part { items, rest } = source.entries(*index, &interval, true, 1)?;
                match items.first() {
                    // Of rows with equal values the first one by its id comes first.
                    Some(last) => {
                        let key = last.key.as_bytes().to_vec();
                        intervals.push(interval.before(&key));
                        *equal = Some(Interval::prefix(key));
                    }
                    None => intervals.extend(rest),
                }
                intervals.retain(|interval| !interval.is_empty());
                Ok(Some(Vec::new()))
            }
            Left::Gather { index, intervals, ids } => {
                if let Some(interval) = next(intervals) {
                    let Part { items, rest } = source.entries(*index, &interval, false, most)?;
                    put_back(intervals, rest);
                    let after = self.after.as_ref();
                    ids.extend(items.into_iter().map(|entry| entry.id).filter(|id| Some(id) > after));
                    if ids.len() > GATHERED_MAX {
                        let all = Interval::all();
                        let ids = after.map_or(all.clone(), |id| all.after(id.as_str().as_bytes()));
                        self.left = Left::Table([ids].into());
                    }
                } else {
                    ids.sort_unstable();
                    ids.dedup();
                    self.left = Left::Rows(std::mem::take(ids).into());
                }
                Ok(Some(Vec::new()))
            }
            Left::Rows(ids) => {
                if ids.is_empty() {
                    return Ok(None);
                }
                let some: Vec<RowId> = ids.drain(..most.min(ids.len())).collect();
                rows(source, some.iter()).map(Some)
            }
        }
    }
}

fn rows<'a, S: Source>(source: &mut S, ids: impl Iterator<Item = &'a RowId>) -> Result<Vec<Row>, S::Error> {
    ids.filter_map(|id| source.row(id).transpose()).collect()
}

fn put_back(intervals: &mut VecDeque<Interval>, rest: Option<Interval>) {
    if let Some(rest) = rest {
        intervals.push_front(rest);
    }
}

fn next(intervals: &mut VecDeque<Interval>) -> Option<Interval> {
    std::iter::from_fn(|| intervals.pop_front()).find(|interval| !interval.is_empty())
}

/// Behind the cursor, in the order of entries.
fn forward(ways: Ways, cursor: Option<&Cursor>) -> Left {
    let Ways { index, mut intervals, fixed, .. } = ways;
    if let Some(cursor) = cursor {
        let key = SortKey([&fixed[..], cursor.key().as_bytes()].concat());
        let place = Entry { key, id: cursor.id().clone() }.to_bytes();
        intervals = intervals.into_iter().map(|interval| interval.after(&place)).collect();
    }
    Left::Forward { index, intervals: intervals.into() }
}

/// Behind the cursor, against the order of entries.
fn backward(ways: Ways, cursor: Option<&Cursor>) -> Left {
    let Ways { index, mut intervals, fixed, .. } = ways;
    let mut equal = None;
    if let Some(cursor) = cursor {
        // The key of a step that descends has all of its bytes turned around.
        let key: Vec<u8> = cursor.key().as_bytes().iter().map(|byte| !byte).collect();
        let key = [&fixed[..], &key].concat();
        let place = Entry { key: SortKey(key.clone()), id: cursor.id().clone() }.to_bytes();
        equal = Some(Interval::prefix(key.clone()).after(&place));
        intervals = intervals.into_iter().map(|interval| interval.before(&key)).collect();
    }
    intervals.retain(|interval| !interval.is_empty());
    Left::Backward { index, intervals, equal }
}
