//! Asking for runs: now, again, and for a time that is over.

use crate::app::{App, to_the_end};
use crate::body;
use crate::once::Key;
use crate::parameter::{NoParameters, Parameters};
use crate::path::At;
use crate::problem::{Code, Refusal};
use crate::run::View;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use sandglass_core::limit::fixed;
use sandglass_core::run::{Run, Trigger};
use sandglass_core::{Instant, Name, RunId, Span};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    /// Any JSON, handed on as it came.
    input: Option<Box<RawValue>>,
}

/// Refuses an input that is too large.
pub(crate) fn check_input(bytes: usize) -> Result<(), Refusal> {
    if bytes as u64 <= fixed::INPUT.0 {
        return Ok(());
    }
    let detail = format!("the input has {bytes} bytes, and the limit of an input is {}", fixed::INPUT);
    Err(Refusal::new(Code::TooLarge, detail))
}

const WAIT_MAX: Span = Span::from_secs(300);

/// How long the answer may wait for the run's end.
fn wait(mut parameters: Parameters) -> Result<Option<Span>, Refusal> {
    let wait = parameters.value::<Span>("wait");
    if wait.is_some_and(|wait| wait > WAIT_MAX) {
        parameters.refuse("wait", format!("a wait is at most {WAIT_MAX}"));
    }
    parameters.finish()?;
    Ok(wait)
}

/// Run now; with `wait` the answer comes when the run has ended, or the time is over.
pub(crate) async fn ask(
    State(app): State<App>,
    At(name): At<Name>,
    key: Key,
    parameters: Parameters,
    body: body::Json,
) -> Result<Response, Refusal> {
    let wait = wait(parameters)?;
    let input = body.members::<Ask>()?.input.map(|input| input.get().to_owned());
    check_input(input.as_ref().map_or(0, String::len))?;
    let (host, once) = (app.host.clone(), key.with(&body));
    let run = to_the_end(async move { host.ask(name, Trigger::Manual, input, once).await }).await??;
    made(&app, run, wait).await
}

/// A run like one that has ended.
pub(crate) async fn again(
    State(app): State<App>,
    At(id): At<RunId>,
    key: Key,
    parameters: Parameters,
    body: body::Json,
) -> Result<Response, Refusal> {
    let wait = wait(parameters)?;
    let body::Nothing {} = body.members()?;
    let (host, once) = (app.host.clone(), key.with(&body));
    let run = to_the_end(async move { host.again(id, once).await }).await??;
    made(&app, run, wait).await
}

/// The answer about a run that was made, when it has ended if that is waited for.
pub(crate) async fn made(app: &App, mut run: Run, wait: Option<Span>) -> Result<Response, Refusal> {
    if let Some(wait) = wait {
        let waited = tokio::select! {
            waited = app.host.wait(run.id, wait) => waited?,
            () = app.closing.cancelled() => None,
        };
        run = waited.unwrap_or(run);
    }
    let status = if run.outcome().is_some() { StatusCode::OK } else { StatusCode::ACCEPTED };
    let location = [(LOCATION, format!("/v1/runs/{}", run.id))];
    Ok((status, location, Json(View::from(run))).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Period {
    /// Both inclusive.
    from: Instant,
    to: Instant,
}

#[derive(Serialize)]
struct Backfilled {
    count: usize,
    /// The runs' ids, in the order of the instants that they stand for.
    runs: Vec<RunId>,
}

/// Runs for the instants of a job's schedule in a time that is over.
pub(crate) async fn backfill(
    State(app): State<App>,
    At(name): At<Name>,
    key: Key,
    _: NoParameters,
    body: body::Json,
) -> Result<Response, Refusal> {
    let Period { from, to } = body.members()?;
    let (host, once) = (app.host.clone(), key.with(&body));
    let runs = to_the_end(async move { host.backfill(name, from, to, once).await }).await??;
    Ok((StatusCode::ACCEPTED, Json(Backfilled { count: runs.len(), runs })).into_response())
}
