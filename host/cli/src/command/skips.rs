//! `sandglass skips`.

use crate::cli::Context;
use crate::client::Request;
use crate::render::table::{Listing, cell};
use crate::render::time;
use crate::shape::Skip;
use anyhow::Result;
use sandglass_core::{Instant, Name};

/// Show which occurrences of a job did not run, and why
#[derive(Debug, clap::Args)]
pub(crate) struct Skips {
    name: Name,
    /// At most so many
    #[arg(long, default_value = "20", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

impl Skips {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        let request = || Request::get(format!("jobs/{}/skips", self.name));
        let skips = context.client()?.list(Some(self.limit as usize), request)?;
        let empty = format!("no occurrence of {} was skipped", self.name);
        context.print_list(self.json, skips, &empty, listing)
    }
}

fn listing(skips: &[Skip], now: Instant) -> String {
    let mut listing = Listing::new(&["REASON", "OCCURRENCES", "FROM", "TO", ""]).numbers(&[1]);
    for skip in skips {
        listing.row(vec![
            cell(&skip.reason),
            cell(skip.count.to_string()),
            cell(time::utc(skip.from)),
            cell(time::utc(skip.to)),
            cell(time::relative(skip.to, now)),
        ]);
    }
    listing.finish()
}
