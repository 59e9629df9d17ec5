//! `cargo xtask fuzz`: the targets in `fuzz/`, each for so long, with what was found worth trying before.
//!
//! The folder is laid out as cargo-fuzz has it. What cargo-fuzz adds to a build needs no other compiler than the
//! repository's, as long as no sanitizer is asked for; so it is done here, without it.

use crate::process::{Artifact, build, cargo, run as run_command};
use crate::{root, target};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// By name, with the bytes of an input at most.
const TARGETS: [(&str, u32); 5] =
    [("cron", 4096), ("keys", 4096), ("host_calls", 4096), ("http", 4096), ("upload", 16 << 10)];

/// Seconds that one input may take, and mebibytes that the process may.
const INPUT_SECONDS: u32 = 10;
const MEMORY_MIB: u32 = 2048;

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (seconds, names) = match arguments[..] {
        ["--seconds", seconds, ref names @ ..] => (seconds.parse::<u32>().context("--seconds")?, names),
        ref names => (60, names),
    };
    let all = TARGETS.map(|(name, _)| name);
    if let Some(name) = names.iter().find(|name| !all.contains(name)) {
        bail!("there is no target `{name}`; there are {}", all.join(", "));
    }
    for (name, bytes) in TARGETS.into_iter().filter(|(name, _)| names.is_empty() || names.contains(name)) {
        println!("\n== {name}, for {seconds} s");
        fuzz(name, bytes, seconds)?;
    }
    Ok(())
}

/// Runs one target on a copy of its corpus, so that the repository's stays small.
fn fuzz(name: &str, bytes: u32, seconds: u32) -> Result<()> {
    let program = program(name)?;
    let folder = target().join("fuzz").join("work").join(name);
    let (corpus, found) = (folder.join("corpus"), folder.join("found"));
    for folder in [&corpus, &found] {
        fs::create_dir_all(folder)?;
    }
    run_command(
        Command::new(program)
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-timeout={INPUT_SECONDS}"))
            .arg(format!("-rss_limit_mb={MEMORY_MIB}"))
            .arg(format!("-max_len={bytes}"))
            .arg(format!("-artifact_prefix={}/", found.display()))
            .args(["-print_final_stats=1", "-verbosity=0"])
            .arg(corpus)
            .arg(root().join("fuzz/corpus").join(name)),
    )
    .with_context(|| format!("what was found is in {}", found.display()))
}

fn program(name: &str) -> Result<PathBuf> {
    let mut command = cargo();
    command
        .current_dir(root().join("fuzz"))
        .args(["build", "--locked", "--bin", name, "--target-dir"])
        .arg(target().join("fuzz"))
        // What tells libFuzzer where the code has been is added to this project's own crates.
        .env("RUSTC_WRAPPER", root().join("fuzz/rustc.sh"));
    let is_it = |path: &PathBuf| path.file_name().is_some_and(|file| file == name);
    let made: Vec<Artifact> = build(&mut command)?;
    let program = made.into_iter().map(|artifact| artifact.path).rfind(is_it);
    program.with_context(|| format!("cargo made no program `{name}`"))
}
