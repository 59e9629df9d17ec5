//! A schedule as a specification writes it, and what can be wrong with it.

use super::cron::Cron;
use super::every::Period;
use crate::problem::Problem;
use crate::time::{Instant, Span, brief};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};

/// The `[schedule]` of a specification: one of `every`, `cron` and `at`, or none of them for a job that runs
/// on demand. Two that are equal are the same schedule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScheduleSpec {
    /// A count and a unit: `30s`, `15m`, `1h`, `1d`, `2w`, `1mo`. 1 second to 100 years.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<String>,
    /// Five fields as crontab(5) has them, six with seconds first, or `@hourly` and its kin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Instant>,
    /// A name of the IANA time zone database; UTC when none is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dst_gap: Option<DstGap>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dst_repeat: Option<DstRepeat>,
    /// Where `every` starts to count, and its first occurrence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Instant>,
    /// Nothing occurs before this instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Instant>,
    /// Nothing occurs after this instant, jitter included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Instant>,
    /// Up to so much later, differently for each job and occurrence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Span>,
}

/// What becomes of a wall time that does not exist, because the clock was put forward over it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DstGap {
    /// It occurs at the gap's end; several that shift to one instant are one.
    #[default]
    Shift,
    /// It does not occur.
    Skip,
}

/// When a wall time occurs that exists twice, because the clock was put back over it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DstRepeat {
    #[default]
    First,
    Last,
    Both,
}

/// What a valid specification asks for.
pub(super) enum Asked {
    OnDemand,
    At(Instant),
    Every(Period),
    Cron(Box<Cron>),
}

pub(super) struct Checked {
    pub(super) asked: Asked,
    pub(super) zone: TimeZone,
}

impl ScheduleSpec {
    /// Every problem with it, or what it asks for.
    pub(super) fn check(&self) -> Result<Checked, Vec<Problem>> {
        let mut problems = self.contradictions();
        let mut asked = self.at.map_or(Asked::OnDemand, Asked::At);
        if let Some(text) = &self.cron {
            match Cron::parse(text) {
                Ok(cron) => asked = Asked::Cron(Box::new(cron)),
                Err(messages) => {
                    problems.extend(messages.into_iter().map(|message| Problem::new("/cron", message)));
                }
            }
        }
        if let Some(text) = &self.every {
            match text.parse() {
                Ok(period) => asked = Asked::Every(period),
                Err(message) => problems.push(Problem::new("/every", message)),
            }
        }
        let zone = self.time_zone.as_deref().map_or(Ok(TimeZone::UTC), zone);
        match zone {
            Ok(zone) if problems.is_empty() => Ok(Checked { asked, zone }),
            Ok(_) => Err(problems),
            Err(message) => {
                problems.push(Problem::new("/time_zone", message));
                Err(problems)
            }
        }
    }

    /// Settings that cannot stand beside each other.
    fn contradictions(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let given =
            [("every", self.every.is_some()), ("cron", self.cron.is_some()), ("at", self.at.is_some())];
        let mut given = given.iter().filter(|(_, given)| *given).map(|(name, _)| *name);
        if let Some(first) = given.next() {
            problems.extend(given.map(|other| {
                let message = format!("`{first}` is given too: a schedule has one of every, cron and at");
                Problem::new(format!("/{other}"), message)
            }));
        }
        if self.start.is_some() && self.every.is_none() {
            let message =
                "`start` is where `every` starts to count, and there is no `every`: use `not_before`";
            problems.push(Problem::new("/start", message));
        }
        if let (Some(before), Some(after)) = (self.not_before, self.not_after)
            && after < before
        {
            let message = format!("`not_after` is {after}, and `not_before` is later: {before}");
            problems.push(Problem::new("/not_after", message));
        }
        let never = [("at", self.at, self.not_before), ("start", self.start, None)];
        for (name, instant, not_before) in never {
            let Some(instant) = instant else { continue };
            let mut add = |message| problems.push(Problem::new(format!("/{name}"), message));
            if let Some(before) = not_before.filter(|before| instant < *before) {
                add(format!("`{name}` is {instant}, and `not_before` is later: {before}"));
            }
            if let Some(after) = self.not_after.filter(|after| instant > *after) {
                add(format!("`{name}` is {instant}, and `not_after` is earlier: {after}"));
            }
        }
        problems
    }
}

