//! One attempt of a job here, without a host: on the real runtime, over tables in memory.
//!
//! What a job would be told, allowed and denied is what it will be on a host of this version with the same
//! specification. Its requests to other hosts are not made: their answers are given beforehand.

mod answer;
mod outcome;

pub(crate) use answer::answers;
pub(crate) use outcome::Outcome;

use anyhow::{Context as _, Result, bail};
use parking_lot::Mutex;
use sandglass_core::effect::Effects;
use sandglass_core::log::Line;
use sandglass_core::row::RowId;
use sandglass_core::run::{Cause, Ending, Failure, Trigger};
use sandglass_core::spec::Specification;
use sandglass_core::{Digest, Instant, JobId, Name, RunId, SecretName, SecretValue};
use sandglass_outbound::{Canned, Client};
use sandglass_runtime::{
    AttemptContext, BoxFuture, Clock, Committer, CompileError, CompileLimits, Compiler, Finished, LogSink,
    Runtime, Secrets, Settings,
};
use sandglass_store::memory::Memory;
use sandglass_store::{StoreError, StoreExt as _, op};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What an attempt is made of.
pub(crate) struct Trial {
    pub(crate) job: Name,
    pub(crate) component: Vec<u8>,
    pub(crate) specification: Specification,
    pub(crate) tables: BTreeMap<Name, Vec<(RowId, Map<String, Value>)>>,
    pub(crate) secrets: BTreeMap<SecretName, SecretValue>,
    /// What other hosts answer.
    pub(crate) answers: Vec<Canned>,
    pub(crate) input: Option<String>,
    pub(crate) progress: Option<String>,
    pub(crate) attempt: u32,
    /// Where it is given, the clock stands there and nothing is random.
    pub(crate) now: Option<Instant>,
}

impl Trial {
    /// Compiles and executes it. Lines of the log are handed on as they come.
    pub(crate) fn run(self, line: impl Fn(Line) + Send + Sync + 'static) -> Result<Outcome> {
        let executor = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        executor.block_on(self.attempt(line))
    }

    async fn attempt(self, line: impl Fn(Line) + Send + Sync + 'static) -> Result<Outcome> {
        let compiler = Compiler::new(CompileLimits::default())?;
        let compiled = compiler.compile(self.component.clone().into()).await;
        let compiled = compiled.map_err(|error| match error {
            CompileError::Refused(problems) => anyhow::anyhow!(
                "a host would not take this component: {}",
                problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
            ),
            error => error.into(),
        })?;
        let place = tempfile::tempdir().context("a folder for what is compiled")?;
        let runtime =
            Runtime::new(&Settings { attempts_max: 1, guest_threads: 1, ..Settings::new(place.path()) })?;
        let component = Digest::of(&self.component);
        let kept = runtime.keep(component, compiled.artifact).await?;
        let ready = runtime.load(component, kept.digest).await?;
        let clock: Clock = match self.now {
            Some(now) => Arc::new(move || now),
            None => Arc::new(|| Instant::from_jiff(jiff::Timestamp::now())),
        };
        let mut seed = [0; 32];
        if self.now.is_none() {
            getrandom::fill(&mut seed).context("random numbers")?;
        }
        let store = Arc::new(Memory::new());
        let now = clock();
        fill(&store, self.tables, now).await?;
        let commits = Arc::new(Commits {
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            made: Mutex::new(Made { effects: Vec::new(), progress: self.progress.clone() }),
        });
        let context = AttemptContext {
            run: RunId::new(JobId(1), now, u64::from_le_bytes(*seed.first_chunk().unwrap_or(&[0; 8]))),
            job: self.job,
            attempt: self.attempt,
            trigger: Trigger::Manual,
            scheduled_for: now,
            last_success: None,
            input: self.input,
            progress: self.progress,
            spec: Arc::new(self.specification),
            emails_of_run: 0,
            emails_of_day: 0,
            clock,
            seed,
            store,
            committer: Arc::clone(&commits) as _,
            secrets: Arc::new(Given(self.secrets)),
            outbound: Some(Arc::new(Client::canned(self.answers))),
            log: Arc::new(Lines(line)),
            cancel: CancellationToken::new(),
        };
        let mut finished = runtime.run(ready, context).await;
        if let Finished::Ended { ending: Ending { result: Err(failure), .. }, .. } = &mut finished
            && compiled.report.source_lines
            && let Some(backtrace) = &mut failure.backtrace
            && let Some(told) = compiler.locate(self.component.into(), backtrace).await
        {
            *backtrace = told;
        }
        let Made { effects, progress } = std::mem::take(&mut *commits.made.lock());
        Ok(Outcome::of(finished, effects, progress, compiled.report.warnings))
    }
}

