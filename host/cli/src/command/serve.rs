//! `sandglass serve`: the host.

use crate::cli::Context;
use crate::serve::config::{DEFAULT_LISTEN, Layer};
use crate::serve::process;
use crate::stop::Stop;
use anyhow::Result;
use sandglass_core::Span;
use std::env;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use tracing_subscriber::EnvFilter;

/// Run the host
///
/// Settings come from these options, else from the environment, else from the configuration's file, else from
/// their defaults. The first start makes the data folder and a token.
#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    /// The data folder [env: `SANDGLASS_DATA`] [default: ~/.local/share/sandglass]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[arg(long, value_name = "ADDR", help = listen_help())]
    listen: Option<String>,
    /// Settings as TOML: data, listen, history, `attempts_max`, and more [env: `SANDGLASS_CONFIG`]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How long ended runs and their logs are kept [env: `SANDGLASS_HISTORY`] [default: 30d]
    #[arg(long, value_name = "SPAN")]
    history: Option<Span>,
    /// Attempts that execute at one time [env: `SANDGLASS_ATTEMPTS_MAX`] [default: 64 per core]
    #[arg(long, value_name = "COUNT")]
    attempts_max: Option<usize>,
}

fn listen_help() -> String {
    format!(
        "Address and port; port 0 takes any that is free [env: SANDGLASS_LISTEN] [default: {DEFAULT_LISTEN}]"
    )
}

impl Serve {
    pub(crate) fn run(self, _: &mut Context) -> Result<()> {
        start_log()?;
        let flags = Layer {
            data: self.data,
            listen: self.listen,
            history: self.history,
            attempts_max: self.attempts_max,
            ..Layer::default()
        };
        flags.check().map_err(|error| Stop::Usage(format!("the command line: {error:#}")))?;
        let named = env::var_os("SANDGLASS_CONFIG").filter(|path| !path.is_empty());
        let file = match self.config.or(named.map(PathBuf::from)) {
            Some(path) => Layer::from_file(&path)?,
            None => Layer::default(),
        };
        let config = flags.or(Layer::from_environment(|name| env::var_os(name))?).or(file).resolve()?;
        process::run(&config)
    }
}

/// The host's own log, on standard error: `SANDGLASS_LOG=debug`, or a level for each part of it.
fn start_log() -> Result<()> {
    // sled tells of its own workings on the level of what concerns people.
    let asked = env::var("SANDGLASS_LOG").ok().filter(|value| !value.is_empty());
    let filter = EnvFilter::try_new(asked.as_deref().unwrap_or("info,sled=warn"));
    let filter = filter.map_err(|error| {
        Stop::Usage(format!(
            "SANDGLASS_LOG: {error}. Write a level, such as debug, or parts: info,sandglass_runtime=debug"
        ))
    })?;
    let colours = io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(colours).init();
    Ok(())
}
