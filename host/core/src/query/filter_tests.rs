//! What filters match, by tables; and that `in` is `eq` to one of its values.

use super::*;
use crate::query::tests::{json, object, row};
use proptest::prelude::*;
use serde_json::json;

fn condition(field: &str, operator: &str, value: &Value) -> Condition {
    Condition::parse(field, operator, &value.to_string()).unwrap()
}

#[test]
fn conditions_on_members() {
    let row = row(
        "a",
        7,
        json!({"n": 5, "s": "done", "null": null, "t": "2026-01-01T12:00:00+02:00", "list": [1, "x"],
               "yes": true, "big": 9_007_199_254_740_993_i64}),
    );
    for (field, operator, value, expected) in [
        ("n", "eq", json!(5.0), true),
        ("n", "eq", json!("5"), false),
        ("n", "ne", json!("5"), true),
        ("n", "ne", json!(5), false),
        ("n", "lt", json!(6), true),
        ("n", "lt", json!(5), false),
        ("n", "lt", json!("6"), false),
        ("n", "ge", json!("4"), false),
        ("n", "le", json!(5), true),
        ("n", "gt", json!(4.999), true),
        ("n", "ge", json!(5.001), false),
        ("n", "starts-with", json!("5"), false),
        ("big", "eq", json!(9_007_199_254_740_992_i64), false),
        ("big", "gt", json!(9_007_199_254_740_992.0), true),
        ("s", "eq", json!("done"), true),
        ("s", "starts-with", json!("do"), true),
        ("s", "starts-with", json!(""), true),
        ("s", "starts-with", json!("Do"), false),
        ("s", "in", json!(["new", "done"]), true),
        ("s", "in", json!([]), false),
        ("s", "in", json!(["don", "done!", null]), false),
        ("n", "in", json!([5.0]), true),
        ("list", "eq", json!([1.0, "x"]), true),
        ("list", "in", json!([[1, "x"], 3]), true),
        ("list", "in", json!([1, "x"]), false),
        ("yes", "eq", json!(true), true),
        ("yes", "gt", json!(false), true),
        ("t", "eq", json!("2026-01-01T10:00:00Z"), true),
        ("t", "lt", json!("2026-01-01T11:00:00Z"), true),
        ("t", "gt", json!("2026-01-01"), true),
        ("t", "lt", json!("2026-01-02"), true),
        ("t", "in", json!(["2026-01-01T10:00:00.000Z"]), true),
        ("t", "starts-with", json!("2026-01-01T12"), true),
        ("null", "eq", json!(null), true),
        ("null", "le", json!(null), true),
        ("null", "lt", json!(1), false),
        ("null", "ne", json!(null), false),
        ("null", "ne", json!(1), true),
        ("null", "exists", json!(true), true),
        ("null", "in", json!([null]), true),
        ("gone", "eq", json!(null), false),
        ("gone", "le", json!(null), false),
        ("gone", "ne", json!(null), true),
        ("gone", "ne", json!(1), true),
        ("gone", "in", json!([null]), false),
        ("gone", "starts-with", json!(""), false),
        ("gone", "exists", json!(false), true),
        ("gone", "exists", json!(true), false),
    ] {
        assert_eq!(condition(field, operator, &value).matches(&row), expected, "{field} {operator} {value}");
    }
}

#[test]
fn conditions_on_what_every_row_has() {
    let mut row = row("2026-01-01T00:00:00Z", 7, json!({}));
    row.created_at = "2026-01-01T00:00:00Z".parse().unwrap();
    row.updated_at = "2026-01-02T00:00:00.500Z".parse().unwrap();
    for (field, operator, value, expected) in [
        ("id", "eq", json!("2026-01-01T00:00:00Z"), true),
        ("id", "eq", json!("2026-01-01T00:00:00+00:00"), false),
        ("id", "in", json!(["2026-01-01T00:00:00+00:00"]), false),
        ("id", "in", json!(["2026-01-01T00:00:00Z"]), true),
        ("id", "starts-with", json!("2026-"), true),
        ("id", "exists", json!(true), true),
        ("version", "eq", json!(7.0), true),
        ("version", "in", json!([6, 7]), true),
        ("version", "lt", json!(-1), false),
        ("created-at", "eq", json!("2026-01-01T01:00:00+01:00"), true),
        ("created_at", "ge", json!(1_767_225_600_000_i64), true),
        ("created_at", "gt", json!(1_767_225_600_000_i64), false),
        ("created-at", "in", json!([0, 1_767_225_600_000_i64]), true),
        ("updated-at", "gt", json!("2026-01-02T00:00:00.4999Z"), true),
        ("updated_at", "ne", json!("2026-01-02T00:00:00.5Z"), false),
        ("updated_at", "exists", json!(false), false),
    ] {
        assert_eq!(condition(field, operator, &value).matches(&row), expected, "{field} {operator} {value}");
    }
}

