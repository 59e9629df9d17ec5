//! `cargo xtask guests`: the example jobs and the tests' jobs, as components in `target/guests`.

use crate::process::{Artifact, build as cargo_build, cargo, seconds};
use crate::toolchain::{self, TARGET, Toolchain};
use crate::{root, target};
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The folders of the guests' workspaces.
const WORKSPACES: [&str; 2] = ["guest-examples", "tests/guests"];

/// What a component begins with; a plain module has another fifth byte.
const COMPONENT: [u8; 8] = [0x00, b'a', b's', b'm', 0x0d, 0x00, 0x01, 0x00];

/// Where `build` puts a job.
pub(crate) fn path(name: &str) -> PathBuf {
    target().join("guests").join(name).with_extension("wasm")
}

/// Builds what has changed, and returns the paths of all.
pub(crate) fn build() -> Result<Vec<PathBuf>> {
    let toolchain = toolchain::find()?;
    fs::create_dir_all(target().join("guests"))?;
    let mut paths = Vec::new();
    for workspace in WORKSPACES {
        print!("{workspace}, with {}'s compiler ... ", toolchain.name);
        std::io::stdout().flush()?;
        let start = Instant::now();
        let made = build_workspace(&toolchain, workspace)?;
        let news = if made.iter().all(|artifact| artifact.fresh) { "up to date" } else { "built" };
        println!("{news}, {}", seconds(start.elapsed()));
        for artifact in made {
            paths.push(place(&artifact.path)?);
        }
    }
    Ok(paths)
}

fn build_workspace(toolchain: &Toolchain, workspace: &str) -> Result<Vec<Artifact>> {
    let made = cargo_build(
        cargo()
            .current_dir(root().join(workspace))
            .args(["build", "--release", "--locked", "--quiet", "--target", TARGET, "--target-dir"])
            .arg(target().join("guest-build").join(toolchain.name))
            .env("CARGO_ENCODED_RUSTFLAGS", remap_flags())
            .envs(toolchain.environment.iter().map(|(name, value)| (name, value))),
    )?;
    Ok(made.into_iter().filter(|artifact| artifact.path.extension().is_some_and(|it| it == "wasm")).collect())
}

/// Names for this machine's folders, which would else stand in the messages of panics. From one folder, the same
/// source then gives the same bytes; from another it does not: cargo hashes a package's path into its symbols.
fn remap_flags() -> OsString {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let cargo_home = std::env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
    let mut flags = OsString::new();
    for (folder, name) in [(root(), "/sandglass"), (cargo_home.as_path(), "/cargo")] {
        if !flags.is_empty() {
            flags.push("\u{1f}");
        }
        flags.push("--remap-path-prefix=");
        flags.push(folder);
        flags.push("=");
        flags.push(name);
    }
    flags
}

/// Copies a job to where its users look for it, unless the same is there: what a test has open, or compares
/// the age of, stays as it is.
fn place(made: &Path) -> Result<PathBuf> {
    let name = made.file_stem().and_then(|name| name.to_str()).context("a job's file has no name")?;
    let bytes = fs::read(made).with_context(|| format!("reading {}", made.display()))?;
    if !bytes.starts_with(&COMPONENT) {
        bail!("{} is no component", made.display());
    }
    let place = path(name);
    if fs::read(&place).ok().as_ref() != Some(&bytes) {
        // Renamed into place: a reader sees the old one or the new one.
        let partial = place.with_extension("partial");
        fs::write(&partial, &bytes)?;
        fs::rename(&partial, &place)?;
        println!("  {} ({} KB)", place.strip_prefix(root()).unwrap_or(&place).display(), bytes.len() / 1_000);
    }
    Ok(place)
}
