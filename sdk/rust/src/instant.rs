//! Points in time, and their RFC 3339 text.
//!
//! The conversion between days and civil dates is the one of Howard Hinnant's "chrono-compatible low-level
//! date algorithms" (<https://howardhinnant.github.io/date_algorithms.html>). A date library would do it as
//! well, and add time zones that a guest has no data for, and a multiple of this crate's size.

use crate::Error;
use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::str::FromStr;
use std::time::Duration;

const SECOND_MS: i64 = 1_000;
const DAY_MS: i64 = 86_400 * SECOND_MS;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
///
/// It lies in the years 0000 to 9999, those that RFC 3339 can write; what would pass them stops there.
/// In JSON it is RFC 3339 text in UTC, which the host compares as an instant:
///
/// ```
/// use sandglass::Instant;
/// use std::time::Duration;
///
/// let noon: Instant = "2026-03-01T13:00:00+01:00".parse()?;
/// assert_eq!((noon - Duration::from_secs(86_400)).to_string(), "2026-02-28T12:00:00Z");
/// # Ok::<(), sandglass::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    millis: i64,
}

impl Instant {
    /// 0000-01-01T00:00:00Z.
    pub const MIN: Self = Self { millis: -62_167_219_200_000 };
    /// 9999-12-31T23:59:59.999Z.
    pub const MAX: Self = Self { millis: 253_402_300_799_999 };

    /// The instant so many milliseconds after 1970 began, or [`MIN`](Self::MIN) or [`MAX`](Self::MAX) where
    /// that lies beyond them.
    pub fn from_millis(millis: i64) -> Self {
        Self { millis: millis.clamp(Self::MIN.millis, Self::MAX.millis) }
    }

    /// Milliseconds since 1970 began, negative before.
    pub fn as_millis(self) -> i64 {
        self.millis
    }

    /// The time from `earlier` to this, none where `earlier` is later.
    pub fn since(self, earlier: Self) -> Option<Duration> {
        u64::try_from(self.millis - earlier.millis).ok().map(Duration::from_millis)
    }

    /// As `2026-03-01T12:00:00Z`, with three digits more where it is not a whole second.
    pub fn to_rfc3339(self) -> String {
        self.to_string()
    }
}

/// Whole milliseconds; what the duration has beyond them is cut off.
fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl Add<Duration> for Instant {
    type Output = Self;
    fn add(self, duration: Duration) -> Self {
        Self::from_millis(self.millis.saturating_add(millis(duration)))
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;
    fn sub(self, duration: Duration) -> Self {
        Self::from_millis(self.millis.saturating_sub(millis(duration)))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl SubAssign<Duration> for Instant {
    fn sub_assign(&mut self, duration: Duration) {
        *self = *self - duration;
    }
}

/// RFC 3339, see [`Instant::to_rfc3339`].
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.millis.div_euclid(DAY_MS));
        let in_day = self.millis.rem_euclid(DAY_MS);
        let (seconds, millis) = (in_day / SECOND_MS, in_day % SECOND_MS);
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if millis != 0 {
            write!(f, ".{millis:03}")?;
        }
        f.write_str("Z")
    }
}

/// Any RFC 3339 text, of whatever offset. What it has beyond milliseconds is cut off, and a leap second is
/// the last of its minute.
impl FromStr for Instant {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        parse(text.as_bytes()).ok_or_else(|| {
            Error::invalid(format!("`{text}` is not an RFC 3339 time, such as 2026-03-01T12:00:00Z"))
        })
    }
}

impl serde::Serialize for Instant {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Instant {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl serde::de::Visitor<'_> for Text {
            type Value = Instant;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an RFC 3339 time")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Instant, E> {
                text.parse().map_err(|error: Error| E::custom(error.message))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

fn parse(text: &[u8]) -> Option<Instant> {
    let (date_time, rest) = text.split_at_checked(19)?;
    for (position, allowed) in [(4, "-"), (7, "-"), (10, "Tt "), (13, ":"), (16, ":")] {
        if !allowed.as_bytes().contains(&date_time[position]) {
            return None;
        }
    }
    let (year, month, day) =
        (number(&date_time[..4])?, number(&date_time[5..7])?, number(&date_time[8..10])?);
    let (hour, minute, second) =
        (number(&date_time[11..13])?, number(&date_time[14..16])?, number(&date_time[17..19])?);
    if !(1..=12).contains(&month) || !(1..=days_in_month(year, month)).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (fraction_ms, zone) = fraction(rest)?;
    let offset_s = offset(zone)?;
    let seconds = hour * 3_600 + minute * 60 + second.min(59) - offset_s;
    let millis = days_from_civil(year, month, day) * DAY_MS + seconds * SECOND_MS + fraction_ms;
    let instant = Instant::from_millis(millis);
    // An offset can carry the first and last hours of the range beyond it.
    (instant.millis == millis).then_some(instant)
}

/// Digits only: `str::parse` would take a sign, too.
fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
}

/// The milliseconds of `.123456` and what follows it.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some(text) = text.strip_prefix(b".") else {
        return Some((0, text));
    };
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(count);
    let mut thousandths = *b"000";
    for (place, digit) in thousandths.iter_mut().zip(digits) {
        *place = *digit;
    }
    (count > 0).then_some(())?;
    Some((number(&thousandths)?, rest))
}

