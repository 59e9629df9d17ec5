//! How conditions and steps of an order are written in a URL: `status.eq.done`, `created_at.desc`.
//!
//! | operator | in a filter |
//! | --- | --- |
//! | `eq.` `neq.` `lt.` `lte.` `gt.` `gte.` (also `ne.` `le.` `ge.`) | eq, ne, lt, le, gt, ge |
//! | `starts_with.` (also `starts-with.` `sw.`) | starts-with |
//! | `in.(a,b)` | in |
//! | `is.null` `is.true` `is.false` | eq of that; null is a member that is there, and null |
//! | `exists.true` `exists.false` | exists |
//!
//! A value that reads as a JSON number, `true`, `false` or `null` is that, and all else is text: `eq.5` is the
//! number, `eq."5"` the text. In double quotes a value is always text, with the escapes of JSON; within a list
//! text that holds a comma, a quote or an unpaired parenthesis needs them. What `id` and `starts_with` are
//! compared with is always text. Blanks count. Arrays and objects cannot be written here.
//!
//! A field in double quotes may hold anything, and within `or=(...)` one with a dot needs them.

use super::{Condition, Field, Filter, Operator, Step};
use crate::time::brief;
use serde_json::Value;

const OPERATORS: &str = "eq, neq, lt, lte, gt, gte, starts_with, in, is, exists";

/// A field, in quotes or not.
pub(super) fn field(text: &str) -> Result<Field, String> {
    if text.starts_with('"') { Ok(Field::new(&quoted(text)?)) } else { Ok(Field::new(text)) }
}

/// `eq.done`: what `field` must be like.
pub(super) fn condition(field: Field, text: &str) -> Result<Condition, String> {
    let Some((name, rest)) = text.split_once('.') else {
        return Err(format!(
            "`{}` has no operator: write it as eq.{} (one of {OPERATORS}, then a dot and the value)",
            brief(text),
            brief(text)
        ));
    };
    let operator = match name {
        "eq" => Operator::Eq,
        "neq" | "ne" => Operator::Ne,
        "lt" => Operator::Lt,
        "lte" | "le" => Operator::Le,
        "gt" => Operator::Gt,
        "gte" | "ge" => Operator::Ge,
        "starts_with" | "starts-with" | "sw" => Operator::StartsWith,
        "in" => return Condition::new(field.clone(), Operator::In, values(&field, rest)?),
        "exists" => Operator::Exists,
        "is" => match rest {
            "null" | "true" | "false" => Operator::Eq,
            _ => {
                return Err(format!("`is` takes null, true or false, and got `{}`", brief(rest)));
            }
        },
        _ => {
            return Err(format!("there is no operator `{}`: use one of {OPERATORS}", brief(name)));
        }
    };
    let is_text = operator == Operator::StartsWith || (field == Field::Id && operator != Operator::Exists);
    let value = if is_text { text_value(rest)? } else { value(rest)? };
    Condition::new(field, operator, value)
}

/// One of the alternatives of `or=(...)`: `status.eq.done`, or `and(status.eq.done,age.gt.5)`.
pub(super) fn group(text: &str) -> Result<Vec<Condition>, String> {
    let Some(inner) = text.strip_prefix("and").and_then(parenthesized) else {
        return Ok(vec![field_and_condition(text)?]);
    };
    let items = list(inner)?;
    if items.is_empty() || items.len() > Filter::CONDITIONS_MAX {
        let (most, given) = (Filter::CONDITIONS_MAX, items.len());
        return Err(format!("`and` holds 1 to {most} conditions, and this one {given}"));
    }
    items.into_iter().map(field_and_condition).collect()
}

/// `created_at.desc`: one step of an order.
pub(super) fn step(text: &str) -> Result<Step, String> {
    let (name, rest) = split_field(text)?;
    let descending = match rest {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(other) => {
            return Err(format!(
                "`{}` is no direction: use asc or desc, and double quotes for a member with a dot in its name; \
                 missing and null members come first in ascending order",
                brief(other)
            ));
        }
    };
    if name.is_empty() {
        return Err("a step of an order names a member: order=created_at.desc,name".into());
    }
    Ok(Step { field: field(name)?, descending })
}

