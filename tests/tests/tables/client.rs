//! An HTTP client that writes and reads its own rows, and knows what it must be told.

use crate::model::{Kept, Model, error, shown};
use crate::op::{Op, Query, TABLE};
use crate::random;
use rand::RngExt as _;
use rand::rngs::StdRng;
use sandglass_tests::{Answer, Client};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Works on a host, and goes on after its kill.
pub(crate) trait Worker: Send {
    /// Does something and says how many operations that were; none where the host is gone.
    fn act(&mut self, host: &Client) -> Option<u64>;

    /// Finds out what became of that which was asked for when the host was killed.
    fn resolve(&mut self, host: &Client);

    fn model(&self) -> &Model;
}

pub(crate) struct HttpClient {
    model: Model,
    random: StdRng,
    /// What was asked for when the host was killed.
    pending: Option<Pending>,
    asked: u64,
}

/// What a write may have left: the rows before it, and those after it.
struct Pending {
    before: Model,
    after: Model,
    /// Whether it is done in parts, any number of which may be.
    in_parts: bool,
}

type Sent<T> = Result<T, ()>;

impl HttpClient {
    pub(crate) fn new(owner: &str, random: StdRng) -> HttpClient {
        HttpClient { model: Model::new(owner), random, pending: None, asked: 0 }
    }

    fn send(&mut self, host: &Client, op: &Op) -> Sent<Value> {
        let row = |id: &str| format!("tables/{TABLE}/rows/{id}");
        let owner = self.model.owner.clone();
        let sent = |call: sandglass_tests::Call<'_>| call.try_send().map_err(drop);
        let version = |model: &Model, id: &str| model.rows.get(id).and_then(|row| row.version);
        match op {
            Op::Insert { id, fields } => {
                let mut row = fields.clone();
                row.insert("id".into(), json!(id));
                let answer = sent(host.post(format!("tables/{TABLE}/rows")).json(&json!(row)))?;
                Ok(told(&answer, |answer| answer["items"][0]["id"].clone()))
            }
            Op::Put { id, fields } => {
                let mut call = host.put(row(id)).json(&json!(fields));
                if let Some(version) = version(&self.model, id) {
                    call = call.header("if-match", &format!("\"{version}\""));
                }
                Ok(told(&sent(call)?, |_| Value::Null))
            }
            Op::Update { id, patch } => {
                let mut call = host.patch(row(id)).json(&json!(patch));
                if let Some(version) = version(&self.model, id) {
                    call = call.header("if-match", &format!("\"{version}\""));
                }
                Ok(told(&sent(call)?, |_| Value::Null))
            }
            Op::Delete { id } => {
                let answer = sent(host.delete(row(id)))?;
                Ok(if answer.status == 404 { json!({"ok": false}) } else { told(&answer, |_| json!(true)) })
            }
            Op::Get { id } => {
                let answer = sent(host.get(row(id)))?;
                if answer.status == 404 {
                    return Ok(json!({ "ok": null }));
                }
                Ok(json!({"ok": self.seen(&answer.json(200))}))
            }
            Op::Query(query) => self.pages(host, query),
            Op::Count(filter) => {
                let mut call = host.get(format!("tables/{TABLE}/rows")).query("limit", "1");
                for (name, value) in filter.parameters(&owner) {
                    call = call.query(&name, &value);
                }
                let answer = sent(call.header("prefer", "count=exact"))?.json(200);
                Ok(json!({"ok": answer["count"]}))
            }
            Op::DeleteWhere { filter, .. } => {
                let mut call = host.delete(format!("tables/{TABLE}/rows"));
                for (name, value) in filter.parameters(&owner) {
                    call = call.query(&name, &value);
                }
                Ok(json!({"ok": sent(call)?.json(200)["deleted"]}))
            }
        }
    }

