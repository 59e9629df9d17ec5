//! `/jobs`: making, changing and showing them.

mod brief;
pub(crate) mod deploy;
pub(crate) mod revision;
pub(crate) mod state;
mod view;
mod warning;

use crate::app::App;
use crate::auth::Caller;
use crate::body;
use crate::condition::{Condition, etag};
use crate::page::{List, Paging};
use crate::parameter::{NoParameters, Parameters};
use crate::path::At;
use crate::problem::Refusal;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{ETAG, LOCATION};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use sandglass_core::job::Job;
use sandglass_core::limit::Limits;
use sandglass_core::spec::Specification;
use sandglass_core::{Instant, Name, row};
use sandglass_store::op::job::Current;
use sandglass_store::op::{self, OpError};
use sandglass_store::{StoreError, Write};
use serde_json::Value;
use view::Viewer;

/// How a job is shown right after it was changed: with the version that the next change can name.
fn answer(app: &App, current: &Current, made: bool) -> Result<Response, Refusal> {
    let now = app.host.now();
    let view = app.look(|read| Viewer::new(read, now).view(current))?;
    let version = etag(current.job.version);
    if made {
        let location = format!("/v1/jobs/{}", current.job.name);
        return Ok(
            (StatusCode::CREATED, [(LOCATION, location)], [(ETAG, version)], Json(view)).into_response()
        );
    }
    Ok(([(ETAG, version)], Json(view)).into_response())
}

/// Adds a revision to a job, which it makes where there is none. Says whether it did.
fn put_revision(
    write: &mut dyn Write,
    name: &Name,
    spec: Specification,
    condition: Condition,
    caller: &Caller,
    now: Instant,
) -> Result<(Current, bool), OpError> {
    caller.may_deploy(&spec)?;
    let expect = condition.of_job(write.as_read(), name)?;
    let made = matches!(op::job::find(write.as_read(), name), Err(OpError::NotFound(_)));
    Ok((op::job::put(write, name, spec, expect, now)?, made))
}

/// Pauses what was just deployed, in the same commit, where that was asked for: its schedule starts nothing in between.
fn pause_if(asked: bool, write: &mut dyn Write, current: Current, now: Instant) -> Result<Current, OpError> {
    if !asked {
        return Ok(current);
    }
    op::pause::pause(write, &current.job.name, "deployed as paused", op::job::Expect::Anything, now)
}

/// A whole specification.
pub(crate) async fn put(
    State(app): State<App>,
    At(name): At<Name>,
    mut parameters: Parameters,
    condition: Condition,
    Extension(caller): Extension<Caller>,
    body: body::Json,
) -> Result<Response, Refusal> {
    let paused = parameters.flag("paused");
    parameters.finish()?;
    let spec = Specification::from_json(body.value()?, &Limits::CEILING, app.host.now());
    let spec = spec.map_err(Refusal::invalid)?;
    let change = move |write: &mut dyn Write, now| {
        let (current, made) = put_revision(write, &name, spec, condition, &caller, now)?;
        Ok((pause_if(paused, write, current, now)?, made))
    };
    let (current, made) = app.change(change).await?;
    answer(&app, &current, made)
}

/// A part of a specification: RFC 7396.
pub(crate) async fn patch(
    State(app): State<App>,
    At(name): At<Name>,
    _: NoParameters,
    condition: Condition,
    Extension(caller): Extension<Caller>,
    body: body::Json,
) -> Result<Response, Refusal> {
    let patch = body.value()?;
    let change = move |write: &mut dyn Write, now| {
        let before = op::job::current(write.as_read(), &name)?;
        op::job::check(&before.job, condition.of_job(write.as_read(), &name)?)?;
        let spec = patched(&before.revision.spec, patch, now)?;
        put_revision(write, &name, spec, condition, &caller, now)
    };
    let (current, _) = app.change(change).await?;
    answer(&app, &current, false)
}

/// The specification that `patch` makes of `spec`.
fn patched(spec: &Specification, patch: Value, now: Instant) -> Result<Specification, OpError> {
    let mut document = serde_json::to_value(spec).map_err(|error| StoreError::Failed(error.to_string()))?;
    row::merge(&mut document, patch);
    Specification::from_json(document, &Limits::CEILING, now).map_err(OpError::Invalid)
}

pub(crate) async fn get(
    State(app): State<App>,
    At(name): At<Name>,
    _: NoParameters,
) -> Result<Response, Refusal> {
    let current = app.look(|read| op::job::current(read, &name))?;
    answer(&app, &current, false)
}

pub(crate) async fn list(State(app): State<App>, mut parameters: Parameters) -> Result<Json<List>, Refusal> {
    let paging = Paging::<Name>::read(&mut parameters);
    let is_brief = parameters.flag("brief");
    parameters.finish()?;
    let now = app.host.now();
    let list = app.scan(move |read| -> Result<List, Refusal> {
        let jobs = op::job::list(read, paging.after.as_ref(), paging.and_one())?;
        if is_brief {
            let named = |job: Job| {
                let revision = op::job::newest(read, &job)?;
                Ok((job.name.clone(), brief::brief(read, &Current { job, revision }, now)?))
            };
            return List::of(jobs.into_iter().map(named).collect::<Result<Vec<_>, OpError>>()?, paging.limit);
        }
        let mut viewer = Viewer::new(read, now);
        let mut views = Vec::with_capacity(jobs.len());
        for job in jobs {
            let revision = op::job::newest(read, &job)?;
            let name = job.name.clone();
            views.push((name, viewer.view(&Current { job, revision })?));
        }
        List::of(views, paging.limit)
    });
    list.await.map(Json)
}

pub(crate) async fn delete(
    State(app): State<App>,
    At(name): At<Name>,
    _: NoParameters,
    condition: Condition,
) -> Result<StatusCode, Refusal> {
    app.change(move |write, now| {
        let expect = condition.of_job(write.as_read(), &name)?;
        op::job::delete(write, &name, expect, now)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
