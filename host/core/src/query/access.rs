//! Which way a query takes to its rows: by their ids, or by one of the table's indexes.
//!
//! The index with the longest prefix of fields that the query's conditions hold fast counts: an equality, or a
//! list of values, goes on to the next field, a range ends it. Of two as long the one whose entries lie in the
//! query's order is taken, then the one with fewer fields, then the first. Where no index has a condition, one
//! in the query's order is taken. That is all: nothing is estimated. A filter of several groups has no
//! conditions in this sense, and an id that is given outright needs no index.

use super::interval::Interval;
use super::reach::{self, Reach};
use super::{Condition, Field, Filter, Operator, Order};
use crate::index::{Index, IndexId};
use std::cmp::Reverse;

/// The way to the rows: the intervals that hold every one that matches, and more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Rows in the order of their ids, by intervals of ids.
    Table(Vec<Interval>),
    Index(Ways),
}

/// The way by an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ways {
    pub index: IndexId,
    /// Of the bytes of entries.
    pub intervals: Vec<Interval>,
    pub served: Served,
    /// How many fields of the index have a condition.
    pub fields: usize,
    /// What all entries begin with: the values of fields that are held fast by equality.
    pub(super) fixed: Vec<u8>,
}

/// How the entries of an index lie to a query's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Served {
    /// Otherwise.
    No,
    /// The other way round, but for rows with equal values.
    Backward,
    Forward,
}

/// Keys that lists of values make together at most. Beyond them the fields before count alone.
const POINTS_MAX: usize = 1_000;

/// The way that a query takes, by indexes that are ready.
pub fn choose(filter: &Filter, order: &Order, indexes: &[Index]) -> Access {
    let conditions: &[Condition] = match filter.groups() {
        [group] => group,
        _ => &[],
    };
    let ids = reach::of(conditions.iter(), &Field::Id);
    if let Some(Reach::Points(ids)) = ids {
        return Access::Table(ids.into_iter().map(Interval::key).collect());
    }
    let best = indexes
        .iter()
        .filter(|index| index.is_ready())
        .map(|index| (ways(index, conditions, order), index))
        .filter(|(ways, _)| ways.fields > 0 || (ways.served != Served::No && !order.is_by_id()))
        .enumerate()
        .max_by_key(|(at, (ways, index))| {
            (ways.fields, ways.served != Served::No, Reverse(index.fields().len()), Reverse(*at))
        });
    match (best, ids) {
        (Some((_, (ways, _))), _) => Access::Index(ways),
        (None, Some(Reach::Ranges(ids))) => Access::Table(ids),
        (None, _) => Access::Table(vec![Interval::all()]),
    }
}

fn ways(index: &Index, conditions: &[Condition], order: &Order) -> Ways {
    let mut prefixes: Vec<Vec<u8>> = vec![Vec::new()];
    let mut fixed = 0;
    let mut fields = 0;
    let mut ranges = None;
    for field in index.fields() {
        match reach::of(conditions.iter(), field) {
            Some(Reach::Points(points)) if prefixes.len() * points.len() <= POINTS_MAX => {
                let is_equal = is_equal(conditions, field);
                fixed += usize::from(is_equal && fixed == fields);
                let longer = |prefix: &Vec<u8>| {
                    points.iter().map(|point| [&prefix[..], point].concat()).collect::<Vec<_>>()
                };
                prefixes = prefixes.iter().flat_map(longer).collect();
            }
            Some(Reach::Ranges(found)) => {
                ranges = Some(found);
                fields += 1;
                break;
            }
            _ => break,
        }
        fields += 1;
    }
    let intervals = match &ranges {
        None => prefixes.iter().cloned().map(Interval::prefix).collect(),
        Some(ranges) => {
            prefixes.iter().flat_map(|prefix| ranges.iter().map(|range| range.within(prefix))).collect()
        }
    };
    let fixed_bytes = prefixes.first().map_or_else(Vec::new, |prefix| {
        // Fields that are held fast come first, and have one value each.
        let held = index.fields()[..fixed].iter().filter_map(|field| reach::of(conditions.iter(), field));
        let length = held.map(|reach| if let Reach::Points(points) = reach { points[0].len() } else { 0 });
        prefix[..length.sum()].to_vec()
    });
    Ways {
        index: index.id,
        intervals,
        served: served(&index.fields()[fixed..], order),
        fields,
        fixed: fixed_bytes,
    }
}

/// Whether all rows that match have the same value in the field.
pub(super) fn is_equal(conditions: &[Condition], field: &Field) -> bool {
    conditions.iter().any(|condition| condition.field() == field && condition.operator() == Operator::Eq)
}

/// How entries that differ in these fields alone lie to the order.
fn served(fields: &[Field], order: &Order) -> Served {
    let steps = order.steps();
    if steps.len() != fields.len() || steps.iter().zip(fields).any(|(step, field)| step.field != *field) {
        Served::No
    } else if steps.iter().all(|step| !step.descending) {
        Served::Forward
    } else if steps.iter().all(|step| step.descending) {
        Served::Backward
    } else {
        Served::No
    }
}
