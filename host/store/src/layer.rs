//! Writes that lie over something older: a script's over its batch, a batch's over what is committed.

use crate::key::KeyRange;
use crate::space::Space;
use crate::store::{Read, StoreError, Write};
use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

/// Records by space and key; none where one is deleted.
pub type Changes = BTreeMap<(Space, Vec<u8>), Option<Vec<u8>>>;

/// Changes, and what is seen where they say nothing.
pub struct Layer<'a> {
    below: &'a dyn Read,
    changes: Changes,
    bytes: usize,
    sequence: u64,
}

impl<'a> Layer<'a> {
    /// `sequence` is the number of the commit that the changes are for.
    pub fn new(below: &'a dyn Read, sequence: u64) -> Layer<'a> {
        Layer { below, changes: Changes::new(), bytes: 0, sequence }
    }

    /// How many records are changed.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Bytes of keys and values that were handed in.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn into_changes(self) -> Changes {
        self.changes
    }

    /// Takes over the changes of a layer that lay on this one.
    pub fn absorb(&mut self, changes: Changes) {
        for ((space, key), value) in changes {
            self.change(space, key, value);
        }
    }

    fn change(&mut self, space: Space, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.bytes += key.len() + value.as_ref().map_or(0, Vec::len);
        self.changes.insert((space, key), value);
    }
}

/// The records of one space that lie in a range, out of a map of all spaces.
pub(crate) fn within<'m, V>(
    map: &'m BTreeMap<(Space, Vec<u8>), V>,
    space: Space,
    range: &KeyRange,
) -> impl DoubleEndedIterator<Item = (&'m [u8], &'m V)> + use<'m, V> {
    let bound = |bound: &Bound<Vec<u8>>, open: Bound<(Space, Vec<u8>)>| match bound {
        Bound::Included(key) => Bound::Included((space, key.clone())),
        Bound::Excluded(key) => Bound::Excluded((space, key.clone())),
        Bound::Unbounded => open,
    };
    let next_space = Space::ALL.into_iter().find(|other| *other > space);
    let end = next_space.map_or(Bound::Unbounded, |next| Bound::Excluded((next, Vec::new())));
    let from = bound(&range.from, Bound::Included((space, Vec::new())));
    let to = bound(&range.to, end);
    // A range that ends before it begins holds nothing; the map would panic on it.
    let empty = match (&range.from, &range.to) {
        (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => {
            from > to || (from == to && !range.contains(from))
        }
        _ => false,
    };
    let found = if empty { None } else { Some(map.range((from, to))) };
    found.into_iter().flatten().map(|((_, key), value)| (key.as_slice(), value))
}

impl Read for Layer<'_> {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        // The tuple of a borrowed key cannot be looked up in a map of owned ones, so the key is copied.
        match self.changes.get(&(space, key.to_vec())) {
            Some(value) => Ok(value.clone()),
            None => self.below.get(space, key),
        }
    }

    fn scan(
        &self,
        space: Space,
        range: &KeyRange,
        backwards: bool,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let changed = within(&self.changes, space, range).map(|(key, value)| (key, value.as_deref()));
        let mut changed: Box<dyn Iterator<Item = (&[u8], Option<&[u8]>)>> =
            if backwards { Box::new(changed.rev()) } else { Box::new(changed) };
        let mut next = changed.next();
        let mut broken = false;
        self.below.scan(space, range, backwards, &mut |key, value| {
            // Changes that come before the record, then the record unless one of them replaces it.
            while let Some((change, over)) = next {
                let before = if backwards { change > key } else { change < key };
                if !before && change != key {
                    break;
                }
                next = changed.next();
                if let Some(over) = over
                    && visit(change, over).is_break()
                {
                    broken = true;
                    return ControlFlow::Break(());
                }
                if change == key {
                    return ControlFlow::Continue(());
                }
            }
            let flow = visit(key, value);
            broken = flow.is_break();
            flow
        })?;
        while let (false, Some((key, over))) = (broken, next) {
            next = changed.next();
            if let Some(over) = over {
                broken = visit(key, over).is_break();
            }
        }
        Ok(())
    }
}

impl Write for Layer<'_> {
    fn put(&mut self, space: Space, key: Vec<u8>, value: Vec<u8>) {
        self.change(space, key, Some(value));
    }

    fn delete(&mut self, space: Space, key: Vec<u8>) {
        self.change(space, key, None);
    }

    fn sequence(&mut self) -> u64 {
        self.sequence
    }

    fn as_read(&self) -> &dyn Read {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Nothing;

    impl Read for Nothing {
        fn get(&self, _: Space, _: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
            Ok(None)
        }

        fn scan(
            &self,
            _: Space,
            _: &KeyRange,
            _: bool,
            _: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
        ) -> Result<(), StoreError> {
            Ok(())
        }
    }

    type Model = BTreeMap<Vec<u8>, Vec<u8>>;

    fn seen(read: &dyn Read, range: &KeyRange, backwards: bool, limit: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut seen = Vec::new();
        read.scan(Space::Row, range, backwards, &mut |key, value| {
            seen.push((key.to_vec(), value.to_vec()));
            if seen.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })
        .unwrap();
        seen
    }

    fn bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
        prop_oneof![
            Just(Bound::Unbounded),
            (0u8..9).prop_map(|key| Bound::Included(vec![key])),
            (0u8..9).prop_map(|key| Bound::Excluded(vec![key]))
        ]
    }

    proptest! {
        #[test]
        fn a_layer_on_a_layer_reads_as_one_map(
            writes in proptest::collection::vec((any::<bool>(), 0u8..8, proptest::option::of(0u8..9)), 0..40),
            from in bound(),
            to in bound(),
            backwards: bool,
            limit in 1usize..10,
        ) {
            let mut model = Model::new();
            let mut lower = Layer::new(&Nothing, 1);
            // The writes below come first, whatever their order here.
            for (_, key, value) in writes.iter().filter(|write| write.0) {
                lower.change(Space::Row, vec![*key], value.map(|value| vec![value]));
                lower.put(Space::Email, vec![*key], vec![99]);
            }
            let mut upper = Layer::new(&lower, 1);
            for (_, key, value) in writes.iter().filter(|write| !write.0) {
                upper.change(Space::Row, vec![*key], value.map(|value| vec![value]));
                upper.put(Space::Table, vec![*key], vec![99]);
            }
            for above in [true, false] {
                for (_, key, value) in writes.iter().filter(|write| write.0 == above) {
                    match value {
                        Some(value) => model.insert(vec![*key], vec![*value]),
                        None => model.remove(&vec![*key]),
                    };
                }
            }
            let range = KeyRange { from, to };
            let inside = |(key, _): &(Vec<u8>, Vec<u8>)| range.contains(key);
            let mut expected: Vec<_> = model.clone().into_iter().filter(inside).collect();
            if backwards {
                expected.reverse();
            }
            expected.truncate(limit);
            prop_assert_eq!(seen(&upper, &range, backwards, limit), expected.clone());
            for key in 0u8..8 {
                prop_assert_eq!(upper.get(Space::Row, &[key]).unwrap(), model.get(&vec![key]).cloned());
            }
            let changes = upper.into_changes();
            lower.absorb(changes);
            prop_assert_eq!(seen(&lower, &range, backwards, limit), expected);
        }
    }
}
