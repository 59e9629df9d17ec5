//! Sums by group and by day.

use std::collections::BTreeMap;

pub const DAYS: usize = 7;
/// Groups with a line of their own.
const GROUPS_MAX: usize = 20;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sum {
    pub rows: u64,
    pub value: f64,
}

impl Sum {
    fn add(&mut self, other: Sum) {
        self.rows += other.rows;
        self.value += other.value;
    }
}

#[derive(Debug, Default)]
pub struct Digest {
    groups: BTreeMap<String, Sum>,
    days: [Sum; DAYS],
}

impl Digest {
    /// A row of this group, on the day that so many whole days lie before.
    pub fn add(&mut self, group: &str, value: f64, day: usize) {
        let one = Sum { rows: 1, value };
        self.groups.entry(group.to_string()).or_default().add(one);
        self.days[day.min(DAYS - 1)].add(one);
    }

    pub fn days(&self) -> &[Sum; DAYS] {
        &self.days
    }

    pub fn count(&self) -> u64 {
        self.days.iter().map(|day| day.rows).sum()
    }

    pub fn sum(&self) -> f64 {
        self.days.iter().map(|day| day.value).sum()
    }

    /// The groups with the largest sums, largest first, and the others as one.
    pub fn lines(&self) -> Vec<(String, Sum)> {
        let mut lines: Vec<(String, Sum)> =
            self.groups.iter().map(|(name, sum)| (name.clone(), *sum)).collect();
        lines.sort_by(|(_, one), (_, other)| other.value.total_cmp(&one.value));
        if lines.len() > GROUPS_MAX {
            let mut others = Sum::default();
            for (_, sum) in lines.drain(GROUPS_MAX..) {
                others.add(sum);
            }
            lines.push(("others".to_string(), others));
        }
        lines
    }
}
