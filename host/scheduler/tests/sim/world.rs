//! One simulation: what outlives the host, and the lives of the host on it.

use crate::driver;
use crate::guest::{COUNTER, Guests};
use crate::oracle::{Commit, Fact, GuestEnd, Oracle, Tally, Violation};
use crate::panic;
use crate::plan::{Guest, Moment, Plan, job_name};
use crate::store::{self, Changes, Faults, Faulty};
use crate::time::Time;
use crate::trace;
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sandglass_core::effect::Expected;
use sandglass_core::limit::Bytes;
use sandglass_core::retention::Retention;
use sandglass_core::{Digest, Instant, Name, RunId, Span};
use sandglass_runtime::Finished;
use sandglass_scheduler::{Host, Options};
use sandglass_store::memory::Memory;
use sandglass_store::op::component;
use sandglass_store::record::{Artifact, Component};
use sandglass_store::{KeyRange, Space, StoreError, StoreExt};
use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use tokio::sync::Notify;

/// What outlives the host.
pub struct World {
    pub plan: Arc<Plan>,
    pub memory: Memory,
    pub time: Time,
    pub faults: Mutex<Faults>,
    pub oracle: Mutex<Oracle>,
    /// The host has died, or something was found.
    pub crashed: Notify,
    facts: Mutex<Vec<Fact>>,
    random: Mutex<StdRng>,
    trace: Mutex<DefaultHasher>,
    resting: AtomicBool,
    /// What the commits made of the store.
    made: Mutex<Changes>,
    /// Of this life of the host.
    store: Mutex<Option<Arc<Faulty>>>,
    /// Attempts that were executing when the last life of the host ended.
    ghosts: Mutex<Vec<(RunId, u32)>>,
}

/// What came of a simulation.
#[derive(Debug)]
pub struct Report {
    pub violation: Option<Violation>,
    pub tally: Tally,
    /// Simulated, by the clock that nobody sets.
    pub elapsed: Span,
    /// Of everything that was committed, and when.
    pub trace: u64,
}

/// How a life of the host ended, and how long it is before the next one begins.
pub enum Death {
    Down {
        off: Span,
    },
    /// All steps were done, and everything has come to rest.
    Done,
}

pub fn simulate(plan: &Arc<Plan>) -> Report {
    let world = World::new(plan.clone());
    let mut next = 0;
    loop {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime of one thread");
        let death = runtime.block_on(driver::live(&world, &mut next));
        // All that the process held is gone, wherever it was.
        drop(runtime);
        let found = world.oracle.lock().violation.is_some();
        match death {
            Death::Down { off } if !found => {
                world.oracle.lock().tally.lives += 1;
                world.time.pass(off);
            }
            Death::Down { .. } | Death::Done => break,
        }
    }
    let mut oracle = world.oracle.lock();
    if let Some(text) = panic::heard() {
        oracle.panicked(text);
    }
    Report {
        violation: oracle.violation.take(),
        tally: oracle.tally,
        elapsed: world.time.elapsed(),
        trace: world.trace.lock().finish(),
    }
}

impl World {
    fn new(plan: Arc<Plan>) -> Arc<World> {
        let world = Arc::new(World {
            memory: Memory::new(),
            time: Time::new(plan.began),
            faults: Mutex::default(),
            oracle: Mutex::new(Oracle::new(plan.clone())),
            crashed: Notify::new(),
            facts: Mutex::default(),
            random: Mutex::new(StdRng::seed_from_u64(plan.seed)),
            trace: Mutex::new(DefaultHasher::new()),
            resting: AtomicBool::new(false),
            made: Mutex::default(),
            store: Mutex::default(),
            ghosts: Mutex::default(),
            plan,
        });
        let stored = Component {
            digest: digest(),
            size: 0,
            uploaded_at: world.plan.began,
            kind: "component".into(),
            language: None,
            tools: Vec::new(),
            source_lines: false,
            adapted: Vec::new(),
            imports: Vec::new(),
            exports: Vec::new(),
            warnings: Vec::new(),
        };
        let script = move |write: &mut dyn sandglass_store::Write| {
            component::put(write, &stored, 0, &Artifact { digest: digest(), size: 0 });
            Ok::<(), StoreError>(())
        };
        // The memory store has done it before anybody waits for it.
        drop(world.memory.write(script));
        world
    }

    /// Starts the host on what is stored.
    pub async fn start(self: &Arc<Self>) -> Option<Arc<Host>> {
        let limbo = self.faults.lock().reopen();
        if let Some((made, at)) = limbo {
            store::settle(self, vec![made], at);
        }
        self.oracle.lock().begin_life(self.time.elapsed());
        let (clock, random) = (self.clone(), self.clone());
        let options = Options {
            attempts_max: self.plan.slots,
            memory_max: self.plan.memory,
            history: Retention { age: self.plan.history, bytes: Bytes::mib(64) },
            look_every: self.plan.look_every,
            ..Options::default()
        };
        let store = Faulty::new(self.clone());
        *self.store.lock() = Some(store.clone());
        let host = Host::start(
            store,
            Arc::new(Guests(self.clone())),
            Arc::new(move || clock.time.wall()),
            Arc::new(move || random.random()),
            options,
        );
        let host = host.await.ok()?;
        self.oracle.lock().started(self.time.elapsed());
        Some(host)
    }

