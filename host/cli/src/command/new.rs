//! `sandglass new`: a job to start from, that builds.

use crate::cli::{Context, note};
use crate::language::{Language, missing};
use crate::manifest::Manifest;
use anyhow::{Context as _, Result, bail};
use sandglass_core::Name;
use std::fs;
use std::path::PathBuf;

/// Make a job to start from, that builds
///
/// The folder has the source of a small job, its sandglass.toml, and the SDK of its language: nothing is fetched.
#[derive(Debug, clap::Args)]
pub(crate) struct New {
    /// The job's name, and its folder's
    name: Name,
    /// The language to write it in
    #[arg(long, value_enum)]
    lang: Language,
    /// The folder to make, instead of one of the job's name here
    #[arg(long)]
    folder: Option<PathBuf>,
}

impl New {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        let folder = self.folder.unwrap_or_else(|| self.name.as_str().into());
        if folder.exists() {
            bail!("{} is there already: name another folder with --folder", folder.display());
        }
        for (path, text) in self.lang.files(self.name.as_str()) {
            let path = folder.join(path);
            let made = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
            made.with_context(|| format!("{} cannot be written", path.display()))?;
        }
        let manifest = Manifest::read(&folder)?;
        if let Some(missing) = manifest.build.as_deref().and_then(missing) {
            note(&missing);
        }
        let shown = folder.display();
        context.print(&format!(
            "made {shown}\n  cd {shown}\n  sandglass test --input '{{\"name\": \"Ada\"}}'\n  sandglass deploy\n"
        ))
    }
}
