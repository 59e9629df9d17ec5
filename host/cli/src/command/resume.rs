//! `sandglass resume`.

use crate::cli::{Context, understand};
use crate::client::Request;
use crate::render::table::Facts;
use crate::render::{self};
use crate::shape::Job;
use anyhow::Result;
use sandglass_core::Name;
use serde_json::Value;

/// Resume a paused job, from its next occurrence on
#[derive(Debug, clap::Args)]
pub(crate) struct Resume {
    name: Name,
    /// Print the job as JSON
    #[arg(long)]
    json: bool,
}

impl Resume {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        let document: Value = context.client()?.json(Request::post(format!("jobs/{}/resume", self.name)))?;
        if self.json {
            return context.print_json(&document);
        }
        let job: Job = understand(document)?;
        let mut facts = Facts::default();
        facts.add("job", format!("{}, active", self.name));
        render::job::schedule(&job, context.now, &mut facts);
        context.print(&facts.finish())
    }
}
