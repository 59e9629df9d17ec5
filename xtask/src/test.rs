//! `cargo xtask test`: everything that says whether the repository is in order, one suite after the other.

use crate::process::{build, build_program, cargo, run as run_command, seconds};
use crate::{guests, portal, python, root, target, toolchain, toolchains};
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

struct Suite {
    name: &'static str,
    proves: &'static str,
    /// Runs only when asked for, by name or with `--full`.
    full: bool,
    needs: &'static [Need],
    run: fn() -> Result<()>,
}

/// What must be there before a suite can begin.
#[derive(Clone, Copy, PartialEq)]
enum Need {
    Guests,
    /// Before the host, which embeds it.
    Portal,
    Host,
    Python,
    /// What compiles jobs in other languages than Rust.
    Toolchains,
}

const SUITES: &[Suite] = &[
    Suite { name: "fmt", proves: "the source is formatted", full: false, needs: &[], run: fmt },
    Suite { name: "lint", proves: "clippy has no complaints", full: false, needs: &[], run: lint },
    Suite {
        name: "unit",
        proves: "each crate does what it says",
        full: false,
        needs: &[Need::Guests],
        run: || {
            let others = ["sandglass-tests", "sandglass", "sandglass-macros"];
            let excluded = others.iter().flat_map(|package| ["--exclude", package]);
            // The simulation has a suite of its own.
            run_command(test().arg("--workspace").args(excluded).env("SANDGLASS_SIM_SEEDS", "20"))
        },
    },
    Suite {
        name: "cron",
        proves: "schedules occur when two other implementations, and their definition, say so",
        full: false,
        needs: &[Need::Python],
        run: || {
            let mut command = test();
            command.env("SANDGLASS_CRON_PYTHON", python::environment()?);
            // They are ignored so that the unit suite, which needs no Python, does not run them too.
            let arguments = ["--ignored", "--nocapture"];
            run_command(command.args(["--workspace", "--test", "cron", "--"]).args(arguments))
        },
    },
    Suite {
        name: "sim",
        proves: "every occurrence is accounted for, whatever happens to the host",
        full: false,
        needs: &[],
        run: || {
            let seeds = if is_full() { "50000" } else { "10000" };
            let mut command = test();
            command.args(["--workspace", "--test", "sim", "--", "--nocapture"]);
            run_command(command.env("SANDGLASS_SIM_SEEDS", seeds))
        },
    },
    Suite {
        name: "guests",
        proves: "the SDK does what it says, and the jobs written with it are components",
        full: false,
        needs: &[Need::Guests],
        run: || run_command(test().args(["--package", "sandglass", "--package", "sandglass-macros"])),
    },
    Suite {
        name: "e2e",
        proves: "the real binary keeps its promises, end to end",
        full: false,
        needs: &[Need::Guests, Need::Host],
        // By the names of its programs: see `build_program` for why not by that of its package.
        run: || run_command(test().args(["--workspace", "--test", "all", "--test", "tidy"])),
    },
    Suite {
        name: "crash",
        proves: "however things end, nothing is lost, doubled, left over or unnamed",
        full: false,
        needs: &[Need::Guests, Need::Host],
        // With what the tests say of how much they did.
        run: || {
            let programs = ["--test", "crash", "--test", "outage"];
            run_command(test().arg("--workspace").args(programs).args(["--", "--show-output"]))
        },
    },
    Suite {
        name: "hostile",
        proves: "no guest and no upload reaches further than it may, or slows its neighbours down",
        full: false,
        needs: &[Need::Guests, Need::Host],
        run: || run_command(test().args(["--workspace", "--test", "hostile", "--", "--show-output"])),
    },
    Suite {
        name: "uploads",
        proves: "whatever is uploaded is answered, and leaves nothing in memory",
        full: false,
        needs: &[Need::Guests, Need::Host],
        run: || {
            let mut command = test();
            command.env("SANDGLASS_SMITH", smith()?);
            run_command(command.args(["--workspace", "--test", "uploads", "--", "--nocapture"]))
        },
    },
    Suite {
        name: "tables",
        proves: "rows are what jobs and clients were told, through kills; what an index is read for does not grow",
        full: false,
        needs: &[Need::Guests, Need::Host],
        // With the figures that the tests print.
        run: || run_command(test().args(["--workspace", "--test", "tables", "--", "--show-output"])),
    },
    Suite {
        name: "smtp",
        proves: "mail reaches real servers, each message at least once, whatever dies on the way",
        full: false,
        needs: &[Need::Guests, Need::Host, Need::Python],
        run: || {
            portal::install(&root().join("tests/smtp"))?;
            let mut command = test();
            command.env("SANDGLASS_SMTP_PYTHON", python::environment()?);
            run_command(command.args(["--workspace", "--test", "smtp", "--", "--show-output"]))
        },
    },
    Suite {
        name: "portal",
        proves: "the portal does what it says, in a browser",
        full: false,
        needs: &[Need::Guests, Need::Portal, Need::Host],
        run: || portal::test(&build_program("sandglass")?, is_full()),
    },
    Suite {
        name: "languages",
        proves: "a job in any language is built, uploaded as its compiler made it, and does the same",
        full: false,
        needs: &[Need::Guests, Need::Toolchains, Need::Host],
        run: || {
            let mut command = test();
            command.args(["--workspace", "--test", "languages", "--", "--show-output"]);
            // First what compiles Rust, whose PATH has the others behind it.
            command.envs(toolchain::find()?.environment);
            run_command(command.env("PATH", toolchains::path()?))
        },
    },
    Suite {
        name: "fallback",
        proves: "jobs compile where rustup cannot add their target",
        full: true,
        needs: &[],
        run: || {
            let this = std::env::current_exe()?;
            run_command(Command::new(this).arg("guests").env("SANDGLASS_GUEST_TOOLCHAIN", "debian"))?;
            // Back to what the other suites run, with whichever toolchain that is.
            guests::build().map(drop)
        },
    },
];

