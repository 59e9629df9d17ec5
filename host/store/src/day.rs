//! Days of history: what ages out is kept, and dropped, a UTC day at a time.

use sandglass_core::Instant;
use std::fmt;
use std::str::FromStr;

const MILLIS: i64 = 86_400_000;

/// A UTC day, as the number of days since 1970-01-01. Written as `2026-01-31`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(u32);

impl Day {
    /// 9999-12-29, the last one whose every instant can be written. Keys of later instants count to it.
    pub const MAX: Day = Day(2_932_894);

    /// The day of a key of a space of history: such a key begins with a run's id, whose first six bytes are
    /// milliseconds. Bytes that are missing count as zero, so that days rise as keys do.
    pub fn of_key(key: &[u8]) -> Day {
        let mut millis = [0; 8];
        for (into, from) in millis[2..].iter_mut().zip(key) {
            *into = *from;
        }
        let days = u64::from_be_bytes(millis) / MILLIS as u64;
        Day(days.min(u64::from(Day::MAX.0)) as u32)
    }

    fn start(self) -> i64 {
        i64::from(self.0) * MILLIS
    }

    /// The first instant of the next day.
    pub fn end(self) -> Instant {
        Instant::from_millis(self.start() + MILLIS)
    }

    /// Whether nothing more can happen on this day at `now`.
    pub fn has_ended(self, now: Instant) -> bool {
        self.start() + MILLIS <= now.millis()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = Instant::from_millis(self.start()).to_string();
        f.write_str(start.split_once('T').map_or(start.as_str(), |(date, _)| date))
    }
}

impl FromStr for Day {
    type Err = ();

    fn from_str(text: &str) -> Result<Day, ()> {
        let start: Instant = format!("{text}T00:00:00Z").parse().map_err(|_| ())?;
        let day = Day(u32::try_from(start.millis() / MILLIS).map_err(|_| ())?);
        // Only the one form, so that no two texts are the same day.
        if day.to_string() == text { Ok(day) } else { Err(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sandglass_core::{JobId, RunId};

    #[test]
    fn days_are_those_of_their_runs() {
        for (at, day) in [
            ("1970-01-01T00:00:00Z", "1970-01-01"),
            ("2026-02-28T23:59:59.999Z", "2026-02-28"),
            ("2026-03-01T00:00:00Z", "2026-03-01"),
            ("9999-12-29T23:59:59.999Z", "9999-12-29"),
            ("9999-12-30T12:00:00Z", "9999-12-29"),
        ] {
            let run = RunId::new(JobId(1), at.parse().unwrap(), u64::MAX);
            assert_eq!(Day::of_key(&run.to_bytes()).to_string(), day);
            assert_eq!(day.parse(), Ok(Day::of_key(&run.to_bytes())));
        }
        assert_eq!(Day::of_key(&[255; 16]), Day::MAX);
        assert_eq!(Day::of_key(&[]).to_string(), "1970-01-01");
        assert_eq!(Day::MAX.to_string(), "9999-12-29");
    }

    #[test]
    fn a_day_has_ended_at_midnight() {
        let day: Day = "2026-02-28".parse().unwrap();
        assert!(!day.has_ended("2026-02-28T23:59:59.999Z".parse().unwrap()));
        assert!(day.has_ended("2026-03-01T00:00:00Z".parse().unwrap()));
        assert!(!day.has_ended(Instant::MIN));
    }

    #[test]
    fn other_names_are_no_days() {
        for text in
            ["", "2026-2-3", "2026-02-30", "1969-12-31", "2026-02-28.gone", "2026-02-28 ", "+002026-02-28"]
        {
            assert_eq!(text.parse::<Day>(), Err(()), "{text}");
        }
    }
}
