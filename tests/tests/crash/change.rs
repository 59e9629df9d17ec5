//! A job with a schedule that is edited, paused, resumed, backfilled and given other components.

use crate::kill::Load;
use crate::occurrence::{Reign, account};
use jiff::{SignedDuration, Timestamp};
use rand::RngExt as _;
use rand::rngs::StdRng;
use sandglass_tests::{Client, guest, instant, now};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const JOB: &str = "jobs/edited";

pub(crate) struct Changes {
    random: StdRng,
    /// The job as the host has last shown it.
    job: Value,
    /// When each revision was committed, and its schedule.
    revisions: BTreeMap<u64, (Timestamp, Value)>,
    /// Whether something was asked for when the host was gone.
    open: bool,
    edits: u64,
    /// Components that were uploaded, by digest.
    components: BTreeMap<String, Vec<u8>>,
    /// Runs of backfills.
    backfilled: BTreeSet<String>,
    /// A backfill that was asked for when the host was gone: its key and body.
    backfill: Option<(String, Value)>,
    told: usize,
}

impl Changes {
    pub(crate) fn new(host: &Client, random: StdRng) -> Changes {
        let policy = json!({"late_after": "1s"});
        let job = host.deploy("edited", "trivial", json!({"schedule": {"every": "1s"}, "policy": policy}));
        let mut changes = Changes {
            random,
            job: Value::Null,
            revisions: BTreeMap::new(),
            open: false,
            edits: 0,
            components: BTreeMap::new(),
            backfilled: BTreeSet::new(),
            backfill: None,
            told: 0,
        };
        changes.note(job);
        changes
    }

    /// Keeps the job that the host has shown after a change of it.
    fn note(&mut self, job: Value) {
        let number = job["revision"].as_u64().expect("a number");
        let schedule = job["specification"]["schedule"].clone();
        self.revisions.insert(number, (instant(&job["revised_at"]), schedule));
        self.job = job;
        self.told += 1;
    }

    fn upload(&mut self, host: &Client) -> Option<()> {
        // A custom section, which changes nothing but the digest.
        let note = self.edits.to_be_bytes();
        let mut component = guest("trivial");
        component.extend_from_slice(&[0, note.len() as u8 + 5, 4]);
        component.extend_from_slice(b"note");
        component.extend_from_slice(&note);
        let answer = host
            .put(format!("{JOB}/component"))
            .bytes("application/wasm", component.clone())
            .try_send()
            .ok()?;
        let job = answer.json(200);
        let digest = job["specification"]["component"].as_str().expect("a digest").to_string();
        self.components.insert(digest, component);
        self.note(job);
        Some(())
    }

    fn edit(&mut self, host: &Client, patch: &Value) -> Option<()> {
        let job = host.patch(JOB).json(patch).try_send().ok()?.json(200);
        self.note(job);
        Some(())
    }

    /// Some seconds of the schedule that are over.
    fn backfill(&mut self, host: &Client) -> Option<()> {
        let to = now() - SignedDuration::from_millis(500);
        let from = to - SignedDuration::from_secs(self.random.random_range(2..5));
        let since = self.reigns().last().expect("a schedule").after;
        if from < since {
            return Some(());
        }
        let body = json!({"from": format!("{from:.3}"), "to": format!("{to:.3}")});
        self.backfill = Some((format!("backfill-{}", self.edits), body));
        self.send_backfill(host)
    }

    fn send_backfill(&mut self, host: &Client) -> Option<()> {
        let Some((key, body)) = &self.backfill else { return Some(()) };
        let call = host.post(format!("{JOB}/backfill")).header("idempotency-key", key).json(body);
        let made = call.try_send().ok()?.json(202);
        let runs = made["runs"].as_array().expect("a list").iter().map(|id| id.as_str().expect("an id"));
        let runs: BTreeSet<String> = runs.map(str::to_string).collect();
        assert!(!runs.is_empty() && made["count"] == runs.len(), "{made}");
        self.backfilled.extend(runs);
        self.backfill = None;
        Some(())
    }

