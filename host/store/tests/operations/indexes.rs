//! Indexes of tables: at every moment they say what the rows say, however far they are built.

use crate::world::{World, name};
use proptest::prelude::*;
use sandglass_core::effect::{Effects, RowKey, Workspace};
use sandglass_core::index::{Declaration, Entry, State};
use sandglass_core::query::{Interval, Source as _, Walk, page, rest};
use sandglass_core::row::{Fields, Row};
use sandglass_store::index::{IndexEntry, IndexTask};
use sandglass_store::op::index::{self, Done};
use sandglass_store::op::source::Committed;
use sandglass_store::op::table::{self, Existing};
use sandglass_store::op::{OpError, effect};
use sandglass_store::{KeyRange, Space, StoreError, StoreExt as _};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn declare(world: &World, table: &str, indexes: Value) -> Result<(), OpError> {
    let declared: Vec<Declaration> = serde_json::from_value(indexes).unwrap();
    let table = name(table);
    world.write(move |write, now| index::declare(write, &table, declared, now))
}

fn work(world: &World) -> Done {
    world.write(|write, _| index::work(write)).unwrap()
}

/// Does all that is to be done, and gives what became of indexes.
fn work_all(world: &World) -> Vec<Done> {
    let steps = std::iter::from_fn(|| Some(work(world)).filter(|done| *done != Done::Nothing));
    steps.filter(|done| *done != Done::Step).collect()
}

fn fields(value: &Value) -> Fields {
    value.as_object().unwrap().clone()
}

fn put(world: &World, table: &str, rows: Vec<(String, Value)>) -> Result<Vec<Row>, OpError> {
    let table = name(table);
    let rows = rows.into_iter().map(|(id, row)| (id.parse().unwrap(), fields(&row))).collect();
    world.write(move |write, now| table::put(write, &table, rows, Existing::Replace, now))
}

/// What an attempt would commit that writes these rows, or deletes them.
fn commit(world: &World, rows: &[(&str, Option<Value>)]) -> Result<(), effect::Conflict> {
    let effects = effects(rows);
    world.write::<_, StoreError>(move |write, now| effect::commit(write, &effects, now)).unwrap()
}

fn effects(rows: &[(&str, Option<Value>)]) -> Effects {
    let mut workspace = Workspace::new(100);
    for (id, row) in rows {
        let key = RowKey { table: name("t"), id: id.parse().unwrap() };
        let row = row.as_ref().map(|row| (fields(row), 1));
        workspace.write(key, row, None, sandglass_core::Instant::EPOCH).unwrap();
    }
    workspace.take()
}

fn states(world: &World) -> Vec<State> {
    let indexes = world.store.read(|read| index::of(read, &name("t"))).unwrap();
    indexes.into_iter().map(|index| index.state).collect()
}

