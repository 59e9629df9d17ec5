//! `sandglass dev`: builds and runs a job again whenever one of its files changes.

use super::test::{Given, attempt};
use crate::cli::{Context, note};
use crate::manifest::Manifest;
use anyhow::Result;
use std::path::PathBuf;
use std::time::Duration;

/// Build and run a job here whenever one of its files changes
///
/// Each run is one of `test`. It ends with Ctrl-C.
#[derive(Debug, clap::Args)]
pub(crate) struct Dev {
    /// The job's folder, or its manifest
    #[arg(default_value = ".")]
    folder: PathBuf,
    #[command(flatten)]
    given: Given,
    /// End after so many runs
    #[arg(long, hide = true)]
    runs: Option<u32>,
}

/// How often the files are looked at.
const LOOK: Duration = Duration::from_millis(300);

impl Dev {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        let mut left = self.runs.unwrap_or(u32::MAX);
        loop {
            // What is changed while it is built counts for the next time.
            let state = Manifest::read(&self.folder).map(|manifest| manifest.state());
            match self.once(context) {
                Ok(()) => {}
                Err(error) => note(&format!("{error:#}")),
            }
            left -= 1;
            if left == 0 {
                return Ok(());
            }
            note("waiting for a change");
            let before = state.ok();
            while Manifest::read(&self.folder).map(|manifest| manifest.state()).ok() == before {
                std::thread::sleep(LOOK);
            }
        }
    }

    fn once(&self, context: &mut Context) -> Result<()> {
        let outcome = attempt(self.given.trial(&self.folder, true, context.now)?, false)?;
        context.print(&outcome.text())
    }
}
