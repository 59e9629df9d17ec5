//! From TOML to JSON, and from places in the one to places in the other.

use sandglass_core::Problem;
use serde_json::{Map, Value};

/// A JSON pointer as TOML writes the way to a value: `/env/A~1B` is `env."A/B"`.
pub(super) fn key(pointer: &str) -> String {
    let bare =
        |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    let parts: Vec<String> = pointer
        .split('/')
        .skip(1)
        .map(|part| part.replace("~1", "/").replace("~0", "~"))
        .map(|part| if bare(&part) && !part.is_empty() { part } else { format!("\"{part}\"") })
        .collect();
    parts.join(".")
}

/// As JSON has it. Instants are text there.
pub(super) fn to_json(value: toml::Value, pointer: &str, problems: &mut Vec<Problem>) -> Option<Value> {
    match value {
        toml::Value::String(text) => Some(Value::String(text)),
        toml::Value::Integer(number) => Some(number.into()),
        toml::Value::Boolean(value) => Some(value.into()),
        toml::Value::Datetime(instant) => Some(Value::String(instant.to_string())),
        toml::Value::Float(number) => {
            let number = serde_json::Number::from_f64(number).map(Value::Number);
            if number.is_none() {
                problems.push(Problem::new(pointer, "is no number that JSON could write"));
            }
            number
        }
        toml::Value::Array(values) => {
            let values = values.into_iter().enumerate();
            let values = values.map(|(at, value)| to_json(value, &format!("{pointer}/{at}"), problems));
            values.collect::<Option<Vec<Value>>>().map(Value::Array)
        }
        toml::Value::Table(members) => {
            let members = members.into_iter().map(|(name, value)| {
                let value = to_json(value, &format!("{pointer}/{}", escape(&name)), problems)?;
                Some((name, value))
            });
            members.collect::<Option<Map<String, Value>>>().map(Value::Object)
        }
    }
}

/// A member's name as a reference token of a JSON pointer (RFC 6901, section 3).
pub(super) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_value_of_toml_has_its_form() {
        let table: toml::Table =
            "a = 1\nb = [1.5, true]\nc = 2026-01-31T08:30:00Z\nd = { 'x/y' = 'z' }".parse().unwrap();
        let mut problems = Vec::new();
        let value = to_json(toml::Value::Table(table), "", &mut problems).unwrap();
        assert_eq!(value, json!({"a": 1, "b": [1.5, true], "c": "2026-01-31T08:30:00Z", "d": {"x/y": "z"}}));
        assert!(problems.is_empty());
    }

    #[test]
    fn what_json_cannot_write_is_named() {
        let table: toml::Table = "a = { 'b/c' = [1, inf] }".parse().unwrap();
        let mut problems = Vec::new();
        assert_eq!(to_json(toml::Value::Table(table), "", &mut problems), None);
        assert_eq!(problems.len(), 1);
        assert_eq!(key(&problems[0].pointer), "a.\"b/c\".1");
    }
}
