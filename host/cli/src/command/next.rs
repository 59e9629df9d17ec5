//! `sandglass next`: when a schedule asks for its job. Of a schedule on the command line it is computed here, by
//! the function that the host uses.

use crate::cli::{Context, note, understand};
use crate::client::Request;
use crate::render::{self, text};
use crate::schedule::{HEADING, ScheduleOptions};
use crate::shape::Preview;
use crate::stop::Stop;
use anyhow::Result;
use sandglass_core::schedule::{Schedule, ScheduleSpec};
use sandglass_core::{Instant, Name, Problem};
use serde_json::{Value, json};

/// Show the next occurrences of a job, or of a schedule that is tried out
#[derive(Debug, clap::Args)]
pub(crate) struct Next {
    /// A job; asks the host. Without one, a schedule is needed, and no host
    #[arg(required_unless_present = "rule", conflicts_with_all = ["rule", "time_zone", "dst_gap", "dst_repeat", "start"])]
    name: Option<Name>,
    #[command(flatten)]
    schedule: ScheduleOptions,
    /// Where --every starts to count, and its first occurrence; now when it is not given
    #[arg(long, value_name = "INSTANT", requires = "every", help_heading = HEADING)]
    start: Option<Instant>,
    /// Only those after this instant; now when it is not given
    #[arg(long, value_name = "INSTANT")]
    after: Option<Instant>,
    /// At most so many
    #[arg(short = 'n', long, value_name = "COUNT", default_value = "10", value_parser = clap::value_parser!(u32).range(1..=1000))]
    count: u32,
    /// Print JSON: the instants, and the schedule in words
    #[arg(long)]
    json: bool,
}

impl Next {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        let (document, zone) = if let Some(name) = &self.name {
            self.of_job(name, context)?
        } else {
            let spec = ScheduleSpec { start: self.start, ..self.schedule.spec() };
            (self.of_spec(&spec, context.now)?, spec.time_zone)
        };
        if self.json {
            return context.print_json(&document);
        }
        let Preview { occurrences, words } = understand(document)?;
        context.print(&format!("{}\n", text::plain(&words)))?;
        if occurrences.is_empty() {
            note("nothing comes of it any more");
            return Ok(());
        }
        context.print(&render::job::occurrences(&occurrences, zone.as_deref(), context.now))
    }

    fn of_job(&self, name: &Name, context: &Context) -> Result<(Value, Option<String>)> {
        let client = context.client()?;
        let request = Request::get("schedules/preview")
            .query("job", name.as_str())
            .query("count", self.count.to_string());
        let preview = client.json(request.query_some("after", self.after.map(|after| after.to_string())))?;
        if self.json {
            return Ok((preview, None));
        }
        let job: Value = client.json(Request::get(format!("jobs/{name}")))?;
        let zone = job.pointer("/specification/schedule/time_zone").and_then(Value::as_str);
        Ok((preview, zone.map(str::to_owned)))
    }

    fn of_spec(&self, spec: &ScheduleSpec, now: Instant) -> Result<Value> {
        let schedule = Schedule::new(spec, now).map_err(|problems| wrong(&problems))?;
        let instants = schedule.instants_after(self.after.unwrap_or(now));
        let occurrences: Vec<Instant> = instants.take(self.count as usize).collect();
        Ok(json!({"occurrences": occurrences, "words": schedule.words()}))
    }
}

/// The problems, each with the option that has it.
fn wrong(problems: &[Problem]) -> Stop {
    let lines = problems.iter().map(|problem| {
        let option = problem.pointer.trim_start_matches('/').replace('_', "-");
        format!("\n  --{option}: {}", problem.message)
    });
    Stop::Usage(format!("this is no schedule:{}", lines.collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        next: Next,
    }

    fn next(line: &[&str]) -> Result<Value, String> {
        let line = Line::try_parse_from(["next"].iter().chain(line)).map_err(|error| error.to_string())?;
        let spec = ScheduleSpec { start: line.next.start, ..line.next.schedule.spec() };
        let now = "2026-03-27T12:00:00Z".parse().unwrap();
        line.next.of_spec(&spec, now).map_err(|error| error.to_string())
    }

    #[test]
    fn schedules_are_computed_without_a_host() {
        for (line, words, occurrences) in [
            (
                &["--cron", "30 2 * * *", "--time-zone", "Europe/Zurich", "-n", "3"][..],
                "at 02:30 every day, Europe/Zurich",
                &["2026-03-28T01:30:00.000Z", "2026-03-29T01:00:00.000Z", "2026-03-30T00:30:00.000Z"][..],
            ),
            (
                &["--cron", "30 2 * * *", "--time-zone", "Europe/Zurich", "--dst-gap", "skip", "-n", "2"],
                "",
                &["2026-03-28T01:30:00.000Z", "2026-03-30T00:30:00.000Z"],
            ),
            (&["--every", "1h", "-n", "1"], "every hour", &["2026-03-27T13:00:00.000Z"]),
            (
                &[
                    "--every",
                    "1mo",
                    "--start",
                    "2026-01-31T08:00:00Z",
                    "--after",
                    "2026-02-01T00:00:00Z",
                    "-n",
                    "2",
                ],
                "",
                &["2026-02-28T08:00:00.000Z", "2026-03-31T08:00:00.000Z"],
            ),
            (&["--at", "2026-03-01T00:00:00Z"], "", &[]),
        ] {
            let preview = next(line).unwrap();
            assert_eq!(preview["occurrences"], json!(occurrences), "{line:?}");
            assert!(preview["words"].as_str().unwrap().starts_with(words), "{preview}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_of_its_option() {
        let message = next(&["--cron", "61 * * * *", "--time-zone", "Mars/Olympus"]).unwrap_err();
        assert!(
            message.contains("\n  --cron: ") && message.contains("\n  --time-zone: `Mars/Olympus`"),
            "{message}"
        );
        assert!(next(&["--cron", "@daily", "--every", "1h"]).unwrap_err().contains("cannot be used with"));
        assert!(next(&["--cron", "@daily", "--start", "2026-01-01T00:00:00Z"]).is_err());
        assert!(next(&[]).is_err());
    }
}
