//! `sandglass indexes`: those of a table, and declaring or dropping one.

use crate::cli::Context;
use crate::client::{Client, Request};
use crate::render::amount;
use crate::render::table::{Listing, cell};
use crate::shape::{Index, Table};
use anyhow::{Result, bail};
use clap::Subcommand;
use sandglass_core::{Instant, Name};
use serde_json::{Value, json};
use ureq::http::Method;

/// List a table's indexes, declare one, or drop one
///
/// An index makes queries read no more than what they return, where their conditions name its fields from the first
/// one on. It is built while the table is in use.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Indexes {
    #[arg(required = true)]
    table: Option<Name>,
    #[command(subcommand)]
    action: Option<Action>,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Declare an index, on one field or on several
    Add {
        table: Name,
        /// Members of the rows, or `created_at`, `updated_at`, `version`: such as `status,created_at`
        #[arg(value_delimiter = ',', required = true)]
        fields: Vec<String>,
        /// No two rows may have the same values
        #[arg(long)]
        unique: bool,
    },
    /// Drop an index
    Rm {
        table: Name,
        #[arg(value_delimiter = ',', required = true)]
        fields: Vec<String>,
    },
}

impl Indexes {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        let client = context.client()?;
        match (self.action, self.table) {
            (Some(Action::Add { table, fields, unique }), _) => {
                let mut indexes = match client.call_maybe(Request::get(format!("tables/{table}")))? {
                    Some(response) => client.document::<Table>(response)?.indexes,
                    None => Vec::new(),
                };
                indexes.retain(|index| index.fields != fields);
                indexes.push(Index { fields: fields.clone(), unique, ..Index::default() });
                let after = put(&client, &table, &indexes)?;
                let state = after.iter().find(|index| index.fields == fields).map(state).unwrap_or_default();
                context.print(&format!("the index {} of {table}: {state}\n", fields.join(",")))
            }
            (Some(Action::Rm { table, fields }), _) => {
                let mut indexes = get(&client, &table)?;
                let before = indexes.len();
                indexes.retain(|index| index.fields != fields);
                if indexes.len() == before {
                    bail!("table {table} has no index {}", fields.join(","));
                }
                put(&client, &table, &indexes)?;
                context.print(&format!("the index {} of {table} is dropped\n", fields.join(",")))
            }
            (None, Some(table)) => {
                let document: Value = client.json(Request::get(format!("tables/{table}")))?;
                let indexes = document["indexes"].as_array().cloned().unwrap_or_default();
                let empty =
                    format!("{table} has no indexes: `sandglass indexes add {table} FIELD` declares one");
                context.print_list(self.json, (indexes, false), &empty, listing)
            }
            (None, None) => Ok(()),
        }
    }
}

fn get(client: &Client, table: &Name) -> Result<Vec<Index>> {
    Ok(client.json::<Table>(Request::get(format!("tables/{table}")))?.indexes)
}

fn put(client: &Client, table: &Name, indexes: &[Index]) -> Result<Vec<Index>> {
    let declared = |index: &Index| json!({"fields": index.fields, "unique": index.unique});
    let body = json!({ "indexes": indexes.iter().map(declared).collect::<Vec<_>>() });
    let request = Request::new(Method::PUT, format!("tables/{table}")).json(&body);
    Ok(client.json::<Table>(request)?.indexes)
}

fn state(index: &Index) -> String {
    match (&index.rows, &index.reason) {
        (Some(rows), _) => format!("being built, {} so far", amount::many(*rows, "row")),
        (None, Some(reason)) => format!("failed: {reason}"),
        (None, None) => index.state.clone(),
    }
}

fn listing(indexes: &[Index], _: Instant) -> String {
    let mut listing = Listing::new(&["FIELDS", "UNIQUE", "STATE"]);
    for index in indexes {
        let unique = if index.unique { "unique" } else { "" };
        listing.row(vec![cell(index.fields.join(",")), cell(unique), cell(state(index))]);
    }
    listing.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_says_how_far_it_is() {
        let index = |state: &str, rows, reason: Option<&str>| Index {
            state: state.into(),
            rows,
            reason: reason.map(Into::into),
            ..Index::default()
        };
        assert_eq!(state(&index("ready", None, None)), "ready");
        assert_eq!(state(&index("building", Some(500), None)), "being built, 500 rows so far");
        assert_eq!(state(&index("failed", None, Some("why"))), "failed: why");
    }
}
