//! Damage to real components: what transports do, what careless tools do, and what somebody does on purpose.

use rand::RngExt as _;
use rand::rngs::StdRng;

/// A copy of `real` that is damaged in one to four ways. `other` is another upload, of which parts may be taken.
pub fn damaged(real: &[u8], other: &[u8], random: &mut StdRng) -> Vec<u8> {
    let mut bytes = real.to_vec();
    for _ in 0..random.random_range(1..=4) {
        damage(&mut bytes, other, random);
    }
    bytes
}

fn damage(bytes: &mut Vec<u8>, other: &[u8], random: &mut StdRng) {
    if bytes.is_empty() {
        return;
    }
    let at = place(bytes, random);
    match random.random_range(0..10) {
        0 => bytes[at] ^= 1 << random.random_range(0..8),
        1 => bytes[at] = random.random(),
        // Numbers are in LEB128: one that goes on, one that is as large as can be, one more, one less.
        2 => bytes[at] |= 0x80,
        3 => {
            bytes.splice(at..at, [0xff, 0xff, 0xff, 0xff, 0x0f]);
        }
        4 => bytes[at] = bytes[at].wrapping_add(1),
        5 => bytes[at] = bytes[at].wrapping_sub(1),
        6 => bytes.truncate(at),
        // A part is gone, stands twice, or is somebody else's.
        7 => {
            let end = (at + random.random_range(1..64)).min(bytes.len());
            bytes.drain(at..end);
        }
        8 => {
            let end = (at + random.random_range(1..4096)).min(bytes.len());
            let part = bytes[at..end].to_vec();
            bytes.splice(at..at, part);
        }
        _ => {
            let start = random.random_range(0..=other.len());
            let end = (start + random.random_range(1..256)).min(other.len());
            bytes.splice(at..at, other[start..end].iter().copied());
        }
    }
}

/// Most of what makes a component one is near its beginning and its end; the middle is code.
fn place(bytes: &[u8], random: &mut StdRng) -> usize {
    let near = bytes.len().min(2_000);
    match random.random_range(0..3) {
        0 => random.random_range(0..near),
        1 => bytes.len() - 1 - random.random_range(0..near),
        _ => random.random_range(0..bytes.len()),
    }
}
