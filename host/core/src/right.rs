//! What a token may do.
//!
//! A right for jobs and runs, and grants: for tables over HTTP, and as the most that jobs can be granted by who deploys
//! them with it. `admin` needs no grants: it may do everything.

use crate::grant::{Access, Grants, HttpGrant, Reach};
use crate::host::Pattern;
use crate::id::Name;
use crate::notify::Notify;
use crate::problem::Problem;
use crate::spec::Specification;
use crate::target::Target;
use serde::{Deserialize, Serialize};

/// Each right includes those before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Right {
    /// Jobs, runs and their logs, and nothing that changes anything.
    Read,
    /// Runs: asking for one, cancelling and retrying.
    Run,
    /// Jobs and components, with grants that the token has itself.
    Deploy,
    /// Everything: secrets, tokens, the outbox, all tables.
    #[default]
    Admin,
}

impl Right {
    pub fn as_str(self) -> &'static str {
        match self {
            Right::Read => "read",
            Right::Run => "run",
            Right::Deploy => "deploy",
            Right::Admin => "admin",
        }
    }
}

/// What whoever calls may do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rights {
    pub right: Right,
    pub grants: Grants,
}

impl Rights {
    /// Whether a table may be read or written over HTTP.
    pub fn reach(&self, table: &Name, access: Access) -> bool {
        let has = self.grants.table(table);
        self.right == Right::Admin || has.is_some_and(|has| includes(has, access))
    }

    /// What a job would be given with `spec` that the token itself lacks, by pointers into the specification.
    pub fn lacks(&self, spec: &Specification) -> Vec<Problem> {
        if self.right == Right::Admin {
            return Vec::new();
        }
        let mut missing = Vec::new();
        let mut lack = |pointer: String, what: String| {
            missing
                .push(Problem::new(pointer, format!("the token that asks for this has no grant of {what}")));
        };
        for (table, access) in &spec.grants.tables {
            if !self.reach(table, *access) {
                lack(
                    format!("/grants/tables/{table}"),
                    format!("{} on the table `{table}`", access.as_str()),
                );
            }
        }
        if let Some(email) = &spec.grants.email {
            for (at, address) in email.to.iter().enumerate() {
                if !self.mails(address) {
                    lack(format!("/grants/email/to/{at}"), format!("mail to `{address}`"));
                }
            }
            let most = self.grants.email.as_ref();
            for (name, asked, most) in [
                ("per_run", email.per_run, most.map_or(0, |email| email.per_run)),
                ("per_day", email.per_day, most.map_or(0, |email| email.per_day)),
            ] {
                if asked > most {
                    lack(format!("/grants/email/{name}"), format!("{asked} emails, but of {most}"));
                }
            }
        }
        for (at, http) in spec.grants.http.iter().enumerate() {
            if !self.asks(http) {
                lack(format!("/grants/http/{at}"), format!("requests to `{}`", http.host));
            }
        }
        for (at, secret) in spec.grants.secrets.iter().enumerate() {
            if !self.grants.secrets.contains(secret) {
                lack(format!("/grants/secrets/{at}"), format!("the secret `{secret}`"));
            }
        }
        self.lacks_for_notices(&spec.notify, &mut lack);
        missing
    }

    /// Notifications leave the host too, and by nobody's grant but the token's.
    fn lacks_for_notices(&self, notify: &Notify, lack: &mut impl FnMut(String, String)) {
        for (at, address) in notify.email.iter().enumerate() {
            if !self.mails(address) {
                lack(format!("/notify/email/{at}"), format!("mail to `{address}`"));
            }
        }
        let Some(Ok(target)) = notify.webhook.as_deref().map(str::parse::<Target>) else { return };
        let wanted = if notify.private { Reach::Private } else { Reach::Public };
        if HttpGrant::reach(&self.grants.http, &target) < Some(wanted) {
            lack("/notify/webhook".into(), format!("requests to `{}:{}`", target.host, target.port));
        }
    }

