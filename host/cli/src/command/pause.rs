//! `sandglass pause`.

use crate::cli::Context;
use crate::client::Request;
use anyhow::Result;
use sandglass_core::Name;
use serde_json::{Value, json};

/// Pause a job: its schedule starts nothing until it is resumed; what runs goes on
#[derive(Debug, clap::Args)]
pub(crate) struct Pause {
    name: Name,
    /// Why, for people
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Print the job as JSON
    #[arg(long)]
    json: bool,
}

impl Pause {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        let request =
            Request::post(format!("jobs/{}/pause", self.name)).json(&json!({ "reason": self.reason }));
        let job: Value = context.client()?.json(request)?;
        if self.json {
            return context.print_json(&job);
        }
        context.print(&format!("{} is paused\n", self.name))
    }
}
