//! Random operations by jobs and HTTP clients at once, while indexes come and go and the host is killed: every
//! answer is the model's, and so is what is left in the end.

use crate::client::{HttpClient, Worker};
use crate::job::Job;
use crate::model::UNIQUE;
use crate::op::TABLE;
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use sandglass_tests::{Client, Host, is_full, seeded, until};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::ScopedJoinHandle;
use std::time::Duration;

/// Indexes that come and go. What is asked must not depend on which there are.
const INDEXES: [&[&str]; 5] = [&["owner", "n"], &["owner", "s", "n"], &["n"], &["owner"], &["owner", "u"]];

/// Declares some of them, besides the unique one, which stays.
fn declare(host: &Client, random: &mut StdRng) -> Option<()> {
    let unique = json!({"fields": UNIQUE, "unique": true});
    let some = INDEXES.iter().filter(|fields| **fields != UNIQUE && random.random_bool(0.5));
    let indexes: Vec<Value> =
        std::iter::once(unique).chain(some.map(|fields| json!({"fields": fields}))).collect();
    let answer = host.put(format!("tables/{TABLE}")).json(&json!({ "indexes": indexes })).try_send().ok()?;
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
    Some(())
}

/// All work until so many operations more were done, and the host is killed then.
fn work(host: &mut Host, workers: &mut [Box<dyn Worker>], random: &mut StdRng, operations: u64) -> u64 {
    let client = host.client().clone();
    let (done, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    let mut schemas = StdRng::seed_from_u64(random.next_u64());
    // A moment within an operation, not only the one between two.
    let moment = Duration::from_micros(random.random_range(0..5_000));
    std::thread::scope(|scope| {
        let (client, done, is_over) = (&client, &done, &is_over);
        let threads: Vec<_> = workers
            .iter_mut()
            .map(|worker| {
                scope.spawn(move || {
                    while let Some(count) = worker.act(client) {
                        done.fetch_add(count, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        let declaring = scope.spawn(move || {
            let mut before = 0;
            while !is_over.load(Ordering::Relaxed) {
                // Every so many operations, whatever time they take.
                let so_far = done.load(Ordering::Relaxed);
                if so_far < before + 60 {
                    std::thread::sleep(Duration::from_millis(2));
                    continue;
                }
                before = so_far;
                if declare(client, &mut schemas).is_none() {
                    return;
                }
            }
        });
        while done.load(Ordering::Relaxed) < operations && !threads.iter().any(ScopedJoinHandle::is_finished)
        {
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(moment);
        is_over.store(true, Ordering::Relaxed);
        host.kill();
        for thread in threads.into_iter().chain([declaring]) {
            thread.join().expect("a client is told what the model says");
        }
    });
    done.into_inner()
}

#[test]
fn what_is_told_agrees_with_a_model_through_kills() {
    let mut random = seeded();
    let (operations, kills) = if is_full() { (50_000, 40) } else { (15_000, 15) };
    let mut host = Host::start();
    let unique = json!({"indexes": [{"fields": UNIQUE, "unique": true}]});
    host.put(format!("tables/{TABLE}")).json(&unique).send().json(201);
    let mut seed = || StdRng::seed_from_u64(random.next_u64());
    let mut workers: Vec<Box<dyn Worker>> = vec![
        Box::new(HttpClient::new("h1", seed())),
        Box::new(HttpClient::new("h2", seed())),
        Box::new(Job::new(&host, "j1", seed())),
        Box::new(Job::new(&host, "j2", seed())),
    ];
    let mut told = 0;
    for _ in 0..kills {
        told += work(&mut host, &mut workers, &mut random, operations / kills);
        host.restart();
        for worker in &mut workers {
            worker.resolve(&host);
        }
    }
    println!("{told} operations were told of, through {kills} kills");
    assert!(told >= operations);
    check(&host, &workers);
}

/// Holds the table to the models: as a whole, and as every index shows it.
fn check(host: &Client, workers: &[Box<dyn Worker>]) {
    let all: usize = workers.iter().map(|worker| worker.model().rows.len()).sum();
    assert_eq!(host.rows(TABLE).len(), all, "rows that nobody wrote");
    let indexes: Vec<Value> =
        INDEXES.iter().map(|fields| json!({"fields": fields, "unique": **fields == UNIQUE})).collect();
    host.put(format!("tables/{TABLE}")).json(&json!({ "indexes": indexes })).send().json(200);
    until("the indexes to be built", || {
        let table = host.read(format!("tables/{TABLE}"));
        let mut indexes = table["indexes"].as_array().expect("a table has indexes").iter();
        indexes.all(|index| index["state"] == "ready").then_some(())
    });
    for worker in workers {
        let model = worker.model();
        let mut by_n: Vec<u64> =
            model.rows.values().filter_map(|row| row.fields.get("n")?.as_u64()).collect();
        by_n.sort_unstable();
        by_n.dedup();
        for n in by_n {
            let query = [("owner", format!("eq.{}", model.owner)), ("n", format!("eq.{n}"))];
            let query: Vec<(&str, &str)> =
                query.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let explained = host.get(format!("tables/{TABLE}/explain")).queries(&query).send().json(200);
            assert_eq!(explained["index"], "owner,n");
            let page = host.get(format!("tables/{TABLE}/rows")).queries(&query).send().json(200);
            let found: Vec<&str> = page["items"]
                .as_array()
                .expect("items")
                .iter()
                .filter_map(|row| row["id"].as_str())
                .collect();
            let rows =
                model.rows.iter().filter(|(_, row)| row.fields.get("n").and_then(Value::as_u64) == Some(n));
            let expected: Vec<&str> = rows.map(|(id, _)| id.as_str()).collect();
            assert_eq!(found, expected, "{} with n of {n}", model.owner);
            assert_eq!(explained["keys_read"].as_u64(), Some(found.len() as u64));
        }
    }
}
