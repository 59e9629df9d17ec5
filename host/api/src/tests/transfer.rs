//! `/tables/{table}/export` and `/import`.

use super::{Answer, Site, streamed};
use axum::body::Body;
use serde_json::{Value, json};

impl Site {
    async fn import(&self, table: &str, body: impl Into<Body>) -> Answer {
        self.send(self.request("POST", &format!("/v1/tables/{table}/import"), &[], body)).await
    }
}

#[tokio::test]
async fn what_was_exported_can_be_imported() {
    let site = Site::new().await;
    let rows: Vec<Value> =
        (0..2_500).map(|n| json!({"id": format!("{n:05}"), "n": n, "s": "a\nb"})).collect();
    site.call("POST", "/v1/tables/a/rows", json!(rows)).await.is(201);
    let exported = site.get("/v1/tables/a/export").await.is(200);
    assert_eq!(exported.header("content-type"), "application/x-ndjson");
    assert_eq!(exported.text().lines().count(), 2_500);
    // In parts that end anywhere.
    assert_eq!(
        site.import("b", streamed(&exported.body, 1_000)).await.json_of(200),
        json!({"imported": 2500})
    );
    let strip = |answer: Answer| -> Vec<Value> {
        let lines = answer.text().lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.map(|row| json!([row["id"], row["n"], row["s"]])).collect()
    };
    assert_eq!(strip(exported), strip(site.get("/v1/tables/b/export").await));
    // Once more puts the same rows in place of themselves.
    let again = site.get("/v1/tables/b/export").await.body;
    site.import("b", again).await.is(200);
    assert_eq!(site.get("/v1/tables/b/export").await.text().lines().count(), 2_500);
}

#[tokio::test]
async fn a_bad_line_is_named_and_those_before_it_are_in() {
    let site = Site::new().await;
    let problem = site.import("t", "{\"id\":\"a\"}\r\n\n{\"id\":\"b\"}\n{\"id\":\n{\"id\":\"c\"}").await;
    let problem = problem.problem(422, "invalid");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("line 4") && detail.contains("the rows before it are in: 2"), "{detail}");
    assert_eq!(site.get("/v1/tables/t/export").await.text().lines().count(), 2);
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(2 << 20));
    assert_eq!(site.import("t", long).await.pointers(), ["/1"]);
    assert_eq!(site.import("t", "").await.json_of(200), json!({"imported": 0}));
    let xml = site.request("POST", "/v1/tables/t/import", &[("content-type", "application/xml")], "<a/>");
    site.send(xml).await.problem(415, "unsupported-media-type");
    site.get("/v1/tables/none/export").await.problem(404, "not-found");
}

#[tokio::test]
async fn csv_goes_out_and_comes_in_as_it_was() {
    let site = Site::new().await;
    let rows: Vec<Value> = (0..2_500)
        .map(|n| match n % 3 {
            0 => json!({"id": format!("{n:05}"), "n": n, "s": "a\nb,\"c\""}),
            1 => json!({"id": format!("{n:05}"), "n": n.to_string(), "list": [n, null]}),
            _ => json!({"id": format!("{n:05}"), "s": "", "yes": true}),
        })
        .collect();
    site.call("POST", "/v1/tables/a/rows", json!(rows)).await.is(201);
    let request = site.request("GET", "/v1/tables/a/export", &[("accept", "text/csv")], "");
    let exported = site.send(request).await.is(200);
    assert_eq!(exported.header("content-type"), "text/csv");
    assert!(
        exported.text().starts_with("id,version,created_at,updated_at,list,n,s,yes\r\n"),
        "{:.80}",
        exported.text()
    );
    let csv = [("content-type", "text/csv; charset=utf-8")];
    let body = streamed(&exported.body, 1_000);
    let imported = site.send(site.request("POST", "/v1/tables/b/import", &csv, body)).await;
    assert_eq!(imported.json_of(200), json!({"imported": 2500}));
    let plain = async |table: &str| -> Vec<Value> {
        let text = site.get(&format!("/v1/tables/{table}/export")).await.text().to_owned();
        let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        rows.map(|row| json!([row["id"], row["n"], row["s"], row["list"], row["yes"]])).collect()
    };
    assert_eq!(plain("a").await, plain("b").await);
    // A bad record is named by its line, and those before it are in.
    let body = "id,a\nx,1\ny,2,3\nz,4\n";
    let problem =
        site.send(site.request("POST", "/v1/tables/c/import", &csv, body)).await.problem(422, "invalid");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("line 3") && detail.contains("the rows before it are in: 1"), "{detail}");
}
