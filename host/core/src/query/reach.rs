//! Where the values lie that a condition can match: as intervals of their keys ([`super::key`]).
//!
//! A reach may hold more than what matches, never less: who reads by it looks at each row again. It holds more
//! where a value is cut, and where text that is no instant is compared with text that is one, because those
//! lie by their instants and compare by their text.

use super::interval::{Interval, behind, common};
use super::key::{Writer, class};
use super::order::Order;
use super::value::Moment;
use super::{Condition, Field, Operator};
use jiff::civil;
use serde_json::Value;

/// What the conditions on one field leave of its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reach {
    /// These keys and no others, in order. The values of one of them are equal, or agree as far as they count.
    Points(Vec<Vec<u8>>),
    /// Intervals in order.
    Ranges(Vec<Interval>),
}

/// What all conditions on `field` of those given leave; none where they leave everything.
pub(super) fn of<'a>(conditions: impl Iterator<Item = &'a Condition>, field: &Field) -> Option<Reach> {
    let mut all: Option<Reach> = None;
    for condition in conditions.filter(|condition| condition.field() == field) {
        let Some(reach) = of_one(condition) else { continue };
        all = Some(match (all, reach) {
            (None, reach) => reach,
            (Some(Reach::Ranges(one)), Reach::Ranges(other)) => Reach::Ranges(common(&one, &other)),
            (Some(Reach::Points(points)), Reach::Ranges(ranges))
            | (Some(Reach::Ranges(ranges)), Reach::Points(points)) => {
                let inside = |point: &Vec<u8>| ranges.iter().any(|range| range.contains(point));
                Reach::Points(points.into_iter().filter(inside).collect())
            }
            (Some(Reach::Points(points)), Reach::Points(others)) => {
                Reach::Points(points.into_iter().filter(|point| others.contains(point)).collect())
            }
        });
    }
    all
}

fn of_one(condition: &Condition) -> Option<Reach> {
    let (field, value) = (condition.field(), condition.value());
    match condition.operator() {
        Operator::Ne => None,
        Operator::Eq => Some(Reach::Points(vec![cut(key(field, value)?)])),
        Operator::In => {
            let keys = value.as_array()?.iter().map(|value| key(field, value).map(cut));
            let mut keys = keys.collect::<Option<Vec<_>>>()?;
            keys.sort();
            keys.dedup();
            Some(Reach::Points(keys))
        }
        Operator::Exists => match (field, value.as_bool()?) {
            (Field::Member(_), true) => {
                Some(Reach::Ranges(vec![Interval { from: vec![class::NULL], to: None }]))
            }
            (Field::Member(_), false) => Some(Reach::Points(vec![vec![class::MISSING]])),
            _ => None,
        },
        Operator::StartsWith => {
            let start = value.as_str()?;
            if *field == Field::Id {
                return Some(Reach::Ranges(vec![Interval::prefix(start.as_bytes().to_vec())]));
            }
            let mut whole = key(field, &Value::String(start.to_owned() + "\u{1}"))?;
            // Without the byte that keeps it from being an instant, and what ends it.
            whole.truncate(whole.len() - 3);
            let text = Interval::prefix(cut(whole));
            Some(Reach::Ranges([moments_that_start(start), vec![text]].concat()))
        }
        operator => Some(Reach::Ranges(compared(field, operator, value)?)),
    }
}

/// The key that a field equal to `value` has; that of an id is its bytes.
fn key(field: &Field, value: &Value) -> Option<Vec<u8>> {
    let mut writer = Writer::new();
    writer.start(usize::MAX);
    match field {
        Field::Id => return Some(value.as_str()?.as_bytes().to_vec()),
        Field::CreatedAt | Field::UpdatedAt => writer.moment(match value {
            Value::String(text) => Moment::parse(text)?,
            other => Moment::from_millis(other.as_i64()?),
        }),
        _ => writer.value(value),
    }
    Some(writer.into_bytes())
}

fn cut(mut key: Vec<u8>) -> Vec<u8> {
    key.truncate(Order::KEY_BYTES_MAX);
    key
}

/// What compares so with `value`: values of its kind.
fn compared(field: &Field, operator: Operator, value: &Value) -> Option<Vec<Interval>> {
    let key = key(field, value)?;
    if *field == Field::Id {
        return Some(non_empty(vec![beside(operator, key, Interval::all(), true)]));
    }
    let Some(first) = key.first().copied() else { return Some(Vec::new()) };
    let is_whole = key.len() <= Order::KEY_BYTES_MAX;
    // Booleans are one kind of two classes, strings another.
    let (low, high) = match first {
        class::FALSE | class::TRUE => (class::FALSE, class::NUMBER),
        first => (first, first + 1),
    };
    let own = beside(operator, cut(key), Interval { from: vec![low], to: Some(vec![high]) }, is_whole);
    let ranges = match value {
        Value::String(text) if matches!(field, Field::Member(_)) => match first {
            class::MOMENT => {
                let mut writer = Writer::new();
                writer.start(usize::MAX).text(text);
                let texts = Interval { from: vec![class::TEXT], to: Some(vec![class::TEXT + 1]) };
                vec![own, beside(operator, writer.into_bytes(), texts, true)]
            }
            _ => vec![moments_beside(operator, text), own],
        },
        _ => vec![own],
    };
    Some(non_empty(ranges))
}

