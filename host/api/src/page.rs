//! Lists, a page at a time.
//!
//! A cursor is the key of the last item, as text. It is opaque to clients and nothing to be trusted: with it
//! nobody sees more than the list shows anyway.

use crate::parameter::Parameters;
use crate::problem::Refusal;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sandglass_store::Key;
use serde::Serialize;
use serde_json::value::RawValue;

const LIMIT_DEFAULT: usize = 50;
const LIMIT_MAX: usize = 1_000;
/// A page ends where its items have so many bytes, but never before its first one.
const BYTES_MAX: usize = 4 << 20;

/// `limit` and `cursor` of a request.
#[derive(Debug)]
pub(crate) struct Paging<K> {
    pub(crate) limit: usize,
    /// The last item of the page before.
    pub(crate) after: Option<K>,
}

impl<K: Key> Paging<K> {
    pub(crate) fn read(parameters: &mut Parameters) -> Paging<K> {
        let limit = parameters.read_with("limit", |text| match text.parse() {
            Ok(limit) if (1..=LIMIT_MAX).contains(&limit) => Ok(limit),
            _ => Err(format!("a limit is a whole number from 1 to {LIMIT_MAX}")),
        });
        let after = parameters.read_with("cursor", |text| {
            decode(text).ok_or(
                "this is not a cursor: hand back the `next` of the page before, or none for the first page",
            )
        });
        Paging { limit: limit.unwrap_or(LIMIT_DEFAULT), after }
    }

    /// One item more than a page has, so as to know whether there are more.
    pub(crate) fn and_one(&self) -> usize {
        self.limit + 1
    }
}

pub(crate) fn encode(key: &impl Key) -> String {
    URL_SAFE_NO_PAD.encode(key.to_bytes())
}

fn decode<K: Key>(text: &str) -> Option<K> {
    K::decode(&URL_SAFE_NO_PAD.decode(text).ok()?)
}

/// A page of a list, as JSON.
#[derive(Debug, Default, Serialize)]
pub(crate) struct List {
    items: Vec<Box<RawValue>>,
    next: Option<String>,
    #[serde(skip)]
    bytes: usize,
}

impl List {
    /// The first items of `found`, which has one more than the limit where there are more.
    pub(crate) fn of<K: Key, T: Serialize>(
        found: impl IntoIterator<Item = (K, T)>,
        limit: usize,
    ) -> Result<List, Refusal> {
        let mut list = List::default();
        let mut last = None;
        for (key, item) in found {
            if list.items.len() == limit || !list.push(&item)? {
                list.next = last.as_ref().map(encode);
                break;
            }
            last = Some(key);
        }
        Ok(list)
    }

    /// Adds an item, and says whether it had room.
    pub(crate) fn push(&mut self, item: &impl Serialize) -> Result<bool, Refusal> {
        let item =
            serde_json::value::to_raw_value(item).map_err(|error| Refusal::internal(error.to_string()))?;
        let bytes = self.bytes + item.get().len();
        if bytes > BYTES_MAX && !self.items.is_empty() {
            return Ok(false);
        }
        self.bytes = bytes;
        self.items.push(item);
        Ok(true)
    }

    /// Where the next page begins, for lists that know it by themselves.
    pub(crate) fn go_on_after(&mut self, next: Option<&impl Key>) {
        self.next = next.map(encode);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sandglass_core::{Digest, Name};
    use serde_json::{Value, json};

    fn read<K: Key>(query: &str) -> (Paging<K>, bool) {
        let mut parameters = Parameters::read(query);
        let paging = Paging::read(&mut parameters);
        (paging, parameters.finish().is_ok())
    }

    #[test]
    fn limits_are_within_bounds() {
        for (query, limit) in [("", Some(50)), ("limit=1", Some(1)), ("limit=1000", Some(1000))] {
            assert_eq!(read::<Name>(query).0.limit, limit.unwrap());
        }
        for query in ["limit=0", "limit=1001", "limit=-1", "limit=ten", "limit="] {
            assert!(!read::<Name>(query).1, "{query}");
        }
    }

    #[test]
    fn cursors_read_back_and_strange_ones_are_refused() {
        let name: Name = "cleanup_tables".parse().unwrap();
        let (paging, valid) = read::<Name>(&format!("cursor={}", encode(&name)));
        assert!(valid);
        assert_eq!(paging.after, Some(name.clone()));
        for query in ["cursor=", "cursor=***", "cursor=AAAA"] {
            assert!(!read::<Name>(query).1, "{query}");
        }
        assert!(!read::<Digest>(&format!("cursor={}", encode(&name))).1);
    }

    #[test]
    fn a_page_ends_at_its_limit_of_items_or_bytes() {
        let page = |sizes: &[usize], limit| -> (usize, Value) {
            let found = sizes.iter().zip(0_u64..).map(|(size, key)| (key, "x".repeat(*size)));
            let list = serde_json::to_value(List::of(found, limit).unwrap()).unwrap();
            (list["items"].as_array().unwrap().len(), list["next"].clone())
        };
        assert_eq!(page(&[], 2), (0, Value::Null));
        assert_eq!(page(&[1, 1], 2), (2, Value::Null));
        assert_eq!(page(&[1, 1, 1], 2), (2, json!(encode(&1_u64))));
        assert_eq!(page(&[3 << 20, 3 << 20, 1], 9), (1, json!(encode(&0_u64))));
        assert_eq!(page(&[9 << 20, 1], 9), (1, json!(encode(&0_u64))));
    }
}
