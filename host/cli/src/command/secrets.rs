//! `sandglass secrets`: their names, and setting them. Nothing shows a value again.

use crate::cli::Context;
use crate::client::Request;
use crate::render::table::{Listing, cell};
use crate::render::time;
use crate::shape::Secret;
use crate::stop::Stop;
use anyhow::{Context as _, Result};
use clap::Subcommand;
use sandglass_core::limit::fixed;
use sandglass_core::{Instant, SecretName, SecretValue};
use serde_json::{Value, json};
use std::io::{self, IsTerminal as _, Read};
use ureq::http::Method;

/// List the secrets, set one, or delete one
///
/// A job reads a secret under its name, if it was granted it. Nobody else ever sees the value again.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Secrets {
    #[command(subcommand)]
    action: Option<Action>,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Set a secret, new or not: its value is read from standard input, or asked for at a terminal
    ///
    /// One line break at the end of what is piped in is not part of the value. Attempts that begin afterwards see
    /// the new value.
    Set { name: SecretName },
    /// Delete a secret
    Rm { name: SecretName },
    /// Seal all secrets under a new key; their values stay what they are
    RotateKey,
}

impl Secrets {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        let client = context.client()?;
        match self.action {
            None => {
                let secrets = client.list(None, || Request::get("secrets"))?;
                context.print_list(
                    self.json,
                    secrets,
                    "there are no secrets yet: `sandglass secrets set NAME` sets one",
                    listing,
                )
            }
            Some(Action::Set { name }) => {
                let value = if io::stdin().is_terminal() { ask(&name)? } else { read(io::stdin().lock())? };
                let request = Request::new(Method::PUT, format!("secrets/{name}"));
                client.call(request.json(&json!({ "value": value.expose() })))?;
                context.print(&format!("{name} is set\n"))
            }
            Some(Action::Rm { name }) => {
                client.call(Request::new(Method::DELETE, format!("secrets/{name}")))?;
                context.print(&format!("{name} is deleted\n"))
            }
            Some(Action::RotateKey) => {
                let done: Value = client.json(Request::post("secret-key/rotate"))?;
                let (secrets, key) = (&done["secrets"], done["key"].as_str().unwrap_or_default());
                context.print(&format!("{secrets} secrets are sealed under the new key {key}\n"))
            }
        }
    }
}

/// Asks at the terminal, which does not show what is typed.
fn ask(name: &SecretName) -> Result<SecretValue> {
    let typed = rpassword::prompt_password(format!("value of {name}: ")).context("the terminal")?;
    value(typed)
}

/// Reads all that there is, but for one line break at its end, which `echo` adds.
fn read(from: impl Read) -> Result<SecretValue> {
    // One byte more than a value with its line break may have: then it is too long.
    let most = fixed::SECRET.0 + 3;
    let mut text = String::with_capacity(most as usize);
    let read = from.take(most).read_to_string(&mut text);
    read.context("the value, which is text in UTF-8, on standard input")?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    value(text)
}

fn value(text: String) -> Result<SecretValue> {
    SecretValue::new(text).map_err(|message| Stop::Usage(message).into())
}

fn listing(secrets: &[Secret], now: Instant) -> String {
    let mut listing = Listing::new(&["SECRET", "SET", "MADE"]);
    for secret in secrets {
        listing.row(vec![
            cell(&secret.name),
            cell(time::utc_and_relative(secret.updated_at, now)),
            cell(time::utc_and_relative(secret.created_at, now)),
        ]);
    }
    listing.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_break_at_the_end_is_not_part_of_a_value() {
        for (piped, kept) in [
            ("hunter2", "hunter2"),
            ("hunter2\n", "hunter2"),
            ("hunter2\r\n", "hunter2"),
            ("hunter2\n\n", "hunter2\n"),
            (" two\nlines ", " two\nlines "),
        ] {
            assert_eq!(read(piped.as_bytes()).unwrap().expose(), kept, "{piped:?}");
        }
        let most = fixed::SECRET.0 as usize;
        assert!(read(format!("{}\r\n", "x".repeat(most)).as_bytes()).is_ok());
        for bad in ["", "\n", "abc\n", &"x".repeat(most + 1), &"x".repeat(2 * most)] {
            assert!(read(bad.as_bytes()).is_err(), "{} bytes", bad.len());
        }
        assert!(read(&[0xff, 0xfe, 0xfd, 0xfc][..]).is_err());
    }
}
