//! What parameters mean, by tables.

use super::*;
use crate::query::tests::row;
use crate::query::{PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX};
use proptest::prelude::*;
use serde_json::json;

fn read(parameters: &[(&str, &str)]) -> Result<Query, Vec<Problem>> {
    parse(&"t".parse().unwrap(), parameters.iter().copied())
}

/// The filter as text: conditions with ` & ` between them, groups with ` | `.
fn filter(parameters: &[(&str, &str)]) -> String {
    let query = read(parameters).unwrap();
    let condition = |it: &Condition| format!("{} {} {}", it.field().name(), it.operator().name(), it.value());
    let group = |group: &Vec<Condition>| group.iter().map(condition).collect::<Vec<_>>().join(" & ");
    query.filter().groups().iter().map(group).collect::<Vec<_>>().join(" | ")
}

#[test]
fn conditions_and_their_values() {
    for (name, text, expected) in [
        ("status", "eq.done", "status eq \"done\""),
        ("created_at", "lt.2026-01-01T00:00:00Z", "created-at lt \"2026-01-01T00:00:00Z\""),
        ("created-at", "gte.1767225600000", "created-at ge 1767225600000"),
        ("n", "neq.5", "n ne 5"),
        ("n", "ne.-5.5e1", "n ne -55.0"),
        ("n", "lte.true", "n le true"),
        ("n", "le.null", "n le null"),
        ("n", "ge.0041", "n ge \"0041\""),
        ("n", "gt.", "n gt \"\""),
        ("n", "eq. 5", "n eq \" 5\""),
        ("n", "eq.5 ", "n eq \"5 \""),
        ("n", "eq.-", "n eq \"-\""),
        ("n", "eq.1e999", "n eq \"1e999\""),
        ("n", "eq.[1]", "n eq \"[1]\""),
        ("n", "eq.\"5\"", "n eq \"5\""),
        ("n", "eq.\"\\\"\\u00e9\"", "n eq \"\\\"é\""),
        ("n", "eq.5\"", "n eq \"5\\\"\""),
        ("n", "eq.a.b.c", "n eq \"a.b.c\""),
        ("id", "eq.5", "id eq \"5\""),
        ("id", "in.(1,null)", "id in [\"1\",\"null\"]"),
        ("n", "starts_with.5", "n starts-with \"5\""),
        ("n", "sw.\"a\"", "n starts-with \"a\""),
        ("n", "in.(a,5,\"b,)\\\"\",,(c,d))", "n in [\"a\",5,\"b,)\\\"\",\"\",\"(c,d)\"]"),
        ("n", "in.()", "n in []"),
        ("n", "is.null", "n eq null"),
        ("id", "exists.true", "id exists true"),
        ("n", "exists.false", "n exists false"),
        ("a.b", "eq.1", "a.b eq 1"),
        ("\"order\"", "eq.1", "order eq 1"),
        (
            "or",
            "(a.eq.1,and(\"b.c\".in.(1,2),d.lt.x),e.is.null)",
            "a eq 1 | b.c in [1,2] & d lt \"x\" | e eq null",
        ),
    ] {
        assert_eq!(filter(&[(name, text)]), expected);
    }
}

#[test]
fn conditions_hold_together_and_with_one_of_the_alternatives() {
    assert_eq!(filter(&[]), "");
    assert_eq!(filter(&[("a", "gt.1"), ("a", "lt.3")]), "a gt 1 & a lt 3");
    let all = filter(&[("a", "eq.1"), ("or", "(b.eq.2,c.eq.3)"), ("d", "eq.4")]);
    assert_eq!(all, "b eq 2 & a eq 1 & d eq 4 | c eq 3 & a eq 1 & d eq 4");
}

#[test]
fn order_limit_and_cursor() {
    let query = read(&[("order", "created_at.desc,name,\"a.b\".asc"), ("limit", "20")]).unwrap();
    let steps: Vec<_> =
        query.order().steps().iter().map(|step| (step.field.name(), step.descending)).collect();
    assert_eq!(steps, [("created-at", true), ("name", false), ("a.b", false)]);
    assert_eq!(query.limit(), 20);
    assert_eq!(read(&[]).unwrap().limit(), PAGE_ROWS_DEFAULT);
    assert_eq!(read(&[("limit", "99999999999")]).unwrap().limit(), PAGE_ROWS_MAX);

    let rows = ["a", "b", "c"].map(|id| row(id, 1, json!({})));
    let page = crate::query::tests::collect(&rows, &read(&[("limit", "2")]).unwrap()).unwrap();
    let next = page.next.unwrap();
    let query = read(&[("limit", "5"), ("cursor", &next)]).unwrap();
    assert_eq!(query.cursor().unwrap().id().as_str(), "b");
    let problems = read(&[("cursor", &next), ("a", "eq.1")]).unwrap_err();
    assert_eq!(problems[0].pointer, "/cursor");
}

