//! `/runs`, and the runs of a job.

use super::Site;
use sandglass_core::effect::Effects;
use sandglass_core::limit::Bytes;
use sandglass_core::run::{Cause, Ending, Failure, Traces, Usage};
use sandglass_core::{RunId, Span};
use sandglass_store::op;
use sandglass_store::op::claim::Room;
use serde_json::{Value, json};

/// For a few attempts.
const ROOM: Room = Room { slots: 9, memory: Bytes(u64::MAX), idle: true };

impl Site {
    pub(super) async fn job(&self, name: &str) {
        let digest = self.component(&[]).await;
        let spec = json!({"component": digest, "policy": {"retry": {"max_attempts": 1}}});
        self.call("PUT", &format!("/v1/jobs/{name}"), spec).await.is(201);
    }

    /// Asks for a run, and gives its id.
    pub(super) async fn ask(&self, job: &str) -> RunId {
        let run = self.call("POST", &format!("/v1/jobs/{job}/runs"), Value::Null).await.json_of(202);
        run["id"].as_str().unwrap().parse().unwrap()
    }

    /// Begins what waits, as the scheduler would.
    pub(super) async fn begin(&self) {
        self.write(|write, now| Ok(op::claim::claim(write, now, ROOM, &mut || 7)?)).await;
    }

    /// Ends the first attempt of a run that was begun.
    pub(super) async fn end(&self, run: RunId, result: Result<Option<String>, Failure>) {
        let usage = Usage { fuel: 42, ..Usage::default() };
        let ending = Ending {
            result,
            traces: Traces { last_error: Some("denied: no grant".into()), usage, ..Traces::default() },
        };
        self.write(move |write, now| {
            Ok(op::attempt::end(write, run, 1, ending, &Effects::default(), now, 0)?)
        })
        .await;
    }
}

