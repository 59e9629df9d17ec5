//! Comparing with an oracle. A difference is either predicted, by a rule that says how the oracle differs from
//! us, or it fails the suite.

use crate::case::{Case, DEFAULTS, OCCURRENCES, after, instant, schedule};
use crate::definition;
use crate::expression::Expression;
use crate::zone::timestamp;
use sandglass_core::schedule::{DstGap, DstRepeat, Schedule};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Something that an oracle does differently, by design or by mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rule {
    /// As docs/cron.md has it.
    pub(crate) name: &'static str,
    pub(crate) says: &'static str,
}

/// The next occurrences, in seconds. None where the expression is refused.
pub(crate) type Answer = Option<Vec<i64>>;

/// What an expression means to an oracle, in our terms.
#[allow(clippy::large_enum_variant)] // One at a time.
pub(crate) enum Meaning {
    Refused,
    Never,
    As(Expression, (DstGap, DstRepeat)),
}

/// How an oracle reads an expression.
pub(crate) struct Reading {
    pub(crate) meaning: Meaning,
    /// Why that is not what it means to us.
    pub(crate) rules: Vec<Rule>,
}

pub(crate) trait Oracle {
    const NAME: &'static str;

    /// All the rules by which it differs.
    const RULES: &'static [Rule];

    /// That by which it chooses between settings for what a clock skips or repeats.
    const DST: Rule;

    fn ask(&mut self, cases: &[Case]) -> Vec<Answer>;

    fn reading(case: &Case) -> Reading;

    /// What it makes of our occurrences where its search does not do what it means to: which it then finds, and
    /// by which rules.
    fn found(case: &Case, expression: &Expression, ours: &Schedule) -> (Vec<i64>, Vec<Rule>);

    /// The rule by which it may find anything from `at` on, the first occurrence at which it is not as predicted.
    fn excuse(_case: &Case, _expression: &Expression, _at: i64) -> Option<Rule> {
        None
    }
}

#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) comparisons: u64,
    /// As many as are the same by our own defaults.
    pub(crate) same: u64,
    pub(crate) rules: BTreeMap<Rule, (u64, String)>,
    unexplained: Vec<String>,
    pub(crate) unexplained_count: u64,
}

/// So many of the unexplained differences are shown.
const SHOWN: usize = 30;

impl Tally {
    pub(crate) fn compare<O: Oracle>(&mut self, case: &Case, theirs: &Answer) {
        self.comparisons += 1;
        let plain = ours(&case.expression, case, DEFAULTS);
        let reading = O::reading(case);
        let mut steps = steps::<O>(case, &reading);
        let excuse = excuse::<O>(case, &reading, &steps, theirs);
        if let Some(rule) = excuse {
            steps.rules.push(rule);
            steps.predicted.clone_from(theirs);
        }
        if steps.predicted != *theirs {
            self.unexplained_count += 1;
            if self.unexplained.len() < SHOWN {
                let predicted = shown(case, &steps.predicted);
                self.unexplained.push(format!(
                    "{}\n      predicted {predicted}\n      {:9} {}",
                    described(case),
                    O::NAME,
                    shown(case, theirs)
                ));
            }
            return;
        }
        if plain == *theirs {
            self.same += 1;
            return;
        }
        let mut rules = Vec::new();
        if steps.read != plain {
            rules.extend(&reading.rules);
        }
        if steps.set != steps.read {
            rules.push(O::DST);
        }
        if steps.predicted != steps.set {
            rules.extend(steps.rules);
        }
        let example = || {
            format!(
                "{}\n      ours {}\n      it   {}",
                described(case),
                shown(case, &plain),
                shown(case, theirs)
            )
        };
        for rule in rules {
            let entry = self.rules.entry(rule).or_insert_with(|| (0, example()));
            entry.0 += 1;
        }
    }

    pub(crate) fn has(&self, rule: &str) -> bool {
        self.rules.keys().any(|found| found.name == rule)
    }

