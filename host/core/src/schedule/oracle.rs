//! Random schedules against an oracle, and against themselves.
//!
//! The oracle shares no code with what it checks: it tries every minute of the wall clock, reads the cron
//! expression for itself, and asks jiff about each wall on its own.

use super::tests::{cron_in, schedule};
use super::*;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// One field as the oracle reads it: lists of `*`, numbers and ranges, with steps.
fn field_has(text: &str, number: i8, all: RangeInclusive<i8>) -> bool {
    text.split(',').any(|item| {
        let (range, step) = item.split_once('/').unwrap_or((item, "1"));
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => all.clone().into_inner(),
            Some((first, last)) => (first.parse().unwrap(), last.parse().unwrap()),
            None => (range.parse().unwrap(), range.parse().unwrap()),
        };
        (first..=last).contains(&number) && (number - first) % step.parse::<i8>().unwrap() == 0
    })
}

/// Whether a minute of the wall clock matches an expression of five fields.
fn cron_has(fields: &[String], wall: DateTime) -> bool {
    let weekday = wall.weekday().to_sunday_zero_offset();
    let day = field_has(&fields[2], wall.day(), 1..=31);
    let weekday = field_has(&fields[4], weekday, 0..=7) || weekday == 0 && field_has(&fields[4], 7, 0..=7);
    let either = !fields[2].starts_with('*') && !fields[4].starts_with('*');
    field_has(&fields[0], wall.minute(), 0..=59)
        && field_has(&fields[1], wall.hour(), 0..=23)
        && field_has(&fields[3], wall.month(), 1..=12)
        && if either { day || weekday } else { day && weekday }
}

/// The instants at which one wall occurs.
fn instants_of(zone: &TimeZone, wall: DateTime, gap: DstGap, repeat: DstRepeat) -> Vec<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(wall);
    match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { offset } => vec![offset.to_timestamp(wall).unwrap()],
        AmbiguousOffset::Gap { .. } if gap == DstGap::Skip => vec![],
        AmbiguousOffset::Gap { before, after } => {
            let early = after.to_timestamp(wall).unwrap();
            let real = |at: &Timestamp| zone.to_offset(*at - 1.second()) == before;
            vec![zone.following(early).map(|change| change.timestamp()).find(real).unwrap()]
        }
        AmbiguousOffset::Fold { before, after } => {
            let both = [before, after].map(|offset| offset.to_timestamp(wall).unwrap());
            match repeat {
                DstRepeat::First => both[..1].to_vec(),
                DstRepeat::Last => both[1..].to_vec(),
                DstRepeat::Both => both.to_vec(),
            }
        }
    }
}

/// Zones with changes of every kind.
const ZONES: [&str; 16] = [
    "Europe/Zurich",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "America/Sitka",
    "America/New_York",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "Europe/Dublin",
    "Pacific/Kwajalein",
    "America/Havana",
    "Asia/Manila",
    "UTC",
    "Africa/Monrovia",
    "America/Caracas",
    "Asia/Gaza",
];

/// An instant near a change of some zone's offset, or anywhere.
fn zone_and_instant() -> impl Strategy<Value = (String, Instant)> {
    let zone = prop::sample::select(&ZONES[..]);
    (zone, -5_000_000_000_000i64..8_000_000_000_000, -100_000_000i64..100_000_000, any::<bool>()).prop_map(
        |(name, at, by, near)| {
            let zone = TimeZoneDatabase::bundled().get(name).unwrap();
            let at = Timestamp::from_millisecond(at).unwrap();
            let change = zone.following(at).next().or_else(|| zone.preceding(at).next()).filter(|_| near);
            let at = change.map_or(at, |change| change.timestamp());
            (name.to_owned(), Instant::from_millis(at.as_millisecond() + by))
        },
    )
}

fn cron_field(least: u32, most: u32) -> impl Strategy<Value = String> {
    let number = least..=most;
    let range = (number.clone(), number.clone(), 1u32..6)
        .prop_map(|(one, other, step)| format!("{}-{}/{step}", one.min(other), one.max(other)));
    let item = prop_oneof![number.prop_map(|number| number.to_string()), range];
    prop_oneof![
        3 => Just("*".to_owned()),
        1 => (1u32..13).prop_map(move |step| format!("*/{}", step.min(most - least))),
        3 => prop::collection::vec(item, 1..4).prop_map(|items| items.join(",")),
    ]
}

fn cron_fields() -> impl Strategy<Value = Vec<String>> {
    (cron_field(0, 59), cron_field(0, 23), cron_field(1, 31), cron_field(1, 12), cron_field(0, 7))
        .prop_map(|(minute, hour, day, month, weekday)| vec![minute, hour, day, month, weekday])
}

fn gap() -> impl Strategy<Value = DstGap> {
    prop::sample::select(&[DstGap::Shift, DstGap::Skip][..])
}

fn repeat() -> impl Strategy<Value = DstRepeat> {
    prop::sample::select(&[DstRepeat::First, DstRepeat::Last, DstRepeat::Both][..])
}

