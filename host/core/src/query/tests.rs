//! Paging: pages one after the other are the sorted rows. And what the tests of this folder draw from.

use super::*;
use crate::index::{Declaration, Entry, Index, IndexId, State};
use crate::row::{Fields, Row, RowId};
use crate::time::Instant;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::cmp::Ordering;
use std::collections::BTreeMap;

pub(crate) fn row(id: &str, version: u64, fields: Value) -> Row {
    let Value::Object(fields) = fields else { panic!("fields are an object") };
    let at = Instant::from_millis(version as i64);
    Row { id: id.parse().unwrap(), version, created_at: at, updated_at: at, fields }
}

fn leaf() -> impl Strategy<Value = Value> {
    let texts = vec![
        "",
        "a",
        "a\0",
        "a\0b",
        "ab",
        "ä",
        "2026-01-01",
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00.0Z",
        "2026-01-01T01:00:00+01:00",
        "2025-12-31T23:30:00Z",
        "2026-01-01T00:00:00.000000001Z",
        "0000-01-01T00:00:00Z",
    ];
    let numbers = vec![
        json!(0),
        json!(-0.0),
        json!(1),
        json!(1.0),
        json!(-1),
        json!(0.5),
        json!(1_u64 << 53),
        json!((1_u64 << 53) + 1),
        json!(i64::MIN),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(9_223_372_036_854_775_808.0),
        json!(u64::MAX as f64),
        json!(f64::MAX),
        json!(f64::MIN_POSITIVE),
    ];
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        prop::sample::select(numbers),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
        prop::sample::select(texts).prop_map(Value::from),
        "[a-b\\x00é]{0,4}".prop_map(Value::from),
    ]
}

/// Values of which many are nearly equal.
pub(crate) fn json() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            prop::collection::btree_map("[ab\\x00]{0,2}", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Objects with members from `a` to `c`.
pub(crate) fn object() -> impl Strategy<Value = Fields> {
    prop::collection::btree_map("[a-c]", json(), 0..4).prop_map(|members| members.into_iter().collect())
}

/// Rows with ids in ascending order, and few enough different values that many are equal.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    let small = prop_oneof![3 => (0..3_i64).prop_map(Value::from), 1 => leaf(), 1 => json()];
    let fields = prop::collection::btree_map("[a-c]", small, 0..4);
    prop::collection::btree_map("[a-z]{1,3}", (0..4_u64, fields), 0..40).prop_map(|rows| {
        let row = |(id, (version, fields)): (String, (u64, _))| row(&id, version, json!(fields));
        rows.into_iter().map(row).collect()
    })
}

fn order() -> impl Strategy<Value = Order> {
    let fields = vec!["a", "b", "c", "id", "version", "created-at"];
    let step = (prop::sample::select(fields), any::<bool>())
        .prop_map(|(field, descending)| Step { field: Field::new(field), descending });
    prop::collection::vec(step, 0..4).prop_map(|steps| Order::new(steps).unwrap())
}

fn indexes() -> impl Strategy<Value = Vec<Index>> {
    let fields = prop::sample::subsequence(vec!["a", "b", "c", "version"], 1..4).prop_shuffle();
    prop::collection::vec(fields, 0..3).prop_map(|all| {
        let index = |(number, fields): (usize, Vec<&str>)| Index {
            id: IndexId(number as u32),
            declared: Declaration {
                fields: fields.iter().map(|name| Field::new(name)).collect(),
                unique: false,
            },
            state: State::Ready,
        };
        all.into_iter().enumerate().map(index).collect()
    })
}

fn filter() -> impl Strategy<Value = Filter> {
    let operators = vec![Operator::Eq, Operator::Eq, Operator::Ne, Operator::Lt, Operator::Ge, Operator::In];
    let condition =
        ("[a-c]", prop::sample::select(operators), 0..3_i64).prop_map(|(field, operator, value)| {
            let value = if operator == Operator::In { json!([value, 1]) } else { json!(value) };
            Condition::new(Field::new(&field), operator, value).unwrap()
        });
    let id = (prop::sample::select(Operator::ALL.to_vec()), "[a-d]{0,2}")
        .prop_filter_map("fits", |(operator, id)| Condition::new(Field::Id, operator, json!(id)).ok());
    let condition = prop_oneof![5 => condition, 1 => id];
    let groups = prop::collection::vec(prop::collection::vec(condition, 0..4), 0..3);
    groups.prop_map(|groups| Filter::new(groups).unwrap())
}

