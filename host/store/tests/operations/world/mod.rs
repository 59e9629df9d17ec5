//! A host's storage without the host: the operations, at instants that the test says.

use sandglass_core::effect::Effects;
use sandglass_core::job::{Job, Skip, Status};
use sandglass_core::limit::{Bytes, Limits};
use sandglass_core::log::{Level, Line, Source};
use sandglass_core::row::Row;
use sandglass_core::run::{Ending, Failure, Run, Traces, Trigger};
use sandglass_core::spec::Specification;
use sandglass_core::{Digest, Instant, Name, RunId};
use sandglass_store::memory::Memory;
use sandglass_store::op::attempt::{self, CheckpointError};
use sandglass_store::op::claim::{self, Claimed, Room, Started};
use sandglass_store::op::{OpError, component, job, pause, recover, run, table};
use sandglass_store::record::{Artifact, Component};
use sandglass_store::{KeyRange, Read, Space, StoreError, StoreExt, Write};
use serde_json::{Map, Value, json};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub struct World {
    pub store: Memory,
    now: Instant,
    /// Records put and deleted by committed scripts.
    writes: Arc<AtomicU64>,
}

/// Counts what a script writes.
struct Counting<'a> {
    write: &'a mut dyn Write,
    count: u64,
}

impl Read for Counting<'_> {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.write.get(space, key)
    }

    fn scan(
        &self,
        space: Space,
        range: &KeyRange,
        backwards: bool,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.write.scan(space, range, backwards, visit)
    }
}

impl Write for Counting<'_> {
    fn put(&mut self, space: Space, key: Vec<u8>, value: Vec<u8>) {
        self.count += 1;
        self.write.put(space, key, value);
    }

    fn delete(&mut self, space: Space, key: Vec<u8>) {
        self.count += 1;
        self.write.delete(space, key);
    }

    fn sequence(&mut self) -> u64 {
        self.write.sequence()
    }

    fn as_read(&self) -> &dyn Read {
        self
    }
}

static RANDOM: AtomicU64 = AtomicU64::new(1);

fn random() -> u64 {
    // Spread over all bits, of which an id takes only some.
    RANDOM.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32)
}

/// For so many attempts, of any memory.
fn room(slots: usize) -> Room {
    Room { slots, memory: Bytes(u64::MAX), idle: true }
}

pub fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub fn line(at: Instant, number: u32) -> Line {
    Line { at, attempt: 1, level: Level::Info, source: Source::Log, message: format!("line {number}") }
}

/// The memory store answers at once, so nothing is ever waited for.
fn now_or_never<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("the memory store made somebody wait"),
    }
}

impl World {
    pub fn new() -> World {
        let world = World { store: Memory::new(), now: World::start(), writes: Arc::default() };
        let component = Component {
            digest: Digest::of(b""),
            size: 0,
            uploaded_at: Instant::EPOCH,
            kind: "component".into(),
            language: None,
            tools: Vec::new(),
            source_lines: false,
            adapted: Vec::new(),
            imports: vec![],
            exports: vec![],
            warnings: vec![],
        };
        let artifact = Artifact { digest: Digest::of(b""), size: 0 };
        world
            .write::<_, StoreError>(move |write, _| {
                component::put(write, &component, 0, &artifact);
                Ok(())
            })
            .unwrap();
        world
    }

