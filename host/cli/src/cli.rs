//! The command line: its commands, and what they share.

use crate::client::{Client, Connection};
use crate::command;
use crate::render::text;
use anyhow::Result;
use clap::{Parser, Subcommand};
use sandglass_core::Instant;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::io::Write;

/// Runs WebAssembly components on schedules: the host, and its client
#[derive(Debug, Parser)]
#[command(name = "sandglass", version, disable_help_subcommand = true)]
#[command(
    after_help = "Exit status: 0 done, 1 the run or the command failed, 2 usage, 3 the host cannot be reached or refuses."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(command::serve::Serve),
    New(command::new::New),
    Deploy(command::deploy::Deploy),
    Build(command::build::Build),
    Test(command::test::Test),
    Dev(command::dev::Dev),
    Jobs(command::jobs::Jobs),
    Show(command::show::Show),
    Pause(command::pause::Pause),
    Resume(command::resume::Resume),
    Rollback(command::rollback::Rollback),
    Rm(command::rm::Rm),
    Run(command::run::Run),
    Runs(command::runs::Runs),
    Logs(command::logs::Logs),
    Cancel(command::cancel::Cancel),
    Retry(command::retry::Retry),
    Backfill(command::backfill::Backfill),
    Next(command::next::Next),
    Upcoming(command::upcoming::Upcoming),
    Skips(command::skips::Skips),
    Tables(command::tables::Tables),
    Indexes(command::indexes::Indexes),
    Rows(command::rows::Rows),
    Export(command::export::Export),
    Import(command::import::Import),
    Emails(command::emails::Emails),
    Secrets(command::secrets::Secrets),
    Tokens(command::tokens::Tokens),
    Audit(command::audit::Audit),
    Completions(command::completions::Completions),
}

impl Cli {
    pub(crate) fn run(self) -> Result<()> {
        let mut context = Context {
            connection: self.connection,
            out: anstream::stdout(),
            now: Instant::from_jiff(jiff::Timestamp::now()),
        };
        let context = &mut context;
        match self.command {
            Command::Serve(command) => command.run(context),
            Command::New(command) => command.run(context),
            Command::Deploy(command) => command.run(context),
            Command::Build(command) => command.run(context),
            Command::Test(command) => command.run(context),
            Command::Dev(command) => command.run(context),
            Command::Jobs(command) => command.run(context),
            Command::Show(command) => command.run(context),
            Command::Pause(command) => command.run(context),
            Command::Resume(command) => command.run(context),
            Command::Rollback(command) => command.run(context),
            Command::Rm(command) => command.run(context),
            Command::Run(command) => command.run(context),
            Command::Runs(command) => command.run(context),
            Command::Logs(command) => command.run(context),
            Command::Cancel(command) => command.run(context),
            Command::Retry(command) => command.run(context),
            Command::Backfill(command) => command.run(context),
            Command::Next(command) => command.run(context),
            Command::Upcoming(command) => command.run(context),
            Command::Skips(command) => command.run(context),
            Command::Tables(command) => command.run(context),
            Command::Indexes(command) => command.run(context),
            Command::Rows(command) => command.run(context),
            Command::Export(command) => command.run(context),
            Command::Import(command) => command.run(context),
            Command::Emails(command) => command.run(context),
            Command::Secrets(command) => command.run(context),
            Command::Tokens(command) => command.run(context),
            Command::Audit(command) => command.run(context),
            Command::Completions(command) => command.run(context),
        }
    }
}

/// What a command needs of the world.
pub(crate) struct Context {
    connection: Connection,
    /// Takes the colours out where nobody would see them.
    pub(crate) out: anstream::Stdout,
    pub(crate) now: Instant,
}

impl Context {
    pub(crate) fn client(&self) -> Result<Client> {
        Client::new(&self.connection)
    }

    pub(crate) fn print(&mut self, text: &str) -> Result<()> {
        self.out.write_all(text.as_bytes())?;
        Ok(())
    }

    /// A document of the host, for programs.
    pub(crate) fn print_json(&mut self, document: &Value) -> Result<()> {
        writeln!(self.out, "{document:#}")?;
        Ok(())
    }

    /// The items of a listing: as one JSON array, or as `table` shows them.
    pub(crate) fn print_list<T: DeserializeOwned>(
        &mut self,
        json: bool,
        (items, more): (Vec<Value>, bool),
        empty: &str,
        table: impl FnOnce(&[T], Instant) -> String,
    ) -> Result<()> {
        if json {
            self.print_json(&Value::Array(items))?;
        } else if items.is_empty() {
            note(empty);
        } else {
            let items: Vec<T> = understand(Value::Array(items))?;
            self.print(&table(&items, self.now))?;
        }
        if more {
            note("there are more: --limit shows them");
        }
        Ok(())
    }
}

/// A document that the host sent, as this version knows it.
pub(crate) fn understand<T: DeserializeOwned>(document: Value) -> Result<T> {
    serde_json::from_value(document).map_err(|error| {
        let message = format!("the host answers what this version does not understand: {error}");
        crate::stop::Stop::Unreachable(message).into()
    })
}

/// Says something that is not the result, on standard error.
pub(crate) fn note(message: &str) {
    // Nobody may be listening; that is no reason to fail.
    let _ = writeln!(anstream::stderr(), "{}", text::plain_lines(message));
}

pub(crate) fn warn(message: &str) {
    let yellow = crate::render::paint::CARE.bold();
    let _ = writeln!(anstream::stderr(), "{yellow}warning:{yellow:#} {}", text::plain_lines(message));
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_does_not_exist_is_usage() {
        for line in [
            "sandglass",
            "sandglass fly",
            "sandglass new a",
            "sandglass new a --lang cobol",
            "sandglass test --table rows",
            "sandglass show",
            "sandglass show NO",
            "sandglass rollback a zero",
            "sandglass deploy --every 1h --cron @daily",
            "sandglass runs --since yesterday",
            "sandglass next --cron @daily --dst-gap jump",
            "sandglass next a --cron @daily",
            "sandglass cancel 5",
            "sandglass retry",
            "sandglass backfill a yesterday today",
            "sandglass secrets set no.name",
            "sandglass indexes",
            "sandglass indexes add sessions",
        ] {
            let error = Cli::try_parse_from(line.split(' ')).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn global_options_stand_anywhere() {
        for line in ["sandglass --url http://h jobs", "sandglass jobs --url http://h"] {
            assert!(Cli::try_parse_from(line.split(' ')).is_ok(), "{line}");
        }
    }
}
