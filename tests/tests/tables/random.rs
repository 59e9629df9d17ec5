//! Random operations on rows of one owner, few and alike enough that they meet.

use crate::op::{Condition, Filter, Op, Query};
use rand::RngExt as _;
use rand::rngs::StdRng;
use serde_json::{Map, Value, json};

const IDS: u32 = 60;

pub(crate) fn op(random: &mut StdRng, owner: &str) -> Op {
    let id = format!("{owner}-{:03}", random.random_range(0..IDS));
    match random.random_range(0..100) {
        0..16 => Op::Insert { id, fields: fields(random, owner) },
        16..30 => Op::Put { id, fields: fields(random, owner) },
        30..44 => Op::Update { id, patch: patch(random) },
        44..54 => Op::Delete { id },
        54..64 => Op::Get { id },
        64..88 => Op::Query(Query {
            filter: filter(random),
            order: order(random),
            limit: random.random_range(1..12),
            all: random.random_bool(0.5),
        }),
        88..97 => Op::Count(filter(random)),
        _ => Op::DeleteWhere { filter: filter(random), limit: random.random_range(0..4) },
    }
}

fn fields(random: &mut StdRng, owner: &str) -> Map<String, Value> {
    let mut fields = Map::from_iter([("owner".to_string(), json!(owner))]);
    for (name, value) in members(random) {
        // A member that is there and null, and one that is not there, are different.
        if random.random_bool(0.9) {
            fields.insert(name.into(), if random.random_bool(0.1) { Value::Null } else { value });
        }
    }
    fields
}

fn patch(random: &mut StdRng) -> Map<String, Value> {
    let mut patch = Map::new();
    for (name, value) in members(random) {
        if random.random_bool(0.5) {
            patch.insert(name.into(), if random.random_bool(0.2) { Value::Null } else { value });
        }
    }
    patch
}

fn members(random: &mut StdRng) -> [(&'static str, Value); 3] {
    [
        ("n", json!(random.random_range(0..12_u32))),
        ("s", json!(text(random))),
        // One row's alone: with so many values most rows find one.
        ("u", json!(random.random_range(0..400_u32))),
    ]
}

fn text(random: &mut StdRng) -> String {
    let letters = ['a', 'b', 'ü'];
    (0..random.random_range(0..4)).map(|_| letters[random.random_range(0..3)]).collect()
}

fn filter(random: &mut StdRng) -> Filter {
    let groups = [0, 1, 1, 1, 1, 2][random.random_range(0..6)];
    let group = |random: &mut StdRng| (0..random.random_range(1..3)).map(|_| condition(random)).collect();
    Filter { groups: (0..groups).map(|_| group(random)).collect() }
}

fn condition(random: &mut StdRng) -> Condition {
    let name = ["n", "n", "s", "u"][random.random_range(0..4)];
    let value = |random: &mut StdRng| match name {
        "s" => json!(text(random)),
        "n" => json!(random.random_range(0..12_u32)),
        _ => json!(random.random_range(0..400_u32)),
    };
    let one = value(random);
    match random.random_range(0..12) {
        0..4 => (name, "eq", one),
        4 => (name, "ne", one),
        5 => (name, "lt", one),
        6 => (name, "le", one),
        7 => (name, "gt", one),
        8 => (name, "ge", one),
        9 => (name, "in", json!([one, value(random), value(random)])),
        10 if name == "s" => (name, "starts-with", one),
        10 => (name, "eq", Value::Null),
        _ => (name, "exists", json!(random.random_bool(0.5))),
    }
}

fn order(random: &mut StdRng) -> Vec<(&'static str, bool)> {
    let descending = random.random_bool(0.5);
    match random.random_range(0..6) {
        0 => vec![],
        1 => vec![("n", descending)],
        2 => vec![("s", descending), ("n", descending)],
        3 => vec![("u", descending)],
        4 => vec![("owner", descending), ("n", descending)],
        _ => vec![("n", descending), ("s", random.random_bool(0.5))],
    }
}
