//! Instants as the API writes them.

use jiff::Timestamp;
use serde_json::Value;

/// The wall clock, which the host under test shares.
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// A member of a document that is an instant.
#[track_caller]
pub fn instant(value: &Value) -> Timestamp {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is not an instant"));
    assert!(text.len() == 24 && text.ends_with('Z'), "{text} is not written as the API writes instants");
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A list of them.
#[track_caller]
pub fn instants(value: &Value) -> Vec<Timestamp> {
    let items = value.as_array().unwrap_or_else(|| panic!("{value} is no list of instants"));
    items.iter().map(instant).collect()
}

/// How long after `earlier` something was; less than zero where it was before.
#[track_caller]
pub fn millis_between(earlier: &Value, later: &Value) -> i64 {
    instant(later).as_millisecond() - instant(earlier).as_millisecond()
}
