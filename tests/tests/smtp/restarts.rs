//! Both sides die again and again while jobs mail: each message arrives at least once, under the Message-ID that the
//! job was told, and none is lost.

use crate::sender::{Sender, plain, problem};
use crate::server::Server;
use sandglass_tests::{is_full, until};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const MAILS_PER_RUN: usize = 10;
/// The host's, at one time.
const CONNECTIONS: usize = 4;

#[test]
fn nothing_is_lost_and_no_message_id_changes_however_often_both_sides_die() {
    let mails = if is_full() { 1_000 } else { 200 };
    let mut server = Server::plain();
    let mut sender = Sender::start(&plain(server.port));
    let email =
        json!({"to": ["m{i}@example.com"], "subject": "{run} {i}", "text": "{i}\n", "html": "<p>{i}</p>"});
    let script = json!([{"repeat": {"times": MAILS_PER_RUN, "step": {"email": email}}, "must": true}]);
    let runs: Vec<String> =
        (0..mails / MAILS_PER_RUN).map(|_| sender.host.start("mailer", &script)).collect();

    // Each life ends when so much more has arrived.
    for quarter in 1..=3 {
        let share = mails * quarter / 4;
        server.inbox.until("a share of the mail", |all| all.len() >= share - mails / 8);
        sender.host.kill();
        sender.host.restart();
        server.inbox.until("a share of the mail", |all| all.len() >= share);
        server.kill();
        until("the host to notice", || {
            let waits = sender.host.read("emails?state=queued&limit=1")["items"] != json!([]);
            (problem(&sender.host).is_some() || !waits).then_some(())
        });
        server.restart();
    }
    sender.host.stop();
    server.restart();
    sender.host.restart();
    for run in &runs {
        assert_eq!(sender.host.ended(run)["outcome"], "succeeded");
    }
    let sent = until("all mail to have left", || {
        let sent = sender.host.list("emails?state=sent");
        (sent.len() == mails).then_some(sent)
    });
    assert_eq!(sender.host.list("emails").len(), mails);

    let subjects: BTreeMap<&str, &str> =
        sent.iter().map(|email| (text(email, "message_id"), text(email, "subject"))).collect();
    assert_eq!(subjects.len(), mails, "each has a Message-ID of its own");
    let mut arrived: BTreeMap<String, usize> = BTreeMap::new();
    for received in server.inbox.all() {
        let id = received.message_id();
        assert_eq!(subjects.get(id.as_str()), Some(&received.field("Subject").as_str()), "{}", received.raw);
        *arrived.entry(id).or_default() += 1;
    }
    assert_eq!(arrived.len(), mails, "each has arrived");
    let again = arrived.values().filter(|times| **times > 1).count();
    println!(
        "{mails} mails, 3 kills of the host and 3 of the server: all arrived, {again} of them more than once"
    );
    // Each death finds at most one message on each connection that was taken and not written down.
    assert!(again <= 6 * CONNECTIONS, "{again} arrived more than once");
}

fn text<'a>(email: &'a Value, member: &str) -> &'a str {
    email[member].as_str().expect("a text")
}
