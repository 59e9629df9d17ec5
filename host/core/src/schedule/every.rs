//! `every`: instants at equal distances, of elapsed or of civil time.

use super::civil::{datetime, milliseconds};
use crate::time::brief;
use jiff::Span;
use std::str::FromStr;

/// A count and a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Period {
    /// At least 1.
    pub(super) count: i64,
    pub(super) unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
}

/// As they are written, with the most of each that is taken: about 100 years.
const UNITS: [(&str, Unit, i64); 6] = [
    ("s", Unit::Second, 100 * 365 * 86_400),
    ("m", Unit::Minute, 100 * 365 * 1440),
    ("h", Unit::Hour, 100 * 365 * 24),
    ("d", Unit::Day, 100 * 365),
    ("w", Unit::Week, 100 * 52),
    ("mo", Unit::Month, 100 * 12),
];

impl Period {
    /// Whether it counts elapsed time; from days on it is civil time in the job's zone.
    pub(super) fn is_elapsed(self) -> bool {
        matches!(self.unit, Unit::Second | Unit::Minute | Unit::Hour)
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Period, String> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (count, name) = text.split_at(digits);
        let unit = UNITS.iter().find(|(unit, ..)| *unit == name).filter(|_| digits > 0);
        let Some((_, unit, most)) = unit else {
            return Err(format!(
                "`{}` is not a period: write a count and one of s, m, h, d, w and mo, without a space, such as \
                 30s, 15m, 1h, 1d, 2w or 1mo",
                brief(text)
            ));
        };
        match count.parse() {
            Ok(0) => Err(format!("`{}` is too short: the shortest period is 1s", brief(text))),
            Ok(count) if count <= *most => Ok(Period { count, unit: *unit }),
            _ => Err(format!("`{}` is too long: the longest period is {most}{name}, 100 years", brief(text))),
        }
    }
}

/// Origin + k periods, for every k from a first one on.
///
/// Counts in milliseconds since 1970, which are those of instants when the period is one of elapsed time, and
/// those that a wall clock shows when it is one of civil time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Every {
    pub(super) period: Period,
    pub(super) origin: i64,
    first: i64,
}

impl Every {
    pub(super) fn new(period: Period, origin: i64, first: i64) -> Every {
        Every { period, origin, first }
    }

    /// The first that is not before `at`.
    pub(super) fn next_from(&self, at: i64) -> Option<i64> {
        self.nth(self.index_from(at))
    }

    /// The last that is before `at`.
    pub(super) fn last_before(&self, at: i64) -> Option<i64> {
        let index = self.index_from(at) - 1;
        (index >= self.first).then(|| self.nth(index))?
    }

    /// How many are in `from..to`.
    pub(super) fn count(&self, from: i64, to: i64) -> u64 {
        (self.index_from(to) - self.index_from(from)).max(0) as u64
    }

    /// The period in milliseconds, where all are of one length.
    fn length(&self) -> Option<i64> {
        let unit = match self.period.unit {
            Unit::Second => 1000,
            Unit::Minute => 60_000,
            Unit::Hour => 3_600_000,
            Unit::Day => 86_400_000,
            Unit::Week => 7 * 86_400_000,
            Unit::Month => return None,
        };
        Some(unit * self.period.count)
    }

    /// Nothing beyond the end of the calendar.
    fn nth(&self, index: i64) -> Option<i64> {
        if let Some(length) = self.length() {
            return length.checked_mul(index)?.checked_add(self.origin);
        }
        // Always from the origin, so that the 31st comes back after a shorter month, whose last day it was.
        let months = self.period.count.checked_mul(index)?;
        let date = datetime(self.origin).checked_add(Span::new().try_months(months).ok()?).ok()?;
        milliseconds(date)
    }

    /// The least index whose instant is not before `at`.
    fn index_from(&self, at: i64) -> i64 {
        let index = if let Some(length) = self.length() {
            let past = at - self.origin;
            past.div_euclid(length) + i64::from(past.rem_euclid(length) > 0)
        } else {
            let month = |ms| {
                let date = datetime(ms).date();
                i64::from(date.year()) * 12 + i64::from(date.month())
            };
            // That of this month or of one before; the one after it is in a later month than `at`.
            let index = (month(at) - month(self.origin)).div_euclid(self.period.count);
            index + i64::from(self.nth(index).is_none_or(|found| found < at))
        };
        index.max(self.first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn periods() {
        for (text, count, unit, elapsed) in [
            ("1s", 1, Unit::Second, true),
            ("90s", 90, Unit::Second, true),
            ("15m", 15, Unit::Minute, true),
            ("1h", 1, Unit::Hour, true),
            ("1d", 1, Unit::Day, false),
            ("2w", 2, Unit::Week, false),
            ("1mo", 1, Unit::Month, false),
            ("1200mo", 1200, Unit::Month, false),
        ] {
            let period: Period = text.parse().unwrap();
            assert_eq!((period, period.is_elapsed()), (Period { count, unit }, elapsed), "{text}");
        }
        let message = |text: &str| text.parse::<Period>().unwrap_err();
        for text in
            ["", "h", "1", "1 h", "1 hour", "1hour", "1M", "1y", "-1h", "+1h", "1.5h", "1h30m", "٣h", "5ms"]
        {
            assert!(message(text).contains("is not a period: write a count and one of s, m, h"), "{text}");
        }
        assert!(message("0s").contains("the shortest period is 1s"));
        for text in ["1201mo", "36501d", "99999999999999999999999h"] {
            assert!(message(text).contains("too long"), "{text}");
        }
    }

    #[test]
    fn monthly_from_the_31st_is_the_last_day_of_shorter_months() {
        let at = |text: &str| milliseconds(text.parse().unwrap()).unwrap();
        let every = Every::new("1mo".parse().unwrap(), at("2027-12-31T08:00"), 0);
        let mut from = at("2027-12-31T08:00");
        for text in ["2027-12-31", "2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30", "2028-05-31"] {
            from = every.next_from(from).unwrap();
            assert_eq!(datetime(from).to_string(), format!("{text}T08:00:00"));
            from += 1;
        }
        assert_eq!(every.last_before(at("2027-12-31T08:00")), None);
        assert_eq!(every.next_from(at("9999-12-30T08:00:01")), None);
    }

    proptest! {
        #[test]
        fn all_views_of_a_sequence_agree(
            count in 1i64..50, unit in 0usize..6, origin in -4_000_000_000_000i64..4_000_000_000_000, first in 0i64..2,
            index in 0i64..1500,
        ) {
            let every = Every::new(Period { count, unit: UNITS[unit].1 }, origin, first);
            let index = index.max(first);
            let at = every.nth(index).unwrap();
            prop_assert_eq!(every.next_from(at), Some(at));
            prop_assert_eq!(every.next_from(at + 1), every.nth(index + 1));
            prop_assert_eq!(every.last_before(at + 1), Some(at));
            prop_assert_eq!(every.last_before(at), if index > first { every.nth(index - 1) } else { None });
            prop_assert_eq!(every.count(i64::MIN / 2, at), (index - first) as u64);
            prop_assert_eq!(every.count(origin, at + 1), (index - first + 1) as u64);
        }
    }
}
