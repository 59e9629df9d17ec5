//! `/tables`: which there are, and their indexes.

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
use sandglass_core::index::{self, Declaration, Index};
use sandglass_core::{Instant, Name};
use sandglass_store::op;
use sandglass_store::record::Table;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize)]
struct View {
    name: Name,
    created_at: Instant,
    indexes: Vec<IndexView>,
}

/// An index, and how far it is built.
#[derive(Debug, Serialize)]
struct IndexView {
    #[serde(flatten)]
    declared: Declaration,
    state: &'static str,
    /// Rows that have their entries, while it is being built.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl View {
    fn new(name: Name, table: &Table) -> View {
        View {
            name,
            created_at: table.created_at,
            indexes: table.indexes.iter().map(IndexView::new).collect(),
        }
    }
}

impl IndexView {
    fn new(index: &Index) -> IndexView {
        let (state, rows, reason) = match &index.state {
            index::State::Building { rows, .. } => ("building", Some(*rows), None),
            index::State::Ready => ("ready", None, None),
            index::State::Failed { reason } => ("failed", None, Some(reason.clone())),
        };
        IndexView { declared: index.declared.clone(), state, rows, reason }
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

/// What a table is to be like. Indexes that are not given stay as they are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    indexes: Option<Vec<Declaration>>,
}

/// Makes a table exist, with these indexes.
pub(crate) async fn put(
    State(app): State<App>,
    At(name): At<Name>,
    _: NoParameters,
    body: body::Json,
) -> Result<Response, Refusal> {
    let Wanted { indexes } = body.members()?;
    let key = name.clone();
    let (made, table) = app
        .write(move |write, now| {
            let made = op::table::create(write, &key, now)?;
            if let Some(indexes) = indexes {
                op::index::declare(write, &key, indexes, now)?;
            }
            Ok((made, op::table::find(write.as_read(), &key)?))
        })
        .await?;
    app.host.indexes_changed();
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
            app.host.indexes_changed();
            return Ok(StatusCode::NO_CONTENT);
        }
    }
}
