//! `/healthz` and `/readyz`, for whoever watches the process. Neither needs a token, and neither tells more.

use crate::app::App;
use crate::parameter::NoParameters;
use crate::problem::{Code, Refusal};
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use std::time::Duration;

/// The process answers.
pub(crate) async fn live() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

const SETTLE_MAX: Duration = Duration::from_secs(2);

/// The host takes requests, and its store keeps what it is given.
pub(crate) async fn ready(State(app): State<App>, _: NoParameters) -> Result<Json<Value>, Refusal> {
    if app.closing.is_cancelled() {
        return Err(Refusal::new(Code::Unavailable, "the host is stopping"));
    }
    match tokio::time::timeout(SETTLE_MAX, app.settled()).await {
        Ok(settled) => settled.map(|()| Json(json!({"status": "ready"}))),
        Err(_) => {
            Err(Refusal::new(Code::Unavailable, "the disk is slow: nothing was settled for two seconds"))
        }
    }
}
