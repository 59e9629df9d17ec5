//! `cargo xtask sim`: the simulation with more seeds than the test command tries, one seed that failed, or the
//! code broken on purpose, to see that the simulation notices.

use crate::process::{build, cargo, output, run as run_command, seconds};
use crate::{root, target};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Breakages, as [`Breakage::read`] reads them.
const BREAKAGES: &str = "host/scheduler/tests/sim/breakages.txt";
/// Seeds that are tried until a breakage is noticed.
const SEEDS: &str = "10000";
/// The test that tries seeds.
const TEST: &str = "every_occurrence_is_accounted_for_on_every_seed";

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["--seeds", seeds] => simulate("SANDGLASS_SIM_SEEDS", seeds),
        ["--seed", seed] => simulate("SANDGLASS_SIM_SEED", seed),
        ["--mutants", ref names @ ..] => mutants(names),
        _ => bail!("say --seeds N, --seed X or --mutants [NAME...]"),
    }
}

fn simulate(variable: &str, number: &str) -> Result<()> {
    number.parse::<u64>().with_context(|| format!("`{number}` is not a number"))?;
    run_command(test(root()).args(["--", "--nocapture", TEST]).env(variable, number))
}

/// Always the whole workspace: see `build_program`.
fn test(folder: &Path) -> Command {
    let mut command = cargo();
    command.args(["test", "--workspace", "--test", "sim"]).current_dir(folder);
    command
}

/// One way to break the code.
#[derive(Debug, PartialEq)]
struct Breakage {
    name: String,
    file: PathBuf,
    /// An expression, or whole statements, that stands in the file exactly once; and what takes its place.
    text: String,
    broken: String,
}

impl Breakage {
    /// Reads a list: a line `## NAME`, one with the file, then the text with `-` before each of its lines and what
    /// takes its place with `+`. Other lines say why.
    fn read(list: &str) -> Result<Vec<Breakage>> {
        let mut breakages: Vec<Breakage> = Vec::new();
        for line in list.lines() {
            if let Some(name) = line.strip_prefix("## ") {
                let name = name.to_owned();
                let (text, broken) = (String::new(), String::new());
                breakages.push(Breakage { name, file: PathBuf::new(), text, broken });
                continue;
            }
            let Some(breakage) = breakages.last_mut() else { continue };
            if line.starts_with("host/") {
                breakage.file = line.into();
            } else if let Some(line) = line.strip_prefix('-') {
                breakage.text.extend([line, "\n"]);
            } else if let Some(line) = line.strip_prefix('+') {
                breakage.broken.extend([line, "\n"]);
            }
        }
        for breakage in &breakages {
            if breakage.text.is_empty() || breakage.file.as_os_str().is_empty() {
                bail!("the breakage `{}` lacks its file or its text", breakage.name);
            }
        }
        Ok(breakages)
    }

    /// The source with a switch in it: broken where the environment names this breakage.
    fn apply(&self, source: &str) -> Result<String> {
        let text = self.text.trim();
        if source.matches(text).count() != 1 {
            bail!("{}: `{text}` does not stand in {} exactly once", self.name, self.file.display());
        }
        let core = if self.file.starts_with("host/core") { "crate" } else { "sandglass_core" };
        let (broken, is_broken) = (self.broken.trim(), format!("{core}::is_broken({:?})", self.name));
        if broken.contains("BROKEN") {
            return Ok(source.replacen(text, &broken.replace("BROKEN", &is_broken), 1));
        }
        let switch = format!("if {is_broken} {{ {broken} }} else {{ {text} }}");
        // Statements stand as they are; an expression may be a part of another one.
        let is_statement = text.ends_with([';', '}']);
        let switch = if is_statement { switch } else { format!("({switch})") };
        Ok(source.replacen(text, &switch, 1))
    }
}

/// Added to `sandglass_core`.
const SWITCH: &str = r#"
#[doc(hidden)]
pub fn is_broken(name: &str) -> bool {
    static BROKEN: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    BROKEN.get_or_init(|| std::env::var("SANDGLASS_BROKEN").ok()).as_deref() == Some(name)
}
"#;

