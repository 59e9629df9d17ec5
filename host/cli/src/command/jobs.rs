//! `sandglass jobs`.

use crate::cli::Context;
use crate::client::Request;
use crate::render;
use anyhow::Result;

/// List the jobs
#[derive(Debug, clap::Args)]
pub(crate) struct Jobs {
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

impl Jobs {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        let jobs = context.client()?.list(None, || Request::get("jobs"))?;
        let empty = "there are no jobs yet: `sandglass deploy` makes one";
        context.print_list(self.json, jobs, empty, render::job::listing)
    }
}
