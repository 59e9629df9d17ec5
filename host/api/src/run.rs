//! `/runs`, and the runs of a job.

use crate::app::{App, to_the_end};
use crate::body;
use crate::page::{List, Paging};
use crate::parameter::{NoParameters, Parameters};
use crate::path::At;
use crate::problem::Refusal;
use axum::Json;
use axum::extract::State;
use sandglass_core::exchange::Exchange;
use sandglass_core::run::{Attempt, Cause, Outcome, Run, State as RunState, Trigger, Usage};
use sandglass_core::{Instant, Name, RunId};
use sandglass_store::op::run::{Filter, Page};
use sandglass_store::{StoreError, op};
use serde::Serialize;
use serde_json::value::RawValue;

/// A run, as it is shown.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    id: RunId,
    job: Name,
    trigger: &'static str,
    state: &'static str,
    outcome: Option<&'static str>,
    /// The ended run that this one does again.
    retry_of: Option<RunId>,
    cause: Option<&'static str>,
    message: Option<String>,
    scheduled_for: Instant,
    /// While it waits: when it is given up if it has not begun.
    start_by: Option<Instant>,
    created_at: Instant,
    started_at: Option<Instant>,
    ended_at: Option<Instant>,
    next_attempt_at: Option<Instant>,
    /// How many attempts have begun.
    attempt: u32,
    revision: Option<u32>,
    duration_ms: Option<u64>,
    usage: Option<Usage>,
    result: Option<String>,
    input: Option<Box<RawValue>>,
    progress: Option<String>,
    backtrace: Option<String>,
    last_error: Option<String>,
    /// Requests to other hosts of the last attempt, the first ones.
    exchanges: Vec<Exchange>,
    /// Those that have ended, the newest ones.
    attempts: Vec<AttemptView>,
}

#[derive(Debug, Serialize)]
struct AttemptView {
    number: u32,
    revision: u32,
    started_at: Instant,
    ended_at: Instant,
    outcome: &'static str,
    cause: Option<&'static str>,
    message: Option<String>,
    backtrace: Option<String>,
    last_error: Option<String>,
    usage: Usage,
    exchanges: Vec<Exchange>,
}

impl From<Attempt> for AttemptView {
    fn from(attempt: Attempt) -> AttemptView {
        AttemptView {
            number: attempt.number,
            revision: attempt.revision,
            started_at: attempt.started_at,
            ended_at: attempt.ended_at,
            outcome: attempt.outcome.as_str(),
            cause: attempt.outcome.cause().map(Cause::as_str),
            message: attempt.message,
            backtrace: attempt.backtrace,
            last_error: attempt.last_error,
            usage: attempt.usage,
            exchanges: attempt.exchanges,
        }
    }
}

impl From<Run> for View {
    fn from(run: Run) -> View {
        let last = run.attempts.last();
        let (running, ended_at) = match &run.state {
            RunState::Running { revision, since, .. } => (Some((*revision, *since)), None),
            RunState::Ended { at, .. } => (None, Some(*at)),
            RunState::Queued { .. } | RunState::Retrying { .. } => (None, None),
        };
        let outcome = run.outcome();
        View {
            id: run.id,
            trigger: run.trigger.as_str(),
            state: run.status(),
            outcome: outcome.map(Outcome::as_str),
            retry_of: run.retry_of,
            cause: outcome.and_then(Outcome::cause).map(Cause::as_str),
            message: match (outcome, run.start_by) {
                (Some(Outcome::Skipped), Some(start_by)) => Some(format!("it had not begun by {start_by}")),
                _ => last.and_then(|attempt| attempt.message.clone()),
            },
            scheduled_for: run.scheduled_for,
            start_by: run.start_by.filter(|_| run.is_queued()),
            created_at: run.id.made_at(),
            started_at: run.attempts.first().map(|attempt| attempt.started_at).or(running.map(|now| now.1)),
            ended_at,
            next_attempt_at: run.due(),
            attempt: run.attempts_begun(),
            revision: running.map(|now| now.0).or(last.map(|attempt| attempt.revision)),
            duration_ms: last.map(|attempt| attempt.ended_at.since(attempt.started_at).millis()),
            usage: last.map(|attempt| attempt.usage),
            // It was checked when it came in.
            input: run.input.and_then(|input| RawValue::from_string(input).ok()),
            backtrace: last.and_then(|attempt| attempt.backtrace.clone()),
            last_error: last.and_then(|attempt| attempt.last_error.clone()),
            exchanges: last.map(|attempt| attempt.exchanges.clone()).unwrap_or_default(),
            result: run.result,
            progress: run.progress,
            job: run.job,
            attempts: run.attempts.into_iter().map(AttemptView::from).collect(),
        }
    }
}

