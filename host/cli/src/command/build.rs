//! `sandglass build`: what `deploy` would send, without sending it.

use crate::cli::Context;
use crate::manifest::Manifest;
use crate::render::amount;
use crate::render::table::Facts;
use anyhow::Result;
use sandglass_core::Digest;
use serde_json::json;
use std::path::PathBuf;

/// Build a job as its sandglass.toml says, and check the whole of it
#[derive(Debug, clap::Args)]
pub(crate) struct Build {
    /// The job's folder, or its manifest
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Build {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        let manifest = Manifest::read(&self.folder)?;
        manifest.check(context.now)?;
        let bytes = manifest.build(true)?;
        let digest = Digest::of(&bytes).to_string();
        if self.json {
            let component = manifest.component.display().to_string();
            return context
                .print_json(&json!({"component": component, "digest": digest, "size": bytes.len()}));
        }
        let mut facts = Facts::default();
        facts.add("component", manifest.component.display().to_string());
        facts.add("size", amount::bytes(bytes.len() as u64));
        facts.add("sha-256", digest);
        context.print(&facts.finish())
    }
}
