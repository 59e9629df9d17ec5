//! `/schedules/preview` and `/upcoming`.

use super::Site;
use serde_json::json;

#[tokio::test]
async fn a_preview_shows_when_and_says_it_in_words() {
    let site = Site::new().await;
    let path =
        "/v1/schedules/preview?cron=30+2+*+*+*&time_zone=Europe/Zurich&after=2026-03-28T00:00:00Z&count=2";
    let preview = site.get(path).await.json_of(200);
    // The second one falls into the gap of the change to summer time, and shifts to its end.
    assert_eq!(preview["occurrences"], json!(["2026-03-28T01:30:00.000Z", "2026-03-29T01:00:00.000Z"]));
    assert!(preview["words"].as_str().unwrap().contains("02:30"), "{preview}");
    let preview = site.get("/v1/schedules/preview").await.json_of(200);
    assert_eq!(preview, json!({"occurrences": [], "words": "on demand"}));
    let preview = site.get("/v1/schedules/preview?every=1h&after=2030-01-01T00:00:00Z&count=1").await.json();
    assert_eq!(preview["occurrences"], json!(["2030-01-01T01:00:00.000Z"]));
}

#[tokio::test]
async fn what_is_wrong_with_a_schedule_is_told_at_its_parameter() {
    let site = Site::new().await;
    for (query, expected) in [
        ("cron=61+*+*+*+*&time_zone=Mars", vec!["/cron", "/time_zone"]),
        ("every=1h&cron=@daily", vec!["/cron"]),
        ("dst_gap=maybe&count=1001&after=noon", vec!["/dst_gap", "/after", "/count"]),
        ("job=clean&every=1h", vec!["/job"]),
        ("job=No", vec!["/job"]),
    ] {
        assert_eq!(site.get(&format!("/v1/schedules/preview?{query}")).await.pointers(), expected, "{query}");
    }
    site.get("/v1/schedules/preview?job=clean").await.problem(404, "not-found");
}

#[tokio::test]
async fn a_job_is_previewed_as_it_will_be_due() {
    let site = Site::new().await;
    let digest = site.component(&[]).await;
    let schedule = json!({"every": "1h", "jitter": "30m"});
    site.call("PUT", "/v1/jobs/a", json!({"component": digest, "schedule": schedule})).await.is(201);
    site.call("PUT", "/v1/jobs/b", json!({"component": digest, "schedule": {"every": "2h"}})).await.is(201);
    site.call("PUT", "/v1/jobs/c", json!({"component": digest})).await.is(201);
    let preview = site.get("/v1/schedules/preview?job=a&count=1").await.json_of(200);
    let upcoming = site.get("/v1/upcoming?limit=1").await.json_of(200);
    assert_eq!(upcoming["items"][0]["at"], preview["occurrences"][0]);
    assert_eq!(upcoming["items"][0]["scheduled_for"], "2026-01-01T01:00:00.000Z");
    let next = upcoming["next"].as_str().unwrap();
    let rest = site.get(&format!("/v1/upcoming?cursor={next}")).await.json_of(200);
    assert_eq!(
        rest["items"],
        json!([{"at": "2026-01-01T02:00:00.000Z", "job": "b", "scheduled_for": "2026-01-01T02:00:00.000Z"}])
    );
    assert_eq!(rest["next"], json!(null));
    let none = site.get("/v1/upcoming?until=2026-01-01T00:30:00Z").await.json_of(200);
    assert_eq!(none["items"], json!([]));
}
