//! Servers that would take more of time or memory than there is.

use crate::name_server::{NameServer, Told};
use crate::server::{Server, head};
use crate::{at_most, client, generous, hasty, private};
use bytes::Bytes;
use http_body::Frame;
use http_body_util::StreamBody;
use sandglass_core::limit;
use sandglass_outbound::{Cause, Error, Failure, Limits, Request, Resolver};
use std::convert::Infallible;
use std::sync::Mutex;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::oneshot;

/// A server that begins with `start` and goes on with `again` for as long as it is listened to, and tells when it is
/// not any more.
async fn endless(start: &str, again: impl Into<Vec<u8>>, pause: Duration) -> (Server, oneshot::Receiver<()>) {
    let (closed, is_closed) = oneshot::channel();
    let (closed, start, again) = (Mutex::new(Some(closed)), start.to_owned(), again.into());
    let server = Server::new(move |mut stream| {
        let (closed, start, again) = (closed.lock().unwrap().take().unwrap(), start.clone(), again.clone());
        async move {
            head(&mut stream).await;
            stream.write_all(start.as_bytes()).await.unwrap();
            while stream.write_all(&again).await.is_ok() {
                tokio::time::sleep(pause).await;
            }
            closed.send(()).unwrap();
        }
    })
    .await;
    (server, is_closed)
}

async fn failure(server: &Server, limits: Limits) -> Failure {
    let request = Request::new("GET", &server.url("/")).unwrap();
    let grants = private(&server.address.to_string());
    client(Resolver::system()).send(&grants, limits, request).await.unwrap_err()
}

