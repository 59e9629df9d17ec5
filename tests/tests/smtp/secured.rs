//! TLS and passwords: what is right is let through, and what is wrong is said, but for the password.

use crate::sender::{Sender, problem, smtp};
use crate::server::Server;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use sandglass_tests::until;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

const PASSWORD: &str = "correct horse battery";

/// A certificate of 127.0.0.1 with its key, and its authority's, as files.
struct Identity {
    certificate: PathBuf,
    key: PathBuf,
    authority: PathBuf,
}

impl Identity {
    fn new(folder: &Path) -> Identity {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        let file = |name: &str, text: String| {
            fs::write(folder.join(name), text).unwrap();
            folder.join(name)
        };
        Identity {
            certificate: file("server.pem", certificate.pem()),
            key: file("server.key", key.serialize_pem()),
            authority: file("authority.pem", authority.pem()),
        }
    }

    fn server(&self, tls: &str) -> Server {
        Server::secured(tls, PASSWORD, self.certificate.clone(), self.key.clone())
    }

    /// The configuration that is right for it, with the password in a secret.
    fn right(&self, server: &Server, tls: &str) -> String {
        let authority = self.authority.display();
        let more = format!(
            "tls = '{tls}'\nuser = 'sandglass'\npassword_secret = 'SMTP_PASSWORD'\nauthorities = '{authority}'"
        );
        smtp(server.port, &more)
    }
}

fn set_password(sender: &Sender, value: &str) {
    let answer = sender.host.put("secrets/SMTP_PASSWORD").json(&json!({ "value": value })).send();
    assert!((200..300).contains(&answer.status), "{}", answer.text());
}

#[test]
fn mail_goes_over_tls_with_a_password() {
    let folder = tempfile::tempdir().unwrap();
    let identity = Identity::new(folder.path());
    for tls in ["starttls", "implicit"] {
        let server = identity.server(tls);
        let sender = Sender::start(&identity.right(&server, tls));
        set_password(&sender, PASSWORD);
        sender.mail(&["a@example.com"]);
        let received = server.inbox.message_to("a@example.com");
        assert_eq!((received.user.as_deref(), received.secure), (Some("sandglass"), true), "{tls}");
        sender.newest("sent");
    }
}

#[test]
fn a_password_in_the_environment_or_a_file_does_too() {
    let folder = tempfile::tempdir().unwrap();
    let identity = Identity::new(folder.path());
    let server = identity.server("implicit");
    let authority = identity.authority.display();
    let base = format!("tls = 'implicit'\nuser = 'sandglass'\nauthorities = '{authority}'");
    let mut sender = Sender::start("");
    fs::write(sender.folder().join("password"), format!("{PASSWORD}\n")).unwrap();
    sender.configure(&smtp(server.port, &format!("{base}\npassword_file = 'password'")));
    sender.host.restart();
    sender.mail(&["file@example.com"]);
    server.inbox.message_to("file@example.com");
    sender.configure(&smtp(server.port, &base));
    sender.host.set_environment("SANDGLASS_SMTP_PASSWORD", PASSWORD);
    sender.host.restart();
    sender.mail(&["environment@example.com"]);
    server.inbox.message_to("environment@example.com");
    assert!(!sender.host.stderr().contains(PASSWORD));
}

#[test]
fn a_wrong_password_is_no_messages_fault_and_is_shown_nowhere() {
    const WRONG: &str = "hunter2-hunter2";
    let folder = tempfile::tempdir().unwrap();
    let identity = Identity::new(folder.path());
    let server = identity.server("starttls");
    let sender = Sender::start(&identity.right(&server, "starttls"));
    sender.mail(&["a@example.com"]);
    let missing = until("the secret to be missed", || problem(&sender.host));
    assert!(missing.contains("there is no secret `SMTP_PASSWORD`"), "{missing}");

    set_password(&sender, WRONG);
    let wrong =
        until("the password to be refused", || problem(&sender.host).filter(|reason| reason.contains("535")));
    assert!(wrong.contains("[password]"), "{wrong}");
    let waiting = sender.newest("queued");
    for shown in [&wrong, &waiting.to_string(), &sender.host.stderr()] {
        assert!(!shown.contains(WRONG), "{shown}");
    }
    // The right one needs no restart.
    set_password(&sender, PASSWORD);
    let received = server.inbox.message_to("a@example.com");
    assert_eq!(received.message_id(), waiting["message_id"].as_str().unwrap());
    sender.newest("sent");
}

#[test]
fn nothing_is_told_to_a_server_that_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let identity = Identity::new(folder.path());
    for tls in ["starttls", "implicit"] {
        let server = identity.server(tls);
        let right = identity.right(&server, tls);
        let without: Vec<&str> = right.lines().filter(|line| !line.starts_with("authorities")).collect();
        let mut sender = Sender::start(&without.join("\n"));
        set_password(&sender, PASSWORD);
        sender.mail(&["a@example.com"]);
        let reason = until("the certificate to be refused", || problem(&sender.host));
        assert!(reason.contains("certificate"), "{reason}");
        assert!(server.inbox.all().is_empty());
        sender.configure(&right);
        sender.host.restart();
        server.inbox.message_to("a@example.com");
    }
}
