//! Steps about rows. Queries and their kin go by the generated calls, beneath the crate's types, so that a
//! test can say what those types keep a job from saying.

use crate::script::{Action, Fields, Query};
use sandglass::bindings::sandglass::job::table as host;
use sandglass::serde_json::{self, json, Value};
use sandglass::{Code, Context, Error, Op, Result, Row};
use std::time::Duration;

const POLL: Duration = Duration::from_millis(10);

pub(crate) fn perform(ctx: &Context, action: Action) -> Result<Value> {
    let open = |name: &str| ctx.table::<Value>(name);
    Ok(match action {
        Action::Insert(Fields { table, id, fields }) => match id {
            Some(id) => {
                open(&table)?.insert_with_id(&id, &fields)?;
                json!(id)
            }
            None => json!(open(&table)?.insert(&fields)?),
        },
        Action::InsertText { table, id, text } => json!(host::open(&table)?.insert(&text, id.as_deref())?),
        Action::InsertSized { table, id, bytes } => {
            let text = format!("{{\"text\":\"{}\"}}", "x".repeat(bytes));
            json!(host::open(&table)?.insert(&text, id.as_deref())?)
        }
        Action::Get(of) => open(&of.table)?.get(&of.id)?.map_or(Value::Null, shown),
        Action::Update { table, id, fields, if_version: None } => json!(open(&table)?.update(&id, &fields)?),
        Action::Update { table, id, fields, if_version: Some(version) } => {
            json!(open(&table)?.update_if(&id, version, &fields)?)
        }
        Action::Increment { table, id, field } => {
            let count = open(&table)?.modify(&id, |fields| {
                let count = fields[&field].as_i64().unwrap_or(0) + 1;
                fields[&field] = json!(count);
                count
            })?;
            json!(count.ok_or_else(|| Error::new(Code::NotFound, format!("there is no row {id}")))?)
        }
        Action::Put(Fields { table, id, fields }) => {
            let id = id.ok_or_else(|| Error::new(Code::Invalid, "a put needs an id"))?;
            json!(open(&table)?.put(&id, &fields)?)
        }
        Action::Delete { table, id, if_version: None } => json!(open(&table)?.delete(&id)?),
        Action::Delete { table, id, if_version: Some(version) } => {
            json!(open(&table)?.delete_if(&id, version)?)
        }
        Action::Query(query) => page(query)?,
        Action::QueryAll(query) => all(ctx, query)?,
        Action::Count(query) => json!(host::open(&query.table)?.count(&filter(query.filter))?),
        Action::DeleteWhere(query) => {
            json!(host::open(&query.table)?.delete_where(&filter(query.filter), query.limit)?)
        }
        Action::WaitForRow(of) => {
            let table = open(&of.table)?;
            loop {
                if let Some(row) = table.get(&of.id)? {
                    break shown(row);
                }
                std::thread::sleep(POLL);
            }
        }
        Action::HoldTables { table, count } => {
            let held = (0..count).map(|_| host::open(&table)).collect::<Result<Vec<_>, _>>()?;
            json!(held.len())
        }
        _ => return Err(Error::new(Code::Invalid, "no step about rows")),
    })
}

fn shown(row: Row<Value>) -> Value {
    json!({
        "id": row.id,
        "version": row.version,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "fields": row.fields,
    })
}

fn page(query: Query) -> Result<Value> {
    let table = host::open(&query.table)?;
    let order =
        query.order.into_iter().map(|(field, descending)| host::Order { field, descending }).collect();
    let page = table.query(&host::Query {
        filter: filter(query.filter),
        order,
        limit: query.limit,
        cursor: query.cursor,
    })?;
    let rows = page.rows.into_iter().map(|row| {
        let fields = serde_json::from_str(&row.fields).map_err(|error| {
            Error::new(Code::Invalid, format!("the host's fields of {}: {error}", row.id))
        })?;
        Ok(shown(Row {
            id: row.id,
            version: row.version,
            created_at: sandglass::Instant::from_millis(row.created_at),
            updated_at: sandglass::Instant::from_millis(row.updated_at),
            fields,
        }))
    });
    Ok(json!({ "rows": rows.collect::<Result<Vec<_>>>()?, "next": page.next }))
}

fn filter(groups: Vec<Vec<(String, String, Value)>>) -> Vec<Vec<host::Condition>> {
    let condition = |(field, operator, value): (_, _, Value)| host::Condition {
        field,
        operator,
        value: value.to_string(),
    };
    groups.into_iter().map(|group| group.into_iter().map(condition).collect()).collect()
}

/// The same by the crate's types, which fetch page after page.
fn all(ctx: &Context, query: Query) -> Result<Value> {
    let table = ctx.table::<Value>(&query.table)?;
    let mut typed = table.query();
    for (number, group) in query.filter.into_iter().enumerate() {
        if number > 0 {
            typed = typed.or();
        }
        for (field, operator, value) in group {
            typed = typed.filter(field, op(&operator)?, value);
        }
    }
    for (field, descending) in query.order {
        typed = if descending { typed.order_by_descending(field) } else { typed.order_by(field) };
    }
    if query.limit > 0 {
        typed = typed.limit(query.limit);
    }
    let rows = typed.iter().map(|row| row.map(shown)).collect::<Result<Vec<_>>>()?;
    Ok(json!(rows))
}

fn op(name: &str) -> Result<Op> {
    Ok(match name {
        "eq" => Op::Eq,
        "ne" => Op::Ne,
        "lt" => Op::Lt,
        "le" => Op::Le,
        "gt" => Op::Gt,
        "ge" => Op::Ge,
        "starts-with" => Op::StartsWith,
        "in" => Op::In,
        "exists" => Op::Exists,
        _ => return Err(Error::new(Code::Invalid, format!("no operator {name}"))),
    })
}
