//! `/jobs/{name}/revisions`, and going back to one.

use super::answer;
use crate::app::App;
use crate::auth::Caller;
use crate::body;
use crate::condition::Condition;
use crate::page::{List, Paging};
use crate::parameter::{NoParameters, Parameters};
use crate::path::At;
use crate::problem::Refusal;
use axum::extract::State;
use axum::response::Response;
use axum::{Extension, Json};
use sandglass_core::job::Revision;
use sandglass_core::spec::Specification;
use sandglass_core::{Instant, Name};
use sandglass_store::key::RevisionKey;
use sandglass_store::op;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize)]
struct View {
    number: u32,
    committed_at: Instant,
    specification: Specification,
}

/// The revisions that are kept, newest first.
pub(crate) async fn list(
    State(app): State<App>,
    At(name): At<Name>,
    mut parameters: Parameters,
) -> Result<Json<List>, Refusal> {
    let paging = Paging::<RevisionKey>::read(&mut parameters);
    parameters.finish()?;
    let list = app.scan(move |read| -> Result<List, Refusal> {
        let job = op::job::find(read, &name)?.id;
        let before = paging.after.map_or(u32::MAX, |key| key.number);
        let revisions =
            op::job::revisions(read, job)?.into_iter().filter(|revision| revision.number < before);
        let items = revisions.map(|Revision { number, committed_at, spec, .. }| {
            (RevisionKey { job, number }, View { number, committed_at, specification: spec })
        });
        List::of(items, paging.limit)
    });
    list.await.map(Json)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RollBack {
    revision: u32,
}

/// Adds a copy of an older revision.
pub(crate) async fn roll_back(
    State(app): State<App>,
    At(name): At<Name>,
    _: NoParameters,
    condition: Condition,
    Extension(caller): Extension<Caller>,
    body: body::Json,
) -> Result<Response, Refusal> {
    let RollBack { revision } = body.members()?;
    let current = app.change(move |write, now| {
        let expect = condition.of_job(write.as_read(), &name)?;
        let rolled = op::job::roll_back(write, &name, revision, expect, now)?;
        // A script that fails leaves nothing.
        caller.may_deploy(&rolled.revision.spec)?;
        Ok(rolled)
    });
    answer(&app, &current.await?, false)
}
