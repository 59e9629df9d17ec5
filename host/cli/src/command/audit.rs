//! `sandglass audit`: who changed what.

use crate::cli::Context;
use crate::client::Request;
use crate::render::table::{Listing, cell};
use crate::render::time;
use crate::shape::AuditEntry;
use anyhow::Result;
use sandglass_core::Instant;

/// Show who changed what, newest first
///
/// Changes of jobs, components, tables, secrets, mail and tokens, and those that a token's rights did not allow. Rows and
/// runs are not among them.
#[derive(Debug, clap::Args)]
pub(crate) struct Audit {
    /// At most so many
    #[arg(long, default_value = "20", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

impl Audit {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        let client = context.client()?;
        let entries = client.list(Some(self.limit as usize), || Request::get("audit"))?;
        context.print_list(self.json, entries, "nothing was changed yet", listing)
    }
}

fn listing(entries: &[AuditEntry], now: Instant) -> String {
    let mut listing = Listing::new(&["WHEN", "TOKEN", "BY", "CHANGE", "STATUS"]).numbers(&[4]);
    for entry in entries {
        listing.row(vec![
            cell(time::utc_and_relative(entry.at, now)),
            cell(&entry.token),
            cell(if entry.session { "portal" } else { "token" }),
            cell(format!("{} {}", entry.method, entry.path)),
            cell(entry.status.to_string()),
        ]);
    }
    listing.finish()
}
