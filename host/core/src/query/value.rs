//! What it means for one JSON value to be less than another.
//!
//! The total order, [`compare`]: null < false < true < numbers < RFC 3339 strings < other strings < arrays <
//! objects. Numbers compare by their exact values, whatever they are written as: 1 equals 1.0, and integers
//! beyond 2^53 stay apart. RFC 3339 strings ([`Moment`]) compare as instants and are equal when those are;
//! they are a class of their own, because an order that compared them with each other as instants and with
//! all else by bytes would have cycles. Other strings compare by bytes, arrays item by item, objects as the
//! list of their members sorted by name.
//!
//! Filters use [`relate`], which judges one pair at a time and needs no class: it follows the rule of the
//! guest's contract to the letter, so that `gt "2026-01-01"` finds "2026-01-05T00:00:00Z". The two agree on
//! what is equal.
//!
//! All of it goes as deep as the values do; those that are read from JSON text are at most 128 levels deep.

use crate::time::Instant;
use jiff::{SignedDuration, civil};
use serde_json::Value;
use std::cmp::Ordering;

/// A number's exact value: the nearest double, and what is missing from it to the integer that was meant.
///
/// Rounding never swaps two numbers, so comparing the doubles first and the rests then is exact.
#[derive(Debug, Clone, Copy)]
pub struct Number {
    nearest: f64,
    rest: i16,
}

impl Number {
    pub fn of(number: &serde_json::Number) -> Number {
        let integer = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
        if let Some(integer) = integer {
            let nearest = integer as f64;
            // Doubles below 2^64 are at most 2048 apart.
            return Number { nearest, rest: (integer - nearest as i128) as i16 };
        }
        // A number of serde_json is finite. Adding zero makes -0.0 zero.
        Number { nearest: number.as_f64().unwrap_or_default() + 0.0, rest: 0 }
    }

    /// The parts to compare one after the other.
    pub(super) fn parts(self) -> (f64, i16) {
        (self.nearest, self.rest)
    }
}