    fn ask(&mut self, host: &Client, what: &str, body: &Value) -> Option<()> {
        let job = host.post(format!("{JOB}/{what}")).json(body).try_send().ok()?.json(200);
        self.note(job);
        Some(())
    }
}

impl Load for Changes {
    fn act(&mut self, host: &Client) -> Option<()> {
        self.open = true;
        self.edits += 1;
        match self.random.random_range(0..14) {
            0..3 => self.ask(host, "pause", &json!({"reason": "for a test"}))?,
            3..7 => self.ask(host, "resume", &json!({}))?,
            7 => self.edit(host, &json!({"schedule": {"every": "2s"}}))?,
            8 => self.edit(host, &json!({"schedule": {"every": "1s"}}))?,
            9 => {
                let newest = self.job["revision"].as_u64().expect("a number");
                let revision = self.random.random_range(newest.saturating_sub(20).max(1)..=newest);
                self.ask(host, "rollback", &json!({ "revision": revision }))?;
            }
            10 => self.upload(host)?,
            11..13 => self.backfill(host)?,
            _ => self.edit(host, &json!({"env": {"EDIT": self.edits.to_string()}}))?,
        }
        self.open = false;
        // Between two changes the schedule has its turn.
        std::thread::sleep(std::time::Duration::from_millis(self.random.random_range(0..300)));
        Some(())
    }

    fn check(&mut self, host: &Client) {
        let job = host.read(JOB);
        let number = |job: &Value, member: &str| job[member].as_u64().expect("a number");
        if job["version"] == self.job["version"] {
            for member in ["revision", "revised_at", "specification", "state", "paused"] {
                assert_eq!(job[member], self.job[member], "{member} of an acknowledged change");
            }
        } else {
            // The change that nobody was told of. A pause of a paused job, and its like, are none.
            assert!(self.open && number(&job, "version") > number(&self.job, "version"), "{job:#}");
            assert!(number(&job, "revision") <= number(&self.job, "revision") + 1, "{job:#}");
            self.note(job);
        }
        self.open = false;
        self.send_backfill(host).expect("the host answers");
        for revision in host.list(&format!("{JOB}/revisions")) {
            let known = &self.revisions[&number(&revision, "number")];
            let (committed_at, schedule) =
                (instant(&revision["committed_at"]), &revision["specification"]["schedule"]);
            assert_eq!((&known.0, &known.1), (&committed_at, schedule), "{revision:#}");
        }
        for (digest, component) in &self.components {
            let answer = host.get(format!("components/{digest}/wasm")).send();
            assert!(answer.status == 200 && answer.body == *component, "component {digest} was acknowledged");
        }
    }

    fn check_at_the_end(&mut self, host: &Client) {
        self.check(host);
        if self.job["state"] == "paused" {
            let job = host.post(format!("{JOB}/resume")).send().json(200);
            self.note(job);
        }
        let job = host.patch(JOB).json(&json!({"schedule": {"every": null}})).send().json(200);
        self.note(job);
        let runs = account(host, "edited", &self.reigns());
        let backfilled = runs.iter().filter(|run| run["trigger"] == "backfill");
        let backfilled: BTreeSet<String> =
            backfilled.map(|run| run["id"].as_str().expect("an id").to_string()).collect();
        assert_eq!(backfilled, self.backfilled, "runs of backfills");
        println!(
            "edited: {} revisions, {} components, {} runs of backfills",
            self.revisions.len(),
            self.components.len(),
            backfilled.len()
        );
    }

    fn acknowledged(&self) -> usize {
        self.told
    }
}

impl Changes {
    /// A schedule reigns from the commit that first sets it until the next one is set.
    fn reigns(&self) -> Vec<Reign> {
        let mut reigns: Vec<Reign> = Vec::new();
        for (committed_at, schedule) in self.revisions.values() {
            if let Some(last) = reigns.last_mut() {
                last.until = *committed_at;
                if last.schedule == *schedule {
                    continue;
                }
            }
            reigns.push(Reign { schedule: schedule.clone(), after: *committed_at, until: *committed_at });
        }
        reigns
    }
}
