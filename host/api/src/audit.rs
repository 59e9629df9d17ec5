//! `/audit`: who changed what, newest first.

use crate::app::App;
use crate::auth::Caller;
use crate::page::{List, Paging};
use crate::parameter::Parameters;
use crate::problem::Refusal;
use axum::Json;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use sandglass_store::op;
use sandglass_store::record::AuditEntry;
use serde::Serialize;

/// Of a request's path, which is a stranger's until its caller is known.
const PATH_BYTES_MAX: usize = 500;

/// Adds an entry for a change that was made, or that its caller may not make.
///
/// # Errors
/// Where it cannot be stored: the change was made all the same, and its caller is not told that it was.
pub(crate) async fn note(
    app: &App,
    caller: &Caller,
    method: &Method,
    path: &str,
    status: StatusCode,
) -> Result<(), Refusal> {
    let path = path.strip_prefix("/v1").unwrap_or(path);
    let path = path[..path.floor_char_boundary(PATH_BYTES_MAX)].to_owned();
    let (token, session) = (caller.token.to_string(), caller.session.is_some());
    let (method, status) = (method.to_string(), status.as_u16());
    app.write(move |write, at| {
        let entry = AuditEntry { at, token, session, method, path, status };
        Ok(op::audit::add(write, &entry)?)
    })
    .await
}

#[derive(Serialize)]
struct View {
    number: u64,
    #[serde(flatten)]
    entry: AuditEntry,
}

pub(crate) async fn list(State(app): State<App>, mut parameters: Parameters) -> Result<Json<List>, Refusal> {
    let paging = Paging::<u64>::read(&mut parameters);
    parameters.finish()?;
    let (limit, most) = (paging.limit, paging.and_one());
    let found = app.scan(move |read| op::audit::list(read, paging.after, most)).await?;
    List::of(found.into_iter().map(|(number, entry)| (number, View { number, entry })), limit).map(Json)
}
