//! Requests that go well, and what is on the wire.

use crate::name_server::{NameServer, addresses};
use crate::server::{Forbidden, Server, head};
use crate::{client, generous, grants, private};
use bytes::Bytes;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use sandglass_core::Span;
use sandglass_core::exchange::Exchange;
use sandglass_outbound::{Denial, Error, Request, Resolver};
use serde_json::json;
use std::convert::Infallible;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{mpsc, oneshot};

/// A server that hands each head and `content-length` bytes of body to the test, and answers 200.
async fn recording() -> (Server, mpsc::UnboundedReceiver<String>) {
    let (seen, requests) = mpsc::unbounded_channel();
    let server = Server::new(move |mut stream| {
        let seen = seen.clone();
        async move {
            let mut request = head(&mut stream).await;
            let length = request.lines().find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
            stream.read_exact(&mut body).await.unwrap();
            request.push_str(std::str::from_utf8(&body).unwrap());
            seen.send(request).unwrap();
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nx-a: 1\r\nx-a: 2\r\ncontent-length: 5\r\n\r\nhello")
                .await
                .unwrap();
        }
    })
    .await;
    (server, requests)
}

#[tokio::test]
async fn a_granted_host_on_loopback_answers() {
    let (server, mut requests) = recording().await;
    let names = NameServer::new(|_, _| addresses(&["127.0.0.1"])).await;
    let port = server.address.port();
    let request = Request::new("POST", &format!("http://API.local.test.:{port}/a/../b?x=1#part"))
        .unwrap()
        .header("Content-Type", b"text/plain")
        .unwrap()
        .header("x-trace", "ü".as_bytes())
        .unwrap()
        .body("what is asked".into());
    let grants = private(&format!("*.local.test:{port}"));
    let response = client(names.resolver()).send(&grants, generous(), request).await.unwrap();

    assert_eq!((response.status, &response.body[..]), (200, &b"hello"[..]));
    let values: Vec<_> = response.headers.get_all("x-a").iter().collect();
    assert_eq!(values, ["1", "2"]);
    let seen = requests.recv().await.unwrap();
    assert_eq!(
        seen,
        format!(
            "POST /b?x=1 HTTP/1.1\r\ncontent-type: text/plain\r\nx-trace: ü\r\nhost: api.local.test:{port}\r\n\
             connection: close\r\nuser-agent: sandglass/{}\r\ncontent-length: 13\r\n\r\nwhat is asked",
            env!("CARGO_PKG_VERSION")
        )
    );
    let Exchange { sent, received, .. } = response.ledger.exchange();
    assert_eq!(sent, seen.len() as u64);
    assert_eq!(
        received,
        "HTTP/1.1 200 OK\r\nx-a: 1\r\nx-a: 2\r\ncontent-length: 5\r\n\r\nhello".len() as u64
    );
    assert_eq!(
        Exchange { duration: Span::ZERO, sent: 0, received: 0, ..response.ledger.exchange() },
        Exchange {
            method: "POST".into(),
            scheme: "http".into(),
            host: "api.local.test".into(),
            port,
            address: Some("127.0.0.1".into()),
            status: Some(200),
            error: None,
            duration: Span::ZERO,
            sent: 0,
            received: 0,
        }
    );
}

