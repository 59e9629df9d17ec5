//! `/tokens`: who may call, and with what rights. A token itself is told once, to who made it.

use crate::app::App;
use crate::auth;
use crate::body;
use crate::page::{List, Paging};
use crate::parameter::{NoParameters, Parameters};
use crate::path::At;
use crate::problem::Refusal;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use sandglass_core::grant::Grants;
use sandglass_core::right::Right;
use sandglass_core::{Instant, Name, Span};
use sandglass_store::op;
use sandglass_store::record::Token;
use serde::{Deserialize, Serialize};

/// A token, as it is shown.
#[derive(Debug, Serialize)]
struct View {
    name: Name,
    right: Right,
    grants: Grants,
    created_at: Instant,
    expires_at: Option<Instant>,
    is_valid: bool,
}

impl View {
    fn new(token: Token, now: Instant) -> View {
        let is_valid = token.is_valid(now);
        let Token { name, created_at, right, grants, expires_at } = token;
        View { name, right, grants, created_at, expires_at, is_valid }
    }
}

/// By name. All are read, since they lie by their hashes, and there are few.
pub(crate) async fn list(State(app): State<App>, mut parameters: Parameters) -> Result<Json<List>, Refusal> {
    let paging = Paging::<Name>::read(&mut parameters);
    parameters.finish()?;
    let now = app.host.now();
    let tokens = app.scan(op::token::list).await?.into_iter().map(|(_, token)| token);
    let rest = tokens.filter(|token| paging.after.as_ref().is_none_or(|after| token.name > *after));
    List::of(rest.map(|token| (token.name.clone(), View::new(token, now))), paging.limit).map(Json)
}

/// What a client asks for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    name: Name,
    right: Right,
    #[serde(default)]
    grants: Grants,
    /// From now.
    expires_in: Option<Span>,
}

/// A token that was just made.
#[derive(Serialize)]
struct Made {
    #[serde(flatten)]
    view: View,
    /// What is sent in requests. Nobody is told it again.
    token: String,
}

pub(crate) async fn add(
    State(app): State<App>,
    _: NoParameters,
    body: body::Json,
) -> Result<Response, Refusal> {
    let Asked { name, right, grants, expires_in } = body.members()?;
    let mut problems = grants.problems();
    if right == Right::Admin && grants != Grants::default() {
        problems.push(sandglass_core::Problem::new("/grants", "are for other rights: admin has all"));
    }
    if expires_in == Some(Span::ZERO) {
        problems.push(sandglass_core::Problem::new("/expires_in", "is zero: it would never be valid"));
    }
    if !problems.is_empty() {
        return Err(Refusal::invalid(problems));
    }
    let value = auth::new_token();
    let hash = auth::hash(&value);
    let made = app.write(move |write, now| {
        let expires_at = expires_in.map(|span| now.plus(span));
        let token = Token { name, created_at: now, right, grants, expires_at };
        op::token::add(write, hash, &token)?;
        Ok((token, now))
    });
    let (token, now) = made.await?;
    Ok((StatusCode::CREATED, Json(Made { view: View::new(token, now), token: value })).into_response())
}

pub(crate) async fn delete(
    State(app): State<App>,
    At(name): At<Name>,
    _: NoParameters,
) -> Result<StatusCode, Refusal> {
    app.write(move |write, now| op::token::remove(write, &name, now)).await?;
    Ok(StatusCode::NO_CONTENT)
}
