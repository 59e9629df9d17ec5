//! Whatever a job puts into subjects, names, addresses and files: what arrives has the fields that the host gives it
//! and goes to those whom the job was granted.

use crate::inbox::Received;
use crate::naughty;
use crate::sender::{Sender, plain};
use crate::server::Server;
use sandglass_tests::until;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The fields of every message, and those of one with a file.
const FIELDS: [&str; 8] =
    ["Message-ID", "Date", "From", "Auto-Submitted", "Subject", "To", "MIME-Version", "Content-Type"];
/// Emails of one run: the answers of all its steps are its result, which is bounded.
const AT_ONCE: usize = 60;

struct Case {
    kind: &'static str,
    text: String,
    /// What `text` stands in, to `to`.
    email: Value,
}

/// The same text everywhere that one may write something.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (at, text) in naughty::strings().into_iter().enumerate() {
        let mut add = |kind, email: Value| cases.push(Case { kind, text: text.clone(), email });
        let to = |kind: &str| format!("{kind}{at}@example.com");
        add("subject", json!({"to": [to("subject")], "subject": text, "text": text}));
        add("name", json!({"to": [format!("{text} <{}>", to("name"))], "subject": "s", "text": "t"}));
        add("address", json!({"to": [text], "subject": "s", "text": "t"}));
        add("local", json!({"to": [format!("{text}@example.com")], "subject": "s", "text": "t"}));
        let file = [text.as_str(), "text/plain", text.as_str()];
        add("file", json!({"to": [to("file")], "subject": "s", "text": "t", "attachments": [file]}));
    }
    cases
}

#[test]
fn naughty_texts_smuggle_nothing() {
    let server = Server::plain();
    let sender = Sender::start(&plain(server.port));
    let cases = cases();
    // By the Message-ID that the job was told.
    let mut sent: BTreeMap<String, &Case> = BTreeMap::new();
    let mut refused = 0;
    for some in cases.chunks(AT_ONCE) {
        let script: Vec<Value> = some.iter().map(|case| json!({"email": case.email})).collect();
        for (answer, case) in sender.host.answers("mailer", &json!(script)).iter().zip(some) {
            if let Some(id) = answer["ok"].as_str() {
                sent.insert(id.to_owned(), case);
            } else {
                let code = answer["error"]["code"].as_str().expect("an error");
                assert!(matches!(code, "invalid" | "denied"), "{answer}");
                refused += 1;
            }
        }
    }
    until("all of it to have left", || {
        let waits = sender.host.read("emails?state=queued&limit=1")["items"].as_array()?.len()
            + sender.host.read("emails?state=sending&limit=1")["items"].as_array()?.len();
        (waits == 0).then_some(())
    });
    assert_eq!(sender.host.list("emails?state=failed"), Vec::<Value>::new());
    let received = server.inbox.all();
    assert_eq!(received.len(), sent.len());
    for message in &received {
        let case = sent.remove(&message.message_id()).expect("it was sent, and once");
        check(message, case);
    }
    println!(
        "{} texts: {} mails arrived as they were, {refused} were refused",
        cases.len() / 5,
        received.len()
    );
}

#[track_caller]
fn check(message: &Received, case: &Case) {
    let shown = || format!("{} {:?}:\n{}", case.kind, case.text, message.raw);
    let names: Vec<String> = message.fields().into_iter().map(|(name, _)| name).collect();
    // A body that is one part says how it is encoded.
    let names: Vec<&str> =
        names.iter().map(String::as_str).filter(|name| *name != "Content-Transfer-Encoding").collect();
    assert_eq!(names, FIELDS, "{}", shown());
    // Nobody but who was granted, and one only.
    assert_eq!(message.to.len(), 1, "{}", shown());
    assert!(message.to[0].ends_with("@example.com"), "{}", shown());
    assert!(message.raw.is_ascii() && !message.raw.contains('\0'), "{}", shown());
    assert!(!message.raw.replace("\r\n", "").contains(['\r', '\n']), "{}", shown());
    assert!(message.raw.split("\r\n").all(|line| line.len() <= 998), "{}", shown());
    if case.kind == "subject" {
        assert_eq!(decoded(&message.field("Subject")), case.text.trim(), "{}", shown());
    }
    if case.kind == "file" {
        // The head, the text and the file.
        assert_eq!(message.raw.matches("\r\nContent-Type: ").count(), 3, "{}", shown());
    }
}

/// A field's text as a reader shows it (RFC 2047).
fn decoded(field: &str) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let mut text = String::new();
    let mut was_encoded = false;
    for (at, word) in field.split(' ').enumerate() {
        let encoded = word.strip_prefix("=?utf-8?b?").and_then(|rest| rest.strip_suffix("?="));
        if at > 0 && !(was_encoded && encoded.is_some()) {
            text.push(' ');
        }
        match encoded {
            Some(encoded) => {
                let bytes = STANDARD.decode(encoded).expect("base64");
                text.push_str(&String::from_utf8(bytes).expect("UTF-8"));
            }
            None => text.push_str(word),
        }
        was_encoded = encoded.is_some();
    }
    text.trim().to_owned()
}
