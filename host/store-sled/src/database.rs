//! One database of sled, and what has to be done around it so that it can be trusted.
//!
//! - sled's `flush` ends in `sync_file_range`, which does not empty the disk's cache: an fdatasync of its file
//!   follows each.
//! - A log whose end is damaged opens as if the end had never been written. So each batch carries a number,
//!   the newest one that was synced is noted outside of sled, and a database that has only older ones is
//!   damaged.
//! - A log that is damaged in the middle opens without what was there. So each batch carries the number of all
//!   records and the sum of their fingerprints, and opening counts them.
//! - A process killed while it opens a database leaves half a snapshot, which the next open takes for a whole
//!   one and stops at. It can go: the older snapshot and the log have everything.
//! - sled panics at some kinds of damage. Those panics become errors here.

use crate::folder::sync_folder;
use crate::value::{self, Batch, Head, MARK, Stored, fingerprint, piece_place, place};
use parking_lot::Mutex;
use sandglass_store::{KeyRange, Space, StoreError};
use std::any::Any;
use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::{Bound, ControlFlow};
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

/// sled's own threads hold its lock for a moment after a database was closed.
const LOCK_TRIES: u32 = 500;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

pub(crate) struct Database {
    tree: sled::Db,
    /// sled's file, to sync it.
    log: File,
    /// The number of the newest batch that was synced. Never synced itself: it may be behind, not ahead.
    newest: File,
    mark: Mutex<Mark>,
}

/// What is kept in a database about itself, written with each batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Counts the batches of this database.
    pub batch: u64,
    /// No commit had a number above this one.
    pub ceiling: u64,
    pub content: Content,
}

/// Stands for all records of a database, in any order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Content {
    records: u64,
    /// The sum of all fingerprints, modulo 2^64.
    sum: u64,
}

impl Content {
    fn add(&mut self, fingerprint: u64) {
        self.records = self.records.wrapping_add(1);
        self.sum = self.sum.wrapping_add(fingerprint);
    }

    fn remove(&mut self, fingerprint: u64) {
        self.records = self.records.wrapping_sub(1);
        self.sum = self.sum.wrapping_sub(fingerprint);
    }
}

/// A batch that is ready to be applied.
pub(crate) struct Prepared {
    batch: Batch,
    mark: Mark,
}

/// A batch that can be seen, and is not durable yet.
#[must_use]
pub(crate) struct Applied {
    places: Vec<Vec<u8>>,
}

impl Database {
    /// Opens the database in a folder, or makes one.
    ///
    /// With `check`, all records are read, and none may be missing: some seconds for a million of them.
    pub(crate) fn open(folder: &Path, cache_bytes: u64, check: bool) -> Result<Database, StoreError> {
        let is_new = !folder.join("newest").exists();
        prepare_folder(folder, is_new).map_err(|error| io_failure(&error))?;
        let tree = open_sled(folder, cache_bytes)?;
        let mark =
            guarded(|| tree.get(MARK))?.map(|bytes| Mark::read(&bytes)).transpose()?.unwrap_or_default();
        let (log, newest) = open_files(folder, is_new).map_err(|error| io_failure(&error))?;

        let mut synced = [0; 8];
        newest.read_exact_at(&mut synced, 0).map_err(|error| io_failure(&error))?;
        let synced = u64::from_be_bytes(synced);
        let damaged = |what| Err(StoreError::Damaged(format!("{}: {what}", folder.display())));
        if mark.batch < synced {
            return damaged(format!("it ends at batch {}, though batch {synced} was written", mark.batch));
        }
        let database = Database { tree, log, newest, mark: Mutex::new(mark) };
        if check {
            let found = database.content()?;
            if found != mark.content {
                let (found, expected) = (found.records, mark.content.records);
                return damaged(format!(
                    "{found} records were found where {expected} should be, or other ones"
                ));
            }
        }
        Ok(database)
    }

    /// Reads everything.
    fn content(&self) -> Result<Content, StoreError> {
        let mut content = Content::default();
        let mut entries = self.tree.range(..MARK);
        while let Some((place, stored)) = guarded(|| entries.next().transpose())? {
            if let Stored::Cut(head) = Stored::read(&stored)? {
                self.join(&place, &head)?;
            }
            content.add(fingerprint(&place, &stored));
        }
        Ok(content)
    }

    pub(crate) fn mark(&self) -> Mark {
        *self.mark.lock()
    }

