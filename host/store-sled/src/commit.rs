//! The thread that owns all writing.
//!
//! It takes all scripts that wait, up to a bound, and runs each on a layer of its own over the batch's, which
//! lies over what is committed. Then it writes the batch, history first, and answers everybody in order.
//!
//! After a write or a sync that failed nobody can say what is on disk: sled refuses everything from then on,
//! some of the batch can be seen, and whether it is there after the next start is open. So the store stops:
//! it refuses all writes, and nothing that was seen settles, until it is opened anew. Opening reads what is
//! on disk, the whole batch or nothing of it, and that is the truth again. A full disk must not come to
//! that. So there is a look at the space that is left before anything is written, and a reserve is kept that
//! no other program can use up within the time of one batch.

use crate::database::{Database, Prepared, io_failure, panic_text};
use crate::folder::free_bytes;
use crate::store::{Committed, Shared};
use sandglass_core::Instant;
use sandglass_store::day::Day;
use sandglass_store::layer::{Changes, Layer};
use sandglass_store::store::{Done, Script};
use sandglass_store::{Space, StoreError, Verdict};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use tokio::sync::oneshot;

/// Where a batch ends; the script that reaches it still belongs to it. Readers are shut out while a batch is
/// applied, at 4 to 12 µs a record and 4 to 10 ms a megabyte: so for some 10 ms.
const BATCH_SCRIPTS_MAX: usize = 256;
const BATCH_RECORDS_MAX: usize = 1_000;
const BATCH_BYTES_MAX: usize = 2 << 20;

/// The numbers of commits are marked as used so far ahead. More than a batch can use, so that a number is
/// marked before anything that has it is written: history is written first.
const SEQUENCES_AHEAD: u64 = 4 * BATCH_SCRIPTS_MAX as u64;

/// How many bytes the databases may grow for each byte that is written, before they are cleaned up.
const GROWTH: u64 = 4;

pub(crate) enum Request {
    Run(Script, Done),
    Forget { before: Instant, answer: oneshot::Sender<Result<usize, StoreError>> },
}

pub(crate) struct Writer {
    shared: Arc<Shared>,
    /// The number of the newest script.
    sequence: u64,
    /// No script may have a higher number before a higher ceiling is durable.
    ceiling: u64,
    batch: u64,
    /// Why nothing is written any more.
    broken: Option<StoreError>,
}

/// Changes of one record each, as a database takes them.
type Records = Vec<(Space, Vec<u8>, Option<Vec<u8>>)>;

impl Writer {
    /// Marks a range of numbers that no earlier process used.
    pub(crate) fn new(shared: Arc<Shared>) -> Result<Writer, StoreError> {
        let sequence = shared.state.mark().ceiling;
        let ceiling = sequence + SEQUENCES_AHEAD;
        let mark = shared.state.prepare([], ceiling)?;
        let mark = shared.state.apply(mark)?;
        shared.state.sync(&mark)?;
        Ok(Writer { shared, sequence, ceiling, batch: 0, broken: None })
    }

    /// Works until nobody can send any more.
    pub(crate) fn work(mut self, requests: &Receiver<Request>) {
        while let Ok(first) = requests.recv() {
            let mut next = Some(first);
            while let Some(request) = next.take() {
                match request {
                    Request::Run(script, done) => next = self.run_batch(script, done, requests),
                    Request::Forget { before, answer } => {
                        // Whoever asked may have gone away.
                        let _ = answer.send(self.forget(before));
                    }
                }
            }
        }
    }

    fn forget(&self, before: Instant) -> Result<usize, StoreError> {
        self.broken.clone().map_or(Ok(()), Err)?;
        self.shared.history.forget(before, &self.shared.looks)
    }

    /// Runs a script and those that wait behind it, commits them and answers them. Gives back a request of
    /// another kind that came in between.
    fn run_batch(&mut self, script: Script, done: Done, requests: &Receiver<Request>) -> Option<Request> {
        if let Some(error) = &self.broken {
            answer(done, Err(error.clone()));
            return None;
        }
        let shared = self.shared.clone();
        let committed = Committed(&shared);
        let sequence_before = self.sequence;
        let mut layer = Layer::new(&committed, 0);
        let mut answers = Vec::new();
        let mut commits = 0;
        let mut other = None;
        let mut next = Some((script, done));
        while let Some((script, done)) = next.take() {
            let result = self.run(script, &mut layer);
            commits += u64::from(matches!(result, Ok(true)));
            answers.push((done, result.map(|_| ())));
            let full = answers.len() >= BATCH_SCRIPTS_MAX
                || layer.len() >= BATCH_RECORDS_MAX
                || layer.bytes() >= BATCH_BYTES_MAX;
            if !full {
                match requests.try_recv() {
                    Ok(Request::Run(script, done)) => next = Some((script, done)),
                    Ok(request) => other = Some(request),
                    Err(_) => {}
                }
            }
        }
        let bytes = layer.bytes() as u64;
        let changes = layer.into_changes();
        if changes.is_empty() {
            // Nothing has these numbers. Marking them as used would be a write, and looking shall cost none.
            self.sequence = sequence_before;
        }
        // A panic here would be our own mistake. It must not leave anybody waiting.
        let committed = catch_unwind(AssertUnwindSafe(|| self.commit(changes, bytes)));
        let committed = committed
            .unwrap_or_else(|panic| Err(self.stop(&StoreError::Failed(panic_text(&*panic).to_owned()))));
        if committed.is_ok() {
            self.shared.counters.commits.fetch_add(commits, Ordering::Relaxed);
        }
        for (done, result) in answers {
            answer(done, committed.clone().and(result));
        }
        other
    }

