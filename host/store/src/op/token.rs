//! Tokens of the API, by their hash.

use crate::key::KeyRange;
use crate::record::Token;
use crate::space::Space;
use crate::store::{Read, StoreError, Write};
use sandglass_core::Digest;

pub fn put(write: &mut dyn Write, hash: Digest, token: &Token) {
    write.save(&hash, token);
}

pub fn get(read: &dyn Read, hash: Digest) -> Result<Option<Token>, StoreError> {
    read.load(&hash)
}

/// Whether there is any.
pub fn any(read: &dyn Read) -> Result<bool, StoreError> {
    Ok(read.count(Space::Token, &KeyRange::all(), 1)? > 0)
}