    pub fn random(&self) -> u64 {
        self.random.lock().next_u64()
    }

    /// Up to `most`.
    pub fn random_span(&self, most: Span) -> Span {
        Span::from_millis(self.random() % (most.millis() + 1))
    }

    /// A number that depends on the seed and these parts alone.
    pub fn hash(&self, parts: &[&[u8]]) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.plan.seed.hash(&mut hasher);
        for part in parts {
            hasher.write(part);
        }
        hasher.finish()
    }

    pub fn guest_of(&self, job: &Name) -> Guest {
        self.plan.guests[job_number(job)].clone()
    }

    /// A script says what it does.
    pub fn say(&self, fact: Fact) {
        self.facts.lock().push(fact);
    }

    pub fn take_facts(&self) -> Vec<Fact> {
        std::mem::take(&mut self.facts.lock())
    }

    /// Shows a commit to the oracle.
    pub fn show(&self, commit: &Commit) {
        if !commit.changes.is_empty() {
            let mut trace = self.trace.lock();
            commit.elapsed.hash(&mut *trace);
            commit.wall.hash(&mut *trace);
            commit.changes.hash(&mut *trace);
        }
        if self.plan.traced {
            trace::print(commit);
        }
        self.made.lock().extend(commit.changes.clone());
        let mut oracle = self.oracle.lock();
        oracle.commit(commit);
        if oracle.violation.is_some() {
            self.crashed.notify_one();
        }
    }

    /// The life of the host ends. Where the power went, nothing of its process lives on.
    pub fn end_life(&self) {
        if let Some(store) = self.store.lock().take() {
            store.close(Moment::After);
        }
        let lost = self.faults.lock().has_lost();
        *self.ghosts.lock() = if lost { Vec::new() } else { self.oracle.lock().executing() };
    }

    pub fn take_ghosts(&self) -> Vec<(RunId, u32)> {
        std::mem::take(&mut self.ghosts.lock())
    }

    /// What is stored is what the commits made, and nothing else. History may be gone, and what a torn commit
    /// left of it is not true.
    pub fn compare(&self) {
        let made = self.made.lock();
        let outside = [Space::Component, Space::Artifact, Space::Ended, Space::Log];
        for space in Space::ALL.into_iter().filter(|space| !outside.contains(space)) {
            let mut stored = BTreeMap::new();
            let looked = self.memory.read(|read| {
                read.scan(space, &KeyRange::all(), false, &mut |key, value| {
                    stored.insert(key.to_vec(), value.to_vec());
                    ControlFlow::Continue(())
                })
            });
            looked.expect("the memory store reads");
            let of_space = made.iter().filter(|((of, _), _)| *of == space);
            let expected: BTreeMap<_, _> =
                of_space.filter_map(|((_, key), value)| Some((key.clone(), value.clone()?))).collect();
            self.oracle.lock().holds(stored == expected, space);
        }
    }

    pub fn rest(&self) {
        self.resting.store(true, Relaxed);
    }

    /// From now on guests are quick, and do not fail.
    pub fn is_resting(&self) -> bool {
        self.resting.load(Relaxed)
    }

    pub fn guest_enters(&self, run: RunId, attempt: u32) {
        self.oracle.lock().guest_enters(run, attempt);
    }

    pub fn guest_ends(&self, run: RunId, attempt: u32, finished: &Finished) {
        let end = match finished {
            Finished::Ended { ending, effects } => match &ending.result {
                Ok(_) => {
                    let counter = effects.rows.iter().find(|(key, _)| key.table.as_str() == COUNTER);
                    let counted = counter.map(|(_, change)| match change.expected {
                        Expected::Version(version) => version,
                        Expected::Anything | Expected::Neither => u64::MAX,
                    });
                    GuestEnd::Succeeded { counted }
                }
                Err(failure) => GuestEnd::Failed { cause: failure.cause, retry: failure.retry },
            },
            Finished::Cancelled(_) => GuestEnd::Cancelled,
        };
        self.oracle.lock().guest_ends(run, attempt, end);
    }

    pub fn guest_leaves(&self, run: RunId, attempt: u32) {
        self.oracle.lock().guest_leaves(self.time.elapsed(), run, attempt);
    }

    pub fn look(&self) {
        let mut oracle = self.oracle.lock();
        oracle.look(self.time.elapsed(), self.time.wall());
        if oracle.violation.is_some() {
            self.crashed.notify_one();
        }
    }
}

pub fn digest() -> Digest {
    Digest::of(b"a guest")
}

pub fn job_number(name: &Name) -> usize {
    name.as_str().strip_prefix("job-").and_then(|number| number.parse().ok()).expect("a job of the plan")
}

pub fn name_of(job: usize) -> Name {
    job_name(job).parse().expect("a name")
}

pub fn instant(text: &str) -> Instant {
    text.parse().expect("an instant")
}
