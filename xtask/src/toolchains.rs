//! What compiles jobs in JavaScript, Python, C and Go, below `target/toolchains`: from npm, `PyPI` and Debian, each of a
//! version that is written down here. Nothing is installed into the system.
//!
//! `bin` has them under the names that their users know, so that a job's build command finds them.

use crate::apt::{self, Apt};
use crate::process::{is_installed, output, step};
use crate::{python, root, target, toolchain};
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Of clang, its linker and its library for WebAssembly.
const LLVM: &str = "19";
/// The first version that can export functions, and the release that has it.
const GO: &str = "1.24";
const GO_RELEASE: &str = "trixie";
/// Programs of packages of npm, and where they are: what makes components of JavaScript, by `QuickJS` and by `StarlingMonkey`,
/// and the compiler of TypeScript.
const JAVASCRIPT: [(&str, &str); 3] = [
    ("componentize-qjs", "componentize-qjs/cli.mjs"),
    ("componentize-js", "@bytecodealliance/componentize-js/src/cli.js"),
    ("tsc", "typescript/bin/tsc"),
];
/// The triple of jobs in C.
const TRIPLE: &str = "wasm32-wasi";
/// What every Debian has, in the version that its other libraries want.
const OF_THE_SYSTEM: [&str; 5] = ["libc6", "libcrypt1", "libgcc-s1", "libstdc++6", "gcc-"];

fn folder() -> PathBuf {
    target().join("toolchains")
}

/// Installs what is missing, and returns the folder of programs.
pub(crate) fn install() -> Result<PathBuf> {
    let folder = folder();
    let bin = folder.join("bin");
    fs::create_dir_all(&bin)?;
    let javascript = javascript(&folder)?;
    let python = python::with_packages(&folder.join("python"), &["xtask/toolchains/requirements.txt"])?;
    let debian = debian(&folder)?;
    toolchain::add_core_target()?;
    let script = |name: &str, text: String| -> Result<()> {
        let path = bin.join(name);
        let text = format!("#!/bin/sh\n{text} \"$@\"\n");
        if fs::read_to_string(&path).ok().as_ref() != Some(&text) {
            fs::write(&path, text)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        }
        Ok(())
    };
    for (name, path) in JAVASCRIPT {
        script(name, format!("exec node {}", quoted(&javascript.join(path))?))?;
    }
    let componentize = python.with_file_name("componentize-py");
    script("componentize-py", format!("exec {}", quoted(&componentize)?))?;
    let usr = debian.join("usr");
    let llvm = usr.join(format!("lib/llvm-{LLVM}"));
    script(
        "clang",
        format!(
            "export LD_LIBRARY_PATH={}:{}\nexport PATH={}:\"$PATH\"\nexec {} -isystem {} -L{sysroot} -B{sysroot}",
            quoted(&usr.join("lib/x86_64-linux-gnu"))?,
            quoted(&llvm.join("lib"))?,
            quoted(&usr.join("bin"))?,
            quoted(&llvm.join("bin/clang"))?,
            quoted(&usr.join("include").join(TRIPLE))?,
            sysroot = quoted(&usr.join("lib").join(TRIPLE))?,
        ),
    )?;
    script(
        "go",
        format!(
            "export GOTOOLCHAIN=local GOCACHE={} GOPATH={}\nexec {}",
            quoted(&folder.join("go-cache"))?,
            quoted(&folder.join("go-path"))?,
            quoted(&usr.join(format!("lib/go-{GO}/bin/go")))?
        ),
    )?;
    Ok(bin)
}

/// The search path with the programs before what is there, and those of Rust's own toolchain before them.
pub(crate) fn path() -> Result<OsString> {
    let environment = toolchain::find()?.environment;
    let path = environment.into_iter().find(|(name, _)| *name == "PATH").map(|(_, path)| path);
    let path = path.or_else(|| std::env::var_os("PATH")).unwrap_or_default();
    Ok(std::env::join_paths(std::iter::once(folder().join("bin")).chain(std::env::split_paths(&path)))?)
}

fn quoted(path: &Path) -> Result<String> {
    let text = path.to_str().context("the path of the repository is not UTF-8")?;
    if text.contains('\'') {
        bail!("the path of the repository has a quote in it, which the scripts cannot have");
    }
    Ok(format!("'{text}'"))
}

/// The folder of packages of npm.
fn javascript(folder: &Path) -> Result<PathBuf> {
    let lists = root().join("xtask/toolchains");
    let lock = fs::read_to_string(lists.join("package-lock.json"))?;
    let place = folder.join("javascript");
    let stamp = place.join("installed.json");
    if fs::read_to_string(&stamp).ok().as_ref() != Some(&lock) {
        if !is_installed("npm") {
            bail!("npm is not installed: Node 20 with npm is needed for jobs in JavaScript");
        }
        fs::create_dir_all(&place)?;
        for name in ["package.json", "package-lock.json"] {
            fs::copy(lists.join(name), place.join(name))?;
        }
        step("installing componentize-qjs, componentize-js and typescript by npm", || {
            output(
                Command::new("npm")
                    .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
                    .current_dir(&place),
            )
        })?;
        fs::write(&stamp, lock)?;
    }
    Ok(place.join("node_modules"))
}

/// Where clang, its linker and libraries, and Go are unpacked.
fn debian(folder: &Path) -> Result<PathBuf> {
    let finished = folder.join(format!("debian-{LLVM}-{GO}"));
    if finished.is_dir() {
        return Ok(finished);
    }
    apt::check()?;
    let partial = finished.with_extension("partial");
    if partial.exists() {
        fs::remove_dir_all(&partial)?;
    }
    fs::create_dir_all(&partial)?;
    let own = apt::own_release()?;
    let apt = Apt::new(&partial, &apt::sources_with_backports(&own)?)?;
    step(&format!("reading the package lists of Debian {own}"), || output(&mut apt.get(&["update"])))?;
    let mut packages: Vec<String> = ["clang-", "lld-", "libclang-cpp", "libllvm"]
        .into_iter()
        .map(|name| format!("{name}{LLVM}"))
        .chain([format!("libclang-common-{LLVM}-dev"), format!("libclang-rt-{LLVM}-dev-wasm32")])
        .collect();
    let shared = apt.with_needed(&format!("libllvm{LLVM}"), |name| {
        name != format!("libllvm{LLVM}") && !OF_THE_SYSTEM.iter().any(|system| name.starts_with(system))
    })?;
    packages.extend(shared);
    packages.push(wasi_libc(&apt)?);
    step(&format!("getting clang {LLVM} and wasi-libc (about 60 MB)"), || apt.unpack(&packages, &partial))?;
    apt.forget()?;
    let apt = Apt::new(&partial, &apt::sources(GO_RELEASE)?)?;
    step(&format!("reading the package lists of Debian {GO_RELEASE}"), || output(&mut apt.get(&["update"])))?;
    let packages = [format!("golang-{GO}-go"), format!("golang-{GO}-src")];
    step(&format!("getting Go {GO} (about 50 MB)"), || apt.unpack(&packages, &partial))?;
    apt.forget()?;
    fs::rename(&partial, &finished)?;
    Ok(finished)
}

/// The newest wasi-libc, by its version: apt prefers that of the release to that of its backports.
fn wasi_libc(apt: &Apt) -> Result<String> {
    const PACKAGE: &str = "wasi-libc";
    let versions = apt::versions(&apt.cache(&["madison", PACKAGE])?);
    let newest = versions.into_iter().next().with_context(|| format!("Debian has no {PACKAGE} here"))?;
    Ok(format!("{PACKAGE}={newest}"))
}
