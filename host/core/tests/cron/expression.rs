//! Cron expressions by construction: which numbers a field means is known before there is a text of it.

use crate::zone::datetime;
use jiff::civil::DateTime;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::fmt;

pub(crate) const SECOND: usize = 0;
pub(crate) const MINUTE: usize = 1;
pub(crate) const HOUR: usize = 2;
pub(crate) const DATE: usize = 3;
pub(crate) const MONTH: usize = 4;
pub(crate) const WEEKDAY: usize = 5;

/// The least and the greatest number of each field.
const BOUNDS: [(u32, u32); 6] = [(0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 7)];
const MONTHS: [&str; 13] =
    ["", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 8] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun"];
pub(crate) const NICKNAMES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Range {
    Star,
    Number(u32),
    FromTo(u32, u32),
}

/// One item of a field's list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Item {
    pub(crate) range: Range,
    pub(crate) step: Option<u32>,
    /// Written with the names of months or days, where there are any.
    pub(crate) named: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    place: usize,
    pub(crate) items: Vec<Item>,
}

impl Field {
    /// The numbers meant, as bits; Sunday is 0.
    pub(crate) fn bits(&self) -> u64 {
        let (least, most) = BOUNDS[self.place];
        let mut bits = 0;
        for item in &self.items {
            let (first, last) = match item.range {
                Range::Star => (least, most),
                Range::Number(number) if item.step.is_some() => (number, most),
                Range::Number(number) => (number, number),
                Range::FromTo(first, last) => (first, last),
            };
            for number in (first..=last).step_by(item.step.unwrap_or(1) as usize) {
                bits |= 1 << if self.place == WEEKDAY { number % 7 } else { number };
            }
        }
        bits
    }

    pub(crate) fn begins_with_star(&self) -> bool {
        self.items[0].range == Range::Star
    }

    /// `*` or `*/n` and nothing else.
    fn is_star(&self) -> bool {
        self.items.len() == 1 && self.begins_with_star()
    }

    /// All its numbers as a range, for an item that is a star.
    pub(crate) fn without_star(&self) -> Field {
        let (least, most) = BOUNDS[self.place];
        let spelled = |item: &Item| match item.range {
            Range::Star => Item { range: Range::FromTo(least, most), named: false, ..*item },
            _ => *item,
        };
        Field { place: self.place, items: self.items.iter().map(spelled).collect() }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, item) in self.items.iter().enumerate() {
            let number = |number: u32| match self.place {
                MONTH if item.named => MONTHS[number as usize].to_owned(),
                WEEKDAY if item.named => WEEKDAYS[number as usize].to_owned(),
                _ => number.to_string(),
            };
            let comma = if at == 0 { "" } else { "," };
            match item.range {
                Range::Star => write!(f, "{comma}*")?,
                Range::Number(one) => write!(f, "{comma}{}", number(one))?,
                Range::FromTo(first, last) => write!(f, "{comma}{}-{}", number(first), number(last))?,
            }
            if let Some(step) = item.step {
                write!(f, "/{step}")?;
            }
        }
        Ok(())
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expression {
    pub(crate) fields: [Field; 6],
    pub(crate) has_seconds: bool,
    pub(crate) nickname: Option<&'static str>,
}

impl Expression {
    /// The five or six fields, whether or not there is a nickname for them.
    pub(crate) fn in_fields(&self) -> String {
        let skipped = usize::from(!self.has_seconds);
        let texts: Vec<String> = self.fields[skipped..].iter().map(ToString::to_string).collect();
        texts.join(" ")
    }

    /// Reads fields of numbers, ranges, steps, lists and names, all of them valid: for what tests write down.
    pub(crate) fn parse(text: &str) -> Expression {
        let nickname = NICKNAMES.iter().find(|(name, _)| *name == text);
        let texts: Vec<&str> = nickname.map_or(text, |(_, fields)| fields).split(' ').collect();
        let has_seconds = texts.len() == 6;
        let mut all = vec!["0"; usize::from(!has_seconds)];
        all.extend(texts);
        let fields = std::array::from_fn(|place| parse_field(place, all[place]));
        Expression { fields, has_seconds, nickname: nickname.map(|(name, _)| *name) }
    }

    /// By crontab(5) a day field that begins with a star restricts nothing by itself: then both have to match.
    pub(crate) fn either_day(&self) -> bool {
        !self.fields[DATE].begins_with_star() && !self.fields[WEEKDAY].begins_with_star()
    }

    /// Whether the day of a wall time is meant.
    pub(crate) fn means_day(&self, wall: i64) -> bool {
        let date = datetime(wall).date();
        let has = |place: usize, number: i8| self.fields[place].bits() >> number & 1 == 1;
        let weekday = has(WEEKDAY, date.weekday().to_sunday_zero_offset());
        let day = has(DATE, date.day());
        has(MONTH, date.month()) && if self.either_day() { day || weekday } else { day && weekday }
    }

    /// Its hours are `*` or `*/n`.
    pub(crate) fn follows_elapsed_time(&self) -> bool {
        self.fields[HOUR].is_star()
    }

