//! `/events`: that jobs, runs and emails change, as server-sent events (<https://html.spec.whatwg.org/#server-sent-events>).
//!
//! An event says which thing has changed, and for a run or an email how it is when the event is sent; of several changes of
//! one thing in a row a client may be told once. The newest [`KEPT`] changes are kept in memory. A client that comes
//! back names the last one that it saw, and is told those after it; where they are not kept any more, or belong
//! to an earlier process, it is told `reset` and has to look for itself.

use crate::app::App;
use crate::email;
use crate::parameter::Parameters;
use crate::problem::Refusal;
use crate::stream::{self, Parts, Stop};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::Response;
use parking_lot::Mutex;
use percent_encoding::percent_decode_str;
use sandglass_core::run::{Cause, Outcome, Run};
use sandglass_core::{Instant, Name, RunId};
use sandglass_store::op::email::Place;
use sandglass_store::{Read, StoreError, op};
use serde::Serialize;
use std::collections::{HashSet, VecDeque};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

/// Changes that are kept for those who come back.
pub(crate) const KEPT: usize = 10_000;
/// Changes that one look deals with.
const AT_ONCE: usize = 500;
/// Changes that come shortly after each other are told together.
const GATHER: Duration = Duration::from_millis(25);
const HEARTBEAT: Duration = Duration::from_secs(15);
/// After which a browser comes again, in milliseconds.
const RETRY_MS: u32 = 1_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Change {
    Run(RunId),
    Job(Name),
    Email(Place),
}

/// The newest changes of this process, numbered from 1.
#[derive(Debug)]
pub(crate) struct Events {
    /// Tells this process's numbers from another's.
    epoch: i64,
    ring: Mutex<VecDeque<Change>>,
    /// The number of the newest change.
    newest: watch::Sender<u64>,
}

impl Events {
    pub(crate) fn new(started: Instant) -> Events {
        Events { epoch: started.millis(), ring: Mutex::default(), newest: watch::Sender::new(0) }
    }

    fn add(&self, change: Change) {
        let mut ring = self.ring.lock();
        if ring.len() == KEPT {
            ring.pop_front();
        }
        ring.push_back(change);
        // While the ring is held, so that numbers and changes go together.
        self.newest.send_modify(|newest| *newest += 1);
    }

    /// Changes were missed: nobody can be told what came before now.
    fn lose(&self) {
        self.ring.lock().clear();
        self.newest.send_modify(|newest| *newest += 1);
    }

    /// The changes after `seen`, at most [`AT_ONCE`], with their numbers. None where some of them are gone.
    fn after(&self, seen: u64) -> Option<Vec<(u64, Change)>> {
        let ring = self.ring.lock();
        let first = *self.newest.borrow() + 1 - ring.len() as u64;
        if seen + 1 < first || seen > *self.newest.borrow() {
            return None;
        }
        let skipped = (seen + 1 - first) as usize;
        Some((seen + 1..).zip(ring.iter().skip(skipped).take(AT_ONCE).cloned()).collect())
    }

    fn id(&self, number: u64) -> String {
        format!("{}-{number}", self.epoch)
    }

    /// The number in an id of this process's.
    fn number(&self, id: &str) -> Option<u64> {
        let (epoch, number) = id.split_once('-')?;
        (epoch.parse() == Ok(self.epoch)).then(|| number.parse().ok())?
    }
}

/// Takes note of what the host tells, as long as it runs.
pub(crate) fn record(app: &App) {
    let app = app.clone();
    let (mut runs, mut emails) = (app.host.changes(), app.host.mail_changes());
    tokio::spawn(async move {
        loop {
            let change = tokio::select! {
                run = runs.recv() => run.map(Change::Run),
                email = emails.recv() => email.map(Change::Email),
                () = app.closing.cancelled() => return,
            };
            match change {
                Ok(change) => app.events.add(change),
                Err(RecvError::Lagged(_)) => app.events.lose(),
                Err(RecvError::Closed) => return,
            }
        }
    });
}

/// The middleware that tells of changes of jobs: whoever asked for one, and got it.
pub(crate) async fn note(State(app): State<App>, request: Request, next: Next) -> Response {
    let job = changed_job(request.method(), request.uri().path());
    let response = next.run(request).await;
    if let Some(job) = job
        && response.status().is_success()
    {
        app.events.add(Change::Job(job));
    }
    response
}

/// The job that a request changes if it succeeds. Runs tell of themselves.
fn changed_job(method: &Method, path: &str) -> Option<Name> {
    if method.is_safe() {
        return None;
    }
    let mut parts = path.strip_prefix("/v1").unwrap_or(path).split('/').skip(1);
    let (resource, name, rest) = (parts.next()?, parts.next()?, parts.next());
    if resource != "jobs" || rest == Some("runs") {
        return None;
    }
    percent_decode_str(name).decode_utf8().ok()?.parse().ok()
}

pub(crate) async fn get(
    State(app): State<App>,
    mut parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    // The header is a browser's own, which a page cannot set when it opens a new source.
    let after = parameters.text("after");
    parameters.finish()?;
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok().map(str::to_owned)).or(after);
    let seen = seen.filter(|id| !id.is_empty());
    let telling = app.clone();
    Ok(stream::respond(&app, "text/event-stream", |parts| tell(telling, parts, seen)))
}

#[derive(Serialize)]
struct Ready {
    now: Instant,
}

#[derive(Serialize)]
struct RunChanged {
    id: RunId,
    job: Name,
    state: &'static str,
    outcome: Option<&'static str>,
    cause: Option<&'static str>,
}

#[derive(Serialize)]
struct JobChanged {
    name: Name,
}

