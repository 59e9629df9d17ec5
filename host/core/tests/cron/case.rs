//! What is compared: an expression, a zone and a start.

use crate::expression::{Expression, Source};
use crate::zone::{Change, FROM, TO, Zone, datetime};
use sandglass_core::Instant;
use sandglass_core::schedule::{DstGap, DstRepeat, Schedule, ScheduleSpec};

/// So many occurrences after the start are compared.
pub(crate) const OCCURRENCES: usize = 4;

pub(crate) const DEFAULTS: (DstGap, DstRepeat) = (DstGap::Shift, DstRepeat::First);

pub(crate) struct Case<'a> {
    pub(crate) zone: &'a Zone,
    pub(crate) expression: Expression,
    pub(crate) start: i64,
}

/// How many cases of each kind.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) for_each_transition: usize,
    pub(crate) for_each_zone: usize,
    /// Whether each transition is crossed with all of `CROSSED`, too.
    pub(crate) crossed: bool,
}

/// What people write, for every transition of every zone.
const CROSSED: [&str; 12] = [
    "* * * * *",
    "*/15 * * * *",
    "0 */2 * * *",
    "30 2 * * *",
    "*/20 2 * * *",
    "0,30 1-3 * * *",
    "@daily",
    "59 23 * * *",
    "0 0 1 * *",
    "0 0 13 * fri",
    "15 30 2 * * *",
    "*/10 59 1 * * *",
];

/// Those of one zone, always the same for a seed: around each of its transitions, and anywhere.
pub(crate) fn of_zone(zone: &Zone, seed: u64, size: Size) -> Vec<Case<'_>> {
    let name = zone.name.bytes().fold(0u64, |hash, byte| hash.wrapping_mul(131) + u64::from(byte));
    let mut source = Source::new(seed ^ name);
    let mut cases = Vec::new();
    for transition in &zone.transitions {
        let change = zone.change_until(*transition).expect("it is one of them");
        let crossed = if size.crossed { &CROSSED[..] } else { &[] };
        cases.extend(crossed.iter().map(|text| near(zone, change, Expression::parse(text), &mut source)));
        cases.extend((0..size.for_each_transition).map(|_| {
            let wall = datetime(wall_near(change, &mut source));
            let expression = source.expression(wall);
            near(zone, change, expression, &mut source)
        }));
    }
    cases.extend((0..size.for_each_zone).map(|_| {
        let start = source.number(FROM..=TO);
        Case { zone, expression: source.expression(datetime(zone.wall(start))), start }
    }));
    cases
}

/// An expression with a start near a change.
fn near<'a>(zone: &'a Zone, change: Change, expression: Expression, source: &mut Source) -> Case<'a> {
    let reach = change.skipped().abs() + 3600;
    let start = match source.number(0..=4) {
        0 => change.at + source.number(-2..=2),
        1 => change.at + source.number(-reach..=reach),
        // So that what happens at the transition is among the next few occurrences.
        few => {
            let before = |schedule: &Schedule, at: Instant| {
                schedule.last_until(Instant::MIN, Instant::from_millis(at.millis() - 1000))
            };
            let found = schedule(&expression, zone, DEFAULTS)
                .and_then(|schedule| (2..few).try_fold(instant(change.at), |at, _| before(&schedule, at)));
            found.map_or(change.at, |found| found.millis() / 1000) - 1
        }
    };
    Case { zone, expression, start }
}

/// A wall time that the change skips or repeats, or a neighbour of those.
pub(crate) fn wall_near(change: Change, source: &mut Source) -> i64 {
    let (first, last) = (change.before.min(change.after), change.before.max(change.after));
    match source.number(0..=5) {
        0 => change.at + first - source.number(1..=7200),
        1 => change.at + last + source.number(0..=7200),
        _ => change.at + source.number(first..=last),
    }
}

/// Our own reading of an expression; none where it is refused.
pub(crate) fn schedule(expression: &Expression, zone: &Zone, dst: (DstGap, DstRepeat)) -> Option<Schedule> {
    let spec = ScheduleSpec {
        cron: Some(expression.to_string()),
        time_zone: Some(zone.name.clone()),
        dst_gap: Some(dst.0),
        dst_repeat: Some(dst.1),
        ..ScheduleSpec::default()
    };
    Schedule::new(&spec, Instant::EPOCH).ok()
}

pub(crate) fn instant(seconds: i64) -> Instant {
    Instant::from_millis(seconds * 1000)
}

/// The occurrences after an instant, in seconds.
pub(crate) fn after(schedule: &Schedule, start: i64) -> impl Iterator<Item = i64> {
    let found = std::iter::successors(schedule.next_after(instant(start)), |at| schedule.next_after(*at));
    found.map(|at| at.millis() / 1000)
}
