//! A message as it goes over the wire.
//!
//! The same message gives the same bytes, however often it is built: boundaries are made of what they bound, and the
//! date is that of its queuing. Whatever a guest put in it, its head has the fields that stand here and no others:
//! names and subjects are encoded (RFC 2047), addresses are dot-atoms, and bodies are encoded where they are not
//! plain lines of ASCII.

use email_encoding::headers::rfc2047;
use email_encoding::headers::writer::EmailWriter;
use lettre::address::Envelope;
use lettre::message::header::{self, ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Body, Mailboxes, MaybeString, MessageBuilder, MultiPart, SinglePart};
use lettre::{Address, Message as Built};
use sandglass_core::Digest;
use sandglass_core::email::{self, Email, Mailbox, Message};
use std::time::{Duration, UNIX_EPOCH};

/// The message's bytes, with lines that end in CRLF, from `from` to everybody whom its head names.
///
/// # Errors
/// What is wrong with a message that was not checked, or with `from`.
pub fn build(email: &Email, from: &Mailbox) -> Result<Vec<u8>, String> {
    email.message.check()?;
    let message = &email.message;
    let sender = mailbox(from)?;
    let recipients = message.recipients().map(|to| address(&to.address)).collect::<Result<Vec<_>, _>>()?;
    // The envelope is each attempt's own; the builder wants one.
    let envelope =
        Envelope::new(Some(sender.email.clone()), recipients).map_err(|error| error.to_string())?;
    let queued_ms = u64::try_from(email.queued_at.millis()).unwrap_or_default();
    let mut builder = Built::builder()
        .envelope(envelope)
        .message_id(Some(format!("<{}>", email.message_id)))
        .date(UNIX_EPOCH + Duration::from_millis(queued_ms))
        .header(header::From::from(Mailboxes::from(sender)))
        // So that out-of-office replies stay away (RFC 3834).
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".into(),
        ));
    builder = match encoded_words(&message.subject) {
        Some(value) => builder.raw_header(value),
        None => builder.header(header::Subject::from(message.subject.clone())),
    };
    if !message.to.is_empty() {
        builder = builder.header(header::To::from(mailboxes(&message.to)?));
    }
    if !message.cc.is_empty() {
        builder = builder.header(header::Cc::from(mailboxes(&message.cc)?));
    }
    if let Some(reply_to) = &message.reply_to {
        builder = builder.header(header::ReplyTo::from(Mailboxes::from(mailbox(reply_to)?)));
    }
    let built = with_body(builder, email).map_err(|error| error.to_string())?;
    Ok(built.formatted())
}

fn with_body(builder: MessageBuilder, email: &Email) -> Result<Built, lettre::error::Error> {
    let message = &email.message;
    let text = message.text.as_deref().map(|text| SinglePart::plain(text_body(text)));
    let html = message.html.as_deref().map(|html| SinglePart::html(text_body(html)));
    let mut mixed = MultiPart::mixed().boundary(boundary(email, "mixed")).build();
    mixed = match (text, html) {
        (Some(text), Some(html)) => {
            let alternative = MultiPart::alternative().boundary(boundary(email, "alternative"));
            let alternative = alternative.singlepart(text).singlepart(html);
            if message.attachments.is_empty() {
                return builder.multipart(alternative);
            }
            mixed.multipart(alternative)
        }
        (Some(body), None) | (None, Some(body)) => {
            if message.attachments.is_empty() {
                return builder.singlepart(body);
            }
            mixed.singlepart(body)
        }
        (None, None) => mixed,
    };
    for file in &message.attachments {
        // What its author calls by a name that no reader would know is bytes to them.
        let kind = ContentType::parse(&file.content_type);
        let kind = kind.or_else(|_| ContentType::parse("application/octet-stream"));
        let kind = kind.unwrap_or(ContentType::TEXT_PLAIN);
        let body = encoded(file.content.clone(), ContentTransferEncoding::Base64);
        mixed = mixed.singlepart(Attachment::new(file.file_name.clone()).body(body, kind));
    }
    builder.multipart(mixed)
}

/// Text in lines that end in one way: a carriage return by itself is an end of line to some servers, and none to
/// others. What is not made of plain characters never goes as it is.
fn text_body(text: &str) -> Body {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        return encoded(text, ContentTransferEncoding::QuotedPrintable);
    }
    Body::new(text)
}

fn encoded(body: impl Into<MaybeString>, encoding: ContentTransferEncoding) -> Body {
    Body::new_with_encoding(body, encoding).expect("quoted-printable and base64 take any bytes")
}

/// A line that is in none of the parts: whoever wrote them would have had to know this digest of them.
fn boundary(email: &Email, kind: &str) -> String {
    let Message { text, html, attachments, .. } = &email.message;
    let mut parts = vec![kind.as_bytes(), email.message_id.as_bytes()];
    parts.extend(text.as_deref().map(str::as_bytes));
    parts.extend(html.as_deref().map(str::as_bytes));
    parts.extend(attachments.iter().map(|file| file.content.as_slice()));
    let digests: Vec<u8> = parts.into_iter().flat_map(|part| Digest::of(part).0).collect();
    format!("sandglass-{}", Digest::of(&digests))[..60].to_owned()
}

/// A subject in which a reader would find encoded words (RFC 2047) where its author wrote none: encoded as a whole.
fn encoded_words(subject: &str) -> Option<HeaderValue> {
    if !subject.contains("=?") {
        return None;
    }
    let name = HeaderName::new_from_ascii_str("Subject");
    let mut encoded = String::new();
    {
        let mut writer = EmailWriter::new(&mut encoded, "Subject: ".len(), 0, false);
        rfc2047::encode(subject, &mut writer).expect("text takes what is written to it");
    }
    Some(HeaderValue::dangerous_new_pre_encoded(name, subject.to_owned(), encoded))
}

fn mailboxes(list: &[Mailbox]) -> Result<Mailboxes, String> {
    list.iter().map(mailbox).collect()
}

fn mailbox(mailbox: &Mailbox) -> Result<lettre::message::Mailbox, String> {
    let name = (!mailbox.name.is_empty()).then(|| mailbox.name.clone());
    Ok(lettre::message::Mailbox::new(name, address(&mailbox.address)?))
}

pub(crate) fn address(text: &str) -> Result<Address, String> {
    // The house's own rule first: it is narrower, and knows no comments and no quoted parts.
    let parsed = email::is_address(text).then(|| text.parse().ok()).flatten();
    parsed.ok_or_else(|| format!("`{text}` is not an address that a mail server takes"))
}
