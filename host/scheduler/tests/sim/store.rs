//! The store with faults: commits that take their time, that are refused, that stop the store, or that the host
//! does not survive. A commit is shown to the oracle when no fault can take it back any more.

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
    /// What was carried out and is not answered yet: others can see it, and a crash can take it back.
    written: Vec<Written>,
    /// What is never answered. Dropping it would tell the host that the store is closed.
    unanswered: Vec<Done>,
}

struct Written {
    done: Done,
    result: Result<(), StoreError>,
    /// None where the script was not run.
    made: Option<Made>,
}

/// A commit, and what was there before it.
pub struct Made {
    commit: Commit,
    before: Changes,
}

/// What the store does next that it should not. Outlives the host.
#[derive(Default)]
pub struct Faults {
    /// Commits before the fall, where in the last of them it comes, and what falls.
    fall: Option<(u32, Moment, Falls)>,
    refusal: Option<(Refusal, u32, Span)>,
    /// The commit that stopped the store. Whether it counts is seen when the store is opened again.
    limbo: Option<(Made, Moment)>,
    dead: bool,
    /// The end of the host took commits back.
    has_lost: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Falls {
    Host,
    /// The store alone: it answers that it has stopped, until it is opened again.
    Store,
}

impl Faults {
    pub fn fall(&mut self, commits: u32, at: Moment, what: Falls) {
        self.fall = Some((commits, at, what));
    }

    pub fn refuse(&mut self, with: Refusal, count: u32, until: Span) {
        self.refusal = Some((with, count, until));
    }

    /// The host is started again. Gives the commit of which nobody knew whether it counts.
    pub fn reopen(&mut self) -> Option<(Made, Moment)> {
        (self.dead, self.has_lost) = (false, false);
        self.refusal = self.refusal.take().filter(|(with, ..)| *with != Refusal::Stopped);
        self.fall = None;
        self.limbo.take()
    }

    /// All is to be well from now on. A store that has stopped cannot be: it says so.
    pub fn heal(&mut self) -> bool {
        self.refusal = self.refusal.take().filter(|_| self.limbo.is_some());
        self.fall = None;
        self.limbo.is_none()
    }

    pub fn has_lost(&self) -> bool {
        self.has_lost
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

    /// A commit comes: whether something falls, and where in it.
    fn falls(&mut self) -> Option<(Moment, Falls)> {
        let (commits, ..) = self.fall.as_mut()?;
        if *commits > 0 {
            *commits -= 1;
            return None;
        }
        let (_, at, what) = self.fall.take()?;
        if what == Falls::Host {
            self.dead = true;
            self.has_lost = matches!(at, Moment::Lost | Moment::Torn);
        }
        Some((at, what))
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
            for (script, done) in batch {
                self.run(script, done);
            }
            tokio::time::sleep(latency()).await;
            self.answer();
        }
    }

    fn answer(&self) {
        let written = std::mem::take(&mut self.queue.lock().written);
        for Written { done, result, made } in written {
            if let Some(made) = made {
                self.world.show(&made.commit);
            }
            if self.world.faults.lock().dead {
                self.queue.lock().unanswered.push(done);
            } else {
                done(result);
            }
        }
    }

    fn run(&self, script: Script, done: Done) {
        let now = self.world.time.elapsed();
        let falls = {
            let mut faults = self.world.faults.lock();
            if faults.dead {
                drop(faults);
                return self.queue.lock().unanswered.push(done);
            }
            if let Some(error) = faults.refusal(now) {
                self.world.oracle.lock().disturbed(now);
                let written = Written { done, result: Err(error), made: None };
                return self.queue.lock().written.push(written);
            }
            faults.falls()
        };
        if let Some((Moment::Before, Falls::Host)) = falls {
            self.queue.lock().unanswered.push(done);
            return self.die(Moment::Before);
        }
        let written = self.carry_out(script, done);
        self.queue.lock().written.push(written);
        match falls {
            Some((at, Falls::Host)) => self.die(at),
            Some((at, Falls::Store)) => self.stop(at),
            None => {}
        }
    }

