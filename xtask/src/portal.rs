//! `cargo xtask portal`: the files of the portal, which the next build of the host embeds; and what its tests
//! need beside them.

use crate::process::{is_installed, output, run, step};
use crate::root;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the bundler and the tests run on.
const NODE_MIN: u32 = 20;
/// Debian's, with letters to paint.
const BROWSER_PACKAGES: [&str; 2] = ["chromium", "fonts-dejavu-core"];

/// Type-checks, tests and bundles the portal.
pub(crate) fn build() -> Result<()> {
    let folder = root().join("host/portal/ui");
    install(&folder)?;
    step("the portal's types", || output(npm(&folder).args(["run", "--silent", "check"])))?;
    run(npm(&folder).args(["run", "--silent", "build"]))
}

/// Whether `build` has what it needs.
pub(crate) fn can_build() -> bool {
    check_node().is_ok()
}

/// The tests of the portal's own functions, and then those of its pages: in a browser, against the real binary.
pub(crate) fn test(binary: &Path, full: bool) -> Result<()> {
    let ui = root().join("host/portal/ui");
    run(npm(&ui).args(["run", "--silent", "test"]))?;
    let folder = root().join("tests/portal");
    install(&folder)?;
    let browser = browser()?;
    let mut tests = Command::new("node");
    // One after the other: they measure, and a machine may be small.
    tests.current_dir(&folder).args(["--test", "--test-concurrency=1", "--test-reporter=spec"]);
    for path in test_files(&folder)? {
        tests.arg(path);
    }
    tests.env("SANDGLASS_BINARY", binary).env("CHROMIUM", browser);
    if full {
        tests.env(crate::test::FULL, "1");
    }
    run(&mut tests)
}

/// Pictures of each page, into docs/images/portal.
pub(crate) fn pictures(binary: &Path) -> Result<()> {
    let folder = root().join("tests/portal");
    install(&folder)?;
    let mut node = Command::new("node");
    node.current_dir(&folder).arg("pictures.mjs");
    run(node.env("SANDGLASS_BINARY", binary).env("CHROMIUM", browser()?))
}

fn test_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.to_str().is_some_and(|path| path.ends_with(".test.mjs")) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The packages of a lock file, as they are locked; nothing where they are there.
pub(crate) fn install(folder: &Path) -> Result<()> {
    check_node()?;
    let lock = fs::read(folder.join("package-lock.json"))?;
    let stamp = folder.join("node_modules/.installed");
    if fs::read(&stamp).ok().as_ref() == Some(&lock) {
        return Ok(());
    }
    let what = format!("npm ci in {}", folder.strip_prefix(root()).unwrap_or(folder).display());
    step(&what, || output(npm(folder).args(["ci", "--no-audit", "--no-fund"])))?;
    Ok(fs::write(stamp, lock)?)
}

fn npm(folder: &Path) -> Command {
    let mut npm = Command::new("npm");
    npm.current_dir(folder);
    npm
}

fn check_node() -> Result<()> {
    if !is_installed("npm") || !is_installed("node") {
        bail!("Node {NODE_MIN} or later and npm are needed, and are not both installed");
    }
    let version = output(Command::new("node").arg("--version"))?;
    if major(&version).is_none_or(|major| major < NODE_MIN) {
        bail!("Node {NODE_MIN} or later is needed, and this is {}", version.trim());
    }
    Ok(())
}

/// The 20 of `v20.20.2`.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// Chromium: the one that `CHROMIUM` names, or Debian's, which is installed where that is possible.
fn browser() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("CHROMIUM") {
        return Ok(path.into());
    }
    if !is_installed("chromium") {
        install_browser()?;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&path).map(|folder| folder.join("chromium")).find(|path| path.is_file());
    found.context("chromium is not in PATH")
}

fn install_browser() -> Result<()> {
    if !is_installed("apt-get") {
        bail!("the portal's tests need Chromium: install it, or name one with CHROMIUM=/path/to/chromium");
    }
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        output(&mut command)
    };
    step("reading the package lists", || apt(&["update"]))?;
    step("installing chromium", || {
        let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
        arguments.extend(BROWSER_PACKAGES);
        apt(&arguments)
    })
    .context("`apt-get install chromium` needs root; CHROMIUM=/path/to/chromium names another one")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_node_are_compared_by_their_first_number() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major("20"), None);
    }
}
