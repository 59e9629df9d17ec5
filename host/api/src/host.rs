//! `/host`: the host itself, in figures.

use crate::app::App;
use crate::parameter::NoParameters;
use crate::problem::Refusal;
use axum::Json;
use axum::extract::State;
use sandglass_core::Instant;
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(crate) struct View {
    version: &'static str,
    /// What executes components.
    engine: &'static str,
    /// Of this process.
    started_at: Instant,
    now: Instant,
    /// On disk.
    store_bytes: u64,
    attempts: Attempts,
    /// Counted every few seconds.
    runs_waiting: usize,
    lateness: Lateness,
    email: Email,
}

/// The delivery of mail.
#[derive(Debug, Serialize)]
struct Email {
    /// Whether there is any; else the outbox keeps it.
    delivers: bool,
    /// Why none leaves at the moment.
    problem: Option<Problem>,
}

#[derive(Debug, Serialize)]
struct Problem {
    reason: String,
    since: Instant,
    next_at: Instant,
}

#[derive(Debug, Serialize)]
struct Attempts {
    executing: usize,
    /// That may execute at one time.
    max: usize,
    /// Since the start of the process.
    started: u64,
}

/// How late scheduled runs began, since the start of the process.
#[derive(Debug, Serialize)]
struct Lateness {
    newest_ms: u64,
    worst_ms: u64,
}

pub(crate) async fn get(State(app): State<App>, _: NoParameters) -> Result<Json<View>, Refusal> {
    let store = app.host.store().clone();
    let store_bytes = app.block(move || store.bytes()).await??;
    let host = &app.host;
    Ok(Json(View {
        version: env!("CARGO_PKG_VERSION"),
        engine: sandglass_scheduler::ENGINE,
        started_at: app.started_at,
        now: host.now(),
        store_bytes,
        attempts: Attempts {
            executing: host.executing(),
            max: host.attempts_max(),
            started: host.attempts(),
        },
        runs_waiting: host.waiting(),
        lateness: Lateness {
            newest_ms: host.lateness().newest().millis(),
            worst_ms: host.lateness().worst().millis(),
        },
        email: Email {
            delivers: host.delivers(),
            problem: host.mail_problem().map(|problem| Problem {
                reason: problem.reason,
                since: problem.since,
                next_at: problem.next_at,
            }),
        },
    }))
}