fn table() -> Name {
    "t".parse().unwrap()
}

/// What a table holds, with some of it out of reach.
pub(crate) struct Given<'a> {
    rows: &'a [Row],
    index: Vec<(IndexId, BTreeMap<Vec<u8>, RowId>)>,
    /// Rows from this one on are on fire.
    broken_from: usize,
    /// Rows and entries that were looked at.
    pub(crate) looked_at: usize,
}

impl<'a> Given<'a> {
    pub(crate) fn new(rows: &'a [Row], indexes: &[Index]) -> Given<'a> {
        let entries = |index: &Index| {
            rows.iter().map(|row| (index.entry(row).to_bytes(), row.id.clone())).collect::<BTreeMap<_, _>>()
        };
        let index = indexes.iter().map(|index| (index.id, entries(index))).collect();
        Given { rows, index, broken_from: usize::MAX, looked_at: 0 }
    }
}

impl Source for Given<'_> {
    type Error = &'static str;

    fn rows(&mut self, ids: &Interval, most: usize) -> Result<Part<Row>, &'static str> {
        let mut items = Vec::new();
        for (at, row) in self.rows.iter().enumerate() {
            if !ids.contains(row.id.as_str().as_bytes()) {
                continue;
            }
            if at >= self.broken_from {
                return Err("the disk is on fire");
            }
            self.looked_at += 1;
            items.push(row.clone());
            if items.len() == most {
                return Ok(Part { items, rest: Some(ids.clone().after(row.id.as_str().as_bytes())) });
            }
        }
        Ok(Part { items, rest: None })
    }

    fn entries(
        &mut self,
        index: IndexId,
        within: &Interval,
        backwards: bool,
        most: usize,
    ) -> Result<Part<Entry>, &'static str> {
        let (_, entries) = self.index.iter().find(|(id, _)| *id == index).expect("the index");
        let mut keys: Vec<_> = entries.keys().filter(|key| within.contains(key)).collect();
        if backwards {
            keys.reverse();
        }
        let more = keys.len() > most;
        keys.truncate(most);
        self.looked_at += keys.len();
        let rest = keys.last().filter(|_| more).map(|last| {
            let rest = within.clone();
            if backwards { rest.before(last) } else { rest.after(last) }
        });
        Ok(Part { items: keys.into_iter().map(|key| Entry::from_bytes(key).unwrap()).collect(), rest })
    }

    fn row(&mut self, id: &RowId) -> Result<Option<Row>, &'static str> {
        Ok(self.rows.iter().find(|row| row.id == *id).cloned())
    }
}

/// A page of a table without indexes.
pub(crate) fn collect(rows: &[Row], query: &Query) -> Result<Page, &'static str> {
    page(&mut Given::new(rows, &[]), query, Walk::of(query, &[]))
}

/// All pages of a query.
fn pages(rows: &[Row], filter: &Filter, order: &Order, limit: u32, indexes: &[Index]) -> Vec<Page> {
    let mut pages: Vec<Page> = Vec::new();
    loop {
        let cursor = pages.last().map(|page| page.next.clone().unwrap());
        let query = Query::new(&table(), filter.clone(), order.clone(), limit, cursor.as_deref()).unwrap();
        pages.push(page(&mut Given::new(rows, indexes), &query, Walk::of(&query, indexes)).unwrap());
        let page = &pages[pages.len() - 1];
        assert!(page.rows.len() <= limit as usize);
        if page.next.is_none() {
            return pages;
        }
        assert!(!page.rows.is_empty(), "a page that goes on has rows");
    }
}

