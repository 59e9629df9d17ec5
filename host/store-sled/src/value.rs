//! Values as the database keeps them: whole, or cut into pieces.
//!
//! sled writes a leaf of its tree as one message, and it splits leaves by how many entries they have (more
//! than 16), never by how large they are. A message of more than a quarter of a segment (128 KiB) becomes a
//! file of its own: one that sled never syncs, so that power loss eats what was acknowledged, and mostly never
//! removes. So it is not enough that single values are small: a whole leaf of them must be. A leaf has 20
//! entries at most (16, the one that makes it split, and the 3 of a neighbour that it takes over); pieces
//! are cut so that even 28 of them fit.

use sandglass_core::index::Entry;
use sandglass_store::{Space, StoreError};

/// The largest value that is kept whole, and the size of a piece.
pub(crate) const PIECE_BYTES: usize = 4096;

// Keys of up to 336 bytes, and a few that sled adds to each entry: a piece of a row has the longest key of those
// that have a large value. An entry of an index has a longer key and no value, so it is smaller than a piece; but two
// such keys may bound a leaf.
const _: () = assert!(28 * (PIECE_BYTES + 336 + 16) + 2 * (Entry::BYTES_MAX + 16) < (512 << 10) / 4 - 64);
const _: () = assert!(Entry::BYTES_MAX + 64 < PIECE_BYTES);

/// The spaces that records cannot be in: those of [`Space`] are below.
const PIECES: u8 = 255;
pub(crate) const MARK: &[u8] = &[254];

/// The last byte of a stored value.
const WHOLE: u8 = 0;
const CUT: u8 = 1;

/// Where a record's value, or its head, is stored.
pub(crate) fn place(space: Space, key: &[u8]) -> Vec<u8> {
    // Room for the longest thing that is ever appended.
    let mut place = Vec::with_capacity(key.len() + 6);
    place.push(space as u8);
    place.extend_from_slice(key);
    place
}

/// Where a piece is stored. The number has a fixed length, so no piece of one key is in the place of
/// another's; but the pieces of a longer key may lie between those of a shorter one, so nobody scans for them.
pub(crate) fn piece_place(place: &[u8], number: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(place.len() + 5);
    bytes.push(PIECES);
    bytes.extend_from_slice(place);
    bytes.extend_from_slice(&(number as u32).to_be_bytes());
    bytes
}

/// What is stored in a record's place.
pub(crate) enum Stored<'a> {
    Whole(&'a [u8]),
    /// The value lies in pieces.
    Cut(Head),
}

/// What is known of a value without its pieces.
pub(crate) struct Head {
    pub bytes: usize,
    pub crc32: u32,
}

impl Stored<'_> {
    pub(crate) fn read(bytes: &[u8]) -> Result<Stored<'_>, StoreError> {
        let damaged = || StoreError::Damaged("a value is neither whole nor in pieces".into());
        match bytes.split_last() {
            Some((&WHOLE, value)) => Ok(Stored::Whole(value)),
            Some((&CUT, head)) => {
                let head = u64::from_be_bytes(head.try_into().map_err(|_| damaged())?);
                Ok(Stored::Cut(Head { bytes: (head >> 32) as usize, crc32: head as u32 }))
            }
            _ => Err(damaged()),
        }
    }

    /// How many pieces there are besides.
    pub(crate) fn pieces(&self) -> usize {
        match self {
            Stored::Whole(_) => 0,
            Stored::Cut(head) => head.pieces(),
        }
    }
}

impl Head {
    pub(crate) fn pieces(&self) -> usize {
        self.bytes.div_ceil(PIECE_BYTES)
    }
}

/// Stands for what a record's place holds, and through the head's checksum for its pieces.
pub(crate) fn fingerprint(place: &[u8], stored: &[u8]) -> u64 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(place);
    hasher.update(stored);
    u64::from(hasher.finalize())
}

/// A batch, with a list of the places that it changes.
#[derive(Default)]
pub(crate) struct Batch {
    pub batch: sled::Batch,
    pub places: Vec<Vec<u8>>,
}

impl Batch {
    pub(crate) fn insert(&mut self, place: Vec<u8>, stored: &[u8]) {
        self.batch.insert(place.as_slice(), stored);
        self.places.push(place);
    }

    pub(crate) fn remove(&mut self, place: Vec<u8>) {
        self.batch.remove(place.as_slice());
        self.places.push(place);
    }
}

/// Adds a change of one record to a batch, and gives the fingerprint of what its place will hold.
/// `pieces_before` is how many pieces its value had until now: those that the new one has no use for go.
pub(crate) fn change(
    batch: &mut Batch,
    place: Vec<u8>,
    value: Option<Vec<u8>>,
    pieces_before: usize,
) -> Option<u64> {
    let (stored, pieces) = match value {
        None => (None, 0),
        Some(mut value) if value.len() <= PIECE_BYTES => {
            value.push(WHOLE);
            (Some(value), 0)
        }
        Some(value) => {
            let mut head = (value.len() as u32).to_be_bytes().to_vec();
            head.extend_from_slice(&crc32fast::hash(&value).to_be_bytes());
            head.push(CUT);
            let pieces = value.chunks(PIECE_BYTES);
            let count = pieces.len();
            for (number, piece) in pieces.enumerate() {
                batch.insert(piece_place(&place, number), piece);
            }
            (Some(head), count)
        }
    };
    for number in pieces..pieces_before {
        batch.remove(piece_place(&place, number));
    }
    let fingerprint = stored.as_ref().map(|stored| fingerprint(&place, stored));
    match stored {
        Some(stored) => batch.insert(place, &stored),
        None => batch.remove(place),
    }
    fingerprint
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_record_is_in_a_reserved_place() {
        for space in Space::ALL {
            assert!((space as u8) < MARK[0] && MARK[0] < PIECES);
        }
    }

    #[test]
    fn pieces_of_different_keys_never_meet() {
        let keys: [&[u8]; 5] = [b"", &[0, 0, 0, 1], &[0, 0, 0, 0], &[0, 0, 0, 0, 0, 0, 0, 1], &[0]];
        let mut places = Vec::new();
        for key in keys {
            places.extend((0..3).map(|number| piece_place(&place(Space::Row, key), number)));
        }
        places.sort();
        places.dedup();
        assert_eq!(places.len(), 15);
    }

    #[test]
    fn strange_values_are_damage() {
        for bytes in [&[][..], &[7], &[0, 0, CUT], &[0, 0, 0, 0, 0, 0, 0, 0, 9, CUT]] {
            assert!(Stored::read(bytes).is_err(), "{bytes:?}");
        }
        assert!(matches!(Stored::read(&[WHOLE]), Ok(Stored::Whole(&[]))));
        let head = [0, 0, 16, 1, 0, 0, 0, 9, CUT];
        assert!(matches!(Stored::read(&head).map(|stored| stored.pieces()), Ok(2)));
    }
}
