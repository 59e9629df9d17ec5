//! What comes in over HTTP: URLs that a guest asks for, answers of other hosts, queries and specifications that
//! clients send. Each is refused, or means one thing.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sandglass_core::grant::HttpGrant;
use sandglass_core::limit::{Bytes, Limits as JobLimits};
use sandglass_core::query::rest;
use sandglass_core::spec::Specification;
use sandglass_core::target::Target;
use sandglass_core::{Instant, Name, Span};
use sandglass_outbound::{Client, Limits, Request, Resolver, roots};
use std::cell::OnceCell;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = data.split_first() else { return };
    match (kind % 4, std::str::from_utf8(rest)) {
        (0, _) => answer(rest),
        (1, Ok(text)) => url(text),
        (2, Ok(text)) => query(text),
        (3, Ok(text)) => specification(text),
        _ => {}
    }
});

/// A URL in its normal form is its own normal form, and is covered by no grant of another host.
fn url(text: &str) {
    let Ok(target) = text.parse::<Target>() else { return };
    let again: Target = target.to_string().parse().expect("a normal form can be read");
    assert_eq!(again, target);
    let grant: HttpGrant = serde_json::from_str(r#""granted.example.com""#).expect("a grant");
    let is_granted = HttpGrant::reach(&[grant], &target).is_some();
    assert_eq!(is_granted, target.authority().trim_end_matches('.') == "granted.example.com" && target.tls);
    let _ = Request::new("GET", text);
}

/// Parameters, one a line, as `name=value`.
fn query(text: &str) {
    let table: Name = "t".parse().expect("a name");
    let parameters = text.lines().filter_map(|line| line.split_once('='));
    if let Err(problems) = rest::parse(&table, parameters) {
        assert!(!problems.is_empty());
    }
}

/// What is accepted is written as something that is accepted, and means the same.
fn specification(text: &str) {
    let Ok(document) = serde_json::from_str::<serde_json::Value>(text) else { return };
    let now = Instant::from_millis(1_790_000_000_000);
    let Ok(spec) = Specification::from_json(document, &JobLimits::CEILING, now) else { return };
    let written = serde_json::to_value(&spec).expect("a specification can be written");
    let again = Specification::from_json(written, &JobLimits::CEILING, now).expect("and read again");
    assert_eq!(again, spec);
}

/// A host on loopback that answers whatever it is told to, and a client that asks it.
struct World {
    runtime: tokio::runtime::Runtime,
    listener: Arc<TcpListener>,
    address: SocketAddr,
    client: Client,
    grants: Vec<HttpGrant>,
}

impl World {
    fn new() -> World {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("its address");
        let client =
            Client::new(Resolver::system(), roots(b"").expect("no roots of one's own")).expect("TLS");
        let grant = serde_json::json!([{"host": address.to_string(), "private": true}]);
        let grants = serde_json::from_value(grant).expect("a grant");
        World { runtime, listener: Arc::new(listener), address, client, grants }
    }
}

thread_local! {
    static WORLD: OnceCell<World> = const { OnceCell::new() };
}

const ANSWER_MAX: Bytes = Bytes::kib(64);

fn answer(bytes: &[u8]) {
    WORLD.with(|world| {
        let world = world.get_or_init(World::new);
        world.runtime.block_on(world.exchange(bytes));
    });
}

impl World {
    async fn exchange(&self, bytes: &[u8]) {
        let request = Request::new("GET", &format!("http://{}/", self.address)).expect("a request");
        let limits = Limits { response: ANSWER_MAX, time: Span::from_secs(20), ..Limits::default() };
        let listener = Arc::clone(&self.listener);
        let serve = async move {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(bytes).await;
            let _ = stream.shutdown().await;
            // Until the client has seen enough.
            let _ = stream.read(&mut head).await;
        };
        let (answer, ()) = tokio::join!(self.client.send(&self.grants, limits, request), serve);
        match answer {
            Ok(response) => {
                assert!((100..1000).contains(&response.status));
                assert!(response.body.len() as u64 <= ANSWER_MAX.0);
            }
            Err(failure) => assert!(!failure.error.to_string().is_empty()),
        }
    }
}
