//! Schedules as a whole: what zones do to them, where they start and end.

use super::*;
use jiff::tz::TimeZoneDatabase;

fn instant(text: &str) -> Instant {
    text.parse().unwrap()
}

pub(super) fn schedule(spec: &ScheduleSpec) -> Schedule {
    Schedule::new(spec, instant("2026-01-01T00:00:00Z")).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// The occurrences of (after, until] by each of the three ways to ask, which must agree.
fn occurrences(schedule: &Schedule, after: Instant, until: Instant) -> Vec<Instant> {
    let mut found = Vec::new();
    let mut at = after;
    while let Some(next) = schedule.next_after(at).filter(|next| *next <= until) {
        assert!(next > at);
        assert_eq!(schedule.last_until(at, next), Some(next));
        assert_eq!(schedule.count(at, next), 1);
        assert_eq!(schedule.last_until(at, Instant::from_millis(next.millis() - 1)), None);
        found.push(next);
        at = next;
    }
    assert_eq!(schedule.count(after, until), found.len() as u64);
    assert_eq!(schedule.last_until(after, until), found.last().copied());
    found
}

/// Asserts the occurrences of (after, until], as the zone's clock shows them with its offset.
fn check(spec: &ScheduleSpec, after: &str, until: &str, expected: &[&str]) {
    let zone = spec.time_zone.as_deref().unwrap_or("UTC");
    let zone = TimeZoneDatabase::bundled().get(zone).unwrap();
    let found = occurrences(&schedule(spec), instant(after), instant(until));
    let shown =
        |found: &Instant| found.to_jiff().to_zoned(zone.clone()).strftime("%d %H:%M%:::z").to_string();
    assert_eq!(found.iter().map(shown).collect::<Vec<_>>(), expected, "{spec:?}");
}

pub(super) fn cron_in(zone: &str, cron: &str) -> ScheduleSpec {
    ScheduleSpec { cron: Some(cron.into()), time_zone: Some(zone.into()), ..ScheduleSpec::default() }
}

#[test]
fn a_gap_shifts_or_skips() {
    // Zurich puts its clocks forward from 02:00 to 03:00 on 2026-03-29.
    let (after, until) = ("2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z");
    for (cron, shift, skip) in [
        ("30 2 * * *", &["29 03:00+02"][..], &[][..]),
        ("0 2,3 * * *", &["29 03:00+02"], &["29 03:00+02"]),
        ("*/20 2 * * *", &["29 03:00+02"], &[]),
        ("59 1-3 * * *", &["29 01:59+01", "29 03:00+02", "29 03:59+02"], &["29 01:59+01", "29 03:59+02"]),
    ] {
        for (gap, expected) in [(None, shift), (Some(DstGap::Shift), shift), (Some(DstGap::Skip), skip)] {
            check(&ScheduleSpec { dst_gap: gap, ..cron_in("Europe/Zurich", cron) }, after, until, expected);
        }
    }
}

#[test]
fn a_repeat_is_the_first_the_last_or_both() {
    // Zurich puts its clocks back from 03:00 to 02:00 on 2026-10-25.
    let (after, until) = ("2026-10-24T22:30:00Z", "2026-10-25T12:00:00Z");
    for (cron, first, last, both) in [
        ("30 2 * * *", &["25 02:30+02"][..], &["25 02:30+01"][..], &["25 02:30+02", "25 02:30+01"][..]),
        ("0 3 * * *", &["25 03:00+01"], &["25 03:00+01"], &["25 03:00+01"]),
        (
            "0,30 2 * * *",
            &["25 02:00+02", "25 02:30+02"],
            &["25 02:00+01", "25 02:30+01"],
            &["25 02:00+02", "25 02:30+02", "25 02:00+01", "25 02:30+01"],
        ),
    ] {
        for (repeat, expected) in [
            (None, first),
            (Some(DstRepeat::First), first),
            (Some(DstRepeat::Last), last),
            (Some(DstRepeat::Both), both),
        ] {
            check(
                &ScheduleSpec { dst_repeat: repeat, ..cron_in("Europe/Zurich", cron) },
                after,
                until,
                expected,
            );
        }
    }
}

#[test]
fn a_star_in_the_hour_field_follows_elapsed_time() {
    let zurich = |cron| ScheduleSpec {
        dst_gap: Some(DstGap::Shift),
        dst_repeat: Some(DstRepeat::First),
        ..cron_in("Europe/Zurich", cron)
    };
    let (spring, autumn) = ("2026-03-29T00:00:00Z", "2026-10-24T23:00:00Z");
    check(
        &zurich("15 * * * *"),
        spring,
        "2026-03-29T02:30:00Z",
        &["29 01:15+01", "29 03:15+02", "29 04:15+02"],
    );
    check(&zurich("30 */2 * * *"), spring, "2026-03-29T03:00:00Z", &["29 04:30+02"]);
    check(
        &zurich("15 * * * *"),
        autumn,
        "2026-10-25T02:30:00Z",
        &["25 01:15+02", "25 02:15+02", "25 02:15+01", "25 03:15+01"],
    );
    // By half an hour, both ways.
    let lord_howe = |cron| cron_in("Australia/Lord_Howe", cron);
    check(
        &lord_howe("*/15 * * * *"),
        "2026-10-03T15:00:00Z",
        "2026-10-03T15:45:00Z",
        &["04 01:45+10:30", "04 02:30+11", "04 02:45+11"],
    );
    check(
        &lord_howe("*/30 * * * *"),
        "2026-04-04T14:00:00Z",
        "2026-04-04T15:30:00Z",
        &["05 01:30+11", "05 01:30+10:30", "05 02:00+10:30"],
    );
}

#[test]
fn odd_zones() {
    // Lord Howe skips 02:00 to 02:30 and repeats 01:30 to 02:00.
    check(
        &cron_in("Australia/Lord_Howe", "15 2 * * *"),
        "2026-10-03T12:00:00Z",
        "2026-10-04T12:00:00Z",
        &["04 02:30+11"],
    );
    check(
        &cron_in("Australia/Lord_Howe", "45 1 * * *"),
        "2026-04-04T12:00:00Z",
        "2026-04-05T12:00:00Z",
        &["05 01:45+11"],
    );
    // Apia had no 30 December in 2011; what was due on it is one occurrence at the end of the gap.
    let apia = cron_in("Pacific/Apia", "0 3,15 * * *");
    check(
        &apia,
        "2011-12-29T20:00:00Z",
        "2011-12-31T10:00:00Z",
        &["29 15:00-10", "31 00:00+14", "31 03:00+14", "31 15:00+14"],
    );
    let apia = ScheduleSpec { dst_gap: Some(DstGap::Skip), ..apia };
    check(&apia, "2011-12-29T20:00:00Z", "2011-12-30T20:00:00Z", &["29 15:00-10", "31 03:00+14"]);
    // Sitka had a whole day twice when it was sold.
    let sitka =
        ScheduleSpec { dst_repeat: Some(DstRepeat::Both), ..cron_in("America/Sitka", "0 18 18 10 *") };
    check(
        &sitka,
        "1867-01-01T00:00:00Z",
        "1868-01-01T00:00:00Z",
        &["18 18:00+14:58:47", "18 18:00-09:01:13"],
    );
    check(
        &cron_in("Asia/Kathmandu", "45 5 * * *"),
        "2025-12-31T00:00:00Z",
        "2026-01-01T00:00:00Z",
        &["01 05:45+05:45"],
    );
    // Offsets with seconds: Zurich took Bern's time on that day.
    check(
        &cron_in("Europe/Zurich", "0 0 * * *"),
        "1853-07-14T20:00:00Z",
        "1853-07-16T20:00:00Z",
        &["15 00:00+00:34:08", "16 00:00+00:29:46"],
    );
    // A gap at midnight takes the day's first hour.
    check(
        &cron_in("America/Havana", "@daily"),
        "2026-03-07T12:00:00Z",
        "2026-03-08T12:00:00Z",
        &["08 01:00-04"],
    );
}

#[test]
fn every_counts_elapsed_time_up_to_hours_and_civil_time_from_days() {
    let every = |every: &str, start: &str| ScheduleSpec {
        every: Some(every.into()),
        time_zone: Some("Europe/Zurich".into()),
        start: Some(instant(start)),
        ..ScheduleSpec::default()
    };
    let (after, until) = ("2026-03-28T00:00:00Z", "2026-03-30T12:00:00Z");
    check(
        &every("24h", "2026-03-01T01:30:00Z"),
        after,
        until,
        &["28 02:30+01", "29 03:30+02", "30 03:30+02"],
    );
    check(&every("1d", "2026-03-01T01:30:00Z"), after, until, &["28 02:30+01", "29 03:00+02", "30 02:30+02"]);
    check(&every("2w", "2026-03-15T01:30:00Z"), after, until, &["29 03:00+02"]);
    check(
        &every("1mo", "2026-01-31T07:00:00Z"),
        "2026-01-01T00:00:00Z",
        "2026-05-31T00:00:00Z",
        &["31 08:00+01", "28 08:00+01", "31 08:00+02", "30 08:00+02"],
    );
    // A start in the second of two equal hours is an occurrence, as it was given.
    check(
        &every("1d", "2026-10-25T01:30:00Z"),
        "2026-10-01T00:00:00Z",
        "2026-10-26T12:00:00Z",
        &["25 02:30+01", "26 02:30+01"],
    );
}

#[test]
fn a_start_that_is_given_is_an_occurrence_and_an_anchor_is_none() {
    for every in ["1h", "1d", "1mo"] {
        let spec = ScheduleSpec { every: Some(every.into()), ..ScheduleSpec::default() };
        let anchor = instant("2026-05-05T10:00:00.250Z");
        let anchored = Schedule::new(&spec, anchor).unwrap();
        let started = Schedule::new(&ScheduleSpec { start: Some(anchor), ..spec }, Instant::EPOCH).unwrap();
        assert_eq!(started.next_after(Instant::MIN), Some(anchor), "{every}");
        assert_eq!(anchored.next_after(Instant::MIN), started.next_after(anchor), "{every}");
        assert_eq!(started.last_until(Instant::MIN, anchor), Some(anchor));
        assert_eq!(anchored.last_until(Instant::MIN, anchor), None);
        let year = instant("2027-05-05T10:00:00.250Z");
        assert_eq!(started.count(Instant::MIN, year), anchored.count(Instant::MIN, year) + 1);
    }
}

#[test]
fn bounds_are_inclusive() {
    let bounded = |spec: ScheduleSpec| ScheduleSpec {
        not_before: Some(instant("2026-05-05T10:00:00Z")),
        not_after: Some(instant("2026-05-05T12:00:00Z")),
        ..spec
    };
    let (min, max) = ("0000-01-01T00:00:00Z", "9999-01-01T00:00:00Z");
    check(&bounded(cron_in("UTC", "@hourly")), min, max, &["05 10:00+00", "05 11:00+00", "05 12:00+00"]);
    check(&bounded(cron_in("UTC", "30 * * * *")), min, max, &["05 10:30+00", "05 11:30+00"]);
    let every = ScheduleSpec { every: Some("1h".into()), ..ScheduleSpec::default() };
    check(&bounded(every), min, max, &["05 10:00+00", "05 11:00+00", "05 12:00+00"]);
    let at = ScheduleSpec { at: Some(instant("2026-05-05T12:00:00Z")), ..ScheduleSpec::default() };
    check(&bounded(at.clone()), min, max, &["05 12:00+00"]);
    check(&at, "2026-05-05T12:00:00Z", max, &[]);
    check(&ScheduleSpec::default(), min, max, &[]);
    assert!(schedule(&ScheduleSpec::default()).is_on_demand() && !schedule(&at).is_on_demand());
}

#[test]
fn the_ends_of_time_are_no_trouble() {
    for zone in ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Zurich"] {
        for cron in ["* * * * * *", "@yearly", "0 0 29 2 */7", "0 2 * 3 sun"] {
            let spec = cron_in(zone, cron);
            let schedule = schedule(&spec);
            assert_eq!(schedule.next_after(Instant::MAX), None);
            assert!(schedule.next_after(Instant::MIN).is_some());
            let last = schedule.last_until(Instant::MIN, Instant::MAX).unwrap();
            assert_eq!(schedule.next_after(last), None, "{spec:?}");
            assert!(schedule.count(Instant::MIN, Instant::MAX) > 300);
            assert_eq!(schedule.count(Instant::MAX, Instant::MIN), 0);
            assert_eq!(schedule.last_until(Instant::MAX, Instant::MIN), None);
        }
    }
}

