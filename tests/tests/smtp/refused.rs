//! What becomes of mail that a server does not take: for now, for good, for some, or that nobody is told of.

use crate::sender::{Sender, plain, problem, smtp};
use crate::server::Server;
use sandglass_tests::until;
use serde_json::{Value, json};

#[test]
fn each_recipient_has_its_own_way_and_nobody_gets_it_twice() {
    let server = Server::plain();
    let sender = Sender::start(&plain(server.port));
    sender.mail(&["ok@example.com", "later@example.com", "once@example.com"]);
    server.inbox.message_to("later@example.com");
    let dead = sender.newest("failed");
    let said = |address: &str| {
        let recipients = dead["recipients"].as_array().expect("recipients");
        let to = recipients.iter().find(|to| to["address"] == address).expect("it is one of them");
        format!("{} {}", to["state"].as_str().unwrap(), to["reply"].as_str().unwrap())
    };
    assert_eq!(said("ok@example.com"), "accepted 250 2.0.0 taken");
    assert_eq!(said("later@example.com"), "accepted 250 2.0.0 taken");
    assert_eq!(said("once@example.com"), "refused 550 5.1.1 there is nobody of this name");
    assert_eq!(dead["attempts"], 2);
    let envelopes: Vec<Vec<String>> = server.inbox.all().into_iter().map(|received| received.to).collect();
    assert_eq!(envelopes, [["ok@example.com"], ["later@example.com"]]);
    // All of them see the same message.
    assert_eq!(server.inbox.all()[0].raw, server.inbox.all()[1].raw);

    // By hand it goes to who lacks it, as another message.
    let id = dead["id"].as_str().expect("an id");
    let again = sender.host.post(format!("emails/{id}/resend")).send().json(201);
    assert_ne!(again["message_id"], dead["message_id"]);
    let received = server.inbox.message_to("once@example.com");
    assert_eq!(received.message_id(), again["message_id"].as_str().unwrap());
    assert_eq!(received.to, ["once@example.com"]);
    sender.newest("sent");
    let failed: Vec<Value> = sender.host.list("emails?state=failed");
    assert_eq!(failed.iter().map(|email| email["id"].as_str().unwrap()).collect::<Vec<_>>(), [id]);
}

#[test]
fn what_the_server_refuses_for_good_is_a_dead_letter() {
    let server = Server::plain();
    let sender = Sender::start(&plain(server.port));
    for (to, said) in [
        ("never@example.com", "550 5.1.1 there is nobody of this name"),
        ("spam@example.com", "554 5.7.1 this is not wanted here"),
    ] {
        sender.mail(&[to]);
        let dead = sender.newest("failed");
        assert_eq!((&dead["recipients"][0]["reply"], &dead["attempts"]), (&json!(said), &json!(1)));
    }
    assert!(server.inbox.all().is_empty());
    let printed = sender.host.client().call("GET", "/metrics").send().text();
    assert!(printed.contains("sandglass_emails_total{came=\"failed\"} 2"), "{printed}");
}

#[test]
fn without_a_server_mail_stays_in_the_outbox_until_there_is_one() {
    let mut server = Server::plain();
    let mut sender = Sender::start("");
    sender.mail(&["patient@example.com"]);
    let waiting = sender.newest("queued");
    assert_eq!((&waiting["next_attempt_at"], &waiting["attempts"]), (&Value::Null, &json!(0)));
    assert_eq!(sender.host.read("host")["email"], json!({"delivers": false, "problem": null}));

    sender.host.stop();
    sender.configure(&plain(server.port));
    server.kill();
    sender.host.restart();
    let reason = until("the host to find nobody", || problem(&sender.host));
    assert!(reason.contains(&format!("127.0.0.1:{}", server.port)) && reason.contains("refused"), "{reason}");
    let waiting = sender.newest("queued");
    assert_eq!((&waiting["attempts"], waiting["reason"].as_str()), (&json!(0), Some(reason.as_str())));
    server.restart();
    let received = server.inbox.message_to("patient@example.com");
    assert_eq!(received.message_id(), waiting["message_id"].as_str().unwrap());
    sender.newest("sent");
    until("the problem to be over", || problem(&sender.host).is_none().then_some(()));
}

#[test]
fn mail_that_nobody_could_be_told_of_in_time_is_given_up() {
    let mut server = Server::plain();
    let sender = Sender::start(&smtp(server.port, "tls = 'none'\nexpire = '1s'"));
    server.kill();
    sender.mail(&["a@example.com"]);
    let dead = sender.newest("failed");
    let reason = dead["reason"].as_str().expect("a reason");
    assert!(reason.starts_with("not delivered within 1s"), "{reason}");
    server.restart();
    let id = dead["id"].as_str().expect("an id");
    sender.host.post(format!("emails/{id}/resend")).send().json(201);
    server.inbox.message_to("a@example.com");
}

#[test]
fn notifications_go_the_same_way() {
    let server = Server::plain();
    let sender = Sender::start(&plain(server.port));
    let notify = json!({"email": ["ops@example.com"]});
    sender.host.deploy(
        "failing",
        "probe",
        json!({"notify": notify, "policy": {"retry": {"max_attempts": 1}}}),
    );
    let run = sender.host.run("failing", &json!([{"fail": {"message": "no luck"}}]));
    assert_eq!(run["outcome"], "failed");
    let received = server.inbox.message_to("ops@example.com");
    assert_eq!(received.field("Subject"), "[sandglass] failing failed: error");
    assert!(received.raw.contains("no luck"), "{}", received.raw);
}