proptest! {
    #[test]
    fn pages_one_after_the_other_are_the_sorted_rows(
        rows in rows(), filter in filter(), order in order(), limit in 1..9_u32, indexes in indexes(),
    ) {
        let pages = pages(&rows, &filter, &order, limit, &indexes);
        let paged: Vec<Row> = pages.iter().flat_map(|page| page.rows.clone()).collect();
        let mut expected: Vec<Row> = rows.into_iter().filter(|row| filter.matches(row)).collect();
        expected.sort_by(|left, right| order.compare(left, right));
        prop_assert_eq!(paged, expected);
    }

    #[test]
    fn an_order_ranks_rows_as_values_rank(rows in rows(), descending: bool) {
        let order = Order::new(vec![Step { field: Field::new("a"), descending }]).unwrap();
        let rank = |left: &Row, right: &Row| match (left.fields.get("a"), right.fields.get("a")) {
            (Some(left), Some(right)) => value::compare(left, right),
            (left, right) => left.is_some().cmp(&right.is_some()),
        };
        for pair in rows.windows(2) {
            let expected = rank(&pair[0], &pair[1]);
            let expected = if descending { expected.reverse() } else { expected };
            prop_assert_eq!(order.compare(&pair[0], &pair[1]), expected.then(Ordering::Less));
        }
    }

    #[test]
    fn rows_that_stay_are_seen_once_while_others_come_and_go(
        rows in rows(), stay in prop::collection::vec(any::<bool>(), 40), order in order(), limit in 1..5_u32,
    ) {
        // Before the first page one half of the passing rows is there, afterwards the other half.
        let is_there = |at: usize, later: bool| stay[at] || at.is_multiple_of(2) == later;
        let at_time = |later: bool| -> Vec<Row> {
            let those = rows.iter().enumerate().filter(|(at, _)| is_there(*at, later));
            those.map(|(_, row)| row.clone()).collect()
        };
        let query = |cursor: Option<&str>| Query::new(&table(), Filter::default(), order.clone(), limit, cursor);
        let mut page = collect(&at_time(false), &query(None).unwrap()).unwrap();
        let mut seen: Vec<Row> = page.rows;
        while let Some(next) = page.next {
            page = collect(&at_time(true), &query(Some(&next)).unwrap()).unwrap();
            seen.extend(page.rows);
        }
        for (at, row) in rows.iter().enumerate() {
            let times = seen.iter().filter(|other| other.id == row.id).count();
            prop_assert!(times <= 1 && (times == 1 || !stay[at]), "{:?} seen {} times", row.id, times);
        }
    }
}

#[test]
fn a_page_ends_at_its_limit_of_bytes() {
    // Four of these fit in a page.
    let text = "x".repeat(PAGE_BYTES_MAX / 5);
    let rows: Vec<Row> =
        (0..10).map(|n| row(&format!("r{n}"), 1, json!({"n": 9 - n, "text": text}))).collect();
    for steps in [vec![], vec![Step { field: Field::new("n"), descending: false }]] {
        let order = Order::new(steps).unwrap();
        let pages = pages(&rows, &Filter::default(), &order, 100, &[]);
        let sizes: Vec<usize> = pages.iter().map(|page| page.rows.len()).collect();
        assert_eq!(sizes, [4, 4, 2]);
    }
}

#[test]
fn a_row_larger_than_a_page_is_a_page() {
    let text = "x".repeat(PAGE_BYTES_MAX + 1);
    let rows: Vec<Row> = (0..3).map(|n| row(&format!("r{n}"), 1, json!({"n": -n, "text": text}))).collect();
    for steps in [vec![], vec![Step { field: Field::new("n"), descending: false }]] {
        let order = Order::new(steps).unwrap();
        let sizes: Vec<usize> =
            pages(&rows, &Filter::default(), &order, 100, &[]).iter().map(|page| page.rows.len()).collect();
        assert_eq!(sizes, [1, 1, 1]);
    }
}

#[test]
fn by_id_no_more_rows_are_taken_than_needed() {
    let rows: Vec<Row> = ["a", "b", "c", "d"].map(|id| row(id, 1, json!({}))).to_vec();
    let query = |limit| Query::new(&table(), Filter::default(), Order::default(), limit, None).unwrap();
    let mut broken = Given { broken_from: 3, ..Given::new(&rows, &[]) };
    let found = page(&mut broken, &query(2), Walk::of(&query(2), &[])).unwrap();
    assert_eq!((found.rows.len(), broken.looked_at, found.next.is_some()), (2, 3, true));
    assert_eq!(page(&mut broken, &query(3), Walk::of(&query(3), &[])), Err("the disk is on fire"));
    let mut whole = Given::new(&rows, &[]);
    let found = page(&mut whole, &query(4), Walk::of(&query(4), &[])).unwrap();
    assert_eq!((found.rows.len(), whole.looked_at, found.next), (4, 4, None));
}

