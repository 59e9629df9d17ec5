//! Telling somebody: that a job fails, that it has recovered, that it is late.
//!
//! What is told follows from what the job remembers ([`Status`]), so that a job which fails every minute
//! tells of it once a day and not every minute.

use crate::email::{Mailbox, Message, is_address};
use crate::id::Name;
use crate::job::Status;
use crate::limit::fixed;
use crate::problem::Problem;
use crate::run::{Outcome, Run};
use crate::target::Target;
use crate::time::{Instant, Span, brief};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Who is told, and of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Notify {
    pub on: Vec<Kind>,
    /// Addresses, which need no grant: they are the operator's, not the guest's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub email: Vec<String>,
    /// A URL that takes signed messages as Standard Webhooks has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
    /// The name of the secret that signs them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Whether the URL may lead to a private or loopback address.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A run failed, where the one before it did not; while runs go on failing, once a day; and when failures
    /// pause the job.
    Failure,
    /// A run succeeded after failures that were told.
    Recovery,
    /// Occurrences were missed, or one waits longer than `late_after` for its start; again only after one was
    /// on time.
    Late,
}

impl Default for Notify {
    fn default() -> Notify {
        let on = vec![Kind::Failure, Kind::Recovery, Kind::Late];
        Notify { on, email: Vec::new(), webhook: None, secret: None, private: false }
    }
}

impl Notify {
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut wrong = |place: &str, message: String| {
            problems.push(Problem::new(format!("/notify/{place}"), message));
        };
        if self.email.len() > fixed::NOTIFIED {
            wrong(
                "email",
                format!("{} addresses, and at most {} are allowed", self.email.len(), fixed::NOTIFIED),
            );
        }
        for (at, address) in self.email.iter().enumerate() {
            if !is_address(address) {
                wrong(&format!("email/{at}"), format!("`{}` is not an address", brief(address)));
            }
        }
        match (&self.webhook, &self.secret) {
            (Some(url), secret) => {
                if let Err(message) = url.parse::<Target>() {
                    wrong("webhook", message);
                }
                if secret.is_none() {
                    wrong("secret", "is missing: the name of the secret that signs the webhook".into());
                }
            }
            (None, Some(_)) => wrong("secret", "signs a webhook, and there is none".into()),
            (None, None) => {}
        }
        problems
    }

    /// Whether nobody is told of anything.
    pub fn is_nobody(&self) -> bool {
        *self == Notify::default()
    }

    pub fn tells(&self, kind: Kind) -> bool {
        self.on.contains(&kind) && (!self.email.is_empty() || self.webhook.is_some())
    }
}

/// While failures go on they are told of again after so long.
const REMINDER: Span = Span::from_secs(86_400);

/// Something to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    pub kind: Kind,
    subject: String,
    text: String,
    data: Value,
}

impl Status {
    /// What is to be told when `run` has ended, which is recorded here already.
    pub fn news_of_end(
        &mut self,
        notify: &Notify,
        run: &Run,
        outcome: Outcome,
        pauses: bool,
        now: Instant,
    ) -> Option<News> {
        match outcome {
            Outcome::Failed(_) => {
                let due = self.told_failure.is_none_or(|told| now.since(told) >= REMINDER || now < told);
                if !notify.tells(Kind::Failure) || !(due || pauses) {
                    return None;
                }
                self.told_failure = Some(now);
                Some(failure(run, self.failures_in_a_row, pauses))
            }
            Outcome::Succeeded => {
                self.told_failure.take()?;
                notify.tells(Kind::Recovery).then(|| recovery(run))
            }
            Outcome::Cancelled | Outcome::Skipped => None,
        }
    }

    /// What is to be told when occurrences were missed.
    pub fn news_of_missed(
        &mut self,
        notify: &Notify,
        job: &Name,
        count: u64,
        from: Instant,
        to: Instant,
    ) -> Option<News> {
        let text = format!(
            "Occurrences of the job `{job}` were missed: {count}, from {from} to {to}.\n\n\
             The host was down or asleep then, or its clock was set.\n"
        );
        let data = json!({"job": job, "missed": count, "from": from, "to": to});
        self.late(notify, format!("{job} is late: {count} missed"), text, data)
    }

    /// What is to be told when a run still waits `late_after` its occurrence was due.
    pub fn news_of_waiting(&mut self, notify: &Notify, run: &Run) -> Option<News> {
        let job = &run.job;
        let text = format!(
            "The job `{job}` was due at {}, and has not begun.\n\n\
             Run {} waits for its turn: for other runs of the job to end, or for a place among those that execute.\n",
            run.scheduled_for, run.id
        );
        let data = json!({"job": job, "run": run.id, "scheduled_for": run.scheduled_for});
        self.late(notify, format!("{job} is late"), text, data)
    }

