//! What one owner's rows must be, and what must be told of them: plain code that knows no index and no store.

use crate::op::{Condition, Filter, Op, Query};
use serde_json::{Map, Value, json};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// A row as the model has it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Kept {
    pub(crate) fields: Map<String, Value>,
    /// None after a write whose version nobody has told yet.
    pub(crate) version: Option<u64>,
}

/// The rows of one owner, by their ids. Only the owner writes them, so what is told of them is certain.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) owner: String,
    pub(crate) rows: BTreeMap<String, Kept>,
}

/// Two members that are one row's alone, by a unique index.
pub(crate) const UNIQUE: [&str; 2] = ["owner", "u"];

impl Model {
    pub(crate) fn new(owner: &str) -> Model {
        Model { owner: owner.to_string(), rows: BTreeMap::new() }
    }

    /// Does an operation and gives what is told of it: `{"ok": ...}` or `{"error": code}`.
    pub(crate) fn apply(&mut self, op: &Op) -> Value {
        match op {
            Op::Insert { id, .. } if self.rows.contains_key(id) => error("conflict"),
            Op::Insert { id, fields } => self.write(id, fields.clone(), &json!(id)),
            Op::Put { id, fields } => self.write(id, fields.clone(), &Value::Null),
            Op::Update { id, patch } => {
                let Some(row) = self.rows.get(id) else { return error("not-found") };
                let mut fields = row.fields.clone();
                for (name, value) in patch {
                    if value.is_null() {
                        fields.remove(name);
                    } else {
                        fields.insert(name.clone(), value.clone());
                    }
                }
                self.write(id, fields, &Value::Null)
            }
            Op::Delete { id } => json!({"ok": self.rows.remove(id).is_some()}),
            Op::Get { id } => json!({"ok": self.rows.get(id).map(|row| shown(id, &row.fields))}),
            Op::Query(query) => {
                let mut found = self.ordered(query);
                found.truncate(if query.all { usize::MAX } else { query.limit as usize });
                json!({ "ok": found })
            }
            Op::Count(filter) => json!({"ok": self.matching(filter).len()}),
            Op::DeleteWhere { filter, limit } => {
                let mut ids = self.matching(filter);
                ids.truncate(if *limit == 0 { usize::MAX } else { *limit as usize });
                for id in &ids {
                    self.rows.remove(id);
                }
                json!({"ok": ids.len()})
            }
        }
    }

    fn write(&mut self, id: &str, fields: Map<String, Value>, answer: &Value) -> Value {
        let unique = |fields: &Map<String, Value>| {
            let values = UNIQUE.map(|name| fields.get(name).cloned().unwrap_or_default());
            values.iter().all(|value| !value.is_null()).then_some(values)
        };
        let new = unique(&fields);
        let is_taken = |(other, row): (&String, &Kept)| other != id && unique(&row.fields) == new;
        if new.is_some() && self.rows.iter().any(is_taken) {
            return error("conflict");
        }
        self.rows.insert(id.to_string(), Kept { fields, version: None });
        json!({ "ok": answer })
    }

    /// The ids of rows that match, in their order.
    fn matching(&self, filter: &Filter) -> Vec<String> {
        let rows = self.rows.iter().filter(|(_, row)| matches(filter, &row.fields));
        rows.map(|(id, _)| id.clone()).collect()
    }

    fn ordered(&self, query: &Query) -> Vec<Value> {
        let mut rows: Vec<_> =
            self.rows.iter().filter(|(_, row)| matches(&query.filter, &row.fields)).collect();
        // The rows come by id, and a stable sort keeps that for those that are equal.
        rows.sort_by(|(_, left), (_, right)| {
            let steps = query.order.iter().map(|(name, descending)| {
                let ordering = compare(left.fields.get(*name), right.fields.get(*name));
                if *descending { ordering.reverse() } else { ordering }
            });
            steps.into_iter().find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal)
        });
        rows.into_iter().map(|(id, row)| shown(id, &row.fields)).collect()
    }

    /// Takes over what a row's version is said to be, which only grows and agrees with what was said before.
    pub(crate) fn saw(&mut self, id: &str, version: u64) {
        let Some(row) = self.rows.get_mut(id) else { panic!("{id} is shown, and is not there") };
        match row.version {
            Some(before) => {
                assert_eq!(version, before, "the version of {id}, which nobody has written since");
            }
            None => row.version = Some(version),
        }
    }
}

/// A row as both kinds of clients are compared by.
pub(crate) fn shown(id: &str, fields: &Map<String, Value>) -> Value {
    json!({"id": id, "fields": fields})
}

pub(crate) fn error(code: &str) -> Value {
    json!({ "error": code })
}

fn matches(filter: &Filter, fields: &Map<String, Value>) -> bool {
    let one = |(name, operator, operand): &Condition| is_so(fields.get(*name), operator, operand);
    filter.groups.is_empty() || filter.groups.iter().any(|group| group.iter().all(one))
}

fn is_so(value: Option<&Value>, operator: &str, operand: &Value) -> bool {
    let Some(value) = value else {
        return operator == "ne" || (operator == "exists" && *operand == json!(false));
    };
    // Of one kind only.
    let is_alike = || rank(Some(value)) == rank(Some(operand));
    let ordering = || is_alike().then(|| compare(Some(value), Some(operand)));
    match operator {
        "eq" => ordering() == Some(Ordering::Equal),
        "ne" => ordering() != Some(Ordering::Equal),
        "lt" => ordering() == Some(Ordering::Less),
        "le" => ordering().is_some_and(Ordering::is_le),
        "gt" => ordering() == Some(Ordering::Greater),
        "ge" => ordering().is_some_and(Ordering::is_ge),
        "exists" => *operand == json!(true),
        "starts-with" => {
            value.as_str().zip(operand.as_str()).is_some_and(|(text, start)| text.starts_with(start))
        }
        "in" => operand.as_array().is_some_and(|all| all.iter().any(|one| is_so(Some(value), "eq", one))),
        other => panic!("the model knows no {other}"),
    }
}

/// Missing, null, numbers, strings: the only kinds that are tried.
fn rank(value: Option<&Value>) -> u8 {
    match value {
        None => 0,
        Some(Value::Null) => 1,
        Some(Value::Number(_)) => 2,
        Some(Value::String(_)) => 3,
        Some(other) => panic!("the model knows no {other}"),
    }
}

fn compare(left: Option<&Value>, right: Option<&Value>) -> Ordering {
    let by_kind = rank(left).cmp(&rank(right));
    by_kind.then_with(|| match (left, right) {
        (Some(Value::String(left)), Some(Value::String(right))) => left.cmp(right),
        (Some(Value::Number(left)), Some(Value::Number(right))) => left.as_i64().cmp(&right.as_i64()),
        _ => Ordering::Equal,
    })
}
