//! `sandglass cancel`.

use crate::cli::Context;
use crate::client::Request;
use anyhow::Result;
use sandglass_core::RunId;
use serde_json::Value;

/// Cancel a run: what it has not committed is dropped
#[derive(Debug, clap::Args)]
pub(crate) struct Cancel {
    /// The run's id
    run: RunId,
    /// Print the run as JSON
    #[arg(long)]
    json: bool,
}

impl Cancel {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        let run: Value = context.client()?.json(Request::post(format!("runs/{}/cancel", self.run)))?;
        if self.json {
            return context.print_json(&run);
        }
        context.print(&format!("run {} is cancelled\n", self.run))
    }
}
