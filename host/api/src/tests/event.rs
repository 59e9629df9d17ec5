//! The stream of changes.

use super::Site;
use axum::body::Body;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use std::time::Duration;
use tower::ServiceExt as _;

/// Somebody who listens.
struct Listener {
    body: Body,
    text: String,
}

impl Listener {
    async fn new(site: &Site, after: Option<&str>) -> Listener {
        let headers: Vec<(&str, &str)> = after.iter().map(|id| ("last-event-id", *id)).collect();
        let response =
            site.router.clone().oneshot(site.request("GET", "/v1/events", &headers, "")).await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Listener { body: response.into_body(), text: String::new() }
    }

    /// The next event: its name, its id, and its data.
    async fn next(&mut self) -> (String, String, Value) {
        while !self.text.contains("\n\n") {
            let frame = tokio::time::timeout(Duration::from_secs(10), self.body.frame()).await;
            let frame = frame.expect("an event").expect("an event").unwrap();
            self.text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
        }
        let (event, rest) = self.text.split_once("\n\n").unwrap();
        let field = |name: &str| {
            let line = event.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            line.trim_start_matches(": ").to_owned()
        };
        let told = (field("event"), field("id"), serde_json::from_str(&field("data")).unwrap());
        self.text = rest.to_owned();
        told
    }
}

async fn job(site: &Site, name: &str) {
    let component = site.component(&[]).await;
    site.call("PUT", &format!("/v1/jobs/{name}"), json!({"component": component})).await.is(201);
}

#[tokio::test]
async fn changes_of_jobs_and_runs_are_told_and_refusals_are_not() {
    let site = Site::new().await;
    let mut listener = Listener::new(&site, None).await;
    assert_eq!(listener.next().await.0, "ready");
    site.call("PUT", "/v1/jobs/a", json!({})).await.is(422);
    job(&site, "a").await;
    let (event, _, data) = listener.next().await;
    assert_eq!((event.as_str(), data), ("job", json!({"name": "a"})));
    let run = site.call("POST", "/v1/jobs/a/runs", json!({})).await.json_of(202);
    let (event, _, data) = listener.next().await;
    assert_eq!((event.as_str(), &data["id"], &data["state"]), ("run", &run["id"], &json!("queued")));
    site.call("POST", &format!("/v1/runs/{}/cancel", run["id"].as_str().unwrap()), json!({})).await.is(200);
    let (event, _, data) = listener.next().await;
    assert_eq!((event.as_str(), &data["outcome"]), ("run", &json!("cancelled")));
}

#[tokio::test]
async fn a_listener_that_comes_back_is_told_what_it_missed() {
    let site = Site::new().await;
    let mut first = Listener::new(&site, None).await;
    let (_, id, data) = first.next().await;
    assert_eq!(data, json!({"now": "2026-01-01T00:00:00.000Z"}));
    drop(first);
    job(&site, "a").await;
    job(&site, "b").await;
    let mut second = Listener::new(&site, Some(&id)).await;
    assert_eq!(second.next().await.0, "ready");
    let (_, _, a) = second.next().await;
    let (_, _, b) = second.next().await;
    assert_eq!((a, b), (json!({"name": "a"}), json!({"name": "b"})));
}

#[tokio::test]
async fn a_listener_of_another_time_has_to_look_for_itself() {
    let site = Site::new().await;
    for id in ["1-1", "nonsense"] {
        let mut listener = Listener::new(&site, Some(id)).await;
        assert_eq!(listener.next().await.0, "ready");
        assert_eq!(listener.next().await.0, "reset", "{id}");
    }
}

#[tokio::test]
async fn a_stream_ends_with_the_host() {
    let site = Site::new().await;
    let mut listener = Listener::new(&site, None).await;
    listener.next().await;
    site.app.closing.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(10), listener.body.frame()).await;
    assert!(ended.expect("an end").is_none());
}

#[tokio::test]
async fn jobs_are_listed_in_brief() {
    let site = Site::new().await;
    let component = site.component(&[]).await;
    let specification = json!({"component": component, "schedule": {"every": "1h"}});
    site.call("PUT", "/v1/jobs/a", specification).await.is(201);
    job(&site, "b").await;
    let page = site.get("/v1/jobs?brief=true&limit=1").await.json_of(200);
    let a = json!({"name": "a", "state": "active", "schedule_words": "every hour", "next": "2026-01-01T01:00:00.000Z",
        "live_runs": 0, "last_run": null, "recent": [], "skipped": 0, "missed": 0, "last_skip": null});
    assert_eq!(page["items"], json!([a]));
    let rest = site.get(&format!("/v1/jobs?brief=true&cursor={}", page["next"].as_str().unwrap())).await;
    assert_eq!(rest.json_of(200)["items"][0]["name"], "b");
}
