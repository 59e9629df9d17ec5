//! Hosts of the network as URLs and grants name them, each in one normal form.

use crate::grant::is_domain;
use crate::time::brief;
use core::net::IpAddr;
use std::fmt;
use std::str::FromStr;

/// A host: two that are equal are the same one.
///
/// A name is in lower case and in its ASCII form (IDNA, UTS #46), without the dot of the root at its end. A v4-mapped
/// IPv6 address is its IPv4 address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    Name(Box<str>),
    Address(IpAddr),
}

impl Host {
    /// From the host of a parsed URL, whose percent-encoding and forms of numbers are resolved.
    ///
    /// # Errors
    /// A name that is none by RFC 1123.
    pub(crate) fn of(host: &url::Host<impl AsRef<str>>) -> Result<Host, String> {
        match host {
            url::Host::Ipv4(address) => Ok(Host::Address(IpAddr::V4(*address))),
            url::Host::Ipv6(address) => Ok(Host::Address(IpAddr::V6(*address).to_canonical())),
            url::Host::Domain(name) => {
                let name = name.as_ref();
                let name = name.strip_suffix('.').unwrap_or(name);
                if is_domain(name) {
                    return Ok(Host::Name(name.into()));
                }
                Err(format!(
                    "`{}` is not a host's name: labels of 1 to 63 letters, digits and hyphens, 253 bytes in all",
                    brief(name)
                ))
            }
        }
    }
}

impl fmt::Display for Host {
    /// As a URL has it: an IPv6 address in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::Address(IpAddr::V4(address)) => address.fmt(f),
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// Hosts and ports that a grant covers: `api.example.com`, `*.example.org:8443`, `[2001:db8::1]:80`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    scope: Scope,
    /// None: 443 for https and 80 for http.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Scope {
    Exactly(Host),
    /// Every name that ends in a dot and this one.
    Below(Box<str>),
}

impl Pattern {
    /// Whether the pattern covers `port` of `host`, where `default` is the port of the scheme in use.
    pub fn covers(&self, host: &Host, port: u16, default: u16) -> bool {
        let is_in_scope = match (&self.scope, host) {
            (Scope::Exactly(allowed), host) => allowed == host,
            (Scope::Below(parent), Host::Name(name)) => {
                name.strip_suffix(&**parent).is_some_and(|rest| rest.ends_with('.'))
            }
            (Scope::Below(_), Host::Address(_)) => false,
        };
        is_in_scope && port == self.port.unwrap_or(default)
    }

    /// Whether everything that `other` covers is covered by this too.
    pub fn includes(&self, other: &Pattern) -> bool {
        let is_in_scope = match (&self.scope, &other.scope) {
            (Scope::Below(parent), Scope::Below(below)) => {
                parent == below || below.strip_suffix(&**parent).is_some_and(|rest| rest.ends_with('.'))
            }
            (Scope::Exactly(_), Scope::Below(_)) => false,
            (_, Scope::Exactly(host)) => {
                let port = self.port.unwrap_or_default();
                self.covers(host, port, port)
            }
        };
        is_in_scope && self.port == other.port
    }

    /// The one address that the pattern covers, if it is not about names.
    pub fn address(&self) -> Option<IpAddr> {
        match self.scope {
            Scope::Exactly(Host::Address(address)) => Some(address),
            _ => None,
        }
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Pattern, String> {
        let wrong = || {
            format!(
                "`{}` is not a host: write `api.example.com`, `*.example.com`, with `:port` where it is not 443 or 80",
                brief(text)
            )
        };
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(number(port).ok_or_else(wrong)?)),
            _ => (text, None),
        };
        // A URL's host may be percent-encoded; people who read a grant should not have to decode one.
        if host.contains('%') {
            return Err(wrong());
        }
        let (below, name) = match host.strip_prefix("*.") {
            Some(parent) => (true, parent),
            None => (false, host),
        };
        let host = url::Host::parse(name).map_err(|_| wrong())?;
        let host = Host::of(&host).map_err(|_| wrong())?;
        let scope = match (below, host) {
            (true, Host::Name(name)) => Scope::Below(name),
            (true, Host::Address(_)) => return Err(wrong()),
            // One number in octal digits, or an IPv6 address around it, hides which one it is.
            (false, Host::Address(IpAddr::V4(address))) if address.to_string() != name => {
                return Err(format!("`{}` is the address {address}: write it so", brief(name)));
            }
            (false, host) => Scope::Exactly(host),
        };
        Ok(Pattern { scope, port })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scope {
            Scope::Exactly(host) => host.fmt(f)?,
            Scope::Below(parent) => write!(f, "*.{parent}")?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

fn number(port: &str) -> Option<u16> {
    let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
    port.parse().ok().filter(|port| is_number && *port != 0)
}

#[cfg(test)]
#[path = "host_tests.rs"]
mod tests;
