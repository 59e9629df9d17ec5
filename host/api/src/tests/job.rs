//! `/jobs`.

use super::Site;
use sandglass_core::Span;
use serde_json::{Value, json};

async fn site_with_job() -> (Site, String) {
    let site = Site::new().await;
    let digest = site.component(&["sandglass:job/table@0.1.0"]).await.to_string();
    let spec = json!({"component": digest, "schedule": {"every": "1h"}});
    let answer = site.call("PUT", "/v1/jobs/clean", spec).await.is(201);
    assert_eq!(answer.header("location"), "/v1/jobs/clean");
    (site, digest)
}

#[tokio::test]
async fn a_job_shows_what_it_is_how_it_stands_and_what_comes_next() {
    let (site, digest) = site_with_job().await;
    let answer = site.get("/v1/jobs/clean").await.is(200);
    let job = answer.json();
    assert_eq!(answer.header("etag"), format!("\"{}\"", job["version"]));
    assert_eq!(job["specification"]["component"], json!(digest));
    assert_eq!(job["specification"]["policy"]["overlap"], "skip");
    assert_eq!((&job["state"], &job["paused"]), (&json!("active"), &Value::Null));
    assert_eq!(job["schedule_words"], "every hour");
    assert_eq!(
        job["next"],
        json!(["2026-01-01T01:00:00.000Z", "2026-01-01T02:00:00.000Z", "2026-01-01T03:00:00.000Z"])
    );
    assert_eq!(
        job["counters"],
        json!({"succeeded": 0, "failed": 0, "cancelled": 0, "skipped": 0, "missed": 0})
    );
    assert_eq!((&job["last_run"], &job["recent"], &job["live_runs"]), (&Value::Null, &json!([]), &json!(0)));
    assert!(job["warnings"][0].as_str().unwrap().contains("grants.tables"));
    assert_eq!(site.get("/v1/jobs").await.json()["items"], json!([job]));
    site.get("/v1/jobs/other").await.problem(404, "not-found");
}

#[tokio::test]
async fn every_problem_of_a_specification_is_listed() {
    let (site, _) = site_with_job().await;
    let spec = json!({
        "component": "abc", "schedule": {"every": "often"}, "limits": {"memory": "2GiB"}, "name": "clean",
        "policy": {"timeout": 3}, "env": {"A": 1},
    });
    let mut pointers = site.call("PUT", "/v1/jobs/clean", spec).await.pointers();
    pointers.sort();
    assert_eq!(
        pointers,
        ["/component", "/env/A", "/limits/memory", "/name", "/policy/timeout", "/schedule/every"]
    );
    let unknown = json!({"component": "0".repeat(64)});
    assert_eq!(site.call("PUT", "/v1/jobs/clean", unknown).await.pointers(), ["/component"]);
    assert_eq!(site.call("PUT", "/v1/jobs/clean", json!([])).await.pointers(), [""]);
}

