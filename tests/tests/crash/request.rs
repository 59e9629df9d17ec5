//! Runs that clients ask for, each request made once: waited for or not, tried again, in stages, cancelled now and
//! then, and done again when they have ended.

use crate::effect::{Effects, stages_done};
use crate::kill::Load;
use rand::RngExt as _;
use rand::rngs::StdRng;
use sandglass_tests::{Answer, Call, Client, until};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Clients of one job.
pub(crate) struct Requests {
    job: &'static str,
    /// What each run does, but for a rest of random length where there is null.
    script: Vec<Value>,
    effects: Effects,
    random: StdRng,
    runs: BTreeMap<String, Told>,
    /// Those that the host told about since it was last started.
    news: Vec<String>,
    /// How many requests there were.
    asked: u64,
    /// The newest request, and the run that it made, unless the host was gone.
    newest: Option<(Asked, Option<String>)>,
}

/// A request for a run, which may be sent again.
#[derive(Clone)]
struct Asked {
    path: String,
    key: String,
    body: Value,
}

/// What the host has told of a run.
#[derive(Debug, PartialEq)]
enum Told {
    /// It was asked for.
    Asked,
    /// It has ended, and this is all there is to it.
    Ended(Value),
    /// It has ended before it could be cancelled.
    HasEnded,
    Cancelled,
    /// The host was killed before it said whether it had cancelled it.
    Unanswered,
}

/// Stages of a run that makes checkpoints.
const STAGES: u64 = 4;
/// The attempt of a retried run that succeeds, where none is lost.
const SUCCEEDS_AT: u64 = 3;

impl Requests {
    /// Two rows and an email with the run's success.
    pub(crate) fn at_once(host: &Client, random: StdRng) -> Requests {
        let script = vec![insert("left", "{run}"), Value::Null, insert("right", "{run}"), mail("{run}")];
        let effects = Effects::once("at-once", "left").and_in("right").and_mails();
        Requests::new(host, random, "at-once", script, effects)
    }

    /// A row and an email, after attempts that fail.
    pub(crate) fn retried(host: &Client, random: StdRng) -> Requests {
        let fail = json!({ "fail_until_attempt": SUCCEEDS_AT });
        let script = vec![insert("retried", "{run}"), Value::Null, fail, mail("{run}")];
        Requests::new(host, random, "retried", script, Effects::once("retried", "retried").and_mails())
    }

    /// A row, an email and one more on a counter of all runs with each of several checkpoints.
    pub(crate) fn staged(host: &Client, random: StdRng) -> Requests {
        host.put("tables/counters/rows/stages").json(&json!({"n": 0})).send().json(201);
        let increment = json!({"increment": {"table": "counters", "id": "stages", "field": "n"}});
        let steps = [insert("staged", "{run}.{i}"), increment, mail("{run}.{i}"), Value::Null];
        let script = vec![json!({"stages": {"count": STAGES, "steps": steps}, "must": true})];
        Requests::new(host, random, "staged", script, Effects::in_stages("staged", "staged").and_mails())
    }

    fn new(
        host: &Client,
        random: StdRng,
        job: &'static str,
        script: Vec<Value>,
        effects: Effects,
    ) -> Requests {
        let tables = ["left", "right", "retried", "staged", "counters"];
        for table in tables {
            host.put(format!("tables/{table}")).send();
        }
        let granted: BTreeMap<&str, &str> = tables.map(|table| (table, "read-write")).into();
        let policy = json!({
            "overlap": "allow",
            "max_concurrency": 4,
            "retry": {"max_attempts": SUCCEEDS_AT, "initial": "20ms", "max": "50ms"},
        });
        let email = json!({"to": ["*@example.com"], "per_day": 100_000});
        host.deploy(job, "probe", json!({"policy": policy, "grants": {"tables": granted, "email": email}}));
        Requests {
            job,
            script,
            effects,
            random,
            runs: BTreeMap::new(),
            news: Vec::new(),
            asked: 0,
            newest: None,
        }
    }

    fn ask(&mut self, host: &Client) -> Option<()> {
        let rest = json!({"sleep_ms": self.random.random_range(0..40)});
        let script = with_rest(&json!(self.script), &rest);
        self.send(host, format!("jobs/{}/runs", self.job), json!({ "input": script }))
    }

    /// Asks for a run like one that has ended.
    fn ask_again(&mut self, host: &Client) -> Option<()> {
        let has_ended = |told: &Told| !matches!(told, Told::Asked | Told::Unanswered);
        let ended: Vec<&String> =
            self.runs.iter().filter(|(_, told)| has_ended(told)).map(|(id, _)| id).collect();
        if ended.is_empty() {
            return Some(());
        }
        let run = ended[self.random.random_range(0..ended.len())];
        self.send(host, format!("runs/{run}/retry"), json!({}))
    }

    fn send(&mut self, host: &Client, path: String, body: Value) -> Option<()> {
        self.asked += 1;
        let asked = Asked { path, key: format!("{}-{}", self.job, self.asked), body };
        self.newest = Some((asked.clone(), None));
        let mut call = asked.call(host);
        // Others are not waited for, so that some are always about to run.
        if self.random.random_bool(0.6) {
            call = call.query("wait", "10s");
        }
        let run = the_run(&call.try_send().ok()?);
        self.newest = Some((asked, Some(self.note(&run))));
        Some(())
    }

    /// Sends the newest request again, as a client does that was not answered, or that forgot.
    #[track_caller]
    fn send_again(&mut self, host: &Client) {
        if let Some((asked, before)) = self.newest.take() {
            let run = self.note(&the_run(&asked.call(host).send()));
            assert!(before.is_none_or(|before| before == run), "{} made a second run", asked.key);
        }
    }

