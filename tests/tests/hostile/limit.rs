//! docs/limits.md says what one attempt may use. For each limit there is a guest that meets it.

use crate::guest::{self, Ends};
use sandglass_tests::workspace;

/// The first column of the table under this heading, as far as it is in backquotes.
fn names(page: &str, heading: &str) -> Vec<String> {
    let (_, section) = page.split_once(heading).expect("the heading stands in docs/limits.md");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split('`').next()).map(str::to_owned).collect()
}

#[test]
fn every_limit_of_an_attempt_is_met_by_a_guest_and_named() {
    let page = std::fs::read_to_string(workspace().join("docs/limits.md")).expect("docs/limits.md");
    let limits = names(&page, "## One attempt, set per job");
    assert!(limits.len() >= 10, "{limits:?}");
    let guests = guest::all();
    let words: Vec<&str> = guests
        .iter()
        .filter_map(|guest| match &guest.ends {
            Ends::Failed(_, words) => Some(words.iter().copied()),
            Ends::Well => None,
        })
        .flatten()
        .collect();
    // A log is cut, which ends nothing: `flood` meets that limit, and the suite `e2e` reads its mark.
    let missing: Vec<&String> = limits
        .iter()
        .filter(|limit| {
            *limit != "log" && !words.iter().any(|words| words.contains(&format!("limit {limit}")))
        })
        .collect();
    assert!(missing.is_empty(), "no guest meets {missing:?}");
    for word in ["limit stack", "policy timeout"] {
        assert!(words.iter().any(|words| words.contains(word)), "no guest meets {word}");
    }
}

#[test]
fn every_name_is_that_of_one_guest() {
    let mut names: Vec<&str> = guest::all().iter().map(|guest| guest.name).collect();
    names.sort_unstable();
    for pair in names.windows(2) {
        assert_ne!(pair[0], pair[1]);
    }
}