#[tokio::test]
async fn a_run_is_asked_for_with_an_input_that_is_handed_on_as_it_came() {
    let site = Site::new().await;
    site.job("a").await;
    let text = r#"{"input": {"big": 12345678901234567890123, "b":  [1.10]}}"#;
    let headers = [("content-type", "application/json")];
    let answer = site.send(site.request("POST", "/v1/jobs/a/runs", &headers, text)).await.is(202);
    let run = answer.json();
    assert_eq!(answer.header("location"), format!("/v1/runs/{}", run["id"].as_str().unwrap()));
    assert!(answer.text().contains(r#"{"big": 12345678901234567890123, "b":  [1.10]}"#), "{}", answer.text());
    assert_eq!(
        (&run["state"], &run["trigger"], &run["attempt"]),
        (&json!("queued"), &json!("manual"), &json!(0))
    );
    assert_eq!(site.get(answer.header("location")).await.json_of(200), run);
    assert_eq!(site.get("/v1/jobs/a").await.json()["live_runs"], 1);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_for_a_run_is_told() {
    let site = Site::new().await;
    site.job("a").await;
    let ask = |query: &str, body: Value| {
        let path = format!("/v1/jobs/a/runs{query}");
        let site = &site;
        async move { site.call("POST", &path, body).await }
    };
    ask("", json!({"inputs": 1})).await.problem(422, "invalid");
    ask("", json!([])).await.problem(422, "invalid");
    ask("", json!({"input": "x".repeat(300 << 10)})).await.problem(413, "too-large");
    assert_eq!(ask("?wait=6m", json!({})).await.pointers(), ["/wait"]);
    assert_eq!(ask("?wait=soon", json!({})).await.pointers(), ["/wait"]);
    site.call("POST", "/v1/jobs/b/runs", json!({})).await.problem(404, "not-found");
    assert_eq!(site.get("/v1/runs").await.json()["items"], json!([]));
}

#[tokio::test]
async fn a_wait_ends_when_its_time_is_over() {
    let site = Site::new().await;
    site.job("a").await;
    let run = site.call("POST", "/v1/jobs/a/runs?wait=20ms", json!({"input": null})).await.json_of(202);
    assert_eq!((&run["state"], &run["input"]), (&json!("queued"), &Value::Null));
}

#[tokio::test]
async fn a_wait_ends_when_the_run_does_or_the_host() {
    let site = Site::new().await;
    site.job("a").await;
    let (waited, ()) = tokio::join!(site.call("POST", "/v1/jobs/a/runs?wait=1m", json!({})), async {
        let run = loop {
            let runs = site.get("/v1/runs").await.json();
            match runs["items"][0]["id"].as_str() {
                Some(run) => break run.to_owned(),
                None => tokio::task::yield_now().await,
            }
        };
        site.call("POST", &format!("/v1/runs/{run}/cancel"), Value::Null).await.is(200);
    });
    assert_eq!(waited.json_of(200)["outcome"], "cancelled");
    site.app.closing.cancel();
    site.call("POST", "/v1/jobs/a/runs?wait=1m", json!({})).await.is(202);
}

#[tokio::test]
async fn an_ended_run_tells_how_it_ended() {
    let site = Site::new().await;
    site.job("a").await;
    let id = site.ask("a").await;
    site.begin().await;
    assert_eq!(site.get(&format!("/v1/runs/{id}")).await.json()["state"], "running");
    site.pass(Span::from_millis(1500));
    let failure = Failure { backtrace: Some("0: boom".into()), ..Failure::new(Cause::Trap, "unreachable") };
    site.end(id, Err(failure)).await;
    let run = site.get(&format!("/v1/runs/{id}")).await.json_of(200);
    for (member, value) in [
        ("state", json!("failed")),
        ("outcome", json!("failed")),
        ("cause", json!("trap")),
        ("message", json!("unreachable")),
        ("backtrace", json!("0: boom")),
        ("last_error", json!("denied: no grant")),
        ("attempt", json!(1)),
        ("revision", json!(1)),
        ("duration_ms", json!(1500)),
        ("started_at", json!("2026-01-01T00:00:00.000Z")),
        ("ended_at", json!("2026-01-01T00:00:01.500Z")),
        ("next_attempt_at", Value::Null),
    ] {
        assert_eq!(run[member], value, "{member}");
    }
    assert_eq!((&run["usage"]["fuel"], &run["attempts"][0]["number"]), (&json!(42), &json!(1)));
    let job = site.get("/v1/jobs/a").await.json();
    assert_eq!(job["last_run"]["id"], run["id"]);
    assert_eq!((&job["last_run"]["cause"], &job["counters"]["failed"]), (&json!("trap"), &json!(1)));
    site.call("POST", &format!("/v1/runs/{id}/cancel"), Value::Null).await.problem(409, "conflict");
}

#[tokio::test]
async fn runs_are_listed_newest_first_and_by_what_became_of_them() {
    let site = Site::new().await;
    site.job("a").await;
    site.job("b").await;
    let mut ids = Vec::new();
    for job in ["a", "b", "a"] {
        site.pass(Span::from_secs(1));
        let id = site.ask(job).await;
        site.begin().await;
        match ids.len() {
            0 => site.end(id, Ok(Some("done".into()))).await,
            1 => site.end(id, Err(Failure::new(Cause::Quota, "too much"))).await,
            _ => {}
        }
        ids.push(id);
    }
    let listed = async |path: &str| -> Vec<usize> {
        let page = site.get(path).await.json_of(200);
        let place = |run: &Value| ids.iter().position(|id| run["id"] == id.to_string()).unwrap();
        page["items"].as_array().unwrap().iter().map(place).collect()
    };
    assert_eq!(listed("/v1/runs").await, [2, 1, 0]);
    assert_eq!(listed("/v1/jobs/a/runs").await, [2, 0]);
    assert_eq!(listed("/v1/runs?outcome=succeeded").await, [0]);
    assert_eq!(listed("/v1/runs?outcome=quota").await, [1]);
    assert_eq!(listed("/v1/runs?outcome=running&trigger=manual").await, [2]);
    assert_eq!(listed("/v1/runs?trigger=schedule").await, [0; 0]);
    assert_eq!(listed("/v1/runs?since=2026-01-01T00:00:02Z&until=2026-01-01T00:00:03Z").await, [1]);
    let first = site.get("/v1/runs?limit=2").await.json();
    let next = first["next"].as_str().unwrap();
    assert_eq!(listed(&format!("/v1/runs?limit=2&cursor={next}")).await, [0]);
    assert_eq!(site.get(&format!("/v1/jobs/b/runs?cursor={next}")).await.status, 200);
    assert_eq!(site.get(&format!("/v1/jobs/a/runs?cursor={next}")).await.pointers(), ["/cursor"]);
    let wrong = "/v1/runs?outcome=lucky&trigger=moon&since=once";
    assert_eq!(site.get(wrong).await.pointers(), ["/outcome", "/trigger", "/since"]);
}

#[tokio::test]
async fn a_run_that_nobody_asked_for_is_not_found() {
    let site = Site::new().await;
    let id = RunId::new(sandglass_core::JobId(1), site.now(), 1);
    site.get(&format!("/v1/runs/{id}")).await.problem(404, "not-found");
    site.get(&format!("/v1/runs/{id}/logs")).await.problem(404, "not-found");
    site.call("POST", &format!("/v1/runs/{id}/cancel"), Value::Null).await.problem(404, "not-found");
}