    /// Keeps what the host said of a run, and gives its id.
    fn note(&mut self, run: &Value) -> String {
        let id = run["id"].as_str().expect("an id").to_string();
        if run["outcome"].is_string() {
            self.runs.insert(id.clone(), Told::Ended(run.clone()));
        } else {
            self.runs.entry(id.clone()).or_insert(Told::Asked);
        }
        self.news.push(id.clone());
        id
    }

    /// Cancels the newest run that was not waited for.
    fn cancel(&mut self, host: &Client) -> Option<()> {
        let asked = self.runs.iter().rev().find(|(_, told)| **told == Told::Asked);
        let Some(id) = asked.map(|(id, _)| id.clone()) else { return Some(()) };
        let Ok(answer) = host.post(format!("runs/{id}/cancel")).try_send() else {
            self.runs.insert(id, Told::Unanswered);
            return None;
        };
        let told = if answer.status == 200 {
            Told::Cancelled
        } else {
            answer.refusal(409, "conflict");
            Told::HasEnded
        };
        self.runs.insert(id.clone(), told);
        self.news.push(id);
        Some(())
    }

    /// The host still says what it has told of a run.
    #[track_caller]
    fn compare(&self, run: &Value) {
        let told = &self.runs[run["id"].as_str().expect("an id")];
        match told {
            Told::Asked | Told::Unanswered => {}
            Told::Ended(before) => assert_eq!(run, before, "a run that had ended"),
            Told::HasEnded => assert!(run["outcome"].is_string() && run["outcome"] != "cancelled", "{run:#}"),
            Told::Cancelled => assert_eq!(run["outcome"], "cancelled", "{run:#}"),
        }
    }
}

impl Load for Requests {
    fn act(&mut self, host: &Client) -> Option<()> {
        match self.random.random_range(0..20) {
            0..2 => self.cancel(host),
            2..4 => self.ask_again(host),
            _ => self.ask(host),
        }
    }

    fn check(&mut self, host: &Client) {
        self.send_again(host);
        for id in std::mem::take(&mut self.news) {
            self.compare(&host.read(format!("runs/{id}")));
        }
        self.effects.check(host);
    }

    fn check_at_the_end(&mut self, host: &Client) {
        until(&format!("the end of all runs of {}", self.job), || {
            (host.read(format!("jobs/{}", self.job))["live_runs"] == 0).then_some(())
        });
        let runs = host.list(&format!("jobs/{}/runs", self.job));
        let by_id: BTreeMap<&str, &Value> =
            runs.iter().map(|run| (run["id"].as_str().expect("an id"), run)).collect();
        assert_eq!(by_id.len(), runs.len(), "a run is listed twice");
        let known: BTreeSet<&str> = self.runs.keys().map(String::as_str).collect();
        let difference: Vec<&&str> = known
            .iter()
            .filter(|id| !by_id.contains_key(**id))
            .chain(by_id.keys().filter(|id| !known.contains(*id)))
            .collect();
        assert!(difference.is_empty(), "runs that are gone, or that nobody asked for: {difference:?}");
        assert_eq!(runs.len() as u64, self.asked, "each request has made one run");
        for run in &runs {
            self.compare(run);
            check_end(run);
        }
        self.effects.check_at_the_end(host, &runs);
        if self.job == "staged" {
            let stages = self.effects.of(&runs).len();
            let counted = host.get("tables/counters/rows/stages").send().json(200);
            assert_eq!(counted["n"], stages, "each stage was counted once");
        }
        let again = runs.iter().filter(|run| run["attempts"].to_string().contains("\"lost\"")).count();
        println!("{}: {} runs, of which {again} lost an attempt", self.job, runs.len());
        assert!(runs.iter().any(|run| run["outcome"] == "succeeded"), "the host hardly got to do anything");
    }

    fn acknowledged(&self) -> usize {
        self.runs.len()
    }
}

impl Asked {
    fn call<'a>(&self, host: &'a Client) -> Call<'a> {
        host.post(self.path.as_str()).header("idempotency-key", &self.key).json(&self.body)
    }
}

/// The run that an answer is about.
#[track_caller]
fn the_run(answer: &Answer) -> Value {
    assert!(matches!(answer.status, 200 | 202), "{}", answer.text());
    answer.json(answer.status)
}

/// A run ends well, or as somebody asked, or after more kills or conflicts than it is tried again for.
#[track_caller]
fn check_end(run: &Value) {
    match run["outcome"].as_str() {
        Some("succeeded") => {
            let attempts = run["attempt"].as_u64().expect("a number");
            assert!(run["job"] != "retried" || attempts >= SUCCEEDS_AT, "{run:#}");
            assert!(run["job"] != "staged" || stages_done(run) == STAGES, "{run:#}");
        }
        Some("cancelled") => {}
        Some("failed") => {
            let conflict = run["job"] == "staged" && run["cause"] == "conflict";
            assert!(run["cause"] == "lost" || conflict, "{run:#}");
        }
        _ => panic!("a run that nothing ends: {run:#}"),
    }
}

fn insert(table: &str, id: &str) -> Value {
    json!({"insert": {"table": table, "id": id, "fields": {}}, "must": true})
}

fn mail(subject: &str) -> Value {
    json!({"email": {"to": ["ops@example.com"], "subject": subject, "text": "done"}, "must": true})
}

/// The script with a rest wherever it has null.
fn with_rest(script: &Value, rest: &Value) -> Value {
    match script {
        Value::Null => rest.clone(),
        Value::Array(items) => items.iter().map(|item| with_rest(item, rest)).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), with_rest(value, rest))).collect()
        }
        other => other.clone(),
    }
}
