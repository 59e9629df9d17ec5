//! The store with faults: commits that take their time, that are refused, or that the host does not survive.
//! Every commit is shown to the oracle.

use crate::oracle::Commit;
use crate::plan::{Moment, Refusal};
use crate::world::World;
use parking_lot::Mutex;
use sandglass_core::retention::Period;
use sandglass_core::{Instant, Span};
use sandglass_store::store::{Done, Script};
use sandglass_store::{Answer, KeyRange, Read, Space, Store, StoreError, Verdict, Write};
use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::Arc;
use tokio::sync::Notify;

/// What a script wrote: the records as they are after it, none where one is gone.
pub type Changes = BTreeMap<(Space, Vec<u8>), Option<Vec<u8>>>;

/// The store of one life of the host.
pub struct Faulty {
    world: Arc<World>,
    queue: Mutex<Queue>,
    asked: Notify,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<(Script, Done)>,
    /// What is never answered. Dropping it would tell the host that the store is closed.
    unanswered: Vec<Done>,
}

/// What the store does next that it should not. Outlives the host.
#[derive(Default)]
pub struct Faults {
    /// Commits before the host dies, and where in the last of them.
    crash: Option<(u32, Moment)>,
    refusal: Option<(Refusal, u32, Span)>,
    dead: bool,
}

impl Faults {
    pub fn crash(&mut self, commits: u32, at: Moment) {
        self.crash = Some((commits, at));
    }

    pub fn refuse(&mut self, with: Refusal, count: u32, until: Span) {
        self.refusal = Some((with, count, until));
    }

    /// The host is started again, or all is to be well from now on.
    pub fn reopen(&mut self) {
        self.dead = false;
        self.refusal = self.refusal.take().filter(|(with, ..)| *with != Refusal::Stopped);
        self.crash = None;
    }

    pub fn heal(&mut self) {
        self.refusal = None;
        self.crash = None;
    }

    fn refusal(&mut self, now: Span) -> Option<StoreError> {
        let (with, count, until) = self.refusal.as_mut()?;
        if *with != Refusal::Stopped && now >= *until {
            if *count == 0 {
                self.refusal = None;
                return None;
            }
            *count -= 1;
        }
        Some(match self.refusal.as_ref()?.0 {
            Refusal::Full => StoreError::Full,
            Refusal::Failed => StoreError::Failed("the disk is in a bad mood".into()),
            Refusal::Stopped => StoreError::Stopped("the disk is gone".into()),
        })
    }

    /// A commit comes: whether the host dies, and where.
    fn dies(&mut self) -> Option<Moment> {
        let (commits, at) = self.crash.as_mut()?;
        if *commits > 0 {
            *commits -= 1;
            return None;
        }
        let at = *at;
        self.crash = None;
        self.dead = true;
        Some(at)
    }
}

impl Faulty {
    pub fn new(world: Arc<World>) -> Arc<Faulty> {
        let store = Arc::new(Faulty { world, queue: Mutex::default(), asked: Notify::new() });
        if store.world.plan.latency > Span::ZERO {
            tokio::spawn(store.clone().commit_in_turn());
        }
        store
    }

    /// What is asked for while a commit goes on shares the next one.
    async fn commit_in_turn(self: Arc<Self>) {
        loop {
            let latency = || self.world.random_span(self.world.plan.latency).to_std();
            if self.queue.lock().waiting.is_empty() {
                self.asked.notified().await;
            }
            tokio::time::sleep(latency()).await;
            let batch = std::mem::take(&mut self.queue.lock().waiting);
            let mut answers = Vec::with_capacity(batch.len());
            for (script, done) in batch {
                let result = self.run(script);
                answers.push((done, result));
            }
            tokio::time::sleep(latency()).await;
            for (done, result) in answers {
                self.answer(done, result);
            }
        }
    }

    fn answer(&self, done: Done, result: Option<Result<(), StoreError>>) {
        match result {
            Some(result) if !self.world.faults.lock().dead => done(result),
            _ => self.queue.lock().unanswered.push(done),
        }
    }

    /// None where nobody will ever know.
    fn run(&self, script: Script) -> Option<Result<(), StoreError>> {
        let now = self.world.time.elapsed();
        let dies = {
            let mut faults = self.world.faults.lock();
            if faults.dead {
                return None;
            }
            if let Some(error) = faults.refusal(now) {
                self.world.oracle.lock().disturbed(now);
                return Some(Err(error));
            }
            faults.dies()
        };
        if dies == Some(Moment::Before) {
            self.world.crashed.notify_one();
            return None;
        }
        let observed = Arc::new(Mutex::new(None));
        let result = Arc::new(Mutex::new(None));
        let (observe, told) = (observed.clone(), result.clone());
        let script: Script = Box::new(move |write| {
            let mut recorder = Recorder { write, changes: Changes::new() };
            let verdict = script(&mut recorder);
            *observe.lock() = Some((verdict, recorder.changes));
            verdict
        });
        self.world.memory.submit(script, Box::new(move |done| *told.lock() = Some(done)));
        let result = result.lock().take();
        let facts = self.world.take_facts();
        if let (Some(Ok(())), Some((verdict, changes))) = (&result, observed.lock().take()) {
            let changes = if verdict == Verdict::Commit { changes } else { Changes::new() };
            let commit = Commit { elapsed: now, wall: self.world.time.wall(), changes, facts };
            self.world.show(&commit);
        }
        if dies.is_some() {
            self.world.crashed.notify_one();
            return None;
        }
        result
    }
}

impl Store for Faulty {
    fn view(&self, look: &mut dyn FnMut(&dyn Read)) {
        self.world.memory.view(look);
    }

    fn submit(&self, script: Script, done: Done) {
        if self.world.plan.latency > Span::ZERO {
            self.queue.lock().waiting.push_back((script, done));
            self.asked.notify_one();
            return;
        }
        let result = self.run(script);
        self.answer(done, result);
    }

    fn settled(&self) -> Answer<()> {
        self.world.memory.settled()
    }

    fn history(&self) -> Result<Vec<Period>, StoreError> {
        self.world.memory.history()
    }

    fn forget_history(&self, before: Instant) -> Answer<usize> {
        self.world.memory.forget_history(before)
    }
}

/// Writes down what a script writes.
struct Recorder<'a> {
    write: &'a mut dyn Write,
    changes: Changes,
}

impl Read for Recorder<'_> {
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

impl Write for Recorder<'_> {
    fn put(&mut self, space: Space, key: Vec<u8>, value: Vec<u8>) {
        self.changes.insert((space, key.clone()), Some(value.clone()));
        self.write.put(space, key, value);
    }

    fn delete(&mut self, space: Space, key: Vec<u8>) {
        self.changes.insert((space, key.clone()), None);
        self.write.delete(space, key);
    }

    fn sequence(&mut self) -> u64 {
        self.write.sequence()
    }

    fn as_read(&self) -> &dyn Read {
        self.write.as_read()
    }
}
