//! `sandglass rollback`.

use crate::cli::{Context, understand};
use crate::client::Request;
use crate::render::table::Facts;
use crate::render::{self};
use crate::shape::Job;
use anyhow::Result;
use sandglass_core::Name;
use serde_json::{Value, json};

/// Make an old revision the newest one again
#[derive(Debug, clap::Args)]
pub(crate) struct Rollback {
    name: Name,
    /// A number that `show NAME --revisions` lists
    #[arg(value_name = "REV", value_parser = clap::value_parser!(u32).range(1..))]
    revision: u32,
    /// Print the job as JSON
    #[arg(long)]
    json: bool,
}

impl Rollback {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        let request =
            Request::post(format!("jobs/{}/rollback", self.name)).json(&json!({"revision": self.revision}));
        let document: Value = context.client()?.json(request)?;
        if self.json {
            return context.print_json(&document);
        }
        let job: Job = understand(document)?;
        let mut facts = Facts::default();
        facts.add("job", format!("{}, revision {} as {} was", self.name, job.revision, self.revision));
        render::job::schedule(&job, context.now, &mut facts);
        context.print(&facts.finish())
    }
}
