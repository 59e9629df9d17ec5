//! `sandglass run`: a run now, with its log as it is written.

use crate::cli::{Context, note, understand};
use crate::client::{Client, Request};
use crate::render;
use crate::render::log::Journal;
use crate::shape;
use crate::stop::Stop;
use anyhow::{Context as _, Result};
use sandglass_core::{Instant, Name};
use serde::de::IgnoredAny;
use serde_json::Value;
use std::fs;
use std::io::{self, Read, Write};

/// Run a job now, follow its log, and tell how it ended
///
/// The exit status is 1 where the run failed or was cancelled.
#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    name: Name,
    /// JSON for the run; `@FILE` reads it from a file, `@-` from standard input
    #[arg(long, value_name = "JSON|@FILE")]
    input: Option<String>,
    /// Do not wait: print the run's id
    #[arg(long)]
    detach: bool,
    /// Print the run as JSON when it has ended, and its log on standard error
    #[arg(long)]
    json: bool,
}

impl Run {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        let input = self.input.as_deref().map(read_input).transpose()?;
        let client = context.client()?;
        let body = input.map_or_else(|| "{}".into(), |input| format!("{{\"input\": {input}}}"));
        let asked: Value = client.json(Request::post(format!("jobs/{}/runs", self.name)).json_text(body))?;
        see_through(context, &client, &asked, self.detach, self.json)
    }
}

/// Follows a run that was asked for to its end, and tells how it ended; or only names it.
pub(super) fn see_through(
    context: &mut Context,
    client: &Client,
    asked: &Value,
    detach: bool,
    json: bool,
) -> Result<()> {
    let run: shape::Run = understand(asked.clone())?;
    if detach {
        return if json { context.print_json(asked) } else { context.print(&format!("{}\n", run.id)) };
    }
    note(&format!("run {} of {}", run.id, run.job));
    let mut journal = Journal::default();
    let ended = client.follow(&run.id, |line, _| {
        let line = journal.line(&line);
        if json {
            anstream::stderr().write_all(line.as_bytes())?;
            return Ok(());
        }
        context.print(&line)
    })?;
    let run: shape::Run = understand(ended.clone())?;
    if json {
        context.print_json(&ended)?;
    } else {
        let now = Instant::from_jiff(jiff::Timestamp::now());
        context.print(&render::run::summary(&run, now))?;
    }
    if run.outcome.as_deref() == Some("succeeded") { Ok(()) } else { Err(Stop::RunFailed.into()) }
}

/// JSON text. It is not read further: its numbers may have more digits than we keep.
pub(super) fn read_input(given: &str) -> Result<String> {
    let text = match given.strip_prefix('@') {
        Some("-") => {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text).context("standard input cannot be read")?;
            text
        }
        Some(path) => fs::read_to_string(path).with_context(|| format!("the input {path} cannot be read"))?,
        None => given.to_owned(),
    };
    match serde_json::from_str::<IgnoredAny>(&text) {
        Ok(IgnoredAny) => Ok(text),
        Err(error) => {
            let message = format!("the input is not JSON: {error}. A text is written in quotes: '\"text\"'");
            Err(Stop::Usage(message).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_is_json_or_a_file_with_it() {
        let exact = "{\"a\": 1.00000000000000000000001}";
        assert_eq!(read_input(exact).unwrap(), exact);
        assert!(read_input("a").unwrap_err().to_string().contains("is not JSON"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("input.json");
        fs::write(&path, "[1]").unwrap();
        assert_eq!(read_input(&format!("@{}", path.display())).unwrap(), "[1]");
        assert!(
            format!("{:#}", read_input("@/no/such").unwrap_err())
                .starts_with("the input /no/such cannot be read")
        );
    }
}
