//! Mail, as a job hands it over.

use crate::grant::is_domain;
use crate::id::RunId;
use crate::limit::fixed;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// A message, checked: addresses are addresses, and no header field breaks its line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub to: Vec<Mailbox>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<Mailbox>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bcc: Vec<Mailbox>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Mailbox>,
    pub subject: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}

/// An address, with the name of whom it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    pub address: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    pub file_name: String,
    pub content_type: String,
    /// Written as base64 (RFC 4648): a list of numbers would take four times the space.
    #[serde(with = "base64_text")]
    pub content: Vec<u8>,
}

mod base64_text {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        STANDARD.decode(text.as_bytes()).map_err(D::Error::custom)
    }
}

/// A message in the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Email {
    /// Without its angle brackets. Stays the same however often the message is sent.
    pub message_id: String,
    /// The run that sent it; none for a notification about the job itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    pub job: crate::id::Name,
    pub queued_at: Instant,
    pub message: Message,
}

const SUBJECT_BYTES_MAX: usize = 998;
const RECIPIENTS_MAX: usize = 100;

impl Message {
    pub fn recipients(&self) -> impl Iterator<Item = &Mailbox> {
        self.to.iter().chain(&self.cc).chain(&self.bcc)
    }

    /// Bytes of all parts together, as the limit of one message counts them.
    pub fn size(&self) -> u64 {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let files: usize =
            self.attachments.iter().map(|file| file.content.len() + file.file_name.len()).sum();
        (self.subject.len() + text(&self.text) + text(&self.html) + files) as u64
    }

    /// The first thing that is wrong with the message.
    pub fn check(&self) -> Result<(), String> {
        let recipients = self.recipients().count();
        if recipients == 0 {
            return Err("a message has at least one recipient: set to, cc or bcc".into());
        }
        if recipients > RECIPIENTS_MAX {
            return Err(format!("{recipients} recipients, and at most {RECIPIENTS_MAX} are allowed"));
        }
        if self.text.is_none() && self.html.is_none() {
            return Err("a message has a body: set text or html".into());
        }
        if self.subject.len() > SUBJECT_BYTES_MAX {
            return Err(format!("the subject is longer than {SUBJECT_BYTES_MAX} bytes"));
        }
        let lines =
            [("subject", self.subject.as_str())].into_iter().chain(self.attachments.iter().flat_map(
                |file| [("file name", file.file_name.as_str()), ("content type", &file.content_type)],
            ));
        for (what, text) in lines {
            if text.chars().any(char::is_control) {
                return Err(format!("the {what} contains a control character: it is one line"));
            }
        }
        for file in &self.attachments {
            if file.file_name.contains("=?") {
                return Err(
                    "the file name contains `=?`, which readers of mail take for an encoded word".into()
                );
            }
            if !is_media_type(&file.content_type) {
                let shown = crate::time::brief(&file.content_type);
                return Err(format!("`{shown}` is not a media type: write one such as text/csv"));
            }
        }
        Ok(())
    }

    /// Whether it is within the limit of one message.
    pub fn fits(&self) -> Result<(), String> {
        let size = self.size();
        if size > fixed::EMAIL.0 {
            return Err(format!(
                "the message has {size} bytes, and the limit of one message is {}",
                fixed::EMAIL
            ));
        }
        Ok(())
    }
}

impl std::str::FromStr for Mailbox {
    type Err = String;

    /// `someone@example.com` or `Some One <someone@example.com>`.
    fn from_str(text: &str) -> Result<Mailbox, String> {
        let wrong = || {
            format!(
                "`{}` is not an address: write someone@example.com or Some One <someone@example.com>",
                crate::time::brief(text)
            )
        };
        let (name, address) = match text.trim().strip_suffix('>') {
            Some(rest) => rest.split_once('<').ok_or_else(wrong)?,
            None => ("", text.trim()),
        };
        let name = name.trim().trim_matches('"').trim();
        if !is_address(address)
            || name.len() > 200
            || name.chars().any(|c| c.is_control() || "<>\"".contains(c))
            // Readers would decode it.
            || name.contains("=?")
        {
            return Err(wrong());
        }
        Ok(Mailbox { name: name.into(), address: address.into() })
    }
}

