//! Instants of the wall clock and lengths of time, as the specification and the API write them.
//!
//! Nothing here reads a clock: an instant always comes in as an argument.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;
use std::str::FromStr;

/// An instant of the wall clock in milliseconds since 1970-01-01T00:00:00Z.
///
/// Written as RFC 3339 in UTC with milliseconds. Only instants of the years 0000 to 9999 can be made, less their last two days, which the library beneath cannot write.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

impl Instant {
    pub const MIN: Instant = Instant(-62_167_219_200_000);
    pub const MAX: Instant = Instant(253_402_207_199_999);
    pub const EPOCH: Instant = Instant(0);

    /// `millis` since the epoch, brought into the range of years that can be written.
    pub fn from_millis(millis: i64) -> Instant {
        Instant(millis.clamp(Self::MIN.0, Self::MAX.0))
    }

    pub fn millis(self) -> i64 {
        self.0
    }

    /// Saturates at the ends of the range.
    #[must_use]
    pub fn plus(self, span: Span) -> Instant {
        Instant::from_millis(self.0.saturating_add(span.0 as i64))
    }

    /// Saturates at the ends of the range.
    #[must_use]
    pub fn minus(self, span: Span) -> Instant {
        Instant::from_millis(self.0.saturating_sub(span.0 as i64))
    }

    /// How long after `earlier` this is; zero where it is not after it.
    pub fn since(self, earlier: Instant) -> Span {
        Span(self.0.saturating_sub(earlier.0).max(0) as u64)
    }

    pub fn to_jiff(self) -> jiff::Timestamp {
        // Every instant of this type is within jiff's range, which is wider.
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }

    /// Drops what is finer than a millisecond.
    pub fn from_jiff(timestamp: jiff::Timestamp) -> Instant {
        Instant::from_millis(timestamp.as_millisecond())
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.to_jiff())
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Instant {
    type Err = String;

    /// RFC 3339 with any offset; finer digits than milliseconds are dropped.
    fn from_str(text: &str) -> Result<Instant, String> {
        text.parse::<jiff::Timestamp>().map(Instant::from_jiff).map_err(|_| {
            format!("`{}` is not an instant: write it as RFC 3339, such as 2026-01-31T08:30:00Z", brief(text))
        })
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Instant, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// A length of elapsed time in milliseconds, written as `250ms`, `30s`, `15m`, `1h`, `1d` or `2w`, where a
/// day is 24 hours.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(u64);

impl Span {
    pub const ZERO: Span = Span(0);
    /// About 584 years less what would not fit an instant.
    pub const MAX: Span = Span(i64::MAX as u64 / 1_000_000);

    pub const fn from_millis(millis: u64) -> Span {
        Span(if millis > Span::MAX.0 { Span::MAX.0 } else { millis })
    }

    pub const fn from_secs(seconds: u64) -> Span {
        Span::from_millis(seconds.saturating_mul(1000))
    }

    pub const fn millis(self) -> u64 {
        self.0
    }

    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0)
    }

    pub fn from_std(duration: std::time::Duration) -> Span {
        Span::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }
}

const UNITS: [(&str, u64); 6] =
    [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        // Days and weeks are read more easily as such only when they are whole.
        let (unit, size) = UNITS.iter().find(|(_, size)| self.0.is_multiple_of(*size)).unwrap_or(&("ms", 1));
        write!(f, "{}{unit}", self.0 / size)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Span, String> {
        let wrong = || {
            format!(
                "`{}` is not a length of time: write a whole number and ms, s, m, h, d or w, such as 30s",
                brief(text)
            )
        };
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let millis = number.checked_mul(*size).filter(|millis| *millis <= Span::MAX.0);
        millis.map(Span).ok_or_else(|| format!("`{}` is longer than {}", brief(text), Span::MAX))
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// The start of a stranger's text, fit for a message.
pub(crate) fn brief(text: &str) -> String {
    const CHARACTERS_MAX: usize = 60;
    let mut short: String = text.chars().take(CHARACTERS_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(CHARACTERS_MAX).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spans_read_and_write() {
        for (text, millis, back) in [
            ("0s", 0, "0s"),
            ("250ms", 250, "250ms"),
            ("90s", 90_000, "90s"),
            ("60m", 3_600_000, "1h"),
            ("14d", 1_209_600_000, "2w"),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!((span.millis(), span.to_string().as_str()), (millis, back), "{text}");
        }
        for text in ["", "s", "1", "1y", "-1s", "1.5h", "1 h", "99999999999999999999s", "9999999999999w"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }

    #[test]
    fn instants_read_any_offset_and_write_utc() {
        let instant: Instant = "2026-07-01T12:00:00.1239+02:00".parse().unwrap();
        assert_eq!(instant.to_string(), "2026-07-01T10:00:00.123Z");
        assert!("yesterday".parse::<Instant>().unwrap_err().contains("RFC 3339"));
        assert_eq!(Instant::MAX.to_string(), "9999-12-30T21:59:59.999Z");
        assert_eq!(Instant::MAX.plus(Span::MAX), Instant::MAX);
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(millis in Instant::MIN.0..=Instant::MAX.0, span in 0..=Span::MAX.0) {
            let instant = Instant::from_millis(millis);
            prop_assert_eq!(instant.to_string().parse::<Instant>().unwrap(), instant);
            prop_assert_eq!(Span(span).to_string().parse::<Span>().unwrap(), Span(span));
        }
    }
}
