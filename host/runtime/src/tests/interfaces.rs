//! The email, secret and this-run interfaces, called as a guest's bindings call them.

use super::{Host, now, spec};
use crate::attempt::{BoxFuture, Committer};
use crate::bindings::sandglass::job::email::{self, Attachment, Message};
use crate::bindings::sandglass::job::{secret, this_run};
use crate::state::State;
use parking_lot::Mutex;
use sandglass_core::effect::Effects;
use sandglass_core::grant::EmailGrant;
use sandglass_core::limit::fixed;
use sandglass_core::run::{Cause, Failure};
use std::sync::Arc;

fn message(to: &str) -> Message {
    Message {
        to: vec![to.into()],
        cc: vec![],
        bcc: vec![],
        reply_to: None,
        subject: "hello".into(),
        text: Some("x".into()),
        html: None,
        attachments: vec![],
    }
}

/// A guest that may write to `*@example.com`: so many emails in a run, three of which are sent, and in a day.
fn guest(per_run: u32, per_day: u32) -> (State, Host) {
    let host = Host::new();
    let spec = spec(|spec| {
        spec.grants.email = Some(EmailGrant { to: vec!["*@example.com".into()], per_run, per_day });
        spec.env.insert("KEEP_DAYS".into(), "30".into());
    });
    (State::new(host.attempt(spec), std::time::Instant::now(), false), host)
}

fn send(state: &mut State, message: Message) -> Result<String, String> {
    let sent = email::Host::send(state, message).unwrap();
    sent.map_err(|error| format!("{}: {}", error.code, error.message))
}

#[test]
fn a_message_goes_to_the_outbox_under_a_name_that_the_next_attempt_gives_it_too() {
    let (mut state, _host) = guest(10, 10);
    let run = state.context.run;
    assert_eq!(send(&mut state, message("a@example.com")).unwrap(), format!("{run}.4@sandglass"));
    assert_eq!(send(&mut state, message("Ops <b@example.com>")).unwrap(), format!("{run}.5@sandglass"));
    let effects = state.workspace.take();
    assert_eq!(effects.emails.len(), 2);
    assert_eq!((effects.emails[1].message.to[0].name.as_str(), effects.emails[1].queued_at), ("Ops", now()));
}

#[test]
fn grants_rules_and_quotas_are_told_by_name() {
    let (mut state, _host) = guest(4, 100);
    let denied = send(&mut state, message("a@other.org")).unwrap_err();
    assert!(denied.starts_with("denied: no grant of this job covers mail to `a@other.org`: add"), "{denied}");
    assert!(
        send(&mut state, message("nobody")).unwrap_err().starts_with("invalid: `nobody` is not an address")
    );
    let bare = Message { text: None, ..message("a@example.com") };
    assert!(send(&mut state, bare).unwrap_err().starts_with("invalid: "));
    let file = Attachment {
        file_name: "a".into(),
        content_type: "b/c".into(),
        content: vec![0; fixed::EMAIL.0 as usize + 1],
    };
    let large = Message { attachments: vec![file], ..message("a@example.com") };
    assert!(send(&mut state, large).unwrap_err().starts_with("quota: the message has"));
    send(&mut state, message("a@example.com")).unwrap();
    let quota = send(&mut state, message("a@example.com")).unwrap_err();
    assert_eq!(quota, "quota: 4 emails sent by this run, and at most 4 (grants.email.per_run)");
    let (mut state, _host) = guest(100, 3);
    let quota = send(&mut state, message("a@example.com")).unwrap_err();
    assert_eq!(
        quota,
        "quota: 3 emails sent by this job within 24 hours, and at most 3 (grants.email.per_day)"
    );
    state.context.spec = Arc::new(spec(|_| ()));
    let denied = send(&mut state, message("a@example.com")).unwrap_err();
    assert!(denied.starts_with("denied: no grant of this job covers email"), "{denied}");
}

#[test]
fn emails_that_wait_for_a_commit_are_bounded() {
    let (mut state, _host) = guest(100, 100);
    let large = || {
        let file =
            Attachment { file_name: "a".into(), content_type: "b/c".into(), content: vec![0; 5_000_000] };
        Message { attachments: vec![file], ..message("a@example.com") }
    };
    let quota =
        std::iter::from_fn(|| Some(send(&mut state, large()))).take(10).find_map(Result::err).unwrap();
    assert_eq!(quota, "quota: more than 32MiB of emails since the last commit: checkpoint, then go on");
}

#[test]
fn what_is_not_granted_is_denied() {
    let (mut state, _host) = guest(1, 1);
    assert_eq!(secret::Host::get(&mut state, "KEY".into()).unwrap().unwrap_err().code, "denied");
    assert!(state.last_error.unwrap().starts_with("denied: no grant of this job covers the secret `KEY`"));
}

/// Remembers what it was asked to commit, and refuses the second time.
#[derive(Default)]
struct Once(Mutex<Vec<(usize, Option<String>)>>);

impl Committer for Once {
    fn checkpoint(&self, effects: Effects, progress: Option<String>) -> BoxFuture<'_, Result<(), Failure>> {
        let mut seen = self.0.lock();
        seen.push((effects.emails.len(), progress));
        let done =
            if seen.len() == 1 { Ok(()) } else { Err(Failure::new(Cause::Conflict, "somebody was first")) };
        Box::pin(async move { done })
    }
}

#[tokio::test]
async fn a_checkpoint_commits_and_what_refuses_it_ends_the_attempt() {
    let (mut state, _host) = guest(100, 100);
    let once = Arc::new(Once::default());
    state.context.committer = Arc::clone(&once) as _;
    send(&mut state, message("a@example.com")).unwrap();
    this_run::Host::checkpoint(&mut state, Some("half".into())).await.unwrap();
    assert_eq!(this_run::Host::progress(&mut state).unwrap().as_deref(), Some("half"));
    assert!(send(&mut state, message("a@example.com")).unwrap().ends_with(".5@sandglass"));
    let error = this_run::Host::checkpoint(&mut state, None).await.unwrap_err();
    let failure = crate::verdict::failure(&error, &state.context.spec.limits);
    assert_eq!((failure.cause, failure.message.as_str()), (Cause::Conflict, "somebody was first"));
    assert_eq!(*once.0.lock(), [(1, Some("half".into())), (1, None)]);
    let long = Some("x".repeat(fixed::PROGRESS.0 as usize + 1));
    let error = this_run::Host::checkpoint(&mut state, long).await.unwrap_err();
    assert_eq!(crate::verdict::failure(&error, &state.context.spec.limits).cause, Cause::Quota);
}

#[test]
fn a_run_knows_itself() {
    let (mut state, _host) = guest(1, 1);
    assert_eq!(this_run::Host::job(&mut state).unwrap(), "nightly");
    assert_eq!(this_run::Host::attempt(&mut state).unwrap(), 2);
    assert_eq!(this_run::Host::trigger(&mut state).unwrap(), "schedule");
    assert_eq!(this_run::Host::scheduled_for(&mut state).unwrap(), 1_000);
    assert_eq!(this_run::Host::now(&mut state).unwrap(), now().millis());
    assert_eq!(this_run::Host::deadline(&mut state).unwrap(), now().millis() + 60_000);
    assert_eq!(this_run::Host::setting(&mut state, "KEEP_DAYS".into()).unwrap().as_deref(), Some("30"));
    assert_eq!(this_run::Host::setting(&mut state, "PATH".into()).unwrap(), None);
}
