//! Names that are meant to lead somewhere else: out of a folder, into another table, past somebody's eyes.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sandglass_tests::Host;
use serde_json::{Value, json};

/// No names of tables, jobs or secrets.
const BAD: [&str; 24] = [
    "..",
    "../t",
    "../../etc/passwd",
    "t/../u",
    "/t",
    "t/",
    "..\\t",
    "%2e%2e%2ft",
    ".",
    ".t",
    "t.",
    "t\0",
    "\0",
    "t\n",
    "t\u{1b}[2J",
    "T",
    "-t",
    "t-",
    "t t",
    // Letters that look like ours, that take no space, and that turn what follows around.
    "\u{442}",
    "\u{ff54}",
    "t\u{200b}",
    "\u{202e}t",
    "t\u{301}",
];

fn encoded(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}

#[test]
fn a_name_that_is_none_is_refused_wherever_it_stands() {
    let host = Host::start();
    let long = "x".repeat(64);
    for name in BAD.iter().copied().chain([long.as_str()]) {
        let part = encoded(name);
        let calls = [
            host.put(format!("tables/{part}")),
            host.put(format!("jobs/{part}")).json(&json!({"component": "0".repeat(64)})),
            host.post(format!("tables/{part}/rows")).json(&json!({"id": "x"})),
            host.get(format!("tables/{part}/export")),
            host.post(format!("jobs/{part}/runs")).json(&json!({})),
            host.put(format!("secrets/{}", encoded(&format!("../{name}"))))
                .json(&json!({"value": "some value"})),
        ];
        for call in calls {
            let answer = call.send();
            assert!((400..500).contains(&answer.status), "{name:?}: {}: {}", answer.status, answer.text());
        }
    }
    for list in ["tables", "jobs", "runs", "secrets"] {
        assert_eq!(host.list(list), [] as [Value; 0], "{list}");
    }
}

#[test]
fn tables_whose_names_begin_alike_keep_their_rows_apart() {
    let host = Host::start();
    let tables = ["a", "a0", "a-a", "a_a", "aa", "aaa", "b"];
    let ids = ["x", "a", "-x", "_", "0", "a/x", "../a/x", "~", "\u{10ffff}"];
    for table in tables {
        let rows: Vec<Value> = ids.iter().map(|id| json!({"id": id, "of": table})).collect();
        host.post(format!("tables/{table}/rows")).json(&json!(rows)).send().json(201);
    }
    let apart = |table: &str| {
        let rows = host.rows(table);
        assert_eq!(rows.len(), ids.len(), "{table}: {rows:?}");
        assert!(rows.iter().all(|row| row["of"] == table), "{table}: {rows:?}");
    };
    for table in tables {
        apart(table);
    }
    for id in ids {
        let row = host.read(format!("tables/a/rows/{}", encoded(id)));
        assert_eq!((&row["id"], &row["of"]), (&json!(id), &json!("a")));
    }
    let deleted = host.delete("tables/a").send();
    assert!((200..300).contains(&deleted.status), "{}", deleted.text());
    for table in tables.into_iter().skip(1) {
        apart(table);
    }
    host.delete("tables/aa/rows").send();
    assert_eq!(host.count("aaa", &[]), ids.len() as u64);
}

#[test]
fn jobs_whose_names_begin_alike_keep_their_runs_apart() {
    let host = Host::start();
    for job in ["a", "a-a", "aa", "a0"] {
        host.deploy(job, "trivial", json!({}));
        host.run_well(job, &Value::Null);
    }
    host.delete("jobs/a").send().nothing(204);
    for job in ["a-a", "aa", "a0"] {
        let runs = host.list(&format!("jobs/{job}/runs"));
        assert_eq!((runs.len(), &runs[0]["job"]), (1, &json!(job)), "{runs:?}");
    }
}
