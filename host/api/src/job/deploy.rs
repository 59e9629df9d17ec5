//! `PUT /jobs/{name}/component`: a job from its bytes and a schedule in the URL, in one request.

use super::view::{View, Viewer};
use super::{pause_if, put_revision};
use crate::app::App;
use crate::auth::Caller;
use crate::component;
use crate::condition::{Condition, etag};
use crate::parameter::Parameters;
use crate::path::At;
use crate::problem::Refusal;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{ETAG, LOCATION};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use sandglass_core::limit::Limits;
use sandglass_core::schedule::{Schedule, ScheduleSpec};
use sandglass_core::spec::Specification;
use sandglass_core::{Digest, Instant, Name};
use sandglass_scheduler::Upload;
use sandglass_store::op::{self, OpError};
use sandglass_store::{StoreError, Write};
use serde::Serialize;

/// The job, and what is known of what was uploaded.
#[derive(Serialize)]
struct Deployed {
    #[serde(flatten)]
    job: View,
    component_report: component::View,
}

/// What the URL says of the schedule: a rule, a time zone, both, or nothing.
fn asked(parameters: &mut Parameters, now: Instant) -> ScheduleSpec {
    let asked = ScheduleSpec {
        every: parameters.text("every"),
        cron: parameters.text("cron"),
        at: parameters.value("at"),
        time_zone: parameters.text("time_zone"),
        ..ScheduleSpec::default()
    };
    if let Err(problems) = Schedule::new(&asked, now) {
        parameters.refuse_all(problems);
    }
    asked
}

/// Puts what is asked in place of what a job has: one rule for another, and all that it does not name stays.
fn put_into(schedule: &mut ScheduleSpec, asked: ScheduleSpec) {
    let ScheduleSpec { every, cron, at, time_zone, .. } = asked;
    if every.is_some() || cron.is_some() || at.is_some() {
        // Where `every` starts to count means nothing to another rule.
        schedule.start = schedule.start.filter(|_| every.is_some());
        (schedule.every, schedule.cron, schedule.at) = (every, cron, at);
    }
    if time_zone.is_some() {
        schedule.time_zone = time_zone;
    }
}

/// The job's own specification, or a new one, with this component and schedule.
fn specification(
    write: &dyn Write,
    name: &Name,
    component: Digest,
    asked: ScheduleSpec,
    now: Instant,
) -> Result<Specification, OpError> {
    let mut spec = match op::job::current(write.as_read(), name) {
        Ok(current) => Specification { component, ..current.revision.spec },
        Err(OpError::NotFound(_)) => Specification::new(component),
        Err(error) => return Err(error),
    };
    put_into(&mut spec.schedule, asked);
    // The rule may not go with what the job says beside it, such as `not_after`.
    let document = serde_json::to_value(&spec).map_err(|error| StoreError::Failed(error.to_string()))?;
    Specification::from_json(document, &Limits::CEILING, now).map_err(OpError::Invalid)
}

pub(crate) async fn put(
    State(app): State<App>,
    At(name): At<Name>,
    mut parameters: Parameters,
    condition: Condition,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, Refusal> {
    let asked = asked(&mut parameters, app.host.now());
    let paused = parameters.flag("paused");
    parameters.finish()?;
    // A condition that fails already need not wait for the bytes.
    app.look(|read| match (condition.of_job(read, &name), op::job::find(read, &name)) {
        (Ok(expect), Ok(job)) => op::job::check(&job, expect),
        (expect, _) => expect.map(drop),
    })?;
    let Upload { component, .. } = component::take(&app, request).await?;
    let digest = component.digest;
    let change = move |write: &mut dyn Write, now| {
        let spec = specification(write, &name, digest, asked, now)?;
        let (current, made) = put_revision(write, &name, spec, condition, &caller, now)?;
        Ok((pause_if(paused, write, current, now)?, made))
    };
    let (current, made) = app.change(change).await?;
    let now = app.host.now();
    let job = app.look(|read| Viewer::new(read, now).view(&current))?;
    let deployed = Json(Deployed { job, component_report: component.into() });
    let version = [(ETAG, etag(current.job.version))];
    if made {
        let location = [(LOCATION, format!("/v1/jobs/{}", current.job.name))];
        return Ok((StatusCode::CREATED, location, version, deployed).into_response());
    }
    Ok((version, deployed).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn deployed(before: Value, query: &str) -> Result<Value, Refusal> {
        let mut parameters = Parameters::read(query);
        let asked = asked(&mut parameters, Instant::EPOCH);
        parameters.finish()?;
        let mut schedule = serde_json::from_value(before).unwrap();
        put_into(&mut schedule, asked);
        Ok(serde_json::to_value(schedule).unwrap())
    }

    #[test]
    fn a_rule_replaces_a_rule_and_the_rest_stays() {
        let hourly = json!({"every": "1h", "start": "2026-01-01T00:00:00.000Z", "jitter": "5m"});
        for (query, after) in [
            ("", hourly.clone()),
            ("every=30m", json!({"every": "30m", "start": "2026-01-01T00:00:00.000Z", "jitter": "5m"})),
            ("cron=0+3+*+*+*", json!({"cron": "0 3 * * *", "jitter": "5m"})),
            ("at=2026-02-01T00:00:00Z", json!({"at": "2026-02-01T00:00:00.000Z", "jitter": "5m"})),
            (
                "time_zone=Europe/Zurich",
                json!({"every": "1h", "start": "2026-01-01T00:00:00.000Z", "jitter": "5m", "time_zone": "Europe/Zurich"}),
            ),
        ] {
            assert_eq!(deployed(hourly.clone(), query).unwrap(), after, "{query}");
        }
    }

    #[test]
    fn what_is_wrong_with_the_schedule_is_told_before_the_upload() {
        for query in
            ["every=often", "cron=61+*+*+*+*", "every=1h&cron=@daily", "time_zone=Mars", "at=noon", "evry=1h"]
        {
            assert!(deployed(json!({}), query).is_err(), "{query}");
        }
    }
}
