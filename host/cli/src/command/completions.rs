//! `sandglass completions`.

use crate::cli::{Cli, Context};
use anyhow::Result;
use clap::CommandFactory as _;
use clap_complete::Shell;

/// Print a script that completes commands and options in a shell
#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "sandglass", &mut script);
        context.print(&String::from_utf8_lossy(&script))
    }
}
