//! What becomes of a message in the outbox: who has taken it, when it is tried again, and when it is given up.
//!
//! A server answers for each recipient by itself. Those that it has taken are never asked again, those that it
//! refuses for good are not either, and the others are tried later, until the message is too old.

use crate::email::Message;
use crate::limit::fixed;
use crate::time::{Instant, Span};
use serde::{Deserialize, Serialize};

/// How far a message has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub state: State,
    pub queued_at: Instant,
    /// When it is tried next, while it is queued or being sent.
    pub due_at: Instant,
    /// Attempts that a server answered.
    #[serde(default)]
    pub attempts: u32,
    pub recipients: Vec<Recipient>,
    /// Why the newest attempt did not deliver it to everybody, where that is not a recipient's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was sent or given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It waits for its next attempt, or for somebody to configure delivery.
    Queued,
    /// A server is being told. After a crash it is queued again.
    Sending,
    /// Every recipient's server has taken it.
    Sent,
    /// A dead letter: somebody did not get it, and nobody will be asked again.
    Failed,
}

impl State {
    pub const ALL: [State; 4] = [State::Queued, State::Sending, State::Sent, State::Failed];

    pub fn as_str(self) -> &'static str {
        match self {
            State::Queued => "queued",
            State::Sending => "sending",
            State::Sent => "sent",
            State::Failed => "failed",
        }
    }

    /// Whether nothing more happens to it by itself.
    pub fn is_end(self) -> bool {
        matches!(self, State::Sent | State::Failed)
    }
}

impl std::str::FromStr for State {
    type Err = String;

    fn from_str(text: &str) -> Result<State, String> {
        let known = State::ALL.into_iter().find(|state| state.as_str() == text);
        known.ok_or_else(|| "an email is queued, sending, sent or failed".into())
    }
}

/// One recipient, and what the server said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    pub address: String,
    pub state: Taken,
    /// The server's words, within [`fixed::EMAIL_REPLY`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// When it said them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Taken {
    /// Nobody has been asked yet.
    Waiting,
    /// The server has taken it for this recipient.
    Accepted,
    /// Not for now: 4xx, or the connection broke.
    Deferred,
    /// Never: 5xx.
    Refused,
}

impl Taken {
    pub fn as_str(self) -> &'static str {
        match self {
            Taken::Waiting => "waiting",
            Taken::Accepted => "accepted",
            Taken::Deferred => "deferred",
            Taken::Refused => "refused",
        }
    }

    fn is_wanting(self) -> bool {
        matches!(self, Taken::Waiting | Taken::Deferred)
    }
}

/// What a server said for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub address: String,
    pub state: Taken,
    pub reply: String,
}

/// When a message is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Between the first attempt and the second, about. Each wait is twice as long as the one before.
    pub initial: Span,
    pub max: Span,
    /// A message that is older is given up.
    pub expire: Span,
}

impl Default for Patience {
    /// As RFC 5321, section 4.5.4.1, advises: the first retries soon, and four to five days in all.
    fn default() -> Patience {
        Patience {
            initial: Span::from_secs(60),
            max: Span::from_secs(2 * 3600),
            expire: Span::from_secs(5 * 86_400),
        }
    }
}

impl Patience {
    /// The wait after so many attempts in a row that failed: from half of it to all of it, by `random`, so that
    /// messages which failed together do not come back together.
    pub fn delay(&self, failed: u32, random: u64) -> Span {
        let doubled = self.initial.millis().saturating_mul(1 << failed.saturating_sub(1).min(30));
        let whole = doubled.min(self.max.millis()).max(1);
        let half = whole / 2;
        Span::from_millis(half + random % (whole - half + 1))
    }

    pub fn has_expired(&self, queued_at: Instant, now: Instant) -> bool {
        now.since(queued_at) >= self.expire
    }
}

impl Delivery {
    /// Of a message that has just been put in the outbox, to all of its recipients.
    pub fn new(message: &Message, queued_at: Instant) -> Delivery {
        Delivery::to(message.recipients().map(|to| to.address.clone()), queued_at)
    }

    fn to(addresses: impl Iterator<Item = String>, queued_at: Instant) -> Delivery {
        let mut recipients: Vec<Recipient> = Vec::new();
        for address in addresses {
            // Somebody named twice gets it once.
            if !recipients.iter().any(|other| other.address == address) {
                recipients.push(Recipient { address, state: Taken::Waiting, reply: None, at: None });
            }
        }
        Delivery {
            state: State::Queued,
            queued_at,
            due_at: queued_at,
            attempts: 0,
            recipients,
            reason: None,
            ended_at: None,
        }
    }

