//! `cargo xtask bench`: the benches, with the jobs that they run.

use crate::guests;
use crate::process::{build_program, run as run_command};
use anyhow::Result;
use std::process::Command;

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    guests::build()?;
    run_command(Command::new(build_program("sandglass-benches")?).args(arguments))
}