#[test]
fn a_cursor_goes_on_with_its_own_query_at_any_limit() {
    let rows: Vec<Row> = ["a", "b", "c", "d"].map(|id| row(id, 1, json!({"n": 1}))).to_vec();
    let filter = |text: &str| Filter::new(vec![vec![Condition::parse("n", "ge", text).unwrap()]]).unwrap();
    let order = |name: &str| Order::new(vec![Step { field: Field::new(name), descending: false }]).unwrap();
    let query = |table: &str, filter: Filter, order: Order, limit, cursor: Option<&str>| {
        Query::new(&table.parse().unwrap(), filter, order, limit, cursor)
    };
    let first = query("t", filter("1"), order("n"), 1, None).unwrap();
    let next = collect(&rows, &first).unwrap().next;
    let second = query("t", filter("1"), order("n"), 50, next.as_deref()).unwrap();
    let page = collect(&rows, &second).unwrap();
    assert_eq!(page.rows.iter().map(|row| row.id.as_str()).collect::<String>(), "bcd");
    for other in [
        query("u", filter("1"), order("n"), 1, next.as_deref()),
        query("t", filter("0"), order("n"), 1, next.as_deref()),
        query("t", Filter::default(), order("n"), 1, next.as_deref()),
        query("t", filter("1"), order("m"), 1, next.as_deref()),
        query("t", filter("1"), Order::default(), 1, next.as_deref()),
    ] {
        assert!(other.unwrap_err().contains("another query"));
    }
}

#[test]
fn an_index_is_read_no_further_than_it_answers() {
    let rows: Vec<Row> = (0..1_000)
        .map(|n| {
            let status = if n % 2 == 0 { "new" } else { "old" };
            row(&format!("r{n:04}"), n, json!({"status": status, "n": n / 10}))
        })
        .collect();
    let fields = |names: &[&str]| names.iter().map(|name| Field::new(name)).collect();
    let index = |number, names: &[&str]| Index {
        id: IndexId(number),
        declared: Declaration { fields: fields(names), unique: false },
        state: State::Ready,
    };
    let indexes = [index(1, &["n"]), index(2, &["status", "n"])];
    let run = |text: &str, limit| {
        let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        let pairs: Vec<_> = pairs.chain([("limit", limit)]).collect();
        let query = rest::parse(&table(), pairs).unwrap();
        let mut given = Given::new(&rows, &indexes);
        let found = page(&mut given, &query, Walk::of(&query, &indexes)).unwrap();
        (found.rows.len(), given.looked_at)
    };
    for (text, limit, expected) in [
        // Every row that is returned, and one more to know of it.
        ("n=eq.7", "100", (10, 10)),
        ("n=eq.7&status=eq.new", "100", (5, 5)),
        ("status=eq.new&n=gte.98", "100", (10, 10)),
        ("status=eq.new&order=n", "5", (5, 6)),
        ("order=n", "5", (5, 6)),
        ("n=in.(3,5,900)", "100", (20, 20)),
        ("n=gt.40&order=n", "20", (20, 21)),
        // Each group of equal rows is found from behind first.
        ("order=n.desc", "5", (5, 7)),
        ("status=eq.old&order=n.desc&n=lt.50", "10", (10, 14)),
        ("status=eq.old&order=status,n.desc", "5", (5, 8)),
        // Not in the order of the index: all that match are sorted.
        ("n=lt.3&order=status", "5", (5, 30)),
        ("n=lt.3&status=neq.new", "100", (15, 30)),
        // The table itself is in the order of ids.
        ("id=eq.r0500", "5", (1, 1)),
        ("id=gte.r0990", "100", (10, 10)),
        ("id=in.(r0001,r0002)&n=eq.0", "5", (2, 2)),
        ("id=starts_with.r000", "100", (10, 10)),
    ] {
        assert_eq!(run(text, limit), expected, "{text}");
    }
}

#[test]
fn many_entries_in_another_order_than_that_of_ids_are_not_gathered() {
    let count = walk::GATHERED_MAX as u64 + 100;
    let rows: Vec<Row> = (0..count).map(|n| row(&format!("r{n:06}"), n, json!({"n": count - n}))).collect();
    let index = Index {
        id: IndexId(1),
        declared: Declaration { fields: vec![Field::new("n")], unique: false },
        state: State::Ready,
    };
    let indexes = [index];
    let run = |condition: &str| {
        let query = rest::parse(&table(), [("n", condition), ("limit", "10")]).unwrap();
        let mut given = Given::new(&rows, &indexes);
        let found = page(&mut given, &query, Walk::of(&query, &indexes)).unwrap();
        (found.rows.first().map(|row| row.id.to_string()), given.looked_at)
    };
    assert_eq!(run("lte.50"), (Some(format!("r{:06}", count - 50)), 50));
    let (first, looked_at) = run("gt.0");
    assert_eq!(first.as_deref(), Some("r000000"));
    assert!(looked_at < walk::GATHERED_MAX + 2 * walk::STEP_MAX, "{looked_at}");
}