    /// Whether any month of those meant has a day that is meant.
    pub(crate) fn is_possible(&self) -> bool {
        const LONGEST: [u32; 13] = [0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let (months, dates) = (self.fields[MONTH].bits(), self.fields[DATE].bits());
        self.either_day()
            || (1..=12).any(|month| months >> month & 1 == 1 && dates.trailing_zeros() <= LONGEST[month])
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.nickname {
            Some(name) => f.write_str(name),
            None => f.write_str(&self.in_fields()),
        }
    }
}

fn parse_field(place: usize, text: &str) -> Field {
    let names: &[&str] = match place {
        MONTH => &MONTHS,
        WEEKDAY => &WEEKDAYS,
        _ => &[],
    };
    let number = |text: &str| -> u32 {
        let named = names.iter().position(|name| *name == text);
        named.map_or_else(|| text.parse().expect("a number or a name"), |place| place as u32)
    };
    let item = |text: &str| {
        let (range, step) = text.split_once('/').map_or((text, None), |(range, step)| (range, Some(step)));
        let named = range.contains(|letter: char| letter.is_alphabetic());
        let range = match range.split_once('-') {
            _ if range == "*" => Range::Star,
            Some((first, "sun")) if first != "sun" => Range::FromTo(number(first), 7),
            Some((first, last)) => Range::FromTo(number(first), number(last)),
            None => Range::Number(number(range)),
        };
        Item { range, step: step.map(|step| step.parse().expect("a step")), named }
    };
    Field { place, items: text.split(',').map(item).collect() }
}

/// Random expressions of every shape that the grammar has.
pub(crate) struct Source {
    random: StdRng,
}

impl Source {
    pub(crate) fn new(seed: u64) -> Source {
        Source { random: StdRng::seed_from_u64(seed) }
    }

    pub(crate) fn number(&mut self, range: std::ops::RangeInclusive<i64>) -> i64 {
        self.random.random_range(range)
    }

    /// Once in `count` times.
    pub(crate) fn once_in(&mut self, count: u32) -> bool {
        self.random.random_ratio(1, count)
    }

    /// An expression, most of whose numbers are at or near those of a wall time.
    pub(crate) fn expression(&mut self, near: DateTime) -> Expression {
        if self.once_in(25) {
            let (name, _) = NICKNAMES[self.number(0..=6) as usize];
            return Expression::parse(name);
        }
        let has_seconds = self.once_in(5);
        let is_time_of_day = self.once_in(4);
        let near = [near.second(), near.minute(), near.hour(), near.day(), near.month()];
        let fields = std::array::from_fn(|place| {
            let near = near.get(place).map(|number| *number as u32);
            let stars = [2, 4, 3, 2, 2, 2][place];
            match place {
                SECOND if !has_seconds => parse_field(SECOND, "0"),
                SECOND | MINUTE | HOUR if is_time_of_day => {
                    let range = Range::Number(self.near(place, near));
                    Field { place, items: vec![Item { range, step: None, named: false }] }
                }
                _ if self.number(0..=9) < 2 * stars - 2 => self.star(place),
                // Rarely restricted: otherwise few expressions would occur at all near that wall time.
                MONTH if !self.once_in(3) => self.star(place),
                DATE | WEEKDAY if !self.once_in(2) => self.star(place),
                _ => self.list(place, near),
            }
        });
        Expression { fields, has_seconds, nickname: None }
    }

    fn star(&mut self, place: usize) -> Field {
        let (least, most) = BOUNDS[place];
        // Of days rarely: what `*/n` means there is where implementations part.
        let rarely = if place == DATE || place == WEEKDAY { 9 } else { 3 };
        let step = self.once_in(rarely).then(|| self.step(place, most - least + 1));
        Field { place, items: vec![Item { range: Range::Star, step, named: false }] }
    }

    fn list(&mut self, place: usize, near: Option<u32>) -> Field {
        let length = [1, 1, 1, 2, 2, 3][self.number(0..=5) as usize];
        Field { place, items: (0..length).map(|_| self.item(place, near)).collect() }
    }

    fn item(&mut self, place: usize, near: Option<u32>) -> Item {
        let (least, most) = BOUNDS[place];
        let named = place >= MONTH && self.once_in(2);
        let (one, other) = (self.near(place, near), self.near(place, near));
        let (first, last) = (one.min(other), one.max(other));
        let range = match self.number(0..=9) {
            0 if !named && self.once_in(3) => Range::Star,
            // By its name the week's first day is its last day only at the end of a range.
            0..=3 if !(named && (first == 7 || first == 0 && last == 7)) => Range::FromTo(first, last),
            _ if named => Range::Number(if place == WEEKDAY { one % 7 } else { one }),
            _ => Range::Number(one),
        };
        let step = match range {
            // A name with a step means the same to nobody.
            Range::Number(_) if named => None,
            Range::Number(_) => self.once_in(6).then(|| self.step(place, most - least)),
            _ => self.once_in(2).then(|| self.step(place, last - first)),
        };
        Item { range, step, named }
    }

    fn near(&mut self, place: usize, near: Option<u32>) -> u32 {
        let (least, most) = BOUNDS[place];
        match near {
            Some(near) if !self.once_in(3) => {
                let by = if self.once_in(2) { 0 } else { self.number(-2..=2) };
                (i64::from(near) + by).clamp(i64::from(least), i64::from(most)) as u32
            }
            _ => self.number(i64::from(least)..=i64::from(most)) as u32,
        }
    }

    fn step(&mut self, place: usize, size: u32) -> u32 {
        let most = if place == WEEKDAY { 7 } else { BOUNDS[place].1 - BOUNDS[place].0 + 1 };
        let most = if self.once_in(20) { most } else { size.clamp(1, most) };
        let small = if self.once_in(4) { most } else { most.min(6) };
        self.number(i64::from(small.min(2))..=i64::from(small)) as u32
    }
}
