//! `cronsim` of the Python package index: it walks aware Python datetimes, as Debian's cron would run. Of our code and data it has
//! nothing: the zones are those of its package `tzdata`.

use crate::case::{Case, OCCURRENCES, after};
use crate::comparison::{Answer, Meaning, Oracle, Reading, Rule};
use crate::expression::{Expression, HOUR, Item, MINUTE, Range, SECOND, WEEKDAY};
use crate::zone::Zone;
use sandglass_core::schedule::{DstGap, DstRepeat, Schedule};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cron/oracle.py");

/// The interpreter that has the packages of requirements.txt.
const PYTHON: &str = "SANDGLASS_CRON_PYTHON";

pub(crate) struct Cronsim {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// Of the time zone database.
    pub(crate) release: String,
}

const SUNDAY: Rule = Rule {
    name: "cronsim-to-sunday",
    says: "a named range that ends on Sunday is refused, unless it begins there",
};
const ONE_STEP: Rule =
    Rule { name: "cronsim-one-step", says: "`7-7/2`, a range of one number with a step, is `7/2`" };
const FIXED: Rule = Rule {
    name: "cronsim-fixed",
    says: "what has six fields, or a minute or hour field that begins with a star, follows elapsed time",
};

const AGAIN: Rule = Rule {
    name: "cronsim-again",
    says: "from a start in the second of two equal stretches of the clock it finds the walls of the first",
};
const GAP_MINUTE: Rule =
    Rule { name: "cronsim-gap-minute", says: "what a gap shifts occurs at the first whole minute after it" };
const MIDNIGHT: Rule = Rule {
    name: "cronsim-midnight",
    says: "following elapsed time, the search begins a day at midnight, even at one that a gap skips",
};

const NUUK: Rule = Rule {
    name: "cronsim-nuuk",
    says: "Python has the clock of Nuuk skip the hour after the one on 2023-10-28 at which it did not change",
};
const PART_HOUR: Rule = Rule {
    name: "cronsim-part-hour",
    says: "following elapsed time, the search goes by hours from full ones: it misses, repeats or never ends where \
           a clock changes at or by a part of an hour",
};

impl Oracle for Cronsim {
    const NAME: &'static str = "cronsim";
    const RULES: &'static [Rule] = &[SUNDAY, ONE_STEP, FIXED, AGAIN, GAP_MINUTE, NUUK, MIDNIGHT, PART_HOUR];
    const DST: Rule = FIXED;

    fn ask(&mut self, cases: &[Case]) -> Vec<Answer> {
        let question = |case: &Case| {
            // It knows no nicknames.
            json!([case.zone.name, case.expression.in_fields(), case.start, OCCURRENCES])
        };
        let questions: Vec<Value> = cases.iter().map(question).collect();
        let answers = self.exchange(&questions);
        answers.into_iter().map(read).collect()
    }

    fn reading(case: &Case) -> Reading {
        let mut expression = case.expression.clone();
        let to_sunday =
            |item: &Item| item.named && matches!(item.range, Range::FromTo(first, 7) if first > 0);
        if expression.fields[WEEKDAY].items.iter().any(to_sunday) {
            return Reading { meaning: Meaning::Refused, rules: vec![SUNDAY] };
        }
        let mut rules = Vec::new();
        for item in expression.fields.iter_mut().flat_map(|field| &mut field.items) {
            if let (Range::FromTo(first, last), Some(_)) = (item.range, item.step)
                && first == last
            {
                *item = Item { range: Range::Number(first), ..*item };
                rules.push(ONE_STEP);
            }
        }
        if !expression.is_possible() {
            return Reading { meaning: Meaning::Refused, rules };
        }
        let dst = if is_fixed(&expression) {
            (DstGap::Shift, DstRepeat::First)
        } else {
            (DstGap::Skip, DstRepeat::Both)
        };
        Reading { meaning: Meaning::As(expression, dst), rules }
    }

    fn found(case: &Case, expression: &Expression, ours: &Schedule) -> (Vec<i64>, Vec<Rule>) {
        if is_fixed(expression) { of_walls(case, ours) } else { of_elapsed_time(case, expression, ours) }
    }

    fn excuse(case: &Case, expression: &Expression, at: i64) -> Option<Rule> {
        let change = case.zone.change_until(at + 3600)?;
        let part_hour = [change.at + change.before, change.at + change.after]
            .iter()
            .any(|wall| wall.rem_euclid(3600) != 0);
        let near = at < change.at + 86_400;
        (!is_fixed(expression) && change.skipped() != 0 && part_hour && near).then_some(PART_HOUR)
    }
}

