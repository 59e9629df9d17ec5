//! Rows that clients write over HTTP.

use crate::kill::Load;
use rand::RngExt as _;
use rand::rngs::StdRng;
use sandglass_tests::Client;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Where each row stands: its figure, or none where it is deleted.
type State = BTreeMap<String, Option<u64>>;

pub(crate) struct Rows {
    random: StdRng,
    /// As the host has told.
    known: State,
    /// What was asked for when the host was gone: all of it has happened, or nothing.
    open: State,
    /// How to send it again, so that it happens once.
    again: Option<(String, Value)>,
    newest: u64,
    told: usize,
}

impl Rows {
    pub(crate) fn new(host: &Client, random: StdRng) -> Rows {
        host.put("tables/ledger").send().json(201);
        Rows { random, known: State::new(), open: State::new(), again: None, newest: 0, told: 0 }
    }

    /// Rows that are not there yet, together.
    fn insert(&mut self, host: &Client) -> Option<()> {
        let numbers = self.newest + 1..=self.newest + self.random.random_range(1..4);
        self.newest = *numbers.end();
        self.open = numbers.map(|n| (format!("row-{n}"), Some(n))).collect();
        let rows: Vec<Value> = self.open.iter().map(|(id, n)| json!({"id": id, "n": n})).collect();
        let call = host.post("tables/ledger/rows").json(&json!(rows));
        let call = if self.random.random_bool(0.5) {
            let key = format!("rows-{}", self.newest);
            self.again = Some((key.clone(), json!(rows)));
            call.header("idempotency-key", &key)
        } else {
            call
        };
        call.try_send().ok()?.json(201);
        Some(())
    }

    fn change(&mut self, host: &Client, id: &str) -> Option<()> {
        let n = self.random.random_range(0..1_000_000);
        self.open = State::from([(id.to_string(), Some(n))]);
        host.patch(format!("tables/ledger/rows/{id}")).json(&json!({ "n": n })).try_send().ok()?.json(200);
        Some(())
    }

    fn delete(&mut self, host: &Client, id: &str) -> Option<()> {
        self.open = State::from([(id.to_string(), None)]);
        host.delete(format!("tables/ledger/rows/{id}")).try_send().ok()?.nothing(204);
        Some(())
    }

    fn some_row(&mut self) -> Option<String> {
        let there: Vec<&String> = self.known.iter().filter(|(_, n)| n.is_some()).map(|(id, _)| id).collect();
        (!there.is_empty()).then(|| there[self.random.random_range(0..there.len())].clone())
    }
}

impl Load for Rows {
    fn act(&mut self, host: &Client) -> Option<()> {
        match (self.random.random_range(0..4), self.some_row()) {
            (0, Some(id)) => self.change(host, &id)?,
            (1, Some(id)) => self.delete(host, &id)?,
            _ => self.insert(host)?,
        }
        self.known.append(&mut self.open);
        self.again = None;
        self.told += 1;
        Some(())
    }

    fn check(&mut self, host: &Client) {
        if let Some((key, rows)) = self.again.take() {
            host.post("tables/ledger/rows").header("idempotency-key", &key).json(&rows).send().json(201);
            self.known.append(&mut self.open);
        }
        let found: BTreeMap<String, u64> = host
            .rows("ledger")
            .iter()
            .map(|row| (row["id"].as_str().expect("an id").to_string(), row["n"].as_u64().expect("a number")))
            .collect();
        let happened = self.open.iter().filter(|(id, n)| found.get(*id).copied() == **n).count();
        let of_those_before = |id: &String| self.known.get(id).copied().flatten();
        let stayed = self.open.keys().filter(|id| found.get(*id).copied() == of_those_before(id)).count();
        assert!(
            happened == self.open.len() || stayed == self.open.len(),
            "a half of {:?} has happened",
            self.open
        );
        if happened == self.open.len() {
            self.known.append(&mut self.open);
        }
        self.open.clear();
        let expected: BTreeMap<String, u64> =
            self.known.iter().filter_map(|(id, n)| Some((id.clone(), (*n)?))).collect();
        assert_eq!(found, expected, "rows that were acknowledged");
    }

    fn check_at_the_end(&mut self, host: &Client) {
        self.check(host);
        println!("ledger: {} writes, {} rows", self.told, self.known.values().flatten().count());
    }

    fn acknowledged(&self) -> usize {
        self.told
    }
}