    fn carry_out(&self, script: Script, done: Done) -> Written {
        let observed = Arc::new(Mutex::new(None));
        let result = Arc::new(Mutex::new(None));
        let (observe, told) = (observed.clone(), result.clone());
        let script: Script = Box::new(move |write| {
            let mut recorder = Recorder { write, changes: Changes::new(), before: Changes::new() };
            let verdict = script(&mut recorder);
            *observe.lock() = Some((verdict, recorder.changes, recorder.before));
            verdict
        });
        self.world.memory.submit(script, Box::new(move |done| *told.lock() = Some(done)));
        let result = result.lock().take().expect("the memory store answers at once");
        let facts = self.world.take_facts();
        let seen = observed.lock().take().filter(|_| result.is_ok());
        let made = seen.map(|(verdict, changes, before)| {
            let commits = verdict == Verdict::Commit;
            let (changes, before) = if commits { (changes, before) } else { Default::default() };
            let (elapsed, wall) = (self.world.time.elapsed(), self.world.time.wall());
            Made { commit: Commit { elapsed, wall, changes, facts }, before }
        });
        Written { done, result, made }
    }

    /// The host dies. What is not answered is on disk, or the power takes it back.
    fn die(&self, at: Moment) {
        self.close(at);
        self.world.crashed.notify_one();
    }

    /// Ends the store's life.
    pub fn close(&self, at: Moment) {
        let written = std::mem::take(&mut self.queue.lock().written);
        let mut made = Vec::new();
        for written in written {
            made.extend(written.made);
            self.queue.lock().unanswered.push(written.done);
        }
        settle(&self.world, made, at);
    }

    /// The newest commit fails, and with it the store.
    fn stop(&self, at: Moment) {
        let mut queue = self.queue.lock();
        let Some(newest) = queue.written.last_mut() else { return };
        let Some(made) = newest.made.take_if(|made| !made.commit.changes.is_empty()) else { return };
        newest.result = Err(StoreError::Stopped("the disk failed in the middle of a commit".into()));
        let mut faults = self.world.faults.lock();
        faults.limbo = Some((made, at));
        faults.refuse(Refusal::Stopped, 0, Span::ZERO);
        drop(faults);
        self.world.oracle.lock().refused_for(Span::ZERO, true);
    }
}

/// Decides on commits that nobody was told of: they count, or they never were.
pub fn settle(world: &World, made: Vec<Made>, at: Moment) {
    if matches!(at, Moment::Before | Moment::After) {
        return made.iter().for_each(|made| world.show(&made.commit));
    }
    let mut undone = Vec::new();
    for (number, made) in made.into_iter().enumerate() {
        let keeps_history = at == Moment::Torn && number == 0;
        undone
            .extend(made.before.into_iter().filter(|((space, _), _)| !(keeps_history && space.is_history())));
    }
    let undo = Box::new(move |write: &mut dyn Write| {
        for ((space, key), before) in undone.into_iter().rev() {
            match before {
                Some(before) => write.put(space, key, before),
                None => write.delete(space, key),
            }
        }
        Verdict::Commit
    });
    world.memory.submit(undo, Box::new(|_| {}));
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
        self.run(script, done);
        self.answer();
    }

    fn settled(&self) -> Answer<()> {
        self.world.memory.settled()
    }

    fn history(&self) -> Result<Vec<Period>, StoreError> {
        self.world.memory.history()
    }

    fn bytes(&self) -> Result<u64, StoreError> {
        self.world.memory.bytes()
    }

    fn forget_history(&self, before: Instant) -> Answer<usize> {
        self.world.memory.forget_history(before)
    }
}

/// Writes down what a script writes.
struct Recorder<'a> {
    write: &'a mut dyn Write,
    changes: Changes,
    before: Changes,
}

impl Recorder<'_> {
    fn record(&mut self, space: Space, key: &[u8], value: Option<Vec<u8>>) {
        let place = (space, key.to_vec());
        if !self.before.contains_key(&place) {
            let before = self.write.get(space, key).expect("the memory store reads");
            self.before.insert(place.clone(), before);
        }
        self.changes.insert(place, value);
    }
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
        self.record(space, &key, Some(value.clone()));
        self.write.put(space, key, value);
    }

    fn delete(&mut self, space: Space, key: Vec<u8>) {
        self.record(space, &key, None);
        self.write.delete(space, key);
    }

    fn sequence(&mut self) -> u64 {
        self.write.sequence()
    }

    fn as_read(&self) -> &dyn Read {
        self.write.as_read()
    }
}
