//! `sandglass runs`.

use crate::cli::Context;
use crate::client::Request;
use crate::render;
use anyhow::Result;
use sandglass_core::{Instant, Name, Span};

/// List runs, newest first
#[derive(Debug, clap::Args)]
pub(crate) struct Runs {
    /// Only those of this job
    name: Option<Name>,
    /// Only those that failed
    #[arg(long, conflicts_with = "outcome")]
    failed: bool,
    /// Only those in this state (queued, running, succeeded, ...), or that failed with this cause (trap, timeout, ...)
    #[arg(long, value_name = "WORD")]
    outcome: Option<String>,
    /// Only those made since then: a length of time such as 1d, or an instant
    #[arg(long, value_name = "1d|INSTANT", value_parser = since)]
    since: Option<Since>,
    /// At most so many
    #[arg(long, default_value = "20", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Since {
    Ago(Span),
    At(Instant),
}

fn since(text: &str) -> Result<Since, String> {
    let ago = text.parse().map(Since::Ago);
    ago.or_else(|_| text.parse().map(Since::At)).map_err(|_: String| {
        "write a length of time, such as 30m, 12h or 1d, or an instant, such as 2026-01-31T08:30:00Z".into()
    })
}

impl Runs {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        let path = match &self.name {
            Some(name) => format!("jobs/{name}/runs"),
            None => "runs".into(),
        };
        let outcome = if self.failed { Some("failed") } else { self.outcome.as_deref() };
        let since = self.since.map(|since| match since {
            Since::Ago(span) => context.now.minus(span).to_string(),
            Since::At(instant) => instant.to_string(),
        });
        let request =
            || Request::get(path.clone()).query_some("outcome", outcome).query_some("since", since.clone());
        let runs = context.client()?.list(Some(self.limit as usize), request)?;
        context.print_list(self.json, runs, "there are no such runs", render::run::listing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_length_or_an_instant() {
        assert_eq!(since("1d").unwrap(), Since::Ago(Span::from_secs(86_400)));
        assert_eq!(since("1970-01-01T00:00:00Z").unwrap(), Since::At(Instant::EPOCH));
        assert!(since("yesterday").is_err());
    }
}
