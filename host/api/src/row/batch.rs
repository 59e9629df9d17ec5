//! `/batch`: writes of rows, in several tables, as one transaction.

use super::{check, new_id, take_id, take_own};
use crate::app::App;
use crate::auth::Caller;
use crate::body;
use crate::once::Key;
use crate::parameter::NoParameters;
use crate::problem::{Code, Refusal};
use crate::right::check_table;
use axum::extract::State;
use axum::{Extension, Json};
use sandglass_core::effect::RowKey;
use sandglass_core::grant::Access;
use sandglass_core::limit::fixed;
use sandglass_core::row::{Fields, RowId};
use sandglass_core::{Instant, Name, Problem};
use sandglass_store::op::batch::{self, One, What};
use sandglass_store::op::once;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    writes: Vec<Asked>,
}

/// One write: its table, and one of the four.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    table: Name,
    /// Objects with the row's id among their members.
    insert: Option<Fields>,
    put: Option<Fields>,
    update: Option<Fields>,
    /// An id.
    delete: Option<RowId>,
    /// The version that the row must have.
    if_version: Option<u64>,
}

/// What is told of a write: the row's version, none where it was deleted.
#[derive(Debug, Serialize, Deserialize)]
struct Wrote {
    table: Name,
    id: RowId,
    version: Option<u64>,
}

pub(crate) async fn write(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    key: Key,
    _: NoParameters,
    body: body::Json,
) -> Result<Json<Value>, Refusal> {
    let Batch { writes } = body.members()?;
    if writes.len() > fixed::COMMIT_ROWS {
        let detail =
            format!("{} writes, and the limit of one request is {}", writes.len(), fixed::COMMIT_ROWS);
        return Err(Refusal::new(Code::TooLarge, detail));
    }
    let writes = read(writes, app.host.now())?;
    for One { key, what, version } in &writes {
        // An update, and a version that is expected, tell of what is there.
        let tells = matches!(what, What::Update(_)) || version.is_some();
        check_table(&caller, &key.table, if tells { Access::ReadWrite } else { Access::Write })?;
    }
    let once = key.with(&body);
    let written = app.write(move |write, now| {
        once::once(write, once, now, |write| {
            let version = batch::commit(write, &writes, now)?;
            let wrote = |One { key: RowKey { table, id }, what, .. }| {
                let version = if what == What::Delete { None } else { Some(version) };
                Wrote { table, id, version }
            };
            Ok(writes.into_iter().map(wrote).collect::<Vec<_>>())
        })
    });
    Ok(Json(json!({ "items": written.await? })))
}

/// The writes, or all that is wrong with them.
fn read(writes: Vec<Asked>, now: Instant) -> Result<Vec<One>, Refusal> {
    let (mut read, mut problems) = (Vec::with_capacity(writes.len()), Vec::new());
    for (number, asked) in writes.into_iter().enumerate() {
        match read_one(asked, now, number) {
            Ok(one) => read.push(one),
            Err(message) => problems.push(Problem::new(format!("/writes/{number}"), message)),
        }
    }
    if problems.is_empty() { Ok(read) } else { Err(Refusal::invalid(problems)) }
}

fn read_one(asked: Asked, now: Instant, number: usize) -> Result<One, String> {
    let Asked { table, insert, put, update, delete, if_version: version } = asked;
    let named = |id: Option<RowId>| id.ok_or("name the row by its `id`".to_owned());
    let (id, what) = match (insert, put, update, delete) {
        (Some(mut fields), None, None, None) => {
            let id = take_id(&mut fields)?;
            check(&fields)?;
            (id.map_or_else(|| new_id(now, number), Ok)?, What::Insert(fields))
        }
        (None, Some(mut fields), None, None) => {
            let id = named(take_own(&mut fields)?)?;
            check(&fields)?;
            (id, What::Put(fields))
        }
        (None, None, Some(mut patch), None) => {
            let id = named(take_id(&mut patch)?)?;
            check(&patch)?;
            (id, What::Update(patch))
        }
        (None, None, None, Some(id)) => (id, What::Delete),
        _ => return Err("a write is one of `insert`, `put`, `update` and `delete`".into()),
    };
    Ok(One { key: RowKey { table, id }, what, version })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wrong_write_is_named() {
        let batch: Batch = serde_json::from_value(json!({"writes": [
            {"table": "t", "insert": {"a": 1}},
            {"table": "t", "put": {"a": 1}},
            {"table": "t"},
            {"table": "t", "delete": "x", "put": {"id": "x"}},
            {"table": "t", "update": {"id": "x", "version": 1}},
            {"table": "t", "put": {"id": "x", "version": 1, "a": 2}},
        ]}))
        .unwrap();
        let told = format!("{:?}", read(batch.writes, Instant::EPOCH).unwrap_err());
        for number in 0..6 {
            let is_wrong = [1, 2, 3, 4].contains(&number);
            assert_eq!(told.contains(&format!("\"/writes/{number}\"")), is_wrong, "{number}: {told}");
        }
    }
}