/// Holds every index against the rows: those that are covered have their entries, and nothing else is there.
fn check(world: &World) {
    world.store.read(|read| {
        let mut rows = Vec::new();
        table::rows_after(read, &name("t"), None, |row| {
            rows.push(row);
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
        for index in index::of(read, &name("t")).unwrap() {
            if let State::Failed { .. } = index.state {
                continue;
            }
            let covered = rows.iter().filter(|row| index.covers(&row.id));
            let mut expected: Vec<Entry> = covered.map(|row| index.entry(row)).collect();
            expected.sort_by_key(Entry::to_bytes);
            let table = name("t");
            let mut source = Committed { read, table: &table };
            let found = source.entries(index.id, &Interval::all(), false, usize::MAX).unwrap();
            assert_eq!(found.items, expected, "{}", index.name());
            if index.declared.unique {
                let mut keys: Vec<_> = rows
                    .iter()
                    .filter(|row| index.covers(&row.id))
                    .filter_map(|row| index.unique_key(row).unwrap())
                    .collect();
                let count = keys.len();
                keys.sort();
                keys.dedup();
                assert_eq!(keys.len(), count, "values of {} that are one row's alone", index.name());
            }
        }
    });
}

#[derive(Debug, Clone)]
enum Step {
    Put(Vec<(u8, u8, u8)>),
    Commit(Vec<(u8, Option<(u8, u8)>)>),
    Delete(u8),
    Declare(Vec<usize>),
    Work,
    Drop,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::collection::vec((0..12_u8, 0..6_u8, 0..6_u8), 1..4).prop_map(Step::Put),
        4 => prop::collection::vec((0..12_u8, prop::option::weighted(0.7, (0..6_u8, 0..6_u8))), 1..4)
            .prop_map(Step::Commit),
        1 => (0..12_u8).prop_map(Step::Delete),
        1 => prop::sample::subsequence(vec![0, 1, 2, 3], 0..4).prop_map(Step::Declare),
        3 => Just(Step::Work),
        1 => Just(Step::Drop),
    ]
}

const INDEXES: [(&[&str], bool); 4] =
    [(&["a"], false), (&["a", "b"], true), (&["b", "updated_at"], false), (&["b"], true)];

fn row(a: u8, b: u8) -> Value {
    // Some lack a member, or have nothing there.
    match (a, b) {
        (0, b) => json!({ "b": b }),
        (1, b) => json!({ "a": null, "b": b }),
        (a, b) => json!({ "a": a, "b": b }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn indexes_say_what_rows_say(steps in prop::collection::vec(step(), 1..40)) {
        let world = World::new();
        for step in steps {
            match step {
                Step::Put(rows) => {
                    let rows = rows.into_iter().map(|(id, a, b)| (format!("r{id:02}"), row(a, b))).collect();
                    drop(put(&world, "t", rows));
                }
                Step::Commit(rows) => {
                    let rows: BTreeMap<_, _> =
                        rows.into_iter().map(|(id, row)| (format!("r{id:02}"), row)).collect();
                    let rows: Vec<_> = rows
                        .iter()
                        .map(|(id, values)| (id.as_str(), values.map(|(a, b)| row(a, b))))
                        .collect();
                    drop(commit(&world, &rows));
                }
                Step::Delete(id) => {
                    let id = format!("r{id:02}").parse().unwrap();
                    world.write(move |write, _| table::delete(write, &name("t"), &id, None)).unwrap();
                }
                Step::Declare(which) => {
                    let which = which.iter().map(|at| INDEXES[*at]);
                    let which: Vec<_> =
                        which.map(|(fields, unique)| json!({"fields": fields, "unique": unique})).collect();
                    declare(&world, "t", json!(which)).unwrap();
                }
                Step::Work => drop(work(&world)),
                Step::Drop => drop(world.write(|write, _| table::drop(write, &name("t"), 3))),
            }
            check(&world);
        }
        work_all(&world);
        check(&world);
        let is_building = |state: &State| matches!(state, State::Building { .. });
        prop_assert!(!states(&world).iter().any(is_building));
        // Nothing is left of what is not used any more.
        declare(&world, "t", json!([])).unwrap();
        work_all(&world);
        let left = world.store.read(|read| read.count(Space::Index, &KeyRange::all(), 10)).unwrap();
        prop_assert_eq!(left, 0);
    }
}

#[test]
fn an_index_is_built_in_steps_while_rows_are_written() {
    let world = World::new();
    let rows =
        |from: usize, to: usize| (from..to).map(|n| (format!("r{n:05}"), json!({"n": n % 7}))).collect();
    put(&world, "t", rows(0, 1_200)).unwrap();
    declare(&world, "t", json!([{"fields": ["n"]}])).unwrap();
    assert_eq!(states(&world), [State::Building { after: None, rows: 0 }]);
    assert_eq!(work(&world), Done::Step);
    assert_eq!(states(&world), [State::Building { after: Some("r00499".parse().unwrap()), rows: 500 }]);
    check(&world);
    // Before where the building is, behind it, and both at once.
    put(&world, "t", rows(100, 700)).unwrap();
    commit(&world, &[("r00001", None), ("r01100", None), ("r00002", Some(json!({"n": 70})))]).unwrap();
    check(&world);
    assert_eq!(work_all(&world), [Done::Built(name("t"), "n".into())]);
    assert_eq!(states(&world), [State::Ready]);
    check(&world);
    // Of an index that exists nothing is built again; an empty table's is ready at once.
    declare(&world, "t", json!([{"fields": ["n"]}])).unwrap();
    assert_eq!(states(&world), [State::Ready]);
    declare(&world, "u", json!([{"fields": ["n"]}])).unwrap();
    assert_eq!(work(&world), Done::Nothing);
}

#[test]
fn values_of_a_unique_index_are_one_rows_alone() {
    let world = World::new();
    declare(&world, "t", json!([{"fields": ["mail"], "unique": true}])).unwrap();
    let mail = |mail: &str| json!({ "mail": mail });
    put(&world, "t", vec![("a".into(), mail("x")), ("b".into(), mail("y"))]).unwrap();
    let refused = put(&world, "t", vec![("c".into(), mail("z")), ("d".into(), mail("x"))]).unwrap_err();
    let OpError::Conflict(message) = refused else { panic!("{refused:?}") };
    assert_eq!(message, "another row of table `t` has these values of its unique index `mail`");
    // Nothing of it was written.
    assert!(world.store.read(|read| table::get(read, &name("t"), &"c".parse().unwrap())).unwrap().is_none());
    let conflict = commit(&world, &[("c", Some(mail("x")))]).unwrap_err();
    assert!(conflict.to_string().contains("row `a`") && !conflict.without_id().contains("`a`"));
    assert!(conflict.without_id().contains("unique index `mail`"));
    assert!(commit(&world, &[("c", Some(mail("z"))), ("d", Some(mail("z")))]).is_err());
    // Rows that change places, and one that takes the place of a deleted one, do not stand in each other's way.
    commit(&world, &[("a", Some(mail("y"))), ("b", Some(mail("x")))]).unwrap();
    commit(&world, &[("a", None), ("c", Some(mail("y")))]).unwrap();
    // What is nothing is not compared, and what is too long not taken.
    commit(&world, &[("d", Some(json!({"mail": null}))), ("e", Some(json!({"mail": null})))]).unwrap();
    let long = mail(&"x".repeat(600));
    assert!(commit(&world, &[("f", Some(long.clone()))]).unwrap_err().to_string().contains("longer than"));
    assert!(matches!(put(&world, "t", vec![("f".into(), long)]), Err(OpError::Invalid(_))));
    check(&world);
}

#[test]
fn a_unique_index_of_rows_with_equal_values_fails_and_says_so() {
    let world = World::new();
    let rows = (0..600).map(|n| (format!("r{n:03}"), json!({"n": if n == 599 { 3 } else { n }}))).collect();
    put(&world, "t", rows).unwrap();
    let unique = json!([{"fields": ["n"], "unique": true}]);
    declare(&world, "t", unique.clone()).unwrap();
    let reason = "two rows have the same values, one of them `r003`".to_string();
    assert_eq!(work_all(&world), [Done::Failed(name("t"), "n".into(), reason.clone())]);
    assert_eq!(states(&world), [State::Failed { reason }]);
    assert_eq!(world.store.read(|read| read.count(Space::Index, &KeyRange::all(), 10)), Ok(0));
    // Nothing is judged by it, until it is declared anew over rows that differ.
    put(&world, "t", vec![("r004".into(), json!({"n": 5})), ("r599".into(), json!({"n": 599}))]).unwrap();
    put(&world, "t", vec![("r004".into(), json!({"n": 4}))]).unwrap();
    declare(&world, "t", unique).unwrap();
    assert_eq!(work_all(&world), [Done::Built(name("t"), "n".into())]);
    check(&world);
}

#[test]
fn a_table_without_indexes_writes_no_more_than_its_rows() {
    let world = World::new();
    put(&world, "t", vec![("a".into(), json!({"n": 1}))]).unwrap();
    let before = world.writes();
    put(&world, "t", vec![("a".into(), json!({"n": 2}))]).unwrap();
    commit(&world, &[("a", Some(json!({"n": 3}))), ("b", Some(json!({"n": 3})))]).unwrap();
    assert_eq!(world.writes() - before, 3);
    declare(&world, "t", json!([{"fields": ["n"]}])).unwrap();
    work_all(&world);
    let before = world.writes();
    // The row, the entry that goes and the one that comes; and where the value stays, the row alone.
    put(&world, "t", vec![("a".into(), json!({"n": 4}))]).unwrap();
    put(&world, "t", vec![("a".into(), json!({"n": 4, "m": 1}))]).unwrap();
    assert_eq!(world.writes() - before, 4);
}

#[test]
fn a_query_reads_as_many_keys_of_a_small_table_as_of_a_large_one() {
    let world = World::new();
    declare(&world, "t", json!([{"fields": ["n"]}])).unwrap();
    let table = name("t");
    let read_keys = |condition: &str| {
        let query = rest::parse(&table, [("n", condition)]).unwrap();
        world.store.read(|read| {
            let indexes = index::of(read, &table).unwrap();
            let mut source = Committed { read, table: &table };
            page(&mut source, &query, Walk::of(&query, &indexes)).unwrap().rows.len()
        })
    };
    let rows = |from: usize, to: usize| (from..to).map(|n| (format!("r{n:05}"), json!({"n": n}))).collect();
    put(&world, "t", rows(0, 100)).unwrap();
    assert_eq!(read_keys("gte.90"), 10);
    put(&world, "t", rows(100, 2_000)).unwrap();
    assert_eq!((read_keys("lt.10"), read_keys("eq.1500")), (10, 1));
}

#[test]
fn the_entries_of_a_deleted_table_go_in_steps() {
    let world = World::new();
    declare(&world, "t", json!([{"fields": ["n"]}])).unwrap();
    put(&world, "t", (0..1_200).map(|n| (format!("r{n:05}"), json!({"n": n}))).collect()).unwrap();
    while !world.write(|write, _| table::drop(write, &name("t"), 1_000)).unwrap() {}
    let entries = || world.store.read(|read| read.count(Space::Index, &KeyRange::all(), 9_999)).unwrap();
    assert_eq!(entries(), 1_200);
    work(&world);
    assert_eq!(entries(), 700);
    work_all(&world);
    assert_eq!(entries(), 0);
    let tasks = world.store.read(|read| read.list::<IndexTask>(&KeyRange::all(), false, 1)).unwrap();
    assert!(tasks.is_empty());
    let none = world.store.read(|read| read.list::<IndexEntry>(&KeyRange::all(), false, 1)).unwrap();
    assert!(none.is_empty());
}
