//! The trait that a backend implements, and what scripts see of it.

use crate::key::{Key, KeyRange};
use crate::record::Record;
use crate::space::Space;
use sandglass_core::Instant;
use sandglass_core::retention::Period;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;

/// Why storage did not do what it was asked. Nothing of it was done, except as `Failed` says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no space for it. It can be tried again when there is.
    #[error("no space is left on the disk that holds the data folder")]
    Full,
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// A read or write failed in another way. Where it was the writing of a commit, the store refuses
    /// everything until it is opened anew, and only then it is known whether that commit counts: all of it
    /// or nothing.
    #[error("the store failed: {0}")]
    Failed(String),
    /// A commit failed in a way that leaves open what of it is on disk. Nothing is written any more: the store
    /// must be opened again, which the process does by starting again.
    #[error("the store has stopped until it is opened again: {0}")]
    Stopped(String),
    #[error("the store is closed")]
    Closed,
}

/// Records as they are at one moment.
pub trait Read {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Shows each record of the range, in the order of keys or against it, until `visit` breaks.
    fn scan(
        &self,
        space: Space,
        range: &KeyRange,
        backwards: bool,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError>;
}

/// What a script writes through: it reads its own writes.
pub trait Write: Read {
    fn put(&mut self, space: Space, key: Vec<u8>, value: Vec<u8>);
    fn delete(&mut self, space: Space, key: Vec<u8>);
    /// The commit's number: grows from commit to commit and is never used twice, through crashes too. The
    /// same for the length of a script. One that writes nothing does not use it up.
    fn sequence(&mut self) -> u64;
    fn as_read(&self) -> &dyn Read;
}

/// What becomes of a script's writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Commit,
    Drop,
}

/// A transaction. It runs alone among writers, once, and must be quick: all others wait for it.
pub type Script = Box<dyn FnOnce(&mut dyn Write) -> Verdict + Send>;

/// Called when all that a script saw and wrote is durable, or is not to be had.
pub type Done = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// An answer that comes later.
pub type Answer<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>;

/// Storage. What is committed survives the process and the power; [`Space::is_history`] says in which order.
pub trait Store: Send + Sync + 'static {
    /// Looks at what is committed. No commit happens in the middle of a look, so it must be short.
    fn view(&self, look: &mut dyn FnMut(&dyn Read));

    /// Queues a script. `done` is called exactly once, and after those of all earlier scripts.
    fn submit(&self, script: Script, done: Done);

    /// Ends when everything that a view could have seen before the call is durable.
    fn settled(&self) -> Answer<()>;

    /// The days of history, oldest first. May read the disk's directories.
    fn history(&self) -> Result<Vec<Period>, StoreError>;

    /// What all of it takes on disk. May read the disk's directories.
    fn bytes(&self) -> Result<u64, StoreError>;

    /// Drops the days of history that ended before this instant, and says how many they were.
    fn forget_history(&self, before: Instant) -> Answer<usize>;
}

/// The typed side of [`Store`].
pub trait StoreExt {
    /// Runs a script and commits what it wrote if it gives Ok; returns when that is durable. An Err, too, is
    /// given only when all that the script saw is durable.
    fn write<T, E, F>(&self, script: F) -> impl Future<Output = Result<T, E>> + Send
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut dyn Write) -> Result<T, E> + Send + 'static;

    /// What `look` makes of the committed state. Not yet safe to tell outsiders: see [`Store::settled`].
    fn read<T>(&self, look: impl FnOnce(&dyn Read) -> T) -> T;
}

impl<S: Store + ?Sized> StoreExt for S {
    fn write<T, E, F>(&self, script: F) -> impl Future<Output = Result<T, E>> + Send
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut dyn Write) -> Result<T, E> + Send + 'static,
    {
        let (made, answer) = std::sync::mpsc::sync_channel(1);
        let (tell, told) = tokio::sync::oneshot::channel();
        let script: Script = Box::new(move |write| {
            let result = script(write);
            let verdict = if result.is_ok() { Verdict::Commit } else { Verdict::Drop };
            let _ = made.send(result);
            verdict
        });
        self.submit(
            script,
            Box::new(move |durable| {
                // Nobody may wait any more: the caller was dropped, the commit stands.
                let _ = tell.send(durable);
            }),
        );
        async move {
            match told.await {
                Ok(Ok(())) => answer.recv().unwrap_or_else(|_| Err(StoreError::Closed.into())),
                Ok(Err(error)) => Err(error.into()),
                Err(_) => Err(StoreError::Closed.into()),
            }
        }
    }

    fn read<T>(&self, look: impl FnOnce(&dyn Read) -> T) -> T {
        let mut look = Some(look);
        let mut seen = None;
        self.view(&mut |read| {
            if let Some(look) = look.take() {
                seen = Some(look(read));
            }
        });
        seen.expect("a view calls its look")
    }
}

impl dyn Read + '_ {
    pub fn load<R: Record>(&self, key: &R::Key) -> Result<Option<R>, StoreError> {
        self.get(R::SPACE, &key.to_bytes())?.map(|bytes| R::decode(&bytes)).transpose()
    }

    /// Shows each record of the range until `visit` breaks.
    pub fn each<R: Record>(
        &self,
        range: &KeyRange,
        backwards: bool,
        mut visit: impl FnMut(R::Key, R) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut failed = None;
        self.scan(R::SPACE, range, backwards, &mut |key, value| {
            let record = R::Key::decode(key)
                .ok_or_else(|| StoreError::Damaged(format!("a key of {:?} that is none", R::SPACE)))
                .and_then(|key| Ok((key, R::decode(value)?)));
            match record {
                Ok((key, record)) => visit(key, record),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        failed.map_or(Ok(()), Err)
    }

    /// At most `limit` records of the range.
    pub fn list<R: Record>(
        &self,
        range: &KeyRange,
        backwards: bool,
        limit: usize,
    ) -> Result<Vec<(R::Key, R)>, StoreError> {
        let mut records = Vec::new();
        if limit == 0 {
            return Ok(records);
        }
        self.each::<R>(range, backwards, |key, record| {
            records.push((key, record));
            if records.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(records)
    }

    /// How many records lie in the range, counted up to `most`.
    pub fn count(&self, space: Space, range: &KeyRange, most: usize) -> Result<usize, StoreError> {
        let mut count = 0;
        if most > 0 {
            self.scan(space, range, false, &mut |_, _| {
                count += 1;
                if count < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
        }
        Ok(count)
    }
}

impl dyn Write + '_ {
    pub fn load<R: Record>(&self, key: &R::Key) -> Result<Option<R>, StoreError> {
        self.as_read().load(key)
    }

    pub fn save<R: Record>(&mut self, key: &R::Key, record: &R) {
        self.put(R::SPACE, key.to_bytes(), record.encode());
    }

    pub fn remove<R: Record>(&mut self, key: &R::Key) {
        self.delete(R::SPACE, key.to_bytes());
    }
}
