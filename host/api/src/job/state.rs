//! Pausing and resuming a job, and what was skipped of its schedule.

use super::answer;
use crate::app::App;
use crate::body;
use crate::condition::Condition;
use crate::page::{List, Paging};
use crate::parameter::{NoParameters, Parameters};
use crate::path::At;
use crate::problem::Refusal;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use sandglass_core::Name;
use sandglass_core::job::Skip;
use sandglass_store::key::SkipKey;
use sandglass_store::op::{self, job::Current};
use sandglass_store::{Read, StoreError};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pause {
    /// For people.
    reason: Option<String>,
}

const REASON_BYTES_MAX: usize = 1_000;

/// Ends nothing that runs. A job that is paused already stays as it is.
pub(crate) async fn pause(
    State(app): State<App>,
    At(name): At<Name>,
    _: NoParameters,
    condition: Condition,
    body: body::Json,
) -> Result<Response, Refusal> {
    let Pause { reason } = body.members()?;
    let reason = reason.unwrap_or_else(|| "paused by request".into());
    if reason.len() > REASON_BYTES_MAX {
        let message = format!("{} bytes, and at most {REASON_BYTES_MAX} are allowed", reason.len());
        return Err(Refusal::invalid_at("/reason", message));
    }
    let current = app.change(move |write, now| {
        let expect = condition.of_job(write.as_read(), &name)?;
        op::pause::pause(write, &name, &reason, expect, now)
    });
    answer(&app, &current.await?, false)
}

/// Goes on from the next occurrence.
pub(crate) async fn resume(
    State(app): State<App>,
    At(name): At<Name>,
    _: NoParameters,
    condition: Condition,
    body: body::Json,
) -> Result<Response, Refusal> {
    let body::Nothing {} = body.members()?;
    let current = app.change(move |write, now| {
        let expect = condition.of_job(write.as_read(), &name)?;
        op::pause::resume(write, &name, expect, now)
    });
    answer(&app, &current.await?, false)
}

/// What was skipped, newest first; what a pause that goes on has skipped comes first of all.
pub(crate) async fn skips(
    State(app): State<App>,
    At(name): At<Name>,
    mut parameters: Parameters,
) -> Result<Json<List>, Refusal> {
    let paging = Paging::<SkipKey>::read(&mut parameters);
    parameters.finish()?;
    let now = app.host.now();
    let list = app.scan(move |read| -> Result<List, Refusal> {
        let current = op::job::current(read, &name)?;
        if paging.after.is_some_and(|key| key.job != current.job.id) {
            return Err(Refusal::invalid_at("/cursor", "this cursor belongs to another job"));
        }
        let going_on = match paging.after {
            None => going_on(&current, now),
            Some(_) => None,
        };
        List::of(going_on.into_iter().chain(recorded(read, &current, &paging)?), paging.limit)
    });
    list.await.map(Json)
}

fn recorded(
    read: &dyn Read,
    current: &Current,
    paging: &Paging<SkipKey>,
) -> Result<Vec<(SkipKey, Skip)>, StoreError> {
    op::job::skips(read, current.job.id, paging.after, paging.and_one())
}

/// What the pause has skipped and nobody has recorded yet.
fn going_on(current: &Current, now: sandglass_core::Instant) -> Option<(SkipKey, Skip)> {
    let Current { job, revision } = current;
    let skip = op::pause::skipped(job.paused.as_ref()?, revision, now)?;
    // Everything that is recorded began before.
    Some((SkipKey { job: job.id, from: skip.from, number: u32::MAX }, skip))
}
