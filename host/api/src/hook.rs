//! `/hooks/{job}`: a signed request of another system starts a run. It needs no token: its signature, made with
//! the secret that the job names, is as good as one for this job and nothing else.

use crate::app::{App, to_the_end};
use crate::body;
use crate::once::Key;
use crate::parameter::NoParameters;
use crate::path::At;
use crate::problem::{Code, Refusal};
use crate::request::{check_input, made};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use sandglass_core::run::Trigger;
use sandglass_core::webhook::{self, Headers, Secret};
use sandglass_core::{Name, SecretName};
use sandglass_store::op;

pub(crate) async fn receive(
    State(app): State<App>,
    At(name): At<Name>,
    _: NoParameters,
    headers: HeaderMap,
    body: body::Json,
) -> Result<Response, Refusal> {
    let hook = app.look(|read| op::job::current(read, &name))?.revision.spec.hook;
    let hook = hook.ok_or_else(|| Refusal::not_found(format!("job `{name}` has no hook")))?;
    let secret = secret(&app, &hook.secret)?;
    check_input(body.bytes().len())?;
    let headers = signed(&headers)?;
    webhook::verify(&[secret], &headers, app.host.now(), body.bytes())
        .map_err(|rejection| Refusal::new(Code::Unauthorized, rejection.to_string()))?;
    // Only now is it worth reading.
    let input = if body.bytes().is_empty() { None } else { Some(body.text()?) };
    let once = Key::of(&[b"hook", name.as_str().as_bytes(), headers.id.as_bytes()]).with(&body);
    let host = app.host.clone();
    let run = to_the_end(async move { host.ask(name, Trigger::Webhook, input, once).await }).await??;
    made(&app, run, None).await
}

fn secret(app: &App, name: &str) -> Result<Secret, Refusal> {
    let missing = |why: String| {
        // The caller can do nothing about it, and need not know the secret's name.
        tracing::error!(secret = name, why, "a webhook cannot be checked");
        Refusal::new(
            Code::Unavailable,
            "this host cannot check the signature: the job's secret is not in order",
        )
    };
    let parsed: SecretName = name.parse().map_err(missing)?;
    let value = app.host.secret(&parsed).map_err(|error| missing(error.to_string()))?;
    let value = value.ok_or_else(|| missing("there is no such secret".into()))?;
    value.expose().parse().map_err(missing)
}

/// The three headers of a signed message.
fn signed(headers: &HeaderMap) -> Result<Headers, Refusal> {
    let header = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.map(str::to_owned).ok_or_else(|| {
            let detail = format!("sign the request as Standard Webhooks has it: there is no header `{name}`");
            Refusal::new(Code::Unauthorized, detail)
        })
    };
    Ok(Headers {
        id: header(webhook::ID)?,
        timestamp: header(webhook::TIMESTAMP)?,
        signature: header(webhook::SIGNATURE)?,
    })
}
