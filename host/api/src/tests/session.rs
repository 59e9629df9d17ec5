//! Browsers that sign in, and the page that they see.

use super::{Answer, Site};
use axum::body::Body;
use axum::http::Request;
use sandglass_core::Span;
use sandglass_store::op;
use sandglass_store::record::Token;
use serde_json::{Value, json};

const HOST: (&str, &str) = ("host", "127.0.0.1:8420");
const OWN: (&str, &str) = ("sandglass-portal", "1");

/// A request without a token.
async fn ask(site: &Site, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request =
        headers.iter().fold(Request::builder().method(method).uri(path), |request, (name, value)| {
            request.header(*name, *value)
        });
    site.send(request.header("content-type", "application/json").body(Body::from(body)).unwrap()).await
}

/// Signs in, and gives the cookie as a browser sends it back.
async fn cookie(site: &Site) -> String {
    let proof = json!({"token": site.token});
    let answer = ask(site, "POST", "/v1/session", &[HOST, OWN], &proof).await.is(201);
    let set = answer.header("set-cookie").to_owned();
    assert!(set.contains("; HttpOnly; SameSite=Strict"), "{set}");
    assert!(!set.contains(&site.token));
    set.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_session_stands_for_its_token_until_it_is_given_up() {
    let site = Site::new().await;
    let cookie = cookie(&site).await;
    let with = [HOST, ("cookie", cookie.as_str()), OWN];
    let who = ask(&site, "GET", "/v1/session", &with, &Value::Null).await.json_of(200);
    assert_eq!(
        who,
        json!({"token": "test", "right": "admin", "grants": {}, "expires_at": "2026-01-15T00:00:00.000Z"})
    );
    ask(&site, "PUT", "/v1/tables/t", &with, &json!({})).await.is(201);
    ask(&site, "DELETE", "/v1/session", &with, &Value::Null).await.is(204);
    ask(&site, "GET", "/v1/session", &with, &Value::Null).await.problem(401, "unauthorized");
}

#[tokio::test]
async fn a_session_ends_by_itself() {
    let site = Site::new().await;
    let cookie = cookie(&site).await;
    let with = [HOST, ("cookie", cookie.as_str())];
    site.pass(Span::from_secs(14 * 86_400 - 1));
    ask(&site, "GET", "/v1/jobs", &with, &Value::Null).await.is(200);
    site.pass(Span::from_secs(1));
    ask(&site, "GET", "/v1/jobs", &with, &Value::Null).await.problem(401, "unauthorized");
}

#[tokio::test]
async fn a_change_by_cookie_must_come_from_the_page() {
    let site = Site::new().await;
    let cookie = cookie(&site).await;
    let cookie = ("cookie", cookie.as_str());
    for headers in [
        &[HOST, cookie][..],
        &[HOST, cookie, OWN, ("origin", "http://127.0.0.1:3000")],
        &[HOST, cookie, OWN, ("origin", "null")],
    ] {
        ask(&site, "PUT", "/v1/tables/t", headers, &json!({})).await.problem(403, "forbidden");
        ask(&site, "DELETE", "/v1/session", headers, &Value::Null).await.problem(403, "forbidden");
    }
    ask(&site, "GET", "/v1/tables/t", &[HOST, cookie], &Value::Null).await.problem(404, "not-found");
    // Another port's cookie is none, and a token that is wrong is not made good by a cookie.
    let elsewhere = [("host", "127.0.0.1:9000"), cookie];
    ask(&site, "GET", "/v1/jobs", &elsewhere, &Value::Null).await.problem(401, "unauthorized");
    let both = [HOST, cookie, ("authorization", "Bearer x")];
    ask(&site, "GET", "/v1/jobs", &both, &Value::Null).await.problem(401, "unauthorized");
}

#[tokio::test]
async fn nobody_signs_in_without_a_proof() {
    let site = Site::new().await;
    for proof in [json!({"token": "sgl_x"}), json!({"token": crate::new_token()}), json!({"code": "abc"})] {
        let answer = ask(&site, "POST", "/v1/session", &[HOST, OWN], &proof).await;
        assert_eq!(answer.header("set-cookie"), "");
        answer.problem(401, "unauthorized");
    }
    for proof in [json!({}), json!({"token": "a", "code": "b"}), json!({"name": "a"})] {
        ask(&site, "POST", "/v1/session", &[HOST, OWN], &proof).await.problem(422, "invalid");
    }
    let proof = json!({"token": site.token});
    ask(&site, "POST", "/v1/session", &[HOST], &proof).await.problem(403, "forbidden");
}

#[tokio::test]
async fn a_link_signs_in_once() {
    let token = crate::new_token();
    let (link, code) = crate::Link::new(crate::hash(&token));
    let site = Site::with(crate::Options { link: Some(link), ..Default::default() }).await;
    let record = Token::admin("first".parse().unwrap(), site.now());
    site.write(move |write, _| {
        op::token::put(write, crate::hash(&token), &record);
        Ok(())
    })
    .await;
    let proof = json!({"code": code});
    let signed_in = ask(&site, "POST", "/v1/session", &[HOST, OWN], &proof).await.json_of(201);
    assert_eq!(signed_in["token"], "first");
    ask(&site, "POST", "/v1/session", &[HOST, OWN], &proof).await.problem(401, "unauthorized");
}

#[tokio::test]
async fn a_browser_gets_the_page_and_a_program_a_problem() {
    let site = Site::new().await;
    for path in ["/", "/jobs/a/runs", "/nowhere"] {
        let page = ask(&site, "GET", path, &[("accept", "text/html,*/*")], &Value::Null).await.is(200);
        assert!(page.header("content-type").starts_with("text/html"));
        assert!(page.header("content-security-policy").starts_with("default-src 'none';"));
        assert!(page.text().contains("Sandglass"));
    }
    for (method, path, accept) in [
        ("GET", "/nowhere", "application/json"),
        ("GET", "/v1/nowhere", "text/html"),
        ("POST", "/nowhere", "text/html"),
        ("GET", "/assets/portal-0.js", "text/html"),
    ] {
        let answer = site.send(site.request(method, path, &[("accept", accept)], "")).await;
        answer.problem(404, "not-found");
    }
}

#[tokio::test]
async fn the_host_tells_of_itself() {
    let site = Site::new().await;
    site.pass(Span::from_secs(5));
    let host = site.get("/v1/host").await.json_of(200);
    assert_eq!(
        (&host["started_at"], &host["now"]),
        (&json!("2026-01-01T00:00:00.000Z"), &json!("2026-01-01T00:00:05.000Z"))
    );
    assert_eq!(host["attempts"], json!({"executing": 0, "max": 0, "started": 0}));
    assert!(host["store_bytes"].as_u64().is_some_and(|bytes| bytes > 0), "{host}");
}