    /// Of a copy that is sent by hand: to those who have not got it, or where all have, to all.
    #[must_use]
    pub fn again(&self, now: Instant) -> Delivery {
        let missing = self.recipients.iter().filter(|to| to.state != Taken::Accepted);
        let missing: Vec<String> = missing.map(|to| to.address.clone()).collect();
        if missing.is_empty() {
            return Delivery::to(self.recipients.iter().map(|to| to.address.clone()), now);
        }
        Delivery::to(missing.into_iter(), now)
    }

    /// Those whom the next attempt is for.
    pub fn wanting(&self) -> impl Iterator<Item = &str> {
        self.recipients.iter().filter(|to| to.state.is_wanting()).map(|to| to.address.as_str())
    }

    /// A server has answered: the message is sent, tried again, or a dead letter.
    pub fn answered(&mut self, answers: &[Answer], patience: &Patience, now: Instant, random: u64) {
        self.attempts = self.attempts.saturating_add(1);
        self.reason = None;
        for to in self.recipients.iter_mut().filter(|to| to.state.is_wanting()) {
            // Whom the server said nothing of has not got it.
            let answer = answers.iter().find(|answer| answer.address == to.address);
            to.state = answer.map_or(Taken::Deferred, |answer| answer.state);
            to.reply = answer.map(|answer| words(&answer.reply));
            to.at = Some(now);
        }
        if self.wanting().next().is_none() {
            let all = self.recipients.iter().all(|to| to.state == Taken::Accepted);
            self.end(if all { State::Sent } else { State::Failed }, now);
        } else if patience.has_expired(self.queued_at, now) {
            self.expire(patience, now);
        } else {
            self.state = State::Queued;
            self.due_at = now.plus(patience.delay(self.attempts, random));
        }
    }

    /// No server could be asked. It keeps its place, unless it is too old by now.
    pub fn put_off(&mut self, reason: &str, patience: &Patience, now: Instant) {
        self.reason = Some(words(reason));
        if patience.has_expired(self.queued_at, now) {
            self.expire(patience, now);
        } else {
            self.state = State::Queued;
        }
    }

    /// It cannot be sent at all, whomever one asks.
    pub fn refuse(&mut self, reason: &str, now: Instant) {
        self.reason = Some(words(reason));
        self.end(State::Failed, now);
    }

    /// It is too old to be tried any more.
    pub fn expire(&mut self, patience: &Patience, now: Instant) {
        let why = format!("not delivered within {}", patience.expire);
        self.reason = Some(match self.reason.take() {
            Some(reason) => words(&format!("{why}: {reason}")),
            None => why,
        });
        self.end(State::Failed, now);
    }

    fn end(&mut self, state: State, now: Instant) {
        self.state = state;
        self.ended_at = Some(now);
    }
}

/// A stranger's words, fit to be shown and kept: one line, within [`fixed::EMAIL_REPLY`].
pub fn words(text: &str) -> String {
    let most = fixed::EMAIL_REPLY.0 as usize;
    let mut line = String::new();
    for word in text.split(|c: char| c.is_control() || c.is_whitespace()).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        for c in word.chars() {
            if line.len() + c.len_utf8() > most {
                line.push('…');
                return line;
            }
            line.push(c);
        }
    }
    line
}

/// How many messages may leave: a bucket of tokens that fills as time goes by.
#[derive(Debug, Clone)]
pub struct Pace {
    per_minute: u32,
    /// In units of which a message takes [`Pace::MESSAGE`]: each millisecond brings `per_minute` of them.
    units: u64,
    seen: Instant,
}

impl Pace {
    const MESSAGE: u64 = 60_000;

    /// At most `per_minute` in a minute, at least 1, and a second's worth of them at once.
    pub fn new(per_minute: u32, now: Instant) -> Pace {
        let mut pace = Pace { per_minute: per_minute.max(1), units: 0, seen: now };
        pace.units = pace.most();
        pace
    }

    fn most(&self) -> u64 {
        Pace::MESSAGE.max(u64::from(self.per_minute) * 1_000)
    }

    fn fill(&mut self, now: Instant) {
        // A clock that was set forward fills it at most, one that was set back not at all.
        let passed = now.since(self.seen).millis().saturating_mul(u64::from(self.per_minute));
        self.units = self.units.saturating_add(passed).min(self.most());
        self.seen = now;
    }

    /// How many may leave now.
    pub fn room(&mut self, now: Instant) -> usize {
        self.fill(now);
        (self.units / Pace::MESSAGE) as usize
    }

    /// So many have left.
    pub fn take(&mut self, messages: usize) {
        self.units = self.units.saturating_sub(Pace::MESSAGE.saturating_mul(messages as u64));
    }

    /// From now until one may leave.
    pub fn wait(&mut self, now: Instant) -> Span {
        self.fill(now);
        let missing = Pace::MESSAGE.saturating_sub(self.units);
        Span::from_millis(missing.div_ceil(u64::from(self.per_minute)))
    }
}

#[cfg(test)]
#[path = "delivery_tests.rs"]
mod tests;