    fn start() -> Instant {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    /// So many seconds after the world began.
    #[allow(clippy::unused_self)] // It reads better as the world's.
    pub fn at(&self, seconds: i64) -> Instant {
        Instant::from_millis(World::start().millis() + seconds * 1000)
    }

    pub fn set_now(&mut self, seconds: i64) {
        self.now = self.at(seconds);
    }

    pub fn write<T, E>(
        &self,
        script: impl FnOnce(&mut dyn Write, Instant) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (now, writes) = (self.now, self.writes.clone());
        now_or_never(self.store.write(move |write| {
            let mut counting = Counting { write, count: 0 };
            let result = script(&mut counting, now);
            if result.is_ok() {
                writes.fetch_add(counting.count, Ordering::Relaxed);
            }
            result
        }))
    }

    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    pub fn put(&mut self, job: &str, schedule: Value) {
        self.put_with(job, Value::Object(Map::from_iter([("schedule".to_string(), schedule)])));
    }

    pub fn put_with(&mut self, job: &str, spec: Value) {
        self.try_put(job, spec, job::Expect::Anything).unwrap();
    }

    pub fn try_put(&self, job: &str, mut spec: Value, expect: job::Expect) -> Result<job::Current, OpError> {
        spec["component"] = json!(Digest::of(b""));
        let spec = Specification::from_json(spec, &Limits::CEILING, self.now).unwrap();
        let job = name(job);
        self.write(move |write, now| job::put(write, &job, spec, expect, now))
    }

    /// Puts it and pauses it in one script.
    pub fn put_paused(&self, job: &str, mut spec: Value) {
        spec["component"] = json!(Digest::of(b""));
        let spec = Specification::from_json(spec, &Limits::CEILING, self.now).unwrap();
        let job = name(job);
        self.write::<_, OpError>(move |write, now| {
            job::put(write, &job, spec, job::Expect::Anything, now)?;
            pause::pause(write, &job, "asked", job::Expect::Anything, now)
        })
        .unwrap();
    }

    pub fn claim(&mut self, seconds: i64, slots: usize) -> Claimed {
        self.claim_within(seconds, room(slots))
    }

    pub fn claim_within(&mut self, seconds: i64, room: Room) -> Claimed {
        self.set_now(seconds);
        self.write::<_, StoreError>(move |write, now| claim::claim(write, now, room, &mut random)).unwrap()
    }

    pub fn end(
        &mut self,
        started: &Started,
        seconds: i64,
        result: Result<Option<String>, Failure>,
        effects: &Effects,
    ) -> Option<Run> {
        self.set_now(seconds);
        let (id, attempt) = (started.run.id, started.run.running_attempt().unwrap());
        let ending = Ending { result, traces: Traces::default() };
        let effects = effects.clone();
        self.write::<_, StoreError>(move |write, now| {
            attempt::end(write, id, attempt, ending, &effects, now, 0)
        })
        .unwrap()
    }

    pub fn succeed(&mut self, started: &Started, seconds: i64) -> Run {
        self.end(started, seconds, Ok(None), &Effects::default()).unwrap()
    }

    /// The one run that is due then, from its claim to its success.
    pub fn run_once(&mut self, seconds: i64) -> Run {
        let mut claimed = self.claim(seconds, 8);
        assert_eq!(claimed.started.len(), 1);
        self.succeed(&claimed.started.remove(0), seconds)
    }

    pub fn checkpoint(
        &mut self,
        started: &Started,
        seconds: i64,
        effects: &Effects,
    ) -> Result<(), CheckpointError> {
        self.set_now(seconds);
        let (id, attempt) = (started.run.id, started.run.running_attempt().unwrap());
        let (effects, progress) = (effects.clone(), Some("half".to_string()));
        self.write(move |write, now| attempt::checkpoint(write, id, attempt, &effects, progress, now))
    }

    pub fn lose_all(&mut self, seconds: i64) -> usize {
        self.set_now(seconds);
        self.write::<_, StoreError>(|write, now| recover::lose(write, None, 100, now, &mut random)).unwrap().1
    }

    pub fn ask(&mut self, job: &str, seconds: i64) -> Result<Run, OpError> {
        self.set_now(seconds);
        let job = name(job);
        self.write(move |write, now| run::ask(write, &job, Trigger::Manual, None, now, random()))
    }

    pub fn cancel(&mut self, id: RunId, seconds: i64) -> Result<Run, OpError> {
        self.set_now(seconds);
        self.write(move |write, now| run::cancel(write, id, now))
    }

    pub fn pause(&mut self, job: &str, seconds: i64) {
        self.set_now(seconds);
        let job = name(job);
        self.write(move |write, now| pause::pause(write, &job, "asked", job::Expect::Anything, now)).unwrap();
    }

    pub fn resume(&mut self, job: &str, seconds: i64) {
        self.set_now(seconds);
        let job = name(job);
        self.write(move |write, now| pause::resume(write, &job, job::Expect::Anything, now)).unwrap();
    }

    pub fn delete(&mut self, job: &str, seconds: i64) {
        self.set_now(seconds);
        let job = name(job);
        self.write(move |write, now| job::delete(write, &job, job::Expect::Anything, now)).unwrap();
    }

    pub fn job(&self, job: &str) -> Job {
        self.store.read(|read| job::find(read, &name(job))).unwrap()
    }

    pub fn status(&self, job: &str) -> Status {
        self.store.read(|read| job::status(read, self.job(job).id)).unwrap()
    }

    pub fn skips(&self, job: &str) -> Vec<Skip> {
        let skips = self.store.read(|read| job::skips(read, self.job(job).id, None, 100)).unwrap();
        skips.into_iter().map(|(_, skip)| skip).collect()
    }

    pub fn run(&self, id: RunId) -> Run {
        self.store.read(|read| run::get(read, id)).unwrap().unwrap()
    }

    pub fn runs(&self, job: &str) -> Vec<Run> {
        let id = self.job(job).id;
        self.store.read(|read| run::list_of_job(read, id, &run::Filter::default(), None, 100)).unwrap().runs
    }

    pub fn row(&self, table: &str, id: &str) -> Option<Row> {
        self.store.read(|read| table::get(read, &name(table), &id.parse().unwrap())).unwrap()
    }
}
