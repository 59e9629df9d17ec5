//! Which rows match: any of some groups of conditions, and all conditions within a group.

use super::field::{Field, Subject};
use super::key::Writer;
use super::value::{Moment, Number, relate};
use crate::row::Row;
use crate::time::brief;
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::str::FromStr;

/// What a condition asks of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    Eq,
    /// Whatever `eq` does not match, missing members too.
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    StartsWith,
    /// `eq` to one of an array's values.
    In,
    Exists,
}

impl Operator {
    pub const ALL: [Operator; 9] = [
        Operator::Eq,
        Operator::Ne,
        Operator::Lt,
        Operator::Le,
        Operator::Gt,
        Operator::Ge,
        Operator::StartsWith,
        Operator::In,
        Operator::Exists,
    ];

    /// The name as a guest writes it.
    pub fn name(self) -> &'static str {
        match self {
            Operator::Eq => "eq",
            Operator::Ne => "ne",
            Operator::Lt => "lt",
            Operator::Le => "le",
            Operator::Gt => "gt",
            Operator::Ge => "ge",
            Operator::StartsWith => "starts-with",
            Operator::In => "in",
            Operator::Exists => "exists",
        }
    }

    /// Whether a field that stands so to the condition's value matches; none for values that do not compare.
    fn accepts(self, ordering: Option<Ordering>) -> bool {
        match self {
            Operator::Eq => ordering.is_some_and(Ordering::is_eq),
            Operator::Ne => !ordering.is_some_and(Ordering::is_eq),
            Operator::Lt => ordering.is_some_and(Ordering::is_lt),
            Operator::Le => ordering.is_some_and(Ordering::is_le),
            Operator::Gt => ordering.is_some_and(Ordering::is_gt),
            Operator::Ge => ordering.is_some_and(Ordering::is_ge),
            // These do not ask how two values compare.
            Operator::StartsWith | Operator::In | Operator::Exists => false,
        }
    }
}

impl FromStr for Operator {
    type Err = String;

    fn from_str(text: &str) -> Result<Operator, String> {
        Operator::ALL.into_iter().find(|operator| operator.name() == text).ok_or_else(|| {
            let names = Operator::ALL.map(Operator::name).join(", ");
            format!("there is no operator `{}`: use one of {names}", brief(text))
        })
    }
}

/// What one field of a row must be like.
#[derive(Debug, Clone)]
pub struct Condition {
    field: Field,
    operator: Operator,
    value: Value,
    test: Test,
}

/// A condition's value, made ready for many rows.
#[derive(Debug, Clone)]
enum Test {
    /// The instant that the value stands for, where it does.
    Compare(Option<Moment>),
    /// The keys of the values of `in`, and the length of the longest.
    Among {
        keys: HashSet<Vec<u8>>,
        bytes_max: usize,
    },
    StartsWith(Box<str>),
    Exists(bool),
}

impl Condition {
    /// Values in one `in`.
    pub const IN_VALUES_MAX: usize = 1_000;

    /// A condition as a guest writes it, its value as JSON text.
    pub fn parse(field: &str, operator: &str, value: &str) -> Result<Condition, String> {
        let within = |message: String| format!("the condition on `{}`: {message}", brief(field));
        let operator = operator.parse().map_err(within)?;
        let value = serde_json::from_str(value)
            .map_err(|error| within(format!("the value `{}` is not JSON: {error}", brief(value))))?;
        Condition::new(Field::new(field), operator, value)
    }

    /// Errors name the field. A version takes numbers, an id strings, and the two times RFC 3339 text or whole
    /// milliseconds since 1970: another kind is an error there, since no row could ever match.
    pub fn new(field: Field, operator: Operator, value: Value) -> Result<Condition, String> {
        let test = Condition::test(&field, operator, &value)
            .map_err(|message| format!("the condition on `{}`: {message}", brief(field.name())))?;
        Ok(Condition { field, operator, value, test })
    }

    pub fn field(&self) -> &Field {
        &self.field
    }

    pub fn operator(&self) -> Operator {
        self.operator
    }

    pub fn value(&self) -> &Value {
        &self.value
    }

    pub fn matches(&self, row: &Row) -> bool {
        let subject = self.field.of(row);
        match (&self.test, subject) {
            (Test::Exists(expected), subject) => subject.is_some() == *expected,
            (_, None) => self.operator == Operator::Ne,
            (Test::Compare(moment), Some(subject)) => {
                self.operator.accepts(ordering(subject, &self.value, *moment))
            }
            (Test::StartsWith(start), Some(Subject::Id(text))) => text.starts_with(&**start),
            (Test::StartsWith(start), Some(Subject::Member(Value::String(text)))) => {
                text.starts_with(&**start)
            }
            (Test::StartsWith(_), Some(_)) => false,
            (Test::Among { keys, bytes_max }, Some(subject)) => {
                // One byte more than the longest, so that a key that was cut equals none.
                let mut writer = Writer::new();
                subject.write(writer.start(bytes_max + 1));
                keys.contains(&writer.into_bytes())
            }
        }
    }

