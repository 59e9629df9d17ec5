//! A host whose caches are full.

use crate::client::Client;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// More than the store keeps in memory of what it has on disk (`store_sled::Options`), in pieces of this size.
const PIECES: u8 = 10;
const PIECE_BYTES: usize = 8 << 20;

/// Uploads so much that from then on the store forgets as much as it remembers: what the host's memory still grows
/// by is no cache.
#[track_caller]
pub fn fill_caches(host: &Client, component: &[u8]) {
    for piece in 0..PIECES {
        // A custom section with a name of one letter: the component stays what it was. Noise, which the store cannot
        // make smaller.
        let mut content = vec![0; 2 + PIECE_BYTES];
        StdRng::seed_from_u64(piece.into()).fill_bytes(&mut content);
        content[..2].copy_from_slice(&[1, b'x']);
        let mut bytes = component.to_vec();
        bytes.push(0);
        bytes.extend(leb(content.len()));
        bytes.extend(content);
        host.upload(&bytes);
    }
}

/// A length in LEB128.
fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}
