//! `sandglass test`: one attempt here, without a host.

use crate::cli::{Context, warn};
use crate::manifest::{Manifest, name_of, read_component};
use crate::render::log::Journal;
use crate::shape::LogLine;
use crate::stop::Stop;
use crate::trial::{self, Outcome, Trial};
use anyhow::{Context as _, Result};
use sandglass_core::grant::{HttpGrant, Reach};
use sandglass_core::limit::Limits;
use sandglass_core::spec::Specification;
use sandglass_core::{Digest, Instant, Name, SecretName, SecretValue};
use sandglass_outbound::Canned;
use serde_json::json;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Run a job here, without a host
///
/// One attempt, with tables in memory: its log, what it would have written and sent, and how it ended. With a
/// folder, the grants, limits and environment are those of its sandglass.toml; with a file alone, it may do what is
/// given here, and has the default limits. The exit status is 1 where the attempt failed.
#[derive(Debug, clap::Args)]
pub(crate) struct Test {
    /// The job's folder, its manifest, or a component's file
    #[arg(value_name = "DIR|FILE.wasm", default_value = ".")]
    source: PathBuf,
    #[command(flatten)]
    given: Given,
    /// Run what was built before
    #[arg(long)]
    no_build: bool,
    /// Print JSON; the log goes to standard error
    #[arg(long)]
    json: bool,
}

/// What the attempt is given.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Given {
    /// The run's input: JSON, or @FILE with it
    #[arg(long, value_name = "JSON|@FILE")]
    input: Option<String>,
    /// A table and its rows: NDJSON, as `export` writes it
    #[arg(long, value_name = "TABLE=FILE")]
    table: Vec<Pair<Name>>,
    /// A secret and its value
    #[arg(long, value_name = "NAME=VALUE")]
    secret: Vec<Pair<SecretName>>,
    /// To whom a component's file alone may send mail: an address, or `*@` and a domain
    #[arg(long, value_name = "ADDRESS")]
    mail_to: Vec<String>,
    /// What other hosts answer: a JSON list of {"method", "url", "status", "headers", "body"}
    #[arg(long, value_name = "FILE")]
    http: Option<PathBuf>,
    /// Let the clock stand at this instant, and let nothing be random
    #[arg(long, value_name = "INSTANT")]
    now: Option<Instant>,
    /// What a checkpoint before this attempt left
    #[arg(long, value_name = "TEXT")]
    progress: Option<String>,
    /// The attempt's number
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    attempt: u32,
}

/// `NAME=REST`.
#[derive(Debug, Clone)]
struct Pair<T>(T, String);

impl<T: FromStr<Err: std::fmt::Display>> FromStr for Pair<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Pair<T>, String> {
        let (name, rest) = text.split_once('=').ok_or("it has no `=`")?;
        Ok(Pair(name.parse().map_err(|error: T::Err| error.to_string())?, rest.to_owned()))
    }
}

impl Test {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        let trial = self.given.trial(&self.source, !self.no_build, context.now)?;
        let outcome = attempt(trial, self.json)?;
        if self.json {
            context.print_json(&outcome.json())?;
        } else {
            context.print(&outcome.text())?;
        }
        if outcome.result.is_ok() { Ok(()) } else { Err(Stop::RunFailed.into()) }
    }
}

impl Given {
    /// Builds the job, and reads all that it is given.
    pub(super) fn trial(&self, source: &Path, build: bool, now: Instant) -> Result<Trial> {
        let answers = match &self.http {
            Some(path) => {
                let name = path.display();
                let text = std::fs::read_to_string(path).with_context(|| format!("{name} cannot be read"))?;
                trial::answers(&text).with_context(|| name.to_string())?
            }
            None => Vec::new(),
        };
        let is_manifest = source.is_dir() || source.extension().is_some_and(|extension| extension == "toml");
        let (job, component, specification) = if is_manifest {
            let manifest = Manifest::read(source)?;
            manifest.check(now)?;
            let component = manifest.build(build)?;
            let specification = manifest.specification(&component, now)?;
            (manifest.name, component, specification)
        } else {
            let component = read_component(source)?;
            let specification = self.specification(&component, &answers, now)?;
            (name_of(source)?, component, specification)
        };
        let input = self.input.as_deref().map(super::run::read_input).transpose()?;
        let mut tables = std::collections::BTreeMap::new();
        for Pair(table, path) in &self.table {
            let text = std::fs::read_to_string(path).with_context(|| format!("{path} cannot be read"))?;
            tables.insert(table.clone(), trial::rows(&text).with_context(|| path.clone())?);
        }
        let mut secrets = std::collections::BTreeMap::new();
        for Pair(name, value) in &self.secret {
            let value = SecretValue::new(value.clone())
                .map_err(|message| Stop::Usage(format!("the secret {name}: {message}")))?;
            secrets.insert(name.clone(), value);
        }
        let (progress, attempt, now) = (self.progress.clone(), self.attempt, self.now);
        Ok(Trial { job, component, specification, tables, secrets, answers, input, progress, attempt, now })
    }
}

impl Given {
    /// What a file alone may do: what it is given.
    fn specification(&self, component: &[u8], answers: &[Canned], now: Instant) -> Result<Specification> {
        let tables = self.table.iter().map(|Pair(table, _)| (table.to_string(), json!("read-write")));
        let secrets = self.secret.iter().map(|Pair(name, _)| name.to_string());
        let hosts = answers.iter().map(|answer| HttpGrant::of(answer.target(), Reach::Private));
        let mut grants = json!({
            "tables": tables.collect::<serde_json::Map<_, _>>(),
            "secrets": secrets.collect::<Vec<_>>(),
            "http": hosts.collect::<Vec<_>>(),
        });
        if !self.mail_to.is_empty() {
            grants["email"] = json!({ "to": self.mail_to });
        }
        let document = json!({"component": Digest::of(component), "grants": grants});
        Specification::from_json(document, &Limits::CEILING, now).map_err(|problems| {
            let problems = problems.iter().map(ToString::to_string).collect::<Vec<_>>();
            Stop::Usage(problems.join("; ")).into()
        })
    }
}

/// Makes the attempt, and shows its log as it is written.
pub(super) fn attempt(trial: Trial, to_stderr: bool) -> Result<Outcome> {
    let journal = std::sync::Mutex::new(Journal::default());
    let outcome = trial.run(move |line| {
        // As the host sends it.
        let line = serde_json::to_value(&line).and_then(serde_json::from_value::<LogLine>);
        let (Ok(line), Ok(mut journal)) = (line, journal.lock()) else { return };
        let text = journal.line(&line);
        // A log that nobody reads is no reason to fail.
        let _ = if to_stderr {
            anstream::stderr().write_all(text.as_bytes())
        } else {
            anstream::stdout().write_all(text.as_bytes())
        };
    })?;
    outcome.warnings().iter().for_each(|warning| warn(warning));
    Ok(outcome)
}
