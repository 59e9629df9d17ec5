//! The accept loop, over real connections.

use super::Site;
use crate::app::Backend;
use crate::{Options, serve};
use sandglass_core::Name;
use sandglass_store::op;
use sandglass_store::op::table::Existing;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

struct Served {
    site: Site,
    address: std::net::SocketAddr,
    shutdown: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
}

async fn served(options: Options) -> Served {
    let site = Site::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let (host, components) = (site.app.host.clone(), site.app.components.clone());
    let backend = Backend { host, components, metrics: site.app.metrics.clone() };
    let serving = tokio::spawn(serve(listener, backend, options, shutdown.clone()));
    Served { site, address, shutdown, serving }
}

impl Served {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// What comes back until the connection ends.
    async fn exchange(&self, request: &[u8]) -> String {
        let mut stream = self.connect().await;
        // The host may close before it has read all of it.
        let _ = stream.write_all(request).await;
        rest(&mut stream).await
    }

    fn head(&self, line: &str, headers: &str) -> String {
        format!("{line} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n{headers}\r\n", self.site.token)
    }
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

fn quick() -> Options {
    let short = Duration::from_millis(200);
    Options {
        header_time_max: short,
        body_idle_max: short,
        shutdown_time_max: short,
        upload_bytes_max: 1 << 20,
        ..Options::default()
    }
}

#[tokio::test]
async fn requests_are_answered_one_after_the_other_on_a_connection() {
    let served = served(Options::default()).await;
    let get = served.head("GET /v1/jobs", "");
    let last = served.head("GET /v1/jobs", "connection: close\r\n");
    let answer = served.exchange(format!("{get}{last}").as_bytes()).await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2, "{answer}");
    assert_eq!(answer.matches(&json!({"items": [], "next": null}).to_string()).count(), 2);
}

#[tokio::test]
async fn heads_are_bounded_in_size_and_time() {
    let served = served(quick()).await;
    let long = served.head("GET /healthz", &format!("x-long: {}\r\n", "x".repeat(70 << 10)));
    let answer = served.exchange(long.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let many = "x: y\r\n".repeat(300);
    assert!(
        served.exchange(served.head("GET /healthz", &many).as_bytes()).await.starts_with("HTTP/1.1 431 ")
    );
    let begun = Instant::now();
    assert_eq!(served.exchange(b"GET /healthz HTTP/1.1\r\nhost:").await, "");
    // A connection that is kept and not used ends as well.
    let idle = served.exchange(served.head("GET /healthz", "").as_bytes()).await;
    assert!(idle.starts_with("HTTP/1.1 200 OK") && begun.elapsed() < Duration::from_secs(5), "{idle}");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let served = served(quick()).await;
    for line in ["POST /v1/tables/t/rows", "POST /v1/components", "POST /v1/tables/t/import"] {
        let head = served.head(line, "content-length: 100\r\n");
        let answer = served.exchange(format!("{head}{{").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{line}: {answer}");
    }
}

#[tokio::test]
async fn a_client_that_is_still_sending_can_read_why_it_was_refused() {
    let served = served(quick()).await;
    let bytes = 8 << 20;
    for (line, headers) in [
        ("POST /v1/components", format!("content-length: {bytes}\r\n")),
        ("POST /v1/components", "transfer-encoding: chunked\r\n".to_owned()),
    ] {
        let mut request = served.head(line, &headers).into_bytes();
        if headers.contains("chunked") {
            request.extend_from_slice(format!("{bytes:x}\r\n").as_bytes());
        }
        request.resize(request.len() + bytes, b'x');
        let answer = served.exchange(&request).await;
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("too-large"), "{answer}");
    }
}

#[tokio::test]
async fn an_address_has_so_many_connections() {
    let served = served(Options { connections_per_address_max: 2, ..Options::default() }).await;
    let first = served.connect().await;
    let mut second = served.connect().await;
    let get = served.head("GET /healthz", "");
    second.write_all(get.as_bytes()).await.unwrap();
    second.read_u8().await.unwrap();
    assert_eq!(served.exchange(get.as_bytes()).await, "");
    drop(first);
    let last = served.head("GET /healthz", "connection: close\r\n");
    while served.exchange(last.as_bytes()).await.is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_client_that_takes_nothing_loses_its_connection() {
    let served = served(Options { connections_max: 1, ..quick() }).await;
    let table: Name = "t".parse().unwrap();
    let fields = json!({"text": "x".repeat(200 << 10)}).as_object().unwrap().clone();
    let rows = (0..200).map(|number| (number.to_string().parse().unwrap(), fields.clone())).collect();
    served.site.write(move |write, now| op::table::put(write, &table, rows, Existing::Refuse, now)).await;
    let mut lazy = served.connect().await;
    lazy.write_all(served.head("GET /v1/tables/t/export", "").as_bytes()).await.unwrap();
    lazy.read_u8().await.unwrap();
    let get = served.head("GET /healthz", "connection: close\r\n");
    while served.exchange(get.as_bytes()).await.is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_shutdown_ends_followers_and_idle_connections() {
    let served = served(Options::default()).await;
    served.site.job("a").await;
    let run = served.site.ask("a").await;
    let mut idle = served.connect().await;
    let mut follower = served.connect().await;
    let head = served.head(&format!("GET /v1/runs/{run}/logs?follow=true"), "");
    follower.write_all(head.as_bytes()).await.unwrap();
    follower.read_u8().await.unwrap();
    let begun = Instant::now();
    served.shutdown.cancel();
    assert!(rest(&mut follower).await.ends_with("\r\n0\r\n\r\n"));
    assert_eq!(rest(&mut idle).await, "");
    drop((follower, idle));
    served.serving.await.unwrap().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(4));
    assert!(TcpStream::connect(served.address).await.is_err());
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_ever() {
    let served = served(quick()).await;
    let mut slow = served.connect().await;
    let head = served.head("POST /v1/tables/t/import", "content-length: 100\r\n");
    slow.write_all(head.as_bytes()).await.unwrap();
    served.shutdown.cancel();
    served.serving.await.unwrap().unwrap();
}
