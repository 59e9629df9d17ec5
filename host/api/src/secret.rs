//! `/secrets`: their names, and setting them. No request gives a value back.

use crate::app::{App, to_the_end};
use crate::body;
use crate::condition::{Condition, etag};
use crate::page::{List, Paging};
use crate::parameter::{NoParameters, Parameters};
use crate::path::At;
use crate::problem::Refusal;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{ETAG, LOCATION};
use axum::response::{IntoResponse, Response};
use sandglass_core::{Instant, SecretName, SecretValue};
use sandglass_store::op;
use sandglass_store::record::Secret;
use serde::{Deserialize, Serialize};

/// A secret, as it is shown.
#[derive(Debug, Serialize)]
struct View {
    name: SecretName,
    version: u64,
    created_at: Instant,
    /// When its value was last set.
    updated_at: Instant,
}

impl View {
    fn new(name: SecretName, secret: &Secret) -> View {
        let Secret { version, created_at, updated_at, .. } = *secret;
        View { name, version, created_at, updated_at }
    }
}

pub(crate) async fn list(State(app): State<App>, mut parameters: Parameters) -> Result<Json<List>, Refusal> {
    let paging = Paging::<SecretName>::read(&mut parameters);
    parameters.finish()?;
    let (limit, most) = (paging.limit, paging.and_one());
    let found = app.scan(move |read| op::secret::list(read, paging.after.as_ref(), most)).await?;
    List::of(found.into_iter().map(|(name, secret)| (name.clone(), View::new(name, &secret))), limit)
        .map(Json)
}

/// What a client sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    value: String,
}

pub(crate) async fn put(
    State(app): State<App>,
    At(name): At<SecretName>,
    _: NoParameters,
    condition: Condition,
    body: body::Json,
) -> Result<Response, Refusal> {
    let Given { value } = body.secret()?;
    let value = SecretValue::new(value).map_err(|message| Refusal::invalid_at("/value", message))?;
    let (key, what) = (name.clone(), format!("secret `{name}`"));
    let set = async move {
        let expect = move |version| condition.expects(&what, version);
        app.host.vault().set(key, value, expect).await
    };
    let (secret, new) = to_the_end(set).await??;
    let tag = [(ETAG, etag(secret.version))];
    let location = [(LOCATION, format!("/v1/secrets/{name}"))];
    let shown = Json(View::new(name, &secret));
    if new {
        return Ok((StatusCode::CREATED, tag, location, shown).into_response());
    }
    Ok((tag, shown).into_response())
}

pub(crate) async fn delete(
    State(app): State<App>,
    At(name): At<SecretName>,
    _: NoParameters,
    condition: Condition,
) -> Result<StatusCode, Refusal> {
    let what = format!("secret `{name}`");
    app.host.vault().delete(name, move |version| condition.expects(&what, version)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a change of the key did.
#[derive(Debug, Serialize)]
pub(crate) struct Rotated {
    key: String,
    secrets: usize,
}

/// Puts a new key in place of the one that seals the secrets.
pub(crate) async fn rotate(
    State(app): State<App>,
    _: NoParameters,
    body: body::Json,
) -> Result<Json<Rotated>, Refusal> {
    let body::Nothing {} = body.members()?;
    let vault = app.host.vault().clone();
    let done = to_the_end(async move { vault.rotate().await }).await??;
    Ok(Json(Rotated { key: done.key, secrets: done.secrets }))
}