#[derive(Serialize)]
struct EmailChanged {
    id: String,
    /// `gone` where it was taken out of the outbox.
    state: &'static str,
}

async fn tell(app: App, parts: Parts, seen: Option<String>) -> Result<(), Stop> {
    let mut newest = app.events.newest.subscribe();
    let mut heartbeat = tokio::time::interval(HEARTBEAT);
    heartbeat.tick().await;
    let known = seen.as_deref().and_then(|id| app.events.number(id));
    let now = *newest.borrow_and_update();
    let mut from = known.unwrap_or(now);
    let mut hello = format!("retry: {RETRY_MS}\n");
    hello.push_str(&event("ready", &app.events.id(from), &Ready { now: app.host.now() }));
    if seen.is_some() && known.is_none() {
        hello.push_str(&reset(&app.events.id(from)));
    }
    parts.send(hello).await?;
    loop {
        match app.events.after(from) {
            None => {
                from = *newest.borrow_and_update();
                parts.send(reset(&app.events.id(from))).await?;
            }
            Some(changes) if !changes.is_empty() => {
                from += changes.len() as u64;
                let telling = app.clone();
                let text = app.scan(move |read| -> Result<String, Refusal> {
                    Ok(told(&telling.events, read, changes)?)
                });
                parts.send(text.await?).await?;
                continue;
            }
            Some(_) => {}
        }
        let grown = async { newest.wait_for(|newest| *newest > from).await.is_ok() };
        tokio::select! {
            grown = grown => {
                if !grown {
                    return Ok(());
                }
                tokio::time::sleep(GATHER).await;
            }
            _ = heartbeat.tick() => parts.send_ahead(": \n\n").await?,
            () = app.closing.cancelled() => return Ok(()),
            () = parts.gone() => return Err(Stop::Gone),
        }
    }
}

/// Each thing once, at its last place.
fn told(events: &Events, read: &dyn Read, changes: Vec<(u64, Change)>) -> Result<String, StoreError> {
    let mut seen = HashSet::new();
    let mut texts = Vec::new();
    for (number, change) in changes.into_iter().rev() {
        if !seen.insert(change.clone()) {
            continue;
        }
        let id = events.id(number);
        match change {
            Change::Job(name) => texts.push(event("job", &id, &JobChanged { name })),
            Change::Run(run) => {
                if let Some(run) = op::run::get(read, run)? {
                    texts.push(event("run", &id, &RunChanged::from(run)));
                }
            }
            Change::Email(place) => {
                let delivery = op::email::delivery(read, place)?;
                let state = delivery.map_or("gone", |delivery| delivery.state.as_str());
                texts.push(event(
                    "email",
                    &id,
                    &EmailChanged { id: email::Id::from(place).to_string(), state },
                ));
            }
        }
    }
    texts.reverse();
    Ok(texts.concat())
}

impl From<Run> for RunChanged {
    fn from(run: Run) -> RunChanged {
        let outcome = run.outcome();
        RunChanged {
            id: run.id,
            state: run.status(),
            outcome: outcome.map(Outcome::as_str),
            cause: outcome.and_then(Outcome::cause).map(Cause::as_str),
            job: run.job,
        }
    }
}

fn reset(id: &str) -> String {
    format!("event: reset\nid: {id}\ndata: {{}}\n\n")
}

fn event(name: &str, id: &str, data: &impl Serialize) -> String {
    // Plain values: there is nothing that JSON cannot write, and its text has no line breaks.
    let data = serde_json::to_string(data).unwrap_or_default();
    format!("event: {name}\nid: {id}\ndata: {data}\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(number: usize) -> Change {
        Change::Job(format!("j{number}").parse().unwrap())
    }

    #[test]
    fn changes_are_told_from_where_a_client_was() {
        let events = Events::new(Instant::from_millis(7));
        assert_eq!(events.after(0), Some(Vec::new()));
        assert_eq!(events.after(1), None);
        for number in 1..=3 {
            events.add(job(number));
        }
        assert_eq!(events.after(1), Some(vec![(2, job(2)), (3, job(3))]));
        assert_eq!(events.after(3), Some(Vec::new()));
        assert_eq!((events.number("7-3"), events.number("8-3"), events.number("x")), (Some(3), None, None));
    }

    #[test]
    fn what_is_not_kept_any_more_is_a_reset() {
        let events = Events::new(Instant::from_millis(7));
        for number in 1..=KEPT + 2 {
            events.add(job(number));
        }
        assert_eq!(events.after(1), None);
        let kept = events.after(2).unwrap();
        assert_eq!((kept.len(), kept[0].clone()), (AT_ONCE, (3, job(3))));
        events.lose();
        assert_eq!(events.after(KEPT as u64 + 2), None);
        assert_eq!(events.after(KEPT as u64 + 3), Some(Vec::new()));
    }

    #[test]
    fn changes_of_jobs_are_known_by_their_requests() {
        let of = |method: Method, path: &str| changed_job(&method, path).map(|name| name.to_string());
        assert_eq!(of(Method::PUT, "/v1/jobs/a").as_deref(), Some("a"));
        assert_eq!(of(Method::POST, "/jobs/a%5Fb/pause").as_deref(), Some("a_b"));
        for (method, path) in [
            (Method::GET, "/v1/jobs/a"),
            (Method::POST, "/v1/jobs/a/runs"),
            (Method::PUT, "/v1/tables/a"),
            (Method::PUT, "/v1/jobs/NO"),
            (Method::POST, "/v1/jobs"),
        ] {
            assert_eq!(of(method, path), None, "{path}");
        }
    }
}
