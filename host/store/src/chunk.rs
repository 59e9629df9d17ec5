//! Pieces of the components' bytes, which are compressed where that makes them smaller: a component's shrink to less
//! than half, and with them what the embedded store writes, and what it remembers in memory of where it is.

use crate::key::PieceKey;
use crate::record::{Record, VERSION, open_any, seal_as};
use crate::space::Space;
use crate::store::StoreError;
use sandglass_core::Digest;

/// A piece of a component's bytes, of at most [`Chunk::BYTES`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk(pub Vec<u8>);

impl Chunk {
    /// Larger values end up in files that the embedded store never frees.
    pub const BYTES: usize = 64 << 10;
}

/// The version of a chunk whose body is a frame of Zstandard (RFC 8878). Those of the other version are as they were
/// uploaded.
const COMPRESSED: u8 = 2;
/// The fastest: what is uploaded is written once, and read at a first run at most.
const LEVEL: i32 = 1;

impl Record for Chunk {
    type Key = PieceKey<Digest>;
    const SPACE: Space = Space::Chunk;

    fn encode(&self) -> Vec<u8> {
        match zstd::bulk::compress(&self.0, LEVEL) {
            Ok(frame) if frame.len() < self.0.len() => seal_as(COMPRESSED, &frame),
            _ => seal_as(VERSION, &self.0),
        }
    }

    fn decode(bytes: &[u8]) -> Result<Chunk, StoreError> {
        let damaged = |what: String| StoreError::Damaged(format!("a record of {:?} {what}", Space::Chunk));
        match open_any(Space::Chunk, bytes)? {
            (VERSION, body) => Ok(Chunk(body.to_vec())),
            (COMPRESSED, frame) => zstd::bulk::decompress(frame, Chunk::BYTES)
                .map(Chunk)
                .map_err(|error| damaged(format!("cannot be decompressed: {error}"))),
            (version, _) => Err(damaged(format!("has the unknown version {version}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::seal;

    #[test]
    fn what_can_be_compressed_is_and_what_cannot_stays() {
        let text = b"(module (func (export \"run\")))".repeat(1_000);
        let noise: Vec<u8> =
            (0..1_000_u32).flat_map(|n| crc32fast::hash(&n.to_be_bytes()).to_be_bytes()).collect();
        for (bytes, most) in
            [(text.clone(), text.len() / 2), (noise.clone(), noise.len() + 5), (Vec::new(), 5)]
        {
            let chunk = Chunk(bytes);
            let stored = chunk.encode();
            assert!(stored.len() <= most, "{} of {most} bytes", stored.len());
            assert_eq!(Chunk::decode(&stored), Ok(chunk));
        }
    }

    #[test]
    fn chunks_of_before_are_read() {
        assert_eq!(Chunk::decode(&seal(b"as it was uploaded")), Ok(Chunk(b"as it was uploaded".to_vec())));
    }

    #[test]
    fn a_chunk_that_is_none_is_damage() {
        let larger = zstd::bulk::compress(&vec![0; Chunk::BYTES + 1], LEVEL).expect("zeros are compressed");
        let mut broken = Chunk(vec![7; 1_000]).encode();
        broken[9] ^= 1;
        for stored in
            [seal_as(COMPRESSED, &larger), seal_as(COMPRESSED, b"no frame"), seal_as(3, b""), broken]
        {
            assert!(matches!(Chunk::decode(&stored), Err(StoreError::Damaged(_))), "{stored:?}");
        }
    }
}
