//! `cargo xtask bench`: the benches, with the jobs that they run. `bench languages` makes a new job in each language, as
//! a user would, and measures it.

use crate::process::{build_program, output, run as run_command};
use crate::{guests, target, toolchain, toolchains};
use anyhow::{Context, Result};
use std::fs;
use std::process::Command;
use std::time::Instant;

/// What is measured: its name in the table, the language that `sandglass new` knows, and another build command than what
/// `new` writes down.
const JOBS: [(&str, &str, Option<&str>); 6] = [
    ("rust", "rust", None),
    ("javascript (QuickJS)", "javascript", None),
    (
        "javascript (StarlingMonkey)",
        "javascript",
        Some("componentize-js job.js --wit wit -n job -o job.wasm"),
    ),
    ("python", "python", None),
    ("c", "c", None),
    ("go", "go", None),
];

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
    for (number, (language, template, command)) in JOBS.into_iter().enumerate() {
        let sandglass = |arguments: &[&str]| {
            let mut command = Command::new(&program);
            command.args(arguments).current_dir(&folder).envs(environment.iter().cloned()).env("PATH", &path);
            output(&mut command)
        };
        let name = format!("job-{number}");
        sandglass(&["new", &name, "--lang", template])?;
        if let Some(command) = command {
            let manifest = folder.join(&name).join("sandglass.toml");
            let text = fs::read_to_string(&manifest)?;
            let line = text.lines().find(|line| line.starts_with("build = ")).context("a build command")?;
            fs::write(&manifest, text.replace(line, &format!("build = \"{command}\"")))?;
        }
        let began = Instant::now();
        let built = sandglass(&["build", &name, "--json"])?;
        let took = began.elapsed();
        let built: serde_json::Value = serde_json::from_str(&built)?;
        let component = built["component"].as_str().context("a build names its component")?;
        let component = folder.join(component);
        components.push(format!("{language},{:.1},{}", took.as_secs_f64(), component.display()));
    }
    run_command(Command::new(build_program("sandglass-benches")?).arg("languages").args(components))
}