#[tokio::test]
async fn changes_go_by_the_version_that_they_were_made_for() {
    let (site, digest) = site_with_job().await;
    let tag = site.get("/v1/jobs/clean").await.header("etag").to_owned();
    let patch = json!({"env": {"A": "1"}, "schedule": {"every": null, "cron": "@daily"}});
    let answer = site.call_if("PATCH", "/v1/jobs/clean", &[("if-match", &tag)], patch.clone()).await.is(200);
    let job = answer.json();
    assert_eq!(job["specification"]["env"], json!({"A": "1"}));
    assert_eq!(job["specification"]["schedule"], json!({"cron": "@daily"}));
    assert_eq!(job["revision"], 2);
    assert_ne!(answer.header("etag"), tag);

    let spec = json!({"component": digest});
    for (method, path, body) in [
        ("PATCH", "/v1/jobs/clean", patch),
        ("PUT", "/v1/jobs/clean", spec.clone()),
        ("PUT", "/v1/jobs/clean/component", Value::Null),
        ("POST", "/v1/jobs/clean/pause", Value::Null),
        ("POST", "/v1/jobs/clean/resume", Value::Null),
        ("POST", "/v1/jobs/clean/rollback", json!({"revision": 1})),
        ("DELETE", "/v1/jobs/clean", Value::Null),
    ] {
        let octets = [("if-match", tag.as_str()), ("content-type", "application/json")];
        let bytes = [("if-match", tag.as_str()), ("content-type", "application/wasm")];
        let headers = if path.ends_with("component") { bytes } else { octets };
        site.call_if(method, path, &headers, body).await.problem(412, "precondition-failed");
    }
    let absent = [("if-none-match", "*")];
    site.call_if("PUT", "/v1/jobs/clean", &absent, spec.clone()).await.problem(412, "precondition-failed");
    site.call_if("PUT", "/v1/jobs/new", &absent, spec.clone()).await.is(201);
    let present = [("if-match", "*")];
    site.call_if("PUT", "/v1/jobs/newer", &present, spec.clone()).await.problem(412, "precondition-failed");
    site.call_if("PUT", "/v1/jobs/new", &present, spec.clone()).await.is(200);
    site.call_if("PUT", "/v1/jobs/new", &[("if-match", "7")], spec).await.problem(400, "bad-request");
}

#[tokio::test]
async fn a_specification_that_is_the_same_adds_no_revision() {
    let (site, digest) = site_with_job().await;
    let spec = json!({"component": digest, "schedule": {"every": "1h"}});
    assert_eq!(site.call("PUT", "/v1/jobs/clean", spec).await.json_of(200)["revision"], 1);
}

#[tokio::test]
async fn a_bad_patch_changes_nothing() {
    let (site, _) = site_with_job().await;
    let before = site.get("/v1/jobs/clean").await.json();
    let patch = json!({"schedule": {"cron": "@daily"}, "component": null});
    let mut pointers = site.call("PATCH", "/v1/jobs/clean", patch).await.pointers();
    pointers.sort();
    assert_eq!(pointers, ["/component", "/schedule/cron"]);
    assert_eq!(site.call("PATCH", "/v1/jobs/clean", json!(3)).await.pointers(), [""]);
    site.call("PATCH", "/v1/jobs/other", json!({})).await.problem(404, "not-found");
    assert_eq!(site.get("/v1/jobs/clean").await.json(), before);
}

#[tokio::test]
async fn a_pause_skips_and_a_resumed_job_goes_on_from_the_next_instant() {
    let (site, _) = site_with_job().await;
    let job = site.call("POST", "/v1/jobs/clean/pause", json!({"reason": "holidays"})).await.json_of(200);
    assert_eq!(job["state"], "paused");
    assert_eq!(job["paused"], json!({"since": "2026-01-01T00:00:00.000Z", "reason": "holidays"}));
    assert_eq!(job["next"], json!([]));
    site.pass(Span::from_secs(3 * 3600));
    let skip = json!({
        "reason": "paused", "from": "2026-01-01T01:00:00.000Z", "to": "2026-01-01T03:00:00.000Z", "count": 3,
    });
    // While the pause goes on, and after it.
    for _ in 0..2 {
        assert_eq!(site.get("/v1/jobs/clean").await.json()["counters"]["skipped"], 3);
        assert_eq!(site.get("/v1/jobs/clean/skips").await.json(), json!({"items": [skip], "next": null}));
        site.call("POST", "/v1/jobs/clean/resume", json!({})).await.is(200);
    }
    let job = site.get("/v1/jobs/clean").await.json();
    assert_eq!((&job["state"], &job["next"][0]), (&json!("active"), &json!("2026-01-01T04:00:00.000Z")));
    assert_eq!(job["last_skip"], "2026-01-01T03:00:00.000Z");
    site.call("POST", "/v1/jobs/clean/pause", json!({"why": "x"})).await.problem(422, "invalid");
    let long = json!({"reason": "x".repeat(2000)});
    assert_eq!(site.call("POST", "/v1/jobs/clean/pause", long).await.pointers(), ["/reason"]);
    site.call("POST", "/v1/jobs/other/pause", Value::Null).await.problem(404, "not-found");
}