    pub(crate) fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let place = place(space, key);
        let Some(stored) = guarded(|| self.tree.get(&place))? else {
            return Ok(None);
        };
        match Stored::read(&stored)? {
            Stored::Whole(value) => Ok(Some(value.to_vec())),
            Stored::Cut(head) => self.join(&place, &head).map(Some),
        }
    }

    /// Puts the pieces of a value together.
    fn join(&self, place: &[u8], head: &Head) -> Result<Vec<u8>, StoreError> {
        let mut value = Vec::with_capacity(head.bytes);
        for number in 0..head.pieces() {
            match guarded(|| self.tree.get(piece_place(place, number)))? {
                Some(piece) => value.extend_from_slice(&piece),
                None => return Err(StoreError::Damaged("a piece of a value is missing".into())),
            }
        }
        if value.len() != head.bytes || crc32fast::hash(&value) != head.crc32 {
            return Err(StoreError::Damaged("the pieces of a value are not those that were written".into()));
        }
        Ok(value)
    }

    /// Whether `visit` broke.
    pub(crate) fn scan(
        &self,
        space: Space,
        range: &KeyRange,
        backwards: bool,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, StoreError> {
        let bound = |bound: &Bound<Vec<u8>>, open: Bound<Vec<u8>>| match bound {
            Bound::Included(key) => Bound::Included(place(space, key)),
            Bound::Excluded(key) => Bound::Excluded(place(space, key)),
            Bound::Unbounded => open,
        };
        let from = bound(&range.from, Bound::Included(vec![space as u8]));
        let to = bound(&range.to, Bound::Excluded(vec![space as u8 + 1]));
        let mut entries = self.tree.range::<Vec<u8>, _>((from, to));
        while let Some((key, stored)) =
            guarded(|| if backwards { entries.next_back() } else { entries.next() }.transpose())?
        {
            let flow = match Stored::read(&stored)? {
                Stored::Whole(value) => visit(&key[1..], value),
                Stored::Cut(head) => visit(&key[1..], &self.join(&key, &head)?),
            };
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Makes a batch of changes to different records. Changes nothing yet.
    ///
    /// Only one thread may prepare, apply and sync, and no batch between the two.
    pub(crate) fn prepare(
        &self,
        changes: impl IntoIterator<Item = (Space, Vec<u8>, Option<Vec<u8>>)>,
        ceiling: u64,
    ) -> Result<Prepared, StoreError> {
        let Mark { batch, mut content, .. } = self.mark();
        let mut changed = Batch::default();
        for (space, key, value) in changes {
            let place = place(space, &key);
            let mut pieces_before = 0;
            if let Some(before) = guarded(|| self.tree.get(&place))? {
                pieces_before = Stored::read(&before)?.pieces();
                content.remove(fingerprint(&place, &before));
            }
            if let Some(fingerprint) = value::change(&mut changed, place, value, pieces_before) {
                content.add(fingerprint);
            }
        }
        let mark = Mark { batch: batch + 1, ceiling, content };
        changed.insert(MARK.to_vec(), &mark.write());
        Ok(Prepared { batch: changed, mark })
    }

    /// Makes a batch visible, all of it at once. After an error it is unknown whether it will be there when
    /// the database is next opened, and this one must not be written to again.
    pub(crate) fn apply(&self, prepared: Prepared) -> Result<Applied, StoreError> {
        let Batch { batch, places } = prepared.batch;
        guarded(|| self.tree.apply_batch(batch))?;
        *self.mark.lock() = prepared.mark;
        Ok(Applied { places })
    }

    /// Makes what was applied durable.
    ///
    /// Before that it looks at each place that changed, because sled splits and merges the leaves of its tree
    /// when they are next looked at. A reader would have to write, and where the disk is full it would fail,
    /// and the database with it.
    ///
    /// An error means what it means for [`Database::apply`]; and an fdatasync that failed once proves nothing
    /// when it succeeds later, since the pages that it lost count as clean.
    pub(crate) fn sync(&self, applied: &Applied) -> Result<(), StoreError> {
        for place in &applied.places {
            guarded(|| self.tree.get(place))?;
        }
        guarded(|| self.tree.flush())?;
        self.log.sync_data().map_err(|error| io_failure(&error))?;
        self.newest.write_all_at(&self.mark().batch.to_be_bytes(), 0).map_err(|error| io_failure(&error))
    }
}

impl Mark {
    fn write(self) -> [u8; 32] {
        let numbers = [self.batch, self.ceiling, self.content.records, self.content.sum];
        let mut bytes = [0; 32];
        for (into, number) in bytes.chunks_exact_mut(8).zip(numbers) {
            into.copy_from_slice(&number.to_be_bytes());
        }
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Mark, StoreError> {
        let Ok(bytes) = <[u8; 32]>::try_from(bytes) else {
            return Err(StoreError::Damaged("a database's record of itself has a wrong length".into()));
        };
        let mut numbers = [0; 4];
        for (number, from) in numbers.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *number = u64::from_be_bytes(*from);
        }
        let [batch, ceiling, records, sum] = numbers;
        Ok(Mark { batch, ceiling, content: Content { records, sum } })
    }
}

/// Makes the folder, and takes away what sled would stumble over.
fn prepare_folder(folder: &Path, is_new: bool) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let half_a_snapshot = name.starts_with("snap.") && name.ends_with(".generating");
        // Where the making of the database was cut short, its settings may be cut short too; sled writes
        // them anew. They are always the same.
        if half_a_snapshot || (is_new && name == "conf") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn open_sled(folder: &Path, cache_bytes: u64) -> Result<sled::Db, StoreError> {
    let mut tries = 0;
    loop {
        // The size of a segment stays at its default, which is the size that sled was used with most. Its
        // `mode` is left out because it does nothing in 0.34, and `flush_every_ms` is none because the thread
        // that commits flushes.
        let config = sled::Config::new().path(folder).cache_capacity(cache_bytes).flush_every_ms(None);
        let opened = catch_unwind(AssertUnwindSafe(|| config.open()));
        match opened {
            Ok(Ok(tree)) => return Ok(tree),
            Ok(Err(sled::Error::Io(error))) if error.to_string().contains("could not acquire lock") => {
                tries += 1;
                if tries == LOCK_TRIES {
                    return Err(StoreError::Failed(format!("another process uses {}", folder.display())));
                }
                sleep(LOCK_PAUSE);
            }
            Ok(Err(error)) => return Err(failure(error)),
            Err(panic) => return Err(StoreError::Damaged(panic_text(&*panic).to_owned())),
        }
    }
}

/// sled's log and our note of the newest batch. The note is made last, all of it at once: where it is missing,
/// the making of the database was cut short, and nothing in it was acknowledged.
fn open_files(folder: &Path, is_new: bool) -> io::Result<(File, File)> {
    let mut options = File::options();
    options.read(true).write(true);
    let log = options.open(folder.join("db"))?;
    let path = folder.join("newest");
    if is_new {
        log.sync_all()?;
        File::open(folder.join("conf"))?.sync_all()?;
        let unfinished = folder.join("newest.new");
        let mut newest = File::create(&unfinished)?;
        newest.write_all(&[0; 8])?;
        newest.sync_all()?;
        fs::rename(&unfinished, &path)?;
        sync_folder(folder)?;
        if let Some(parent) = folder.parent() {
            sync_folder(parent)?;
        }
    }
    Ok((log, options.open(path)?))
}

/// Calls sled, and turns its errors and its panics into ours.
fn guarded<T>(call: impl FnOnce() -> sled::Result<T>) -> Result<T, StoreError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(failure),
        Err(panic) => Err(StoreError::Damaged(panic_text(&*panic).to_owned())),
    }
}