    fn pages(&mut self, host: &Client, query: &Query) -> Sent<Value> {
        let mut rows = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut call = host.get(format!("tables/{TABLE}/rows")).query("limit", &query.limit.to_string());
            for (name, value) in query.filter.parameters(&self.model.owner) {
                call = call.query(&name, &value);
            }
            let step = |(name, descending): &(&str, bool)| {
                format!("{name}.{}", if *descending { "desc" } else { "asc" })
            };
            if !query.order.is_empty() {
                call = call.query("order", &query.order.iter().map(step).collect::<Vec<_>>().join(","));
            }
            if let Some(cursor) = &cursor {
                call = call.query("cursor", cursor);
            }
            let page = call.try_send().map_err(drop)?.json(200);
            for row in page["items"].as_array().expect("a page has items") {
                rows.push(self.seen(row));
            }
            match page["next"].as_str() {
                Some(next) if query.all => cursor = Some(next.to_string()),
                _ => return Ok(json!({ "ok": rows })),
            }
        }
    }

    /// A row that the host shows, whose version must go with what was shown before.
    fn seen(&mut self, row: &Value) -> Value {
        let id = row["id"].as_str().expect("a row has an id");
        if self.model.rows.contains_key(id) {
            self.model.saw(id, row["version"].as_u64().expect("a row has a version"));
        }
        shown(id, &fields(row))
    }

    /// Several writes as one transaction.
    fn batch(&mut self, host: &Client) -> Option<u64> {
        let count = self.random.random_range(2..6);
        let (before, mut after) = (self.model.clone(), self.model.clone());
        let mut writes = Vec::new();
        while writes.len() < count {
            let op = random::op(&mut self.random, &self.model.owner);
            let (name, id, mut row) = match op.clone() {
                Op::Insert { id, fields } => ("insert", id, fields),
                Op::Put { id, fields } => ("put", id, fields),
                Op::Update { id, patch } => ("update", id, patch),
                _ => continue,
            };
            // Those that alone cannot be done are tried one by one.
            if after.apply(&op).get("ok").is_some() {
                row.insert("id".into(), json!(id));
                writes.push(json!({"table": TABLE, name: row}));
            }
        }
        // Half of them are spoiled by a last one, and then nothing is done.
        let is_spoiled = self.random.random_bool(0.5);
        if is_spoiled {
            writes.push(json!({"table": TABLE, "delete": "nobody's"}));
            after = before.clone();
        }
        let call = host.post("batch").json(&json!({ "writes": writes }));
        self.pending = Some(Pending { before, after: after.clone(), in_parts: false });
        let answer = call.try_send().ok()?;
        self.pending = None;
        assert_eq!(answer.status, if is_spoiled { 404 } else { 200 }, "{}", answer.text());
        self.model = after;
        if !is_spoiled {
            for item in answer.json(200)["items"].as_array().expect("a batch tells of each write") {
                let id = item["id"].as_str().expect("a row has an id");
                self.model.saw(id, item["version"].as_u64().expect("a row that was written has a version"));
            }
        }
        Some(count as u64)
    }
}

impl Worker for HttpClient {
    fn act(&mut self, host: &Client) -> Option<u64> {
        self.asked += 1;
        if self.asked.is_multiple_of(8) {
            return self.batch(host);
        }
        let mut op = random::op(&mut self.random, &self.model.owner);
        if let Op::DeleteWhere { limit, .. } = &mut op {
            // Over HTTP all that match go.
            *limit = 0;
        }
        let (before, mut after) = (self.model.clone(), self.model.clone());
        let expected = after.apply(&op);
        if op.is_write() {
            let in_parts = matches!(op, Op::DeleteWhere { .. });
            self.pending = Some(Pending { before, after: after.clone(), in_parts });
        }
        let told = self.send(host, &op).ok()?;
        assert_eq!(told, expected, "{op:?}");
        if self.pending.take().is_some() {
            self.model = after;
        }
        Some(1)
    }

    fn resolve(&mut self, host: &Client) {
        let there = rows(host, &self.model.owner);
        if let Some(Pending { before, after, in_parts }) = self.pending.take() {
            let is = |model: &Model| same(&model.rows, &there);
            let is_between = in_parts
                && there
                    .iter()
                    .all(|(id, row)| before.rows.get(id).is_some_and(|was| was.fields == row.fields))
                && after.rows.keys().all(|id| there.contains_key(id));
            assert!(is(&before) || is(&after) || is_between, "a write is neither done nor undone: {there:?}");
            self.model.rows = there;
        } else {
            assert!(same(&self.model.rows, &there), "what was told has changed");
        }
    }

    fn model(&self) -> &Model {
        &self.model
    }
}

/// What is told of an answer: the code of an error, or what `ok` makes of its document.
fn told(answer: &Answer, ok: impl FnOnce(&Value) -> Value) -> Value {
    match answer.status {
        200..=204 if answer.body.is_empty() => json!({"ok": ok(&Value::Null)}),
        200..=204 => json!({"ok": ok(&answer.json(answer.status))}),
        status => {
            let code = answer.json(status)["code"].clone();
            error(code.as_str().expect("a refusal has a code"))
        }
    }
}

/// The members of a row that the host shows.
fn fields(row: &Value) -> Map<String, Value> {
    let own = ["id", "version", "created_at", "updated_at"];
    let members = row.as_object().expect("a row is an object").iter();
    members
        .filter(|(name, _)| !own.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// All rows of an owner, by a walk over the whole table.
pub(crate) fn rows(host: &Client, owner: &str) -> BTreeMap<String, Kept> {
    let own = host.rows(TABLE).into_iter().filter(|row| row["owner"] == owner);
    own.map(|row| {
        let id = row["id"].as_str().expect("a row has an id").to_string();
        (id, Kept { fields: fields(&row), version: row["version"].as_u64() })
    })
    .collect()
}

/// Whether rows are the same, in their versions too as far as those are known.
pub(crate) fn same(model: &BTreeMap<String, Kept>, there: &BTreeMap<String, Kept>) -> bool {
    model.len() == there.len()
        && model.iter().all(|(id, row)| {
            there.get(id).is_some_and(|other| {
                row.fields == other.fields && (row.version.is_none() || row.version == other.version)
            })
        })
}