    fn late(&mut self, notify: &Notify, subject: String, text: String, data: Value) -> Option<News> {
        if self.told_late || !notify.tells(Kind::Late) {
            return None;
        }
        self.told_late = true;
        Some(News { kind: Kind::Late, subject, text, data })
    }
}

fn failure(run: &Run, in_a_row: u32, pauses: bool) -> News {
    let job = &run.job;
    let last = run.attempts.last();
    let cause = run.outcome().and_then(Outcome::cause).map_or("error", crate::run::Cause::as_str);
    let message = last.and_then(|attempt| attempt.message.as_deref()).unwrap_or_default();
    let paused = if pauses {
        format!("\n{in_a_row} runs in a row have failed, so the job is paused now.\n")
    } else {
        String::new()
    };
    let text = format!(
        "A run of the job `{job}` failed.\n\n\
         cause:     {cause}\nmessage:   {message}\nrun:       {}\ndue:       {}\nattempts:  {}\nin a row:  {in_a_row}\n{paused}",
        run.id,
        run.scheduled_for,
        run.attempts_begun(),
    );
    let data = json!({
        "job": job, "run": run.id, "trigger": run.trigger, "scheduled_for": run.scheduled_for,
        "cause": cause, "message": message, "attempts": run.attempts_begun(),
        "failures_in_a_row": in_a_row, "paused": pauses,
    });
    News { kind: Kind::Failure, subject: format!("{job} failed: {cause}"), text, data }
}

fn recovery(run: &Run) -> News {
    let job = &run.job;
    let text =
        format!("The job `{job}` has recovered: run {}, due at {}, succeeded.\n", run.id, run.scheduled_for);
    let data = json!({
        "job": job, "run": run.id, "trigger": run.trigger, "scheduled_for": run.scheduled_for,
    });
    News { kind: Kind::Recovery, subject: format!("{job} has recovered"), text, data }
}

impl News {
    /// As mail to those who are told.
    pub fn message(&self, notify: &Notify) -> Message {
        let to = notify.email.iter();
        Message {
            to: to.map(|address| Mailbox { name: String::new(), address: address.clone() }).collect(),
            cc: Vec::new(),
            bcc: Vec::new(),
            reply_to: None,
            subject: format!("[sandglass] {}", self.subject),
            text: Some(self.text.clone()),
            html: None,
            attachments: Vec::new(),
        }
    }

    /// As a webhook's body: `type`, `timestamp` and `data`, as Standard Webhooks recommends
    /// (<https://www.standardwebhooks.com>).
    pub fn body(&self, now: Instant) -> String {
        let kind = match self.kind {
            Kind::Failure => "run.failed",
            Kind::Recovery => "run.recovered",
            Kind::Late => "job.late",
        };
        json!({"type": kind, "timestamp": now, "data": self.data}).to_string()
    }
}

/// Starts runs by signed requests of other systems.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    /// The name of the secret that signs them.
    pub secret: String,
}

/// A webhook's message that waits to be delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The same for every delivery: receivers tell repeats by it.
    pub id: String,
    pub job: Name,
    pub url: String,
    pub private: bool,
    /// The name of the secret that signs it.
    pub secret: String,
    pub body: String,
    pub made_at: Instant,
    /// Deliveries that failed.
    pub failed: u32,
}

/// Between a delivery that failed and the next one: three days in all.
const DELAYS_SECONDS: [u64; 9] =
    [5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600];

