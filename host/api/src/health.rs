//! `/healthz` and `/readyz`, for whoever watches the process: neither needs a token, and neither tells more. And
//! `/metrics`, which needs one.

use crate::app::App;
use crate::parameter::NoParameters;
use crate::problem::{Code, Refusal};
use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::time::Duration;

/// The process answers.
pub(crate) async fn live() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// What the process counts, for Prometheus. Whoever asks brings a token: it tells how much this host does.
pub(crate) async fn metrics(State(app): State<App>) -> Response {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], (app.metrics)()).into_response()
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
