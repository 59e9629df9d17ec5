//! `sandglass rm`.

use crate::cli::Context;
use crate::client::Request;
use anyhow::Result;
use sandglass_core::Name;
use ureq::http::Method;

/// Delete a job with its revisions, and cancel what of it is queued; tables stay
#[derive(Debug, clap::Args)]
pub(crate) struct Rm {
    name: Name,
}

impl Rm {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        context.client()?.call(Request::new(Method::DELETE, format!("jobs/{}", self.name)))?;
        context.print(&format!("{} is deleted\n", self.name))
    }
}
