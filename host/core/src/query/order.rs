//! In which order a query gives its rows.

use super::field::Field;
use super::key::Writer;
use crate::row::Row;
use std::cmp::Ordering;

/// One step of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub field: Field,
    /// Largest first, and missing members last.
    pub descending: bool,
}

/// Steps, most significant first. Rows that are equal by all of them are ordered by id, ascending.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Order {
    steps: Vec<Step>,
}

impl Order {
    pub const STEPS_MAX: usize = 8;
    /// A value counts in an order with so many bytes of its encoding ([`super::key`]), and values that agree
    /// up to there are equal in it. Only long strings, arrays and objects are longer. It bounds what a sort
    /// keeps in memory and what a cursor carries.
    pub const KEY_BYTES_MAX: usize = 512;

    pub fn new(mut steps: Vec<Step>) -> Result<Order, String> {
        if steps.len() > Self::STEPS_MAX {
            return Err(format!(
                "an order has at most {} steps, and this one has {}",
                Self::STEPS_MAX,
                steps.len()
            ));
        }
        // No two rows share an id, so nothing after it matters; and ascending it is the rule anyway.
        if let Some(at) = steps.iter().position(|step| step.field == Field::Id) {
            let kept = if steps[at].descending { at + 1 } else { at };
            steps.truncate(kept);
        }
        Ok(Order { steps })
    }

    /// The steps that matter: none after the id, and not the id ascending, which is the rule.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The same without steps by a field that is the same in all rows that are to be ordered.
    #[must_use]
    pub(super) fn without(mut self, is_fixed: impl Fn(&Field) -> bool) -> Order {
        self.steps.retain(|step| !is_fixed(&step.field));
        self
    }

    /// Whether rows come in the order of their ids, ascending: that in which tables keep them.
    pub fn is_by_id(&self) -> bool {
        self.steps.is_empty()
    }

    /// What the row sorts by, before its id.
    pub fn key(&self, row: &Row) -> SortKey {
        let mut writer = Writer::new();
        for step in &self.steps {
            let from = writer.len();
            writer.start(Self::KEY_BYTES_MAX);
            step.field.write(row, &mut writer);
            if step.descending {
                writer.invert(from);
            }
        }
        SortKey(writer.into_bytes())
    }

    pub fn compare(&self, left: &Row, right: &Row) -> Ordering {
        self.key(left).cmp(&self.key(right)).then_with(|| left.id.cmp(&right.id))
    }
}

/// What a row sorts by in one order, as bytes that sort so. At most
/// [`Order::STEPS_MAX`] × [`Order::KEY_BYTES_MAX`] of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SortKey(pub(super) Vec<u8>);

impl SortKey {
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn from_bytes(bytes: Vec<u8>) -> SortKey {
        SortKey(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::tests::row;
    use serde_json::{Value, json};

    fn order(steps: &[(&str, bool)]) -> Order {
        let step =
            |(name, descending): &(&str, bool)| Step { field: Field::new(name), descending: *descending };
        Order::new(steps.iter().map(step).collect()).unwrap()
    }

    fn sorted(rows: &[(&str, Value)], steps: &[(&str, bool)]) -> String {
        let mut rows: Vec<Row> = rows.iter().map(|(id, fields)| row(id, 0, fields.clone())).collect();
        rows.sort_by(|left, right| order(steps).compare(left, right));
        rows.iter().map(|row| row.id.as_str()).collect()
    }

    #[test]
    fn rows_sort_by_each_step_and_at_last_by_id() {
        let rows = [
            ("d", json!({"n": 1, "s": "x"})),
            ("c", json!({"n": 1, "s": "y"})),
            ("b", json!({"n": null})),
            ("a", json!({"s": "y"})),
            ("e", json!({"n": 1.0, "s": "x"})),
        ];
        for (steps, ids) in [
            (&[][..], "abcde"),
            (&[("id", true)], "edcba"),
            (&[("n", false)], "abcde"),
            (&[("n", true)], "cdeba"),
            (&[("n", false), ("s", false)], "abdec"),
            (&[("s", true), ("n", true)], "cadeb"),
            (&[("s", false), ("id", true), ("n", false)], "bedca"),
        ] {
            assert_eq!(sorted(&rows, steps), ids, "{steps:?}");
        }
    }

    #[test]
    fn values_that_agree_in_their_first_bytes_are_equal_in_an_order() {
        let long = "x".repeat(Order::KEY_BYTES_MAX);
        let rows = [("a", json!({"s": format!("{long}b")})), ("b", json!({"s": format!("{long}a")}))];
        assert_eq!(sorted(&rows, &[("s", false)]), "ab");
        assert_eq!(sorted(&rows, &[("s", true)]), "ab");
    }

    #[test]
    fn steps_are_bounded_and_those_that_say_nothing_go() {
        let step = || Step { field: Field::new("a"), descending: false };
        assert!(Order::new(vec![step(); 8]).is_ok());
        assert_eq!(
            Order::new(vec![step(); 9]).unwrap_err(),
            "an order has at most 8 steps, and this one has 9"
        );
        assert!(order(&[("id", false), ("a", true)]).is_by_id());
        assert!(!order(&[("id", true)]).is_by_id());
        assert_eq!(order(&[("a", false), ("id", false)]).steps().len(), 1);
    }
}