fn failure(error: sled::Error) -> StoreError {
    match error {
        sled::Error::Io(error) => io_failure(&error),
        sled::Error::Unsupported(why) => StoreError::Failed(why),
        damage => StoreError::Damaged(damage.to_string()),
    }
}

pub(crate) fn io_failure(error: &io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full,
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => StoreError::Damaged(error.to_string()),
        _ => StoreError::Failed(error.to_string()),
    }
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_find_nothing_to_write() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(folder.path(), 1 << 20, true).unwrap();
        let mut number = 1u64;
        let mut written = 0;
        // Far more than a leaf holds, in an order that splits leaves everywhere, then merges them.
        for round in 0..60 {
            let changes = (0..100).map(|_| {
                number =
                    number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let key = ((number >> 33) % 3000).to_be_bytes().to_vec();
                (Space::Row, key, (round < 30).then(|| vec![7; (number >> 40) as usize % 6000]))
            });
            let changes: std::collections::BTreeMap<_, _> =
                changes.map(|(space, key, value)| (key.clone(), (space, key, value))).collect();
            let prepared = database.prepare(changes.into_values(), 1).unwrap();
            let applied = database.apply(prepared).unwrap();
            database.sync(&applied).unwrap();
            let look = &mut |_: &[u8], _: &[u8]| ControlFlow::Continue(());
            let _ = database.scan(Space::Row, &KeyRange::all(), round % 2 == 0, look).unwrap();
            written += database.tree.flush().unwrap();
        }
        assert_eq!(written, 0);
        assert!(database.mark().content.records > 100);
        drop(database);
        Database::open(folder.path(), 1 << 20, true).unwrap();
    }
}
