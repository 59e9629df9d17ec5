//! What runs have written and mailed: all of it once, or nothing.

use sandglass_tests::Client;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The effects that the runs of a job have, each of them named after its run: a row in every table, and an email
/// where the job sends any.
pub(crate) struct Effects {
    job: &'static str,
    tables: Vec<&'static str>,
    /// Whether runs have effects with each checkpoint, and not with their success.
    in_stages: bool,
    mails: bool,
}

impl Effects {
    /// With a run's success: `{run}`.
    pub(crate) fn once(job: &'static str, table: &'static str) -> Effects {
        Effects { job, tables: vec![table], in_stages: false, mails: false }
    }

    /// With its checkpoints, of which each leaves the number of stages that are done: `{run}.{stage}`.
    pub(crate) fn in_stages(job: &'static str, table: &'static str) -> Effects {
        Effects { in_stages: true, ..Effects::once(job, table) }
    }

    /// In another table too.
    pub(crate) fn and_in(mut self, table: &'static str) -> Effects {
        self.tables.push(table);
        self
    }

    /// Emails too, with the effect's name for a subject.
    pub(crate) fn and_mails(self) -> Effects {
        Effects { mails: true, ..self }
    }

    /// The names of the effects that these runs have committed. They are all runs of the job.
    pub(crate) fn of(&self, runs: &[Value]) -> BTreeSet<String> {
        let by_id: BTreeMap<&str, &Value> = runs.iter().map(|run| (id_of(run), run)).collect();
        let names = runs.iter().flat_map(|run| {
            let id = id_of(run);
            if self.in_stages {
                let stages = first_stage(run, &by_id)..stages_done(run);
                return stages.map(|stage| format!("{id}.{stage}")).collect();
            }
            if run["outcome"] == "succeeded" { vec![id.to_string()] } else { Vec::new() }
        });
        names.collect()
    }

    /// While runs go on: there is everything that was committed before the look, and nothing that was not by its
    /// end.
    #[track_caller]
    pub(crate) fn check(&self, host: &Client) {
        let runs = || host.list(&format!("jobs/{}/runs", self.job));
        let before = self.of(&runs());
        let seen: Vec<(&str, BTreeSet<String>)> =
            self.tables.iter().map(|table| (*table, names_in(host, table))).collect();
        let after = self.of(&runs());
        for (table, names) in seen {
            let lost: Vec<&String> = before.difference(&names).collect();
            let early: Vec<&String> = names.difference(&after).collect();
            assert!(
                lost.is_empty() && early.is_empty(),
                "table {table}: lost {lost:?}, uncommitted {early:?}"
            );
        }
    }

    /// Nothing runs any more, and `runs` are all that there were.
    #[track_caller]
    pub(crate) fn check_at_the_end(&self, host: &Client, runs: &[Value]) {
        let expected = self.of(runs);
        for table in &self.tables {
            assert_eq!(names_in(host, table), expected, "table {table}");
        }
        if self.mails {
            let emails: Vec<Value> =
                host.list("emails").into_iter().filter(|email| email["job"] == self.job).collect();
            let mut subjects: BTreeMap<String, usize> = BTreeMap::new();
            for email in &emails {
                *subjects.entry(email["subject"].as_str().expect("a subject").to_string()).or_default() += 1;
            }
            assert_eq!(
                subjects,
                expected.into_iter().map(|name| (name, 1)).collect(),
                "emails of {}",
                self.job
            );
            let ids: BTreeSet<&str> =
                emails.iter().filter_map(|email| email["message_id"].as_str()).collect();
            assert_eq!(ids.len(), emails.len(), "each has a Message-ID of its own");
        }
    }
}

/// How many stages of a run are committed: its newest checkpoint says so.
pub(crate) fn stages_done(run: &Value) -> u64 {
    run["progress"].as_str().map_or(0, |progress| progress.parse().expect("a number of stages"))
}

/// Where a run began: behind the stages of the one that it does again, if that one did not succeed.
fn first_stage(run: &Value, by_id: &BTreeMap<&str, &Value>) -> u64 {
    let before = run["retry_of"].as_str().map(|id| by_id[id]);
    before.filter(|before| before["outcome"] != "succeeded").map_or(0, stages_done)
}

fn id_of(run: &Value) -> &str {
    run["id"].as_str().expect("an id")
}

fn names_in(host: &Client, table: &str) -> BTreeSet<String> {
    host.rows(table).iter().map(|row| id_of(row).to_string()).collect()
}
