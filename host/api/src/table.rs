//! `/tables`: which there are.

use crate::app::App;
use crate::body;
use crate::page::{List, Paging};
use crate::parameter::{NoParameters, Parameters};
use crate::path::At;
use crate::problem::Refusal;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use sandglass_core::{Instant, Name};
use sandglass_store::op;
use sandglass_store::record::Table;
use serde::Serialize;

#[derive(Debug, Serialize)]
struct View {
    name: Name,
    created_at: Instant,
}

impl View {
    fn new(name: Name, table: &Table) -> View {
        View { name, created_at: table.created_at }
    }
}

pub(crate) async fn list(State(app): State<App>, mut parameters: Parameters) -> Result<Json<List>, Refusal> {
    let paging = Paging::<Name>::read(&mut parameters);
    parameters.finish()?;
    let (limit, most) = (paging.limit, paging.and_one());
    let found = app.scan(move |read| op::table::list(read, paging.after.as_ref(), most)).await?;
    List::of(found.into_iter().map(|(name, table)| (name.clone(), View::new(name, &table))), limit).map(Json)
}

pub(crate) async fn get(
    State(app): State<App>,
    At(name): At<Name>,
    _: NoParameters,
) -> Result<Response, Refusal> {
    let table = app.look(|read| op::table::find(read, &name))?;
    Ok(Json(View::new(name, &table)).into_response())
}

/// Makes a table exist.
pub(crate) async fn put(
    State(app): State<App>,
    At(name): At<Name>,
    _: NoParameters,
    body: body::Json,
) -> Result<Response, Refusal> {
    let body::Nothing {} = body.members()?;
    let key = name.clone();
    let (made, table) = app
        .write(move |write, now| {
            let made = op::table::create(write, &key, now)?;
            Ok((made, op::table::find(write.as_read(), &key)?))
        })
        .await?;
    let status = if made { StatusCode::CREATED } else { StatusCode::OK };
    let location = [(LOCATION, format!("/v1/tables/{name}"))];
    Ok((status, location, Json(View::new(name, &table))).into_response())
}

/// Rows that one transaction deletes.
const ROWS_AT_ONCE: usize = 1_000;

/// Deletes a table with all of its rows, a part at a time: until it is done, others see what is left.
pub(crate) async fn delete(
    State(app): State<App>,
    At(name): At<Name>,
    _: NoParameters,
) -> Result<StatusCode, Refusal> {
    loop {
        let name = name.clone();
        if app.write(move |write, _| op::table::drop(write, &name, ROWS_AT_ONCE)).await? {
            return Ok(StatusCode::NO_CONTENT);
        }
    }
}
