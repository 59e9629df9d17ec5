//! Values as bytes that sort as the values do ([`super::value::compare`]): for sorting, cursors and indexes.
//!
//! No encoding is the beginning of another, so several in a row sort as the list of their values does. Cut
//! at a number of bytes they still sort in the same order, with values that agree up to there becoming equal.
//!
//! Each starts with a byte for its class. Strings have 00 as 00 FF and end with 00 01; arrays and objects
//! end with 00, which is below every class. Stored indexes may hold these bytes: they do not change within
//! a version of the format.

use super::value::{self, Moment, Number};
use class::{ARRAY, FALSE, MISSING, MOMENT, NULL, NUMBER, OBJECT, TEXT, TRUE};
use serde_json::Value;

/// The first byte of a value, and how the classes rank.
pub(super) mod class {
    pub(crate) const MISSING: u8 = 1;
    pub(crate) const NULL: u8 = 2;
    pub(crate) const FALSE: u8 = 3;
    pub(crate) const TRUE: u8 = 4;
    pub(crate) const NUMBER: u8 = 5;
    pub(crate) const MOMENT: u8 = 6;
    pub(crate) const TEXT: u8 = 7;
    pub(crate) const ARRAY: u8 = 8;
    pub(crate) const OBJECT: u8 = 9;
}

const END: u8 = 0;
/// Before each member of an object.
const MEMBER: u8 = 1;

/// Collects the bytes of one or more values, each cut at a number of bytes of its own.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
    /// Where the value being written is cut.
    end: usize,
}

impl Writer {
    pub fn new() -> Writer {
        Writer::default()
    }

    /// Starts a value of at most `bytes_max` bytes.
    pub fn start(&mut self, bytes_max: usize) -> &mut Writer {
        self.end = self.bytes.len().saturating_add(bytes_max);
        self
    }

    /// A member that is not there.
    pub fn missing(&mut self) {
        self.put(&[MISSING]);
    }

    pub fn number(&mut self, number: Number) {
        let (nearest, rest) = number.parts();
        let bits = nearest.to_bits();
        // The bits of doubles sort as integers once negative ones are inverted and positive ones put above.
        let sorted = if nearest.is_sign_negative() { !bits } else { bits | (1 << 63) };
        self.put(&[NUMBER]);
        self.put(&sorted.to_be_bytes());
        self.put(&(rest as u16 ^ (1 << 15)).to_be_bytes());
    }

    pub fn moment(&mut self, moment: Moment) {
        let (seconds, nanos) = moment.parts();
        self.put(&[MOMENT]);
        self.put(&(seconds as u64 ^ (1 << 63)).to_be_bytes());
        self.put(&nanos.to_be_bytes());
    }

    /// Text that compares by bytes, RFC 3339 or not.
    pub fn text(&mut self, text: &str) {
        self.put(&[TEXT]);
        self.escaped(text);
    }

    pub fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.put(&[NULL]),
            Value::Bool(false) => self.put(&[FALSE]),
            Value::Bool(true) => self.put(&[TRUE]),
            Value::Number(number) => self.number(Number::of(number)),
            Value::String(text) => match Moment::parse(text) {
                Some(moment) => self.moment(moment),
                None => self.text(text),
            },
            Value::Array(items) => {
                self.put(&[ARRAY]);
                for item in items {
                    if self.is_full() {
                        return;
                    }
                    self.value(item);
                }
                self.put(&[END]);
            }
            Value::Object(object) => {
                self.put(&[OBJECT]);
                for (name, value) in value::members(object) {
                    if self.is_full() {
                        return;
                    }
                    self.put(&[MEMBER]);
                    self.escaped(name);
                    self.value(value);
                }
                self.put(&[END]);
            }
        }
    }

    /// Turns the order of what was written from byte `from` on around.
    pub fn invert(&mut self, from: usize) {
        self.bytes.iter_mut().skip(from).for_each(|byte| *byte = !*byte);
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn is_full(&self) -> bool {
        self.bytes.len() >= self.end
    }

    fn escaped(&mut self, text: &str) {
        let mut pieces = text.split('\0');
        self.put(pieces.next().unwrap_or_default().as_bytes());
        for piece in pieces {
            if self.is_full() {
                return;
            }
            self.put(&[0, 0xff]);
            self.put(piece.as_bytes());
        }
        self.put(&[0, 1]);
    }

    fn put(&mut self, bytes: &[u8]) {
        let room = self.end.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::tests::json;
    use proptest::prelude::*;

    fn encoded(value: &Value, bytes_max: usize) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.start(bytes_max).value(value);
        writer.into_bytes()
    }

    proptest! {
        #[test]
        fn bytes_sort_as_values_do(a in json(), b in json()) {
            let (left, right) = (encoded(&a, usize::MAX), encoded(&b, usize::MAX));
            prop_assert_eq!(left.cmp(&right), value::compare(&a, &b), "{} {}", a, b);
            prop_assert!(left == right || !right.starts_with(&left));
        }

        #[test]
        fn a_cut_encoding_is_the_beginning_of_the_whole(a in json(), bytes_max in 0..40_usize) {
            let (cut, whole) = (encoded(&a, bytes_max), encoded(&a, usize::MAX));
            prop_assert_eq!(&cut[..], &whole[..whole.len().min(bytes_max)]);
        }

        #[test]
        fn pairs_sort_as_lists_and_inverted_ones_the_other_way(
            a in (json(), json()), b in (json(), json()), bytes_max in 1..40_usize, down: bool,
        ) {
            let pair = |pair: &(Value, Value)| {
                let mut writer = Writer::new();
                writer.start(bytes_max).value(&pair.0);
                if down {
                    writer.invert(0);
                }
                writer.start(bytes_max).value(&pair.1);
                writer.into_bytes()
            };
            let first = encoded(&a.0, bytes_max).cmp(&encoded(&b.0, bytes_max));
            let first = if down { first.reverse() } else { first };
            let expected = first.then_with(|| encoded(&a.1, bytes_max).cmp(&encoded(&b.1, bytes_max)));
            prop_assert_eq!(pair(&a).cmp(&pair(&b)), expected);
        }
    }
}
