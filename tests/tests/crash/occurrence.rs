//! Each occurrence of a schedule has exactly one outcome, and the counters of the job say the same.

use jiff::Timestamp;
use sandglass_tests::{Client, instant, instants, until};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The time in which a schedule was a job's own: from after the commit that set it until the one that ended it.
pub(crate) struct Reign {
    pub(crate) schedule: Value,
    pub(crate) after: Timestamp,
    pub(crate) until: Timestamp,
}

impl Reign {
    /// What the schedule asked for, in milliseconds, as the host enumerates it.
    #[track_caller]
    pub(crate) fn instants(&self, host: &Client) -> Vec<i64> {
        let members = self.schedule.as_object().expect("a schedule");
        let mut parameters: Vec<(&str, &str)> =
            members.iter().map(|(name, value)| (name.as_str(), value.as_str().expect("a text"))).collect();
        if parameters.is_empty() {
            return Vec::new();
        }
        let start = written(self.after);
        if members.contains_key("every") && !members.contains_key("start") {
            parameters.push(("start", &start));
        }
        preview(host, &parameters, self.after, self.until)
    }
}

/// The instants in (`after`, `until`] of what these parameters give to the host's preview.
#[track_caller]
pub(crate) fn preview(
    host: &Client,
    parameters: &[(&str, &str)],
    after: Timestamp,
    until: Timestamp,
) -> Vec<i64> {
    let mut found: Vec<i64> = Vec::new();
    let mut from = after;
    loop {
        let call = host.get("schedules/preview").queries(parameters).query("count", "1000");
        let page = instants(&call.query("after", &written(from)).send().json(200)["occurrences"]);
        let within = page.iter().take_while(|at| **at <= until);
        found.extend(within.map(|at| at.as_millisecond()));
        match page.last() {
            Some(last) if *last <= until => from = *last,
            _ => return found,
        }
    }
}

fn written(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// Waits for the job's runs to end, and finds one outcome for everything that its schedules asked for in their
/// reigns, the last of which is over. Gives the runs.
#[track_caller]
pub(crate) fn account(host: &Client, job: &str, reigns: &[Reign]) -> Vec<Value> {
    let expected: Vec<i64> = reigns.iter().flat_map(|reign| reign.instants(host)).collect();
    assert!(expected.is_sorted_by(|a, b| a < b), "reigns follow each other");
    // What was due just before the end may have to wait for its turn.
    let newest = expected.last().copied();
    until(&format!("the last outcome of {job}"), || {
        let idle = host.read(format!("jobs/{job}"))["live_runs"] == 0;
        let outcomes = outcomes(host, job, &expected);
        (idle && newest.is_none_or(|newest| outcomes.contains_key(&newest))).then_some(())
    });

    let outcomes = outcomes(host, job, &expected);
    let missing: Vec<&i64> = expected.iter().filter(|at| !outcomes.contains_key(at)).collect();
    let strange: Vec<(&i64, &String)> =
        outcomes.iter().filter(|(at, _)| expected.binary_search(at).is_err()).collect();
    assert!(
        missing.is_empty() && strange.is_empty(),
        "{job}: of {} occurrences {missing:?} have no outcome; nobody asked for {strange:?}",
        expected.len()
    );
    let runs = host.list(&format!("jobs/{job}/runs"));
    count(host, job, &runs);
    println!("{job}: each of {} occurrences has one outcome", expected.len());
    runs
}

/// What became of the instants, of which none may have two outcomes.
#[track_caller]
fn outcomes(host: &Client, job: &str, expected: &[i64]) -> BTreeMap<i64, String> {
    let mut outcomes = BTreeMap::new();
    let mut note = |at: i64, what: String| {
        if let Some(before) = outcomes.insert(at, what.clone()) {
            panic!("{job}: the occurrence {at} has two outcomes: {before}, and {what}");
        }
    };
    for run in host.list(&format!("jobs/{job}/runs")) {
        if run["trigger"] == "schedule" || run["trigger"] == "catch-up" {
            note(instant(&run["scheduled_for"]).as_millisecond(), format!("run {}", run["id"]));
        }
    }
    for skip in host.list(&format!("jobs/{job}/skips")) {
        let (from, to) = (instant(&skip["from"]).as_millisecond(), instant(&skip["to"]).as_millisecond());
        let covered: Vec<i64> = expected.iter().copied().filter(|at| (from..=to).contains(at)).collect();
        assert_eq!(skip["count"], covered.len(), "{job}: {skip} stands for {covered:?}");
        for at in covered {
            note(at, format!("skip {skip}"));
        }
    }
    outcomes
}

/// The counters of a job are those of its runs and skips.
#[track_caller]
fn count(host: &Client, job: &str, runs: &[Value]) {
    let document = host.read(format!("jobs/{job}"));
    let ended = |outcome: &str| runs.iter().filter(|run| run["outcome"] == outcome).count();
    let skips = host.list(&format!("jobs/{job}/skips"));
    let skipped = |missed: bool| -> u64 {
        let counted = skips.iter().filter(|skip| (skip["reason"] == "missed") == missed);
        counted.map(|skip| skip["count"].as_u64().expect("a number")).sum()
    };
    let expected = json!({
        "succeeded": ended("succeeded"),
        "failed": ended("failed"),
        "cancelled": ended("cancelled"),
        "skipped": skipped(false),
        // Runs that could not begin in time are missed too.
        "missed": skipped(true) + ended("skipped") as u64,
    });
    assert_eq!(document["counters"], expected, "{job}");
    assert_eq!(document["live_runs"], 0, "{job}");
    let newest: Vec<&Value> = runs.iter().take(20).map(|run| &run["id"]).collect();
    let recent: Vec<&Value> =
        document["recent"].as_array().expect("a list").iter().map(|end| &end["id"]).collect();
    assert_eq!(recent, newest, "{job}: what it remembers of its runs");
}
