//! `sandglass backfill`: runs for a time that is over.

use crate::cli::{Context, understand};
use crate::client::Request;
use crate::render::amount;
use anyhow::Result;
use sandglass_core::{Instant, Name};
use serde::Deserialize;
use serde_json::{Value, json};

/// Ask for a run for each instant of a job's schedule in a time that is over
#[derive(Debug, clap::Args)]
pub(crate) struct Backfill {
    name: Name,
    /// The first instant, such as 2026-01-31T08:30:00Z
    from: Instant,
    /// The last one, inclusive
    to: Instant,
    /// Print the runs' ids as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
struct Backfilled {
    count: usize,
}

impl Backfill {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        let request = Request::post(format!("jobs/{}/backfill", self.name));
        let body = json!({"from": self.from, "to": self.to});
        let made: Value = context.client()?.json(request.json_text(body.to_string()))?;
        if self.json {
            return context.print_json(&made);
        }
        let Backfilled { count } = understand(made)?;
        let runs = amount::many(count as u64, "run");
        context.print(&format!("{runs} asked for; see them with: sandglass runs {}\n", self.name))
    }
}
