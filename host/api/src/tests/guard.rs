//! What stands before all handlers.

use super::{Site, streamed};
use crate::router::guarded;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use sandglass_store::StoreError;
use serde_json::{Value, json};

#[tokio::test]
async fn without_a_valid_token_nothing_is_told() {
    let site = Site::new().await;
    let other = crate::new_token();
    for path in ["/v1/jobs", "/v1/no/such/path", "/v1/runs/nonsense"] {
        for header in [None, Some("Bearer x".to_owned()), Some(format!("Bearer {other}"))] {
            let mut request = Request::get(path).body(Body::empty()).unwrap();
            if let Some(header) = &header {
                request.headers_mut().insert("authorization", header.parse().unwrap());
            }
            let answer = site.send(request).await;
            assert_eq!(answer.header("www-authenticate"), "Bearer");
            assert!(!answer.text().contains(&other));
            let problem = answer.problem(401, "unauthorized");
            assert_eq!(problem["instance"], path);
        }
    }
    assert_eq!(site.get("/v1/jobs").await.json_of(200), json!({"items": [], "next": null}));
}

#[tokio::test]
async fn health_needs_no_token() {
    let site = Site::new().await;
    let get = |path: &str| site.send(Request::get(path).body(Body::empty()).unwrap());
    assert_eq!(get("/healthz").await.json_of(200), json!({"status": "ok"}));
    assert_eq!(get("/readyz").await.json_of(200), json!({"status": "ready"}));
    site.app.closing.cancel();
    assert_eq!(get("/healthz").await.status, 200);
    get("/readyz").await.problem(503, "unavailable");
}

#[tokio::test]
async fn what_is_not_there_is_a_404_and_what_does_not_apply_a_405() {
    let site = Site::new().await;
    for path in ["/v2", "/v1", "/v1/", "/v2/jobs", "/v1/jobs/", "/v1/jobs/a/b"] {
        site.get(path).await.problem(404, "not-found");
    }
    let answer = site.call("DELETE", "/v1/jobs", Value::Null).await;
    assert_eq!(answer.header("allow"), "GET,HEAD");
    let problem = answer.problem(405, "method-not-allowed");
    assert_eq!(problem["detail"], "DELETE does not apply here: this takes GET,HEAD");
    // Two routers share this path.
    let answer = site.call("PUT", "/v1/jobs/a/runs", Value::Null).await;
    assert!(answer.header("allow").contains("GET") && answer.header("allow").contains("POST"));
    answer.problem(405, "method-not-allowed");
    site.call("POST", "/healthz", Value::Null).await.problem(405, "method-not-allowed");
}

#[tokio::test]
async fn names_that_are_none_name_nothing() {
    let site = Site::new().await;
    for path in [
        "/v1/jobs/Not_A_Name",
        "/v1/jobs/a%2Fb",
        "/v1/jobs/%FF",
        "/v1/runs/1234",
        "/v1/components/abc",
        "/v1/tables/A",
        "/v1/tables/t/rows/a%0Ab",
        "/v1/emails/x",
    ] {
        site.get(path).await.problem(404, "not-found");
    }
    for (method, path) in
        [("PUT", "/v1/jobs/Not_A_Name"), ("POST", "/v1/tables/A/rows"), ("PUT", "/v1/tables/A")]
    {
        let problem = site.call(method, path, json!({})).await.problem(422, "invalid");
        assert!(problem["detail"].as_str().unwrap().contains("not a name"), "{problem}");
    }
}

#[tokio::test]
async fn parameters_that_are_none_are_named() {
    let site = Site::new().await;
    for (method, path) in [
        ("GET", "/v1/jobs?limits=3"),
        ("GET", "/v1/jobs/a?limits=3"),
        ("PUT", "/v1/jobs/a?limits=3"),
        ("PUT", "/v1/jobs/a/component?limits=3"),
        ("POST", "/v1/jobs/a/runs?limits=3"),
        ("GET", "/v1/runs?limits=3"),
        ("POST", "/v1/components?limits=3"),
        ("GET", "/v1/schedules/preview?limits=3"),
        ("GET", "/v1/upcoming?limits=3"),
        ("PUT", "/v1/tables/a?limits=3"),
        ("POST", "/v1/tables/a/rows?limits=3"),
        ("GET", "/v1/tables/a/export?limits=3"),
        ("POST", "/v1/tables/a/import?limits=3"),
        ("GET", "/v1/emails?limits=3"),
        ("GET", "/readyz?limits=3"),
    ] {
        assert_eq!(site.call(method, path, Value::Null).await.pointers(), ["/limits"], "{method} {path}");
    }
}

#[tokio::test]
async fn what_storage_refuses_is_told_by_what_can_be_done_about_it() {
    let site = Site::new().await;
    for (error, status, code) in [
        (StoreError::Full, 507, "no-space"),
        (StoreError::Closed, 503, "unavailable"),
        (StoreError::Failed("device 7".into()), 500, "internal"),
    ] {
        site.store.fail_next([error]);
        let answer = site.call("PUT", "/v1/tables/t", Value::Null).await;
        assert!(!answer.text().contains("device 7"));
        answer.problem(status, code);
    }
    site.get("/v1/tables/t").await.problem(404, "not-found");
}

#[tokio::test]
async fn a_handler_that_panics_is_a_500() {
    let mut site = Site::new().await;
    site.router = guarded(Router::new().route("/", get(async || -> () { panic!("at row 17") })));
    let answer = site.get("/").await;
    assert!(!answer.text().contains("row 17"));
    answer.problem(500, "internal");
}

#[tokio::test]
async fn no_answer_is_kept_or_guessed_at() {
    let site = Site::new().await;
    let answer = site.get("/v1/jobs").await;
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn bodies_of_json_are_bounded_and_typed() {
    let site = Site::with(crate::Options { json_bytes_max: 100, ..Default::default() }).await;
    let put = |body: Body, kind: &str| {
        site.send(site.request("POST", "/v1/tables/t/rows", &[("content-type", kind)], body))
    };
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(200));
    put(long.clone().into(), "application/json").await.problem(413, "too-large");
    put(streamed(long.as_bytes(), 30), "application/json").await.problem(413, "too-large");
    put("{\"a\":".into(), "application/json").await.problem(400, "bad-request");
    put("a=1".into(), "application/x-www-form-urlencoded").await.problem(415, "unsupported-media-type");
    put("".into(), "application/json").await.problem(400, "bad-request");
    put("{\"a\":1}".into(), "application/json; charset=utf-8").await.is(201);
}

#[tokio::test]
async fn a_key_that_would_not_be_heeded_is_refused() {
    let site = Site::new().await;
    let headers = [("idempotency-key", "once")];
    let answer = site.call_if("POST", "/v1/jobs/a/pause", &headers, json!({})).await;
    let problem = answer.problem(400, "bad-request");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("Idempotency-Key")), "{problem}");
}

#[tokio::test]
async fn a_refusal_of_a_body_says_that_the_connection_ends() {
    let site = Site::new().await;
    let refused = site.call("POST", "/v1/jobs/a/runs", json!({})).await;
    assert_eq!((refused.status, refused.header("connection")), (404, "close"));
    let without_body = Request::get("/v1/jobs").body(Body::empty()).unwrap();
    let answer = site.send(without_body).await;
    assert_eq!(answer.status, 401);
    assert!(!answer.headers.contains_key("connection"));
}