#[test]
fn years_of_seconds_are_counted_at_once() {
    let (from, to) = (instant("1901-12-31T23:59:59Z"), instant("2901-12-31T23:59:59Z"));
    let seconds = (to.millis() - from.millis()) as u64 / 1000;
    for zone in ["UTC", "Europe/Zurich", "Australia/Lord_Howe", "Pacific/Apia"] {
        assert_eq!(schedule(&cron_in(zone, "* * * * * *")).count(from, to), seconds, "{zone}");
    }
}

#[test]
fn jitter_is_within_its_span_and_stays_the_same() {
    let spec = |span: &str| ScheduleSpec { jitter: Some(span.parse().unwrap()), ..cron_in("UTC", "@hourly") };
    let nominal = instant("2026-05-05T10:00:00Z");
    assert_eq!(schedule(&spec("0s")).jittered(JobId(1), nominal), nominal);
    // Not to be changed: what was due before a restart or an upgrade is due then after it.
    assert_eq!(schedule(&spec("5m")).jittered(JobId(1), nominal).to_string(), "2026-05-05T10:02:51.085Z");
    let one = schedule(&spec("1ms"));
    let later = (0..100).filter(|job| one.jittered(JobId(*job), nominal) > nominal).count();
    assert!((30..70).contains(&later), "{later} of 100");
    let bounded = schedule(&ScheduleSpec { not_after: Some(nominal), ..spec("5m") });
    assert_eq!(bounded.jittered(JobId(1), nominal), nominal);
}