/// The seconds by which a zone's clocks are ahead of UTC.
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, hour, minute) = match zone {
        b"Z" | b"z" => return Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => (*sign, number(&[*h1, *h2])?, number(&[*m1, *m2])?),
        _ => return None,
    };
    let seconds = hour * 3_600 + minute * 60;
    (hour <= 23 && minute <= 59).then_some(if sign == b'-' { -seconds } else { seconds })
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01. Years begin in March, so that the leap day is the last of its year; 400 of them,
/// an era, have 146,097 days.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of `days_from_civil`.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn instant(text: &str) -> Instant {
        text.parse().expect(text)
    }

    #[test]
    fn text_of_any_offset_is_read() {
        for (text, millis) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01t00:00:00.5z", 500),
            ("1970-01-01 01:00:00.1239+01:00", 123),
            ("1969-12-31T23:59:59.999-00:00", -1),
            ("2000-02-29T12:00:00-05:30", 951_845_400_000),
            ("1990-12-31T23:59:60Z", 662_687_999_000),
        ] {
            assert_eq!(instant(text).as_millis(), millis, "{text}");
        }
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in [
            "",
            "2026-03-01",
            "2026-03-01T12:00:00",
            "2026-03-01T12:00Z",
            "2026-02-29T12:00:00Z",
            "1900-02-29T12:00:00Z",
            "2026-13-01T12:00:00Z",
            "2026-03-00T12:00:00Z",
            "2026-03-01T24:00:00Z",
            "2026-03-01T12:00:00.Z",
            "2026-03-01T12:00:00+1:00",
            "2026-03-01T12:00:00+24:00",
            "2026-03-01T+2:00:00Z",
            "2026-03-01T12:00:00Z ",
            "2026-03-0\u{e9}T12:00:00Z",
            "0000-01-01T00:00:00+01:00",
            "9999-12-31T23:30:00-01:00",
        ] {
            assert!(text.parse::<Instant>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_range_ends_where_its_text_does() {
        assert_eq!(Instant::MIN.to_rfc3339(), "0000-01-01T00:00:00Z");
        assert_eq!(Instant::MAX.to_rfc3339(), "9999-12-31T23:59:59.999Z");
        assert_eq!(Instant::MAX + Duration::MAX, Instant::MAX);
        assert_eq!(Instant::MAX - Duration::MAX, Instant::MIN);
        assert_eq!(Instant::from_millis(i64::MIN), Instant::MIN);
    }

    #[test]
    fn time_passes_forwards_only() {
        let (early, late) = (instant("2026-03-01T12:00:00Z"), instant("2026-03-01T12:00:01.5Z"));
        assert_eq!(late.since(early), Some(Duration::from_millis(1_500)));
        assert_eq!(early.since(late), None);
    }

    #[test]
    fn json_has_it_as_text() {
        let json = serde_json::to_string(&instant("2026-03-01T12:00:00.05+00:00")).expect("text");
        assert_eq!(json, "\"2026-03-01T12:00:00.050Z\"");
        assert_eq!(
            serde_json::from_str::<Instant>(&json).expect("json"),
            instant("2026-03-01T12:00:00.050Z")
        );
        let error = serde_json::from_str::<Instant>("\"yesterday\"").expect_err("no time").to_string();
        assert!(error.contains("`yesterday` is not an RFC 3339 time"), "{error}");
    }

    proptest! {
        #[test]
        fn every_instant_survives_its_text(millis in Instant::MIN.millis..=Instant::MAX.millis) {
            let moment = Instant::from_millis(millis);
            prop_assert_eq!(moment.to_rfc3339().parse::<Instant>().expect("our own text"), moment);
        }

        #[test]
        fn every_instant_reads_as_the_oracle_has_it(millis in Instant::MIN.millis..=Instant::MAX.millis) {
            let oracle: jiff::Timestamp = Instant::from_millis(millis).to_rfc3339().parse().expect("RFC 3339");
            prop_assert_eq!(oracle.as_millisecond(), millis);
        }

        #[test]
        fn every_offset_is_taken_off(
            seconds in -60_000_000_000_i64..250_000_000_000,
            offset in -86_340_i64 / 60..=86_340 / 60,
        ) {
            let local = Instant::from_millis((seconds + offset * 60) * 1_000).to_rfc3339();
            let sign = if offset < 0 { '-' } else { '+' };
            let (hour, minute) = (offset.abs() / 60, offset.abs() % 60);
            let text = format!("{}{sign}{hour:02}:{minute:02}", local.trim_end_matches('Z'));
            prop_assert_eq!(text.parse::<Instant>().expect("RFC 3339").as_millis(), seconds * 1_000);
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}") {
            let _ = text.parse::<Instant>();
        }
    }
}
