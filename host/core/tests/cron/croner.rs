//! The crate `croner`: it walks the wall clock field by field, and asks for the instants of each wall that it
//! comes to. Of our code it has nothing but the time zone database.

use crate::case::{Case, OCCURRENCES, after};
use crate::comparison::{Answer, Meaning, Oracle, Reading, Rule};
use crate::expression::{DATE, Expression, Field, HOUR, Item, MINUTE, Range, SECOND, WEEKDAY};
use crate::zone::timestamp;
use croner::Cron;
use croner::parser::CronParser;
use sandglass_core::schedule::{DstGap, DstRepeat, Schedule};

pub(crate) struct Croner;

const STAR: Rule = Rule {
    name: "croner-star",
    says: "only a day field that is `*` alone is unrestricted; `*/2` or `*,5` is not, and then either field will do",
};
const SUNDAY: Rule = Rule { name: "croner-sun-sun", says: "`sun-sun` is the whole week" };
const MIDNIGHT: Rule = Rule { name: "croner-midnight", says: "`@midnight` is not known" };
const IMPOSSIBLE: Rule = Rule {
    name: "croner-impossible",
    says: "an expression whose dates no month has is taken, and never occurs",
};
const STAR_IN_LIST: Rule =
    Rule { name: "croner-star-in-list", says: "a star without a step may not stand in a list with others" };
const FIXED: Rule = Rule {
    name: "croner-fixed",
    says: "only one second, minute and hour, without a star or a step, make a time of day; all else follows elapsed time",
};
const GAP_DAY: Rule = Rule {
    name: "croner-gap-day",
    says: "what a gap shifts to another day that is not meant does not occur",
};
const GAP_LONG: Rule = Rule {
    name: "croner-gap-long",
    says: "a search ends in an error at a wall more than two hours before its gap's end",
};

impl Oracle for Croner {
    const NAME: &'static str = "croner";
    const RULES: &'static [Rule] =
        &[STAR, STAR_IN_LIST, SUNDAY, MIDNIGHT, IMPOSSIBLE, FIXED, GAP_DAY, GAP_LONG];
    const DST: Rule = FIXED;

    fn ask(&mut self, cases: &[Case]) -> Vec<Answer> {
        cases.iter().map(answer).collect()
    }

    fn reading(case: &Case) -> Reading {
        let mut expression = case.expression.clone();
        if expression.nickname == Some("@midnight") {
            return Reading { meaning: Meaning::Refused, rules: vec![MIDNIGHT] };
        }
        let is_star = |item: &Item| item.range == Range::Star && item.step.is_none();
        if expression.fields.iter().any(|field| field.items.len() > 1 && field.items.iter().any(is_star)) {
            return Reading { meaning: Meaning::Refused, rules: vec![STAR_IN_LIST] };
        }
        let mut rules = Vec::new();
        for place in [DATE, WEEKDAY] {
            let field = &mut expression.fields[place];
            if field.begins_with_star() && field.to_string() != "*" {
                *field = field.without_star();
                rules.push(STAR);
            }
        }
        for item in &mut expression.fields[WEEKDAY].items {
            if item.named && item.range == Range::FromTo(0, 0) {
                *item = Item { range: Range::FromTo(0, 7), named: false, ..*item };
                rules.push(SUNDAY);
            }
        }
        if !expression.is_possible() {
            rules.push(IMPOSSIBLE);
            return Reading { meaning: Meaning::Never, rules };
        }
        let dst = if is_fixed(&expression) {
            (DstGap::Shift, DstRepeat::First)
        } else {
            (DstGap::Skip, DstRepeat::Both)
        };
        Reading { meaning: Meaning::As(expression, dst), rules }
    }

    fn found(case: &Case, expression: &Expression, ours: &Schedule) -> (Vec<i64>, Vec<Rule>) {
        let mut rules = Vec::new();
        let mut found = Vec::new();
        if !is_fixed(expression) {
            return (after(ours, case.start).take(OCCURRENCES).collect(), rules);
        }
        for at in after(ours, case.start) {
            if found.len() == OCCURRENCES {
                break;
            }
            let meant = time_of_day(expression);
            let change = case.zone.change_until(at).filter(|change| change.at == at && change.skipped() > 0);
            // It was shifted here, from the only such time of day within the gap; where that is as long as a day, it
            // may be the one at which it ends.
            let shifted = change.and_then(|change| {
                let gap_end = at + change.after;
                let back = (gap_end - meant).rem_euclid(86_400);
                let skipped = gap_end - if back == 0 { 86_400 } else { back };
                let is_in_gap = skipped >= at + change.before && expression.means_day(skipped);
                (back != 0 || is_in_gap).then_some((skipped, gap_end))
            });
            if let Some((skipped, gap_end)) = shifted {
                if gap_end - skipped > 7200 {
                    rules.push(GAP_LONG);
                    break;
                }
                if skipped.div_euclid(86_400) != gap_end.div_euclid(86_400) && !expression.means_day(gap_end)
                {
                    rules.push(GAP_DAY);
                    continue;
                }
            }
            found.push(at);
        }
        (found, rules)
    }
}

pub(crate) fn parse(text: &str) -> Option<Cron> {
    // With `5/15`, which all but this crate read as `5-59/15`.
    CronParser::builder().sloppy_ranges(true).build().parse(text).ok()
}

fn answer(case: &Case) -> Answer {
    let cron = parse(&case.expression.to_string())?;
    let start = timestamp(case.start).to_zoned(case.zone.zone.clone());
    let next = |at: &jiff::Zoned| cron.find_next_occurrence(at, false).ok();
    let found = std::iter::successors(next(&start), next);
    Some(found.take(OCCURRENCES).map(|at| at.timestamp().as_second()).collect())
}

/// Whether it is taken for a time of day.
fn is_fixed(expression: &Expression) -> bool {
    let is_one = |field: &Field| {
        // Of several steps the last one counts.
        let step = field.items.iter().rev().find_map(|item| item.step);
        let has_star = field.items.iter().any(|item| item.range == Range::Star);
        field.bits().is_power_of_two() && !has_star && step.is_none_or(|step| step == 1)
    };
    [SECOND, MINUTE, HOUR].iter().all(|place| is_one(&expression.fields[*place]))
}

/// The one time of day of an expression that has no other, in seconds.
fn time_of_day(expression: &Expression) -> i64 {
    let number = |place: usize| i64::from(expression.fields[place].bits().trailing_zeros());
    number(HOUR) * 3600 + number(MINUTE) * 60 + number(SECOND)
}
