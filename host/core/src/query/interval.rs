//! Ranges of keys, as strings of bytes, and what two lists of them have in common.

/// Keys from `from` on and before `to`; none is without end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Interval {
    pub from: Vec<u8>,
    pub to: Option<Vec<u8>>,
}

impl Interval {
    pub fn all() -> Interval {
        Interval::default()
    }

    /// Every key that begins with `prefix`.
    pub fn prefix(prefix: Vec<u8>) -> Interval {
        Interval { to: behind(&prefix), from: prefix }
    }

    /// One key alone.
    pub fn key(key: Vec<u8>) -> Interval {
        Interval { to: Some(next(&key)), from: key }
    }

    /// The keys of this interval that come after `key`.
    #[must_use]
    pub fn after(mut self, key: &[u8]) -> Interval {
        self.from = self.from.max(next(key));
        self
    }

    /// The keys of this interval that come before `key`.
    #[must_use]
    pub fn before(mut self, key: &[u8]) -> Interval {
        if self.to.as_deref().is_none_or(|to| to > key) {
            self.to = Some(key.to_vec());
        }
        self
    }

    pub fn is_empty(&self) -> bool {
        self.to.as_ref().is_some_and(|to| *to <= self.from)
    }

    pub fn contains(&self, key: &[u8]) -> bool {
        key >= self.from.as_slice() && self.to.as_deref().is_none_or(|to| key < to)
    }

    /// The same behind `prefix`: of keys that begin with it.
    #[must_use]
    pub fn within(&self, prefix: &[u8]) -> Interval {
        let to = match &self.to {
            Some(to) => Some([prefix, to].concat()),
            None => behind(prefix),
        };
        Interval { from: [prefix, &self.from].concat(), to }
    }
}

/// The first key that comes after every one that begins with `prefix`, if there is any.
pub(super) fn behind(prefix: &[u8]) -> Option<Vec<u8>> {
    let kept = prefix.iter().rposition(|byte| *byte != u8::MAX)? + 1;
    let mut end = prefix[..kept].to_vec();
    end[kept - 1] += 1;
    Some(end)
}

/// The key that follows this one, with none between.
fn next(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

/// What lies in an interval of both lists. Intervals of one list lie apart and in order, and so do those given.
pub(super) fn common(left: &[Interval], right: &[Interval]) -> Vec<Interval> {
    let mut found = Vec::new();
    for one in left {
        for other in right {
            let from = (&one.from).max(&other.from).clone();
            let to = match (&one.to, &other.to) {
                (Some(one), Some(other)) => Some(one.min(other).clone()),
                (one, other) => one.clone().or_else(|| other.clone()),
            };
            let both = Interval { from, to };
            if !both.is_empty() {
                found.push(both);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn intervals() -> impl Strategy<Value = Vec<Interval>> {
        // Cut points in order make intervals that lie apart.
        prop::collection::btree_set(prop::collection::vec(0..3_u8, 0..3), 0..6).prop_map(|points| {
            let points: Vec<_> = points.into_iter().collect();
            let pairs = points.chunks(2);
            pairs.map(|pair| Interval { from: pair[0].clone(), to: pair.get(1).cloned() }).collect()
        })
    }

    proptest! {
        #[test]
        fn what_is_common_lies_in_both(
            left in intervals(), right in intervals(), key in prop::collection::vec(0..3_u8, 0..4),
        ) {
            let holds = |list: &[Interval]| list.iter().any(|interval| interval.contains(&key));
            let both = common(&left, &right);
            prop_assert_eq!(holds(&both), holds(&left) && holds(&right));
            prop_assert!(both.is_sorted());
        }

        #[test]
        fn a_prefix_holds_what_begins_with_it(prefix: Vec<u8>, key: Vec<u8>, rest: Vec<u8>) {
            let interval = Interval::prefix(prefix.clone());
            prop_assert!(interval.contains(&[&prefix[..], &rest].concat()));
            prop_assert_eq!(interval.contains(&key), key.starts_with(&prefix));
            let inner = Interval::prefix(rest.clone()).within(&prefix);
            prop_assert_eq!(inner.contains(&key), key.starts_with(&[&prefix[..], &rest].concat()));
        }

        #[test]
        fn an_interval_is_cut_at_keys(at: Vec<u8>, key: Vec<u8>) {
            prop_assert_eq!(Interval::all().after(&at).contains(&key), key > at);
            prop_assert_eq!(Interval::all().before(&at).contains(&key), key < at);
            prop_assert_eq!(Interval::key(at.clone()).contains(&key), key == at);
        }
    }
}