#[tokio::test]
async fn what_drips_ends_at_the_limit_of_time() {
    const DRIP: Duration = Duration::from_millis(10);
    for (start, again, what) in [
        ("HTTP/1.1 200 OK\r\n\r\n", "a", "the answer came in full"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n", "a", "the answer came in full"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\na\r\n", "the answer came in full"),
        ("HTTP/1.1 200 OK\r\nx-long: ", "a", "the head of an answer came"),
        ("", "\r\n", "the head of an answer came"),
        ("HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "the head of an answer came"),
    ] {
        let (server, is_closed) = endless(start, again, DRIP).await;
        let failure = failure(&server, hasty()).await;
        assert_eq!(
            failure.error,
            Error::Unavailable {
                cause: Cause::Timeout,
                message: format!("300ms, the limit http_time, were over before {what}")
            }
        );
        assert!(failure.exchange.duration.millis() >= 300);
        // The connection is closed, though the server would go on.
        is_closed.await.unwrap();
    }
}

#[tokio::test]
async fn every_step_ends_at_the_limit_of_time() {
    let names = NameServer::new(|_, _| Told::Silence).await;
    let silent = Server::new(|mut stream| async move {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let port = silent.address.port();
    for (url, what) in [
        (format!("http://api.test:{port}/"), "its name was looked up"),
        (format!("https://127.0.0.1:{port}/"), "TLS was agreed on"),
        (format!("http://127.0.0.1:{port}/"), "the head of an answer came"),
    ] {
        let mut grants = private(&format!("api.test:{port}"));
        grants.extend(private(&format!("127.0.0.1:{port}")));
        let request = Request::new("GET", &url).unwrap();
        let failure = client(names.resolver()).send(&grants, hasty(), request).await.unwrap_err();
        assert_eq!(
            failure.error.to_string(),
            format!("300ms, the limit http_time, were over before {what}"),
            "{url}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_closed_at_the_limit_of_time() {
    let (server, is_closed) = endless("HTTP/1.1 200 OK\r\n\r\n", vec![0; 1 << 16], Duration::ZERO).await;
    let request = Request::new("GET", &server.url("/")).unwrap().body(http_body_util::Empty::new());
    let limits = Limits { response: limit::Bytes::mib(64), ..hasty() };
    let response = client(Resolver::system())
        .start(&private(&server.address.to_string()), limits, request)
        .await
        .unwrap();
    is_closed.await.unwrap();
    drop(response);
}

#[tokio::test]
async fn an_endless_answer_ends_at_the_limit_of_its_bytes() {
    const MOST: u64 = 100_000;
    let chunk = format!("1000\r\n{}\r\n", "a".repeat(4096));
    for (start, again) in [
        ("HTTP/1.1 200 OK\r\n\r\n", "a".repeat(4096)),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", chunk),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\na\r\n".repeat(100)),
        ("", "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".repeat(10)),
    ] {
        let (server, is_closed) = endless(start, again.clone(), Duration::ZERO).await;
        let failure = failure(&server, at_most(MOST)).await;
        let message = "the answer is larger than 100000B, the limit http_response";
        assert_eq!(
            failure.error,
            Error::Quota { limit: "http_response", message: message.into() },
            "{again:.20}"
        );
        assert_eq!(failure.exchange.error.as_deref(), Some("quota"));
        // One read beyond it, not more.
        assert!(failure.exchange.received < MOST + (1 << 20), "{}", failure.exchange.received);
        is_closed.await.unwrap();
    }
}

#[tokio::test]
async fn a_body_announced_as_too_large_is_not_read() {
    let (server, is_closed) = endless(
        "HTTP/1.1 200 OK\r\ncontent-length: 1152921504606846976\r\n\r\n",
        "a",
        Duration::from_millis(1),
    )
    .await;
    let failure = failure(&server, at_most(1 << 30)).await;
    assert!(matches!(failure.error, Error::Quota { limit: "http_response", .. }), "{}", failure.error);
    assert_eq!(failure.exchange.status, Some(200));
    assert!(failure.exchange.received < 1 << 20);
    is_closed.await.unwrap();
}

#[tokio::test]
async fn an_answer_of_just_the_limit_is_taken() {
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{}", "a".repeat(1000));
    let server = Server::answering(answer.clone()).await;
    let request = Request::new("GET", &server.url("/")).unwrap();
    let grants = private(&server.address.to_string());
    let response =
        client(Resolver::system()).send(&grants, at_most(answer.len() as u64), request).await.unwrap();
    assert_eq!(response.body.len(), 1000);
    let failure = failure(&server, at_most(answer.len() as u64 - 1)).await;
    assert!(matches!(failure.error, Error::Quota { limit: "http_response", .. }), "{}", failure.error);
}

#[tokio::test]
async fn heads_and_trailers_are_bounded() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n";
    for (start, again) in [
        ("HTTP/1.1 200 OK\r\n", "x-header: value\r\n".to_owned()),
        ("HTTP/1.1 200 OK\r\n", format!("x-{}: a\r\n", "a".repeat(5000))),
        ("HTTP/1.1 200 OK\r\nx-long: ", "a".repeat(1000)),
        ("HTTP/1.1 200 ", "a".repeat(1000)),
        (chunked, "x-trailer: value\r\n".to_owned()),
        (chunked, "a".repeat(1000)),
    ] {
        // The library tells of trailers that are too long only in words.
        let is_told = |error: &Error| match error {
            Error::Quota { limit: "HTTP_HEADER_BYTES", .. } => start != chunked,
            Error::Unavailable { cause: Cause::Protocol, message } => {
                start == chunked && message.contains("trailers")
            }
            _ => false,
        };
        let (server, is_closed) = endless(start, again.clone(), Duration::ZERO).await;
        let failure = failure(&server, generous()).await;
        assert!(is_told(&failure.error), "{start:?} {again:.20?}: {:?}", failure.error);
        assert!(failure.exchange.received < 1 << 20, "{}", failure.exchange.received);
        is_closed.await.unwrap();
    }
    let hundred = format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n{}\r\n", "x-a: 1\r\n".repeat(99));
    let server = Server::answering(hundred).await;
    let request = Request::new("GET", &server.url("/")).unwrap();
    let grants = private(&server.address.to_string());
    let response = client(Resolver::system()).send(&grants, generous(), request).await.unwrap();
    assert_eq!(response.headers.len(), 100);
}

#[tokio::test]
async fn requests_are_bounded_before_and_while_they_are_sent() {
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let grants = private(&server.address.to_string());
    let limits = Limits { request: limit::Bytes::kib(4), ..generous() };
    let whole = |length: usize| {
        let request = Request::new("POST", &server.url("/")).unwrap().body(Bytes::from(vec![0; length]));
        async {
            client(Resolver::system()).send(&grants, limits, request).await.map(|response| response.status)
        }
    };
    assert_eq!(whole(4000).await.unwrap(), 200);
    let failure = whole(4096).await.unwrap_err();
    let message = "the request is larger than 4KiB, the limit http_request";
    assert_eq!(failure.error, Error::Quota { limit: "http_request", message: message.into() });
    assert_eq!((failure.exchange.sent, server.connections()), (0, 1));

    // One whose length is not known, and ones that are not as they were announced.
    for (announced, chunks, expected) in [
        (None, 5, message),
        (Some("2500"), 5, "the body is longer than `content-length` says"),
        (Some("3000"), 2, "the body is shorter than `content-length` says"),
        (Some("5000"), 5, message),
    ] {
        let endless = Server::new(|mut stream| async move {
            let _ = stream.read_to_end(&mut Vec::new()).await;
        })
        .await;
        let chunk = |_| Ok::<_, Infallible>(Frame::data(Bytes::from(vec![b'a'; 1000])));
        let body = StreamBody::new(futures_util::stream::iter((0..chunks).map(chunk)));
        let mut request = Request::new("POST", &endless.url("/")).unwrap();
        if let Some(length) = announced {
            request = request.header("content-length", length.as_bytes()).unwrap();
        }
        let grants = private(&endless.address.to_string());
        let started = client(Resolver::system()).start(&grants, limits, request.body(body)).await;
        assert_eq!(started.map(|response| response.status).unwrap_err().error.to_string(), expected);
    }
}
