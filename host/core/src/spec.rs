//! A job's whole specification, and how one is read from JSON with every problem named at once.

use crate::grant::Grants;
use crate::id::Digest;
use crate::limit::{Limits, fixed};
use crate::notify::{Hook, Notify};
use crate::policy::Policy;
use crate::problem::{Problem, escape, pointer};
use crate::schedule::{Schedule, ScheduleSpec};
use crate::secret::SecretName;
use crate::time::{Instant, brief};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Everything that one revision of a job says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Specification {
    pub component: Digest,
    #[serde(default)]
    pub schedule: ScheduleSpec,
    #[serde(default)]
    pub policy: Policy,
    #[serde(default)]
    pub limits: Limits,
    #[serde(default)]
    pub grants: Grants,
    /// What `this-run.setting` gives, and the guest's environment variables.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Notify::is_nobody")]
    pub notify: Notify,
    /// None: no request but one with a token starts the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook: Option<Hook>,
}

const MEMBERS: &str = "component, schedule, policy, limits, grants, env, notify and hook";

impl Specification {
    pub fn new(component: Digest) -> Specification {
        Specification {
            component,
            schedule: ScheduleSpec::default(),
            policy: Policy::default(),
            limits: Limits::default(),
            grants: Grants::default(),
            env: BTreeMap::new(),
            notify: Notify::default(),
            hook: None,
        }
    }

    /// Reads a specification and checks it against `ceiling`. `anchor` is the instant of the commit that
    /// it is meant for; only whether the schedule is valid depends on it.
    ///
    /// # Errors
    /// Every problem, each with its JSON pointer.
    pub fn from_json(
        document: Value,
        ceiling: &Limits,
        anchor: Instant,
    ) -> Result<Specification, Vec<Problem>> {
        let Value::Object(mut members) = document else {
            return Err(vec![Problem::new("", "a specification is a JSON object")]);
        };
        let mut problems = Vec::new();
        let component = match members.remove("component") {
            Some(Value::String(text)) => text
                .parse::<Digest>()
                .map_err(|message| problems.push(Problem::new("/component", message)))
                .ok(),
            Some(_) => {
                problems.push(Problem::new("/component", "a component's digest is text"));
                None
            }
            None => {
                problems.push(Problem::new("/component", "is missing: the digest of an uploaded component"));
                None
            }
        };
        let spec = Specification {
            component: component.unwrap_or(Digest([0; 32])),
            schedule: section(&mut members, "schedule", &mut problems),
            policy: section(&mut members, "policy", &mut problems),
            limits: section(&mut members, "limits", &mut problems),
            grants: section(&mut members, "grants", &mut problems),
            env: environment(members.remove("env"), &mut problems),
            notify: section(&mut members, "notify", &mut problems),
            hook: hook(members.remove("hook"), &mut problems),
        };
        for name in members.keys() {
            let message = format!("`{}` is not a member of a specification: it has {MEMBERS}", brief(name));
            problems.push(Problem::new(format!("/{}", escape(name)), message));
        }
        problems.extend(spec.problems(ceiling, anchor));
        if problems.is_empty() { Ok(spec) } else { Err(problems) }
    }

    /// What is wrong with the values, whose forms are right.
    fn problems(&self, ceiling: &Limits, anchor: Instant) -> Vec<Problem> {
        let mut problems = match Schedule::new(&self.schedule, anchor) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.into_iter().map(|problem| problem.under("/schedule")).collect(),
        };
        problems.extend(self.policy.problems());
        problems.extend(self.limits.problems(ceiling));
        problems.extend(self.grants.problems());
        problems.extend(self.notify.problems());
        let secrets = [
            ("/notify/secret", self.notify.secret.as_ref()),
            ("/hook/secret", self.hook.as_ref().map(|hook| &hook.secret)),
        ];
        for (pointer, name) in secrets {
            if let Some(Err(message)) = name.map(|name| name.parse::<SecretName>()) {
                problems.push(Problem::new(pointer, message));
            }
        }
        problems
    }
}

