//! A host that delivers, and a job on it that mails.

use sandglass_tests::{Client, Host, until};
use serde_json::{Value, json};
use std::fs;
use tempfile::TempDir;

/// A host with a configuration that the test may change between two starts.
pub(crate) struct Sender {
    folder: TempDir,
    pub(crate) host: Host,
}

impl Sender {
    /// With the job `mailer`, which may mail to example.com as much as any job may.
    pub(crate) fn start(smtp: &str) -> Sender {
        let folder = TempDir::with_prefix("sandglass-smtp-").expect("a temporary folder");
        let config = folder.path().join("host.toml");
        fs::write(&config, smtp).expect("a configuration");
        let host = Host::start_with(&["--config", config.to_str().expect("a path in UTF-8")]);
        let grants = json!({"email": {"to": ["*@example.com"], "per_run": 1_000, "per_day": 100_000}});
        host.deploy(
            "mailer",
            "probe",
            json!({"grants": grants, "policy": {"overlap": "allow", "max_concurrency": 4}}),
        );
        Sender { folder, host }
    }

    /// From the next start on.
    pub(crate) fn configure(&self, smtp: &str) {
        fs::write(self.folder.path().join("host.toml"), smtp).expect("a configuration");
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Mails once, to these.
    #[track_caller]
    pub(crate) fn mail(&self, to: &[&str]) {
        let email = json!({"to": to, "subject": "a subject", "text": "some text\n"});
        self.host.answers("mailer", &json!([{"email": email, "must": true}]));
    }

    /// The newest email, once it is in this state.
    #[track_caller]
    pub(crate) fn newest(&self, state: &str) -> Value {
        until(&format!("the newest email to be {state}"), || {
            let newest = self.host.read("emails?limit=1")["items"][0].clone();
            (newest["state"] == state).then_some(newest)
        })
    }
}

/// The configuration for a server on this port, with more of it.
pub(crate) fn smtp(port: u16, more: &str) -> String {
    format!(
        "[smtp]\nhost = '127.0.0.1'\nport = {port}\nfrom = 'Sandglass <sandglass@example.com>'\n\
         retry_initial = '100ms'\nper_minute = 60000\n{more}\n"
    )
}

/// In the clear.
pub(crate) fn plain(port: u16) -> String {
    smtp(port, "tls = 'none'")
}

/// Why no mail leaves the host at the moment.
pub(crate) fn problem(host: &Client) -> Option<String> {
    host.read("host")["email"]["problem"]["reason"].as_str().map(str::to_owned)
}
