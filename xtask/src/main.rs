//! `cargo xtask`: what one does in this repository beyond `cargo build`. It must not depend on the workspace's
//! other crates: it compiles first, and fast, and then compiles them.

mod apt;
mod bench;
mod debian;
mod demo;
mod fuzz;
mod guests;
mod portal;
mod process;
mod python;
mod sim;
mod test;
mod toolchain;
mod toolchains;

use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const HELP: &str = "\
usage: cargo xtask COMMAND

  guests                    build the example jobs and the tests' jobs into target/guests
  portal [--pictures]       build the web page that the host serves, for the next build to embed; with npm
  toolchains                install what compiles jobs in JavaScript, Python, C and Go into target/toolchains
  test [SUITE...] [--full]  run the suites, or some of them; --list says which there are
  demo [--once] [--data DIR] [--listen ADDR]
                            a host with a job at work on a public data set
  bench [hostile]           measure what the speed claims rest on, or only how hostile guests slow the host down
  fuzz [--seconds N] [TARGET...]
                            the fuzz targets, each for a minute or for so long; with a C++ compiler
  sim --seeds N             the simulation with so many seeds
  sim --seed X              one seed, told step by step
  sim --mutants [NAME...]   whether the simulation notices when the code is broken

SANDGLASS_GUEST_TOOLCHAIN=rustup|debian decides what compiles the jobs; without it, whichever is there.
";

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let Some((command, rest)) = arguments.split_first() else {
        print!("{HELP}");
        return Ok(());
    };
    match command.as_str() {
        "guests" if rest.is_empty() => guests::build().map(drop),
        "toolchains" if rest.is_empty() => toolchains::install().map(drop),
        "portal" if rest.is_empty() => portal::build(),
        "portal" if rest == ["--pictures"] => {
            guests::build()?;
            portal::build()?;
            portal::pictures(&process::build_program("sandglass")?)
        }
        "test" => test::run(rest),
        "demo" => demo::run(rest),
        "bench" => bench::run(rest),
        "sim" => sim::run(rest),
        "fuzz" => fuzz::run(rest),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        _ => bail!("no such command: {}\n\n{HELP}", arguments.join(" ")),
    }
}

/// The repository's folder.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// What these commands leave behind, beside what cargo does. Cargo's own target folder may be elsewhere.
fn target() -> PathBuf {
    root().join("target")
}
