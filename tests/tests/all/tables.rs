//! Tables over HTTP, and the same tables as guests see them.

use sandglass_tests::{Host, answers, instant, is_full, ndjson, said};
use serde_json::{Value, json};

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect()
}

/// A row without what the store adds to it.
fn fields(row: &Value) -> Value {
    let mut row = row.clone();
    for added in ["id", "version", "created_at", "updated_at"] {
        row.as_object_mut().unwrap().remove(added);
    }
    row
}

#[test]
fn a_row_is_made_read_changed_and_deleted() {
    let host = Host::start();
    let made = host.post("tables/t/rows").json(&json!({"id": "a", "n": 1, "tags": {"x": 1, "y": 2}})).send();
    let version = made.json(201)["items"][0]["version"].clone();
    let row = host.get("tables/t/rows/a").send();
    assert_eq!(row.header("etag"), Some(format!("\"{version}\"").as_str()));
    let row = row.json(200);
    assert_eq!((&row["id"], &row["version"], &row["n"]), (&json!("a"), &version, &json!(1)));
    assert_eq!(instant(&row["created_at"]), instant(&row["updated_at"]));

    let merged = host
        .patch("tables/t/rows/a")
        .json(&json!({"n": null, "tags": {"y": null, "z": 3}, "m": 2}))
        .send()
        .json(200);
    assert_eq!(fields(&merged), json!({"tags": {"x": 1, "z": 3}, "m": 2}));
    assert_eq!(merged["created_at"], row["created_at"]);
    assert!(merged["version"].as_u64() > version.as_u64());
    let put = host.put("tables/t/rows/a").json(&json!({"k": "v"})).send();
    assert_eq!(fields(&put.json(put.status)), json!({"k": "v"}));
    let new = host.put("tables/t/rows/b").json(&json!({"k": "w"})).send();
    assert!(matches!(new.status, 200 | 201), "{}", new.text());

    let many =
        host.post("tables/t/rows").json(&json!([{"n": 1}, {"n": 2}, {"id": "c", "n": 3}])).send().json(201);
    let many = many["items"].as_array().unwrap();
    assert_eq!((many.len(), &many[2]["id"]), (3, &json!("c")));
    assert!(many.iter().all(|row| row["version"] == many[0]["version"]), "one commit: {many:?}");
    assert!(
        many[0]["id"].as_str() < many[1]["id"].as_str(),
        "ids that are made sort by their making: {many:?}"
    );
    assert_eq!(host.count("t", &[]), 5);

    host.delete("tables/t/rows/a").send().nothing(204);
    host.get("tables/t/rows/a").send().refusal(404, "not-found");
    let deleted = host.delete("tables/t/rows?n=gte.2").send().json(200);
    assert_eq!(deleted, json!({"deleted": 2}));
    host.delete("tables/t").send().nothing(204);
    host.get("tables/t").send().refusal(404, "not-found");
    assert_eq!(host.put("tables/t").send().json(201)["name"], "t");
    assert_eq!(host.put("tables/t").send().json(200)["name"], "t");
    assert_eq!(host.count("t", &[]), 0, "its rows went with it");
}

#[test]
fn a_row_of_another_version_is_left_alone() {
    let host = Host::start();
    host.post("tables/t/rows").json(&json!({"id": "a", "n": 1})).send().json(201);
    let tag = host.get("tables/t/rows/a").send().header("etag").unwrap().to_string();
    let changed =
        host.patch("tables/t/rows/a").json(&json!({"n": 2})).header("if-match", &tag).send().json(200);
    for call in [
        host.patch("tables/t/rows/a").json(&json!({"n": 3})),
        host.put("tables/t/rows/a").json(&json!({"n": 3})),
        host.delete("tables/t/rows/a"),
    ] {
        let refusal = call.header("if-match", &tag).send().refusal(412, "precondition-failed");
        assert!(said(&refusal).contains(&format!("at version {}", changed["version"])), "{refusal}");
    }
    host.put("tables/t/rows/a")
        .json(&json!({"n": 3}))
        .header("if-none-match", "*")
        .send()
        .refusal(412, "precondition-failed");
    assert_eq!(host.read("tables/t/rows/a"), changed);
    // All of a batch, or nothing.
    let batch = host.post("tables/t/rows").json(&json!([{"id": "b"}, {"id": "a"}])).send();
    batch.refusal(409, "conflict");
    assert_eq!(host.count("t", &[]), 1);
    for wrong in [
        json!([{"id": "b"}, 5]),
        json!({"id": 5}),
        json!({"version": 1}),
        json!({"id": "a\u{0}"}),
        json!("text"),
    ] {
        host.post("tables/t/rows").json(&wrong).send().refusal(422, "invalid");
    }
    assert_eq!(host.count("t", &[]), 1);
}

