//! `/schedules/preview` and `/upcoming`: what will be due, as the scheduler itself computes it.

use crate::app::App;
use crate::page::{List, Paging};
use crate::parameter::Parameters;
use crate::problem::Refusal;
use axum::Json;
use axum::extract::State;
use sandglass_core::schedule::{Schedule, ScheduleSpec};
use sandglass_core::{Instant, JobId, Name};
use sandglass_store::key::{Due, DueKey};
use sandglass_store::op;
use sandglass_store::record::DueEntry;
use sandglass_store::{Key, Read, StoreError};
use serde::Serialize;
use serde_json::{Map, Value};
use std::ops::{Bound, ControlFlow};

#[derive(Debug, Serialize)]
pub(crate) struct Preview {
    occurrences: Vec<Instant>,
    words: String,
}

const COUNT_DEFAULT: usize = 5;
const COUNT_MAX: usize = 1_000;

/// Members of a schedule that the URL may give, each of which is text.
const MEMBERS: [&str; 10] = [
    "every",
    "cron",
    "at",
    "time_zone",
    "dst_gap",
    "dst_repeat",
    "start",
    "not_before",
    "not_after",
    "jitter",
];

/// The schedule that the URL gives, where it gives one.
fn given(parameters: &mut Parameters) -> Option<ScheduleSpec> {
    let mut members = Map::new();
    for name in MEMBERS {
        let read = |text: &str| -> Result<Value, serde_json::Error> {
            // Alone, so that what is wrong with it is told at its own name.
            let alone = Value::Object(Map::from_iter([(name.to_owned(), text.into())]));
            serde_json::from_value::<ScheduleSpec>(alone).map(|_| text.into())
        };
        if let Some(value) = parameters.read_with(name, read) {
            members.insert(name.to_owned(), value);
        }
    }
    if members.is_empty() {
        return None;
    }
    serde_json::from_value(Value::Object(members)).ok()
}

/// What a schedule means: of a job, jitter included, or of the parameters, where `every` without a start
/// counts from `after`.
pub(crate) async fn preview(
    State(app): State<App>,
    mut parameters: Parameters,
) -> Result<Json<Preview>, Refusal> {
    let spec = given(&mut parameters);
    let job = parameters.value::<Name>("job");
    let after = parameters.value::<Instant>("after").unwrap_or_else(|| app.host.now());
    let count = parameters.read_with("count", |text| match text.parse() {
        Ok(count) if (1..=COUNT_MAX).contains(&count) => Ok(count),
        _ => Err(format!("a count is a whole number from 1 to {COUNT_MAX}")),
    });
    if let (Some(_), Some(_)) = (&spec, &job) {
        parameters.refuse("job", "a job has its schedule already: give either a job or a schedule");
    }
    let schedule = Schedule::new(&spec.unwrap_or_default(), after);
    let schedule = schedule.map_err(|problems| parameters.refuse_all(problems));
    parameters.finish()?;
    let (schedule, job) = match job {
        Some(name) => {
            let current = app.look(|read| op::job::current(read, &name))?;
            (current.revision.schedule(), Some(current.job.id))
        }
        None => (schedule.map_err(|()| Refusal::internal("a schedule's problems were lost"))?, None),
    };
    app.block(move || occurrences(&schedule, job, after, count.unwrap_or(COUNT_DEFAULT))).await.map(Json)
}

fn occurrences(schedule: &Schedule, job: Option<JobId>, after: Instant, count: usize) -> Preview {
    let due = |nominal| job.map_or(nominal, |job| schedule.jittered(job, nominal));
    Preview {
        occurrences: schedule.instants_after(after).take(count).map(due).collect(),
        words: schedule.words(),
    }
}

#[derive(Debug, Serialize)]
struct Upcoming {
    /// When it is due, jitter included.
    at: Instant,
    job: Name,
    /// The instant of the schedule.
    scheduled_for: Instant,
}

/// The next occurrence of each job that has one, in the order in which they are due.
pub(crate) async fn upcoming(
    State(app): State<App>,
    mut parameters: Parameters,
) -> Result<Json<List>, Refusal> {
    let paging = Paging::<DueKey>::read(&mut parameters);
    let until = parameters.value::<Instant>("until").unwrap_or(Instant::MAX);
    parameters.finish()?;
    let list = app.scan(move |read| -> Result<List, Refusal> {
        List::of(due(read, until, paging.after, paging.and_one())?, paging.limit)
    });
    list.await.map(Json)
}

fn due(
    read: &dyn Read,
    until: Instant,
    after: Option<DueKey>,
    most: usize,
) -> Result<Vec<(DueKey, Upcoming)>, StoreError> {
    let mut range = Due::occurrences(until);
    if let Some(after) = after {
        range.from = Bound::Excluded(after.to_bytes());
    }
    let mut found = Vec::new();
    let mut failed = None;
    read.each::<DueEntry>(&range, false, |key, entry| {
        let Due::Occurrence { job, .. } = key.what else { return ControlFlow::Break(()) };
        match read.load::<sandglass_core::job::Job>(&job) {
            // An entry of a schedule that is no longer, or of a job that was deleted, goes when it is due.
            Ok(None) => {}
            Ok(Some(job)) => {
                let scheduled_for = entry.nominal.unwrap_or(key.at);
                found.push((key, Upcoming { at: key.at, job: job.name, scheduled_for }));
            }
            Err(error) => failed = Some(error),
        }
        if found.len() < most && failed.is_none() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    })?;
    failed.map_or(Ok(found), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameters_of_a_schedule_are_its_members() {
        let mut parameters =
            Parameters::read("cron=0+3+*+*+*&time_zone=Europe/Zurich&dst_gap=skip&jitter=5m");
        let spec = given(&mut parameters).unwrap();
        assert!(parameters.finish().is_ok());
        assert_eq!(
            serde_json::to_value(spec).unwrap(),
            serde_json::json!({"cron": "0 3 * * *", "time_zone": "Europe/Zurich", "dst_gap": "skip", "jitter": "5m"})
        );
        assert!(given(&mut Parameters::read("count=3")).is_none());
    }

    #[test]
    fn each_wrong_one_is_told_at_its_name() {
        let mut parameters = Parameters::read("dst_gap=maybe&start=noon&jitter=long&every=1h");
        given(&mut parameters);
        let refusal = format!("{:?}", parameters.finish().unwrap_err());
        for pointer in ["/dst_gap", "/start", "/jitter"] {
            assert!(refusal.contains(pointer), "{refusal}");
        }
    }
}
