//! What compiles jobs to WebAssembly: the compiler that is here, once it has the target, or Debian's.

use crate::process::{self, output};
use crate::{debian, target};
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

pub(crate) const TARGET: &str = "wasm32-wasip2";
/// Of jobs that are core modules, as the compiler alone makes them.
const CORE_TARGET: &str = "wasm32-wasip1";

const CHOICE: &str = "SANDGLASS_GUEST_TOOLCHAIN";

/// What cargo must be told, so that it compiles jobs.
pub(crate) struct Toolchain {
    /// `rustup` or `debian`; each has a folder of its own for what it compiled.
    pub(crate) name: &'static str,
    pub(crate) environment: Vec<(&'static str, OsString)>,
}

/// Finds a toolchain, or installs one: by rustup, or else in a folder under `target`.
pub(crate) fn find() -> Result<Toolchain> {
    match std::env::var(CHOICE).as_deref() {
        Ok("rustup") => rustup(),
        Ok("debian") => debian(),
        Ok(other) => bail!("{CHOICE} is `{other}`; it can be `rustup` or `debian`"),
        // What was resorted to once is not given up for a server that cannot be reached: each try takes long.
        Err(_) if !has_target()? && debian::is_installed(&debian_folder()) => debian(),
        Err(_) => rustup().or_else(|reason| {
            println!("No {TARGET} for the installed compiler ({reason:#}): using Debian's.");
            debian().with_context(|| {
                format!(
                    "nothing here compiles for {TARGET}, and Debian's compiler cannot be had either; \
                     `rustup target add {TARGET}` is the usual way"
                )
            })
        }),
    }
}

/// The compiler that is here. Whoever installed it, it may have the target already.
fn rustup() -> Result<Toolchain> {
    let toolchain = Toolchain { name: "rustup", environment: Vec::new() };
    if has_target()? {
        return Ok(toolchain);
    }
    if !process::is_installed("rustup") {
        bail!("it lacks the target, and rustup is not there to add it");
    }
    process::step(&format!("rustup target add {TARGET}"), || {
        output(Command::new("rustup").args(["target", "add", TARGET]).env("RUSTUP_MAX_RETRIES", "1"))
    })?;
    Ok(toolchain)
}

/// Debian's compiler, with the linkers of the one that is here: Debian's package brings none.
fn debian() -> Result<Toolchain> {
    let linkers = sysroot()?.join("lib/rustlib/x86_64-unknown-linux-gnu/bin");
    let linker = linkers.join("wasm-component-ld");
    if !linker.is_file() {
        bail!("the installed Rust has no {}, which Debian's compiler would need", linker.display());
    }
    let compiler = debian::install(&debian_folder())?;
    // The linker of components starts `wasm-ld`, which lies in `gcc-ld`.
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path =
        std::env::join_paths([linkers.join("gcc-ld")].into_iter().chain(std::env::split_paths(&path)))?;
    let environment = vec![
        ("RUSTC", compiler.into()),
        ("CARGO_TARGET_WASM32_WASIP2_LINKER", linker.into()),
        ("CARGO_TARGET_WASM32_WASIP1_LINKER", linkers.join("rust-lld").into()),
        ("PATH", path),
    ];
    Ok(Toolchain { name: "debian", environment })
}

/// Adds the target of core modules, where the compiler that is here lacks it. Debian's has it.
pub(crate) fn add_core_target() -> Result<()> {
    let toolchain = find()?;
    if toolchain.name != "rustup" || sysroot()?.join("lib/rustlib").join(CORE_TARGET).join("lib").is_dir() {
        return Ok(());
    }
    process::step(&format!("rustup target add {CORE_TARGET}"), || {
        output(Command::new("rustup").args(["target", "add", CORE_TARGET]))
    })
    .map(drop)
}

fn debian_folder() -> PathBuf {
    target().join("guest-toolchain")
}

fn has_target() -> Result<bool> {
    Ok(sysroot()?.join("lib/rustlib").join(TARGET).join("lib").is_dir())
}

fn sysroot() -> Result<PathBuf> {
    let path = output(Command::new("rustc").args(["--print", "sysroot"]))?;
    Ok(path.trim_end().into())
}