fn non_empty(mut ranges: Vec<Interval>) -> Vec<Interval> {
    ranges.retain(|range| !range.is_empty());
    ranges
}

/// The part of `kind` whose keys stand so to `key`. A key that is not whole equals those that it is cut from.
fn beside(operator: Operator, key: Vec<u8>, kind: Interval, is_whole: bool) -> Interval {
    let Interval { from, to } = kind;
    // An id's key is all of it, so what begins with another one is another one.
    let past = |key: &[u8]| if to.is_none() { Some([key, &[0]].concat()) } else { behind(key) };
    match operator {
        Operator::Gt if is_whole => Interval { from: past(&key).unwrap_or_default().max(from), to },
        Operator::Gt | Operator::Ge => Interval { from: key.max(from), to },
        Operator::Lt if is_whole => Interval { from, to: Some(key) },
        _ => Interval { to: past(&key), from },
    }
}

fn moments() -> Interval {
    Interval { from: vec![class::MOMENT], to: Some(vec![class::MOMENT + 1]) }
}

/// The part of all instants that have a text which stands so to `text`, which is none.
fn moments_beside(operator: Operator, text: &str) -> Interval {
    let greater = matches!(operator, Operator::Gt | Operator::Ge);
    // An instant's text begins with a digit.
    let all_are_less = match text.bytes().next() {
        None => Some(false),
        Some(first) if !first.is_ascii_digit() => Some(first > b'9'),
        Some(_) => None,
    };
    match (all_are_less, period(text)) {
        (Some(less), _) if less == greater => Interval { from: vec![], to: Some(vec![]) },
        (None, Some((begin, _))) if greater => Interval { from: begin, ..moments() },
        (None, Some((_, end))) => Interval { to: Some(end), ..moments() },
        _ => moments(),
    }
}

/// The part of all instants that have a text which begins with `start`.
fn moments_that_start(start: &str) -> Vec<Interval> {
    match (start.bytes().next(), period(start)) {
        (Some(first), _) if !first.is_ascii_digit() => Vec::new(),
        (_, Some((begin, end))) => vec![Interval { from: begin, to: Some(end) }],
        _ => vec![moments()],
    }
}

