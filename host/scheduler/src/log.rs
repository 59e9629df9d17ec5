//! Logs of runs that are going on: lines are held in memory until a piece of them is stored, and whoever
//! follows a log reads both.

use parking_lot::Mutex;
use sandglass_core::log::Line;
use sandglass_core::{RunId, Span};
use sandglass_runtime::LogSink;
use sandglass_store::op::log as pieces;
use sandglass_store::{Read, Store, StoreError, StoreExt};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use tokio::sync::{Notify, broadcast};

/// Bytes of lines that make a piece ripe at once.
const PIECE_BYTES: usize = 64 << 10;
/// The oldest line that is not stored waits for others at most this long.
const PIECE_AGE: Span = Span::from_secs(1);
/// What a line costs beside its message.
const LINE_BYTES: usize = 48;

/// Where a line stands in its run's log: the piece, and its place there. Stays the same when it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    pub piece: u32,
    pub line: u32,
}

/// The journals of the attempts that run.
#[derive(Default)]
pub(crate) struct Journals(Mutex<HashMap<RunId, Arc<Journal>>>);

impl Journals {
    pub(crate) fn open(&self, run: RunId) -> Arc<Journal> {
        let journal = Arc::new(Journal::new(run));
        self.0.lock().insert(run, journal.clone());
        journal
    }

    /// Closes the journal of an attempt. The run's next one may have opened its own already, which stays.
    pub(crate) fn close(&self, run: RunId, journal: &Arc<Journal>) {
        let mut open = self.0.lock();
        if open.get(&run).is_some_and(|open| Arc::ptr_eq(open, journal)) {
            open.remove(&run);
        }
        drop(open);
        journal.changed.notify_waiters();
    }

    fn get(&self, run: RunId) -> Option<Arc<Journal>> {
        self.0.lock().get(&run).cloned()
    }
}

/// Lines of one attempt that may not be stored yet.
pub(crate) struct Journal {
    run: RunId,
    held: Mutex<Held>,
    begun: Notify,
    full: Notify,
    changed: Notify,
}

#[derive(Default)]
struct Held {
    /// The number of the piece that `open` will be. Looked up with the first piece: most runs log little.
    number: Option<u32>,
    open: Vec<Line>,
    bytes: usize,
    /// Pieces that are cut and may not be stored yet.
    cut: Vec<(u32, Arc<Vec<Line>>)>,
}

impl LogSink for Journal {
    fn line(&self, line: Line) {
        self.push(line);
    }
}

impl Journal {
    fn new(run: RunId) -> Journal {
        Journal {
            run,
            held: Mutex::default(),
            begun: Notify::new(),
            full: Notify::new(),
            changed: Notify::new(),
        }
    }

    pub(crate) fn push(&self, line: Line) {
        let mut held = self.held.lock();
        held.bytes += line.message.len() + LINE_BYTES;
        held.open.push(line);
        if held.open.len() == 1 {
            self.begun.notify_one();
        }
        if held.bytes >= PIECE_BYTES {
            self.full.notify_one();
        }
        drop(held);
        self.changed.notify_waiters();
    }

    /// Ends when there is enough, or something old enough, to be stored.
    pub(crate) async fn ripe(&self) {
        self.begun.notified().await;
        tokio::select! {
            biased;
            () = self.full.notified() => {}
            () = tokio::time::sleep(PIECE_AGE.to_std()) => {}
        }
    }

    /// Closes the open piece, which the caller is to store; none where it is empty.
    pub(crate) fn cut(&self, store: &dyn Store) -> Result<Option<(u32, Arc<Vec<Line>>)>, StoreError> {
        let mut held = self.held.lock();
        if held.open.is_empty() {
            return Ok(None);
        }
        let number = self.number(&mut held, store)?;
        let lines = Arc::new(std::mem::take(&mut held.open));
        held.bytes = 0;
        held.number = Some(number + 1);
        held.cut.push((number, lines.clone()));
        Ok(Some((number, lines)))
    }

    pub(crate) fn stored(&self, number: u32) {
        self.held.lock().cut.retain(|(cut, _)| *cut != number);
    }

