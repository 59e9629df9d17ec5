//! `email`: messages that go to the outbox with the attempt's commit.

use crate::bindings::sandglass::job::email;
use crate::state::{Answer, Code, State, Stop};
use sandglass_core::email::{Attachment, Email, Mailbox, Message};
use sandglass_core::limit::Bytes;

/// Emails of one commit, all parts of all together: they wait in memory for it.
const COMMIT: Bytes = Bytes::mib(32);

impl email::Host for State {
    fn send(&mut self, message: email::Message) -> Answer<String> {
        let bytes = size(&message);
        self.call(bytes, |state| state.send(message))
    }
}

impl State {
    fn send(&mut self, message: email::Message) -> Result<String, Stop> {
        let tell = |code, message: String| Err(Stop::Tell(code, message));
        let Some(grant) = &self.context.spec.grants.email else {
            return tell(
                Code::Denied,
                "no grant of this job covers email: add grants.email with its recipients".into(),
            );
        };
        let message = checked(message).map_err(|message| Stop::Tell(Code::Invalid, message))?;
        if let Some(to) = message.recipients().find(|to| !grant.allows(&to.address)) {
            let message = format!(
                "no grant of this job covers mail to `{0}`: add `{0}`, or `*@` and its domain, to grants.email.to",
                to.address
            );
            return tell(Code::Denied, message);
        }
        message.fits().map_err(|message| Stop::Tell(Code::Quota, message))?;
        let of_run = self.context.emails_of_run.saturating_add(self.emails);
        if of_run >= grant.per_run {
            let message = format!(
                "{of_run} emails sent by this run, and at most {} (grants.email.per_run)",
                grant.per_run
            );
            return tell(Code::Quota, message);
        }
        let of_day = self.context.emails_of_day.saturating_add(self.emails);
        if of_day >= grant.per_day {
            let message = format!(
                "{of_day} emails sent by this job within 24 hours, and at most {} (grants.email.per_day)",
                grant.per_day
            );
            return tell(Code::Quota, message);
        }
        let waiting = self.emails_bytes + message.size();
        if waiting > COMMIT.0 {
            let message =
                format!("more than {COMMIT} of emails since the last commit: checkpoint, then go on");
            return tell(Code::Quota, message);
        }
        // Numbered after what is committed, so that the same message of the next attempt has the same id.
        let message_id = format!("{}.{}@sandglass", self.context.run, of_run + 1);
        self.workspace.send(Email {
            message_id: message_id.clone(),
            run: Some(self.context.run),
            job: self.context.job.clone(),
            queued_at: self.now(),
            message,
        });
        self.emails += 1;
        self.emails_bytes = waiting;
        Ok(message_id)
    }
}

/// The message with its addresses read, or the first thing that is wrong with it.
fn checked(message: email::Message) -> Result<Message, String> {
    let mailboxes =
        |list: Vec<String>| list.iter().map(|text| text.parse()).collect::<Result<Vec<Mailbox>, _>>();
    let attachments = message.attachments.into_iter().map(|file| Attachment {
        file_name: file.file_name,
        content_type: file.content_type,
        content: file.content,
    });
    let message = Message {
        to: mailboxes(message.to)?,
        cc: mailboxes(message.cc)?,
        bcc: mailboxes(message.bcc)?,
        reply_to: message.reply_to.map(|text| text.parse()).transpose()?,
        subject: message.subject,
        text: message.text,
        html: message.html,
        attachments: attachments.collect(),
    };
    message.check()?;
    Ok(message)
}

/// Bytes that were handed over, about.
fn size(message: &email::Message) -> usize {
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let list = |list: &[String]| list.iter().map(String::len).sum::<usize>();
    let files: usize = message.attachments.iter().map(|file| file.content.len()).sum();
    message.subject.len()
        + text(&message.text)
        + text(&message.html)
        + list(&message.to)
        + list(&message.cc)
        + list(&message.bcc)
        + files
}