/// One section, member by member, so that each wrong one is named.
fn section<T: DeserializeOwned + Default>(
    document: &mut Map<String, Value>,
    name: &str,
    problems: &mut Vec<Problem>,
) -> T {
    let members = match document.remove(name) {
        None | Some(Value::Null) => return T::default(),
        Some(Value::Object(members)) => members,
        Some(_) => {
            problems.push(Problem::new(format!("/{name}"), "is an object"));
            return T::default();
        }
    };
    let before = problems.len();
    for (member, value) in &members {
        let alone = Value::Object(Map::from_iter([(member.clone(), value.clone())]));
        if let Err(error) = serde_path_to_error::deserialize::<_, T>(alone) {
            let place = format!("/{name}/{}{}", escape(member), pointer(error.path().iter().skip(1)));
            problems.push(Problem::new(place, error.inner().to_string()));
        }
    }
    if problems.len() > before {
        return T::default();
    }
    serde_json::from_value(Value::Object(members)).unwrap_or_else(|error| {
        problems.push(Problem::new(format!("/{name}"), error.to_string()));
        T::default()
    })
}

fn hook(value: Option<Value>, problems: &mut Vec<Problem>) -> Option<Hook> {
    let value = value.filter(|value| !value.is_null())?;
    let read = serde_json::from_value(value);
    read.map_err(|error| problems.push(Problem::new("/hook", error.to_string()))).ok()
}

fn environment(value: Option<Value>, problems: &mut Vec<Problem>) -> BTreeMap<String, String> {
    let members = match value {
        None | Some(Value::Null) => return BTreeMap::new(),
        Some(Value::Object(members)) => members,
        Some(_) => {
            problems.push(Problem::new("/env", "is an object of texts"));
            return BTreeMap::new();
        }
    };
    if members.len() > fixed::ENV {
        problems.push(Problem::new(
            "/env",
            format!("{} values, and at most {} are allowed", members.len(), fixed::ENV),
        ));
    }
    let mut values = BTreeMap::new();
    for (name, value) in members {
        let pointer = format!("/env/{}", escape(&name));
        let named = (1..=255).contains(&name.len()) && !name.contains(['=', '\0']);
        match value {
            _ if !named => {
                problems.push(Problem::new(pointer, "a name has 1 to 255 bytes, no `=` and no NUL"));
            }
            Value::String(text) if text.len() as u64 > fixed::ENV_VALUE.0 || text.contains('\0') => {
                problems
                    .push(Problem::new(pointer, format!("at most {} of text without NUL", fixed::ENV_VALUE)));
            }
            Value::String(text) => {
                values.insert(name, text);
            }
            _ => problems.push(Problem::new(pointer, "is text: write it in quotes")),
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(document: Value) -> Result<Specification, Vec<Problem>> {
        Specification::from_json(document, &Limits::CEILING, Instant::EPOCH)
    }

    #[test]
    fn a_whole_specification_reads_and_writes_back() {
        let component = Digest::of(b"").to_string();
        let spec = read(json!({
            "component": component,
            "schedule": {"every": "1h", "jitter": "5m"},
            "policy": {"overlap": "allow", "max_concurrency": 3, "timeout": "30s",
                       "retry": {"max_attempts": 3, "initial": "1s", "max": "1m", "on": ["timeout"]}},
            "limits": {"fuel": 1_000_000_000, "memory": "64MiB"},
            "grants": {"tables": {"sessions": "read-write"}, "email": {"to": ["*@example.com"]},
                       "http": ["api.example.com", {"host": "nas.lan:8080", "private": true}]},
            "env": {"KEEP_DAYS": "30"},
        }))
        .unwrap();
        assert_eq!(spec.env["KEEP_DAYS"], "30");
        let again = read(serde_json::to_value(&spec).unwrap()).unwrap();
        assert_eq!(again, spec);
    }

    #[test]
    fn every_problem_is_named_at_once() {
        let problems = read(json!({
            "component": "abc",
            "schedule": {"every": "1 fortnight", "hourly": true},
            "policy": {"overlap": "maybe", "timeout": 30, "retry": {"max": "soon"}},
            "limits": {"memory": "2GiB"},
            "grants": {"tables": {"NO": "read"}, "http": ["a.org", {"host": "b.org", "public": true}, 5]},
            "env": {"A": 1, "B=": "x"},
            "notifies": {},
            "hook": {"secrets": "A"},
        }))
        .unwrap_err();
        let mut pointers: Vec<_> = problems.iter().map(|p| p.pointer.as_str()).collect();
        pointers.sort_unstable();
        assert_eq!(
            pointers,
            [
                "/component",
                "/env/A",
                "/env/B=",
                "/grants/http/1/public",
                "/grants/tables/NO",
                "/hook",
                "/limits/memory",
                "/notifies",
                "/policy/overlap",
                "/policy/retry/max",
                "/policy/timeout",
                "/schedule/hourly"
            ]
        );
        assert_eq!(read(json!([])).unwrap_err()[0].pointer, "");
    }
}
