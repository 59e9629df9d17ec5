//! The example `weekly_digest`, uploaded as a user would.

use sandglass_tests::{Host, ndjson, now};
use serde_json::{Value, json};

#[test]
fn a_job_sums_up_a_week_and_mails_it_with_a_chart() {
    let host = Host::start();
    let order = |days_ago: i64, product: &str, total: Value| {
        // A little less than whole days, so that the first of them lies within the week of a run a moment later.
        let placed_at =
            now() - jiff::SignedDuration::from_hours(24 * days_ago) + jiff::SignedDuration::from_mins(30);
        json!({"placed_at": format!("{placed_at:.3}"), "product": product, "total": total})
    };
    let rows = ndjson([
        order(1, "tea & <b>biscuits</b>", json!(20.5)),
        order(2, "tea & <b>biscuits</b>", json!(4.25)),
        order(7, "coffee", json!(100)),
        order(3, "coffee", json!("not a number")),
        order(8, "coffee", json!(1_000_000)),
    ]);
    host.post("tables/orders/import").bytes("application/x-ndjson", rows).send().json(200);
    let job = host.deploy(
        "weekly_digest",
        "weekly_digest",
        json!({
            "schedule": {"cron": "0 7 * * MON"},
            "grants": {"tables": {"orders": "read"}, "email": {"to": ["team@example.com"], "per_run": 1}},
            "env": {"TABLE": "orders", "REPORT_TO": "team@example.com"},
        }),
    );
    assert_eq!(job["warnings"], json!([]), "nothing is missing");
    let run = host.run_well("weekly_digest", &Value::Null);
    assert_eq!(run["result"], "4 rows, 124.75 in all");
    assert_eq!(run["usage"]["rows_written"], 0);

    let email = host.list("emails")[0].clone();
    assert_eq!(email["to"], json!(["team@example.com"]));
    let subject = email["subject"].as_str().unwrap();
    assert!(subject.starts_with("orders, 20") && subject.ends_with(": 4 rows, 124.75 in all"), "{subject}");
    let html = email["html"].as_str().unwrap();
    assert!(html.contains("tea &amp; &lt;b&gt;biscuits&lt;/b&gt;") && !html.contains("<b>"), "{html}");
    // The largest first, and what is no number counts as none.
    let (coffee, tea) = (html.find("coffee").unwrap(), html.find("tea").unwrap());
    assert!(coffee < tea && html.contains(">100.00<") && html.contains(">24.75<"), "{html}");
    assert!(email["text"].as_str().unwrap().contains("24.75         2  tea & <b>biscuits</b>"), "{email:#}");
    let attached = &email["attachments"][0];
    assert_eq!(
        (&attached["file_name"], &attached["content_type"]),
        (&json!("days.svg"), &json!("image/svg+xml"))
    );
    assert!(attached["size"].as_u64().unwrap() > 500);
}
