//! The store in memory: the model that other backends are held against, and what simulations run on.
//!
//! A script runs on the thread that submits it, before `submit` returns. So with one thread everything
//! happens in one order, and a simulation can be repeated.

use crate::day::Day;
use crate::key::KeyRange;
use crate::layer::{Layer, within};
use crate::space::Space;
use crate::store::{Answer, Done, Read, Script, Store, StoreError, Verdict};
use parking_lot::{Mutex, RwLock};
use sandglass_core::Instant;
use sandglass_core::retention::Period;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

#[derive(Default)]
struct Records(BTreeMap<(Space, Vec<u8>), Vec<u8>>);

/// Storage that lasts as long as this value.
#[derive(Default)]
pub struct Memory {
    records: RwLock<Records>,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<(Script, Done)>,
    /// Whether a thread is at work on what waits. It may be this one, inside of a `done`.
    busy: bool,
    /// The newest commit's number.
    sequence: u64,
    failures: VecDeque<StoreError>,
}

impl Memory {
    pub fn new() -> Memory {
        Memory::default()
    }

    /// Answers the next scripts that are to be run with these errors, one each, without running them.
    pub fn fail_next(&self, errors: impl IntoIterator<Item = StoreError>) {
        self.queue.lock().failures.extend(errors);
    }

    fn run(&self, script: Script, sequence: u64) -> Result<(), StoreError> {
        let changes = {
            let records = self.records.read();
            let mut layer = Layer::new(&*records, sequence);
            match catch_unwind(AssertUnwindSafe(|| script(&mut layer))) {
                Ok(Verdict::Commit) => layer.into_changes(),
                Ok(Verdict::Drop) => return Ok(()),
                Err(_) => return Err(StoreError::Failed("a transaction panicked".into())),
            }
        };
        let mut records = self.records.write();
        for (place, value) in changes {
            match value {
                Some(value) => records.0.insert(place, value),
                None => records.0.remove(&place),
            };
        }
        Ok(())
    }
}

impl Store for Memory {
    fn view(&self, look: &mut dyn FnMut(&dyn Read)) {
        look(&*self.records.read());
    }

    fn submit(&self, script: Script, done: Done) {
        {
            let mut queue = self.queue.lock();
            queue.waiting.push_back((script, done));
            if queue.busy {
                return;
            }
            queue.busy = true;
        }
        loop {
            let (script, done, sequence, failure) = {
                let mut queue = self.queue.lock();
                let Some((script, done)) = queue.waiting.pop_front() else {
                    queue.busy = false;
                    return;
                };
                queue.sequence += 1;
                (script, done, queue.sequence, queue.failures.pop_front())
            };
            let result = failure.map_or_else(|| self.run(script, sequence), Err);
            // A `done` that panics must not leave the queue busy for ever.
            let _ = catch_unwind(AssertUnwindSafe(|| done(result)));
        }
    }

    fn settled(&self) -> Answer<()> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn history(&self) -> Result<Vec<Period>, StoreError> {
        let mut days: BTreeMap<Day, u64> = BTreeMap::new();
        for ((space, key), value) in &self.records.read().0 {
            if space.is_history() {
                *days.entry(Day::of_key(key)).or_default() += (key.len() + value.len()) as u64;
            }
        }
        Ok(days.into_iter().map(|(day, bytes)| Period { end: day.end(), bytes }).collect())
    }

    fn bytes(&self) -> Result<u64, StoreError> {
        let records = self.records.read();
        Ok(records.0.iter().map(|((_, key), value)| (key.len() + value.len()) as u64).sum())
    }

    fn forget_history(&self, before: Instant) -> Answer<usize> {
        let mut forgotten = BTreeSet::new();
        self.records.write().0.retain(|(space, key), _| {
            let gone = space.is_history() && Day::of_key(key).has_ended(before);
            if gone {
                forgotten.insert(Day::of_key(key));
            }
            !gone
        });
        Box::pin(std::future::ready(Ok(forgotten.len())))
    }
}

impl Read for Records {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.get(&(space, key.to_vec())).cloned())
    }

    fn scan(
        &self,
        space: Space,
        range: &KeyRange,
        backwards: bool,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut records = within(&self.0, space, range);
        while let Some((key, value)) = if backwards { records.next_back() } else { records.next() } {
            if visit(key, value).is_break() {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreExt;
    use std::sync::Arc;

    fn opener() -> impl FnMut() -> Arc<dyn Store> {
        let memory = Arc::new(Memory::new());
        move || memory.clone()
    }

    crate::conformance!(opener());

    #[tokio::test]
    async fn failures_come_when_they_are_asked_for() {
        let memory = Memory::new();
        memory.fail_next([StoreError::Full, StoreError::Closed]);
        let put = || {
            memory.write::<_, StoreError, _>(|write| {
                write.put(Space::Table, vec![1], vec![2]);
                Ok(())
            })
        };
        assert_eq!(put().await, Err(StoreError::Full));
        assert_eq!(put().await, Err(StoreError::Closed));
        assert_eq!(memory.read(|read| read.get(Space::Table, &[1])), Ok(None));
        assert_eq!(put().await, Ok(()));
    }
}
