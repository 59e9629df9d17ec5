//! `sandglass tokens`: who may call the host, and with what rights.

use crate::cli::Context;
use crate::client::Request;
use crate::render::table::{Listing, cell};
use crate::render::time;
use crate::shape::Token;
use crate::stop::Stop;
use anyhow::{Context as _, Result};
use clap::{Subcommand, ValueEnum};
use sandglass_core::{Instant, Name, Span};
use serde_json::{Value, json};
use std::path::PathBuf;
use ureq::http::Method;

/// List the tokens, make one, or delete one
///
/// Whoever calls the host brings a token. What it may do is its right, and the grants that it has for tables and for the
/// jobs that it deploys.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Tokens {
    #[command(subcommand)]
    action: Option<Action>,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a token, and print it: nobody is told it again
    Add {
        /// A name that no other token has
        name: Name,
        /// What it may do; each right includes those before it
        #[arg(long, value_enum)]
        right: Right,
        /// A file with `[grants]` as a specification has them: tables that it may read and write, and the most that it
        /// may grant to jobs
        #[arg(long, value_name = "FILE")]
        grants: Option<PathBuf>,
        /// How long it is valid, such as 30d; without it, until it is deleted
        #[arg(long, value_name = "TIME")]
        expires_in: Option<Span>,
    },
    /// Delete a token: requests that bring it are refused from then on, and its sessions in browsers end
    Rm { name: Name },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Right {
    /// Look at jobs, runs and logs
    Read,
    /// Ask for runs, cancel and retry them
    Run,
    /// Change jobs and upload components
    Deploy,
    /// Everything, secrets, mail and tokens included
    Admin,
}

impl Tokens {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        let client = context.client()?;
        match self.action {
            None => {
                let tokens = client.list(None, || Request::get("tokens"))?;
                context.print_list(self.json, tokens, "there are no tokens", listing)
            }
            Some(Action::Add { name, right, grants, expires_in }) => {
                let right = right.to_possible_value().map(|value| value.get_name().to_owned());
                let mut asked = json!({ "name": name, "right": right, "expires_in": expires_in });
                if let Some(path) = grants {
                    asked["grants"] = read(&path)?;
                }
                let made: Value = client.json(Request::post("tokens").json(&asked))?;
                let token = made["token"].as_str().unwrap_or_default();
                context.print(&format!("{token}\n"))
            }
            Some(Action::Rm { name }) => {
                client.call(Request::new(Method::DELETE, format!("tokens/{name}")))?;
                context.print(&format!("{name} is deleted\n"))
            }
        }
    }
}

/// The grants of a file; the host says what is wrong with them.
fn read(path: &PathBuf) -> Result<Value> {
    let named = || format!("the grants in {}", path.display());
    let text = std::fs::read_to_string(path).with_context(named)?;
    let document: toml::Value = toml::from_str(&text).with_context(named)?;
    let grants = document.get("grants").cloned();
    let grants = grants
        .ok_or_else(|| Stop::Usage(format!("{} has no [grants]: write them under it", path.display())))?;
    serde_json::to_value(grants).with_context(named)
}

fn listing(tokens: &[Token], now: Instant) -> String {
    let mut listing = Listing::new(&["TOKEN", "RIGHT", "MADE", "EXPIRES"]);
    for token in tokens {
        let expires = token.expires_at.map(|at| time::utc_and_relative(at, now)).unwrap_or_default();
        listing.row(vec![
            cell(&token.name),
            cell(&token.right),
            cell(time::utc_and_relative(token.created_at, now)),
            cell(expires),
        ]);
    }
    listing.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_are_read_from_below_their_heading() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grants.toml");
        std::fs::write(&path, "[grants]\ntables = { a = 'read' }\nsecrets = ['K']").unwrap();
        assert_eq!(read(&path).unwrap(), json!({"tables": {"a": "read"}, "secrets": ["K"]}));
        std::fs::write(&path, "tables = { a = 'read' }").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("has no [grants]"));
    }
}
