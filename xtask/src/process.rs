//! Other programs: cargo and the tools of the system.

use crate::root;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::ffi::OsStr;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The cargo that runs this, in the repository's folder.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // What `cargo xtask` tells this program of its own package. There are dependencies that would be built anew
    // whenever these differ: with each change from `cargo xtask` to `cargo build` and back.
    let of_package = |name: &str| name == "CARGO_MANIFEST_DIR" || name.starts_with("CARGO_PKG_");
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(of_package) {
            command.env_remove(name);
        }
    }
    command.current_dir(root());
    command
}

/// Whether there is such a program.
pub(crate) fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Runs a command that shows its own output.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", shown(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", shown(command));
    }
    Ok(())
}

/// What a command prints to stdout. What it says to stderr is seen only if it fails.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let Output { status, stdout, stderr } =
        command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {}", shown(command)))?;
    if !status.success() {
        bail!("{} ended with {status}: {}", shown(command), String::from_utf8_lossy(&stderr).trim());
    }
    Ok(String::from_utf8_lossy(&stdout).into_owned())
}

/// A file that `cargo build` is responsible for.
#[derive(Debug, PartialEq)]
pub(crate) struct Artifact {
    pub(crate) path: PathBuf,
    /// It was there already, and is as it would be if it were built now.
    pub(crate) fresh: bool,
}

/// Runs a `cargo build` and says what it made: where, too, so that nobody has to guess at target folders.
pub(crate) fn build(command: &mut Command) -> Result<Vec<Artifact>> {
    command.arg("--message-format=json-render-diagnostics").stdout(Stdio::piped());
    let output = command
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .with_context(|| format!("cannot start {}", shown(command)))?;
    if !output.status.success() {
        bail!("{} ended with {}", shown(command), output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().flat_map(artifacts).collect())
}

/// Builds the workspace and says where its program of this name is.
///
/// Always the whole workspace: for a part of it cargo would choose other features of the dependencies, and
/// build wasmtime once more for them.
pub(crate) fn build_program(name: &str) -> Result<PathBuf> {
    let made = build(cargo().args(["build", "--workspace"]))?;
    let is_it = |path: &PathBuf| path.file_name().is_some_and(|file| file == name);
    let program = made.into_iter().map(|artifact| artifact.path).rfind(is_it);
    program.with_context(|| format!("cargo made no program `{name}`"))
}

/// Cargo's messages are an open set: what is not understood is none of ours.
fn artifacts(message: &str) -> Vec<Artifact> {
    let Ok(message) = serde_json::from_str::<Value>(message) else {
        return Vec::new();
    };
    if message["reason"] != "compiler-artifact" {
        return Vec::new();
    }
    let fresh = message["fresh"] == true;
    let paths = message["filenames"].as_array().into_iter().flatten().filter_map(Value::as_str);
    paths.map(|path| Artifact { path: path.into(), fresh }).collect()
}

/// Says what is going on before it does it, and how long it took after.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    print!("{what} ... ");
    std::io::stdout().flush()?;
    let start = Instant::now();
    let result = work();
    println!("{}{}", if result.is_ok() { "" } else { "failed after " }, seconds(start.elapsed()));
    result
}

pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_says_what_it_made_and_what_was_there() {
        let made = r#"{"reason":"compiler-artifact","filenames":["/t/a.wasm","/t/a.d"],"fresh":true}"#;
        let paths: Vec<_> =
            artifacts(made).into_iter().map(|artifact| (artifact.path, artifact.fresh)).collect();
        assert_eq!(paths, [("/t/a.wasm".into(), true), ("/t/a.d".into(), true)]);
        assert_eq!(artifacts(r#"{"reason":"build-finished","success":true}"#), []);
        assert_eq!(artifacts("   Compiling a v0.1.0"), []);
    }

    #[test]
    fn a_failure_names_the_command_and_what_it_said() {
        let error =
            output(Command::new("sh").args(["-c", "echo no room >&2; exit 3"])).expect_err("it fails");
        let message = error.to_string();
        assert!(message.contains("exit status: 3") && message.ends_with("no room"), "{message}");
        assert!(run(&mut Command::new("no-such-program")).is_err());
    }
}