/// Puts the rows into their tables.
async fn fill(
    store: &Memory,
    tables: BTreeMap<Name, Vec<(RowId, Map<String, Value>)>>,
    now: Instant,
) -> Result<()> {
    for (table, rows) in tables {
        let shown = table.clone();
        store
            .write(move |write| op::table::put(write, &table, rows, op::table::Existing::Replace, now))
            .await
            .with_context(|| format!("table {shown}"))?;
    }
    Ok(())
}

/// Commits checkpoints to the tables in memory, and keeps what they were.
struct Commits {
    store: Arc<Memory>,
    clock: Clock,
    made: Mutex<Made>,
}

#[derive(Default)]
struct Made {
    effects: Vec<Effects>,
    progress: Option<String>,
}

impl Committer for Commits {
    fn checkpoint(&self, effects: Effects, progress: Option<String>) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move {
            let (now, kept) = ((self.clock)(), effects.clone());
            let commit = self
                .store
                .write(move |write| -> Result<_, StoreError> { op::effect::commit(write, &effects, now) });
            let failed = |message: String| Failure::new(Cause::HostError, message);
            commit
                .await
                .map_err(|error| failed(error.to_string()))?
                .map_err(|conflict| Failure::new(Cause::Conflict, conflict.to_string()))?;
            let mut made = self.made.lock();
            made.effects.push(kept);
            made.progress = progress;
            Ok(())
        })
    }
}

struct Given(BTreeMap<SecretName, SecretValue>);

impl Secrets for Given {
    fn get(&self, name: &SecretName) -> Result<Option<SecretValue>, String> {
        Ok(self.0.get(name).cloned())
    }
}

struct Lines<F>(F);

impl<F: Fn(Line) + Send + Sync + 'static> LogSink for Lines<F> {
    fn line(&self, line: Line) {
        (self.0)(line);
    }
}

/// Reads rows of NDJSON. Those without an `id` are numbered.
pub(crate) fn rows(text: &str) -> Result<Vec<(RowId, Map<String, Value>)>> {
    let mut rows = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let number = number + 1;
        let mut fields: Map<String, Value> =
            serde_json::from_str(line).with_context(|| format!("line {number} is not a JSON object"))?;
        // What the host adds to a row when it shows it.
        for member in ["version", "created_at", "updated_at"] {
            fields.remove(member);
        }
        let id = match fields.remove("id") {
            Some(Value::String(id)) => id,
            None => format!("{number}"),
            Some(_) => bail!("line {number}: its `id` is no text"),
        };
        let id = id.parse().map_err(|message| anyhow::anyhow!("line {number}: {message}"))?;
        rows.push((id, fields));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_from_what_export_wrote() {
        let text = "{\"id\":\"a\",\"n\":9007199254740993,\"version\":3,\"created_at\":\"x\"}\n\n{\"n\":2}\n";
        let rows = rows(text).unwrap();
        assert_eq!(rows.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["a", "3"]);
        assert_eq!(Value::Object(rows[0].1.clone()).to_string(), "{\"n\":9007199254740993}");
        for (text, told) in
            [("[]", "line 1 is not"), ("{}\n{\"id\":5}", "line 2: its `id`"), ("{\"id\":\"\"}", "line 1:")]
        {
            let message = format!("{:#}", super::rows(text).unwrap_err());
            assert!(message.contains(told), "{message}");
        }
    }
}