/// The most occurrences that a property goes through one by one.
const TAKEN: usize = 300;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_cron_occurs_where_the_oracle_says(
        fields in cron_fields(), (zone, after) in zone_and_instant(), gap in gap(), repeat in repeat(),
    ) {
        let spec = ScheduleSpec { dst_gap: Some(gap), dst_repeat: Some(repeat), ..cron_in(&zone, &fields.join(" ")) };
        let Ok(schedule) = Schedule::new(&spec, Instant::EPOCH) else {
            return Ok(());
        };
        let zone = TimeZoneDatabase::bundled().get(&zone).unwrap();
        let until = after.plus(Span::from_secs(2 * 86_400));
        let follows = fields[1].starts_with('*') && !fields[1].contains(',');
        let (gap, repeat) = if follows { (DstGap::Skip, DstRepeat::Both) } else { (gap, repeat) };

        let mut expected = BTreeSet::new();
        let mut wall = zone.to_datetime(after.to_jiff()).with().second(0).subsec_nanosecond(0).build().unwrap();
        wall -= 26.hours();
        let end = zone.to_datetime(until.to_jiff()) + 26.hours();
        while wall <= end {
            if cron_has(&fields, wall) {
                let instants = instants_of(&zone, wall, gap, repeat).into_iter().map(Instant::from_jiff);
                expected.extend(instants.filter(|at| (after.plus(Span::from_millis(1))..=until).contains(at)));
            }
            wall += 1.minute();
        }
        let expected: Vec<Instant> = expected.into_iter().collect();

        prop_assert_eq!(schedule.count(after, until), expected.len() as u64);
        prop_assert_eq!(schedule.last_until(after, until), expected.last().copied());
        let mut at = after;
        for expected in expected.iter().take(TAKEN) {
            prop_assert_eq!(schedule.next_after(at), Some(*expected));
            at = *expected;
        }
    }

    #[test]
    fn an_every_of_civil_time_occurs_where_the_oracle_says(
        (count, unit) in (1i64..40, 0usize..3), (zone, start) in zone_and_instant(),
        (gap, repeat) in (gap(), repeat()), given: bool,
    ) {
        let spec = ScheduleSpec {
            every: Some(format!("{count}{}", ["d", "w", "mo"][unit])),
            time_zone: Some(zone.clone()),
            dst_gap: Some(gap),
            dst_repeat: Some(repeat),
            start: given.then_some(start),
            ..ScheduleSpec::default()
        };
        let schedule = Schedule::new(&spec, start).unwrap();
        let zone = TimeZoneDatabase::bundled().get(&zone).unwrap();
        let first = zone.to_datetime(start.to_jiff());

        let mut expected = BTreeSet::from_iter(given.then_some(start));
        for index in 1..100 {
            let count = count * index;
            let wall = first + [count.days(), count.weeks(), count.months()][unit];
            let instants = instants_of(&zone, wall, gap, repeat).into_iter().map(Instant::from_jiff);
            expected.extend(instants.filter(|at| *at > start));
        }
        // The last but one: of the last, a second instant could be missing.
        let mut at = Instant::from_millis(start.millis() - 86_400_000);
        for expected in expected.iter().take(98) {
            prop_assert_eq!(schedule.next_after(at), Some(*expected));
            at = *expected;
        }
    }

    #[test]
    fn all_ways_to_ask_agree(
        (fields, second, every, which) in (cron_fields(), cron_field(0, 59), (1u32..100, 0usize..6), 0..4),
        (zone, after) in zone_and_instant(), (gap, repeat) in (gap(), repeat()),
        start in prop::option::of(-4_000_000_000i64..4_000_000_000), anchor in -4_000_000_000i64..4_000_000_000,
    ) {
        let near = |by: i64| Instant::from_millis(after.millis() + by);
        let mut spec = ScheduleSpec {
            time_zone: Some(zone), dst_gap: Some(gap), dst_repeat: Some(repeat), ..ScheduleSpec::default()
        };
        match which {
            0 => spec.cron = Some(format!("{second} {}", fields.join(" "))),
            1 => spec.cron = Some(format!("{second} {} * * * *", fields[0])),
            _ => {
                spec.every = Some(format!("{}{}", every.0, ["s", "m", "h", "d", "w", "mo"][every.1]));
                spec.start = start.map(near);
            }
        }
        let Ok(schedule) = Schedule::new(&spec, near(anchor)) else {
            return Ok(());
        };
        let mut at = after;
        let mut found = Vec::new();
        while let Some(next) = schedule.next_after(at).filter(|_| found.len() < TAKEN) {
            prop_assert!(next > at, "{} after {}", next, at);
            prop_assert_eq!(schedule.next_after(Instant::from_millis(next.millis() - 1)), Some(next));
            prop_assert_eq!(schedule.last_until(at, next), Some(next));
            prop_assert_eq!(schedule.last_until(at, Instant::from_millis(next.millis() - 1)), None);
            found.push(next);
            at = next;
            prop_assert_eq!(schedule.count(after, at), found.len() as u64);
        }
        prop_assert_eq!(schedule.last_until(after, at), found.last().copied());
        prop_assert!(!schedule.words().is_empty());
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[@*/0-9a-z, -]{0,30}") {
        let _ = Schedule::new(&cron_in("UTC", &text), Instant::EPOCH);
        let _ = Schedule::new(&ScheduleSpec { every: Some(text), ..ScheduleSpec::default() }, Instant::EPOCH);
    }

    #[test]
    fn jitter_adds_no_more_than_its_span(job: u32, millis in 0..4_000_000_000_000i64, jitter in 0..Span::MAX.millis()) {
        let spec = ScheduleSpec { jitter: Some(Span::from_millis(jitter)), ..cron_in("UTC", "@hourly") };
        let nominal = Instant::from_millis(millis);
        let due = schedule(&spec).jittered(JobId(job), nominal);
        prop_assert!(due >= nominal && due <= nominal.plus(Span::from_millis(jitter)));
        prop_assert_eq!(due, schedule(&spec).jittered(JobId(job), nominal));
        let on_the_hour = schedule(&spec).next_after(nominal).unwrap();
        let due = schedule(&spec).jittered(JobId(job), on_the_hour);
        prop_assert!(due < schedule(&spec).next_after(on_the_hour).unwrap(), "none overtakes the next one");
    }
}
