//! `sandglass logs`.

use crate::cli::{Context, note};
use crate::client::{Client, LONG, Request};
use crate::render::log::Journal;
use crate::shape::LogLine;
use crate::stop::Stop;
use anyhow::{Result, bail};
use sandglass_core::{Name, RunId};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};

/// Show the log of a run, or of a job's newest run
#[derive(Debug, clap::Args)]
pub(crate) struct Logs {
    /// A run's id, or a job's name
    #[arg(value_name = "RUN|NAME", value_parser = subject)]
    subject: Subject,
    /// Follow it until the run ends
    #[arg(short, long)]
    follow: bool,
    /// Print a JSON object for each line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Subject {
    Run(RunId),
    Job(Name),
}

fn subject(text: &str) -> Result<Subject, String> {
    // A run's id would be a job's name too, but hardly anybody's.
    text.parse().map(Subject::Run).or_else(|_| text.parse().map(Subject::Job))
}

impl Logs {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        let client = context.client()?;
        let run = match &self.subject {
            Subject::Run(id) => id.to_string(),
            Subject::Job(name) => newest(&client, name)?,
        };
        let mut journal = Journal::default();
        let mut show = |line: LogLine, document: &Value| {
            if self.json {
                writeln!(context.out, "{document}")?;
                return Ok(());
            }
            context.print(&journal.line(&line))
        };
        if self.follow {
            client.follow(&run, show)?;
            return Ok(());
        }
        let response = client.call(Request::get(format!("runs/{run}/logs")).patience(LONG))?;
        for line in BufReader::new(response.into_body().into_reader()).lines() {
            let line = line.map_err(|error| Stop::Unreachable(format!("the log broke off: {error}")))?;
            let nonsense = |error| {
                Stop::Unreachable(format!("the host answers what this version does not understand: {error}"))
            };
            let document: Value = serde_json::from_str(&line).map_err(nonsense)?;
            show(serde_json::from_value(document.clone()).map_err(nonsense)?, &document)?;
        }
        Ok(())
    }
}

/// The id of a job's newest run.
fn newest(client: &Client, job: &Name) -> Result<String> {
    let (runs, _) = client.list(Some(1), || Request::get(format!("jobs/{job}/runs")))?;
    let Some(id) = runs.first().and_then(|run| run.get("id")).and_then(Value::as_str) else {
        bail!("{job} has no runs yet: `sandglass run {job}` starts one");
    };
    note(&format!("run {id} of {job}"));
    Ok(id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_or_a_job() {
        let id = "0199a1b2-0000-7000-8000-000000000001";
        assert_eq!(subject(id).unwrap(), Subject::Run(id.parse().unwrap()));
        assert_eq!(subject("nightly").unwrap(), Subject::Job("nightly".parse().unwrap()));
        assert!(subject("No!").is_err());
    }
}