/// Set for every suite under `--full`: tests that can do more then do.
pub(crate) const FULL: &str = "SANDGLASS_FULL";

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let full = is_full();
    if arguments.iter().any(|argument| argument == "--list") {
        for suite in SUITES {
            println!("{:10} {}{}", suite.name, suite.proves, if suite.full { " (--full)" } else { "" });
        }
        return Ok(());
    }
    let names: Vec<&str> =
        arguments.iter().map(String::as_str).filter(|argument| *argument != "--full").collect();
    let suites = chosen(&names, full)?;
    let mut results = Vec::new();
    let mut ready = Vec::new();
    for suite in suites {
        println!("\n== {}: {}", suite.name, suite.proves);
        let start = Instant::now();
        let result = prepare(suite.needs, &mut ready).and_then(|()| (suite.run)());
        if let Err(error) = &result {
            println!("{error:#}");
        }
        results.push((suite.name, result.is_ok(), start.elapsed()));
    }
    summarize(&results)
}

/// Those named, or else all that run without being asked for.
fn chosen(names: &[&str], full: bool) -> Result<Vec<&'static Suite>> {
    if names.is_empty() {
        return Ok(SUITES.iter().filter(|suite| full || !suite.full).collect());
    }
    let find = |name: &&str| match SUITES.iter().find(|suite| suite.name == *name) {
        Some(suite) => Ok(suite),
        None => bail!("there is no suite `{name}`; --list says which there are"),
    };
    names.iter().map(find).collect()
}

/// Once per need, and for the first suite that has it.
fn prepare(needs: &[Need], ready: &mut Vec<Need>) -> Result<()> {
    for need in needs {
        if ready.contains(need) {
            continue;
        }
        match need {
            Need::Guests => guests::build().map(drop)?,
            Need::Portal => portal::build()?,
            Need::Host => build_program("sandglass").map(drop)?,
            Need::Python => python::environment().map(drop)?,
            Need::Toolchains => toolchains::install().map(drop)?,
        }
        ready.push(*need);
    }
    Ok(())
}

fn summarize(results: &[(&str, bool, Duration)]) -> Result<()> {
    println!();
    for (name, passed, took) in results {
        println!("{name:10} {:8} {:>8}", if *passed { "passed" } else { "FAILED" }, seconds(*took));
    }
    let failed: Vec<&str> = results.iter().filter(|(_, passed, _)| !passed).map(|(name, ..)| *name).collect();
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

fn fmt() -> Result<()> {
    for workspace in ["", "fuzz", "guest-examples", "tests/guests", "tests/smith"] {
        run_command(cargo().args(["fmt", "--check"]).current_dir(root().join(workspace)))?;
    }
    Ok(())
}

fn lint() -> Result<()> {
    run_command(cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

/// Builds the generator of uploads, and says where it is.
fn smith() -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["build", "--release", "--locked", "--quiet", "--target-dir"]).arg(target().join("smith"));
    let made = build(command.current_dir(root().join("tests/smith")))?;
    let program = made.into_iter().map(|artifact| artifact.path).find(|path| path.ends_with("smith"));
    program.context("cargo made no program `smith`")
}

fn test() -> Command {
    let mut command = cargo();
    command.arg("test");
    if is_full() {
        command.env(FULL, "1");
    }
    command
}

fn is_full() -> bool {
    std::env::args().any(|argument| argument == "--full")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str], full: bool) -> Vec<&'static str> {
        chosen(names, full).expect("known suites").into_iter().map(|suite| suite.name).collect()
    }

    #[test]
    fn all_run_unless_some_are_named() {
        assert!(names(&[], false).contains(&"e2e"));
        assert!(!names(&[], false).contains(&"fallback"));
        assert_eq!(names(&[], true).len(), SUITES.len());
        assert_eq!(names(&["unit", "fallback"], false), ["unit", "fallback"]);
    }

    #[test]
    fn an_unknown_suite_is_an_error() {
        assert!(chosen(&["unit", "untit"], false).is_err());
    }

    #[test]
    fn one_failure_fails_the_whole() {
        let second = Duration::from_secs(1);
        assert!(summarize(&[("a", true, second), ("b", true, second)]).is_ok());
        let error = summarize(&[("a", true, second), ("b", false, second)]).expect_err("b failed");
        assert_eq!(error.to_string(), "failed: b");
    }
}
