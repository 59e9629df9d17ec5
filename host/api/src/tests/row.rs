//! `/tables` and their rows.

use super::Site;
use serde_json::{Value, json};

async fn site_with_rows(rows: Value) -> Site {
    let site = Site::new().await;
    site.call("POST", "/v1/tables/t/rows", rows).await.is(201);
    site
}

impl Site {
    /// The ids of the rows that a query finds.
    async fn ids(&self, query: &str) -> Vec<String> {
        let page = self.get(&format!("/v1/tables/t/rows{query}")).await.json_of(200);
        page["items"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn tables_are_made_listed_and_deleted_with_their_rows() {
    let site = Site::new().await;
    let made = site.call("PUT", "/v1/tables/b", Value::Null).await.json_of(201);
    assert_eq!(made, json!({"name": "b", "created_at": "2026-01-01T00:00:00.000Z", "indexes": []}));
    assert_eq!(site.call("PUT", "/v1/tables/b", json!({})).await.json_of(200), made);
    site.call("PUT", "/v1/tables/b", json!({"limits": []})).await.problem(422, "invalid");
    site.call("POST", "/v1/tables/a/rows", json!({"n": 1})).await.is(201);
    let names =
        |list: Value| list["items"].as_array().unwrap().iter().map(|t| t["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names(site.get("/v1/tables").await.json_of(200)), ["a", "b"]);
    let rows: Vec<Value> = (0..2500).map(|number| json!({"n": number})).collect();
    site.call("POST", "/v1/tables/b/rows", json!(rows)).await.is(201);
    site.call("DELETE", "/v1/tables/b", Value::Null).await.is(204);
    site.get("/v1/tables/b").await.problem(404, "not-found");
    site.get("/v1/tables/b/rows").await.problem(404, "not-found");
    site.call("DELETE", "/v1/tables/b", Value::Null).await.problem(404, "not-found");
}

#[tokio::test]
async fn a_row_is_written_read_changed_and_deleted() {
    let site = Site::new().await;
    let path = "/v1/tables/t/rows/a%2Fb%20%C3%BC";
    let answer = site.call("PUT", path, json!({"n": 1, "o": {"x": 1}})).await.is(201);
    assert_eq!(answer.header("location"), path);
    let row = answer.json();
    assert_eq!(
        (&row["id"], &row["n"], &row["created_at"]),
        (&json!("a/b ü"), &json!(1), &json!("2026-01-01T00:00:00.000Z"))
    );
    let answer = site.get(path).await.is(200);
    assert_eq!(answer.json(), row);
    let tag = answer.header("etag").to_owned();
    assert_eq!(site.send(site.request("GET", path, &[("if-none-match", &tag)], "")).await.status, 304);

    let patched = site.call("PATCH", path, json!({"n": null, "o": {"y": 2}})).await.json_of(200);
    assert_eq!((&patched["n"], &patched["o"]), (&Value::Null, &json!({"x": 1, "y": 2})));
    assert_ne!(patched["version"], row["version"]);
    // A row that was read can be put back as it is.
    let put = site.call("PUT", path, patched.clone()).await.json_of(200);
    assert_eq!((&put["o"], &put["created_at"]), (&patched["o"], &row["created_at"]));
    site.call("DELETE", path, Value::Null).await.is(204);
    site.call("DELETE", path, Value::Null).await.problem(404, "not-found");
    site.call("PATCH", path, json!({})).await.problem(404, "not-found");
    site.get(path).await.problem(404, "not-found");
}

#[tokio::test]
async fn a_row_is_changed_only_in_the_version_that_was_read() {
    let site = site_with_rows(json!({"id": "a", "n": 1})).await;
    let path = "/v1/tables/t/rows/a";
    let tag = site.get(path).await.header("etag").to_owned();
    let old = [("if-match", tag.as_str())];
    site.call_if("PATCH", path, &old, json!({"n": 2})).await.is(200);
    for (method, body) in [("PATCH", json!({"n": 3})), ("PUT", json!({"n": 3})), ("DELETE", Value::Null)] {
        site.call_if(method, path, &old, body).await.problem(412, "precondition-failed");
    }
    let absent = [("if-none-match", "*")];
    site.call_if("PUT", path, &absent, json!({})).await.problem(412, "precondition-failed");
    site.call_if("PUT", "/v1/tables/t/rows/b", &absent, json!({})).await.is(201);
    let present = [("if-match", "*")];
    site.call_if("PUT", "/v1/tables/t/rows/c", &present, json!({})).await.problem(412, "precondition-failed");
    assert_eq!(site.get(path).await.json()["n"], 2);
}

#[tokio::test]
async fn rows_are_added_all_or_none() {
    let site = Site::new().await;
    let added = site.call("POST", "/v1/tables/t/rows", json!([{"id": "a"}, {"n": 1}])).await.json_of(201);
    assert_eq!(added["items"][0]["id"], "a");
    assert_eq!(added["items"][0]["version"], added["items"][1]["version"]);
    site.call("POST", "/v1/tables/t/rows", json!([{"id": "b"}, {"id": "a"}])).await.problem(409, "conflict");
    let wrong = json!([{"id": "b"}, {"id": 3}, [], {"updated_at": 1}]);
    assert_eq!(site.call("POST", "/v1/tables/t/rows", wrong).await.pointers(), ["/1/id", "/2", "/3"]);
    assert_eq!(site.ids("").await.len(), 2);
    assert_eq!(site.call("POST", "/v1/tables/t/rows", json!(3)).await.pointers(), [""]);
    let large = json!({"a": "x".repeat(300 << 10)});
    assert_eq!(site.call("POST", "/v1/tables/t/rows", large).await.pointers(), [""]);
    let many: Vec<Value> = (0..10_001).map(|_| json!({})).collect();
    site.call("POST", "/v1/tables/t/rows", json!(many)).await.problem(413, "too-large");
}

#[tokio::test]
async fn what_is_wrong_with_a_row_is_told() {
    let site = site_with_rows(json!({"id": "a", "s": "x"})).await;
    for (method, body, pointer) in [
        ("PUT", json!([]), ""),
        ("PUT", json!({"id": "b"}), "/id"),
        ("PUT", json!({"created-at": 1}), ""),
        ("PATCH", json!({"version": 3}), ""),
        ("PATCH", json!({"id": null}), ""),
    ] {
        assert_eq!(
            site.call(method, "/v1/tables/t/rows/a", body.clone()).await.pointers(),
            [pointer],
            "{body}"
        );
    }
    let half = json!({"t": "x".repeat(200 << 10)});
    site.call("PATCH", "/v1/tables/t/rows/a", half).await.is(200);
    let other_half = json!({"u": "x".repeat(200 << 10)});
    assert_eq!(site.call("PATCH", "/v1/tables/t/rows/a", other_half).await.pointers(), [""]);
}

#[tokio::test]
async fn rows_are_found_ordered_counted_and_paged() {
    let rows: Vec<Value> =
        (0..30).map(|n| json!({"id": format!("r{n:02}"), "n": n % 3, "even": n % 2 == 0})).collect();
    let site = site_with_rows(json!(rows)).await;
    assert_eq!(site.ids("?n=eq.1&even=is.true&limit=3").await, ["r04", "r10", "r16"]);
    assert_eq!(site.ids("?order=n.desc,id.desc&limit=2").await, ["r29", "r26"]);
    assert_eq!(site.ids("?id=in.(r01,r02,zz)").await, ["r01", "r02"]);
    assert_eq!(site.ids("?or=(n.eq.0,n.eq.1)&order=n&limit=1").await, ["r00"]);
    let mut seen = Vec::new();
    let mut path = "/v1/tables/t/rows?order=even,n.desc&limit=7".to_owned();
    loop {
        let page = site.get(&path).await.json_of(200);
        seen.extend(page["items"].as_array().unwrap().iter().map(|row| row["id"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/tables/t/rows?order=even,n.desc&limit=7&cursor={next}");
    }
    assert_eq!(seen.len(), 30);
    seen.sort_by_key(ToString::to_string);
    seen.dedup();
    assert_eq!(seen.len(), 30);
    let counting = [("prefer", "count=exact")];
    let answer = site.send(site.request("GET", "/v1/tables/t/rows?n=eq.1&limit=2", &counting, "")).await;
    assert_eq!(answer.header("preference-applied"), "count=exact");
    let page = answer.json_of(200);
    assert_eq!((&page["count"], page["items"].as_array().unwrap().len()), (&json!(10), 2));
}

#[tokio::test]
async fn what_is_wrong_with_a_query_is_told_at_its_parameter() {
    let site = site_with_rows(json!({"id": "a"})).await;
    let query = "?n=5&order=n.up&limit=0&created_at=lt.yesterday";
    let mut pointers = site.get(&format!("/v1/tables/t/rows{query}")).await.pointers();
    pointers.sort();
    assert_eq!(pointers, ["/created_at", "/limit", "/n", "/order"]);
    assert_eq!(site.get("/v1/tables/t/rows?cursor=x").await.pointers(), ["/cursor"]);
}

#[tokio::test]
async fn a_request_looks_at_so_many_rows_and_no_more() {
    let site = Site::with(crate::Options { rows_scanned_max: 5_000, ..Default::default() }).await;
    let rows: Vec<Value> = (0..6_000).map(|n| json!({"id": format!("{n:05}"), "n": n})).collect();
    site.call("POST", "/v1/tables/t/rows", json!(rows)).await.is(201);
    assert_eq!(site.ids("?n=gte.4000&limit=2").await, ["04000", "04001"]);
    for query in ["?n=gte.6000", "?order=n"] {
        let problem = site.get(&format!("/v1/tables/t/rows{query}")).await.problem(422, "invalid");
        assert!(problem["detail"].as_str().unwrap().contains("5000 rows"), "{problem}");
    }
    let counting = [("prefer", "count=exact")];
    let answer = site.send(site.request("GET", "/v1/tables/t/rows?limit=1", &counting, "")).await;
    answer.problem(422, "invalid");
}

#[tokio::test]
async fn rows_are_deleted_by_a_condition_a_part_at_a_time() {
    let rows: Vec<Value> = (0..5_000).map(|n| json!({"id": format!("{n:05}"), "n": n % 5})).collect();
    let site = site_with_rows(json!(rows)).await;
    let delete = |query: &str| {
        let path = format!("/v1/tables/t/rows{query}");
        let site = &site;
        async move { site.call("DELETE", &path, Value::Null).await }
    };
    delete("").await.problem(422, "invalid");
    delete("?n=1").await.problem(422, "invalid");
    assert_eq!(delete("?n=neq.0").await.json_of(200), json!({"deleted": 4000}));
    assert_eq!(delete("?n=neq.0").await.json_of(200), json!({"deleted": 0}));
    assert_eq!(delete("?all=true").await.json_of(200), json!({"deleted": 1000}));
    assert_eq!(site.ids("").await, [""; 0]);
    site.call("DELETE", "/v1/tables/other/rows?all=true", Value::Null).await.problem(404, "not-found");
}

#[tokio::test]
async fn indexes_are_declared_built_used_and_dropped() {
    let site = Site::new().await;
    let rows: Vec<Value> = (0..2_500).map(|n| json!({"id": format!("{n:05}"), "n": n, "s": n % 2})).collect();
    site.call("POST", "/v1/tables/t/rows", json!(rows)).await.is(201);
    let explain = async |query: &str| site.get(&format!("/v1/tables/t/explain{query}")).await.json_of(200);
    let before = explain("?n=lt.10").await;
    assert_eq!((&before["index"], &before["rows_read"]), (&Value::Null, &json!(2500)));

    let declared = json!({"indexes": [{"fields": ["s", "n"]}, {"fields": ["n"], "unique": true}]});
    site.call("PUT", "/v1/tables/t", declared).await.is(200);
    let table = loop {
        let table = site.get("/v1/tables/t").await.json_of(200);
        if table["indexes"].as_array().unwrap().iter().all(|index| index["state"] == "ready") {
            break table;
        }
        tokio::task::yield_now().await;
    };
    let expected = json!([{"fields": ["s", "n"], "unique": false, "state": "ready"},
                          {"fields": ["n"], "unique": true, "state": "ready"}]);
    assert_eq!(table["indexes"], expected);
    let found = explain("?s=eq.1&order=n.desc&limit=5").await;
    let expected =
        json!({"index": "s,n", "in_order": true, "keys_read": 12, "rows_read": 6, "rows_returned": 5});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(found[name], *value, "{name}");
    }
    assert_eq!(site.ids("?n=gte.2497&order=n.desc").await, ["02499", "02498", "02497"]);
    let counted =
        site.request("GET", "/v1/tables/t/rows?n=lt.700&s=eq.0&limit=1", &[("prefer", "count=exact")], "");
    assert_eq!(site.send(counted).await.json_of(200)["count"], 350);

    // A value that another row has: in one row, in several, and in place of one's own.
    let conflict =
        site.call("POST", "/v1/tables/t/rows", json!([{"id": "x", "n": -1}, {"id": "y", "n": 7}])).await;
    let detail = conflict.problem(409, "conflict")["detail"].as_str().unwrap().to_owned();
    assert_eq!(detail, "another row of table `t` has these values of its unique index `n`");
    site.call("PATCH", "/v1/tables/t/rows/00008", json!({"n": 7})).await.problem(409, "conflict");
    site.call("PUT", "/v1/tables/t/rows/00007", json!({"n": 7, "s": 5})).await.is(200);
    site.get("/v1/tables/t/rows/x").await.problem(404, "not-found");

    // Deleting goes by the index, too.
    let deleted = site.call("DELETE", "/v1/tables/t/rows?n=lt.1200", Value::Null).await.json_of(200);
    assert_eq!(deleted, json!({"deleted": 1200}));
    assert_eq!(explain("?n=lt.1300").await["keys_read"], 100);
    // Indexes that are not named stay; an empty list drops them.
    site.call("PUT", "/v1/tables/t", json!({})).await.is(200);
    assert_eq!(explain("?n=lt.1300").await["index"], "n");
    site.call("PUT", "/v1/tables/t", json!({"indexes": []})).await.is(200);
    assert_eq!(explain("?n=lt.1300").await["index"], Value::Null);
    let bad = json!({"indexes": [{"fields": []}, {"fields": ["id"]}]});
    assert_eq!(
        site.call("PUT", "/v1/tables/t", bad).await.pointers(),
        ["/indexes/0/fields", "/indexes/1/fields"]
    );
}

#[tokio::test]
async fn a_batch_is_written_as_a_whole_or_not_at_all() {
    let site = site_with_rows(json!([{"id": "a", "n": 1}, {"id": "b", "n": 2}])).await;
    site.call("PUT", "/v1/tables/t", json!({"indexes": [{"fields": ["n"], "unique": true}]})).await.is(200);
    while site.get("/v1/tables/t").await.json()["indexes"][0]["state"] != "ready" {
        tokio::task::yield_now().await;
    }
    let version = site.get("/v1/tables/t/rows/a").await.json_of(200)["version"].clone();
    // Two rows change places in a unique index, one is added in another table, one made and changed at once.
    let writes = json!({"writes": [
        {"table": "t", "update": {"id": "a", "n": 2}, "if_version": version},
        {"table": "t", "put": {"id": "b", "n": 1}},
        {"table": "u", "insert": {"of": "a"}},
        {"table": "u", "insert": {"id": "x", "n": 1}},
        {"table": "u", "update": {"id": "x", "m": 2}},
        {"table": "u", "insert": {"id": "y"}},
        {"table": "u", "delete": "y"},
    ]});
    let items = site.call("POST", "/v1/batch", writes).await.json_of(200)["items"].clone();
    assert_eq!((&items[0]["id"], &items[1]["table"]), (&json!("a"), &json!("t")));
    assert_eq!((&items[0]["version"], &items[6]["version"]), (&items[3]["version"], &Value::Null));
    let row = site.get("/v1/tables/u/rows/x").await.json_of(200);
    assert_eq!((&row["n"], &row["m"], &row["version"]), (&json!(1), &json!(2), &items[0]["version"]));
    site.get("/v1/tables/u/rows/y").await.problem(404, "not-found");

    let first = json!({"table": "u", "insert": {"id": "z"}});
    for (second, status, code) in [
        (json!({"table": "u", "insert": {"id": "x"}}), 409, "conflict"),
        (json!({"table": "t", "insert": {"id": "c", "n": 1}}), 409, "conflict"),
        (json!({"table": "t", "delete": "a", "if_version": version}), 412, "precondition-failed"),
        (json!({"table": "t", "delete": "none"}), 404, "not-found"),
        (json!({"table": "t", "update": {"id": "none", "n": 3}}), 404, "not-found"),
        (json!({"table": "t", "put": {"id": "c", "n": "x".repeat(600)}}), 422, "invalid"),
        (json!({"table": "t", "put": {"n": 1}}), 422, "invalid"),
        (json!({"table": "t", "drop": {}}), 422, "invalid"),
    ] {
        let batch = json!({ "writes": [first, second] });
        site.call("POST", "/v1/batch", batch).await.problem(status, code);
        site.get("/v1/tables/u/rows/z").await.problem(404, "not-found");
    }
    assert_eq!(
        site.call("POST", "/v1/batch", json!({"writes": []})).await.json_of(200),
        json!({"items": []})
    );
}
