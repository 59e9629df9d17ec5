//! The table interface over a table with indexes: an attempt is told the same as without them.

use super::table::Guest;
use crate::bindings::sandglass::job::table::{Condition, HostTable as _, Order, Query};
use crate::state::{Answer, Code};
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use sandglass_core::grant::Access;
use sandglass_core::limit::Limits;
use sandglass_store::{StoreError, StoreExt as _, op};
use serde_json::{Value, json};

impl Guest {
    async fn declare(&self, indexes: Value) {
        let declared = serde_json::from_value(indexes).unwrap();
        let declare = self.host.store.write(move |write| -> Result<_, op::OpError> {
            op::index::declare(write, &"t".parse().unwrap(), declared, super::now())
        });
        declare.await.unwrap();
        while self.host.store.write::<_, StoreError, _>(|write| op::index::work(write)).await.unwrap()
            != op::index::Done::Nothing
        {}
    }
}

/// What a guest is told, without what differs from one store to another.
fn told<T: std::fmt::Debug>(answer: Answer<T>) -> String {
    format!("{:?}", answer.unwrap().map_err(|error| error.code))
}

fn condition(random: &mut StdRng) -> Condition {
    let field = ["a", "b", "c", "id"][random.random_range(0..4)].to_owned();
    let number = random.random_range(0..6_u32);
    let (operator, value) = match random.random_range(0..5) {
        0 => ("lt", json!(number)),
        1 => ("ge", json!(number)),
        2 => ("in", json!([number, 3])),
        _ => ("eq", json!(number)),
    };
    let value = if field == "id" {
        let id = |value: Value| json!(format!("r{:02}", value.as_u64().unwrap_or(9)));
        match value {
            Value::Array(values) => values.into_iter().map(id).collect(),
            value => id(value),
        }
    } else {
        value
    };
    Condition { field, operator: operator.into(), value: value.to_string() }
}

/// One random call, and what the guest is told.
fn call(guest: &mut Guest, random: &mut StdRng) -> String {
    let id = format!("r{:02}", random.random_range(0..40_u32));
    let fields = json!({
        "a": random.random_range(0..6_u32),
        "b": random.random_range(0..6_u32),
        "c": if random.random_bool(0.2) { Value::Null } else { json!(random.random_range(0..6_u32)) },
    })
    .to_string();
    let filter: Vec<Vec<Condition>> = match random.random_range(0..8) {
        0 => vec![],
        1 => vec![vec![condition(random)], vec![condition(random)]],
        _ => vec![(0..random.random_range(1..3)).map(|_| condition(random)).collect()],
    };
    let table = guest.t();
    match random.random_range(0..12) {
        0..3 => told(guest.state.put(table, id, fields)),
        3 => told(guest.state.update(table, id, json!({"a": random.next_u32() % 6}).to_string(), None)),
        4 => told(guest.state.delete(table, id, None)),
        5 => told(guest.state.count(table, filter)),
        6 => told(guest.state.delete_where(table, filter, random.random_range(1..4))),
        _ => {
            let fields = ["a", "b", "c"];
            let steps = random.random_range(0..3);
            let descending = random.random_bool(0.5);
            let step = |_| Order { field: fields[random.random_range(0..3)].into(), descending };
            let order: Vec<Order> = (0..steps).map(step).collect();
            pages(guest, &filter, &order, random.random_range(1..8))
        }
    }
}

fn pages(guest: &mut Guest, filter: &[Vec<Condition>], order: &[Order], limit: u32) -> String {
    let (mut ids, mut cursor) = (Vec::new(), None);
    loop {
        let query = Query { filter: filter.to_vec(), order: order.to_vec(), limit, cursor };
        let table = guest.t();
        let page = guest.state.query(table, query).unwrap().unwrap();
        ids.extend(page.rows.into_iter().map(|row| format!("{}{}", row.id, row.fields)));
        cursor = page.next;
        if cursor.is_none() {
            return format!("{ids:?}");
        }
    }
}

#[tokio::test]
async fn an_attempt_is_told_the_same_with_indexes_and_without() {
    for seed in 0..60 {
        let mut plain = Guest::with(Access::ReadWrite, 0, Limits::default()).await;
        let mut indexed = Guest::with(Access::ReadWrite, 0, Limits::default()).await;
        let indexes = json!([{"fields": ["a"]}, {"fields": ["a", "b"]}, {"fields": ["b", "c"]}]);
        indexed.declare(indexes).await;
        let (mut one, mut other) = (StdRng::seed_from_u64(seed), StdRng::seed_from_u64(seed));
        for step in 0..120 {
            let (left, right) = (call(&mut plain, &mut one), call(&mut indexed, &mut other));
            assert_eq!(left, right, "seed {seed}, step {step}");
            if step % 40 == 20 {
                plain.commit().await;
                indexed.commit().await;
            }
        }
    }
}

#[tokio::test]
async fn an_indexed_query_looks_at_what_it_returns() {
    let limits = Limits { rows_scanned: 50, ..Limits::default() };
    let mut guest = Guest::with(Access::ReadWrite, 500, limits).await;
    guest.declare(json!([{"fields": ["n"]}])).await;
    let filter = |operator: &str, value: &str| {
        vec![vec![Condition { field: "n".into(), operator: operator.into(), value: value.into() }]]
    };
    assert!(pages(&mut guest, &filter("ge", "495"), &[], 100).contains("r499"));
    let table = guest.t();
    assert_eq!(told(guest.state.count(table, filter("lt", "20"))), "Ok(20)");
    // Its own writes are among them, in their place.
    let table = guest.t();
    guest.state.put(table, "own".into(), json!({"n": 498.5}).to_string()).unwrap().unwrap();
    let table = guest.t();
    guest.state.delete(table, "r499".into(), None).unwrap().unwrap();
    let found =
        pages(&mut guest, &filter("ge", "498"), &[Order { field: "n".into(), descending: true }], 100);
    assert!(found.starts_with("[\"own") && found.contains("r498") && !found.contains("r499"), "{found}");
    let table = guest.t();
    assert_eq!(told(guest.state.count(table, filter("ge", "0"))), format!("Err({:?})", Code::Quota.as_str()));
}

#[tokio::test]
async fn values_of_a_unique_index_are_refused_at_the_call() {
    let mut guest = Guest::with(Access::Write, 3, Limits::default()).await;
    guest.declare(json!([{"fields": ["n"], "unique": true}])).await;
    let put = |guest: &mut Guest, id: &str, fields: Value| {
        let table = guest.t();
        guest.state.put(table, id.into(), fields.to_string()).unwrap().map_err(|error| error.message)
    };
    let refused = "another row of table `t` has these values of its unique index `n`";
    assert_eq!(put(&mut guest, "x", json!({"n": 1})), Err(refused.into()));
    assert_eq!(put(&mut guest, "x", json!({"n": 7})), Ok(()));
    assert_eq!(put(&mut guest, "y", json!({"n": 7})), Err(refused.into()));
    assert_eq!(put(&mut guest, "r001", json!({"n": 1, "m": 2})), Ok(()));
    // A value that the attempt itself has given up is free.
    assert_eq!(put(&mut guest, "r002", json!({"n": 8})), Ok(()));
    assert_eq!(put(&mut guest, "y", json!({"n": 2})), Ok(()));
    assert_eq!(put(&mut guest, "z", json!({})), Ok(()));
    let long = put(&mut guest, "z", json!({"n": "x".repeat(600)})).unwrap_err();
    assert!(long.contains("unique index `n`"), "{long}");
    guest.commit().await;
    assert_eq!(put(&mut guest, "w", json!({"n": 7})), Err(refused.into()));
}
