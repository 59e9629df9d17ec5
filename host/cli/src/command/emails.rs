//! `sandglass emails`: the outbox.

use crate::cli::{Context, understand};
use crate::client::Request;
use crate::render::table::{Facts, Listing, cell, state_cell};
use crate::render::{amount, text, time};
use crate::shape::Email;
use anyhow::Result;
use clap::Subcommand;
use sandglass_core::Instant;
use sandglass_core::delivery::State;
use serde_json::Value;
use ureq::http::Method;

/// List the outbox, show one email of it, or send one again
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Emails {
    #[command(subcommand)]
    action: Option<Action>,
    #[arg(value_parser = id)]
    id: Option<String>,
    /// Only those in this state: queued, sending, sent or failed
    #[arg(long, conflicts_with = "id")]
    state: Option<State>,
    /// At most so many
    #[arg(long, default_value = "20", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Send a copy of an email that was sent or has failed, with a Message-ID of its own
    ///
    /// It goes to those who have not got it; where all have, to all.
    Resend {
        #[arg(value_parser = id)]
        id: String,
    },
    /// Take an email out of the outbox; one that waits is not sent
    Rm {
        #[arg(value_parser = id)]
        id: String,
    },
}

/// It becomes part of a path.
fn id(text: &str) -> Result<String, String> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if plain { Ok(text.to_owned()) } else { Err("an email's id is one that `sandglass emails` lists".into()) }
}

impl Emails {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        let client = context.client()?;
        match self.action {
            Some(Action::Resend { id }) => {
                let document: Value = client.json(Request::post(format!("emails/{id}/resend")))?;
                let email: Email = understand(document)?;
                return context.print(&format!("{} is queued\n", text::plain(&email.id)));
            }
            Some(Action::Rm { id }) => {
                client.call(Request::new(Method::DELETE, format!("emails/{id}")))?;
                return context.print(&format!("{id} is gone\n"));
            }
            None => {}
        }
        let Some(id) = self.id else {
            let request = || Request::get("emails").query_some("state", self.state.map(State::as_str));
            let emails = client.list(Some(self.limit as usize), request)?;
            return context.print_list(self.json, emails, "the outbox is empty", listing);
        };
        let document: Value = client.json(Request::get(format!("emails/{id}")))?;
        if self.json {
            return context.print_json(&document);
        }
        let email: Email = understand(document)?;
        context.print(&full(&email, context.now))
    }
}

fn listing(emails: &[Email], now: Instant) -> String {
    let mut listing = Listing::new(&["ID", "STATE", "QUEUED", "JOB", "TO", "SUBJECT"]).wrapping(5);
    for email in emails {
        let to = email.to.join(", ");
        listing.row(vec![
            cell(&email.id),
            state_cell(&email.state, &email.state),
            cell(time::relative(email.queued_at, now)),
            cell(&email.job),
            cell(text::brief(&to, 40)),
            cell(text::brief(&email.subject, 50)),
        ]);
    }
    listing.finish()
}

/// Its head, and its text.
fn full(email: &Email, now: Instant) -> String {
    let mut facts = Facts::default();
    let list = |addresses: &[String]| {
        (!addresses.is_empty()).then(|| text::plain(&addresses.join(", ")).into_owned())
    };
    facts.add(
        "state",
        format!("{}, queued {}", text::plain(&email.state), time::utc_and_relative(email.queued_at, now)),
    );
    facts.add_some("ended", email.ended_at.map(|at| time::utc_and_relative(at, now)));
    // Before its first attempt it is due since it was queued.
    let next = email.next_attempt_at.filter(|_| email.attempts > 0);
    facts.add_some("next attempt", next.map(|at| time::utc_and_relative(at, now)));
    facts.add_some("reason", email.reason.as_deref().map(text::plain));
    let run = email.run.as_deref().map(|run| format!(", run {}", text::plain(run)));
    facts.add("of", format!("{}{}", text::plain(&email.job), run.unwrap_or_default()));
    facts.add("message id", text::plain(&email.message_id));
    facts.add_some("to", list(&email.to));
    facts.add_some("cc", list(&email.cc));
    facts.add_some("bcc", list(&email.bcc));
    for to in email.recipients.iter().filter(|to| to.reply.is_some()) {
        let reply = to.reply.as_deref().unwrap_or_default();
        let (address, state) = (text::plain(&to.address), text::plain(&to.state));
        facts.add("answer", format!("{address} {state}: {}", text::plain(reply)));
    }
    facts.add_some("reply to", email.reply_to.as_deref().map(text::plain));
    facts.add("subject", text::plain(&email.subject));
    for attachment in &email.attachments {
        let (name, kind) = (text::plain(&attachment.file_name), text::plain(&attachment.content_type));
        facts.add("attached", format!("{name}, {kind}, {}", amount::bytes(attachment.size)));
    }
    let body = email.text.as_deref().or(email.html.as_deref()).unwrap_or_default();
    format!("{}\n{}\n", facts.finish(), text::plain_lines(body.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use anstream::adapter::strip_str;
    use serde_json::json;

    #[test]
    fn an_email_is_shown_with_its_head() {
        let email: Email = serde_json::from_value(json!({
            "id": "7-0", "message_id": "<a@b>", "job": "j", "run": "r", "state": "queued",
            "queued_at": "2026-01-31T08:30:00Z", "to": ["a@example.com"], "attempts": 1,
            "next_attempt_at": "2026-01-31T08:32:00Z", "reason": "no route",
            "recipients": [{"address": "a@example.com", "state": "deferred", "reply": "451 later\u{1b}[2J"}], "subject": "Hi\nBcc: x", "text": "one\ntwo\n",
            "attachments": [{"file_name": "a.csv", "content_type": "text/csv", "size": 2048}],
        }))
        .unwrap();
        let text = strip_str(&full(&email, "2026-01-31T08:31:00Z".parse().unwrap())).to_string();
        let expected = [
            "state         queued, queued 2026-01-31 08:30:00 UTC (1 min ago)",
            "next attempt  2026-01-31 08:32:00 UTC (in 1 min)",
            "reason        no route",
            "of            j, run r",
            "message id    <a@b>",
            "to            a@example.com",
            "answer        a@example.com deferred: 451 later\\u{1b}[2J",
            "subject       Hi\\nBcc: x",
            "attached      a.csv, text/csv, 2 KiB",
            "",
            "one",
            "two",
            "",
        ];
        assert_eq!(text, expected.join("\n"));
        assert!(id("7-0").is_ok() && id("../jobs").is_err() && id("").is_err());
    }
}
