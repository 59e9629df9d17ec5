//! What a job may touch.

use crate::address;
use crate::host::Pattern;
use crate::id::Name;
use crate::limit::fixed;
use crate::problem::Problem;
use crate::secret::SecretName;
use crate::target::Target;
use crate::time::brief;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// Everything that a job may touch beyond its own memory. Empty: nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grants {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tables: BTreeMap<Name, Access>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailGrant>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub http: Vec<HttpGrant>,
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

/// A host that may be asked over HTTP; written as its pattern alone, or as an object with `host` and `private`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpGrant {
    /// `api.example.com`, `*.example.org:8443`: see [`Pattern`].
    pub host: String,
    /// Whether the host may have addresses that are not public, such as those of the local network.
    pub private: bool,
}

/// How far a grant reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Public addresses only.
    Public,
    /// Those that are not public, too.
    Private,
}

impl HttpGrant {
    /// A grant of what one URL needs, which an operator configured.
    pub fn of(target: &Target, reach: Reach) -> HttpGrant {
        HttpGrant { host: format!("{}:{}", target.host, target.port), private: reach == Reach::Private }
    }

    /// How far `grants` let a request to `target` reach; `None` where none of them covers it.
    pub fn reach(grants: &[HttpGrant], target: &Target) -> Option<Reach> {
        let covers = |grant: &&HttpGrant| {
            let pattern = grant.host.parse::<Pattern>();
            pattern.is_ok_and(|pattern| pattern.covers(&target.host, target.port, target.default_port()))
        };
        let reach = |grant: &HttpGrant| if grant.private { Reach::Private } else { Reach::Public };
        grants.iter().filter(covers).map(reach).max()
    }

    /// What is wrong with it, for the author of a specification.
    fn check(&self) -> Result<(), String> {
        let pattern: Pattern = self.host.parse()?;
        let reach = if self.private { Reach::Private } else { Reach::Public };
        let refusal = pattern.address().and_then(|address| address::refusal(address, reach));
        match refusal {
            None => Ok(()),
            Some(refusal) if refusal.range.always => Err(format!("{refusal}: no grant covers that")),
            Some(refusal) => {
                Err(format!("{refusal}: write {{ host = \"{pattern}\", private = true }} if it is meant"))
            }
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename = "HttpGrant")]
struct HttpTable {
    host: String,
    #[serde(default)]
    private: bool,
}

impl Serialize for HttpGrant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.private {
            HttpTable { host: self.host.clone(), private: true }.serialize(serializer)
        } else {
            serializer.serialize_str(&self.host)
        }
    }
}

impl<'de> Deserialize<'de> for HttpGrant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<HttpGrant, D::Error> {
        /// By hand, since an untagged enum only says that no variant fits.
        struct Form;

        impl<'de> Visitor<'de> for Form {
            type Value = HttpGrant;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a host, or an object with `host` and `private`")
            }

            fn visit_str<E: serde::de::Error>(self, host: &str) -> Result<HttpGrant, E> {
                Ok(HttpGrant { host: host.to_owned(), private: false })
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<HttpGrant, A::Error> {
                let table = HttpTable::deserialize(MapAccessDeserializer::new(members))?;
                Ok(HttpGrant { host: table.host, private: table.private })
            }
        }

        deserializer.deserialize_any(Form)
    }
}

impl Grants {
    pub fn table(&self, name: &Name) -> Option<Access> {
        self.tables.get(name).copied()
    }

    pub fn secret(&self, name: &SecretName) -> bool {
        self.secrets.iter().any(|granted| granted == name.as_str())
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
        for (at, grant) in self.http.iter().enumerate() {
            if let Err(message) = grant.check() {
                problems.push(Problem::new(format!("/grants/http/{at}"), message));
            }
        }
        for (at, name) in self.secrets.iter().enumerate() {
            if let Err(message) = name.parse::<SecretName>() {
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
            "http": ["api.example.com", "*.example.org:8443", "http://x", "a..b", {"host": "x:0", "private": true}],
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

    fn grant(host: &str, private: bool) -> HttpGrant {
        HttpGrant { host: host.into(), private }
    }

    #[test]
    fn a_host_is_granted_as_text_or_as_an_object() {
        for (json, read, written) in [
            (r#""a.org""#, grant("a.org", false), r#""a.org""#),
            (r#"{"host":"a.org"}"#, grant("a.org", false), r#""a.org""#),
            (
                r#"{"private":true,"host":"a.org"}"#,
                grant("a.org", true),
                r#"{"host":"a.org","private":true}"#,
            ),
        ] {
            let grant: HttpGrant = serde_json::from_str(json).unwrap();
            assert_eq!(grant, read, "{json}");
            assert_eq!(serde_json::to_string(&grant).unwrap(), written);
        }
        for (json, message) in [
            ("5", "expected a host, or an object with `host` and `private`"),
            (r#"{"private":true}"#, "missing field `host`"),
            (r#"{"host":"a.org","privat":true}"#, "unknown field `privat`"),
            (r#"{"host":"a.org","private":"yes"}"#, "expected a boolean"),
        ] {
            let error = serde_json::from_str::<HttpGrant>(json).unwrap_err().to_string();
            assert!(error.contains(message), "{json}: {error}");
        }
    }

    #[test]
    fn the_widest_grant_that_covers_a_target_counts() {
        let grants = [
            grant("*.example.org", false),
            grant("api.example.org", true),
            grant("api.example.org:8443", false),
            grant("10.0.0.5:80", true),
        ];
        for (url, reach) in [
            ("https://www.example.org/", Some(Reach::Public)),
            ("http://api.example.org/", Some(Reach::Private)),
            ("https://api.example.org:8443/", Some(Reach::Public)),
            ("http://10.0.0.5/", Some(Reach::Private)),
            ("https://10.0.0.5/", None),
            ("https://example.org/", None),
            ("https://api.example.org:444/", None),
        ] {
            assert_eq!(HttpGrant::reach(&grants, &url.parse().unwrap()), reach, "{url}");
        }
        assert_eq!(HttpGrant::reach(&[], &"https://example.org/".parse().unwrap()), None);
    }

    #[test]
    fn a_grant_made_of_a_url_covers_it_and_no_other_port() {
        for url in ["https://hooks.example.org/x?y", "http://[2001:db8::1]:8080/", "http://192.0.2.1/"] {
            let target: Target = url.parse().unwrap();
            let grants = [HttpGrant::of(&target, Reach::Private)];
            assert_eq!(HttpGrant::reach(&grants, &target), Some(Reach::Private), "{url}");
            let other = Target { port: 1234, ..target };
            assert_eq!(HttpGrant::reach(&grants, &other), None, "{url}");
        }
    }

    #[test]
    fn an_address_that_could_never_be_reached_is_a_problem_of_its_grant() {
        for (host, private, message) in [
            ("10.0.0.5:80", true, ""),
            ("8.8.8.8", false, ""),
            (
                "10.0.0.5:80",
                false,
                r#"10.0.0.5 is private (RFC 1918): write { host = "10.0.0.5:80", private = true } if it is meant"#,
            ),
            (
                "[::1]",
                false,
                r#"::1 is loopback (RFC 4291): write { host = "[::1]", private = true } if it is meant"#,
            ),
            ("224.0.0.1", true, "224.0.0.1 is multicast (RFC 5771): no grant covers that"),
        ] {
            assert_eq!(grant(host, private).check().err().unwrap_or_default(), message, "{host}");
        }
    }
}
