//! What clients were shown: it does not vanish, for nothing is shown before it is on disk.

use crate::kill::Load;
use rand::RngExt as _;
use rand::rngs::StdRng;
use sandglass_tests::Client;
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) struct Shown {
    jobs: Vec<&'static str>,
    random: StdRng,
    /// The newest counters of each job.
    counters: BTreeMap<&'static str, BTreeMap<String, u64>>,
    /// Runs that had ended, by their ids.
    ended: BTreeMap<String, Value>,
    /// Of those, what was shown since the host was last started.
    news: Vec<String>,
    told: usize,
}

impl Shown {
    pub(crate) fn new(jobs: Vec<&'static str>, random: StdRng) -> Shown {
        Shown { jobs, random, counters: BTreeMap::new(), ended: BTreeMap::new(), news: Vec::new(), told: 0 }
    }

    /// Counters only grow.
    #[track_caller]
    fn note_counters(&mut self, job: &'static str, document: &Value) {
        let counters: BTreeMap<String, u64> =
            serde_json::from_value(document["counters"].clone()).expect("counters are numbers");
        if let Some(before) = self.counters.get(job) {
            let fell: Vec<&String> = before.keys().filter(|name| counters[*name] < before[*name]).collect();
            assert!(fell.is_empty(), "{job}: {fell:?} fell from {before:?} to {counters:?}");
        }
        self.counters.insert(job, counters);
    }

    #[track_caller]
    fn note_runs(&mut self, runs: &[Value]) {
        for run in runs.iter().filter(|run| run["outcome"].is_string()) {
            let id = run["id"].as_str().expect("an id").to_string();
            if let Some(before) = self.ended.insert(id.clone(), settled(run)) {
                assert_eq!(settled(run), before, "a run that had ended");
            } else {
                self.news.push(id);
            }
        }
    }
}

/// What of an ended run never changes. A cancelled run has ended before its attempt has: what that used, and its
/// last error, are added when it has.
fn settled(run: &Value) -> Value {
    let mut run = run.clone();
    if run["outcome"] == "cancelled" {
        run["usage"].take();
        run["last_error"].take();
        if let Some(last) = run["attempts"].as_array_mut().and_then(|attempts| attempts.last_mut()) {
            last["usage"].take();
            last["last_error"].take();
        }
    }
    run
}

impl Load for Shown {
    fn act(&mut self, host: &Client) -> Option<()> {
        let job = self.jobs[self.random.random_range(0..self.jobs.len())];
        let document = host.get(format!("jobs/{job}")).try_send().ok()?.json(200);
        self.note_counters(job, &document);
        let runs = host.get(format!("jobs/{job}/runs")).query("limit", "5").try_send().ok()?.json(200);
        self.note_runs(runs["items"].as_array().expect("a listing has items"));
        self.told += 1;
        Some(())
    }

    fn check(&mut self, host: &Client) {
        for job in self.jobs.clone() {
            self.note_counters(job, &host.read(format!("jobs/{job}")));
        }
        for id in std::mem::take(&mut self.news) {
            assert_eq!(settled(&host.read(format!("runs/{id}"))), self.ended[&id], "a run that had ended");
        }
    }

    fn check_at_the_end(&mut self, host: &Client) {
        self.check(host);
        for (id, run) in &self.ended {
            assert_eq!(settled(&host.read(format!("runs/{id}"))), *run, "a run that had ended");
        }
    }

    fn acknowledged(&self) -> usize {
        self.told
    }
}
