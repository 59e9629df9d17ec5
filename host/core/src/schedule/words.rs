//! A schedule in plain English.

use super::civil::{Pattern, datetime};
use super::cron::Cron;
use super::every::{Every, Period, Unit};
use super::{Parts, Rule};
use crate::time::{Instant, Span};
use jiff::civil::{DateTime, Time, Weekday};
use jiff::tz::TimeZone;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// So many times of day are listed one by one.
const TIMES_MAX: usize = 6;

pub(super) fn words(parts: &Parts) -> String {
    let zone = &parts.zone;
    let mut words = match &parts.rule {
        Rule::OnDemand => return "on demand".to_owned(),
        Rule::At(at) => format!("once at {}", moment(*at, zone)),
        Rule::Elapsed { every, start } => {
            let from = start.map(|start| format!(" from {}", moment(start, zone)));
            every_period(every.period) + &from.unwrap_or_default()
        }
        Rule::Civil { pattern: Pattern::Every(every), start, .. } => {
            let from = start.map(|_| format!(" from {}", datetime(every.origin).date()));
            format!("{}{}, {}", every_civil(every), from.unwrap_or_default(), zone_name(zone))
        }
        Rule::Civil { pattern: Pattern::Cron(cron), .. } => {
            let (words, is_same_everywhere) = cron_words(cron);
            let zone = Some(zone_name(zone)).filter(|zone| !is_same_everywhere || *zone != "UTC");
            words + &zone.map(|zone| format!(", {zone}")).unwrap_or_default()
        }
    };
    words.extend(parts.not_before.map(|from| format!(", not before {}", moment(from, zone))));
    words.extend(parts.not_after.map(|to| format!(", not after {}", moment(to, zone))));
    words.extend((parts.jitter > Span::ZERO).then(|| format!(", up to {} later", parts.jitter)));
    words
}

fn every_period(period: Period) -> String {
    let unit = match period.unit {
        Unit::Second => "second",
        Unit::Minute => "minute",
        Unit::Hour => "hour",
        Unit::Day => "day",
        Unit::Week => "week",
        Unit::Month => "month",
    };
    every_nth(period.count, unit)
}

fn every_nth(count: i64, unit: &str) -> String {
    if count == 1 { format!("every {unit}") } else { format!("every {count} {unit}s") }
}

fn every_civil(every: &Every) -> String {
    let origin = datetime(every.origin);
    let day = match every.period.unit {
        Unit::Week => format!(" on {}", weekday(origin.weekday())),
        Unit::Month if origin.day() > 28 => {
            format!(" on the {} or else the last day", ordinal(origin.day() as u32))
        }
        Unit::Month => format!(" on the {}", ordinal(origin.day() as u32)),
        _ => String::new(),
    };
    format!("{}{day} at {}", every_period(every.period), clock(origin.time()))
}

/// The words, and whether they mean the same in most zones.
fn cron_words(cron: &Cron) -> (String, bool) {
    let days = day_words(cron);
    let times = cron.times();
    if let Some(period) = period_words(&times) {
        let everywhere = days.is_empty();
        return (period + &days, everywhere);
    }
    let [hours, minutes, seconds] = &times;
    let words = if hours.len() < 24 && seconds.len() == 1 && hours.len() * minutes.len() <= TIMES_MAX {
        let times = hours.iter().flat_map(|hour| minutes.iter().map(|minute| (*hour, *minute)));
        let times = times.map(|(hour, minute)| Time::constant(hour as i8, minute as i8, seconds[0] as i8, 0));
        let days = if days.starts_with(" on ") { "" } else { " every day" };
        format!("at {}{days}", list(times.map(clock).collect()))
    } else {
        general_words(&times)
    };
    (words + &days, false)
}

/// Times of day that have equal distances, from midnight to midnight.
fn period_words([hours, minutes, seconds]: &[Vec<u32>; 3]) -> Option<String> {
    let (hour, minute, second) = (step(hours, 24)?, step(minutes, 60)?, step(seconds, 60)?);
    match (hour, minute, second) {
        (1, 1, second) if second < 60 => Some(every_nth(second, "second")),
        (1, minute, 60) if minute < 60 => Some(every_nth(minute, "minute")),
        (hour, 60, 60) if hour < 24 => Some(every_nth(hour, "hour")),
        _ => None,
    }
}

