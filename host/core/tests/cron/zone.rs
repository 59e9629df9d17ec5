//! The zones of the bundled database, each with its transitions.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

/// 1970-01-01 and 2038-01-01, in seconds.
pub(crate) const FROM: i64 = 0;
pub(crate) const TO: i64 = 2_145_916_800;

#[allow(clippy::struct_field_names)] // The library's zone within the test's.
pub(crate) struct Zone {
    pub(crate) name: String,
    pub(crate) zone: TimeZone,
    /// From 1970 to 2037, those that change no more than a name or a flag included.
    pub(crate) transitions: Vec<i64>,
}

/// All of them, in the order of their names.
pub(crate) fn all() -> Vec<Zone> {
    let database = TimeZoneDatabase::bundled();
    let mut names: Vec<String> = database.available().map(|name| name.as_str().to_owned()).collect();
    names.sort();
    let zone = |name: String| {
        let zone = database.get(&name).expect("a zone of the database");
        let changes = zone.following(timestamp(FROM - 1)).map(|change| change.timestamp().as_second());
        let transitions = changes.take_while(|at| *at < TO).collect();
        Zone { name, zone, transitions }
    };
    names.into_iter().map(zone).collect()
}

pub(crate) fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).expect("an instant of this age")
}

/// A wall time as the seconds since the wall clock showed 1970, and back.
pub(crate) fn datetime(wall: i64) -> DateTime {
    Offset::UTC.to_datetime(timestamp(wall))
}

impl Zone {
    pub(crate) fn named<'a>(zones: &'a [Zone], name: &str) -> &'a Zone {
        zones.iter().find(|zone| zone.name == name).unwrap_or_else(|| panic!("no zone {name}"))
    }

    /// How far the clock is ahead of UTC, in seconds.
    pub(crate) fn offset(&self, at: i64) -> i64 {
        i64::from(self.zone.to_offset(timestamp(at)).seconds())
    }

    pub(crate) fn wall(&self, at: i64) -> i64 {
        at + self.offset(at)
    }

    /// The last transition that is not after `at`, with the offsets before and from it on.
    pub(crate) fn change_until(&self, at: i64) -> Option<Change> {
        let found = self.transitions.partition_point(|transition| *transition <= at);
        let at = *self.transitions.get(found.checked_sub(1)?)?;
        Some(Change { at, before: self.offset(at - 1), after: self.offset(at) })
    }
}

/// A change of the offset.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    pub(crate) at: i64,
    pub(crate) before: i64,
    pub(crate) after: i64,
}

impl Change {
    /// So many seconds of the wall clock are skipped; fewer than none are repeated.
    pub(crate) fn skipped(&self) -> i64 {
        self.after - self.before
    }
}
