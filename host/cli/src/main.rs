//! `sandglass`: the host, and the client of its public API, in one binary.
//!
//! A file per command in [`command`]; what [`command::serve`] starts is the host, what [`trial`] starts is one attempt
//! without a host, and all others are clients. The client side knows the HTTP API and the core's pure functions, and
//! nothing else of the host.

mod cli;
mod client;
mod command;
mod folder;
mod language;
mod manifest;
mod render;
mod schedule;
mod serve;
mod shape;
mod stop;
mod trial;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    // The process that compiles strangers' bytes does nothing else, and nothing before: it limits itself first.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == "compile-worker") {
        return sandglass_runtime::worker_main();
    }
    let cli = cli::Cli::parse();
    match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => stop::end(&error),
    }
}