impl Notice {
    /// How long to wait before the next delivery, after the newest one failed; none when it is given up.
    pub fn delay(&self) -> Option<Span> {
        let failed = self.failed.checked_sub(1)? as usize;
        DELAYS_SECONDS.get(failed).copied().map(Span::from_secs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{JobId, RunId};
    use crate::run::{Cause, State, Trigger};

    fn at(hours: i64) -> Instant {
        Instant::from_millis(hours * 3_600_000)
    }

    fn ended(outcome: Outcome) -> Run {
        let id = RunId::new(JobId(1), at(0), 7);
        let mut run = Run::queued(id, "job".parse().unwrap(), Trigger::Schedule, at(0), 0);
        run.state = State::Ended { outcome, at: at(0) };
        run
    }

    fn by_mail() -> Notify {
        Notify { email: vec!["ops@example.com".into()], ..Notify::default() }
    }

    fn kind(status: &mut Status, outcome: Outcome, now: Instant) -> Option<Kind> {
        status.record(&ended(outcome), outcome, now);
        let news = status.news_of_end(&by_mail(), &ended(outcome), outcome, false, now);
        news.map(|news| news.kind)
    }

    #[test]
    fn failures_are_told_once_a_day_and_recovery_once() {
        let mut status = Status::default();
        let failed = Outcome::Failed(Cause::Trap);
        for (outcome, hour, told) in [
            (Outcome::Succeeded, 0, None),
            (failed, 1, Some(Kind::Failure)),
            (failed, 2, None),
            (Outcome::Cancelled, 3, None),
            (failed, 24, None),
            (failed, 25, Some(Kind::Failure)),
            (Outcome::Succeeded, 26, Some(Kind::Recovery)),
            (Outcome::Succeeded, 27, None),
            (failed, 28, Some(Kind::Failure)),
            // The clock was set back.
            (failed, 5, Some(Kind::Failure)),
        ] {
            assert_eq!(kind(&mut status, outcome, at(hour)), told, "{outcome:?} at {hour}");
        }
    }

    #[test]
    fn a_failure_that_pauses_is_always_told() {
        let outcome = Outcome::Failed(Cause::Error);
        let mut status = Status { told_failure: Some(at(1)), failures_in_a_row: 9, ..Status::default() };
        let news = status.news_of_end(&by_mail(), &ended(outcome), outcome, true, at(2)).unwrap();
        let message = news.message(&by_mail());
        assert!(message.check().is_ok());
        assert_eq!(message.subject, "[sandglass] job failed: error");
        assert!(message.text.unwrap().contains("9 runs in a row have failed"));
        let body: Value = serde_json::from_str(&news.body(at(2))).unwrap();
        assert_eq!((&body["type"], &body["data"]["paused"]), (&json!("run.failed"), &json!(true)));
    }

    #[test]
    fn lateness_is_told_once_until_one_was_on_time() {
        let mut status = Status::default();
        let job = "job".parse().unwrap();
        let tell = |status: &mut Status| {
            status.news_of_missed(&by_mail(), &job, 5, at(1), at(5)).map(|news| news.kind)
        };
        assert_eq!(tell(&mut status), Some(Kind::Late));
        assert_eq!(tell(&mut status), None);
        assert_eq!(status.news_of_waiting(&by_mail(), &ended(Outcome::Succeeded)), None);
        status.told_late = false;
        assert!(status.news_of_waiting(&by_mail(), &ended(Outcome::Succeeded)).is_some());
    }

    #[test]
    fn nobody_is_told_who_did_not_ask() {
        let outcome = Outcome::Failed(Cause::Error);
        for notify in [
            Notify::default(),
            Notify { on: vec![Kind::Late], ..by_mail() },
            Notify { on: vec![], ..by_mail() },
        ] {
            let mut status = Status::default();
            assert_eq!(status.news_of_end(&notify, &ended(outcome), outcome, true, at(0)), None);
        }
    }

    #[test]
    fn each_wrong_value_is_named() {
        let pointers = |document: Value| -> Vec<String> {
            let notify: Notify = serde_json::from_value(document).unwrap();
            notify.problems().into_iter().map(|problem| problem.pointer).collect()
        };
        assert_eq!(pointers(json!({"email": ["ops@example.com"]})), [""; 0]);
        assert_eq!(pointers(json!({"webhook": "https://example.com/hook", "secret": "K"})), [""; 0]);
        for (document, pointer) in [
            (json!({"email": ["*@example.com"]}), "/notify/email/0"),
            (json!({"email": vec!["a@b.c"; 21]}), "/notify/email"),
            (json!({"webhook": "ftp://x", "secret": "K"}), "/notify/webhook"),
            (json!({"webhook": "https://", "secret": "K"}), "/notify/webhook"),
            (json!({"webhook": "https://a b", "secret": "K"}), "/notify/webhook"),
            (json!({"webhook": "https://a"}), "/notify/secret"),
            (json!({"secret": "K"}), "/notify/secret"),
        ] {
            assert_eq!(pointers(document), [pointer]);
        }
    }

    #[test]
    fn deliveries_are_given_up_after_days() {
        let mut notice = Notice {
            id: "msg_1".into(),
            job: "job".parse().unwrap(),
            url: "https://example.com".into(),
            private: false,
            secret: "K".into(),
            body: String::new(),
            made_at: at(0),
            failed: 0,
        };
        let mut waited = Span::ZERO;
        for _ in 0..9 {
            notice.failed += 1;
            waited = Span::from_millis(waited.millis() + notice.delay().unwrap().millis());
        }
        notice.failed += 1;
        assert_eq!(notice.delay(), None);
        assert!(waited > Span::from_secs(3 * 86_400) && waited < Span::from_secs(4 * 86_400), "{waited}");
    }
}