    fn test(field: &Field, operator: Operator, value: &Value) -> Result<Test, String> {
        match (operator, value) {
            (Operator::Exists, Value::Bool(expected)) => Ok(Test::Exists(*expected)),
            (Operator::Exists, _) => Err("`exists` takes true or false".into()),
            (Operator::StartsWith, _) if !matches!(field, Field::Id | Field::Member(_)) => {
                Err("`starts-with` is for strings; use lt, le, gt or ge".into())
            }
            (Operator::StartsWith, Value::String(start)) => Ok(Test::StartsWith(start.as_str().into())),
            (Operator::StartsWith, _) => Err("`starts-with` takes a string".into()),
            (Operator::In, Value::Array(values)) if values.len() > Self::IN_VALUES_MAX => {
                Err(format!("`in` takes at most {} values, and got {}", Self::IN_VALUES_MAX, values.len()))
            }
            (Operator::In, Value::Array(values)) => {
                let keys = values.iter().map(|value| key(field, value)).collect::<Result<HashSet<_>, _>>()?;
                let bytes_max = keys.iter().map(Vec::len).max().unwrap_or(0);
                Ok(Test::Among { keys, bytes_max })
            }
            (Operator::In, _) => Err("`in` takes an array".into()),
            (_, value) => operand(field, value).map(Test::Compare),
        }
    }
}

/// Any of these groups, and within a group all of its conditions. No group at all, or an empty one: every row.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    groups: Vec<Vec<Condition>>,
}

impl Filter {
    pub const GROUPS_MAX: usize = 32;
    /// In one group.
    pub const CONDITIONS_MAX: usize = 32;

    pub fn new(groups: Vec<Vec<Condition>>) -> Result<Filter, String> {
        if groups.len() > Self::GROUPS_MAX {
            return Err(format!(
                "a filter has at most {} groups, and this one has {}",
                Self::GROUPS_MAX,
                groups.len()
            ));
        }
        match groups.iter().map(Vec::len).max() {
            Some(longest) if longest > Self::CONDITIONS_MAX => Err(format!(
                "a group of a filter has at most {} conditions, and one has {longest}",
                Self::CONDITIONS_MAX
            )),
            _ => Ok(Filter { groups }),
        }
    }

    pub fn groups(&self) -> &[Vec<Condition>] {
        &self.groups
    }

    pub fn matches(&self, row: &Row) -> bool {
        let all = |group: &Vec<Condition>| group.iter().all(|condition| condition.matches(row));
        self.groups.is_empty() || self.groups.iter().any(all)
    }
}

fn ordering(subject: Subject<'_>, value: &Value, moment: Option<Moment>) -> Option<Ordering> {
    match (subject, value) {
        (Subject::Id(id), Value::String(text)) => Some(id.cmp(text)),
        (Subject::Version(version), Value::Number(number)) => Some(version.cmp(&Number::of(number))),
        (Subject::Time(time), _) => moment.map(|moment| time.cmp(&moment)),
        (Subject::Member(member), _) => relate(member, value, moment),
        _ => None,
    }
}

/// Whether `field` can have such a value, and the instant that it stands for.
fn operand(field: &Field, value: &Value) -> Result<Option<Moment>, String> {
    match (field, value) {
        (Field::Id, Value::String(_)) | (Field::Version, Value::Number(_)) => Ok(None),
        (Field::Id, _) => Err("an id is a string".into()),
        (Field::Version, _) => Err("a version is a number".into()),
        (Field::CreatedAt | Field::UpdatedAt, value) => {
            let moment = match value {
                Value::String(text) => Moment::parse(text),
                other => other.as_i64().map(Moment::from_millis),
            };
            moment.map(Some).ok_or_else(|| {
                format!(
                    "`{}` is not an instant: write it as RFC 3339, such as 2026-01-31T08:30:00Z (a + in a URL as \
                     %2B), or as whole milliseconds since 1970",
                    brief(value.as_str().unwrap_or(&value.to_string()))
                )
            })
        }
        (Field::Member(_), Value::String(text)) => Ok(Moment::parse(text)),
        (Field::Member(_), _) => Ok(None),
    }
}

/// The key that a field equal to `value` has.
fn key(field: &Field, value: &Value) -> Result<Vec<u8>, String> {
    let moment = operand(field, value)?;
    let mut writer = Writer::new();
    writer.start(usize::MAX);
    match (field, value, moment) {
        (Field::Id, Value::String(id), _) => writer.text(id),
        (Field::CreatedAt | Field::UpdatedAt, _, Some(moment)) => writer.moment(moment),
        _ => writer.value(value),
    }
    Ok(writer.into_bytes())
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