#[tokio::test]
async fn a_job_is_paused_in_the_commit_that_makes_it() {
    let (site, component) = site_with_job().await;
    let document = json!({"component": component, "schedule": {"every": "1h"}});
    for (path, status) in [("/v1/jobs/new?paused=true", 201), ("/v1/jobs/new?paused=true", 200)] {
        let job = site.call("PUT", path, document.clone()).await.json_of(status);
        assert_eq!((&job["state"], &job["next"]), (&json!("paused"), &json!([])), "{job:#}");
        assert_eq!(job["paused"]["reason"], "deployed as paused");
    }
    // A new revision does not resume it.
    let job = site.call("PUT", "/v1/jobs/new?paused=false", document.clone()).await.json_of(200);
    assert_eq!(job["state"], "paused");
    assert_eq!(site.call("PUT", "/v1/jobs/new?paused=yes", document).await.pointers(), ["/paused"]);
}

#[tokio::test]
async fn revisions_are_listed_and_gone_back_to() {
    let (site, _) = site_with_job().await;
    for value in ["1", "2"] {
        site.call("PATCH", "/v1/jobs/clean", json!({"env": {"A": value}})).await.is(200);
    }
    let job = site.call("POST", "/v1/jobs/clean/rollback", json!({"revision": 2})).await.json_of(200);
    assert_eq!((&job["revision"], &job["specification"]["env"]["A"]), (&json!(4), &json!("1")));
    let mut numbers = Vec::new();
    let mut path = "/v1/jobs/clean/revisions?limit=3".to_owned();
    loop {
        let page = site.get(&path).await.json_of(200);
        numbers.extend(page["items"].as_array().unwrap().iter().map(|item| item["number"].as_u64().unwrap()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/jobs/clean/revisions?limit=3&cursor={next}");
    }
    assert_eq!(numbers, [4, 3, 2, 1]);
    let roll_back = |body: Value| site.call("POST", "/v1/jobs/clean/rollback", body);
    roll_back(json!({"revision": 9})).await.problem(404, "not-found");
    roll_back(json!({"revision": "1"})).await.problem(422, "invalid");
    roll_back(json!({})).await.problem(422, "invalid");
}

#[tokio::test]
async fn jobs_are_listed_by_name_a_page_at_a_time() {
    let (site, digest) = site_with_job().await;
    for name in ["b", "a", "d"] {
        site.call("PUT", &format!("/v1/jobs/{name}"), json!({"component": digest})).await.is(201);
    }
    let first = site.get("/v1/jobs?limit=2").await.json_of(200);
    let names = |page: &Value| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|job| job["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&first), ["a", "b"]);
    let next = first["next"].as_str().unwrap();
    let second = site.get(&format!("/v1/jobs?limit=2&cursor={next}")).await.json_of(200);
    assert_eq!((names(&second), &second["next"]), (vec!["clean".to_owned(), "d".to_owned()], &Value::Null));
    assert_eq!(site.get("/v1/jobs?limit=0&cursor=*").await.pointers(), ["/limit", "/cursor"]);
}

#[tokio::test]
async fn a_deleted_job_is_gone() {
    let (site, _) = site_with_job().await;
    assert!(site.call("DELETE", "/v1/jobs/clean", Value::Null).await.is(204).body.is_empty());
    site.call("DELETE", "/v1/jobs/clean", Value::Null).await.problem(404, "not-found");
    site.get("/v1/jobs/clean/runs").await.problem(404, "not-found");
    assert_eq!(site.get("/v1/upcoming").await.json()["items"], json!([]));
}