/// A zone of the IANA database by its name.
///
/// The database is the one that is built in: the machine's own would be I/O, and could change between a
/// preview and the occurrence that it showed.
fn zone(name: &str) -> Result<TimeZone, String> {
    let known = TimeZoneDatabase::bundled().get(name).ok().filter(|zone| !zone.is_unknown());
    known.ok_or_else(|| {
        format!("`{}` is not a time zone: write an IANA name, such as Europe/Zurich or UTC", brief(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn problems(spec: serde_json::Value) -> Vec<String> {
        let spec: ScheduleSpec = serde_json::from_value(spec).unwrap();
        let problems = spec.check().err().unwrap_or_default();
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_specification_lists_every_problem_at_its_place() {
        let found = problems(json!({
            "every": "1 fortnight", "cron": "61 * * foo *", "time_zone": "Mars/Olympus",
            "not_before": "2026-02-01T00:00:00Z", "not_after": "2026-01-01T00:00:00Z",
        }));
        let pointers: Vec<_> = found.iter().map(|problem| problem.split(':').next().unwrap()).collect();
        assert_eq!(pointers, ["/cron", "/not_after", "/cron", "/cron", "/every", "/time_zone"], "{found:#?}");
    }

    #[test]
    fn what_contradicts_is_refused() {
        for (spec, pointer) in [
            (json!({"every": "1h", "at": "2026-01-01T00:00:00Z"}), "/at: `every` is given too"),
            (json!({"cron": "@daily", "start": "2026-01-01T00:00:00Z"}), "/start: "),
            (json!({"start": "2026-01-01T00:00:00Z"}), "/start: "),
            (json!({"at": "2026-01-01T00:00:00Z", "not_before": "2026-01-01T00:00:00.001Z"}), "/at: "),
            (json!({"at": "2026-01-01T00:00:01Z", "not_after": "2026-01-01T00:00:00Z"}), "/at: "),
            (
                json!({"every": "1h", "start": "2026-01-02T00:00:00Z", "not_after": "2026-01-01T00:00:00Z"}),
                "/start: ",
            ),
            (json!({"time_zone": ""}), "/time_zone: "),
            (json!({"time_zone": "+02:00"}), "/time_zone: "),
            (json!({"time_zone": "Etc/Unknown"}), "/time_zone: "),
            (json!({"time_zone": "../../etc/passwd"}), "/time_zone: "),
        ] {
            let found = problems(spec.clone());
            assert!(found.len() == 1 && found[0].starts_with(pointer), "{spec}: {found:?}");
        }
        assert_eq!(problems(json!({})), [""; 0]);
        assert_eq!(problems(json!({"every": "1h", "time_zone": "europe/zurich", "jitter": "5m"})), [""; 0]);
    }

    #[test]
    fn it_is_written_as_it_was_read() {
        let text = json!({"cron": "0 3 * * *", "dst_gap": "skip", "dst_repeat": "both", "jitter": "5m"});
        let spec: ScheduleSpec = serde_json::from_value(text.clone()).unwrap();
        assert_eq!(serde_json::to_value(&spec).unwrap(), text);
        assert_eq!(serde_json::to_value(ScheduleSpec::default()).unwrap(), json!({}));
        assert!(serde_json::from_value::<ScheduleSpec>(json!({"corn": "@daily"})).is_err());
        assert!(serde_json::from_value::<ScheduleSpec>(json!({"dst_gap": "ignore"})).is_err());
    }
}
