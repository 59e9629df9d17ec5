//! Hostile guests. Each says what it does, what it may use, and how its run must end.

mod cpu;
mod flood;
mod handle;
mod lifting;
mod memory;
mod reach;
mod request;
mod sleep;
mod stack;
mod storm;

use crate::wat::Wat;
use sandglass_tests::{Client, guest};
use serde_json::{Value, json};

pub struct Guest {
    /// The job that it is deployed as.
    pub name: &'static str,
    component: Vec<u8>,
    /// Without the component.
    specification: Value,
    input: Value,
    pub ends: Ends,
}

/// How its run must end.
pub enum Ends {
    Well,
    /// It fails with this cause, and a message with these words: the limit's name and figure, where it was one.
    Failed(&'static str, &'static [&'static str]),
}

impl Guest {
    fn new(name: &'static str, component: Vec<u8>, input: Value) -> Guest {
        let specification = json!({
            "policy": {"retry": {"max_attempts": 1}},
            "grants": {"tables": {"t": "read-write"}},
            "limits": {"fuel": 200_000_000},
        });
        Guest { name, component, specification, input, ends: Ends::Well }
    }

    /// One that is written by hand. Where nothing else is said it has fuel for a tenth of a second, and may read and
    /// write the table `t`.
    pub fn by_hand(name: &'static str, wat: Wat) -> Guest {
        Guest::new(name, wat.bytes(), Value::Null)
    }

    /// The tests' own job in Rust, with this script.
    pub fn probe(name: &'static str, script: Value) -> Guest {
        Guest::new(name, guest("probe"), script)
    }

    pub fn input(self, input: Value) -> Guest {
        Guest { input, ..self }
    }

    /// Sets one of its limits.
    pub fn limit(mut self, limit: &str, value: impl Into<Value>) -> Guest {
        self.specification["limits"][limit] = value.into();
        self
    }

    /// All the fuel there is, and so much time.
    pub fn timeout(mut self, timeout: &str) -> Guest {
        self.specification["policy"]["timeout"] = json!(timeout);
        self.limit("fuel", 1_000_000_000_000_u64)
    }

    pub fn grants(mut self, grants: Value) -> Guest {
        self.specification["grants"] = grants;
        self
    }

    pub fn env(mut self, env: Value) -> Guest {
        self.specification["env"] = env;
        self
    }

    pub fn fails(self, cause: &'static str, words: &'static [&'static str]) -> Guest {
        Guest { ends: Ends::Failed(cause, words), ..self }
    }

    pub fn deploy(&self, host: &Client) {
        let mut specification = self.specification.clone();
        specification["component"] = json!(host.upload(&self.component));
        let answer = host.put(format!("jobs/{}", self.name)).json(&specification).send();
        assert!(matches!(answer.status, 200 | 201), "{}: {}", self.name, answer.text());
    }

    /// Runs it once, and says what is wrong with how that ended.
    pub fn run(&self, host: &Client) -> Result<(), String> {
        let run = host.run(self.name, &self.input);
        let wrong = |what: &str| Err(format!("{}: {what}: {run:#}", self.name));
        match &self.ends {
            Ends::Well if run["outcome"] == "succeeded" => Ok(()),
            Ends::Well => wrong("it must succeed"),
            Ends::Failed(cause, _) if run["cause"] != *cause => wrong(&format!("it must fail by {cause}")),
            Ends::Failed(_, words) => {
                let message = run["message"].as_str().unwrap_or_default();
                match words.iter().find(|word| !message.contains(**word)) {
                    Some(word) => wrong(&format!("its message must say {word:?}")),
                    None => Ok(()),
                }
            }
        }
    }
}

/// All of them.
pub fn all() -> Vec<Guest> {
    let parts = [
        cpu::guests(),
        storm::guests(),
        memory::guests(),
        stack::guests(),
        lifting::guests(),
        handle::guests(),
        sleep::guests(),
        flood::guests(),
        reach::guests(),
        request::guests(),
    ];
    parts.into_iter().flatten().collect()
}