/// A table of people, and what filters on it give.
fn people(host: &Host) {
    let people = json!([
        {"id": "ann", "age": 31, "city": "Zürich", "joined": "2026-01-31T08:00:00Z", "active": true},
        {"id": "bob", "age": 25, "city": "Bern", "joined": "2026-01-31T10:00:00+03:00", "active": false, "boss": "ann"},
        {"id": "cid", "age": 31, "city": "Basel", "joined": "2025-12-01T00:00:00Z", "boss": null},
        {"id": "dee", "age": 4.5, "city": "Zug, ZG", "active": true, "boss": "bob"},
        {"id": "eve", "age": "old", "city": "Bern"},
    ]);
    host.post("tables/people/rows").json(&people).send().json(201);
}

#[test]
fn filters_and_orders_find_what_they_say_over_http_and_in_a_guest() {
    let host = Host::start();
    people(&host);
    for (filter, expected) in [
        (&[("age", "eq.31")][..], &["ann", "cid"][..]),
        (&[("age", "neq.31")], &["bob", "dee", "eve"]),
        (&[("age", "lt.31")], &["bob", "dee"]),
        (&[("age", "gte.25"), ("city", "starts_with.B")], &["bob", "cid"]),
        (&[("city", "in.(Bern,\"Zug, ZG\")")], &["bob", "dee", "eve"]),
        (&[("boss", "is.null")], &["cid"]),
        (&[("boss", "exists.false")], &["ann", "eve"]),
        (&[("active", "is.true")], &["ann", "dee"]),
        (&[("joined", "lt.2026-01-31T08:00:00Z")], &["bob", "cid"]),
        (&[("or", "(age.lt.5,and(city.eq.Bern,active.is.false))")], &["bob", "dee"]),
        (&[("id", "gt.cid")], &["dee", "eve"]),
        (&[("order", "age.desc,city")], &["eve", "cid", "ann", "bob", "dee"]),
        (&[("order", "city"), ("limit", "2")], &["cid", "bob"]),
        (&[("age", "eq.99")], &[]),
    ] {
        let page = host.get("tables/people/rows").queries(filter).send().json(200);
        assert_eq!(ids(&page), expected, "{filter:?}");
        let counted: Vec<(&str, &str)> =
            filter.iter().copied().filter(|(name, _)| !["order", "limit"].contains(name)).collect();
        if counted.len() == filter.len() {
            assert_eq!(host.count("people", &counted), expected.len() as u64, "{filter:?}");
        }
    }
    for (filter, pointer) in [
        (("age", "31"), "/age"),
        (("age", "near.31"), "/age"),
        (("limit", "0"), "/limit"),
        (("order", "age.up"), "/order"),
    ] {
        let refusal = host.get("tables/people/rows").queries(&[filter]).send().refusal(422, "invalid");
        assert_eq!(refusal["problems"][0]["pointer"], pointer, "{refusal}");
    }

    host.deploy("probe", "probe", json!({"grants": {"tables": {"people": "read"}}}));
    for (filter, expected) in [
        (json!([[["age", "eq", 31]]]), &["ann", "cid"][..]),
        (json!([[["age", "ge", 25], ["city", "starts-with", "B"]]]), &["bob", "cid"]),
        (json!([[["city", "in", ["Bern", "Zug, ZG"]]]]), &["bob", "dee", "eve"]),
        (json!([[["boss", "exists", false]]]), &["ann", "eve"]),
        (json!([[["joined", "lt", "2026-01-31T08:00:00Z"]]]), &["bob", "cid"]),
        (json!([[["age", "lt", 5]], [["city", "eq", "Bern"], ["active", "eq", false]]]), &["bob", "dee"]),
    ] {
        let query = json!({"table": "people", "filter": filter});
        let answers =
            host.answers("probe", &json!([{"query": query}, {"count": query}, {"query_all": query}]));
        let page: Vec<&str> = answers[0]["ok"]["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["id"].as_str().unwrap())
            .collect();
        assert_eq!((page.as_slice(), &answers[1]["ok"]), (expected, &json!(expected.len())), "{filter}");
        assert_eq!(answers[2]["ok"], answers[0]["ok"]["rows"], "{filter}");
    }
}

#[test]
fn pages_follow_each_other_to_the_end_and_miss_nothing() {
    let host = Host::start();
    let rows: Vec<Value> = (0..250).map(|n| json!({"id": format!("r{n:03}"), "n": (n * 7) % 10})).collect();
    host.post("tables/t/rows").json(&json!(rows)).send().json(201);
    for (order, limit) in [("id", "100"), ("n.desc", "7"), ("n,id.desc", "49"), ("id.desc", "250")] {
        let mut found: Vec<(i64, String)> = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut call = host.get("tables/t/rows").query("order", order).query("limit", limit);
            if let Some(cursor) = &cursor {
                call = call.query("cursor", cursor);
            }
            let page = call.send().json(200);
            let rows = page["items"].as_array().unwrap();
            assert!(rows.len() <= limit.parse().unwrap());
            found.extend(
                rows.iter().map(|row| (row["n"].as_i64().unwrap(), row["id"].as_str().unwrap().to_string())),
            );
            match page["next"].as_str() {
                Some(next) => cursor = Some(next.to_string()),
                None => break,
            }
        }
        let mut expected: Vec<(i64, String)> = (0..250).map(|n| ((n * 7) % 10, format!("r{n:03}"))).collect();
        match order {
            "id" => {}
            "n.desc" => expected.sort_by_key(|(n, _)| -n),
            "n,id.desc" => expected.sort_by(|(n, id), (other, after)| n.cmp(other).then(after.cmp(id))),
            _ => expected.reverse(),
        }
        assert_eq!(found, expected, "{order}");
        // A cursor belongs to its query.
        if let Some(cursor) = cursor {
            let other = host.get("tables/t/rows").query("order", "n").query("cursor", &cursor);
            other.send().refusal(422, "invalid");
        }
    }
}