#[test]
fn every_problem_is_told_with_its_parameter() {
    for (name, text, problem) in [
        ("status", "done", "/status: `done` has no operator: write it as eq.done"),
        (
            "a/b~",
            "x.1",
            "/a~1b~0: there is no operator `x`: use one of eq, neq, lt, lte, gt, gte, starts_with",
        ),
        ("a", "not.eq.1", "/a: there is no operator `not`"),
        ("a", "like.x", "/a: there is no operator `like`"),
        ("a", "is.5", "/a: `is` takes null, true or false, and got `5`"),
        ("a", "exists.5", "/a: the condition on `a`: `exists` takes true or false"),
        ("a", "in.1,2", "/a: `in` takes a list"),
        ("a", "in.(1,\"2)", "/a: `\\\"2` has a double quote without a second one"),
        ("a", "in.((1)", "/a: `(1` has an unpaired parenthesis"),
        ("a", "in.(1))", "/a: `1)` has an unpaired parenthesis"),
        ("a", "eq.\"x", "/a: `\\\"x` begins with a double quote"),
        ("a", "eq.\"x\"y", "/a: `\\\"x\\\"y` begins with a double quote"),
        ("\"a", "eq.1", "/\"a: `\\\"a` begins with a double quote"),
        ("version", "eq.x", "/version: the condition on `version`: a version is a number"),
        ("created_at", "lt.2026-01-01T00:00:00 01:00", "/created_at: the condition on `created-at`: `2026"),
        ("order", "a.down", "/order: `down` is no direction"),
        ("order", "a.desc.nullslast", "/order: `desc.nullslast` is no direction"),
        ("order", "a,,b", "/order: a step of an order names a member"),
        ("order", "a,b,c,d,e,f,g,h,i", "/order: an order has at most 8 steps"),
        ("limit", "0", "/limit: `0` is not a whole number from 1"),
        ("limit", "-1", "/limit: `-1` is not"),
        ("cursor", "", "/cursor: this is not a cursor"),
        ("or", "a.eq.1", "/or: alternatives are written as or=(status.eq.done,age.gt.5)"),
        ("or", "()", "/or: alternatives are written"),
        ("or", "(a)", "/or: `a` is no condition"),
        ("or", "(a.eq.1,or(b.eq.1,c.eq.1))", "/or: `or(b.eq.1,c.eq.1)`: within or=(...) only and(...)"),
        ("or", "(and(a.eq.1,and(b.eq.1,c.eq.1)))", "/or: `and(b.eq.1,c.eq.1)`: within or=(...) only"),
        ("or", "(\"a\"eq.1)", "/or: after \\\"a\\\" comes a dot"),
    ] {
        let problems = read(&[(name, text)]).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].to_string().starts_with(problem), "{}", problems[0]);
    }
}

#[test]
fn problems_of_several_parameters_are_told_together() {
    let problems = read(&[("a", "x"), ("limit", "x"), ("b", "eq.1"), ("c", "y.1")]).unwrap_err();
    assert_eq!(problems.len(), 3);
    let twice = read(&[("limit", "1"), ("limit", "2")]).unwrap_err();
    assert_eq!(twice[0].to_string(), "/limit: this may be given once");
    assert_eq!(read(&[("a", "x"); 100]).unwrap_err().len(), PROBLEMS_MAX);
}

#[test]
fn conditions_and_alternatives_are_bounded() {
    let list = |count: usize| vec!["a.eq.1"; count].join(",");
    let of_one = |count: usize| format!("(and({}))", list(count));
    let problem = |parameters: &[(&str, &str)]| read(parameters).unwrap_err()[0].to_string();
    for (problem, expected) in [
        (problem(&[("a", "eq.1"); 33]), "/a: there are more than 32 conditions"),
        (
            problem(&[("or", &format!("({})", list(33)))]),
            "/or: at most 32 alternatives are allowed, and there are 33",
        ),
        (problem(&[("or", &of_one(33))]), "/or: `and` holds 1 to 32 conditions, and this one 33"),
        (
            problem(&[("or", &of_one(32)), ("a", "eq.1")]),
            "/or: a group of a filter has at most 32 conditions, and one has 33",
        ),
    ] {
        assert_eq!(problem, expected);
    }
}

proptest! {
    #[test]
    fn strange_parameters_never_panic(
        parameters in prop::collection::vec(
            ("[a\"é.()]{0,3}|or|order|limit|cursor|id", "[a-z.,()\"\\\\é1]{0,20}|(eq|in|is)\\.[(),\"é\\\\a]{0,10}"), 0..4,
        ),
    ) {
        let parameters: Vec<_> = parameters.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        drop(read(&parameters));
    }

    #[test]
    fn quoted_text_is_read_as_it_was(text in ".{0,20}") {
        let quoted = json!(text).to_string();
        let query = read(&[("a", &format!("in.({quoted},{quoted})"))]).unwrap();
        prop_assert_eq!(query.filter().groups()[0][0].value(), &json!([text, text]));
    }
}
