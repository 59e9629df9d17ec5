//! `sandglass upcoming`.

use crate::cli::Context;
use crate::client::Request;
use crate::render::table::{Listing, cell};
use crate::render::time;
use crate::shape;
use anyhow::Result;
use sandglass_core::{Instant, Span};

/// Show what comes next over all jobs
#[derive(Debug, clap::Args)]
pub(crate) struct Upcoming {
    /// Only what comes within this length of time
    #[arg(long, value_name = "1d", default_value = "1d")]
    within: Span,
    /// At most so many
    #[arg(long, default_value = "20", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

impl Upcoming {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        let until = context.now.plus(self.within).to_string();
        let request = || Request::get("upcoming").query("until", until.clone());
        let upcoming = context.client()?.list(Some(self.limit as usize), request)?;
        let empty = format!("nothing comes within {}", self.within);
        context.print_list(self.json, upcoming, &empty, listing)
    }
}

fn listing(upcoming: &[shape::Upcoming], now: Instant) -> String {
    let mut listing = Listing::new(&["UTC", "FROM NOW", "JOB"]);
    for next in upcoming {
        listing.row(vec![cell(time::utc(next.at)), cell(time::relative(next.at, now)), cell(&next.job)]);
    }
    listing.finish()
}
