//! Runs of a job that writes and reads its own rows: a run is many operations, and all of it happens or nothing.

use crate::client::{Worker, rows, same};
use crate::model::{Model, shown};
use crate::op::{Op, TABLE};
use crate::random;
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _};
use sandglass_tests::{Client, answers};
use serde_json::{Value, json};

pub(crate) struct Job {
    name: String,
    model: Model,
    random: StdRng,
    /// The run that was asked for when the host was killed.
    pending: Option<Asked>,
}

/// A run as it is asked for, once and again.
struct Asked {
    key: String,
    ops: Vec<Op>,
    /// Whether it fails when all is done.
    fails: bool,
}

impl Job {
    pub(crate) fn new(host: &Client, owner: &str, random: StdRng) -> Job {
        let specification = json!({
            "grants": {"tables": {TABLE: "read-write"}},
            "policy": {"retry": {"max_attempts": 1}},
        });
        host.deploy(owner, "probe", specification);
        Job { name: owner.to_string(), model: Model::new(owner), random, pending: None }
    }

    /// Asks for the run, again where it was asked for before, and holds it to the model when it has ended.
    fn run(&mut self, host: &Client, asked: &Asked) -> Option<()> {
        let mut script: Vec<Value> = asked.ops.iter().map(|op| op.step(&self.name)).collect();
        if asked.fails {
            script.push(json!({"fail": {"message": "as the script says"}}));
        }
        let call = host.post(format!("jobs/{}/runs", self.name)).query("wait", "60s");
        let call = call.header("idempotency-key", &asked.key).json(&json!({ "input": script }));
        let answer = call.try_send().ok()?;
        assert!(matches!(answer.status, 200 | 202), "{}", answer.text());
        let mut run = answer.json(answer.status);
        if run["outcome"].is_null() {
            let id = run["id"].as_str().expect("a run has an id");
            run = host.ended(id);
        }
        let mut after = self.model.clone();
        let expected: Vec<Value> = asked.ops.iter().map(|op| after.apply(op)).collect();
        if asked.fails {
            assert_eq!((&run["outcome"], &run["cause"]), (&json!("failed"), &json!("error")), "{run:#}");
            return Some(());
        }
        assert_eq!(run["outcome"], "succeeded", "{run:#}");
        for ((op, told), expected) in asked.ops.iter().zip(answers(&run)).zip(expected) {
            assert_eq!(plain(op, &told), expected, "{op:?} in {:?}", asked.ops);
        }
        self.model = after;
        Some(())
    }
}

/// An answer of the probe as the model gives it.
fn plain(op: &Op, told: &Value) -> Value {
    if let Some(code) = told["error"]["code"].as_str() {
        return crate::model::error(code);
    }
    let row = |row: &Value| {
        let fields = row["fields"].as_object().expect("a row has fields");
        shown(row["id"].as_str().expect("a row has an id"), fields)
    };
    let rows = |rows: &Value| rows.as_array().expect("rows").iter().map(row).collect::<Vec<_>>();
    let told = &told["ok"];
    match op {
        Op::Get { .. } if !told.is_null() => json!({"ok": row(told)}),
        Op::Query(query) if query.all => json!({"ok": rows(told)}),
        Op::Query(_) => json!({"ok": rows(&told["rows"])}),
        _ => json!({ "ok": told }),
    }
}

impl Worker for Job {
    fn act(&mut self, host: &Client) -> Option<u64> {
        let count = self.random.random_range(3..20);
        let ops = (0..count).map(|_| random::op(&mut self.random, &self.name)).collect();
        let key = format!("{}-{}", self.name, self.random.next_u64());
        let asked = Asked { key, ops, fails: self.random.random_bool(0.15) };
        let done = self.run(host, &asked);
        if done.is_none() {
            self.pending = Some(asked);
        }
        done.map(|()| count)
    }

    fn resolve(&mut self, host: &Client) {
        if let Some(asked) = self.pending.take() {
            self.run(host, &asked).expect("the host answers");
        }
        let there = rows(host, &self.name);
        assert!(same(&self.model.rows, &there), "the rows of {} are not what its runs left", self.name);
        self.model.rows = there;
    }

    fn model(&self) -> &Model {
        &self.model
    }
}
