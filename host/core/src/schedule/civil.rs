//! From what a wall clock shows to instants, through a time zone's gaps and repeats.
//!
//! Between two changes of its offset a zone's clock runs like any other, so that a stretch of instants is a
//! stretch of walls. A pattern is asked per stretch; no function here goes from occurrence to occurrence.
//!
//! Instants are milliseconds since 1970-01-01T00:00Z. Walls, what a clock shows, are milliseconds since it
//! showed 1970-01-01T00:00. That any two changes of a zone are farther apart than what they change is a
//! property of the IANA database, and tested here.

use super::cron::Cron;
use super::every::Every;
use super::{DstGap, DstRepeat};
use crate::time::Instant;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

/// More than the clocks of any two zones differ, and than any change of one.
const APART_MS: i64 = 2 * 86_400_000;

/// What the zone's clock shows at an instant.
pub(super) fn wall_of(zone: &TimeZone, instant: Instant) -> i64 {
    instant.millis() + milliseconds_of(zone.to_offset(timestamp(instant.millis())))
}

/// The date and time of a wall, brought into the range of the calendar.
pub(super) fn datetime(wall: i64) -> DateTime {
    Offset::UTC.to_datetime(timestamp(wall))
}

/// The wall of a date and time, except in the calendar's last hours.
pub(super) fn milliseconds(datetime: DateTime) -> Option<i64> {
    Offset::UTC.to_timestamp(datetime).ok().map(Timestamp::as_millisecond)
}

fn timestamp(ms: i64) -> Timestamp {
    let bound = if ms < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_millisecond(ms).unwrap_or(bound)
}

fn milliseconds_of(offset: Offset) -> i64 {
    i64::from(offset.seconds()) * 1000
}

/// A set of walls.
#[derive(Debug, PartialEq)]
pub(super) enum Pattern {
    Cron(Box<Cron>),
    Every(Every),
}

impl Pattern {
    /// The first that is not before `wall`.
    fn next_from(&self, wall: i64) -> Option<i64> {
        match self {
            Pattern::Cron(cron) => cron.next_from(wall),
            Pattern::Every(every) => every.next_from(wall),
        }
    }

    /// The last that is before `wall`.
    fn last_before(&self, wall: i64) -> Option<i64> {
        match self {
            Pattern::Cron(cron) => cron.last_before(wall),
            Pattern::Every(every) => every.last_before(wall),
        }
    }

    /// How many are in `from..to`.
    fn count(&self, from: i64, to: i64) -> u64 {
        match self {
            Pattern::Cron(cron) => cron.count(from, to),
            Pattern::Every(every) => every.count(from, to),
        }
    }
}

/// A zone's clock, and what becomes of the walls that it skips or repeats.
#[derive(Debug, PartialEq)]
pub(super) struct Clock {
    zone: TimeZone,
    gap: DstGap,
    repeat: DstRepeat,
}

/// The instants `begin..end` between two changes of the offset.
struct Stretch {
    begin: i64,
    end: i64,
    /// Wall less instant.
    offset: i64,
    /// The walls that occur in it are those in `walls_from..walls_to`: what it shows, less the repeats that
    /// belong to a neighbour.
    walls_from: i64,
    walls_to: i64,
    /// The first wall that the stretch before did not show any more. If it is before what this one shows at its
    /// begin, then the change skipped the walls in between.
    walls_before_to: i64,
    /// The first wall that the next stretch shows.
    next_walls_from: i64,
}

impl Clock {
    pub(super) fn new(zone: TimeZone, gap: DstGap, repeat: DstRepeat) -> Clock {
        Clock { zone, gap, repeat }
    }

    /// The first instant not before `from` at which the pattern occurs.
    pub(super) fn next_from(&self, pattern: &Pattern, from: i64) -> Option<i64> {
        let mut at = from;
        loop {
            let stretch = self.stretch(at);
            if at == stretch.begin && self.occurs_at_gap_end(pattern, &stretch) {
                return Some(at);
            }
            let wall_from = stretch.walls_from.max(at + stretch.offset);
            let found = pattern.next_from(wall_from);
            if let Some(wall) = found.filter(|wall| *wall < stretch.walls_to) {
                return Some(wall - stretch.offset);
            }
            at = stretch.end;
            // No later stretch shows a wall before `next_walls_from`. If none was left out up to there, then
            // the wall that was found is the next one, however many stretches away.
            if wall_from <= stretch.next_walls_from {
                at = at.max(found? - APART_MS);
            }
            if at >= Instant::MAX.millis() {
                return None;
            }
        }
    }

