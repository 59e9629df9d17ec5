//! Debian's Rust compiler with its standard library for WebAssembly, for where `rustup target add` does not
//! reach its server. It is unpacked into a folder and installs nothing: apt gets a configuration of its own
//! that knows the release, and the compiler is started through its own dynamic linker.

use crate::apt::{self, Apt};
use crate::process::{output, step};
use anyhow::{Context, Result, bail};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const RELEASE: &str = "trixie";
const COMPILER: &str = "rustc";
const STANDARD_LIBRARIES: [&str; 2] = ["libstd-rust-dev", "libstd-rust-dev-wasm32"];

/// Of the folder in which everything is.
const NAME: &str = "debian";

/// Whether `install` has nothing to get.
pub(crate) fn is_installed(folder: &Path) -> bool {
    folder.join(NAME).is_dir()
}

/// Unpacks the compiler into `folder`, unless it is there, and returns the program to start.
pub(crate) fn install(folder: &Path) -> Result<PathBuf> {
    let finished = folder.join(NAME);
    if !finished.is_dir() {
        apt::check()?;
        // Unpacked aside and renamed: a folder of that name is whole.
        let partial = folder.join(NAME).with_extension("partial");
        if partial.exists() {
            fs::remove_dir_all(&partial)?;
        }
        unpack(&partial).with_context(|| format!("getting Debian's {COMPILER} into {}", folder.display()))?;
        fs::rename(&partial, &finished)?;
    }
    let compiler = start_script(&finished)?;
    output(Command::new(&compiler).arg("--version")).with_context(|| {
        format!("Debian's {COMPILER} does not start; delete {} to get it anew", finished.display())
    })?;
    Ok(compiler)
}

fn unpack(folder: &Path) -> Result<()> {
    let apt = Apt::new(folder, &apt::sources(RELEASE)?)?;
    step(&format!("reading the package lists of Debian {RELEASE}"), || output(&mut apt.get(&["update"])))?;
    let version = version(&apt)?;
    let packages = packages(&apt, &version)?;
    step(&format!("getting {COMPILER} {version} (about 200 MB)"), || apt.unpack(&packages, folder))?;
    apt.forget()
}

/// The compiler wants the C library that it was built with. The script has the folder's own path in it, and
/// is therefore written anew: the repository may have been moved.
fn start_script(folder: &Path) -> Result<PathBuf> {
    let script = folder.join("start-rustc");
    let folder = folder.to_str().context("the path of the repository is not UTF-8")?;
    if folder.contains('\'') {
        bail!("the path of the repository has a quote in it, which the compiler's start script cannot have");
    }
    let text = format!(
        "#!/bin/sh\nexec '{folder}/usr/lib64/ld-linux-x86-64.so.2' \
         --library-path '{folder}/usr/lib/x86_64-linux-gnu' '{folder}/usr/bin/{COMPILER}' \"$@\"\n"
    );
    // Its time counts for cargo, which compiles everything anew for a compiler that has changed.
    if fs::read_to_string(&script).ok().as_ref() != Some(&text) {
        fs::write(&script, text)?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    }
    Ok(script)
}

/// The newest version that the compiler and its libraries have in common. Which that is changes with Debian's point
/// releases, and old ones are not served.
fn version(apt: &Apt) -> Result<String> {
    let mut common = apt::versions(&apt.cache(&["madison", COMPILER])?);
    for package in STANDARD_LIBRARIES {
        let there = apt::versions(&apt.cache(&["madison", package])?);
        common.retain(|version| there.contains(version));
    }
    common.into_iter().next().with_context(|| format!("Debian {RELEASE} has no {COMPILER} of one version"))
}

/// The compiler, its libraries, and the shared libraries that it needs to start: but not the C compiler and its kin,
/// which the package depends on, too.
fn packages(apt: &Apt, version: &str) -> Result<Vec<String>> {
    let runtime = runtime_package(version)?;
    let needed = apt.with_needed(&runtime, |package| package != runtime)?;
    let own = std::iter::once(COMPILER).chain(STANDARD_LIBRARIES).chain([runtime.as_str()]);
    Ok(own.map(|package| format!("{package}={version}")).chain(needed).collect())
}

/// The package that holds the compiler's shared libraries: of 1.85.1+dfsg1-1 it is libstd-rust-1.85.
fn runtime_package(version: &str) -> Result<String> {
    let mut numbers = version.split('.');
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) => Ok(format!("libstd-rust-{major}.{minor}")),
        _ => bail!("`{version}` is no version of {COMPILER}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runtime_follows_from_the_version() {
        assert_eq!(runtime_package("1.85.1+dfsg1-1+deb13u1").expect("a version"), "libstd-rust-1.85");
        assert!(runtime_package("unknown").is_err());
    }
}
