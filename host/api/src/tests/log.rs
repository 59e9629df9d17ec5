//! `/runs/{id}/logs`.

use super::{Answer, Site};
use sandglass_core::RunId;
use sandglass_core::log::{Level, Line, Source};
use sandglass_store::op;
use serde_json::{Value, json};

impl Site {
    /// Stores a piece of a run's log.
    pub(super) async fn logged(&self, run: RunId, piece: u32, messages: &[&str]) {
        let line = |message: &&str| Line {
            at: self.now(),
            attempt: 1,
            level: Level::Info,
            source: Source::Log,
            message: (*message).to_owned(),
        };
        let lines: Vec<Line> = messages.iter().map(line).collect();
        self.write(move |write, _| Ok(op::log::add(write, run, piece, &lines)?)).await;
    }

    async fn logs(&self, run: RunId, query: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(self.request("GET", &format!("/v1/runs/{run}/logs{query}"), headers, "")).await
    }
}

const EVENTS: (&str, &str) = ("accept", "text/event-stream");

async fn site_with_run() -> (Site, RunId) {
    let site = Site::new().await;
    site.job("a").await;
    let run = site.ask("a").await;
    site.begin().await;
    site.logged(run, 0, &["one", "two\nlines"]).await;
    site.logged(run, 1, &["three"]).await;
    (site, run)
}

#[tokio::test]
async fn a_log_is_a_line_of_json_for_each_line() {
    let (site, run) = site_with_run().await;
    let answer = site.logs(run, "", &[]).await.is(200);
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    let lines: Vec<Value> = answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        lines[0],
        json!({
            "place": "0.0", "at": "2026-01-01T00:00:00.000Z", "attempt": 1, "level": "info", "source": "log",
            "message": "one",
        })
    );
    let places: Vec<_> = lines.iter().map(|line| line["place"].as_str().unwrap()).collect();
    assert_eq!(places, ["0.0", "0.1", "1.0"]);
    assert_eq!(lines[1]["message"], "two\nlines");
}

#[tokio::test]
async fn a_followed_log_goes_on_until_the_run_ends() {
    let (site, run) = site_with_run().await;
    let (lines, events, ()) =
        tokio::join!(site.logs(run, "?follow=true", &[]), site.logs(run, "", &[EVENTS]), async {
            site.logged(run, 2, &["four"]).await;
            site.end(run, Ok(None)).await;
        });
    assert_eq!(lines.text().lines().count(), 4);
    assert_eq!(events.header("content-type"), "text/event-stream");
    let names: Vec<_> = events.text().lines().filter(|line| line.starts_with("event: ")).collect();
    assert_eq!(names, ["event: line", "event: line", "event: line", "event: line", "event: end"]);
    let end = events.text().lines().rfind(|line| line.starts_with("data: ")).unwrap();
    let end: Value = serde_json::from_str(&end["data: ".len()..]).unwrap();
    assert_eq!((&end["id"], &end["outcome"]), (&json!(run.to_string()), &json!("succeeded")));
}

#[tokio::test]
async fn a_reader_goes_on_where_it_was() {
    let (site, run) = site_with_run().await;
    site.end(run, Ok(None)).await;
    let answer = site.logs(run, "", &[EVENTS, ("last-event-id", "0.1")]).await.is(200);
    let ids: Vec<_> = answer.text().lines().filter_map(|line| line.strip_prefix("id: ")).collect();
    assert_eq!(ids, ["1.0", "end"]);
    // Who has seen the end is told not to come again.
    assert_eq!(site.logs(run, "", &[EVENTS, ("last-event-id", "end")]).await.status, 204);
    site.logs(run, "", &[EVENTS, ("last-event-id", "x")]).await.problem(400, "bad-request");
    assert_eq!(site.logs(run, "?follow=maybe", &[]).await.pointers(), ["/follow"]);
}

#[tokio::test]
async fn a_follower_ends_with_the_host() {
    let (site, run) = site_with_run().await;
    let (answer, ()) = tokio::join!(site.logs(run, "", &[EVENTS]), async {
        tokio::task::yield_now().await;
        site.app.closing.cancel();
    });
    assert!(answer.text().contains("three") && !answer.text().contains("event: end"));
}