    fn mails(&self, address: &str) -> bool {
        self.grants.email.as_ref().is_some_and(|email| email.allows(address))
    }

    fn asks(&self, asked: &HttpGrant) -> bool {
        let Ok(wanted) = asked.host.parse::<Pattern>() else { return false };
        self.grants.http.iter().any(|has| {
            let pattern = has.host.parse::<Pattern>();
            (has.private || !asked.private) && pattern.is_ok_and(|pattern| pattern.includes(&wanted))
        })
    }
}

fn includes(has: Access, asked: Access) -> bool {
    (has.reads() || !asked.reads()) && (has.writes() || !asked.writes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Digest;
    use crate::limit::Limits;
    use crate::time::Instant;
    use serde_json::{Value, json};

    fn lacking(has: &Value, grants: &Value, notify: &Value) -> Vec<String> {
        let rights = Rights { right: Right::Deploy, grants: serde_json::from_value(has.clone()).unwrap() };
        let document = json!({"component": Digest([0; 32]), "grants": grants, "notify": notify});
        let spec = Specification::from_json(document, &Limits::CEILING, Instant::EPOCH).unwrap();
        assert!(Rights::default().lacks(&spec).is_empty(), "admin lacks nothing");
        rights.lacks(&spec).into_iter().map(|problem| problem.pointer).collect()
    }

    #[test]
    fn rights_include_those_before_them() {
        assert!(Right::Admin > Right::Deploy && Right::Deploy > Right::Run && Right::Run > Right::Read);
    }

    #[test]
    fn nobody_grants_what_they_lack() {
        let has = json!({
            "tables": {"a": "read", "b": "read-write"},
            "email": {"to": ["*@example.com"], "per_run": 5, "per_day": 50},
            "http": ["api.example.com", "*.example.org:8443", {"host": "nas.lan", "private": true}],
            "secrets": ["KEY"],
        });
        let none = json!({});
        for (grants, lacks) in [
            (json!({}), &[][..]),
            (json!({"tables": {"a": "read", "b": "write"}}), &[]),
            (json!({"tables": {"a": "read-write"}}), &["/grants/tables/a"]),
            (json!({"tables": {"a2": "read"}}), &["/grants/tables/a2"]),
            (
                json!({"email": {"to": ["ops@example.com", "*@example.com"], "per_run": 5, "per_day": 50}}),
                &[],
            ),
            (
                json!({"email": {"to": ["ops@example.org"], "per_run": 6, "per_day": 50}}),
                &["/grants/email/to/0", "/grants/email/per_run"],
            ),
            (json!({"http": ["api.example.com", "a.example.org:8443", "*.b.example.org:8443"]}), &[]),
            (json!({"http": ["nas.lan", {"host": "nas.lan", "private": true}]}), &[]),
            (
                json!({"http": ["example.org:8443", "a.example.org", "*.example.com",
                    {"host": "api.example.com", "private": true}]}),
                &["/grants/http/0", "/grants/http/1", "/grants/http/2", "/grants/http/3"],
            ),
            (json!({"secrets": ["KEY", "KEY2"]}), &["/grants/secrets/1"]),
        ] {
            assert_eq!(lacking(&has, &grants, &none), lacks, "{grants}");
        }
    }

    #[test]
    fn notifications_go_where_the_token_may_go() {
        let has = json!({"email": {"to": ["*@example.com"]}, "http": ["hooks.example.com"]});
        let notify = |email: &str, webhook: &str, private: bool| json!({"on": ["failure"], "email": [email], "webhook": webhook, "secret": "S", "private": private});
        let fine = notify("a@example.com", "https://hooks.example.com/x", false);
        assert_eq!(lacking(&has, &json!({}), &fine), [""; 0]);
        let beyond = notify("a@example.org", "https://hooks.example.com/x", true);
        assert_eq!(lacking(&has, &json!({}), &beyond), ["/notify/email/0", "/notify/webhook"]);
    }
}
