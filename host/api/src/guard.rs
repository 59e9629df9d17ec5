//! What stands around every handler: the request's line in the log, its time, and its panics; and that no
//! answer leaves before what it was computed from is durable.

use crate::app::App;
use crate::problem::{Code, Refusal};
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONNECTION, X_CONTENT_TYPE_OPTIONS};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::Body as _;
use std::any::Any;

/// One line for each request, without its parameters and headers: those may be nobody else's business.
pub(crate) async fn log(request: Request, next: Next) -> Response {
    let begun = std::time::Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let has_body = !request.body().is_end_stream();
    let mut response = next.run(request).await;
    let refused = response.status().is_client_error();
    let headers = response.headers_mut();
    // A refusal may leave a body unread, and the connection with it unfit for another request: who keeps
    // connections for later should know.
    if refused && has_body {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    // Rows and logs hold what strangers wrote: no browser is to guess that it is a page.
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let (status, micros) = (response.status().as_u16(), begun.elapsed().as_micros() as u64);
    tracing::debug!(%method, path, status, micros, "request");
    response
}

/// Ends what takes too long before there is an answer. A change that was asked for may be made all the same.
pub(crate) async fn bound(State(app): State<App>, request: Request, next: Next) -> Result<Response, Refusal> {
    let most = app.options.request_time_max;
    tokio::time::timeout(most, next.run(request)).await.map_err(|_| {
        let detail = format!(
            "there was no answer within {} seconds; if this asked for a change, it may be made all the same",
            most.as_secs()
        );
        Refusal::new(Code::Timeout, detail)
    })
}

/// Refuses what promises more than this host keeps: a client that sends a key counts on its being heeded.
pub(crate) async fn refuse_key(request: Request, next: Next) -> Result<Response, Refusal> {
    if request.headers().contains_key("idempotency-key") {
        let detail = "Idempotency-Key is not heeded here: a repeated request would be done again. Send it with requests that \
                      make runs, add rows or send mail again";
        return Err(Refusal::new(Code::BadRequest, detail));
    }
    Ok(next.run(request).await)
}

/// Holds back the answer, a refusal too, until all that it may tell of is on disk.
pub(crate) async fn settle(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let response = next.run(request).await;
    app.settled().await?;
    Ok(response)
}

/// The answer in place of that of a handler that panicked.
#[allow(clippy::needless_pass_by_value)] // As the layer that catches them hands them over.
pub(crate) fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or_default();
    Refusal::internal(format!("a handler panicked: {text}")).into_response()
}