#[test]
fn what_is_exported_can_be_imported_and_is_the_same() {
    let host = Host::start();
    let count = if is_full() { 100_000 } else { 3_500 };
    let row = |n| {
        let (id, third) = (format!("r{n:06}"), f64::from(n) / 3.0);
        json!({"id": id, "n": n, "f": third, "text": "a\u{0}\"\\\n💥 ü", "deep": [{"a": [null, true]}]})
    };
    let lines = ndjson((0..count).map(row));
    let imported = host.post("tables/from/import").bytes("application/x-ndjson", lines).send().json(200);
    assert_eq!(imported, json!({"imported": count}));
    let exported = host.get("tables/from/export").send();
    let rows = exported.lines();
    assert_eq!(rows.len(), count as usize);
    assert_eq!(rows[7]["f"], json!(7.0 / 3.0));
    let again = host.post("tables/to/import").bytes("application/x-ndjson", exported.body).send().json(200);
    assert_eq!(again, json!({"imported": count}));
    let strip = |rows: &[Value]| rows.iter().map(|row| (row["id"].clone(), fields(row))).collect::<Vec<_>>();
    assert!(strip(&host.rows("to")) == strip(&rows), "the second table is another one");

    // A row that is there is replaced, and one without an id gets one.
    let more = "{\"id\": \"r000000\", \"new\": true}\n\n{\"n\": -1}";
    let more = host.post("tables/to/import").bytes("application/x-ndjson", more).send().json(200);
    assert_eq!(more, json!({"imported": 2}));
    assert_eq!(fields(&host.read("tables/to/rows/r000000")), json!({"new": true}));
    assert_eq!(host.count("to", &[]), count as u64 + 1);
}

#[test]
fn a_bad_line_of_an_import_is_named_with_what_came_before_it() {
    let host = Host::start();
    for (bad, at) in [("{\"n\": ", 2_345), ("[1]", 1), ("{\"id\": 5}", 1_001), ("{\"id\": \"\"}", 12)] {
        host.put("tables/t").send();
        let lines: Vec<String> =
            (1..=3_000).map(|n| if n == at { bad.to_string() } else { format!("{{\"n\": {n}}}") }).collect();
        let answer = host.post("tables/t/import").bytes("application/x-ndjson", lines.join("\n")).send();
        let said = said(&answer.refusal(422, "invalid"));
        assert!(said.contains(&format!("line {at}")), "{bad}: {said}");
        let rows = host.count("t", &[]);
        assert!(rows < at && said.contains(&rows.to_string()), "{rows} rows are there, and it says: {said}");
        host.delete("tables/t").send().nothing(204);
    }
}

