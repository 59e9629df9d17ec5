//! The databases of history: one for each UTC day.
//!
//! They are opened when they are needed, and only a few at a time are kept open: an open one costs memory by
//! the records that it has.

use crate::database::{Database, io_failure};
use crate::folder::sync_folder;
use parking_lot::{Mutex, RwLock};
use sandglass_core::Instant;
use sandglass_core::retention::Period;
use sandglass_store::day::Day;
use sandglass_store::{KeyRange, Space, StoreError};
use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::ops::{Bound, ControlFlow};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

/// How many databases are kept open.
const OPEN_MAX: usize = 8;

/// What the name of a folder that is being removed ends with.
const GONE: &str = ".gone";

pub(crate) struct History {
    folder: PathBuf,
    cache_bytes: u64,
    days: Mutex<BTreeMap<Day, Arc<Slot>>>,
    /// Those that are kept open, the one used last at the back.
    recent: Mutex<VecDeque<(Day, Arc<Database>)>>,
}

/// The database of a day while anybody uses it. It cannot be opened a second time until the last of them has
/// let go of it, so everybody gets it from here. The lock is held while it is being opened.
type Slot = Mutex<Opened>;

#[derive(Default)]
struct Opened {
    database: Weak<Database>,
    /// Whether all of it was read once since the start: days come and go, and that would cost too much each
    /// time.
    checked: bool,
}

impl History {
    /// Finds the days, and opens none. Ends removals that were cut short.
    pub(crate) fn open(folder: PathBuf, cache_bytes: u64) -> Result<History, StoreError> {
        let days = find_days(&folder).map_err(|error| io_failure(&error))?;
        Ok(History { folder, cache_bytes, days: Mutex::new(days), recent: Mutex::default() })
    }

    pub(crate) fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.day(Day::of_key(key))?.map_or(Ok(None), |database| database.get(space, key))
    }

    pub(crate) fn scan(
        &self,
        space: Space,
        range: &KeyRange,
        backwards: bool,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut days = self.days_of(range);
        if backwards {
            days.reverse();
        }
        for day in days {
            if let Some(database) = self.day(day)?
                && database.scan(space, range, backwards, visit)?.is_break()
            {
                break;
            }
        }
        Ok(())
    }

    /// The days that keys of the range can be of: days rise as keys do.
    fn days_of(&self, range: &KeyRange) -> Vec<Day> {
        let day = |bound: &Bound<Vec<u8>>, open: Day| match bound {
            Bound::Included(key) | Bound::Excluded(key) => Day::of_key(key),
            Bound::Unbounded => open,
        };
        let (from, to) = (day(&range.from, Day::of_key(&[])), day(&range.to, Day::MAX));
        let days = self.days.lock();
        if from > to { Vec::new() } else { days.range(from..=to).map(|(day, _)| *day).collect() }
    }

    /// The database of a day, if that day has one.
    pub(crate) fn day(&self, day: Day) -> Result<Option<Arc<Database>>, StoreError> {
        let Some(slot) = self.days.lock().get(&day).cloned() else {
            return Ok(None);
        };
        let mut open = slot.lock();
        let database = if let Some(database) = open.database.upgrade() {
            database
        } else {
            let database = Arc::new(Database::open(&self.path(day), self.cache_bytes, !open.checked)?);
            *open = Opened { database: Arc::downgrade(&database), checked: true };
            database
        };
        drop(open);
        self.keep(day, &database);
        Ok(Some(database))
    }

    /// The database of a day; makes one where there is none. Only the thread that commits may call it.
    pub(crate) fn day_or_new(&self, day: Day) -> Result<Arc<Database>, StoreError> {
        if let Some(database) = self.day(day)? {
            return Ok(database);
        }
        let database = Arc::new(Database::open(&self.path(day), self.cache_bytes, true)?);
        let opened = Opened { database: Arc::downgrade(&database), checked: true };
        self.days.lock().insert(day, Arc::new(Mutex::new(opened)));
        self.keep(day, &database);
        Ok(database)
    }

    fn keep(&self, day: Day, database: &Arc<Database>) {
        let mut recent = self.recent.lock();
        if let Some(at) = recent.iter().position(|(other, _)| *other == day) {
            recent.remove(at);
        }
        recent.push_back((day, database.clone()));
        let least = if recent.len() > OPEN_MAX { recent.pop_front() } else { None };
        drop(recent);
        // Closing takes a moment, and others need not wait for it.
        drop(least);
    }

    /// Removes the days that ended before this instant, and says how many they were. `looks` is taken while
    /// a day is taken away, so that nobody has it in hand.
    ///
    /// A day is renamed before it is removed: a crash leaves all of it or none.
    pub(crate) fn forget(&self, before: Instant, looks: &RwLock<()>) -> Result<usize, StoreError> {
        let days: Vec<Day> =
            self.days.lock().keys().copied().take_while(|day| day.has_ended(before)).collect();
        for day in &days {
            let gone = self.folder.join(format!("{day}{GONE}"));
            let database = {
                let _alone = looks.write();
                fs::rename(self.path(*day), &gone).map_err(|error| io_failure(&error))?;
                self.days.lock().remove(day);
                let mut recent = self.recent.lock();
                let at = recent.iter().position(|(other, _)| other == day);
                at.and_then(|at| recent.remove(at))
            };
            drop(database);
            sync_folder(&self.folder)
                .and_then(|()| fs::remove_dir_all(&gone))
                .map_err(|error| io_failure(&error))?;
        }
        Ok(days.len())
    }

    /// The days, and what their folders take on disk.
    pub(crate) fn periods(&self) -> Result<Vec<Period>, StoreError> {
        let days: Vec<Day> = self.days.lock().keys().copied().collect();
        let period = |day: Day| {
            let bytes = folder_bytes(&self.path(day)).map_err(|error| io_failure(&error))?;
            Ok(Period { end: day.end(), bytes })
        };
        days.into_iter().map(period).collect()
    }

    fn path(&self, day: Day) -> PathBuf {
        self.folder.join(day.to_string())
    }
}

/// What a folder and those in it take. One that is being removed takes nothing.
pub(crate) fn folder_bytes(folder: &Path) -> std::io::Result<u64> {
    let is_gone = |error: &std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
    let entries = match fs::read_dir(folder) {
        Err(error) if is_gone(&error) => return Ok(0),
        entries => entries?,
    };
    let mut bytes = 0;
    for entry in entries {
        let entry = entry?;
        bytes += match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => folder_bytes(&entry.path())?,
            Ok(metadata) => metadata.len(),
            Err(error) if is_gone(&error) => 0,
            Err(error) => return Err(error),
        };
    }
    Ok(bytes)
}

fn find_days(folder: &Path) -> std::io::Result<BTreeMap<Day, Arc<Slot>>> {
    fs::create_dir_all(folder)?;
    let mut days = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if let Ok(day) = name.parse() {
            days.insert(day, Arc::default());
        } else if name.ends_with(GONE) {
            fs::remove_dir_all(entry.path())?;
        } else {
            tracing::warn!(path = %entry.path().display(), "this is not a day of history, and is left alone");
        }
    }
    Ok(days)
}