#[test]
fn what_is_refused_says_what_is_allowed() {
    let many = format!("[{}1]", "1,".repeat(1_000));
    let deep = "[".repeat(100_000);
    for (field, operator, value, message) in [
        (
            "a",
            "like",
            "1",
            "the condition on `a`: there is no operator `like`: use one of eq, ne, lt, le, gt, ge, starts-with, in, \
             exists",
        ),
        ("a", "eq", "done", "the value `done` is not JSON"),
        ("a", "eq", deep.as_str(), "is not JSON"),
        ("a", "exists", "1", "`exists` takes true or false"),
        ("a", "in", "1", "`in` takes an array"),
        ("a", "in", many.as_str(), "at most 1000 values, and got 1001"),
        ("a", "starts-with", "1", "takes a string"),
        ("id", "eq", "1", "an id is a string"),
        ("id", "in", "[\"a\", 1]", "an id is a string"),
        ("version", "eq", "\"1\"", "a version is a number"),
        ("version", "starts-with", "\"1\"", "is for strings"),
        ("created-at", "lt", "\"yesterday\"", "the condition on `created-at`: `yesterday` is not an instant"),
        ("updated_at", "lt", "1.5", "`1.5` is not an instant"),
        ("created-at", "eq", "null", "`null` is not an instant"),
    ] {
        let error = Condition::parse(field, operator, value).unwrap_err();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn a_filter_is_any_of_its_groups_of_all_conditions() {
    let row = row("a", 1, json!({"x": 1, "y": 2}));
    let (yes, no) = (condition("x", "eq", &json!(1)), condition("y", "eq", &json!(1)));
    for (groups, expected) in [
        (vec![], true),
        (vec![vec![]], true),
        (vec![vec![yes.clone(), no.clone()]], false),
        (vec![vec![no.clone()], vec![yes.clone()]], true),
        (vec![vec![no.clone()], vec![no.clone()]], false),
    ] {
        assert_eq!(Filter::new(groups).unwrap().matches(&row), expected);
    }
    assert!(Filter::new(vec![vec![yes.clone(); 32]; 32]).is_ok());
    assert!(Filter::new(vec![vec![]; 33]).unwrap_err().contains("at most 32 groups, and this one has 33"));
    assert!(
        Filter::new(vec![vec![], vec![yes; 33]])
            .unwrap_err()
            .contains("at most 32 conditions, and one has 33")
    );
}

proptest! {
    #[test]
    fn in_is_eq_to_one_of_its_values(fields in object(), values in prop::collection::vec(json(), 0..5)) {
        let row = row("a", 1, Value::Object(fields));
        let any = values.iter().any(|value| condition("a", "eq", value).matches(&row));
        prop_assert_eq!(condition("a", "in", &Value::Array(values)).matches(&row), any);
    }

    #[test]
    fn a_member_is_less_equal_greater_or_of_another_kind(fields in object(), value in json()) {
        let row = row("a", 1, Value::Object(fields));
        let matches = |operator| condition("a", operator, &value).matches(&row);
        let (lt, eq, gt) = (matches("lt"), matches("eq"), matches("gt"));
        prop_assert!(u8::from(lt) + u8::from(eq) + u8::from(gt) <= 1);
        prop_assert_eq!(matches("le"), lt || eq);
        prop_assert_eq!(matches("ge"), gt || eq);
        prop_assert_eq!(matches("ne"), !eq);
    }

    #[test]
    fn strange_conditions_never_panic(field in ".{0,8}|created-at", operator in "[a-z-]{0,6}|lt|in", value in ".{0,20}") {
        drop(Condition::parse(&field, &operator, &value));
    }
}
