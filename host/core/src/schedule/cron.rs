//! A cron expression as a set of walls.
//!
//! The crate `cron` matches the fields of the time of day and holds those of the date. It knows neither
//! crontab(5)'s rule for the two day fields, nor zones, nor years after 2100; so days are put together here,
//! month by month, and the rest is left to [`super::civil`].

use super::civil::{datetime, milliseconds};
use super::day::Days;
use super::field::{self, FIELDS, Field};
use crate::time::brief;
use ::cron::TimeUnitSpec;
use jiff::civil::{Time, time};

/// The walls, in whole seconds, that an expression stands for.
#[derive(Debug, PartialEq)]
pub(super) struct Cron {
    fields: ::cron::Schedule,
    days: Days,
    follows_elapsed_time: bool,
}

impl Cron {
    /// Reads an expression, or says what is wrong with each of its fields.
    pub(super) fn parse(text: &str) -> Result<Cron, Vec<String>> {
        let texts = field::split(text).map_err(|message| vec![message])?;
        let mut normal = Vec::new();
        let mut wrong = Vec::new();
        for (field, text) in FIELDS.iter().zip(texts) {
            match field.read(text) {
                Ok(bits) => normal.push(normal_form(field, bits)),
                Err(message) => wrong.push(message),
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let fields: ::cron::Schedule = normal.join(" ").parse().map_err(|error| vec![format!("{error}")])?;
        let [_, _, hour, day_of_month, _, day_of_week] = texts;
        let days = Days {
            months: fields.months().iter().fold(0, |bits, month| bits | 1 << month),
            dates: fields.days_of_month().iter().fold(0, |bits, day| bits | 1 << day),
            weekdays: fields.days_of_week().iter().fold(0, |bits, day| bits | 1 << (day - 1)),
            either: !day_of_month.starts_with('*') && !day_of_week.starts_with('*'),
        };
        if !days.exist() {
            return Err(vec![format!(
                "`{}` in the day-of-month field is in none of the months given: the longest of them has {} days",
                brief(day_of_month),
                days.longest_month()
            )]);
        }
        let follows_elapsed_time = hour.starts_with('*') && !hour.contains(',');
        Ok(Cron { fields, days, follows_elapsed_time })
    }

    /// Whether the hour field is `*` or `*/n`: such a schedule asks for equal distances rather than for times
    /// of day.
    pub(super) fn follows_elapsed_time(&self) -> bool {
        self.follows_elapsed_time
    }

    /// Hours, minutes and seconds.
    pub(super) fn times(&self) -> [Vec<u32>; 3] {
        let fields = &self.fields;
        [
            fields.hours().iter().collect(),
            fields.minutes().iter().collect(),
            fields.seconds().iter().collect(),
        ]
    }

    /// Days of the month, months, and days of the week with Monday as 1 and Sunday as 7; empty where any will do.
    /// And whether either field of days will do.
    pub(super) fn days(&self) -> ([Vec<u32>; 3], bool) {
        let Days { months, dates, weekdays, either } = self.days;
        let numbers =
            |bits: u32, all: u32| (1..32).filter(|bit| bits != all && bits >> bit & 1 == 1).collect();
        let week = u32::from(weekdays & 0x7e) | u32::from(weekdays & 1) << 7;
        let found = [numbers(dates, !1), numbers(u32::from(months), 0x1ffe), numbers(week, 0xfe)];
        (found, either)
    }

    /// The first that is not before `wall`.
    pub(super) fn next_from(&self, wall: i64) -> Option<i64> {
        let from = datetime(wall + (-wall).rem_euclid(1000));
        let day = self.days.next_from(from.date())?;
        if day == from.date()
            && let Some(time) = self.time_from(from.time())
        {
            return milliseconds(day.to_datetime(time));
        }
        let day = if day == from.date() { self.days.next_from(day.tomorrow().ok()?)? } else { day };
        milliseconds(day.to_datetime(self.time_from(Time::MIN)?))
    }

    /// The last that is before `wall`.
    pub(super) fn last_before(&self, wall: i64) -> Option<i64> {
        let until = datetime(wall - 1);
        let day = self.days.last_until(until.date())?;
        if day == until.date()
            && let Some(time) = self.time_until(until.time())
        {
            return milliseconds(day.to_datetime(time));
        }
        let day = if day == until.date() { self.days.last_until(day.yesterday().ok()?)? } else { day };
        milliseconds(day.to_datetime(self.time_until(Time::MAX)?))
    }

    /// How many are in `from..to`.
    pub(super) fn count(&self, from: i64, to: i64) -> u64 {
        if from >= to {
            return 0;
        }
        let (from, to) = (datetime(from - 1), datetime(to - 1));
        let a_day = self.times_until(Time::MAX);
        let of = |date, times| if self.days.has(date) { times } else { 0 };
        // Whole days up to the one before the last, and what is over at both ends.
        self.days.count(from.date(), to.date()) * a_day + of(to.date(), self.times_until(to.time()))
            - of(from.date(), self.times_until(from.time()))
    }

    /// The first time of a day that is not before `from`, a whole second.
    fn time_from(&self, from: Time) -> Option<Time> {
        let (hours, minutes, seconds) = (self.fields.hours(), self.fields.minutes(), self.fields.seconds());
        let (hour, minute, second) = numbers(from);
        for found in hours.range(hour..) {
            if found > hour {
                return Some(moment(found, minutes.iter().next()?, seconds.iter().next()?));
            }
            for found in minutes.range(minute..) {
                if found > minute {
                    return Some(moment(hour, found, seconds.iter().next()?));
                }
                if let Some(found) = seconds.range(second..).next() {
                    return Some(moment(hour, minute, found));
                }
            }
        }
        None
    }

    /// The last time of a day that is not after `until`.
    fn time_until(&self, until: Time) -> Option<Time> {
        let (hours, minutes, seconds) = (self.fields.hours(), self.fields.minutes(), self.fields.seconds());
        let (hour, minute, second) = numbers(until);
        for found in hours.range(..=hour).rev() {
            if found < hour {
                return Some(moment(found, minutes.iter().next_back()?, seconds.iter().next_back()?));
            }
            for found in minutes.range(..=minute).rev() {
                if found < minute {
                    return Some(moment(hour, found, seconds.iter().next_back()?));
                }
                if let Some(found) = seconds.range(..=second).next_back() {
                    return Some(moment(hour, minute, found));
                }
            }
        }
        None
    }

    /// How many times a day has up to `until`, inclusive.
    fn times_until(&self, until: Time) -> u64 {
        let (hours, minutes, seconds) = (self.fields.hours(), self.fields.minutes(), self.fields.seconds());
        let (hour, minute, second) = numbers(until);
        let mut times = hours.range(..hour).count() * (minutes.count() * seconds.count()) as usize;
        if hours.includes(hour) {
            times += minutes.range(..minute).count() * seconds.count() as usize;
            if minutes.includes(minute) {
                times += seconds.range(..=second).count();
            }
        }
        times as u64
    }
}

/// A field as the crate `cron` reads it: a list of numbers, in which Sunday is 1, or a star for all of them.
fn normal_form(field: &Field, bits: u64) -> String {
    if field.is_full(bits) {
        return "*".to_owned();
    }
    let shift = u32::from(field.is_weekday());
    let numbers: Vec<String> =
        (0..64).filter(|bit| bits >> bit & 1 == 1).map(|bit| (bit + shift).to_string()).collect();
    numbers.join(",")
}

fn numbers(time: Time) -> (u32, u32, u32) {
    (time.hour() as u32, time.minute() as u32, time.second() as u32)
}

fn moment(hour: u32, minute: u32, second: u32) -> Time {
    time(hour as i8, minute as i8, second as i8, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::DateTime;

    fn cron(text: &str) -> Cron {
        Cron::parse(text).unwrap_or_else(|wrong| panic!("{text}: {wrong:?}"))
    }

    fn wall(text: &str) -> i64 {
        milliseconds(text.parse::<DateTime>().unwrap()).unwrap()
    }

    #[test]
    fn walls_follow_each_other() {
        for (text, from, expected) in [
            ("* * * * *", "2026-03-01T00:00:00.001", &["2026-03-01T00:01", "2026-03-01T00:02"][..]),
            ("30 2 * * *", "2026-12-31T02:30", &["2026-12-31T02:30", "2027-01-01T02:30"]),
            ("0 0 29 2 *", "2026-01-01T00:00", &["2028-02-29T00:00", "2032-02-29T00:00"]),
            ("0 0 29 2 */7", "2072-03-01T00:00", &["2088-02-29T00:00", "2128-02-29T00:00"]),
            ("0 0 31 * *", "2026-01-31T00:01", &["2026-03-31T00:00", "2026-05-31T00:00"]),
            (
                "0 0 13 * fri",
                "2026-02-10T00:00",
                &["2026-02-13T00:00", "2026-02-20T00:00", "2026-02-27T00:00"],
            ),
            (
                "0 0 */2 * mon",
                "2026-06-01T00:00",
                &["2026-06-01T00:00", "2026-06-15T00:00", "2026-06-29T00:00"],
            ),
            ("0 0 30 2 mon", "2026-02-01T00:00", &["2026-02-02T00:00", "2026-02-09T00:00"]),
            ("59 59 23 31 12 *", "2026-01-01T00:00", &["2026-12-31T23:59:59", "2027-12-31T23:59:59"]),
            ("*/20 5,6 3 * * *", "2026-01-01T03:05:39", &["2026-01-01T03:05:40", "2026-01-01T03:06:00"]),
        ] {
            let cron = cron(text);
            let mut at = wall(from);
            for expected in expected {
                let found = cron.next_from(at).unwrap();
                assert_eq!(datetime(found), expected.parse().unwrap(), "{text}");
                assert_eq!(cron.last_before(found + 1), Some(found), "{text}");
                assert_eq!((cron.count(at, found), cron.count(at, found + 1)), (0, 1), "{text}");
                at = found + 1;
            }
        }
    }

    #[test]
    fn a_date_that_no_month_has_is_refused() {
        for (text, longest) in [("30 2 30 2 *", 29), ("0 0 31 2,4,6,9,11 *", 30), ("0 0 30,31 feb *", 29)] {
            let wrong = Cron::parse(text).unwrap_err();
            let message = format!(
                "day-of-month field is in none of the months given: the longest of them has {longest}"
            );
            assert!(wrong[0].contains(&message), "{wrong:?}");
        }
        for text in ["0 0 29 2 *", "0 0 31 2,3 *", "0 0 30 2 fri", "0 0 */30 4 *"] {
            cron(text);
        }
    }

    #[test]
    fn only_an_hour_field_that_is_a_star_follows_elapsed_time() {
        for (text, follows) in [
            ("@hourly", true),
            ("*/5 * * * *", true),
            ("0 */2 * * *", true),
            ("0 0-23 * * *", false),
            ("0 */2,5 * * *", false),
            ("* 3 * * *", false),
            ("@daily", false),
        ] {
            assert_eq!(cron(text).follows_elapsed_time(), follows, "{text}");
        }
    }

    #[test]
    fn equal_sets_are_equal_however_they_are_written() {
        assert_eq!(cron("*/30 1 * * sun"), cron("0 0,30 1 * * 7"));
        assert_ne!(cron("0 1 * * sun"), cron("0 1 * * sat"));
    }

    #[test]
    fn centuries_are_counted_by_the_month() {
        let (from, to) = (wall("0001-01-01T00:00"), wall("9999-01-01T00:00"));
        // 9998 years from 0001 on have 24 * 97 + 96 / 4 * 0 leap days and more: let the calendar say it.
        let days = (to - from) / 86_400_000;
        assert_eq!(cron("* * * * * *").count(from, to), days as u64 * 86_400);
        assert_eq!(cron("0 0 * * sun").count(wall("2000-01-01T00:00"), wall("2400-01-01T00:00")), 20_871);
        assert_eq!(cron("0 0 29 2 *").count(wall("2000-01-01T00:00"), wall("2400-01-01T00:00")), 97);
    }
}
