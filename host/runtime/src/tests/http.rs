//! The http interface, against a server on loopback. What the client itself refuses is tried where it lives.

use super::{Host, spec};
use crate::bindings::sandglass::job::http::{self, Request, Response};
use crate::outgoing::Waits;
use crate::state::State;
use sandglass_core::limit::{Bytes, Limits};
use sandglass_core::run::Usage;
use sandglass_outbound::{Client, Resolver, roots};
use serde_json::json;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Instant;

/// Answers every connection with `answer`, once it has the end of a request's head.
fn server(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut seen = Vec::new();
            let mut piece = [0; 1024];
            while !seen.windows(4).any(|end| end == b"\r\n\r\n") {
                match stream.read(&mut piece) {
                    Ok(count) if count > 0 => seen.extend_from_slice(&piece[..count]),
                    _ => break,
                }
            }
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

const HELLO: &str = "HTTP/1.1 203 Fine\r\nx-one: 1\r\nX-Two: \u{fc}\r\ncontent-length: 5\r\n\r\nhello";

fn get(url: String) -> Request {
    Request { method: "GET".into(), url, headers: vec![], body: None, timeout_ms: None }
}

/// A guest that may ask loopback's `port`.
fn guest(host: &Host, port: u16, change: impl FnOnce(&mut Limits)) -> State {
    let grant = json!({"host": format!("127.0.0.1:{port}"), "private": true});
    let spec = spec(|spec| {
        spec.grants.http = vec![serde_json::from_value(grant).unwrap()];
        change(&mut spec.limits);
    });
    let mut context = host.attempt(spec);
    context.outbound = Some(Arc::new(Client::new(Resolver::system(), roots(b"").unwrap()).unwrap()));
    State::new(context, Instant::now(), false)
}

async fn send(state: &mut State, request: Request) -> Result<Response, String> {
    let sent = http::Host::send(state, request).await.unwrap();
    sent.map_err(|error| format!("{}: {}", error.code, error.message))
}

#[tokio::test]
async fn a_granted_host_answers_and_the_exchange_is_recorded() {
    let (host, server) = (Host::new(), server(HELLO));
    let mut state = guest(&host, server.port(), |_| ());
    let answer = send(&mut state, get(format!("http://{server}/a?key=private"))).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (203, &b"hello"[..]));
    assert!(answer.headers.contains(&("x-two".into(), "\u{fc}".into())), "{:?}", answer.headers);
    let mut usage = Usage::default();
    let exchanges = state.requests().account(&mut usage);
    assert_eq!((usage.http_calls, usage.http_received), (1, HELLO.len() as u64));
    let record = serde_json::to_value(&exchanges[0]).unwrap();
    assert_eq!(record["status"], 203);
    assert_eq!(record["host"], "127.0.0.1");
    assert!(usage.http_sent > 0 && !record.to_string().contains("private"), "{record}");
}

#[tokio::test]
async fn errors_have_the_codes_of_the_contract() {
    let (host, server) = (Host::new(), server(HELLO));
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut state = guest(&host, server.port(), |limits| limits.http_request = Bytes(200));
    let url = format!("http://{server}/");
    let large = Request { method: "POST".into(), body: Some(vec![b'x'; 300]), ..get(url.clone()) };
    let header = Request { headers: vec![("a\nb".into(), "c".into())], ..get(url.clone()) };
    for (request, start) in [
        (get(format!("http://{free}/")), "denied: no grant covers requests to"),
        (get("http://127.0.0.1:x/".into()), "invalid: "),
        (header, "invalid: the name of a header is not a token"),
        (large, "quota: the request is larger than 200B, the limit http_request"),
    ] {
        let error = send(&mut state, request).await.unwrap_err();
        assert!(error.starts_with(start), "{error}");
        assert_eq!(state.last_error.as_deref(), Some(error.as_str()));
    }
    let mut usage = Usage::default();
    // Those that are no requests count, and there is nothing to record of them.
    assert_eq!((state.requests().account(&mut usage).len(), usage.http_calls), (2, 4));
}

#[tokio::test]
async fn a_guest_may_wait_less_than_its_limit() {
    let host = Host::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let mut state = guest(&host, port, |_| ());
    let hasty = Request { timeout_ms: Some(20), ..get(format!("http://127.0.0.1:{port}/")) };
    let error = send(&mut state, hasty).await.unwrap_err();
    let expected =
        "unavailable: 20ms, the time that the caller gave, were over before the head of an answer came";
    assert_eq!(error, expected);
    let exchange = state.requests().account(&mut Usage::default()).remove(0);
    assert_eq!((exchange.error.as_deref(), exchange.status), (Some("unavailable"), None));
    assert!(exchange.sent > 0, "{exchange:?}");
}

#[tokio::test]
async fn calls_are_counted_those_that_are_refused_too() {
    let (host, server) = (Host::new(), server(HELLO));
    let mut state = guest(&host, server.port(), |limits| limits.http_calls = 2);
    send(&mut state, get("http://192.0.2.1/".into())).await.unwrap_err();
    send(&mut state, get(format!("http://{server}/"))).await.unwrap();
    let error = send(&mut state, get(format!("http://{server}/"))).await.unwrap_err();
    assert_eq!(error, "quota: more than 2 requests to other hosts (limit http_calls)");
    let charged = state.meter.burnt(state.context.spec.limits.fuel);
    assert!(charged >= 3_000_000, "a request costs fuel: {charged}");
}

#[tokio::test]
async fn nothing_is_sent_when_the_attempts_time_is_over() {
    let (host, server) = (Host::new(), server(HELLO));
    let mut state = guest(&host, server.port(), |_| ());
    state.ends_at = Instant::now();
    let error = send(&mut state, get(format!("http://{server}/"))).await.unwrap_err();
    assert_eq!(error, "unavailable: the attempt's time is over");
}

#[test]
fn a_host_without_a_client_says_so() {
    let host = Host::new();
    let mut state = State::new(host.attempt(spec(|_| ())), Instant::now(), false);
    let refused = state.requests().admit(Waits { head: None, all: None }).err().unwrap();
    assert_eq!(refused.to_string(), "this host makes no requests to others");
}
