//! `/components`, and uploading into a job.

use super::{Site, streamed};
use sandglass_core::Digest;
use serde_json::json;

const WASM: (&str, &str) = ("content-type", "application/wasm");

fn small() -> crate::Options {
    crate::Options { upload_bytes_max: 100, ..Default::default() }
}

#[tokio::test]
async fn components_are_shown_and_their_bytes_given_back() {
    let site = Site::new().await;
    let imports = ["sandglass:job/log@0.1.0", "sandglass:job/table@0.1.0"];
    let digest = site.component(&imports).await;
    let component = site.get(&format!("/v1/components/{digest}")).await.json_of(200);
    assert_eq!((&component["digest"], &component["imports"]), (&json!(digest), &json!(imports)));
    assert_eq!(site.get("/v1/components").await.json_of(200), json!({"items": [component], "next": null}));
    let path = format!("/v1/components/{digest}/wasm");
    let answer = site.get(&path).await.is(200);
    assert_eq!((Digest::of(&answer.body), answer.header("content-type")), (digest, "application/wasm"));
    assert_eq!(answer.header("content-length"), answer.body.len().to_string());
    let tag = answer.header("etag").to_owned();
    assert_eq!(site.send(site.request("GET", &path, &[("if-none-match", &tag)], "")).await.status, 304);
    let other = Digest::of(b"other");
    site.get(&format!("/v1/components/{other}")).await.problem(404, "not-found");
    site.get(&format!("/v1/components/{other}/wasm")).await.problem(404, "not-found");
}

#[tokio::test]
async fn bytes_that_are_there_already_are_taken_at_once() {
    let site = Site::new().await;
    let digest = site.component(&["a"]).await;
    // `curl -T` names no type.
    let answer = site.send(site.request("POST", "/v1/components", &[], "a")).await.is(200);
    assert_eq!(answer.header("location"), format!("/v1/components/{digest}"));
    assert_eq!(answer.json()["digest"], json!(digest));
    let path = "/v1/jobs/clean/component?every=1h";
    let job = site.send(site.request("PUT", path, &[WASM], "a")).await.is(201);
    assert_eq!(job.header("location"), "/v1/jobs/clean");
    let job = job.json();
    assert_eq!(job["specification"]["schedule"], json!({"every": "1h"}));
    assert_eq!((&job["component_report"]["digest"], &job["name"]), (&json!(digest), &json!("clean")));
    // Without a schedule the job keeps its own.
    let other = site.component(&["b"]).await;
    let answer = site.send(site.request("PUT", "/v1/jobs/clean/component", &[], "b")).await.is(200);
    let job = answer.json();
    assert_eq!(answer.header("etag"), format!("\"{}\"", job["version"]));
    assert_eq!(job["specification"]["component"], json!(other));
    assert_eq!(job["specification"]["schedule"], json!({"every": "1h"}));
}

#[tokio::test]
async fn a_job_from_an_upload_is_paused_in_the_commit_that_makes_it() {
    let site = Site::new().await;
    site.component(&["a"]).await;
    let path = "/v1/jobs/clean/component?every=1h&paused=true";
    let job = site.send(site.request("PUT", path, &[WASM], "a")).await.json_of(201);
    assert_eq!((&job["state"], &job["next"]), (&json!("paused"), &json!([])), "{job:#}");
    let path = "/v1/jobs/clean/component?paused=maybe";
    assert_eq!(site.send(site.request("PUT", path, &[WASM], "a")).await.pointers(), ["/paused"]);
}

#[tokio::test]
async fn a_schedule_that_does_not_go_with_the_jobs_own_is_refused() {
    let site = Site::new().await;
    site.component(&["a"]).await;
    let schedule = json!({"every": "1h", "not_after": "2026-06-01T00:00:00Z"});
    let spec = json!({"component": Digest::of(b"a"), "schedule": schedule});
    site.call("PUT", "/v1/jobs/clean", spec).await.is(201);
    let path = "/v1/jobs/clean/component?at=2027-01-01T00:00:00Z";
    let answer = site.send(site.request("PUT", path, &[WASM], "a")).await;
    assert_eq!(answer.pointers(), ["/schedule/at"]);
}

#[tokio::test]
async fn uploads_are_bounded_whether_they_say_their_length_or_not() {
    let site = Site::with(small()).await;
    for (method, path) in [("POST", "/v1/components"), ("PUT", "/v1/jobs/a/component")] {
        let announced = [WASM, ("content-length", "101")];
        let announced = site.request(method, path, &announced, "x".repeat(101));
        let problem = site.send(announced).await.problem(413, "too-large");
        assert!(problem["detail"].as_str().unwrap().contains("100B"), "{problem}");
        let unannounced = site.request(method, path, &[WASM], streamed(&[b'x'; 120], 60));
        site.send(unannounced).await.problem(413, "too-large");
    }
}

#[tokio::test]
async fn what_cannot_be_a_component_is_refused_before_it_is_read() {
    let site = Site::new().await;
    let json = [("content-type", "application/json")];
    for (method, path) in [("POST", "/v1/components"), ("PUT", "/v1/jobs/a/component")] {
        site.send(site.request(method, path, &json, "{}")).await.problem(415, "unsupported-media-type");
        site.send(site.request(method, path, &[WASM], "")).await.problem(400, "bad-request");
    }
    for query in ["every=often", "cron=61+*+*+*+*", "every=1h&at=2026-01-01T00:00:00Z", "time_zone=Mars"] {
        let path = format!("/v1/jobs/a/component?{query}");
        site.send(site.request("PUT", &path, &[WASM], "x")).await.problem(422, "invalid");
    }
}

#[tokio::test]
async fn a_compiler_that_does_not_start_is_the_hosts_fault() {
    let site = Site::new().await;
    let answer = site.send(site.request("POST", "/v1/components", &[WASM], "\0asm")).await;
    assert!(!answer.text().contains("nonexistent"));
    answer.problem(500, "internal");
    assert_eq!(site.get("/v1/components").await.json()["items"], json!([]));
}
