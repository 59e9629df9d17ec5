//! The way into the portal: a link for one sign-in, said at each start.

use super::token;
use sandglass_api::Link;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

/// The link, and what is said of it. None where there is no portal, or where it is not known which token the link
/// could stand for.
pub(crate) fn link(data: &Path, address: SocketAddr) -> Option<(Link, String)> {
    if !sandglass_api::has_portal() {
        return None;
    }
    let token = fs::read_to_string(token::path(data)).ok()?;
    let (link, code) = Link::new(sandglass_api::hash(token.trim()));
    let words = format!(
        "the portal, with a link that signs in once within an hour: http://{address}/#sign-in={code}\n"
    );
    Some((link, words))
}