/// A media type such as `text/csv` or `text/plain; charset=utf-8`, in names as RFC 6838 restricts them.
pub fn is_media_type(text: &str) -> bool {
    let (kind, parameters) = text.split_once(';').unwrap_or((text, ""));
    let name = |name: &str| {
        (1..=127).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    let is_kind = kind.trim_end().split_once('/').is_some_and(|(kind, sub)| name(kind) && name(sub));
    is_kind && text.len() <= 255 && parameters.bytes().all(|b| (b' '..=b'~').contains(&b))
}

/// An address in the plain form of RFC 5321: a dot-atom, `@`, and a domain name.
pub fn is_address(address: &str) -> bool {
    let Some((local, domain)) = address.rsplit_once('@') else {
        return false;
    };
    let atom = |atom: &str| {
        !atom.is_empty()
            && atom.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b))
    };
    local.len() <= 64 && local != "*" && local.split('.').all(atom) && is_domain(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in ["a@b.c", "first.last+tag@example.com", "root@localhost"] {
            assert!(is_address(good), "{good}");
        }
        for bad in
            ["", "a", "@b.c", "a@", "a b@c.d", "a@b@c", "a\n@b.c", "*@b.c", "a..b@c.d", "a@b..c", "a@-b.c"]
        {
            assert!(!is_address(bad), "{bad:?}");
        }
    }

    #[test]
    fn mailboxes() {
        let plain: Mailbox = "ops@example.com".parse().unwrap();
        assert_eq!((plain.name.as_str(), plain.address.as_str()), ("", "ops@example.com"));
        let named: Mailbox = "Ops <ops@example.com>".parse().unwrap();
        assert_eq!((named.name.as_str(), named.address.as_str()), ("Ops", "ops@example.com"));
        let quoted: Mailbox = "\" Ops, \" <ops@example.com>".parse().unwrap();
        assert_eq!(quoted.name, "Ops,");
        for bad in
            ["Ops <ops@example.com", "A\r\nBcc: x@y.z <a@b.c>", "<>", "a@b.c, d@e.f", "=?utf-8?q?a?= <a@b.c>"]
        {
            assert!(bad.parse::<Mailbox>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn media_types() {
        for good in ["text/csv", "image/svg+xml", "text/plain; charset=utf-8", "application/vnd.a.b-c"] {
            assert!(is_media_type(good), "{good}");
        }
        for bad in ["", "text", "text/", "/csv", "a b/c", "text/csv;\u{e9}", "text/csv\nX: y", "text/c\u{e9}"]
        {
            assert!(!is_media_type(bad), "{bad:?}");
        }
    }

    #[test]
    fn attachments_are_stored_as_text() {
        let file = Attachment { file_name: "a".into(), content_type: "b/c".into(), content: vec![0, 255, 7] };
        let json = serde_json::to_value(&file).unwrap();
        assert_eq!(json["content"], "AP8H");
        assert_eq!(serde_json::from_value::<Attachment>(json).unwrap(), file);
    }

    #[test]
    fn a_message_needs_a_recipient_a_body_and_one_line_of_subject() {
        let good = Message {
            to: vec!["a@b.c".parse().unwrap()],
            cc: vec![],
            bcc: vec![],
            reply_to: None,
            subject: "hello".into(),
            text: Some("x".into()),
            html: None,
            attachments: vec![],
        };
        assert_eq!(good.check(), Ok(()));
        assert!(Message { to: vec![], ..good.clone() }.check().is_err());
        assert!(Message { text: None, ..good.clone() }.check().is_err());
        assert!(Message { subject: "a\r\nBcc: x@y.z".into(), ..good }.check().is_err());
    }
}