/// Every n-th of `size` numbers from 0 on, where n divides the size.
fn step(numbers: &[u32], size: u32) -> Option<i64> {
    let step = size / numbers.len() as u32;
    let even = size.is_multiple_of(step) && numbers.iter().copied().eq((0..size).step_by(step as usize));
    even.then_some(i64::from(step))
}

/// The fields one after another.
fn general_words([hours, minutes, seconds]: &[Vec<u32>; 3]) -> String {
    let each = |numbers: &[u32], unit: &str| match step(numbers, 60) {
        Some(step) if step < 60 => every_nth(step, unit),
        _ => format!("at {}", numbered(unit, numbers)),
    };
    let words = if seconds[..] == [0] {
        each(minutes, "minute")
    } else {
        let minutes = match step(minutes, 60) {
            Some(1) => "every minute".to_owned(),
            _ => numbered("minute", minutes),
        };
        format!("{} of {minutes}", each(seconds, "second"))
    };
    if hours.len() < 24 {
        format!("{words} in {}", numbered("hour", hours))
    } else if minutes.len() < 60 {
        format!("{words} of every hour")
    } else {
        words
    }
}

/// Which days, with a space before; nothing when it is all of them.
fn day_words(cron: &Cron) -> String {
    let ([days, months, weekdays], either) = cron.days();
    let months = list(runs(&months, |month| MONTHS[month as usize - 1].to_owned()));
    let both = !either && !days.is_empty();
    let weekdays = runs(&weekdays, |day| WEEKDAYS[day as usize - 1].to_owned());
    let weekdays = joined(weekdays, if both { "or" } else { "and" });
    let days = list(runs(&days, ordinal));
    let of_months = if months.is_empty() { "every month" } else { &months };
    let words = match (days.as_str(), weekdays.as_str()) {
        ("", "") => String::new(),
        // Either will do, and one is any.
        (_, "") | ("", _) if either => String::new(),
        (days, "") => return format!(" on the {days} of {of_months}"),
        ("", weekdays) => format!(" on {weekdays}"),
        (days, weekdays) if either => format!(" on the {days} or on {weekdays}"),
        (days, weekdays) => return format!(" on the {days} of {of_months} if it is {weekdays}"),
    };
    if months.is_empty() { words } else { format!("{words} in {months}") }
}

/// `minute 5`, `hours 9 to 17`.
fn numbered(unit: &str, numbers: &[u32]) -> String {
    let plural = if numbers.len() == 1 { "" } else { "s" };
    format!("{unit}{plural} {}", list(runs(numbers, |number| number.to_string())))
}

/// Sorted numbers as words, three or more in a row as `first to last`.
fn runs(numbers: &[u32], word: impl Fn(u32) -> String) -> Vec<String> {
    let mut words = Vec::new();
    for run in numbers.chunk_by(|one, next| one + 1 == *next) {
        match run {
            [first, _, .., last] => words.push(format!("{} to {}", word(*first), word(*last))),
            _ => words.extend(run.iter().map(|number| word(*number))),
        }
    }
    words
}

/// `a, b and c`.
fn list(words: Vec<String>) -> String {
    joined(words, "and")
}

fn joined(mut words: Vec<String>, by: &str) -> String {
    let last = words.pop().unwrap_or_default();
    if words.is_empty() { last } else { format!("{} {by} {last}", words.join(", ")) }
}

fn ordinal(number: u32) -> String {
    let ending = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

fn weekday(day: Weekday) -> &'static str {
    WEEKDAYS[day.to_monday_zero_offset() as usize]
}

/// `03:00`, with seconds only where there are any.
fn clock(time: Time) -> String {
    let format = if time.second() == 0 { "%H:%M" } else { "%H:%M:%S" };
    time.strftime(format).to_string()
}

fn moment(instant: Instant, zone: &TimeZone) -> String {
    let shown: DateTime = datetime(super::wall_of(zone, instant));
    format!("{} {} {}", shown.date(), clock(shown.time()), zone_name(zone))
}

fn zone_name(zone: &TimeZone) -> &str {
    zone.iana_name().unwrap_or("UTC")
}

