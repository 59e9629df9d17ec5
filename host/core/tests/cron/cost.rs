//! What the next occurrence costs, beside croner in the same run.

use crate::case::{DEFAULTS, after, instant, schedule};
use crate::expression::Expression;
use crate::zone::{Zone, all, timestamp};
use croner::parser::CronParser;
use sandglass_core::Instant;
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant as Clock;

const EXPRESSIONS: [&str; 8] = [
    "* * * * * *",
    "*/5 * * * *",
    "30 2 * * *",
    "0 9-17 * * mon-fri",
    "0 0 1 1 *",
    "0 0 13 * fri",
    "0 0 29 2 *",
    "0 0 29 2 */7",
];

/// So many starts, a day and a second apart.
const STARTS: i64 = 500;

pub(crate) fn table() -> String {
    let zones = all();
    let mut text = format!(
        "{:20} {:14} {:>10} {:>10} {:>6} {:>12} {:>12}",
        "ns for each", "", "next_after", "croner", "ratio", "last_until", "count"
    );
    for name in ["UTC", "Europe/Zurich"] {
        let zone = Zone::named(&zones, name);
        for expression in EXPRESSIONS {
            let [next, theirs, last, count] = nanoseconds(zone, expression);
            let ratio = next / theirs;
            write!(
                text,
                "\n{expression:20} {name:14} {next:10.0} {theirs:10.0} {ratio:6.3} {last:12.0} {count:12.0}"
            )
            .expect("text can be written to");
        }
    }
    text + "\nlast_until looks back without a bound, count is over ten years"
}

/// Of our next, croner's, our last and our count.
fn nanoseconds(zone: &Zone, text: &str) -> [f64; 4] {
    const YEARS: i64 = 10 * 366 * 86_400;
    let expression = Expression::parse(text);
    let ours = schedule(&expression, zone, DEFAULTS).expect("a valid expression");
    let theirs = CronParser::new().parse(text).expect("a valid expression");
    let starts: Vec<i64> = (0..STARTS).map(|day| 1_767_225_599 + day * 86_401).collect();
    let zoned: Vec<_> = starts.iter().map(|at| timestamp(*at).to_zoned(zone.zone.clone())).collect();
    let each = |work: &dyn Fn(usize)| {
        // The best of a few: the rest is what else the machine did.
        let once = || {
            let begin = Clock::now();
            (0..starts.len()).for_each(work);
            begin.elapsed().as_nanos() as f64 / starts.len() as f64
        };
        (0..5).map(|_| once()).fold(f64::INFINITY, f64::min)
    };
    [
        each(&|at| {
            black_box(after(&ours, starts[at]).next());
        }),
        each(&|at| {
            let _ = black_box(theirs.find_next_occurrence(&zoned[at], false));
        }),
        each(&|at| {
            black_box(ours.last_until(Instant::MIN, instant(starts[at])));
        }),
        each(&|at| {
            black_box(ours.count(instant(starts[at] - YEARS), instant(starts[at])));
        }),
    ]
}
