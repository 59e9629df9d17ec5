//! What a job may touch.

use crate::id::Name;
use crate::limit::fixed;
use crate::problem::Problem;
use crate::time::brief;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything that a job may touch beyond its own memory. Empty: nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grants {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tables: BTreeMap<Name, Access>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailGrant>,
    /// Hosts, `api.example.com`, `*.example.org:8443`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub http: Vec<String>,
    /// Names of secrets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
}

/// What may be done with a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    Read,
    /// Inserting, putting, and deleting by id. Whatever tells of a row's fields is reading.
    Write,
    ReadWrite,
}

impl Access {
    pub fn reads(self) -> bool {
        self != Access::Write
    }

    pub fn writes(self) -> bool {
        self != Access::Read
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Access::Read => "read",
            Access::Write => "write",
            Access::ReadWrite => "read-write",
        }
    }
}

/// To whom mail may go, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailGrant {
    /// Addresses: one in full, or `*@` and a domain.
    pub to: Vec<String>,
    #[serde(default = "per_run")]
    pub per_run: u32,
    /// In the 24 hours before.
    #[serde(default = "per_day")]
    pub per_day: u32,
}

fn per_run() -> u32 {
    fixed::EMAILS_PER_RUN
}

fn per_day() -> u32 {
    fixed::EMAILS_PER_DAY
}

impl Grants {
    pub fn table(&self, name: &Name) -> Option<Access> {
        self.tables.get(name).copied()
    }

    /// What is wrong with the grants themselves, whoever has them.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (list, length) in [
            ("tables", self.tables.len()),
            ("http", self.http.len()),
            ("secrets", self.secrets.len()),
            ("email/to", self.email.as_ref().map_or(0, |email| email.to.len())),
        ] {
            if length > fixed::GRANTS {
                let message = format!("{length} entries, and at most {} are allowed", fixed::GRANTS);
                problems.push(Problem::new(format!("/grants/{list}"), message));
            }
        }
        if let Some(email) = &self.email {
            for (at, pattern) in email.to.iter().enumerate() {
                if !is_pattern(pattern) {
                    let message = format!(
                        "`{}` is not a recipient: write an address, or `*@example.com` for all of a domain",
                        brief(pattern)
                    );
                    problems.push(Problem::new(format!("/grants/email/to/{at}"), message));
                }
            }
            for (name, value, most) in [
                ("per_run", email.per_run, fixed::EMAILS_PER_RUN_MAX),
                ("per_day", email.per_day, fixed::EMAILS_PER_DAY_MAX),
            ] {
                if value > most {
                    let message = format!("{name} is {value}, and must be at most {most}");
                    problems.push(Problem::new(format!("/grants/email/{name}"), message));
                }
            }
        }
        for (at, host) in self.http.iter().enumerate() {
            if !is_host(host) {
                let message = format!(
                    "`{}` is not a host: write `api.example.com`, `*.example.com`, with `:port` where it is not 443 or 80",
                    brief(host)
                );
                problems.push(Problem::new(format!("/grants/http/{at}"), message));
            }
        }
        for (at, name) in self.secrets.iter().enumerate() {
            if !is_secret_name(name) {
                let message =
                    format!("`{}` is not a secret's name: 1 to 63 of A-Z, a-z, 0-9, _ and -", brief(name));
                problems.push(Problem::new(format!("/grants/secrets/{at}"), message));
            }
        }
        problems
    }
}

impl EmailGrant {
    /// Whether mail may go to `address`, which is one in full, without a name. Domains compare without
    /// regard to case, what stands before the `@` with it.
    pub fn allows(&self, address: &str) -> bool {
        let Some((local, domain)) = address.rsplit_once('@') else {
            return false;
        };
        self.to.iter().any(|pattern| {
            pattern.rsplit_once('@').is_some_and(|(allowed, at)| {
                (allowed == "*" || allowed == local) && at.eq_ignore_ascii_case(domain)
            })
        })
    }
}

fn is_pattern(pattern: &str) -> bool {
    match pattern.strip_prefix("*@") {
        Some(domain) => is_domain(domain),
        None => crate::email::is_address(pattern),
    }
}

fn is_host(host: &str) -> bool {
    let (name, port) = host.rsplit_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    let port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port != 0));
    port && is_domain(name.strip_prefix("*.").unwrap_or(name))
}

pub(crate) fn is_secret_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=63).contains(&name.len()) && name.bytes().all(allowed)
}

/// A domain name in letters, digits and hyphens (RFC 1123), such as `example.com` or `localhost`.
pub(crate) fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    domain.len() <= 253 && domain.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_goes_where_it_was_granted() {
        let grant =
            EmailGrant { to: vec!["*@example.com".into(), "ops@other.org".into()], per_run: 1, per_day: 1 };
        for (address, allowed) in [
            ("a@example.com", true),
            ("a@EXAMPLE.com", true),
            ("a@sub.example.com", false),
            ("a@notexample.com", false),
            ("ops@other.org", true),
            ("Ops@other.org", false),
            ("root@other.org", false),
            ("a@evil.org@example.com", true),
            ("nobody", false),
        ] {
            assert_eq!(grant.allows(address), allowed, "{address}");
        }
    }

    #[test]
    fn each_wrong_grant_is_named() {
        let grants: Grants = serde_json::from_value(serde_json::json!({
            "tables": {"sessions": "read-write"},
            "email": {"to": ["*@example.com", "a@b@c", "*"], "per_run": 5000},
            "http": ["api.example.com", "*.example.org:8443", "http://x", "a..b", "x:0"],
            "secrets": ["API_KEY", "no spaces"],
        }))
        .unwrap();
        let pointers: Vec<_> = grants.problems().into_iter().map(|problem| problem.pointer).collect();
        assert_eq!(
            pointers,
            [
                "/grants/email/to/1",
                "/grants/email/to/2",
                "/grants/email/per_run",
                "/grants/http/2",
                "/grants/http/3",
                "/grants/http/4",
                "/grants/secrets/1"
            ]
        );
    }
}
