//! The index of messages that are to be delivered. Its keys say all, its records nothing.

use crate::key::{Key, KeyRange, PieceKey, split};
use sandglass_core::Instant;
use serde::{Deserialize, Serialize};
use std::ops::Bound;

/// That a message is to be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {}

/// A message of the outbox that is to be delivered: those that are being sent first, then those that wait, by the
/// instant of their next attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostKey {
    pub waits: bool,
    pub at: Instant,
    pub place: PieceKey<u64>,
}

impl PostKey {
    /// Every message that waits and is due up to `until`.
    pub fn due(until: Instant) -> KeyRange {
        let mut end = vec![1];
        Instant::from_millis(until.millis().saturating_add(1)).encode(&mut end);
        KeyRange { from: Bound::Included(vec![1]), to: Bound::Excluded(end) }
    }

    /// Every message that is being sent.
    pub fn sending() -> KeyRange {
        KeyRange::prefix(vec![0])
    }
}

impl Key for PostKey {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.waits));
        self.at.encode(out);
        self.place.encode(out);
    }

    fn decode(bytes: &[u8]) -> Option<PostKey> {
        let ([kind], rest) = split::<1>(bytes)?;
        let (at, place) = split::<8>(rest)?;
        let waits = match kind {
            0 => false,
            1 => true,
            _ => return None,
        };
        Some(PostKey { waits, at: Instant::decode(&at)?, place: PieceKey::decode(place)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_read_back_and_sort_as_they_are_due(waits: bool, a in 0i64..1 << 40, b in 0i64..1 << 40, of: u64, number: u32) {
            let key = |millis| PostKey { waits, at: Instant::from_millis(millis), place: PieceKey { of, number } };
            prop_assert_eq!(PostKey::decode(&key(a).to_bytes()), Some(key(a)));
            prop_assert_eq!(a.cmp(&b), key(a).to_bytes().cmp(&key(b).to_bytes()));
            let due = PostKey::due(Instant::from_millis(b)).contains(&key(a).to_bytes());
            prop_assert_eq!(due, waits && a <= b);
            prop_assert_eq!(PostKey::sending().contains(&key(a).to_bytes()), !waits);
        }

        #[test]
        fn no_bytes_make_a_key_panic(bytes: Vec<u8>) {
            let _ = PostKey::decode(&bytes);
        }
    }
}
