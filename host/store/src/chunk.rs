//! Pieces of the components' bytes, which are compressed where that makes them smaller: a component's shrink to less
//! than half, and with them what the embedded store writes, and what it remembers in memory of where it is.

use crate::key::PieceKey;
use crate::record::{Record, VERSION, open_as, seal_as};
use crate::space::Space;
use crate::store::StoreError;
use sandglass_core::Digest;

/// A piece of a component's bytes, of at most [`Chunk::BYTES`], in the form in which it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    version: u8,
    body: Vec<u8>,
}

/// The version of a chunk whose body is a frame of Zstandard (RFC 8878). Those of the other version are as they were
/// uploaded.
const COMPRESSED: u8 = 2;
/// The fastest: what is uploaded is written once, and read at a first run at most.
const LEVEL: i32 = 1;

impl Chunk {
    /// Larger values end up in files that the embedded store never frees.
    pub const BYTES: usize = 64 << 10;

    /// Takes a fraction of a millisecond: it is made before the script that stores it, not within.
    pub fn new(bytes: &[u8]) -> Chunk {
        match zstd::bulk::compress(bytes, LEVEL) {
            Ok(frame) if frame.len() < bytes.len() => Chunk { version: COMPRESSED, body: frame },
            _ => Chunk { version: VERSION, body: bytes.to_vec() },
        }
    }

    /// The bytes as they were uploaded.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where they cannot be had again.
    pub fn bytes(self) -> Result<Vec<u8>, StoreError> {
        if self.version == VERSION {
            return Ok(self.body);
        }
        zstd::bulk::decompress(&self.body, Chunk::BYTES)
            .map_err(|error| StoreError::Damaged(format!("a chunk cannot be decompressed: {error}")))
    }
}

impl Record for Chunk {
    type Key = PieceKey<Digest>;
    const SPACE: Space = Space::Chunk;

    fn encode(&self) -> Vec<u8> {
        seal_as(self.version, &self.body)
    }

    fn decode(bytes: &[u8]) -> Result<Chunk, StoreError> {
        let (version, body) = open_as(Space::Chunk, bytes, &[VERSION, COMPRESSED])?;
        Ok(Chunk { version, body: body.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::seal;

    fn read(stored: &[u8]) -> Result<Vec<u8>, StoreError> {
        Chunk::decode(stored)?.bytes()
    }

    #[test]
    fn what_can_be_compressed_is_and_what_cannot_stays() {
        let text = b"(module (func (export \"run\")))".repeat(1_000);
        let noise: Vec<u8> =
            (0..1_000_u32).flat_map(|n| crc32fast::hash(&n.to_be_bytes()).to_be_bytes()).collect();
        for (bytes, most) in
            [(text.clone(), text.len() / 2), (noise.clone(), noise.len() + 5), (Vec::new(), 5)]
        {
            let stored = Chunk::new(&bytes).encode();
            assert!(stored.len() <= most, "{} of {most} bytes", stored.len());
            assert_eq!(read(&stored), Ok(bytes));
        }
    }

    #[test]
    fn chunks_of_before_are_read() {
        assert_eq!(read(&seal(b"as it was uploaded")), Ok(b"as it was uploaded".to_vec()));
    }

    #[test]
    fn a_chunk_that_is_none_is_damage() {
        let larger = zstd::bulk::compress(&vec![0; Chunk::BYTES + 1], LEVEL).expect("zeros are compressed");
        let mut broken = Chunk::new(&[7; 1_000]).encode();
        broken[9] ^= 1;
        for stored in
            [seal_as(COMPRESSED, &larger), seal_as(COMPRESSED, b"no frame"), seal_as(3, b""), broken]
        {
            assert!(matches!(read(&stored), Err(StoreError::Damaged(_))), "{stored:?}");
        }
    }
}
