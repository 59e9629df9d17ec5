//! Mail to the addresses that the job was granted.

use crate::bindings::sandglass::job::email;
use crate::Result;

/// A message on its way together. It leaves the host after the attempt's commit, at least once, with a
/// Message-ID that stays the same; the host sets From and Date, too.
///
/// It needs a recipient, and a text or HTML. A message may have up to 5 MiB, attachments included, and a run
/// may send 20 of them unless its grant says otherwise.
///
/// ```no_run
/// # fn f(ctx: sandglass::Context) -> Result<(), sandglass::Failure> {
/// ctx.email()
///     .to("Operations <ops@example.com>")
///     .subject("Orders of the day")
///     .text("They are attached.")
///     .attach("orders.csv", "text/csv", "id,total\n1,20\n")
///     .send()?;
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
#[must_use = "a message goes out by `send`"]
pub struct Email {
    to: Vec<String>,
    cc: Vec<String>,
    bcc: Vec<String>,
    reply_to: Option<String>,
    subject: String,
    text: Option<String>,
    html: Option<String>,
    attachments: Vec<email::Attachment>,
}

impl Email {
    /// Adds a recipient: `someone@example.com` or `Some One <someone@example.com>`.
    pub fn to(mut self, address: impl Into<String>) -> Self {
        self.to.push(address.into());
        self
    }

    /// Adds a recipient of a copy.
    pub fn cc(mut self, address: impl Into<String>) -> Self {
        self.cc.push(address.into());
        self
    }

    /// Adds a recipient that the others do not see.
    pub fn bcc(mut self, address: impl Into<String>) -> Self {
        self.bcc.push(address.into());
        self
    }

    /// Where answers go.
    pub fn reply_to(mut self, address: impl Into<String>) -> Self {
        self.reply_to = Some(address.into());
        self
    }

    /// One line.
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = subject.into();
        self
    }

    /// The message as plain text.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// The message as HTML, beside the text or in its place.
    pub fn html(mut self, html: impl Into<String>) -> Self {
        self.html = Some(html.into());
        self
    }

    /// Adds a file: the name that the reader sees (no path), its media type such as `text/csv`, and its
    /// bytes, not encoded.
    pub fn attach(
        mut self,
        file_name: impl Into<String>,
        content_type: impl Into<String>,
        content: impl Into<Vec<u8>>,
    ) -> Self {
        self.attachments.push(email::Attachment {
            file_name: file_name.into(),
            content_type: content_type.into(),
            content: content.into(),
        });
        self
    }

    /// Puts the message in the outbox when the attempt commits, and returns its Message-ID.
    ///
    /// [`Code::Denied`](crate::Code::Denied) where the grant lacks one of its recipients,
    /// [`Code::Invalid`](crate::Code::Invalid) where it is no message that could be sent,
    /// [`Code::Quota`](crate::Code::Quota) where it is too large or there were too many.
    pub fn send(self) -> Result<String> {
        Ok(email::send(&self.into_message())?)
    }

    fn into_message(self) -> email::Message {
        email::Message {
            to: self.to,
            cc: self.cc,
            bcc: self.bcc,
            reply_to: self.reply_to,
            subject: self.subject,
            text: self.text,
            html: self.html,
            attachments: self.attachments,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_what_it_was_given() {
        let message = Email::default()
            .to("a@example.com")
            .to("b@example.com")
            .bcc("c@example.com")
            .subject("Hello")
            .html("<p>Hello")
            .attach("a.txt", "text/plain", "A")
            .into_message();
        assert_eq!(message.to, ["a@example.com", "b@example.com"]);
        assert_eq!(message.bcc, ["c@example.com"]);
        assert!(message.cc.is_empty());
        assert_eq!((message.text, message.html.as_deref()), (None, Some("<p>Hello")));
        assert_eq!(message.attachments[0].content, b"A");
    }
}
