//! `sandglass retry`: a run like one that has ended.

use super::run::see_through;
use crate::cli::Context;
use crate::client::Request;
use anyhow::Result;
use sandglass_core::RunId;
use serde_json::Value;

/// Do a run that has ended again: of the same occurrence, with the same input
///
/// Where it failed after a checkpoint, the new run goes on from there. The exit status is 1 where the new run
/// failed or was cancelled.
#[derive(Debug, clap::Args)]
pub(crate) struct Retry {
    /// The run's id
    run: RunId,
    /// Do not wait: print the new run's id
    #[arg(long)]
    detach: bool,
    /// Print the run as JSON when it has ended, and its log on standard error
    #[arg(long)]
    json: bool,
}

impl Retry {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        let client = context.client()?;
        let asked: Value = client.json(Request::post(format!("runs/{}/retry", self.run)))?;
        see_through(context, &client, &asked, self.detach, self.json)
    }
}
