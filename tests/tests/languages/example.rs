//! The example jobs, each built as its manifest says, deployed, and run on a real host.

use sandglass_tests::{Cli, Host, ndjson, workspace};
use serde_json::{Value, json};

/// A host with rows in a table and an example deployed.
#[track_caller]
fn deployed(example: &str, table: &str, rows: impl IntoIterator<Item = Value>) -> Host {
    let host = Host::start();
    host.post(format!("tables/{table}/import")).bytes("application/x-ndjson", ndjson(rows)).send().json(200);
    let folder = workspace().join("guest-examples").join(example);
    let cli = Cli::of(&host).with_tools();
    cli.run(&["deploy", folder.to_str().expect("UTF-8")]).well();
    host
}

#[test]
fn links_are_checked_and_what_broke_is_mailed_once() {
    let links = [json!({"id": "1", "url": "https://ungranted.example.org/"})];
    let host = deployed("link_checker", "links", links);
    let run = host.run_well("link_checker", &Value::Null);
    assert_eq!(run["result"], "1 links, 1 newly broken");
    let row = host.rows("links")[0].clone();
    assert_eq!((&row["ok"], &row["error"]), (&json!(false), &json!("denied")), "{row}");
    assert_eq!(host.list("emails").len(), 1);
    assert_eq!(host.run_well("link_checker", &Value::Null)["result"], "1 links, 0 newly broken");
    assert_eq!(host.list("emails").len(), 1);
}

#[test]
fn links_are_checked_without_a_host_against_answers_of_a_file() {
    let folder = workspace().join("guest-examples/link_checker");
    let place = |name: &str| folder.join(name).to_str().expect("UTF-8").to_owned();
    let links = format!("links={}", place("test/links.ndjson"));
    let cli = Cli::with("http://127.0.0.1:1", "").with_tools();
    let (folder, answers) = (place(""), place("test/answers.json"));
    let line = ["test", &folder, "--table", &links, "--http", &answers];
    let tried = cli.run(&[&line[..], &["--json"]].concat()).json();
    assert_eq!(
        (&tried["outcome"], &tried["result"]),
        (&json!("succeeded"), &json!("3 links, 2 newly broken"))
    );
    let told = |row: usize| (&tried["rows"][row]["fields"]["status"], &tried["rows"][row]["fields"]["error"]);
    assert_eq!(told(0), (&json!(200), &Value::Null));
    assert_eq!(told(1), (&json!(404), &Value::Null));
    assert_eq!(told(2), (&Value::Null, &json!("denied")));
    assert_eq!(tried["requests"][1]["host"], "docs.example.com");
    let shown = cli.run(&line).well();
    assert!(
        shown.contains("\n> HEAD docs.example.com 404\n") && shown.contains("\n@ web@example.com: 2 of 3"),
        "{shown}"
    );
    // What has no answer is not reached.
    let shown = cli.run(&line[..4]).well();
    assert!(shown.contains("no answer to HEAD https://www.example.com/ was given"), "{shown}");
}

#[test]
fn orders_are_mailed_as_csv() {
    let month = sandglass_tests::now().to_zoned(jiff::tz::TimeZone::UTC).first_of_month().expect("a month");
    let before = month.checked_sub(jiff::Span::new().days(3)).expect("an instant").timestamp();
    let order = |id: u32, customer: &str, total: f64, at: jiff::Timestamp| json!({"id": id.to_string(), "customer": customer, "total": total, "at": at.to_string()});
    let orders = [
        order(1, "Blümlein", 10.5, before),
        order(2, "Acme, Inc.", 7.25, before),
        order(3, "Blümlein", 0.1, before),
        order(4, "Acme, Inc.", 99.0, month.timestamp()),
    ];
    let host = deployed("csv_report", "orders", orders);
    let run = host.run_well("csv_report", &Value::Null);
    assert!(run["result"].as_str().expect("a result").ends_with(": 3 orders of 2 customers"), "{run:#}");
    let emails = host.list("emails");
    let email = host.read(format!("emails/{}", emails[0]["id"].as_str().expect("an id")));
    assert_eq!(email["text"], "3 orders of 2 customers, 17.85 in all.", "{email:#}");
}

#[test]
fn a_ring_buffer_keeps_the_newest_rows() {
    let host = deployed("ring_buffer", "samples", (0..50).map(|n| json!({"id": format!("{n:02}")})));
    // Later than those.
    let rows = ndjson((50..60).map(|n| json!({"id": format!("{n:02}")})));
    host.post("tables/samples/import").bytes("application/x-ndjson", rows).send().json(200);
    host.patch("jobs/ring_buffer").json(&json!({"env": {"KEEP": "15"}})).send().json(200);
    let run = host.run_well("ring_buffer", &Value::Null);
    assert_eq!(run["result"], "deleted 45 of 60 rows");
    let left: Vec<Value> = host.rows("samples").into_iter().map(|row| row["id"].clone()).collect();
    assert_eq!((left.len(), &left[0], &left[14]), (15, &json!("45"), &json!("59")));
    host.patch("jobs/ring_buffer").json(&json!({"env": {"KEEP": "many"}})).send().json(200);
    let run = host.run("ring_buffer", &Value::Null);
    assert_eq!(run["message"], "the setting KEEP is `many`, which is no number of rows");
}

#[test]
fn events_are_summed_up_by_day() {
    let event = |id: &str, at: &str, kind: &str, value: f64| json!({"id": id, "at": at, "kind": kind, "value": value});
    let events = [
        event("1", "2026-01-30T23:59:59Z", "sale", 2.5),
        event("2", "2026-01-31T00:00:00Z", "sale", 4.0),
        event("3", "2026-01-31T12:00:00+01:00", "refund", -1.0),
    ];
    let host = deployed("rollup", "events", events);
    assert_eq!(host.run_well("rollup", &Value::Null)["result"], "3 events of 2 days");
    let days = host.rows("events_by_day");
    assert_eq!((&days[0]["id"], &days[0]["sum"]), (&json!("2026-01-30"), &json!(2.5)));
    assert_eq!(
        (&days[1]["events"], &days[1]["by_kind"]),
        (&json!(2), &json!({"sale": 4, "refund": -1})),
        "{days:?}"
    );
    // It succeeded today: nothing of those days is looked at again.
    assert_eq!(host.run_well("rollup", &Value::Null)["result"], "0 events of 0 days");
}