/// A run, wherever it is.
pub(crate) fn find(app: &App, id: RunId) -> Result<Run, Refusal> {
    let found = app.look(|read| op::run::get(read, id))?;
    found.ok_or_else(|| Refusal::not_found(format!("there is no run {id}, or its history is gone")))
}

pub(crate) async fn get(
    State(app): State<App>,
    At(id): At<RunId>,
    _: NoParameters,
) -> Result<Json<View>, Refusal> {
    find(&app, id).map(|run| Json(run.into()))
}

/// Ends a run with all that it has not committed.
pub(crate) async fn cancel(
    State(app): State<App>,
    At(id): At<RunId>,
    _: NoParameters,
    body: body::Json,
) -> Result<Json<View>, Refusal> {
    let body::Nothing {} = body.members()?;
    let host = app.host.clone();
    // The attempt is told after the commit: a client that goes away must not keep that from happening.
    let run = to_the_end(async move { host.cancel(id).await }).await??;
    Ok(Json(run.into()))
}

/// Words that `outcome` takes beside the causes of failure.
const STATES: [&str; 7] = ["queued", "running", "retrying", "succeeded", "failed", "cancelled", "skipped"];

fn filter(parameters: &mut Parameters) -> Filter {
    let outcome = parameters.read_with("outcome", |word| {
        let known = STATES.into_iter().chain(Cause::ALL.map(Cause::as_str));
        match known.clone().find(|known| *known == word) {
            Some(word) => Ok(word.to_owned()),
            None => Err(format!("write one of {}", known.collect::<Vec<_>>().join(", "))),
        }
    });
    let trigger = parameters.read_with("trigger", |word| {
        let found = Trigger::ALL.into_iter().find(|one| one.as_str() == word);
        found.ok_or_else(|| format!("write one of {}", Trigger::ALL.map(Trigger::as_str).join(", ")))
    });
    Filter { outcome, trigger, since: parameters.value("since"), until: parameters.value("until") }
}

/// Runs of all jobs, newest first.
pub(crate) async fn list(State(app): State<App>, mut parameters: Parameters) -> Result<Json<List>, Refusal> {
    let paging = Paging::<RunId>::read(&mut parameters);
    let filter = filter(&mut parameters);
    parameters.finish()?;
    let (after, limit) = (paging.after, paging.limit);
    let page = app.scan(move |read| op::run::list(read, &filter, after, limit)).await?;
    shown(page).map(Json)
}

/// Runs of one job: those that have not ended, then the others by their end, newest first.
pub(crate) async fn list_of_job(
    State(app): State<App>,
    At(name): At<Name>,
    mut parameters: Parameters,
) -> Result<Json<List>, Refusal> {
    let paging = Paging::<RunId>::read(&mut parameters);
    let filter = filter(&mut parameters);
    parameters.finish()?;
    let page = app.scan(move |read| -> Result<Page, Refusal> {
        let job = op::job::find(read, &name)?.id;
        if paging.after.is_some_and(|run| run.job() != job) {
            return Err(Refusal::invalid_at("/cursor", "this cursor belongs to another job"));
        }
        let page: Result<Page, StoreError> =
            op::run::list_of_job(read, job, &filter, paging.after, paging.limit);
        Ok(page?)
    });
    shown(page.await?).map(Json)
}

fn shown(page: Page) -> Result<List, Refusal> {
    let mut list = List::default();
    let mut last = None;
    for run in page.runs {
        let id = run.id;
        if !list.push(&View::from(run))? {
            list.go_on_after(last.as_ref());
            return Ok(list);
        }
        last = Some(id);
    }
    list.go_on_after(page.next.as_ref());
    Ok(list)
}
