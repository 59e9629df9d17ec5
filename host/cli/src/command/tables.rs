//! `sandglass tables`.

use crate::cli::Context;
use crate::client::Request;
use crate::render::table::{Listing, cell};
use crate::render::time;
use crate::shape::Table;
use anyhow::Result;
use sandglass_core::Instant;

/// List the tables
#[derive(Debug, clap::Args)]
pub(crate) struct Tables {
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

impl Tables {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        let tables = context.client()?.list(None, || Request::get("tables"))?;
        let empty =
            "there are no tables yet: `sandglass import` makes one, and so does a job that may write to it";
        context.print_list(self.json, tables, empty, listing)
    }
}

fn listing(tables: &[Table], now: Instant) -> String {
    let mut listing = Listing::new(&["TABLE", "MADE", "INDEXES"]);
    for table in tables {
        let made = cell(time::utc_and_relative(table.created_at, now));
        let indexes: Vec<_> = table.indexes.iter().map(|index| index.fields.join(",")).collect();
        listing.row(vec![cell(&table.name), made, cell(indexes.join("  "))]);
    }
    listing.finish()
}
