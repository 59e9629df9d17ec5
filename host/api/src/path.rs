//! Names and ids in a URL's path.

use crate::problem::Refusal;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::Method;
use axum::http::request::Parts;
use std::fmt::Display;
use std::str::FromStr;

/// What is named in the path: a job by its name, a run by its id.
pub(crate) struct At<T>(pub(crate) T);

/// Something within something else: a row in its table.
pub(crate) struct Within<A, B>(pub(crate) A, pub(crate) B);

impl<T, S> FromRequestParts<S> for At<T>
where
    T: FromStr<Err: Display>,
    S: Send + Sync,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<At<T>, Refusal> {
        let names = names(parts, state).await?;
        Ok(At(name(&names, 0, &parts.method)?))
    }
}

impl<A, B, S> FromRequestParts<S> for Within<A, B>
where
    A: FromStr<Err: Display>,
    B: FromStr<Err: Display>,
    S: Send + Sync,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Within<A, B>, Refusal> {
        let names = names(parts, state).await?;
        Ok(Within(name(&names, 0, &parts.method)?, name(&names, 1, &parts.method)?))
    }
}

/// The names in the path, percent-decoded.
async fn names<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<Vec<String>, Refusal> {
    let names = RawPathParams::from_request_parts(parts, state).await;
    let names = names.map_err(|_| Refusal::not_found("a name in the path is not UTF-8"))?;
    Ok(names.iter().map(|(_, name)| name.to_owned()).collect())
}

/// Nothing has a name that is none. Where something might have been made under it, what is wrong with the
/// name matters more than that there is nothing.
fn name<T: FromStr<Err: Display>>(names: &[String], place: usize, method: &Method) -> Result<T, Refusal> {
    let name = names.get(place).ok_or_else(|| Refusal::internal("a route lacks a name"))?;
    name.parse().map_err(|error: T::Err| match *method {
        Method::PUT | Method::POST => Refusal::invalid_at("", error.to_string()),
        _ => Refusal::not_found(error.to_string()),
    })
}