    /// What was compared and what came of it.
    pub(crate) fn report<O: Oracle>(&self) -> String {
        let mut text = format!(
            "{}: {} comparisons of {OCCURRENCES} occurrences, {} the same by our defaults",
            O::NAME,
            self.comparisons,
            self.same
        );
        for rule in O::RULES {
            let count = self.rules.get(rule).map_or(0, |(count, _)| *count);
            let _ = write!(text, "\n  {count:7} {}: {}", rule.name, rule.says);
            if let Some((_, example)) = self.rules.get(rule) {
                let _ = write!(text, "\n      such as {example}");
            }
        }
        let _ = write!(text, "\n  {:7} that no rule explains", self.unexplained_count);
        for difference in &self.unexplained {
            let _ = write!(text, "\n    {difference}");
        }
        text
    }
}

/// From our reading to the oracle's, step by step.
struct Steps {
    /// What the expression means to the oracle.
    read: Answer,
    /// With its settings for what a clock skips or repeats.
    set: Answer,
    predicted: Answer,
    /// Why the prediction is not just that.
    rules: Vec<Rule>,
}

fn steps<O: Oracle>(case: &Case, reading: &Reading) -> Steps {
    let whole = |answer: Answer| Steps {
        read: answer.clone(),
        set: answer.clone(),
        predicted: answer,
        rules: Vec::new(),
    };
    let (expression, dst) = match &reading.meaning {
        Meaning::Refused => return whole(None),
        Meaning::Never => return whole(Some(Vec::new())),
        Meaning::As(expression, dst) => (expression, *dst),
    };
    let read = ours(expression, case, DEFAULTS);
    let Some(ours) = schedule(expression, case.zone, dst) else {
        return whole(None);
    };
    let set: Vec<i64> = after(&ours, case.start).take(OCCURRENCES).collect();
    all_ways_to_ask_agree(case, &ours, &set);
    let (predicted, rules) = O::found(case, expression, &ours);
    // Before we say that it is the oracle that is wrong.
    for at in predicted.iter().chain(&set).filter(|at| predicted.contains(at) != set.contains(at)) {
        is_as_defined(case, &reading.meaning, *at);
    }
    Steps { read, set: Some(set), predicted: Some(predicted), rules }
}

fn excuse<O: Oracle>(case: &Case, reading: &Reading, steps: &Steps, theirs: &Answer) -> Option<Rule> {
    let (Some(predicted), Some(theirs)) = (&steps.predicted, theirs) else { return None };
    let Meaning::As(expression, _) = &reading.meaning else { return None };
    let at = predicted.iter().enumerate().find(|(place, at)| theirs.get(*place) != Some(at))?.1;
    let rule = O::excuse(case, expression, *at)?;
    is_as_defined(case, &reading.meaning, *at);
    Some(rule)
}

/// Asserts that ours is what the definition says, for two hours to both sides of an instant.
fn is_as_defined(case: &Case, meaning: &Meaning, at: i64) {
    let Meaning::As(expression, dst) = meaning else { return };
    let (from, to) = (at - 7200, at + 7200);
    let Some(ours) = schedule(expression, case.zone, *dst) else { return };
    let found: Vec<i64> = after(&ours, from - 1).take_while(|at| *at <= to).collect();
    let defined = definition::occurrences(expression, case.zone, *dst, from, to);
    assert_eq!(found, defined, "ours is not as it is defined: {}", described(case));
}

fn ours(expression: &Expression, case: &Case, dst: (DstGap, DstRepeat)) -> Answer {
    let schedule = schedule(expression, case.zone, dst)?;
    Some(after(&schedule, case.start).take(OCCURRENCES).collect())
}

fn all_ways_to_ask_agree(case: &Case, ours: &Schedule, found: &[i64]) {
    let start = instant(case.start);
    for (at, count) in found.iter().zip(1..) {
        assert_eq!(ours.last_until(start, instant(*at)), Some(instant(*at)), "{}", described(case));
        assert_eq!(ours.count(start, instant(*at)), count, "{}", described(case));
    }
}

pub(crate) fn described(case: &Case) -> String {
    let start = timestamp(case.start).to_zoned(case.zone.zone.clone());
    format!("`{}` after {}", case.expression, start.strftime("%F %T%:::z %Q"))
}

pub(crate) fn shown(case: &Case, answer: &Answer) -> String {
    let Some(found) = answer else { return "refused".to_owned() };
    let at = |at: &i64| timestamp(*at).to_zoned(case.zone.zone.clone()).strftime("%F %T%:::z").to_string();
    found.iter().map(at).collect::<Vec<_>>().join(", ")
}