/// It walks a clock that has no zone, and puts each wall that it finds into the zone, at the first of two.
fn of_walls(case: &Case, ours: &Schedule) -> (Vec<i64>, Vec<Rule>) {
    let mut rules = Vec::new();
    let mut start = case.start;
    let change = case.zone.change_until(start).filter(|change| start < change.at - change.skipped());
    if let Some(change) = change {
        start += change.skipped();
        rules.push(AGAIN);
    }
    let as_python_has_it = |at: i64| {
        let change = case.zone.change_until(at);
        let shifted = change.is_some_and(|change| change.at == at && change.skipped() > 0);
        if is_nuuk(case) && (NUUK_AT..NUUK_AT + 3600).contains(&at) {
            (NUUK_AT + 3600, Some(NUUK))
        } else if shifted && case.zone.wall(at) % 60 != 0 {
            (at + (-case.zone.wall(at)).rem_euclid(60), Some(GAP_MINUTE))
        } else {
            (at, None)
        }
    };
    let mut found = Vec::new();
    for (at, rule) in after(ours, start).map(as_python_has_it) {
        if found.last() != Some(&at) {
            found.push(at);
        }
        rules.extend(rule);
        if found.len() == OCCURRENCES {
            break;
        }
    }
    (found, rules)
}

/// 2023-10-29T01:00:00Z: the last transition that Nuuk's file has, from -02 to -02. After it Python asks the rule
/// for the years to come, by which it would still be summer time for an hour.
const NUUK_AT: i64 = 1_698_541_200;

fn is_nuuk(case: &Case) -> bool {
    ["America/Nuuk", "America/Godthab"].contains(&case.zone.name.as_str())
}

fn of_elapsed_time(case: &Case, expression: &Expression, ours: &Schedule) -> (Vec<i64>, Vec<Rule>) {
    let has_zero = |place: usize| expression.fields[place].bits() & 1 == 1;
    // Midnights that do not exist, and at which the search of a day begins.
    let mut extra = Vec::new();
    let mut missing = Vec::new();
    // Its first step of a second may end after the gap.
    let later = case.zone.transitions.iter().filter(|at| **at > case.start + 1);
    for change in later.filter_map(|at| case.zone.change_until(*at)).filter(|change| change.skipped() > 0) {
        let midnight = (change.at + change.before + 86_399).div_euclid(86_400) * 86_400;
        let is_skipped = midnight < change.at + change.after;
        if is_skipped && expression.means_day(midnight) && !expression.means_day(midnight - 86_400) {
            let taken_for = midnight - change.before;
            if [SECOND, MINUTE, HOUR].iter().all(|place| has_zero(*place)) {
                extra.push(taken_for);
            }
            if !has_zero(HOUR) {
                missing.push(change.at..taken_for + 3600);
            }
        }
    }
    let mut extra = extra.into_iter().peekable();
    let mut found = Vec::new();
    for at in after(ours, case.start) {
        while let Some(before) = extra.next_if(|extra| *extra <= at) {
            found.push(before);
        }
        if !missing.iter().any(|span| span.contains(&at)) {
            found.push(at);
        }
        if found.len() > OCCURRENCES {
            break;
        }
    }
    found.dedup();
    found.truncate(OCCURRENCES);
    (found, vec![MIDNIGHT])
}

/// An instant that no occurrence has, for a search that did not end.
const ENDLESS: i64 = -100_000_000_000;

fn read(answer: Value) -> Answer {
    let found: Option<Vec<Option<i64>>> = serde_json::from_value(answer).expect("instants or null");
    found.map(|found| found.into_iter().map(|at| at.unwrap_or(ENDLESS)).collect())
}

fn is_fixed(expression: &Expression) -> bool {
    !expression.has_seconds
        && [MINUTE, HOUR].iter().all(|place| !expression.fields[*place].begins_with_star())
}

impl Cronsim {
    pub(crate) fn start() -> Cronsim {
        let python = std::env::var_os(PYTHON).unwrap_or_else(|| {
            panic!("{PYTHON} is not set: `cargo xtask test cron` makes the Python environment and sets it")
        });
        let mut child = Command::new(&python)
            .arg(PROGRAM)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{PYTHON} is {}: {error}", python.display()));
        let questions = child.stdin.take().expect("it is piped");
        let answers = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut started = Cronsim { child, questions, answers, release: String::new() };
        let release = started.answer();
        release.as_str().expect("its first line is the release").clone_into(&mut started.release);
        started
    }

    /// How far a zone's clock is ahead of UTC at each of the instants.
    pub(crate) fn offsets(&mut self, zone: &Zone, instants: &[i64]) -> Vec<i64> {
        let answer = self.exchange(&[json!([zone.name, instants])]).remove(0);
        serde_json::from_value(answer).expect("offsets")
    }

    /// Whether it reads a text as an expression.
    pub(crate) fn reads(&mut self, text: &str) -> bool {
        !self.exchange(&[json!(["UTC", text, 0, 1])]).remove(0).is_null()
    }

    /// Asks without waiting for each answer: the process has always something to do.
    fn exchange(&mut self, questions: &[Value]) -> Vec<Value> {
        const AHEAD: usize = 100;
        let mut answers = Vec::with_capacity(questions.len());
        let mut asked = 0;
        while answers.len() < questions.len() {
            while asked < questions.len() && asked < answers.len() + AHEAD {
                writeln!(self.questions, "{}", questions[asked]).expect("oracle.py goes on reading");
                asked += 1;
            }
            answers.push(self.answer());
        }
        answers
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("oracle.py goes on writing");
        serde_json::from_str(&line).expect("oracle.py ended; its error is above")
    }
}

impl Drop for Cronsim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