/// Keys around the instants whose text has the year, month or day that `text` begins with. Such a text tells a local
/// time, which is less than a day from UTC.
fn period(text: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    const DAY: i64 = 86_400;
    let part = |from: usize, to: usize| -> Option<i16> {
        let digits = text.get(from..to)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let starts = |at: usize| text.as_bytes().get(at) == Some(&b'-');
    let year = part(0, 4)?;
    let month = part(5, 7).filter(|_| starts(4)).map(|month| month as i8);
    let day = part(8, 10).filter(|_| starts(7)).map(|day| day as i8);
    let days = [(month, day, 1), (month, Some(1), 31), (Some(1), Some(1), 366)];
    let (date, length) = days
        .into_iter()
        .find_map(|(month, day, length)| Some((civil::Date::new(year, month?, day?).ok()?, length)))?;
    let begin = date.at(0, 0, 0, 0).duration_since(civil::date(1970, 1, 1).at(0, 0, 0, 0)).as_secs();
    let key = |seconds: i64| {
        let mut writer = Writer::new();
        writer.start(usize::MAX).moment(Moment::from_secs(seconds));
        writer.into_bytes()
    };
    Some((key(begin - DAY), key(begin + (length + 1) * DAY)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::tests::{json, row};
    use proptest::prelude::*;
    use serde_json::json;

    fn holds(reach: &Reach, key: &[u8]) -> bool {
        match reach {
            Reach::Points(points) => points.iter().any(|point| point == key),
            Reach::Ranges(ranges) => ranges.iter().any(|range| range.contains(key)),
        }
    }

    fn member_key(value: Option<&Value>) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.start(Order::KEY_BYTES_MAX);
        match value {
            Some(value) => writer.value(value),
            None => writer.missing(),
        }
        writer.into_bytes()
    }

    /// Text around which dates, instants and other text lie.
    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            "(2025|2026|9999|0000)(-(0[1-3]|12|13)(-(01|28|31|32)([T ]([01][0-9]:00)?)?)?)?",
            "202[56]-0[12]-0[1-3]T[012][0-3]:30:00(Z|[+-][012][0-3]:00)",
            "[!0-3a]{0,3}",
        ]
    }

    fn value() -> impl Strategy<Value = Value> {
        let long = (500..520_usize, "[ab]{0,2}").prop_map(|(length, end)| json!("x".repeat(length) + &end));
        prop_oneof![3 => json(), 3 => text().prop_map(Value::from), 1 => long]
    }

    fn operator() -> impl Strategy<Value = Operator> {
        prop::sample::select(Operator::ALL.to_vec())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]
        #[test]
        fn what_matches_is_within_reach(
            operator in operator(), operand in value(), others in prop::collection::vec(value(), 0..3),
            member in prop::option::weighted(0.9, value()),
        ) {
            let operand = match operator {
                Operator::In => Value::Array([&[operand][..], &others].concat()),
                Operator::Exists => json!(others.is_empty()),
                _ => operand,
            };
            let Ok(condition) = Condition::new(Field::new("v"), operator, operand) else { return Ok(()) };
            let reach = of([&condition].into_iter(), &Field::new("v"));
            prop_assert_eq!(reach.is_none(), operator == Operator::Ne);
            let Some(reach) = reach else { return Ok(()) };
            let fields = member.as_ref().map_or(json!({}), |member| json!({"v": member}));
            if condition.matches(&row("x", 1, fields)) {
                prop_assert!(holds(&reach, &member_key(member.as_ref())), "{:?} {:?}", condition, member);
            }
            if let Reach::Ranges(ranges) = reach {
                prop_assert!(ranges.is_sorted() && ranges.iter().all(|range| !range.is_empty()));
            }
        }

        #[test]
        fn nothing_but_what_matches_is_within_reach_of_plain_values(
            operator in operator(), operand in json(), member in json(),
        ) {
            // Strings that are compared as text with instants are told apart by looking.
            let is_text = |value: &Value| value.is_string();
            prop_assume!(!is_text(&operand) || !is_text(&member));
            let Ok(condition) = Condition::new(Field::new("v"), operator, operand) else { return Ok(()) };
            if let Some(reach) = of([&condition].into_iter(), &Field::new("v")) {
                let matches = condition.matches(&row("x", 1, json!({"v": member})));
                prop_assert_eq!(holds(&reach, &member_key(Some(&member))), matches, "{:?} {}", condition, member);
            }
        }

        #[test]
        fn ids_are_reached_exactly(operator in operator(), operand in "[ab!é]{0,3}", id in "[ab!é]{1,3}") {
            let operand = match operator {
                Operator::In => json!([operand, "a"]),
                Operator::Exists => json!(true),
                _ => json!(operand),
            };
            let condition = Condition::new(Field::Id, operator, operand).unwrap();
            if let Some(reach) = of([&condition].into_iter(), &Field::Id) {
                prop_assert_eq!(holds(&reach, id.as_bytes()), condition.matches(&row(&id, 1, json!({}))));
            }
        }

        #[test]
        fn versions_and_times_are_reached_exactly(operator in operator(), operand in 0..5_u64, version in 0..5_u64) {
            let row = row("x", version, json!({}));
            for field in [Field::Version, Field::CreatedAt] {
                let operand = match operator {
                    Operator::In => json!([operand, 3]),
                    Operator::Exists => json!(true),
                    _ => json!(operand),
                };
                let Ok(condition) = Condition::new(field.clone(), operator, operand) else { continue };
                let mut writer = Writer::new();
                writer.start(Order::KEY_BYTES_MAX);
                field.write(&row, &mut writer);
                if let Some(reach) = of([&condition].into_iter(), &field) {
                    prop_assert_eq!(holds(&reach, &writer.into_bytes()), condition.matches(&row));
                }
            }
        }
    }

    #[test]
    fn several_conditions_leave_what_all_of_them_do() {
        let condition = |operator: &str, value: &str| Condition::parse("n", operator, value).unwrap();
        let between = [condition("ge", "3"), condition("lt", "5")];
        let Some(Reach::Ranges(ranges)) = of(between.iter(), &Field::new("n")) else { panic!("no ranges") };
        assert_eq!(ranges.len(), 1);
        assert!(ranges[0].contains(&member_key(Some(&json!(3)))));
        assert!(!ranges[0].contains(&member_key(Some(&json!(5)))));
        let never = [condition("gt", "5"), condition("lt", "5")];
        assert_eq!(of(never.iter(), &Field::new("n")), Some(Reach::Ranges(vec![])));
        let some = [condition("in", "[1,2,3]"), condition("gt", "1"), condition("ne", "9")];
        let Some(Reach::Points(points)) = of(some.iter(), &Field::new("n")) else { panic!("no points") };
        assert_eq!(points.len(), 2);
        assert_eq!(of(some.iter(), &Field::new("m")), None);
    }

    #[test]
    fn a_day_reaches_instants_around_it_and_no_others() {
        let condition = Condition::parse("at", "ge", "\"2026-06-01\"").unwrap();
        let reach = of([&condition].into_iter(), &Field::new("at")).unwrap();
        for (text, expected) in [
            ("2026-06-01T00:00:00Z", true),
            ("2026-05-31T23:00:00Z", true),
            ("2026-05-30T00:00:00Z", false),
            ("2020-01-01T00:00:00Z", false),
        ] {
            assert_eq!(holds(&reach, &member_key(Some(&json!(text)))), expected, "{text}");
        }
    }
}
