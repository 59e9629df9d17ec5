//! Paging: pages one after the other are the sorted rows. And what the tests of this folder draw from.

use super::*;
use crate::row::{Fields, Row};
use crate::time::Instant;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::cmp::Ordering;

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

fn filter() -> impl Strategy<Value = Filter> {
    let operators = vec![Operator::Eq, Operator::Ne, Operator::Lt, Operator::Ge];
    let condition =
        ("[a-c]", prop::sample::select(operators), 0..3_i64).prop_map(|(field, operator, value)| {
            Condition::new(Field::new(&field), operator, value.into()).unwrap()
        });
    let groups = prop::collection::vec(prop::collection::vec(condition, 0..2), 0..3);
    groups.prop_map(|groups| Filter::new(groups).unwrap())
}

fn table() -> Name {
    "t".parse().unwrap()
}

fn given(rows: &[Row]) -> impl Iterator<Item = Result<Row, &'static str>> {
    rows.iter().cloned().map(Ok)
}

/// All pages of a query. `seek` is whether the scan starts where the query says, as storage does.
fn pages(rows: &[Row], filter: &Filter, order: &Order, limit: u32, seek: bool) -> Vec<Page> {
    let mut pages: Vec<Page> = Vec::new();
    loop {
        let cursor = pages.last().map(|page| page.next.clone().unwrap());
        let query = Query::new(&table(), filter.clone(), order.clone(), limit, cursor.as_deref()).unwrap();
        let from = match query.start_after_id() {
            Some(id) if seek => rows.partition_point(|row| row.id <= *id),
            _ => 0,
        };
        pages.push(collect(given(&rows[from..]), &query).unwrap());
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
        rows in rows(), filter in filter(), order in order(), limit in 1..9_u32, seek: bool,
    ) {
        let pages = pages(&rows, &filter, &order, limit, seek);
        let paged: Vec<Row> = pages.iter().flat_map(|page| page.rows.clone()).collect();
        let mut expected: Vec<Row> = rows.into_iter().filter(|row| filter.matches(row)).collect();
        expected.sort_by(|left, right| order.compare(left, right));
        prop_assert_eq!(paged, expected);
        // Only by id may the last page be empty.
        prop_assert!(order.is_by_id() || pages.len() == 1 || !pages[pages.len() - 1].rows.is_empty());
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
        let mut page = collect(given(&at_time(false)), &query(None).unwrap()).unwrap();
        let mut seen: Vec<Row> = page.rows;
        while let Some(next) = page.next {
            page = collect(given(&at_time(true)), &query(Some(&next)).unwrap()).unwrap();
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
        let pages = pages(&rows, &Filter::default(), &order, 100, true);
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
            pages(&rows, &Filter::default(), &order, 100, true).iter().map(|page| page.rows.len()).collect();
        assert_eq!(sizes, [1, 1, 1]);
    }
}

#[test]
fn by_id_no_more_rows_are_taken_than_needed() {
    let rows: Vec<Row> = ["a", "b", "c", "d"].map(|id| row(id, 1, json!({}))).to_vec();
    let query = |limit| Query::new(&table(), Filter::default(), Order::default(), limit, None).unwrap();
    let broken = || given(&rows[..3]).chain([Err("the disk is on fire")]);
    let page = collect(broken(), &query(2)).unwrap();
    assert_eq!((page.rows.len(), page.scanned, page.next.is_some()), (2, 3, true));
    assert_eq!(collect(broken(), &query(3)), Err("the disk is on fire"));
    let page = collect(given(&rows), &query(4)).unwrap();
    assert_eq!((page.rows.len(), page.scanned, page.next), (4, 4, None));
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
    let next = collect(given(&rows), &first).unwrap().next;
    let second = query("t", filter("1"), order("n"), 50, next.as_deref()).unwrap();
    let page = collect(given(&rows), &second).unwrap();
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
