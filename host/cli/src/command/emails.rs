//! `sandglass emails`: the outbox.

use crate::cli::{Context, understand};
use crate::client::Request;
use crate::render::table::{Facts, Listing, cell, state_cell};
use crate::render::{amount, text, time};
use crate::shape::Email;
use anyhow::Result;
use sandglass_core::Instant;
use serde_json::Value;

/// List the outbox, or show one email of it
#[derive(Debug, clap::Args)]
pub(crate) struct Emails {
    #[arg(value_parser = id)]
    id: Option<String>,
    /// At most so many
    #[arg(long, default_value = "20", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// It becomes part of a path.
fn id(text: &str) -> Result<String, String> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if plain { Ok(text.to_owned()) } else { Err("an email's id is one that `sandglass emails` lists".into()) }
}

impl Emails {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        let client = context.client()?;
        let Some(id) = self.id else {
            let emails = client.list(Some(self.limit as usize), || Request::get("emails"))?;
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
    facts.add("of", format!("{}, run {}", text::plain(&email.job), text::plain(&email.run)));
    facts.add("message id", text::plain(&email.message_id));
    facts.add_some("to", list(&email.to));
    facts.add_some("cc", list(&email.cc));
    facts.add_some("bcc", list(&email.bcc));
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
            "queued_at": "2026-01-31T08:30:00Z", "to": ["a@example.com"], "subject": "Hi\nBcc: x", "text": "one\ntwo\n",
            "attachments": [{"file_name": "a.csv", "content_type": "text/csv", "size": 2048}],
        }))
        .unwrap();
        let text = strip_str(&full(&email, "2026-01-31T08:31:00Z".parse().unwrap())).to_string();
        let expected = [
            "state       queued, queued 2026-01-31 08:30:00 UTC (1 min ago)",
            "of          j, run r",
            "message id  <a@b>",
            "to          a@example.com",
            "subject     Hi\\nBcc: x",
            "attached    a.csv, text/csv, 2 KiB",
            "",
            "one",
            "two",
            "",
        ];
        assert_eq!(text, expected.join("\n"));
        assert!(id("7-0").is_ok() && id("../jobs").is_err() && id("").is_err());
    }
}
