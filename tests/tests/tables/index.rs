//! What an indexed query reads, counted: as much of a small table as of a large one. And indexes are built while
//! the table is in use.

use sandglass_tests::{Host, PATIENCE, is_full, ndjson};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const QUERIES: [(&str, &[(&str, &str)]); 8] = [
    ("one value", &[("group", "eq.7")]),
    ("a range", &[("n", "gte.100"), ("n", "lt.150")]),
    ("text that begins so", &[("name", "starts_with.row 00005")]),
    ("two members", &[("half", "eq.odd"), ("n", "lt.40")]),
    ("an order", &[("order", "n"), ("limit", "20")]),
    ("an order from behind", &[("n", "lt.500"), ("order", "n.desc"), ("limit", "20")]),
    ("one value, in an order", &[("half", "eq.even"), ("order", "n"), ("limit", "20")]),
    ("a list of values", &[("group", "in.(1,5,9)")]),
];

fn fill(host: &Host, table: &str, rows: u64) {
    let row = |n: u64| {
        json!({"id": format!("{n:07}"), "n": n, "group": n / 10, "name": format!("row {n:06}"),
               "half": if n.is_multiple_of(2) { "even" } else { "odd" }})
    };
    for begin in (0..rows).step_by(100_000) {
        let body = ndjson((begin..(begin + 100_000).min(rows)).map(row));
        host.post(format!("tables/{table}/import")).bytes("application/x-ndjson", body).send().json(200);
    }
}

/// Declares the indexes, and writes rows until they are built. Gives how many those were.
fn build(host: &Host, table: &str) -> u64 {
    let fields = [&["n"][..], &["group"], &["name"], &["half", "n"]];
    let indexes: Vec<Value> = fields.iter().map(|fields| json!({ "fields": fields })).collect();
    host.put(format!("tables/{table}")).json(&json!({ "indexes": indexes })).send().json(200);
    let deadline = Instant::now() + 15 * PATIENCE;
    let mut written = 0;
    loop {
        let document = host.read(format!("tables/{table}"));
        let states = document["indexes"].as_array().expect("a table has indexes");
        if states.iter().all(|index| index["state"] == "ready") {
            return written;
        }
        assert!(Instant::now() < deadline, "the indexes are not built: {document}");
        // Rows all over the table, those that have their entries and those that wait for them. They are the same but
        // for a member that no index names, and for one that every second one gets and loses again.
        let row = json!({"n": 1_000_000 + written, "group": -1, "name": "another", "half": "none"});
        host.put(format!("tables/{table}/rows/{:07}-new", written * 37 % 1_000)).json(&row).send();
        if written % 2 == 1 {
            host.delete(format!("tables/{table}/rows/{:07}-new", written * 37 % 1_000)).send().nothing(204);
        }
        written += 1;
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn explain(host: &Host, table: &str, query: &[(&str, &str)]) -> Value {
    host.get(format!("tables/{table}/explain")).queries(query).send().json(200)
}

#[test]
fn as_much_is_read_of_a_small_table_as_of_a_large_one() {
    let (small, large) = (1_000, if is_full() { 1_000_000 } else { 100_000 });
    let host = Host::start();
    fill(&host, "small", small);
    fill(&host, "large", large);
    let before = explain(&host, "large", &[("group", "eq.7"), ("order", "name")]);
    assert_eq!((&before["index"], before["rows_read"].as_u64()), (&Value::Null, Some(large)), "{before}");
    build(&host, "small");
    let written = build(&host, "large");
    println!("{written} rows were written while the indexes of {large} were built");
    println!("{:24} {:10} {:>5} {:>5} {:>8}", "query", "index", "keys", "rows", "returned");
    for (name, query) in QUERIES {
        let (of_small, of_large) = (explain(&host, "small", query), explain(&host, "large", query));
        for figure in ["index", "keys_read", "rows_read", "rows_returned"] {
            assert_eq!(of_small[figure], of_large[figure], "{figure} of {name}");
        }
        let figures = ["keys_read", "rows_read", "rows_returned"].map(|figure| of_large[figure].clone());
        let [keys, rows, returned] = figures;
        println!(
            "{name:24} {:10} {keys:>5} {rows:>5} {returned:>8}",
            of_large["index"].as_str().unwrap_or_default()
        );
        let (keys, returned) = (keys.as_u64().unwrap_or(u64::MAX), returned.as_u64().unwrap_or(0));
        assert!(of_large["index"].is_string() && returned > 0, "{name}: {of_large}");
        // From behind, each value is found before its rows are.
        assert!(keys <= 2 * (returned + 1), "{name}: {of_large}");
    }
    // What was written meanwhile is found by every index, and what was deleted by none.
    let all = host.count("large", &[("half", "eq.none"), ("n", "gte.1000000")]);
    for (name, value) in [("group", "eq.-1"), ("name", "eq.another"), ("n", "gte.1000000")] {
        assert!(explain(&host, "large", &[(name, value)])["index"].is_string());
        assert_eq!(host.count("large", &[(name, value)]), all, "{name}");
    }
    let there = host.rows("large").iter().filter(|row| row["half"] == "none").count();
    assert_eq!(there as u64, all);
}