    /// The last instant in `from..=until` at which the pattern occurs.
    pub(super) fn last_until(&self, pattern: &Pattern, from: i64, until: i64) -> Option<i64> {
        let mut at = until;
        while at >= from {
            let stretch = self.stretch(at);
            let wall_to = stretch.walls_to.min(at + stretch.offset + 1);
            let found = pattern.last_before(wall_to);
            if let Some(wall) = found.filter(|wall| *wall >= stretch.walls_from) {
                return Some(wall - stretch.offset).filter(|found| *found >= from);
            }
            if self.occurs_at_gap_end(pattern, &stretch) {
                return Some(stretch.begin).filter(|found| *found >= from);
            }
            at = stretch.begin - 1;
            // As in `next_from`: no earlier stretch shows a wall from `walls_before_to` on.
            if wall_to >= stretch.walls_before_to {
                at = at.min(found? + APART_MS);
            }
        }
        None
    }

    /// At how many instants in `from..to` the pattern occurs.
    pub(super) fn count(&self, pattern: &Pattern, from: i64, to: i64) -> u64 {
        let mut count = 0;
        let mut at = from;
        while at < to {
            let stretch = self.stretch(at);
            let wall_from = stretch.walls_from.max(at + stretch.offset);
            let wall_to = stretch.walls_to.min(to + stretch.offset);
            if wall_from < wall_to {
                count += pattern.count(wall_from, wall_to);
            }
            if at == stretch.begin && self.occurs_at_gap_end(pattern, &stretch) {
                // What shifts to the instant of an ordinary occurrence is one with it.
                count += 1 - pattern.count(wall_from, wall_from + 1);
            }
            at = stretch.end;
        }
        count
    }

    /// Whether a wall of the pattern was skipped by the change at the stretch's begin, and occurs there.
    fn occurs_at_gap_end(&self, pattern: &Pattern, stretch: &Stretch) -> bool {
        let gap_to = stretch.begin + stretch.offset;
        self.gap == DstGap::Shift
            && stretch.walls_before_to < gap_to
            && pattern.next_from(stretch.walls_before_to).is_some_and(|wall| wall < gap_to)
    }

    /// The stretch that an instant lies in.
    fn stretch(&self, at: i64) -> Stretch {
        let here = self.zone.to_offset(timestamp(at));
        // Changes of no more than a name or a flag are none.
        let before = |begin: Timestamp| self.zone.to_offset(timestamp(begin.as_millisecond() - 1));
        let mut changes = self.zone.preceding(timestamp(at + 1)).map(|change| change.timestamp());
        let last = changes.find(|begin| before(*begin) != here);
        let next = self.zone.following(timestamp(at)).find(|change| change.offset() != here);

        let offset = milliseconds_of(here);
        let begin = last.map_or(Instant::MIN.millis(), Timestamp::as_millisecond);
        let end = next.as_ref().map_or(Instant::MAX.millis(), |change| change.timestamp().as_millisecond());
        let walls_before_to = begin + last.map_or(offset, |begin| milliseconds_of(before(begin)));
        let next_walls_from = end + next.map_or(offset, |change| milliseconds_of(change.offset()));

        let (mut walls_from, mut walls_to) = (begin + offset, end + offset);
        match self.repeat {
            DstRepeat::First => walls_from = walls_from.max(walls_before_to),
            DstRepeat::Last => walls_to = walls_to.min(next_walls_from),
            DstRepeat::Both => {}
        }
        Stretch { begin, end, offset, walls_from, walls_to, walls_before_to, next_walls_from }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZoneDatabase;

    #[test]
    fn no_two_changes_of_a_zone_are_near_each_other() {
        let database = TimeZoneDatabase::bundled();
        let end = timestamp(2_500_000_000_000);
        for name in database.available() {
            let zone = database.get(name.as_str()).unwrap();
            let mut offset = zone.to_offset(Timestamp::MIN);
            let mut before: Option<(i64, i64)> = None;
            for change in zone.following(Timestamp::MIN).take_while(|change| change.timestamp() < end) {
                let step = milliseconds_of(change.offset()) - milliseconds_of(offset);
                offset = change.offset();
                if step == 0 {
                    continue;
                }
                let at = change.timestamp().as_millisecond();
                assert!(step.abs() < APART_MS && offset.seconds().abs() < 26 * 3600, "{name} {at}");
                if let Some((at_before, step_before)) = before {
                    assert!(at - at_before > step.abs() + step_before.abs(), "{name} {at}");
                }
                before = Some((at, step));
            }
        }
    }
}
