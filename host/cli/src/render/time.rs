//! Instants and durations for people: UTC with what it is from now, `2026-01-31 08:30:00 UTC (in 12 min)`.

use jiff::tz::{TimeZone, TimeZoneDatabase};
use sandglass_core::Instant;

/// `2026-01-31 08:30:00 UTC`.
pub(crate) fn utc(instant: Instant) -> String {
    instant.to_jiff().strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `2026-01-31 08:30:00 UTC (in 12 min)`.
pub(crate) fn utc_and_relative(instant: Instant, now: Instant) -> String {
    format!("{} ({})", utc(instant), relative(instant, now))
}

/// On the clock of a zone: `2026-03-29 03:00:00 +02:00 CEST`.
pub(crate) fn local(instant: Instant, zone: &TimeZone) -> String {
    instant.to_jiff().to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z %Z").to_string()
}

/// A zone that is worth showing: a name that the built-in database knows, and not UTC.
pub(crate) fn zone(name: Option<&str>) -> Option<TimeZone> {
    let name = name.filter(|name| !["UTC", "Etc/UTC"].iter().any(|utc| utc.eq_ignore_ascii_case(name)))?;
    TimeZoneDatabase::bundled().get(name).ok()
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// `in 12 min`, `3 h ago`, `now`.
pub(crate) fn relative(instant: Instant, now: Instant) -> String {
    let (ahead, span) = if instant > now { (true, instant.since(now)) } else { (false, now.since(instant)) };
    // Half a second is a matter of two clocks.
    let seconds = (span.millis() + 500) / 1000;
    let length = match seconds {
        0 => return "now".into(),
        1..MINUTE => format!("{seconds} s"),
        MINUTE..HOUR => format!("{} min", seconds / MINUTE),
        HOUR..DAY => two(seconds / HOUR, "h", seconds % HOUR / MINUTE, "min"),
        _ if seconds < 7 * DAY => two(seconds / DAY, "d", seconds % DAY / HOUR, "h"),
        _ if seconds < 60 * DAY => many(seconds / DAY, "day"),
        _ if seconds < 730 * DAY => many(seconds / (30 * DAY), "month"),
        _ => many(seconds / (365 * DAY), "year"),
    };
    if ahead { format!("in {length}") } else { format!("{length} ago") }
}

/// A length of time that was measured: `870 µs`, `12.3 ms`, `1.23 s`, `2 min 3 s`, `1 h 2 min`.
pub(crate) fn duration(micros: u64) -> String {
    // Each form ends where rounding would carry into the next one.
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..9_995 => format!("{:.2} ms", micros as f64 / 1e3),
        9_995..99_950 => format!("{:.1} ms", micros as f64 / 1e3),
        99_950..999_500 => format!("{:.0} ms", micros as f64 / 1e3),
        999_500..9_995_000 => format!("{:.2} s", micros as f64 / 1e6),
        9_995_000..59_950_000 => format!("{:.1} s", micros as f64 / 1e6),
        _ => {
            let seconds = (micros + 500_000) / 1_000_000;
            if seconds < HOUR {
                two(seconds / MINUTE, "min", seconds % MINUTE, "s")
            } else {
                two(seconds / HOUR, "h", seconds % HOUR / MINUTE, "min")
            }
        }
    }
}

/// The same of milliseconds: nothing finer is known.
pub(crate) fn duration_ms(millis: u64) -> String {
    if millis < 1000 { format!("{millis} ms") } else { duration(millis.saturating_mul(1000)) }
}

fn two(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    if small == 0 {
        format!("{large} {large_unit}")
    } else {
        format!("{large} {large_unit} {small} {small_unit}")
    }
}

fn many(count: u64, unit: &str) -> String {
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_now() {
        let now = Instant::from_millis(1_800_000_000_000);
        for (seconds, ahead, past) in [
            (0.4, "now", "now"),
            (1.0, "in 1 s", "1 s ago"),
            (59.4, "in 59 s", "59 s ago"),
            (59.6, "in 1 min", "1 min ago"),
            (12.0 * 60.0 + 30.0, "in 12 min", "12 min ago"),
            (3600.0, "in 1 h", "1 h ago"),
            (5400.0, "in 1 h 30 min", "1 h 30 min ago"),
            (86_400.0, "in 1 d", "1 d ago"),
            (86_400.0 * 1.5, "in 1 d 12 h", "1 d 12 h ago"),
            (86_400.0 * 8.5, "in 8 days", "8 days ago"),
            (86_400.0 * 59.0, "in 59 days", "59 days ago"),
            (86_400.0 * 61.0, "in 2 months", "2 months ago"),
            (86_400.0 * 800.0, "in 2 years", "2 years ago"),
        ] {
            let millis = (seconds * 1000.0) as i64;
            assert_eq!(relative(Instant::from_millis(now.millis() + millis), now), ahead);
            assert_eq!(relative(Instant::from_millis(now.millis() - millis), now), past);
        }
    }

    #[test]
    fn measured_lengths() {
        for (micros, expected) in [
            (0, "0 µs"),
            (999, "999 µs"),
            (1_234, "1.23 ms"),
            (9_995, "10.0 ms"),
            (12_345, "12.3 ms"),
            (123_456, "123 ms"),
            (999_500, "1.00 s"),
            (1_234_567, "1.23 s"),
            (12_345_678, "12.3 s"),
            (59_950_000, "1 min"),
            (123_400_000, "2 min 3 s"),
            (3_599_600_000, "1 h"),
            (3_720_000_000, "1 h 2 min"),
        ] {
            assert_eq!(duration(micros), expected, "{micros}");
        }
        assert_eq!((duration_ms(7).as_str(), duration_ms(1500).as_str()), ("7 ms", "1.50 s"));
    }

    #[test]
    fn instants_on_two_clocks() {
        let instant: Instant = "2026-03-29T01:00:00Z".parse().unwrap();
        assert_eq!(utc(instant), "2026-03-29 01:00:00 UTC");
        let zurich = zone(Some("Europe/Zurich")).unwrap();
        assert_eq!(local(instant, &zurich), "2026-03-29 03:00:00 +02:00 CEST");
        assert!(zone(Some("UTC")).is_none() && zone(Some("Mars/Olympus")).is_none() && zone(None).is_none());
    }
}
