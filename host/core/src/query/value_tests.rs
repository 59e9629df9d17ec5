//! The order of values by tables, and its laws.

use super::*;
use crate::query::tests::json;
use proptest::prelude::*;
use serde_json::json;

#[test]
fn values_in_their_order() {
    let ascending = [
        json!(null),
        json!(false),
        json!(true),
        json!(f64::MIN),
        json!(i64::MIN),
        json!(-1),
        json!(-0.5),
        json!(0),
        json!(f64::MIN_POSITIVE),
        json!(1),
        json!((1_u64 << 53) - 1),
        json!(1_u64 << 53),
        json!((1_u64 << 53) + 1),
        json!(9_007_199_254_740_994.0),
        json!(i64::MAX - 1),
        json!(i64::MAX),
        json!(9_223_372_036_854_775_808.0),
        json!((1_u64 << 63) + 1),
        json!(u64::MAX),
        json!(18_446_744_073_709_551_616.0),
        json!(1e300),
        json!("0000-01-01T00:00:00+23:59"),
        json!("2026-01-01T00:30:00+01:00"),
        json!("2026-01-01T00:00:00Z"),
        json!("2026-01-01T00:00:00.000000001Z"),
        json!("9999-12-31T23:59:59.999-23:59"),
        json!(""),
        json!("2026-01-01"),
        json!("2026-01-01T00:00:00"),
        json!("a"),
        json!("a\0"),
        json!("aa"),
        json!("ä"),
        json!("\u{10000}"),
        json!([]),
        json!([null]),
        json!([1]),
        json!([1, 0]),
        json!([2]),
        json!([[]]),
        json!({}),
        json!({"a": 1}),
        json!({"a": 1, "b": 0}),
        json!({"a": 2}),
        json!({"b": 0}),
    ];
    for (i, left) in ascending.iter().enumerate() {
        for (j, right) in ascending.iter().enumerate() {
            assert_eq!(compare(left, right), i.cmp(&j), "{left} against {right}");
        }
    }
}

#[test]
fn equal_values() {
    for (left, right) in [
        (json!(1), json!(1.0)),
        (json!(0), json!(-0.0)),
        (json!(1_u64 << 63), json!(9_223_372_036_854_775_808.0)),
        (json!("2026-07-01T12:00:00+02:00"), json!("2026-07-01t10:00:00.000z")),
        (json!({"a": 1, "b": [1.0]}), json!({"b": [1], "a": 1.0})),
    ] {
        assert_eq!(compare(&left, &right), Ordering::Equal, "{left} {right}");
    }
}

#[test]
fn only_rfc_3339_text_is_a_moment() {
    for (text, nanos) in [
        ("1970-01-01T00:00:00Z", 0_i128),
        ("1970-01-01T00:00:00.5Z", 500_000_000),
        ("1969-12-31T23:59:59.999999999-00:00", -1),
        ("1970-01-01T01:30:00+01:30", 0),
        ("2016-12-31T23:59:60Z", 1_483_228_799_000_000_000),
        ("0000-01-01T00:00:00Z", -62_167_219_200_000_000_000),
        ("9999-12-31T23:59:59Z", 253_402_300_799_000_000_000),
    ] {
        let (seconds, rest) = Moment::parse(text).expect(text).parts();
        assert_eq!(i128::from(seconds) * 1_000_000_000 + i128::from(rest), nanos, "{text}");
    }
    for text in [
        "",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:61Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00.1234567890Z",
        "2026-01-01T00:00:00+0100",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+01:60",
        "2026-01-01T00:00:00Z[UTC]",
        "2026-01-01T00:00:00Z ",
        "+2026-01-01T00:00:00Z",
        "2026-01-01T00:00:0éZ",
        "ééééééééééééééé",
    ] {
        assert!(Moment::parse(text).is_none(), "{text}");
    }
}

#[test]
fn filters_relate_values_of_one_kind_pair_by_pair() {
    let relate = |left: Value, right: Value| {
        let moment = right.as_str().and_then(Moment::parse);
        relate(&left, &right, moment)
    };
    assert_eq!(relate(json!(1), json!("1")), None);
    assert_eq!(relate(json!(null), json!(false)), None);
    assert_eq!(relate(json!(false), json!(true)), Some(Ordering::Less));
    assert_eq!(relate(json!("2026-01-05T00:00:00Z"), json!("2026-01-01")), Some(Ordering::Greater));
    assert_eq!(relate(json!("2026-01-01"), json!("2026-01-05T00:00:00Z")), Some(Ordering::Less));
    let (early, late) = (json!("2026-01-01T00:00:00+01:00"), json!("2025-12-31T23:30:00Z"));
    assert_eq!(relate(early, late), Some(Ordering::Less));
}

proptest! {
    #[test]
    fn the_order_is_total(a in json(), b in json(), c in json()) {
        prop_assert_eq!(compare(&a, &a), Ordering::Equal);
        prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
        let mut sorted = [a, b, c];
        sorted.sort_by(compare);
        prop_assert!(compare(&sorted[0], &sorted[2]).is_le());
        if compare(&sorted[0], &sorted[2]).is_eq() {
            prop_assert!(compare(&sorted[0], &sorted[1]).is_eq());
        }
    }

    #[test]
    fn filters_and_the_order_agree_on_what_is_equal(a in json(), b in json()) {
        let moment = b.as_str().and_then(Moment::parse);
        prop_assert_eq!(relate(&a, &b, moment) == Some(Ordering::Equal), compare(&a, &b).is_eq());
    }

    #[test]
    fn integers_and_doubles_compare_exactly(integer: i64, ulps in -3..=3_i64) {
        let double = f64::from_bits((integer as f64).to_bits().wrapping_add_signed(ulps));
        prop_assume!(double.is_finite() && double.abs() < 1e30);
        let whole = double.trunc() as i128;
        let exact = i128::from(integer).cmp(&whole).then(0.0_f64.total_cmp(&(double.fract() + 0.0)));
        prop_assert_eq!(compare(&json!(integer), &json!(double)), exact);
    }

    #[test]
    fn moments_agree_with_instants(millis in Instant::MIN.millis()..=Instant::MAX.millis()) {
        let instant = Instant::from_millis(millis);
        prop_assert_eq!(Moment::parse(&instant.to_string()), Some(Moment::from(instant)));
    }
}
