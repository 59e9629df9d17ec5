//! Where a page ended, as text that a client hands back to get the next one.
//!
//! Opaque to clients, and untrusted: it is neither signed nor secret, since with it nobody sees a row that
//! the query would not show anyway. It carries the place itself, so rows may come and go between two pages:
//! none that stays in its place is seen twice or left out.

use super::Fingerprint;
use super::order::{Order, SortKey};
use crate::row::RowId;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Says how the bytes are laid out: version, fingerprint, length of the key (two bytes, big end first), key, id.
const VERSION: u8 = 1;
const KEY_BYTES_MAX: usize = Order::STEPS_MAX * Order::KEY_BYTES_MAX;
const BYTES_MAX: usize = 1 + size_of::<Fingerprint>() + 2 + KEY_BYTES_MAX + RowId::BYTES_MAX;

/// The last row of a page, by what it sorts by and its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    key: SortKey,
    id: RowId,
}

impl Cursor {
    /// No cursor is longer; longer text is refused unread.
    pub const TEXT_BYTES_MAX: usize = BYTES_MAX.div_ceil(3) * 4;

    pub(super) fn new(key: SortKey, id: RowId) -> Cursor {
        Cursor { key, id }
    }

    pub fn id(&self) -> &RowId {
        &self.id
    }

    pub(super) fn key(&self) -> &SortKey {
        &self.key
    }

    /// Whether a row with this key and id comes on a later page.
    pub(super) fn is_before(&self, key: &SortKey, id: &RowId) -> bool {
        (&self.key, &self.id) < (key, id)
    }

    pub(super) fn to_text(&self, fingerprint: Fingerprint) -> String {
        let key = &self.key.0;
        let mut bytes = Vec::with_capacity(BYTES_MAX.min(64 + key.len() + self.id.as_str().len()));
        bytes.push(VERSION);
        bytes.extend_from_slice(&fingerprint);
        bytes.extend_from_slice(&(key.len() as u16).to_be_bytes());
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(self.id.as_str().as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    pub(super) fn parse(text: &str, fingerprint: Fingerprint) -> Result<Cursor, String> {
        let none =
            || "this is not a cursor: hand back the `next` of the page before, or none for the first page";
        if text.len() > Self::TEXT_BYTES_MAX {
            return Err(none().into());
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| none())?;
        let rest = bytes.strip_prefix(&[VERSION]).ok_or_else(none)?;
        let (theirs, rest) = rest.split_first_chunk::<8>().ok_or_else(none)?;
        if *theirs != fingerprint {
            return Err(
                "this cursor belongs to another query: the table, filter and order must stay as they \
                        were, or start again without a cursor"
                    .into(),
            );
        }
        let (length, rest) = rest.split_first_chunk().ok_or_else(none)?;
        let (key, id) = rest.split_at_checked(u16::from_be_bytes(*length).into()).ok_or_else(none)?;
        if key.len() > KEY_BYTES_MAX {
            return Err(none().into());
        }
        let id = std::str::from_utf8(id).ok().and_then(|id| id.parse().ok()).ok_or_else(none)?;
        Ok(Cursor { key: SortKey(key.to_vec()), id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OURS: Fingerprint = *b"sandglas";

    fn cursor() -> Cursor {
        Cursor::new(SortKey(vec![5, 0, 255]), "some row".parse().unwrap())
    }

    #[test]
    fn a_cursor_of_another_query_is_refused_as_such() {
        let text = cursor().to_text(*b"anothers");
        assert!(Cursor::parse(&text, OURS).unwrap_err().contains("another query"));
    }

    #[test]
    fn text_that_is_no_cursor_is_refused() {
        let text = cursor().to_text(OURS);
        let raw = URL_SAFE_NO_PAD.decode(&text).unwrap();
        let mut newer = raw.clone();
        newer[0] = 2;
        let mut long_key = raw.clone();
        long_key[9] = 255;
        let mut control = raw.clone();
        control.push(b'\n');
        for bytes in [&newer, &long_key, &control, &raw[..5].to_vec(), &raw[..14].to_vec(), &Vec::new()] {
            let error = Cursor::parse(&URL_SAFE_NO_PAD.encode(bytes), OURS).unwrap_err();
            assert!(error.contains("not a cursor"), "{bytes:?}");
        }
        for text in ["null", "****", &format!("{text}="), &format!(" {text}"), &"A".repeat(1 << 20)] {
            assert!(Cursor::parse(text, OURS).unwrap_err().contains("not a cursor"));
        }
    }

    #[test]
    fn the_largest_cursor_is_read() {
        let key = SortKey(vec![255; KEY_BYTES_MAX]);
        let cursor = Cursor::new(key, "x".repeat(RowId::BYTES_MAX).parse().unwrap());
        assert!(cursor.to_text(OURS).len() <= Cursor::TEXT_BYTES_MAX);
        assert_eq!(Cursor::parse(&cursor.to_text(OURS), OURS).unwrap(), cursor);
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(key: Vec<u8>, id in "[^\\p{Cc}]{1,60}") {
            let cursor = Cursor::new(SortKey(key), id.parse().unwrap());
            prop_assert_eq!(Cursor::parse(&cursor.to_text(OURS), OURS).unwrap(), cursor);
        }

        #[test]
        fn a_changed_cursor_is_refused_or_another_place(at: prop::sample::Index, bit in 0..8_u8) {
            let mut bytes = URL_SAFE_NO_PAD.decode(cursor().to_text(OURS)).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let read = Cursor::parse(&URL_SAFE_NO_PAD.encode(bytes), OURS);
            prop_assert_ne!(read, Ok(cursor()));
        }

        #[test]
        fn strange_text_never_panics(text in "[A-Za-z0-9_-]{0,80}|.{0,20}") {
            prop_assert!(Cursor::parse(&text, OURS).is_err());
        }
    }
}
