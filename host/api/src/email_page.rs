//! `/emails/{id}/html`: a message as its reader would see it, as a page of its own that can do nothing.

use crate::app::App;
use crate::email::Id;
use crate::parameter::NoParameters;
use crate::path::At;
use crate::problem::Refusal;
use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::response::{IntoResponse, Response};
use sandglass_store::op;

/// Jobs wrote it, and others may have told them what: it runs no script, loads nothing, sends nothing and opens
/// nothing, wherever it is shown. Its own styles are its looks.
const POLICY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'self'";

pub(crate) async fn get(
    State(app): State<App>,
    At(id): At<Id>,
    _: NoParameters,
) -> Result<Response, Refusal> {
    let email = app.look(|read| op::email::get(read, id.place()))?;
    let html = email.and_then(|entry| entry.email.message.html);
    let html = html.ok_or_else(|| Refusal::not_found("there is no such email, or it has no HTML"))?;
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
    ];
    Ok((headers, html).into_response())
}
