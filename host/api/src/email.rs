//! `/emails`: the outbox.

use crate::app::{App, to_the_end};
use crate::body;
use crate::once::Key;
use crate::page::{List, Paging};
use crate::parameter::{NoParameters, Parameters};
use crate::path::At;
use crate::problem::Refusal;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use sandglass_core::delivery::{self, Recipient};
use sandglass_core::email::{Email, Mailbox};
use sandglass_core::{Instant, Name, RunId};
use sandglass_store::op;
use sandglass_store::op::email::{Entry, Place};
use serde::Serialize;
use std::fmt;
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
    /// Attempts that a mail server answered.
    attempts: u32,
    /// When it is tried next, while it waits for that.
    next_attempt_at: Option<Instant>,
    /// When it was sent or given up.
    ended_at: Option<Instant>,
    /// Why it is not delivered, where that is not a recipient's own.
    reason: Option<String>,
    /// Each address once, with what the mail server said of it.
    recipients: Vec<RecipientView>,
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

#[derive(Debug, Serialize)]
struct RecipientView {
    address: String,
    state: &'static str,
    reply: Option<String>,
    at: Option<Instant>,
}

impl From<Recipient> for RecipientView {
    fn from(to: Recipient) -> RecipientView {
        RecipientView { address: to.address, state: to.state.as_str(), reply: to.reply, at: to.at }
    }
}

impl View {
    fn new(entry: Entry, delivers: bool) -> View {
        let Entry { place, email, delivery } = entry;
        let Email { message_id, run, job, queued_at, message } = email;
        let addresses = |list: &[Mailbox]| list.iter().map(address).collect();
        let waits = delivers && delivery.state == delivery::State::Queued;
        View {
            id: Id(place).to_string(),
            message_id,
            job,
            run,
            state: delivery.state.as_str(),
            queued_at,
            attempts: delivery.attempts,
            next_attempt_at: waits.then_some(delivery.due_at),
            ended_at: delivery.ended_at,
            reason: delivery.reason,
            recipients: delivery.recipients.into_iter().map(RecipientView::from).collect(),
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

impl From<Place> for Id {
    fn from(place: Place) -> Id {
        Id(place)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0.of, self.0.number)
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
    let state = parameters.value::<delivery::State>("state");
    parameters.finish()?;
    let (before, limit) = (paging.after, paging.limit);
    let found = app.scan(move |read| op::email::list(read, state, before, limit)).await?;
    let mut list = List::default();
    let mut next = found.next;
    let mut last = None;
    for entry in found.entries {
        let place = entry.place;
        if !list.push(&View::new(entry, app.host.delivers()))? {
            next = last;
            break;
        }
        last = Some(place);
    }
    list.go_on_after(next.as_ref());
    Ok(Json(list))
}

pub(crate) async fn get(
    State(app): State<App>,
    At(id): At<Id>,
    _: NoParameters,
) -> Result<Json<View>, Refusal> {
    find(&app, id.0).map(Json)
}

fn find(app: &App, place: Place) -> Result<View, Refusal> {
    let entry = app.look(|read| op::email::get(read, place))?;
    let entry = entry.ok_or_else(|| Refusal::not_found(format!("there is no email {}", Id(place))))?;
    Ok(View::new(entry, app.host.delivers()))
}

/// A copy of one that was sent or given up.
pub(crate) async fn resend(
    State(app): State<App>,
    At(id): At<Id>,
    key: Key,
    _: NoParameters,
    body: body::Json,
) -> Result<Response, Refusal> {
    let body::Nothing {} = body.members()?;
    let (host, once) = (app.host.clone(), key.with(&body));
    let copy = to_the_end(async move { host.resend(id.0, once).await }).await??;
    let location = [(LOCATION, format!("/v1/emails/{}", Id(copy)))];
    Ok((StatusCode::CREATED, location, Json(find(&app, copy)?)).into_response())
}

/// Takes one out of the outbox; where it waits, it is not sent.
pub(crate) async fn delete(
    State(app): State<App>,
    At(id): At<Id>,
    _: NoParameters,
) -> Result<StatusCode, Refusal> {
    let host = app.host.clone();
    to_the_end(async move { host.remove_mail(id.0).await }).await??;
    Ok(StatusCode::NO_CONTENT)
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
