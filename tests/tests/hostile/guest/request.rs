//! Guests that make requests without end, or to hosts that are hostile themselves.

use super::Guest;
use crate::server::address;
use serde_json::{Value, json};

pub fn guests() -> Vec<Guest> {
    vec![
        Guest::probe(
            "requests-without-end",
            json!([{"repeat": {"times": 100, "step": {"http": {"url": url("/short")}}}}, one(&url("/short"))]),
        )
        .grants(granted())
        .limit("http_calls", 5)
        .fails("error", &["quota", "more than 5 requests", "(limit http_calls)"]),
        // Refused ones count too: a job that asks for what it may not have is not cheaper.
        Guest::probe(
            "refused-requests-without-end",
            json!([{"repeat": {"times": 1, "step": {"http": {"url": "http://169.254.169.254/"}}}},
                   {"repeat": {"times": 1, "step": {"http": {"url": "http://[::ffff:127.0.0.1]/"}}}},
                   one(&url("/short"))]),
        )
        .grants(granted())
        .limit("http_calls", 2)
        .fails("error", &["quota", "more than 2 requests", "(limit http_calls)"]),
        request("request-of-megabytes", &json!({"url": url("/short"), "method": "POST", "body": "x".repeat(100_000)}))
            .limit("http_request", "64KiB")
            .fails("error", &["quota", "64KiB", "limit http_request"]),
        request("answer-without-end", &json!({"url": url("/flood")}))
            .limit("http_response", "256KiB")
            .fails("error", &["quota", "256KiB", "limit http_response"]),
        request("answer-with-a-head-without-end", &json!({"url": url("/head")}))
            .limit("http_response", "256KiB")
            .fails("error", &["limit"]),
        request("answer-that-never-comes", &json!({"url": url("/silence")}))
            .limit("http_time", "200ms")
            .fails("error", &["unavailable", "200ms", "limit http_time"]),
        // The attempt's own time bounds it too.
        Guest::probe("answer-that-comes-too-late", json!([one(&url("/silence"))]))
            .grants(granted())
            .timeout("300ms")
            .fails("timeout", &["not done within 300ms", "(policy timeout)"]),
        request("answer-that-is-none", &json!({"url": url("/garbage")})).fails("error", &["unavailable"]),
        request("url-with-a-password", &json!({"url": url("/short").replace("//", "//user:password@")}))
            .fails("error", &["invalid"]),
        request("header-with-a-line-break", &json!({"url": url("/short"), "headers": [["x", "a\r\nhost: other"]]}))
            .fails("error", &["invalid"]),
        request("url-of-a-file", &json!({"url": "file:///etc/passwd"})).fails("error", &["only http and https"]),
        request("port-that-is-not-granted", &json!({"url": "http://127.0.0.1:22/"})).fails("error", &["denied"]),
    ]
}

fn url(path: &str) -> String {
    format!("http://{}{path}", address())
}

fn granted() -> Value {
    json!({"http": [{"host": address().to_string(), "private": true}]})
}

/// A request that must be answered.
fn one(url: &str) -> Value {
    json!({"http": {"url": url}, "must": true})
}

fn request(name: &'static str, request: &Value) -> Guest {
    Guest::probe(name, json!([{"http": request, "must": true}])).grants(granted())
}
