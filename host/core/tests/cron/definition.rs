//! What an expression means, by trying every minute of the wall clock: slow, plain, and without a line of the
//! code that it judges.

use crate::expression::{DATE, Expression, HOUR, MINUTE, MONTH, SECOND, WEEKDAY};
use crate::zone::{Zone, datetime};
use sandglass_core::schedule::{DstGap, DstRepeat};
use std::collections::BTreeSet;

/// The instants from `from` to `to`, both inclusive, at which an expression occurs, with `gap` and `repeat` for
/// one that does not follow elapsed time.
pub(crate) fn occurrences(
    expression: &Expression,
    zone: &Zone,
    (gap, repeat): (DstGap, DstRepeat),
    from: i64,
    to: i64,
) -> Vec<i64> {
    let elapsed = expression.follows_elapsed_time();
    let (gap, repeat) = if elapsed { (DstGap::Skip, DstRepeat::Both) } else { (gap, repeat) };
    let stretches = stretches(zone, from, to);
    let offsets = || stretches.iter().map(|stretch| stretch.offset);
    let (least, most) = (offsets().min().unwrap_or(0), offsets().max().unwrap_or(0));

    let bits: [u64; 6] = std::array::from_fn(|place| expression.fields[place].bits());
    let mut found = BTreeSet::new();
    let mut minute = (from + least).div_euclid(60) * 60;
    while minute <= to + most {
        if has_minute(&bits, expression.either_day(), minute) {
            let seconds = (0..60).filter(|second| bits[SECOND] >> second & 1 == 1);
            for second in seconds {
                found.extend(instants_of(&stretches, minute + second, gap, repeat));
            }
        }
        minute += 60;
    }
    found.range(from..=to).copied().collect()
}

fn has_minute(bits: &[u64; 6], either_day: bool, wall: i64) -> bool {
    let has = |place: usize, number: i64| bits[place] >> number & 1 == 1;
    if !has(MINUTE, wall.div_euclid(60).rem_euclid(60)) || !has(HOUR, wall.div_euclid(3600).rem_euclid(24)) {
        return false;
    }
    let date = datetime(wall).date();
    let weekday = has(WEEKDAY, i64::from(date.weekday().to_sunday_zero_offset()));
    let day = has(DATE, i64::from(date.day()));
    has(MONTH, i64::from(date.month())) && if either_day { day || weekday } else { day && weekday }
}

/// The instants `begin..end` at which the clock is `offset` ahead of UTC.
struct Stretch {
    begin: i64,
    end: i64,
    offset: i64,
}

/// Those that cover two days around a span of time.
fn stretches(zone: &Zone, from: i64, to: i64) -> Vec<Stretch> {
    let (from, to) = (from - 2 * 86_400, to + 2 * 86_400);
    let inner =
        zone.zone.following(crate::zone::timestamp(from)).map(|change| change.timestamp().as_second());
    let mut begin = from;
    let mut found = Vec::new();
    for end in inner.take_while(|at| *at < to).chain([to]) {
        found.push(Stretch { begin, end, offset: zone.offset(begin) });
        begin = end;
    }
    found
}

/// The instants at which a wall occurs.
fn instants_of(stretches: &[Stretch], wall: i64, gap: DstGap, repeat: DstRepeat) -> Vec<i64> {
    let shown: Vec<i64> = stretches
        .iter()
        .filter(|stretch| (stretch.begin..stretch.end).contains(&(wall - stretch.offset)))
        .map(|stretch| wall - stretch.offset)
        .collect();
    if shown.is_empty() {
        // Past the end of one stretch by its own clock, and before the begin of the next by that one's.
        let skipped =
            |pair: &&[Stretch]| wall - pair[0].offset >= pair[0].end && wall - pair[1].offset < pair[1].begin;
        let end = stretches.windows(2).find(skipped).map(|pair| pair[1].begin);
        return end.filter(|_| gap == DstGap::Shift).into_iter().collect();
    }
    match repeat {
        DstRepeat::First => shown[..1].to_vec(),
        DstRepeat::Last => shown[shown.len() - 1..].to_vec(),
        DstRepeat::Both => shown,
    }
}