#[tokio::test]
async fn every_request_has_a_connection_of_its_own() {
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let client = client(Resolver::system());
    let grants = private(&server.address.to_string());
    for count in 1..=3 {
        let request = Request::new("GET", &server.url("/")).unwrap();
        client.send(&grants, generous(), request).await.unwrap();
        assert_eq!(server.connections(), count);
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let forbidden = Forbidden::new().await;
    for (status, location) in [
        (301, format!("http://127.0.0.1:{}/", forbidden.port)),
        (302, format!("http://localhost:{}/", forbidden.port)),
        (303, format!("//[::1]:{}/", forbidden.port)),
        (307, format!("http://2130706433:{}/", forbidden.port)),
        (308, "file:///etc/passwd".into()),
    ] {
        let answer = format!(
            "HTTP/1.1 {status} Moved\r\nlocation: {location}\r\nrefresh: 0; url={location}\r\ncontent-length: 0\r\n\r\n"
        );
        let server = Server::answering(answer).await;
        let grants = private(&server.address.to_string());
        let request = Request::new("GET", &server.url("/")).unwrap();
        let response = client(Resolver::system()).send(&grants, generous(), request).await.unwrap();
        assert_eq!((response.status, response.headers["location"].to_str().unwrap()), (status, &*location));
        assert_eq!(server.connections(), 1);
        assert_eq!(forbidden.visitors().await, 0);
    }
}

#[tokio::test]
async fn what_is_compressed_stays_so() {
    let server = Server::answering(
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x1f\x8b\x08\x00".as_slice(),
    )
    .await;
    let request = Request::new("GET", &server.url("/")).unwrap();
    let grants = private(&server.address.to_string());
    let response = client(Resolver::system()).send(&grants, generous(), request).await.unwrap();
    assert_eq!(response.headers["content-encoding"], "gzip");
    assert_eq!(&response.body[..], b"\x1f\x8b\x08\x00");
}

#[tokio::test]
async fn the_head_alone_may_speak_of_a_body_of_any_size() {
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 1152921504606846976\r\n\r\n").await;
    let request = Request::new("HEAD", &server.url("/")).unwrap();
    let grants = private(&server.address.to_string());
    let response = client(Resolver::system()).send(&grants, generous(), request).await.unwrap();
    assert_eq!((response.status, response.body.len()), (200, 0));
}

#[tokio::test]
async fn bodies_stream_in_both_directions() {
    let (reached, mut at) = mpsc::unbounded_channel();
    let server = Server::new(move |mut stream| {
        let reached = reached.clone();
        async move {
            let head = head(&mut stream).await;
            assert!(head.contains("transfer-encoding: chunked\r\n"), "{head}");
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")
                .await
                .unwrap();
            let mut chunk = [0; "5\r\nfirst\r\n".len()];
            stream.read_exact(&mut chunk).await.unwrap();
            assert_eq!(&chunk, b"5\r\nfirst\r\n");
            reached.send(()).unwrap();
            let mut rest = [0; "6\r\nsecond\r\n0\r\n\r\n".len()];
            stream.read_exact(&mut rest).await.unwrap();
            assert_eq!(&rest, b"6\r\nsecond\r\n0\r\n\r\n");
            stream.write_all(b"3\r\ntwo\r\n0\r\nx-sum: 1\r\n\r\n").await.unwrap();
        }
    })
    .await;

    let (body, frames) = mpsc::unbounded_channel::<Result<Frame<Bytes>, Infallible>>();
    let frames =
        futures_util::stream::unfold(frames, |mut frames| async { Some((frames.recv().await?, frames)) });
    let request = Request::new("PUT", &server.url("/")).unwrap().body(StreamBody::new(frames));
    let grants = private(&server.address.to_string());
    let mut response = client(Resolver::system()).start(&grants, generous(), request).await.unwrap();
    assert_eq!(response.body.frame().await.unwrap().unwrap().into_data().unwrap(), "one");
    body.send(Ok(Frame::data("first".into()))).unwrap();
    at.recv().await.unwrap();
    assert_eq!(response.ledger.exchange().status, Some(200));
    body.send(Ok(Frame::data("second".into()))).unwrap();
    drop(body);
    assert_eq!(response.body.frame().await.unwrap().unwrap().into_data().unwrap(), "two");
    assert_eq!(response.body.frame().await.unwrap().unwrap().into_trailers().unwrap()["x-sum"], "1");
    assert!(response.body.frame().await.is_none());
}

#[tokio::test]
async fn dropping_an_answer_closes_its_connection() {
    let (closed, is_closed) = oneshot::channel();
    let closed = std::sync::Mutex::new(Some(closed));
    let server = Server::new(move |mut stream| {
        let closed = closed.lock().unwrap().take().unwrap();
        async move {
            head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nsome").await.unwrap();
            let _ = stream.read(&mut [0]).await;
            closed.send(()).unwrap();
        }
    })
    .await;
    let request = Request::new("GET", &server.url("/")).unwrap().body(http_body_util::Empty::new());
    let grants = private(&server.address.to_string());
    let response = client(Resolver::system()).start(&grants, generous(), request).await.unwrap();
    let ledger = response.ledger.clone();
    drop(response);
    is_closed.await.unwrap();
    assert_eq!(ledger.exchange().duration, ledger.exchange().duration);
}

#[tokio::test]
async fn what_is_not_granted_is_denied_by_name_before_anything_is_looked_up() {
    let names = NameServer::new(|_, _| addresses(&["127.0.0.1"])).await;
    let forbidden = Forbidden::new().await;
    let port = forbidden.port;
    let grants = grants(&json!([format!("api.test:{port}"), {"host": "*.api.test", "private": true}]));
    for (url, denied) in [
        (format!("http://other.test:{port}/"), format!("other.test:{port}")),
        (format!("http://api.test.evil.test:{port}/"), format!("api.test.evil.test:{port}")),
        (format!("http://www.api.test:{port}/"), format!("www.api.test:{port}")),
        ("https://api.test/".into(), "api.test:443".into()),
    ] {
        let request = Request::new("GET", &url).unwrap();
        let failure = client(names.resolver()).send(&grants, generous(), request).await.unwrap_err();
        assert!(matches!(failure.error, Error::Denied(Denial::Host { .. })), "{}", failure.error);
        assert_eq!(
            failure.error.to_string(),
            format!("no grant covers requests to `{denied}`: add it to grants.http")
        );
        assert_eq!(failure.exchange.error.as_deref(), Some("denied"));
        assert_eq!(failure.exchange.address, None);
    }
    for name in ["other.test", "api.test.evil.test", "www.api.test", "api.test"] {
        assert_eq!(names.queries(name), 0, "{name}");
    }
    assert_eq!(forbidden.visitors().await, 0);
}