#[cfg(test)]
mod tests {
    use crate::schedule::{Schedule, ScheduleSpec};
    use serde_json::json;

    fn words(spec: serde_json::Value) -> String {
        let spec: ScheduleSpec = serde_json::from_value(spec).unwrap();
        Schedule::new(&spec, "2026-03-31T14:03:00Z".parse().unwrap()).unwrap().words()
    }

    #[test]
    fn cron_in_words() {
        for (cron, expected) in [
            ("* * * * *", "every minute"),
            ("*/15 * * * *", "every 15 minutes"),
            ("0-59/5 * * * *", "every 5 minutes"),
            ("@hourly", "every hour"),
            ("0 */6 * * *", "every 6 hours"),
            ("* * * * * *", "every second"),
            ("*/10 * * * * *", "every 10 seconds"),
            ("@daily", "at 00:00 every day, UTC"),
            ("@weekly", "at 00:00 on Sunday, UTC"),
            ("@monthly", "at 00:00 on the 1st of every month, UTC"),
            ("@yearly", "at 00:00 on the 1st of January, UTC"),
            ("0 3 * * mon-fri", "at 03:00 on Monday to Friday, UTC"),
            ("30 8,12,17 * * sat,sun", "at 08:30, 12:30 and 17:30 on Saturday and Sunday, UTC"),
            ("15 30 3 * * *", "at 03:30:15 every day, UTC"),
            ("0 0 13 * 5", "at 00:00 on the 13th or on Friday, UTC"),
            (
                "0 0 1-7 * */2",
                "at 00:00 on the 1st to 7th of every month if it is Tuesday, Thursday, Saturday or Sunday, UTC",
            ),
            (
                "0 0 */2 * mon",
                "at 00:00 on the 1st, 3rd, 5th, 7th, 9th, 11th, 13th, 15th, 17th, 19th, 21st, 23rd, \
                               25th, 27th, 29th and 31st of every month if it is Monday, UTC",
            ),
            ("0 0 * 6-8,12 *", "at 00:00 every day in June to August and December, UTC"),
            ("0 0 1 * 0-7", "at 00:00 every day, UTC"),
            ("*/5 9-17 * * 1-5", "every 5 minutes in hours 9 to 17 on Monday to Friday, UTC"),
            ("5 * * * *", "at minute 5 of every hour, UTC"),
            ("0,7 * * * *", "at minutes 0 and 7 of every hour, UTC"),
            ("*/7 * * * *", "at minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour, UTC"),
            ("30 * * * * *", "at second 30 of every minute, UTC"),
            ("*/15 1 2 * * *", "every 15 seconds of minute 1 in hour 2, UTC"),
            ("* * * 2 *", "every minute in February, UTC"),
        ] {
            assert_eq!(words(json!({"cron": cron})), expected, "{cron}");
        }
    }

    #[test]
    fn the_rest_in_words() {
        let start = "2026-01-31T07:30:00Z";
        for (spec, expected) in [
            (json!({}), "on demand"),
            (json!({"every": "1h"}), "every hour"),
            (json!({"every": "90s"}), "every 90 seconds"),
            (json!({"every": "1h", "start": start}), "every hour from 2026-01-31 07:30 UTC"),
            (json!({"every": "1d", "time_zone": "europe/zurich"}), "every day at 16:03, Europe/Zurich"),
            (json!({"every": "2w"}), "every 2 weeks on Tuesday at 14:03, UTC"),
            (
                json!({"every": "1mo", "start": start, "time_zone": "Europe/Zurich"}),
                "every month on the 31st or else the last day at 08:30 from 2026-01-31, Europe/Zurich",
            ),
            (json!({"at": start}), "once at 2026-01-31 07:30 UTC"),
            (json!({"cron": "0 * * * *", "time_zone": "Asia/Kathmandu"}), "every hour, Asia/Kathmandu"),
            (
                json!({"every": "5m", "not_before": start, "not_after": "2026-02-01T00:00:09Z", "jitter": "30s"}),
                "every 5 minutes, not before 2026-01-31 07:30 UTC, not after 2026-02-01 00:00:09 UTC, up to 30s later",
            ),
        ] {
            assert_eq!(words(spec.clone()), expected, "{spec}");
        }
    }
}
