//! `cargo xtask bench`: the benches, with the jobs that they run. `bench languages` makes a new job in each language, as
//! a user would, and measures it.

use crate::process::{build_program, output, run as run_command};
use crate::{guests, target, toolchain, toolchains};
use anyhow::{Context, Result};
use std::fs;
use std::process::Command;
use std::time::Instant;

/// What `sandglass new` knows.
const LANGUAGES: [&str; 5] = ["rust", "javascript", "python", "c", "go"];

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    if arguments == ["languages"] {
        return languages();
    }
    guests::build()?;
    run_command(Command::new(build_program("sandglass-benches")?).args(arguments))
}

fn languages() -> Result<()> {
    toolchains::install()?;
    let (program, path) = (build_program("sandglass")?, toolchains::path()?);
    let environment = toolchain::find()?.environment;
    let folder = target().join("bench-languages");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let mut components = Vec::new();
    for language in LANGUAGES {
        let sandglass = |arguments: &[&str]| {
            let mut command = Command::new(&program);
            command.args(arguments).current_dir(&folder).envs(environment.iter().cloned()).env("PATH", &path);
            output(&mut command)
        };
        sandglass(&["new", language, "--lang", language])?;
        let began = Instant::now();
        let built = sandglass(&["build", language, "--json"])?;
        let took = began.elapsed();
        let built: serde_json::Value = serde_json::from_str(&built)?;
        let component = built["component"].as_str().context("a build names its component")?;
        let component = folder.join(component);
        components.push(format!("{language},{:.1},{}", took.as_secs_f64(), component.display()));
    }
    run_command(Command::new(build_program("sandglass-benches")?).arg("languages").args(components))
}
