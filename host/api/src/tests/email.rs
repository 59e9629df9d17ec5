//! `/emails`.

use super::Site;
use sandglass_core::delivery::{Answer, Patience, Taken};
use sandglass_core::effect::Effects;
use sandglass_core::email::{Attachment, Email, Message};
use sandglass_core::{JobId, RunId};
use sandglass_store::op;
use sandglass_store::op::email::Place;
use serde_json::{Value, json};

impl Site {
    /// Puts a message in the outbox, as a run does.
    async fn email(&self, subject: &str) -> Place {
        let email = Email {
            message_id: format!("{subject}@host"),
            run: Some(RunId::new(JobId(1), self.now(), 1)),
            job: "a".parse().unwrap(),
            queued_at: self.now(),
            message: Message {
                to: vec!["Some One <a@example.com>".parse().unwrap(), "b@example.com".parse().unwrap()],
                cc: Vec::new(),
                bcc: Vec::new(),
                reply_to: None,
                subject: subject.into(),
                text: Some("hello".into()),
                html: None,
                attachments: vec![Attachment {
                    file_name: "a.csv".into(),
                    content_type: "text/csv".into(),
                    content: vec![0; 7],
                }],
            },
        };
        let of = self.write(move |write, now| {
            let effects = Effects { emails: vec![email], ..Effects::default() };
            op::effect::commit(write, &effects, now)?.expect("nothing to conflict with");
            Ok(write.sequence())
        });
        Place { of: of.await, number: 0 }
    }

    /// Has a mail server answer for the first message that is due: for its first recipient, and for its second.
    async fn answer(&self, first: Taken, second: Taken) {
        self.write(move |write, now| {
            let patience = Patience::default();
            let place = op::email::claim(write, 1, &patience, now)?.places[0];
            let answers = [("a@example.com", first), ("b@example.com", second)].map(|(to, state)| Answer {
                address: to.into(),
                state,
                reply: format!("{state:?}"),
            });
            op::email::answered(write, place, &answers, &patience, now, 0)?;
            Ok(())
        })
        .await;
    }
}

fn path(place: Place) -> String {
    format!("/v1/emails/{}-{}", place.of, place.number)
}

#[tokio::test]
async fn the_outbox_is_shown_newest_first() {
    let site = Site::new().await;
    site.email("first").await;
    site.email("second").await;
    let page = site.get("/v1/emails?limit=1").await.json_of(200);
    let email = &page["items"][0];
    assert_eq!((&email["subject"], &email["state"]), (&json!("second"), &json!("queued")));
    assert_eq!(email["to"], json!(["Some One <a@example.com>", "b@example.com"]));
    assert_eq!(email["attachments"], json!([{"file_name": "a.csv", "content_type": "text/csv", "size": 7}]));
    let next = page["next"].as_str().unwrap();
    let older = site.get(&format!("/v1/emails?cursor={next}")).await.json_of(200);
    assert_eq!((&older["items"][0]["subject"], &older["next"]), (&json!("first"), &Value::Null));
    let path = format!("/v1/emails/{}", email["id"].as_str().unwrap());
    assert_eq!(&site.get(&path).await.json_of(200), email);
    site.get("/v1/emails/99-0").await.problem(404, "not-found");
}

#[tokio::test]
async fn what_the_server_said_is_shown_for_each_recipient() {
    let site = Site::new().await;
    let place = site.email("dead").await;
    site.answer(Taken::Accepted, Taken::Refused).await;
    let email = site.get(&path(place)).await.json_of(200);
    assert_eq!((&email["state"], &email["attempts"]), (&json!("failed"), &json!(1)));
    let recipients = email["recipients"].as_array().unwrap();
    let shown: Vec<_> = recipients
        .iter()
        .map(|to| (to["address"].as_str(), to["state"].as_str(), to["reply"].as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            (Some("a@example.com"), Some("accepted"), Some("Accepted")),
            (Some("b@example.com"), Some("refused"), Some("Refused")),
        ]
    );
    assert!(email["ended_at"].is_string() && recipients[1]["at"].is_string());
}

#[tokio::test]
async fn dead_letters_are_listed_and_sent_again_to_those_who_lack_them() {
    let site = Site::new().await;
    let dead = site.email("dead").await;
    site.answer(Taken::Accepted, Taken::Refused).await;
    let waiting = site.email("waiting").await;
    let failed = site.get("/v1/emails?state=failed").await.json_of(200);
    assert_eq!(failed["items"].as_array().unwrap().len(), 1);
    assert_eq!(failed["items"][0]["subject"], "dead");
    assert_eq!(site.get("/v1/emails?state=lost").await.pointers(), ["/state"]);

    site.call("POST", &format!("{}/resend", path(waiting)), json!({})).await.problem(409, "conflict");
    let resend = format!("{}/resend", path(dead));
    let again = site.call("POST", &resend, json!({})).await.json_of(201);
    assert_eq!((&again["subject"], &again["state"]), (&json!("dead"), &json!("queued")));
    assert_ne!(again["message_id"], "dead@host");
    assert_eq!(again["recipients"].as_array().unwrap().len(), 1);
    assert_eq!(again["recipients"][0]["address"], "b@example.com");
    site.call("POST", "/v1/emails/99-0/resend", json!({})).await.problem(404, "not-found");
}

#[tokio::test]
async fn what_is_taken_out_of_the_outbox_is_gone() {
    let site = Site::new().await;
    let place = site.email("wrong").await;
    site.send(site.request("DELETE", &path(place), &[], "")).await.is(204);
    site.get(&path(place)).await.problem(404, "not-found");
    site.send(site.request("DELETE", &path(place), &[], "")).await.problem(404, "not-found");
}
