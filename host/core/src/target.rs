//! Where a request over HTTP goes: a URL, read strictly.

use crate::host::Host;
use crate::limit::fixed;
use std::cell::Cell;
use std::fmt;
use std::str::FromStr;
use url::{SyntaxViolation, Url};

/// A URL of scheme http or https, in its normal form. What follows `#` is dropped: it is not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub tls: bool,
    pub host: Host,
    pub port: u16,
    /// Path and query, percent-encoded: what stands in the request's first line.
    pub path: String,
}

impl Target {
    /// The port that the scheme has when a URL names none.
    pub fn default_port(&self) -> u16 {
        if self.tls { 443 } else { 80 }
    }

    pub fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }

    /// The host, and the port where it is not the scheme's own: the `Host` header (RFC 9110, section 7.2).
    pub fn authority(&self) -> String {
        if self.port == self.default_port() {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for Target {
    type Err = String;

    /// Reads a URL by the standard that browsers follow, and refuses what that standard repairs in silence (a
    /// backslash, a tab, a missing slash): such a URL is meant for two readers who see two hosts in it.
    ///
    /// Errors tell nothing of the path and the query, which often are secret.
    fn from_str(text: &str) -> Result<Target, String> {
        if text.len() > fixed::HTTP_URL.0 as usize {
            return Err(format!(
                "the url has {} bytes, and at most {} are allowed",
                text.len(),
                fixed::HTTP_URL
            ));
        }
        let violation = Cell::new(None);
        let note = |found| {
            if !is_harmless(found) {
                violation.set(Some(found));
            }
        };
        let url = Url::options()
            .syntax_violation_callback(Some(&note))
            .parse(text)
            .map_err(|error| format!("the url is not valid: {error}"))?;
        let tls = match url.scheme() {
            "https" => true,
            "http" => false,
            other => {
                let scheme = crate::time::brief(other);
                return Err(format!("the url's scheme is `{scheme}`, and only http and https are allowed"));
            }
        };
        if !url.username().is_empty() || url.password().is_some() || violation.get().is_some_and(is_userinfo)
        {
            return Err("the url has a user's name or password in it: use the header `authorization`".into());
        }
        if let Some(violation) = violation.get() {
            return Err(format!("the url is not valid: {violation}"));
        }
        let host = url.host().ok_or("the url has no host")?;
        let host = Host::of(&host)?;
        let port = url.port_or_known_default().filter(|port| *port != 0).ok_or("the url's port is 0")?;
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        Ok(Target { tls, host, port, path: format!("{}{query}", url.path()) })
    }
}

/// What is only encoded on the way, the same for every reader.
fn is_harmless(violation: SyntaxViolation) -> bool {
    matches!(
        violation,
        SyntaxViolation::NonUrlCodePoint | SyntaxViolation::PercentDecode | SyntaxViolation::NullInFragment
    )
}

fn is_userinfo(violation: SyntaxViolation) -> bool {
    matches!(violation, SyntaxViolation::EmbeddedCredentials | SyntaxViolation::UnencodedAtSign)
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme(), self.authority(), self.path)
    }
}

#[cfg(test)]
#[path = "target_tests.rs"]
mod tests;