/// What stands between parentheses that are the first and the last character.
pub(super) fn parenthesized(text: &str) -> Option<&str> {
    text.strip_prefix('(')?.strip_suffix(')')
}

/// The parts of a list: what commas part that are outside of quotes and parentheses. No text is no part.
pub(super) fn list(text: &str) -> Result<Vec<&str>, String> {
    let mut parts = Vec::new();
    let (mut start, mut depth, mut at) = (0, 0_usize, 0);
    let bytes = text.as_bytes();
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at += quoted_length(&text[at..])? - 1,
            b'(' => depth += 1,
            b')' => depth = depth.checked_sub(1).ok_or_else(|| unpaired(text))?,
            b',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    if depth > 0 {
        return Err(unpaired(text));
    }
    if !text.is_empty() {
        parts.push(&text[start..]);
    }
    Ok(parts)
}

fn field_and_condition(text: &str) -> Result<Condition, String> {
    let (name, rest) = split_field(text)?;
    let rest = rest.filter(|_| !name.is_empty()).ok_or_else(|| {
        format!("`{}` is no condition: write member, operator and value, such as status.eq.done", brief(text))
    })?;
    if matches!(name, "and" | "or" | "not") || name.starts_with("or(") || name.starts_with("and(") {
        return Err(format!("`{}`: within or=(...) only and(...) can be nested, and no deeper", brief(text)));
    }
    condition(field(name)?, rest)
}

/// A name, with its quotes if it has them, and what follows the dot after it.
fn split_field(text: &str) -> Result<(&str, Option<&str>), String> {
    let name_length =
        if text.starts_with('"') { quoted_length(text)? } else { text.find('.').unwrap_or(text.len()) };
    let (name, rest) = text.split_at(name_length);
    match rest.strip_prefix('.') {
        None if !rest.is_empty() => Err(format!("after {} comes a dot", brief(name))),
        rest => Ok((name, rest)),
    }
}

/// The array of `in.(...)`.
fn values(field: &Field, text: &str) -> Result<Value, String> {
    let inner = parenthesized(text)
        .ok_or_else(|| format!("`in` takes a list, such as in.(1,2), and got `{}`", brief(text)))?;
    let value = if *field == Field::Id { text_value } else { value };
    list(inner)?.into_iter().map(value).collect::<Result<Vec<_>, _>>().map(Value::Array)
}

fn value(text: &str) -> Result<Value, String> {
    match text {
        "null" => Ok(Value::Null),
        "true" => Ok(true.into()),
        "false" => Ok(false.into()),
        _ => {
            // Starting with a digit or minus and ending with a digit, so that blanks around it make it text.
            let starts = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
            let ends = text.ends_with(|last: char| last.is_ascii_digit());
            match serde_json::from_str::<serde_json::Number>(text) {
                Ok(number) if starts && ends => Ok(number.into()),
                _ => text_value(text),
            }
        }
    }
}

fn text_value(text: &str) -> Result<Value, String> {
    if text.starts_with('"') { quoted(text).map(Value::String) } else { Ok(text.into()) }
}

fn quoted(text: &str) -> Result<String, String> {
    serde_json::from_str(text).map_err(|_| {
        format!(
            "`{}` begins with a double quote but is not one JSON string: escape those within as \\\"",
            brief(text)
        )
    })
}

/// How many bytes of `text` its quoted start has, both quotes included.
fn quoted_length(text: &str) -> Result<usize, String> {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return Ok(at + 1),
            _ => {}
        }
    }
    Err(format!("`{}` has a double quote without a second one", brief(text)))
}

fn unpaired(text: &str) -> String {
    format!("`{}` has an unpaired parenthesis: put text that holds one in double quotes", brief(text))
}
