//! The outbox.

use crate::key::{Key, KeyRange, PieceKey};
use crate::store::{Read, StoreError};
use sandglass_core::email::Email;
use std::ops::Bound;

/// A message's place in the outbox: the commit, and its number in it.
pub type Place = PieceKey<u64>;

/// Messages, newest first, from before `before`.
pub fn list(read: &dyn Read, before: Option<Place>, limit: usize) -> Result<Vec<(Place, Email)>, StoreError> {
    let to = before.map_or(Bound::Unbounded, |place| Bound::Excluded(place.to_bytes()));
    read.list::<Email>(&KeyRange { from: Bound::Unbounded, to }, true, limit)
}

pub fn get(read: &dyn Read, place: Place) -> Result<Option<Email>, StoreError> {
    read.load(&place)
}
