//! `sandglass show`.

use crate::cli::{Context, understand, warn};
use crate::client::Request;
use crate::render;
use crate::shape::Job;
use anyhow::Result;
use sandglass_core::Name;
use serde_json::Value;

/// Show a job: its state, what comes next, how it went, and its specification
#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    name: Name,
    /// List its revisions instead: what `rollback` can go back to
    #[arg(long)]
    revisions: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        let client = context.client()?;
        let path = format!("jobs/{}", self.name);
        if self.revisions {
            let revisions = client.list(None, || Request::get(format!("{path}/revisions")))?;
            return context.print_list(self.json, revisions, "there are none", render::job::revisions);
        }
        let document: Value = client.json(Request::get(path))?;
        if self.json {
            return context.print_json(&document);
        }
        let job: Job = understand(document)?;
        job.warnings.iter().for_each(|warning| warn(warning));
        context.print(&render::job::full(&job, context.now))
    }
}
