//! Pythons with packages of a list: made once below the target folder, and anew when the list changes. It installs
//! nothing into the system, but for Debian's `python3-venv` where that is missing.

use crate::process::{is_installed, output, step};
use crate::{root, target};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Each package with its version and hash, for the suites that have any.
const REQUIREMENTS: [&str; 2] = ["host/core/tests/cron/requirements.txt", "tests/smtp/requirements.txt"];
const PROGRAM: &str = "python3";
/// cronsim's own least version.
const VERSION_MIN: (u32, u32) = (3, 11);

/// The interpreter that has what the tests of schedules compare with.
pub(crate) fn environment() -> Result<PathBuf> {
    with_packages(&target().join("python"), &REQUIREMENTS)
}

/// The interpreter of an environment in `folder` with the packages of these lists, files of the repository.
pub(crate) fn with_packages(folder: &Path, lists: &[&str]) -> Result<PathBuf> {
    let texts =
        lists.iter().map(|list| fs::read_to_string(root().join(list)).with_context(|| (*list).to_string()));
    // An environment's programs name its folder: one that was moved has none.
    let requirements = format!("# {}\n{}", folder.display(), texts.collect::<Result<String>>()?);
    let interpreter = folder.join("bin/python");
    // Written last: where it is as it should be, so is all else.
    let stamp = folder.join("requirements.txt");
    let is_whole = fs::read_to_string(&stamp).is_ok_and(|there| there == requirements);
    // The interpreter is a link to the system's, which may have gone.
    if is_whole && output(Command::new(&interpreter).arg("--version")).is_ok() {
        return Ok(interpreter);
    }
    check()?;
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    step("making a Python environment", || make(folder))?;
    step(&format!("installing the packages of {}", lists.join(", ")), || {
        let arguments = ["-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"];
        let files = lists.iter().flat_map(|list| ["-r", list]);
        output(Command::new(&interpreter).args(arguments).args(files).current_dir(root()))
    })
    .context("the packages come from PyPI; what pip needs to reach it is pip's to know")?;
    fs::write(&stamp, requirements)?;
    Ok(interpreter)
}

fn check() -> Result<()> {
    let (major, minor) = VERSION_MIN;
    if !is_installed(PROGRAM) {
        bail!("{PROGRAM} is not installed: Python {major}.{minor} or newer is needed");
    }
    let question = "import sys; print(*sys.version_info[:2])";
    let answer = output(Command::new(PROGRAM).args(["-c", question]))?;
    let mut numbers = answer.split_whitespace().map(str::parse::<u32>);
    let (Some(Ok(found)), Some(Ok(minor_found))) = (numbers.next(), numbers.next()) else {
        bail!("{PROGRAM} does not say its version, but: {answer}");
    };
    if (found, minor_found) < VERSION_MIN {
        bail!("{PROGRAM} is Python {found}.{minor_found}, and {major}.{minor} or newer is needed");
    }
    Ok(())
}

/// An environment with a pip of its own. Debian has the half of `venv` that this takes in a package of its own.
fn make(folder: &Path) -> Result<()> {
    let venv = || {
        let made = output(Command::new(PROGRAM).args(["-m", "venv"]).arg(folder));
        made.map(drop)
            .context("python3 -m venv does not work; on Debian it comes with the package python3-venv")
    };
    let Err(error) = venv() else { return Ok(()) };
    if !is_installed("apt-get") || output(Command::new("id").arg("-u"))?.trim() != "0" {
        return Err(error);
    }
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        output(command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive")).map(drop)
    };
    apt(&["update"]).and_then(|()| apt(&["install", "--yes", "--no-install-recommends", "python3-venv"]))?;
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    venv()
}
