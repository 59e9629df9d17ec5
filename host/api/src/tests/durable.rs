//! Nothing is said before it is durable.

use super::Site;
use crate::options::Options;
use http_body_util::BodyExt as _;
use sandglass_core::Instant;
use sandglass_core::retention::Period;
use sandglass_store::memory::Memory;
use sandglass_store::store::{Done, Script};
use sandglass_store::{Answer, Read, Store, StoreError};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

/// A store on a disk that syncs when it is told to, so many times.
struct Slow {
    memory: Arc<Memory>,
    syncs: Arc<Semaphore>,
}

impl Store for Slow {
    fn view(&self, look: &mut dyn FnMut(&dyn Read)) {
        self.memory.view(look);
    }

    fn submit(&self, script: Script, done: Done) {
        self.memory.submit(script, done);
    }

    fn settled(&self) -> Answer<()> {
        let syncs = self.syncs.clone();
        Box::pin(async move {
            syncs.acquire().await.map_err(|_| StoreError::Closed)?.forget();
            Ok(())
        })
    }

    fn history(&self) -> Result<Vec<Period>, StoreError> {
        self.memory.history()
    }

    fn bytes(&self) -> Result<u64, StoreError> {
        self.memory.bytes()
    }

    fn forget_history(&self, before: Instant) -> Answer<usize> {
        self.memory.forget_history(before)
    }
}

async fn slow_site() -> (Site, Arc<Semaphore>) {
    let (memory, syncs) = (Arc::new(Memory::new()), Arc::new(Semaphore::new(0)));
    let slow = Slow { memory: memory.clone(), syncs: syncs.clone() };
    (Site::over(Arc::new(slow), memory, Options::default()).await, syncs)
}

/// Long enough for whatever would come anyway.
const A_WHILE: Duration = Duration::from_millis(100);

#[tokio::test]
async fn an_answer_waits_for_what_it_was_computed_from() {
    let (site, syncs) = slow_site().await;
    for (method, path) in [("GET", "/v1/tables/t"), ("PUT", "/v1/tables/t"), ("GET", "/v1/tables/t")] {
        let mut answer = std::pin::pin!(site.call(method, path, Value::Null));
        assert!(tokio::time::timeout(A_WHILE, answer.as_mut()).await.is_err(), "{method}");
        syncs.add_permits(1);
        answer.await;
    }
}

#[tokio::test]
async fn each_part_of_a_stream_waits() {
    let (site, syncs) = slow_site().await;
    syncs.add_permits(2);
    site.call("POST", "/v1/tables/t/rows", json!({"id": "a"})).await.is(201);
    let request = site.request("GET", "/v1/tables/t/export", &[], "");
    let mut response = site.router.clone().oneshot(request).await.unwrap();
    let body = response.body_mut();
    assert!(tokio::time::timeout(A_WHILE, body.frame()).await.is_err());
    syncs.add_permits(1);
    assert!(body.frame().await.unwrap().unwrap().is_data());
}

#[tokio::test]
async fn lines_of_a_followed_log_run_ahead_and_its_end_does_not() {
    let (site, syncs) = slow_site().await;
    syncs.add_permits(3);
    site.job("a").await;
    let run = site.ask("a").await;
    site.begin().await;
    site.logged(run, 0, &["one"]).await;
    site.end(run, Ok(None)).await;
    let events = [("accept", "text/event-stream")];
    let request = site.request("GET", &format!("/v1/runs/{run}/logs"), &events, "");
    let mut response = site.router.clone().oneshot(request).await.unwrap();
    let body = response.body_mut();
    let line = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(line.starts_with(b"event: line"));
    assert!(tokio::time::timeout(A_WHILE, body.frame()).await.is_err());
    syncs.add_permits(1);
    let end = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(end.starts_with(b"event: end"));
}
