//! `/emails`: the outbox.

use crate::app::App;
use crate::page::{List, Paging};
use crate::parameter::{NoParameters, Parameters};
use crate::path::At;
use crate::problem::Refusal;
use axum::Json;
use axum::extract::State;
use sandglass_core::email::{Email, Mailbox};
use sandglass_core::{Instant, Name, RunId};
use sandglass_store::op;
use sandglass_store::op::email::Place;
use serde::Serialize;
use std::str::FromStr;

/// A message, as it is shown.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    id: String,
    message_id: String,
    job: Name,
    run: Option<RunId>,
    state: &'static str,
    queued_at: Instant,
    to: Vec<String>,
    cc: Vec<String>,
    bcc: Vec<String>,
    reply_to: Option<String>,
    subject: String,
    text: Option<String>,
    html: Option<String>,
    attachments: Vec<Attachment>,
}

/// A file that goes with a message, without its bytes.
#[derive(Debug, Serialize)]
struct Attachment {
    file_name: String,
    content_type: String,
    size: usize,
}

impl View {
    fn new(place: Place, email: Email) -> View {
        let Email { message_id, run, job, queued_at, message } = email;
        let addresses = |list: &[Mailbox]| list.iter().map(address).collect();
        View {
            id: format!("{}-{}", place.of, place.number),
            message_id,
            job,
            run,
            // Nothing takes messages out of the outbox yet.
            state: "queued",
            queued_at,
            to: addresses(&message.to),
            cc: addresses(&message.cc),
            bcc: addresses(&message.bcc),
            reply_to: message.reply_to.as_ref().map(address),
            subject: message.subject,
            text: message.text,
            html: message.html,
            attachments: message.attachments.into_iter().map(Attachment::from).collect(),
        }
    }
}

impl From<sandglass_core::email::Attachment> for Attachment {
    fn from(file: sandglass_core::email::Attachment) -> Attachment {
        Attachment { file_name: file.file_name, content_type: file.content_type, size: file.content.len() }
    }
}

/// As a guest may write it: `Some One <someone@example.com>`, or the address alone.
fn address(mailbox: &Mailbox) -> String {
    match mailbox.name.as_str() {
        "" => mailbox.address.clone(),
        name => format!("{name} <{}>", mailbox.address),
    }
}

/// `<commit>-<number>`, as [`View::id`] is written.
pub(crate) struct Id(Place);

impl Id {
    pub(crate) fn place(self) -> Place {
        self.0
    }
}

impl FromStr for Id {
    type Err = String;

    fn from_str(text: &str) -> Result<Id, String> {
        let place = text
            .split_once('-')
            .and_then(|(of, number)| Some(Place { of: of.parse().ok()?, number: number.parse().ok()? }));
        place.map(Id).ok_or_else(|| "an email's id is two numbers, such as 17-0".into())
    }
}

/// Newest first.
pub(crate) async fn list(State(app): State<App>, mut parameters: Parameters) -> Result<Json<List>, Refusal> {
    let paging = Paging::<Place>::read(&mut parameters);
    parameters.finish()?;
    let (before, most) = (paging.after, paging.and_one());
    let found = app.scan(move |read| op::email::list(read, before, most)).await?;
    List::of(found.into_iter().map(|(place, email)| (place, View::new(place, email))), paging.limit).map(Json)
}

pub(crate) async fn get(
    State(app): State<App>,
    At(Id(place)): At<Id>,
    _: NoParameters,
) -> Result<Json<View>, Refusal> {
    let email = app.look(|read| op::email::get(read, place))?;
    let email = email
        .ok_or_else(|| Refusal::not_found(format!("there is no email {}-{}", place.of, place.number)))?;
    Ok(Json(View::new(place, email)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read() {
        assert_eq!("17-3".parse::<Id>().map(|Id(place)| (place.of, place.number)).ok(), Some((17, 3)));
        for text in ["", "17", "-1", "17-", "a-b", "17-3-4", "99999999999999999999-0"] {
            assert!(text.parse::<Id>().is_err(), "{text}");
        }
    }
}
