//! The operations that are tried, and how a guest and an HTTP client say them.

use serde_json::{Map, Value, json};

pub(crate) const TABLE: &str = "things";

/// One member, an operator by its name in the guest's contract, and what it takes.
pub(crate) type Condition = (&'static str, &'static str, Value);

#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// Any of these, within each all; beside that, rows are the owner's.
    pub(crate) groups: Vec<Vec<Condition>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) filter: Filter,
    /// Members, and whether they descend.
    pub(crate) order: Vec<(&'static str, bool)>,
    /// Rows of the first page, or of each where all are asked for.
    pub(crate) limit: u32,
    pub(crate) all: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Op {
    Insert {
        id: String,
        fields: Map<String, Value>,
    },
    Put {
        id: String,
        fields: Map<String, Value>,
    },
    Update {
        id: String,
        patch: Map<String, Value>,
    },
    Delete {
        id: String,
    },
    Get {
        id: String,
    },
    Query(Query),
    Count(Filter),
    /// All that match, or the first ones by their ids.
    DeleteWhere {
        filter: Filter,
        limit: u32,
    },
}

impl Op {
    pub(crate) fn is_write(&self) -> bool {
        !matches!(self, Op::Get { .. } | Op::Query(_) | Op::Count(_))
    }

    /// As a step of the probe's script.
    pub(crate) fn step(&self, owner: &str) -> Value {
        let with = |name: &str, mut body: Value| {
            body["table"] = json!(TABLE);
            json!({ name: body })
        };
        match self {
            Op::Insert { id, fields } => with("insert", json!({"id": id, "fields": fields})),
            Op::Put { id, fields } => with("put", json!({"id": id, "fields": fields})),
            Op::Update { id, patch } => with("update", json!({"id": id, "fields": patch})),
            Op::Delete { id } => with("delete", json!({ "id": id })),
            Op::Get { id } => with("get", json!({ "id": id })),
            Op::Query(query) => {
                let name = if query.all { "query_all" } else { "query" };
                let limit = if query.all { 0 } else { query.limit };
                let filter = query.filter.for_guests(owner);
                with(name, json!({"filter": filter, "order": query.order, "limit": limit}))
            }
            Op::Count(filter) => with("count", json!({"filter": filter.for_guests(owner)})),
            Op::DeleteWhere { filter, limit } => {
                with("delete_where", json!({"filter": filter.for_guests(owner), "limit": limit}))
            }
        }
    }
}

impl Filter {
    fn for_guests(&self, owner: &str) -> Value {
        let own = || ("owner", "eq", json!(owner));
        if self.groups.is_empty() {
            return json!([[own()]]);
        }
        let with_owner = |group: &Vec<Condition>| [&[own()][..], group].concat();
        json!(self.groups.iter().map(with_owner).collect::<Vec<_>>())
    }

    /// As parameters of a URL.
    pub(crate) fn parameters(&self, owner: &str) -> Vec<(String, String)> {
        let mut parameters = vec![("owner".to_string(), format!("eq.{owner}"))];
        match self.groups.as_slice() {
            [] => {}
            [group] => parameters.extend(group.iter().map(|one| (one.0.to_string(), condition(one)))),
            groups => {
                let group = |group: &Vec<Condition>| {
                    let all = group.iter().map(|one| format!("{}.{}", one.0, condition(one)));
                    format!("and({})", all.collect::<Vec<_>>().join(","))
                };
                let groups = groups.iter().map(group).collect::<Vec<_>>();
                parameters.push(("or".to_string(), format!("({})", groups.join(","))));
            }
        }
        parameters
    }
}

fn condition((_, operator, value): &Condition) -> String {
    let operator = match *operator {
        "ne" => "neq",
        "le" => "lte",
        "ge" => "gte",
        "starts-with" => "starts_with",
        operator => operator,
    };
    match value {
        Value::Array(values) => {
            format!("{operator}.({})", values.iter().map(Value::to_string).collect::<Vec<_>>().join(","))
        }
        value => format!("{operator}.{value}"),
    }
}
