//! A schedule on the command line.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use sandglass_core::Instant;
use sandglass_core::schedule::{DstGap, DstRepeat, ScheduleSpec};
use serde_json::{Map, Value};

pub(crate) const HEADING: &str = "Schedule";

#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct ScheduleOptions {
    /// A period: 30s, 15m, 1h, 1d, 2w or 1mo
    #[arg(long, value_name = "PERIOD", group = "rule", help_heading = HEADING)]
    pub(crate) every: Option<String>,
    /// Five fields as crontab(5) has them, six with seconds first, or @hourly and its kin
    #[arg(long, value_name = "FIELDS", group = "rule", help_heading = HEADING)]
    pub(crate) cron: Option<String>,
    /// One instant, such as 2026-01-31T08:30:00Z
    #[arg(long, value_name = "INSTANT", group = "rule", help_heading = HEADING)]
    pub(crate) at: Option<Instant>,
    /// An IANA time zone, such as Europe/Zurich; UTC when none is given
    #[arg(long, value_name = "ZONE", help_heading = HEADING)]
    pub(crate) time_zone: Option<String>,
    /// What becomes of a wall time that does not exist when the clock is put forward
    #[arg(long, value_name = "CHOICE", value_parser = gaps(), help_heading = HEADING)]
    pub(crate) dst_gap: Option<DstGap>,
    /// When a wall time occurs that exists twice when the clock is put back
    #[arg(long, value_name = "CHOICE", value_parser = repeats(), help_heading = HEADING)]
    pub(crate) dst_repeat: Option<DstRepeat>,
}

fn gaps() -> impl TypedValueParser<Value = DstGap> {
    let words = PossibleValuesParser::new(["shift", "skip"]);
    words.map(|word| if word == "skip" { DstGap::Skip } else { DstGap::Shift })
}

fn repeats() -> impl TypedValueParser<Value = DstRepeat> {
    PossibleValuesParser::new(["first", "last", "both"]).map(|word| match word.as_str() {
        "last" => DstRepeat::Last,
        "both" => DstRepeat::Both,
        _ => DstRepeat::First,
    })
}

impl ScheduleOptions {
    /// Whether it says when: `every`, `cron` or `at`.
    pub(crate) fn has_rule(&self) -> bool {
        self.every.is_some() || self.cron.is_some() || self.at.is_some()
    }

    pub(crate) fn spec(&self) -> ScheduleSpec {
        ScheduleSpec {
            every: self.every.clone(),
            cron: self.cron.clone(),
            at: self.at,
            time_zone: self.time_zone.clone(),
            dst_gap: self.dst_gap,
            dst_repeat: self.dst_repeat,
            ..ScheduleSpec::default()
        }
    }

    /// Puts what was given over a specification's schedule. A rule replaces the rule that was there; all else
    /// goes member by member.
    pub(crate) fn override_in(&self, specification: &mut Map<String, Value>) {
        let Ok(Value::Object(given)) = serde_json::to_value(self.spec()) else {
            return;
        };
        if given.is_empty() {
            return;
        }
        let mut schedule = match specification.remove("schedule") {
            Some(Value::Object(schedule)) => schedule,
            _ => Map::new(),
        };
        if self.has_rule() {
            for member in ["every", "cron", "at"] {
                schedule.remove(member);
            }
            // Where `every` starts to count means nothing to another rule.
            if self.every.is_none() {
                schedule.remove("start");
            }
        }
        schedule.extend(given);
        specification.insert("schedule".into(), Value::Object(schedule));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_command_line_goes_over_the_manifest() {
        let manifest = json!({"every": "1h", "start": "2026-01-01T00:00:00Z", "time_zone": "Europe/Zurich"});
        let at = "2026-01-31T08:30:00Z".parse().ok();
        let options = ScheduleOptions::default;
        for (options, expected) in [
            (options(), manifest.clone()),
            (
                ScheduleOptions { cron: Some("@daily".into()), ..options() },
                json!({"cron": "@daily", "time_zone": "Europe/Zurich"}),
            ),
            (
                ScheduleOptions { every: Some("2h".into()), ..options() },
                json!({"every": "2h", "start": "2026-01-01T00:00:00Z", "time_zone": "Europe/Zurich"}),
            ),
            (
                ScheduleOptions { at, time_zone: Some("UTC".into()), ..options() },
                json!({"at": "2026-01-31T08:30:00.000Z", "time_zone": "UTC"}),
            ),
            (
                ScheduleOptions { dst_gap: Some(DstGap::Skip), ..options() },
                json!({"every": "1h", "start": "2026-01-01T00:00:00Z", "time_zone": "Europe/Zurich", "dst_gap": "skip"}),
            ),
        ] {
            let mut specification = Map::from_iter([("schedule".to_owned(), manifest.clone())]);
            options.override_in(&mut specification);
            assert_eq!(specification["schedule"], expected, "{options:?}");
        }
        let mut none = Map::new();
        ScheduleOptions::default().override_in(&mut none);
        assert!(none.is_empty());
    }
}