    /// An earlier attempt of the run may have left pieces.
    fn number(&self, held: &mut Held, store: &dyn Store) -> Result<u32, StoreError> {
        if let Some(number) = held.number {
            return Ok(number);
        }
        let number = store.read(|read: &dyn Read| pieces::next_number(read, self.run))?;
        held.number = Some(number);
        Ok(number)
    }

    /// Lines from `from` on that are held here, and the number of the first piece held.
    fn held_from(&self, from: Place, store: &dyn Store) -> Result<(u32, Vec<(Place, Line)>), StoreError> {
        let mut held = self.held.lock();
        let open = self.number(&mut held, store)?;
        let first = held.cut.first().map_or(open, |(number, _)| *number);
        let cut = held.cut.iter().map(|(number, lines)| (*number, lines.as_slice()));
        let pieces = cut.chain([(open, held.open.as_slice())]);
        let lines = pieces.flat_map(|(piece, lines)| placed(piece, lines, from)).collect();
        Ok((first, lines))
    }
}

fn placed(piece: u32, lines: &[Line], from: Place) -> impl Iterator<Item = (Place, Line)> {
    lines.iter().enumerate().filter_map(move |(line, text)| {
        let place = Place { piece, line: line as u32 };
        (place >= from).then(|| (place, text.clone()))
    })
}

/// A part of a log, and whether more may come.
pub struct Followed {
    pub lines: Vec<(Place, Line)>,
    /// From where to read on.
    pub next: Place,
    /// Whether everything that is stored or held was given.
    pub caught_up: bool,
}

/// Lines that one read gives, about.
const LINES_MAX: usize = 2_000;

impl crate::Host {
    /// Lines of a run's log from `from` on, in order, about 2 000 at once.
    pub fn log(&self, run: RunId, from: Place) -> Result<Followed, StoreError> {
        // What is held is read first: what is stored meanwhile is then read twice, not missed.
        let (held_first, held) = match self.journals.get(run) {
            Some(journal) => journal.held_from(from, &*self.store)?,
            None => (u32::MAX, Vec::new()),
        };
        let mut lines = Vec::new();
        let mut whole = true;
        self.store.read(|read| {
            pieces::each(read, run, from.piece, |number, piece| {
                if number >= held_first {
                    return ControlFlow::Break(());
                }
                lines.extend(placed(number, &piece, from));
                whole = lines.len() < LINES_MAX;
                if whole { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })
        })?;
        if whole {
            lines.extend(held);
        }
        let after = |place: Place| Place { piece: place.piece, line: place.line + 1 };
        let next = lines.last().map_or(from, |(place, _)| after(*place));
        Ok(Followed { lines, next, caught_up: whole })
    }

    /// For [`Host::log_grown`](crate::Host::log_grown): made before the log is first looked at.
    pub fn follower(&self, run: RunId) -> Follower {
        Follower { run, changes: self.changes() }
    }

    /// Ends when the log may have grown behind `since`, or the run has changed since this was last asked.
    pub async fn log_grown(&self, follower: &mut Follower, since: Place) -> Result<(), StoreError> {
        let run = follower.run;
        tokio::select! {
            biased;
            () = follower.changed() => Ok(()),
            grown = self.journal_grown(run, since) => grown,
        }
    }

    /// Goes on for ever where no attempt of the run is executing.
    async fn journal_grown(&self, run: RunId, since: Place) -> Result<(), StoreError> {
        let Some(journal) = self.journals.get(run) else {
            return std::future::pending().await;
        };
        let changed = journal.changed.notified();
        let mut changed = std::pin::pin!(changed);
        changed.as_mut().enable();
        // Lines that came between the reader's look and this one.
        if !journal.held_from(since, &*self.store)?.1.is_empty() || self.journals.get(run).is_none() {
            return Ok(());
        }
        changed.await;
        Ok(())
    }
}

/// Whoever follows a run's log: it is told of what happens to the run.
pub struct Follower {
    run: RunId,
    changes: broadcast::Receiver<RunId>,
}

impl Follower {
    async fn changed(&mut self) {
        loop {
            match self.changes.recv().await {
                Ok(changed) if changed != self.run => {}
                // Whoever lags looks again, as after any change.
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return,
                // The host is going, and those who follow are told of that.
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}
