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

/// The place of the next message of a commit.
pub(crate) fn free_place(read: &dyn Read, commit: u64) -> Result<Place, StoreError> {
    let last = read.list::<Email>(&KeyRange::prefix(commit.to_bytes()), true, 1)?;
    Ok(PieceKey { of: commit, number: last.first().map_or(0, |(place, _)| place.number + 1) })
}

pub fn get(read: &dyn Read, place: Place) -> Result<Option<Email>, StoreError> {
    read.load(&place)
}