/// Breaks a copy of the sources in every way of the list, with a switch for each, so that one build does for
/// all; then turns on one after the other.
fn mutants(names: &[&str]) -> Result<()> {
    let list = std::fs::read_to_string(root().join(BREAKAGES)).context(BREAKAGES)?;
    let breakages = Breakage::read(&list)?;
    if let Some(name) = names.iter().find(|name| !breakages.iter().any(|breakage| breakage.name == **name)) {
        bail!("{BREAKAGES} has no breakage `{name}`");
    }
    let copy = target().join("mutants");
    copy_sources(&copy)?;
    for breakage in &breakages {
        edit(&copy.join(&breakage.file), |source| breakage.apply(&source))?;
    }
    edit(&copy.join("host/core/src/lib.rs"), |source| Ok(source + SWITCH))?;
    // What the workspace's dependencies were built to is used again: they are the same.
    let mut command = test(&copy);
    command.arg("--no-run").env("CARGO_TARGET_DIR", target());
    let made = build(&mut command)?;
    let is_it = |path: &PathBuf| {
        path.extension().is_none()
            && path.file_stem().is_some_and(|file| file.to_string_lossy().starts_with("sim-"))
    };
    let program =
        made.into_iter().map(|artifact| artifact.path).find(is_it).context("cargo made no simulation")?;
    let sound = attempt(&program, None)?;
    if let Some(found) = sound.caught {
        bail!("the simulation fails without a breakage: {found}");
    }
    println!("unbroken: {} seeds, {}", sound.seeds, seconds(sound.took));
    let mut missed = Vec::new();
    for Breakage { name, .. } in
        breakages.iter().filter(|breakage| names.is_empty() || names.contains(&breakage.name.as_str()))
    {
        let Attempt { caught, seeds, took } = attempt(&program, Some(name))?;
        if caught.is_none() {
            missed.push(name.as_str());
        }
        let found = caught.as_deref().unwrap_or("NOT CAUGHT");
        println!("| {name} | {seeds} | {} | {found} |", seconds(took));
    }
    std::fs::remove_dir_all(&copy)?;
    if !missed.is_empty() {
        bail!("not caught: {}", missed.join(", "));
    }
    Ok(())
}

/// What is in the repository, or would be with the next commit.
fn copy_sources(to: &Path) -> Result<()> {
    if to.exists() {
        std::fs::remove_dir_all(to)?;
    }
    let list = output(
        Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard"])
            .current_dir(root()),
    )?;
    for file in list.lines() {
        let (from, to) = (root().join(file), to.join(file));
        // One that is deleted and not committed yet.
        if from.is_file() {
            std::fs::create_dir_all(to.parent().unwrap_or(&to))?;
            std::fs::copy(&from, &to).with_context(|| format!("cannot copy {file}"))?;
        }
    }
    Ok(())
}

fn edit(file: &Path, change: impl FnOnce(String) -> Result<String>) -> Result<()> {
    let source = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    std::fs::write(file, change(source)?)?;
    Ok(())
}

struct Attempt {
    /// What the simulation found.
    caught: Option<String>,
    /// How many it tried.
    seeds: String,
    took: Duration,
}

fn attempt(program: &Path, broken: Option<&str>) -> Result<Attempt> {
    let start = Instant::now();
    let mut command = Command::new(program);
    command
        .args(["--nocapture", TEST])
        .env("SANDGLASS_SIM_SEEDS", if broken.is_some() { SEEDS } else { "1000" });
    // Without making the plan smaller that fails.
    command.env("SANDGLASS_SIM_BRIEF", "1");
    if let Some(name) = broken {
        command.env("SANDGLASS_BROKEN", name);
    }
    let output = command.stdin(Stdio::null()).output().with_context(|| program.display().to_string())?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let after = |mark: &str| said.lines().find_map(|line| line.split_once(mark));
    let seeds = after(" seeds, ").map_or("?", |(seeds, _)| seeds).to_owned();
    let caught = if output.status.success() {
        None
    } else {
        // The check stands at the end of the line, and what it saw on the next one.
        let mut lines = said.lines().skip_while(|line| !line.contains(" fails at "));
        let check = lines.next().and_then(|line| line.rsplit_once(": ")).map(|(_, check)| check);
        let saw: String = lines.next().unwrap_or_default().chars().take(FOUND_MAX).collect();
        Some(check.map_or_else(|| output.status.to_string(), |check| format!("{check}: {saw}")))
    };
    Ok(Attempt { caught, seeds, took: start.elapsed() })
}

/// Characters that are shown of what was found.
const FOUND_MAX: usize = 160;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breakage_is_a_switch_in_the_source() {
        let list = "why\n\n## no-call\nit is not made\nhost/core/src/a.rs\n-    call(1);\n+    drop(1);\n";
        let breakages = Breakage::read(list).expect("a list");
        assert_eq!(breakages.len(), 1);
        let source = "fn f() {\n    call(1);\n}\n";
        let broken = breakages[0].apply(source).expect("it stands there once");
        assert_eq!(
            broken,
            "fn f() {\n    if crate::is_broken(\"no-call\") { drop(1); } else { call(1); }\n}\n"
        );
        assert!(breakages[0].apply("fn f() {}").is_err());
        assert!(Breakage::read("## nothing\n").is_err());
    }

    #[test]
    fn every_breakage_stands_in_its_file() {
        let list = std::fs::read_to_string(root().join(BREAKAGES)).expect("the list");
        let breakages = Breakage::read(&list).expect("a list");
        assert!(breakages.len() >= 10);
        for breakage in breakages {
            let source = std::fs::read_to_string(root().join(&breakage.file)).expect("the file");
            breakage.apply(&source).expect("the text stands in it once");
        }
    }
}