impl From<u64> for Number {
    fn from(number: u64) -> Number {
        Number::of(&number.into())
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Number) -> Ordering {
        self.nearest.total_cmp(&other.nearest).then(self.rest.cmp(&other.rest))
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Number {}

/// The instant that RFC 3339 text stands for, to the nanosecond.
///
/// Only text by the grammar of section 5.6 counts, in the years 0000 to 9999 and with at most nine digits of
/// a second: other ways to write a time are plain strings. A leap second is the second before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(SignedDuration);

impl Moment {
    /// None for text that is not RFC 3339.
    pub fn parse(text: &str) -> Option<Moment> {
        // 2026-01-31T08:30:00Z is the shortest form. Most strings leave here.
        let bytes = text.as_bytes();
        let separators = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
        if bytes.len() < 20 || separators.iter().any(|(at, byte)| bytes[*at] != *byte) {
            return None;
        }
        if !matches!(bytes[10], b'T' | b't') {
            return None;
        }
        let date = civil::Date::new(
            digits(&bytes[..4])? as i16,
            digits(&bytes[5..7])? as i8,
            digits(&bytes[8..10])? as i8,
        );
        let second = match digits(&bytes[17..19])? {
            60 => 59,
            second => second,
        };
        let (fraction, offset) = match bytes[19] {
            b'.' => {
                let count = bytes[20..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                bytes[20..].split_at(count)
            }
            _ => (&b"0"[..], &bytes[19..]),
        };
        if fraction.is_empty() || fraction.len() > 9 {
            return None;
        }
        let nanos = digits(fraction)? * 10_i32.pow(9 - fraction.len() as u32);
        let (hour, minute) = (digits(&bytes[11..13])? as i8, digits(&bytes[14..16])? as i8);
        let time = civil::Time::new(hour, minute, second as i8, nanos).ok()?;
        let local = civil::DateTime::from_parts(date.ok()?, time);
        let since_epoch = local.duration_since(civil::date(1970, 1, 1).at(0, 0, 0, 0));
        Some(Moment(since_epoch - SignedDuration::from_secs(offset_seconds(offset)?)))
    }

    /// `millis` since the epoch, of any size.
    pub fn from_millis(millis: i64) -> Moment {
        Moment(SignedDuration::from_millis(millis))
    }

    pub(super) fn from_secs(seconds: i64) -> Moment {
        Moment(SignedDuration::from_secs(seconds))
    }

    /// Seconds since the epoch and nanoseconds after them, the latter from 0 to 999,999,999.
    pub(super) fn parts(self) -> (i64, u32) {
        let (seconds, nanos) = (self.0.as_secs(), self.0.subsec_nanos());
        if nanos < 0 { (seconds - 1, (nanos + 1_000_000_000) as u32) } else { (seconds, nanos as u32) }
    }
}

impl From<Instant> for Moment {
    fn from(instant: Instant) -> Moment {
        Moment::from_millis(instant.millis())
    }
}

/// The total order of JSON values.
pub fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Number(left), Value::Number(right)) => Number::of(left).cmp(&Number::of(right)),
        (Value::String(left), Value::String(right)) => match (Moment::parse(left), Moment::parse(right)) {
            (Some(left), Some(right)) => left.cmp(&right),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => left.cmp(right),
        },
        (Value::Array(left), Value::Array(right)) => {
            let pairs = left.iter().zip(right);
            let first = pairs.map(|(left, right)| compare(left, right)).find(|ordering| ordering.is_ne());
            first.unwrap_or_else(|| left.len().cmp(&right.len()))
        }
        (Value::Object(left), Value::Object(right)) => {
            let (left, right) = (members(left), members(right));
            let pairs = left.iter().zip(&right);
            let first = pairs
                .map(|(left, right)| left.0.cmp(right.0).then_with(|| compare(left.1, right.1)))
                .find(|ordering| ordering.is_ne());
            first.unwrap_or_else(|| left.len().cmp(&right.len()))
        }
        _ => kind(left).cmp(&kind(right)),
    }
}

/// How `left` stands to `right` in a filter; none where they are of different kinds. `right_moment` is what
/// [`Moment::parse`] says of `right`, worked out once for many comparisons.
pub fn relate(left: &Value, right: &Value, right_moment: Option<Moment>) -> Option<Ordering> {
    if let (Value::String(left), Value::String(right)) = (left, right) {
        let as_instants = right_moment.and_then(|right| Moment::parse(left).map(|left| left.cmp(&right)));
        return Some(as_instants.unwrap_or_else(|| left.cmp(right)));
    }
    (kind(left) == kind(right)).then(|| compare(left, right))
}

/// An object's members sorted by name, whichever order its map keeps.
pub(super) fn members(object: &serde_json::Map<String, Value>) -> Vec<(&str, &Value)> {
    let mut members: Vec<_> = object.iter().map(|(name, value)| (name.as_str(), value)).collect();
    members.sort_by_key(|(name, _)| *name);
    members
}

/// Ranks the kinds. Booleans are one kind.
fn kind(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

/// The number that at most nine decimal digits stand for.
fn digits(bytes: &[u8]) -> Option<i32> {
    bytes
        .iter()
        .try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i32::from(byte - b'0')))
}

/// `Z`, `+hh:mm` or `-hh:mm`.
fn offset_seconds(bytes: &[u8]) -> Option<i64> {
    let (sign, rest) = match bytes {
        [b'Z' | b'z'] => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let [hour @ .., b':', tens, ones] = rest else {
        return None;
    };
    if hour.len() != 2 {
        return None;
    }
    let (hour, minute) = (digits(hour)?, digits(&[*tens, *ones])?);
    (hour <= 23 && minute <= 59).then(|| sign * i64::from(hour * 3600 + minute * 60))
}

#[cfg(test)]
#[path = "value_tests.rs"]
mod tests;
