//! Requests against the whole router, over a store in memory and a host that begins no attempt by itself.

mod component;
mod durable;
mod email;
mod event;
mod guard;
mod job;
mod listener;
mod log;
mod row;
mod run;
mod schedule;
mod secret;
mod session;
mod transfer;

use crate::app::{App, Backend};
use crate::options::Options;
use crate::router::router;
use crate::{hash, new_token};
use axum::Router;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Request};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use sandglass_core::{Digest, Instant, Span};
use sandglass_runtime::{Clock, Compiler, Runtime, Settings};
use sandglass_scheduler::{Components, Host, KeySource, system_random};
use sandglass_store::memory::Memory;
use sandglass_store::op::OpError;
use sandglass_store::record::{Artifact, Chunk, Component, Token};
use sandglass_store::{Store, StoreExt, Write, op};
use serde_json::Value;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// 2026-01-01T00:00:00Z, where every test begins.
const START_MILLIS: i64 = 1_767_225_600_000;

/// A host that answers.
struct Site {
    app: App,
    store: Arc<Memory>,
    router: Router,
    token: String,
    now: Arc<AtomicI64>,
    _keys: tempfile::TempDir,
}

/// What was answered.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

/// Loading the sandbox takes a while: tests share one, and none of them runs anything in it.
fn runtime() -> Arc<Runtime> {
    static RUNTIME: OnceLock<Arc<Runtime>> = OnceLock::new();
    let make = || {
        let settings = Settings::new(&std::env::temp_dir().join("sandglass-api-tests"));
        Arc::new(Runtime::new(&Settings { attempts_max: 1, ..settings }).unwrap())
    };
    RUNTIME.get_or_init(make).clone()
}

/// A body in parts, whose length nobody announces.
fn streamed(bytes: &[u8], part_bytes: usize) -> Body {
    let parts: Vec<_> = bytes.chunks(part_bytes).map(|part| Ok::<_, std::io::Error>(part.to_vec())).collect();
    Body::from_stream(futures_util::stream::iter(parts))
}

impl Site {
    async fn new() -> Site {
        Site::with(Options::default()).await
    }

    async fn with(options: Options) -> Site {
        let store = Arc::new(Memory::new());
        Site::over(store.clone(), store, options).await
    }

    /// `outer` is the store that the host sees, and keeps its records in `store`.
    async fn over(outer: Arc<dyn Store>, store: Arc<Memory>, options: Options) -> Site {
        let now = Arc::new(AtomicI64::new(START_MILLIS));
        let moved = now.clone();
        let clock: Clock = Arc::new(move || Instant::from_millis(moved.load(Ordering::SeqCst)));
        // Nothing that is uploaded here compiles.
        let compiler = Compiler::with_program("/nonexistent".into(), Vec::new());
        let components = Components::new(outer.clone(), runtime(), compiler, clock.clone());
        let keys = tempfile::tempdir().unwrap();
        let secret_key = KeySource::File(keys.path().join("secret.key"));
        let idle = sandglass_scheduler::Options { attempts_max: 0, secret_key, ..Default::default() };
        let host = Host::start(outer, components.clone(), clock, Arc::new(system_random), idle);
        let metrics = Arc::new(|| "sandglass_up 1\n".to_owned());
        let backend = Backend { host: host.await.unwrap(), components, metrics };
        let app = App::new(backend, options, CancellationToken::new());
        let token = new_token();
        let site = Site { router: router(app.clone()), app, store, token: token.clone(), now, _keys: keys };
        let record = Token::admin("test".parse().unwrap(), site.now());
        site.write(move |write, _| {
            op::token::put(write, hash(&token), &record);
            Ok(())
        })
        .await;
        site
    }

    fn now(&self) -> Instant {
        Instant::from_millis(self.now.load(Ordering::SeqCst))
    }

    fn pass(&self, span: Span) {
        self.now.fetch_add(span.millis() as i64, Ordering::SeqCst);
    }

    /// Does something that no request can.
    async fn write<T: Send + 'static>(
        &self,
        script: impl FnOnce(&mut dyn Write, Instant) -> Result<T, OpError> + Send + 'static,
    ) -> T {
        let now = self.now();
        self.store.write(move |write| script(write, now)).await.unwrap()
    }

    /// Puts a component into the store, as an upload would, with these imports.
    async fn component(&self, imports: &[&str]) -> Digest {
        let bytes = imports.join(",").into_bytes();
        let digest = Digest::of(&bytes);
        let component = Component {
            digest,
            size: bytes.len() as u64,
            uploaded_at: self.now(),
            kind: "component".into(),
            language: None,
            tools: Vec::new(),
            source_lines: false,
            adapted: Vec::new(),
            imports: imports.iter().map(ToString::to_string).collect(),
            exports: Vec::new(),
            warnings: Vec::new(),
        };
        self.write(move |write, _| {
            for (number, chunk) in (0..).zip(bytes.chunks(8)) {
                op::component::put_chunk(write, digest, number, &Chunk::new(chunk));
            }
            op::component::put(write, &component, 1, &Artifact { digest, size: 0 });
            Ok(())
        })
        .await;
        digest
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// A request with a token, and these headers.
    fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Request<Body> {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(AUTHORIZATION, format!("Bearer {}", self.token));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.body(body.into()).unwrap()
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path, &[], "")).await
    }

    /// A request with a body of JSON.
    async fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        self.call_if(method, path, &[], body).await
    }

    async fn call_if(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut request = self.request(method, path, headers, body);
        request.headers_mut().entry(CONTENT_TYPE).or_insert("application/json".parse().unwrap());
        self.send(request).await
    }
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The answer, which must have this status.
    #[track_caller]
    fn is(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    /// The JSON of an answer that must have this status.
    #[track_caller]
    fn json_of(self, status: u16) -> Value {
        self.is(status).json()
    }

    /// The problem document of this code, checked for its form.
    #[track_caller]
    fn problem(self, status: u16, code: &str) -> Value {
        let document = self.json();
        assert_eq!(self.status, status, "{document}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(document["code"], code, "{document}");
        assert_eq!(document["status"], status);
        assert_eq!(document["type"], format!("urn:sandglass:error:{code}"));
        assert!(document["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{document}");
        document
    }

    /// The pointers of the problems that a 422 lists.
    #[track_caller]
    fn pointers(self) -> Vec<String> {
        let document = self.problem(422, "invalid");
        let problems = document["problems"].as_array().cloned().unwrap_or_default();
        problems.iter().map(|problem| problem["pointer"].as_str().unwrap_or_default().to_owned()).collect()
    }
}