#[test]
fn a_guest_and_http_see_the_same_values() {
    let host = Host::start();
    host.deploy("probe", "probe", json!({"grants": {"tables": {"t": "read-write"}}}));
    let value = json!({
        "int": 9_007_199_254_740_993_i64, "negative": -1, "float": 0.1, "large": 1e300, "text": "💥\u{0}\n\"", "empty": "",
        "null": null, "list": [1, [2, {"three": 3}]], "object": {"a b": {"ü": true}}, "": "no name", "a.b": "a dot",
    });
    host.put("tables/t/rows/http").json(&value).send();
    let answers = host.answers(
        "probe",
        &json!([
            {"get": {"table": "t", "id": "http"}},
            {"insert": {"table": "t", "id": "guest", "fields": value}},
            {"insert": {"table": "t", "fields": {"made": true}}},
            {"insert": {"table": "t", "id": "http", "fields": {}}},
        ]),
    );
    let row = host.read("tables/t/rows/http");
    assert_eq!(answers[0]["ok"]["fields"], value);
    assert_eq!(answers[0]["ok"]["version"], row["version"]);
    assert_eq!(instant(&answers[0]["ok"]["created_at"]), instant(&row["created_at"]));
    assert_eq!(fields(&row), value);
    assert_eq!(fields(&host.read("tables/t/rows/guest")), value);
    let made = answers[2]["ok"].as_str().unwrap();
    assert_eq!(fields(&host.read(format!("tables/t/rows/{made}"))), json!({"made": true}));
    assert_eq!(answers[3]["error"]["code"], "conflict");
    for (text, code) in [("[]", "invalid"), ("{", "invalid"), ("{\"id\": 1}", "invalid")] {
        let answers = host.answers("probe", &json!([{"insert_text": {"table": "t", "text": text}}]));
        assert_eq!(answers[0]["error"]["code"], code, "{text}");
    }
    // Versions go both ways.
    let version = row["version"].as_u64().unwrap();
    let update = |version: u64| json!({"update": {"table": "t", "id": "http", "fields": {"int": 1}, "if_version": version}});
    assert_eq!(host.answers("probe", &json!([update(version + 1_000)]))[0]["error"]["code"], "conflict");
    assert_eq!(host.answers("probe", &json!([update(version)]))[0]["ok"], Value::Null);
    assert_eq!(host.read("tables/t/rows/http")["int"], 1);
}

#[test]
fn a_row_that_changed_under_an_attempt_is_a_conflict_and_the_attempt_is_made_again() {
    let host = Host::start();
    host.deploy("probe", "probe", json!({"grants": {"tables": {"t": "read-write", "signals": "read"}}}));
    host.put("tables/signals").send().json(201);
    host.put("tables/t/rows/a").json(&json!({"n": 1})).send();
    let run = host.start(
        "probe",
        &json!([
            {"get": {"table": "t", "id": "a"}, "must": true},
            {"log": {"level": "info", "message": "read"}},
            {"wait_for_row": {"table": "signals", "id": "go"}},
            {"increment": {"table": "t", "id": "a", "field": "n"}, "must": true},
        ]),
    );
    host.follow(&run).wait_for("read");
    host.patch("tables/t/rows/a").json(&json!({"n": 10})).send().json(200);
    host.post("tables/signals/rows").json(&json!({"id": "go"})).send().json(201);
    let run = host.ended(&run);
    assert_eq!(run["outcome"], "succeeded", "{run:#}");
    let lost = &run["attempts"][0];
    assert_eq!((&lost["cause"], &run["attempt"]), (&json!("conflict"), &json!(2)), "{run:#}");
    assert!(lost["message"].as_str().unwrap().contains("row `a` of table `t`"), "{run:#}");
    assert_eq!(host.read("tables/t/rows/a")["n"], 11);
}

#[test]
fn two_jobs_that_count_in_one_row_come_to_the_right_sum() {
    let host = Host::start();
    let each = if is_full() { 200 } else { 25 };
    for job in ["left", "right"] {
        host.deploy(job, "probe", json!({"grants": {"tables": {"t": "read-write"}}}));
    }
    host.put("tables/t/rows/sum").json(&json!({"n": 0})).send();
    // The wait between reading and committing is what makes them meet.
    let script =
        json!([{"increment": {"table": "t", "id": "sum", "field": "n"}, "must": true}, {"sleep_ms": 10}]);
    let conflicts: usize = std::thread::scope(|scope| {
        let workers = ["left", "right"].map(|job| {
            let (host, script) = (&host, &script);
            scope.spawn(move || {
                let runs = (0..each).map(|_| host.run_well(job, script));
                runs.map(|run| run["attempts"].as_array().unwrap().len() - 1).sum::<usize>()
            })
        });
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert_eq!(host.read("tables/t/rows/sum")["n"], 2 * each);
    println!("{conflicts} conflicts");
    let runs = host.list("runs?outcome=succeeded");
    assert_eq!(runs.len(), 2 * each);
    assert!(runs.iter().all(|run| answers(run)[0]["ok"].is_i64()));
}