    /// Runs one script over the batch, and adds its writes if it commits. Says whether it wrote any.
    fn run(&mut self, script: Script, batch: &mut Layer) -> Result<bool, StoreError> {
        self.sequence += 1;
        let mut layer = Layer::new(&*batch, self.sequence);
        match catch_unwind(AssertUnwindSafe(|| script(&mut layer))) {
            Ok(Verdict::Commit) => {
                let changes = layer.into_changes();
                let wrote = !changes.is_empty();
                batch.absorb(changes);
                Ok(wrote)
            }
            Ok(Verdict::Drop) => Ok(false),
            Err(panic) => {
                let why = panic_text(&*panic);
                tracing::error!(why, "a transaction panicked, and nothing of it was written");
                Err(StoreError::Failed(format!("a transaction panicked: {why}")))
            }
        }
    }

    /// Makes changes durable. What a script saw before them is so already.
    fn commit(&mut self, changes: Changes, bytes: u64) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.check_space(bytes)?;
        let records = changes.len() as u64;
        let ceiling = self.sequence + SEQUENCES_AHEAD;
        let (history, state) = self.by_database(changes)?;
        let history = history
            .into_iter()
            .map(|(database, records)| Ok((database.prepare(records, ceiling)?, database)))
            .collect::<Result<Vec<_>, StoreError>>()?;
        let mark_is_due = self.sequence + BATCH_SCRIPTS_MAX as u64 > self.ceiling;
        let state = if state.is_empty() && !mark_is_due {
            None
        } else {
            Some(self.shared.state.prepare(state, ceiling)?)
        };
        // Until here nothing was written; from here on an error is final.
        let marked = state.is_some();
        self.write(history, state).map_err(|error| self.stop(&error))?;
        if marked {
            self.ceiling = ceiling;
        }
        self.shared.counters.records.fetch_add(records, Ordering::Relaxed);
        self.shared.counters.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Refuses a batch that could fill the disk. Data that is written to the last byte of a disk takes the
    /// databases along with it.
    fn check_space(&self, bytes: u64) -> Result<(), StoreError> {
        let free = free_bytes(&self.shared.folder).map_err(|error| io_failure(&error))?;
        let reserve = self.shared.reserve_bytes.load(Ordering::Relaxed);
        if free < reserve.saturating_add(bytes.saturating_mul(GROWTH)) {
            return Err(StoreError::Full);
        }
        Ok(())
    }

    fn by_database(&self, changes: Changes) -> Result<(Vec<(Arc<Database>, Records)>, Records), StoreError> {
        let mut state = Records::new();
        let mut days: BTreeMap<Day, Records> = BTreeMap::new();
        for ((space, key), value) in changes {
            let records =
                if space.is_history() { days.entry(Day::of_key(&key)).or_default() } else { &mut state };
            records.push((space, key, value));
        }
        let mut history = Vec::with_capacity(days.len());
        for (day, records) in days {
            // A deletion alone is no reason to make a day.
            let database = if records.iter().any(|(_, _, value)| value.is_some()) {
                Some(self.shared.history.day_or_new(day)?)
            } else {
                self.shared.history.day(day)?
            };
            history.extend(database.map(|database| (database, records)));
        }
        Ok((history, state))
    }

    /// Makes everything of history durable before anything of the state can be seen: see
    /// [`Space::is_history`]. Readers are shut out while a database changes, because sled's iterators take no
    /// snapshot.
    fn write(
        &mut self,
        history: Vec<(Prepared, Arc<Database>)>,
        state: Option<Prepared>,
    ) -> Result<(), StoreError> {
        let shared = &self.shared;
        self.batch += 1;
        let mut changed = Vec::with_capacity(history.len());
        if !history.is_empty() {
            let _alone = shared.looks.write();
            shared.progress.seen(self.batch);
            for (prepared, database) in history {
                changed.push((database.apply(prepared)?, database));
            }
        }
        for (applied, database) in changed {
            database.sync(&applied)?;
            shared.counters.syncs.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(prepared) = state {
            let applied = {
                let _alone = shared.looks.write();
                shared.progress.seen(self.batch);
                shared.state.apply(prepared)?
            };
            shared.state.sync(&applied)?;
            shared.counters.syncs.fetch_add(1, Ordering::Relaxed);
        }
        shared.progress.durable(self.batch);
        Ok(())
    }

    /// Writes nothing from now on.
    fn stop(&mut self, error: &StoreError) -> StoreError {
        let stopped = StoreError::Stopped(format!(
            "a write failed, and until the next start nobody knows whether it is on disk ({error})"
        ));
        tracing::error!(%error, "a write failed: the store refuses everything until the next start");
        self.shared.progress.failed(stopped.clone());
        self.broken = Some(stopped.clone());
        stopped
    }
}

fn answer(done: Done, result: Result<(), StoreError>) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| done(result))) {
        tracing::error!(why = panic_text(&*panic), "whoever was told of a commit panicked");
    }
}
