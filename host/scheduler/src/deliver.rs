//! Delivers the outbox: what is due is handed to the mail server, and what becomes of it is written down.
//!
//! At least once: a message is marked as being sent before a server hears of it, and the answer is written after it
//! came; whoever dies in between leaves a mark, and the next start queues the message again, with the Message-ID
//! that it had.
//!
//! Where the server cannot be reached, or does not know this host, no message is to blame: all of them wait, and one
//! of them is tried again after a while, longer each time.

use crate::host::Host;
use crate::metric;
use crate::vault::SecretError;
use parking_lot::Mutex;
use sandglass_core::delivery::{Answer, Delivery, Pace, Patience, State, Taken};
use sandglass_core::limit::fixed;
use sandglass_core::{Instant, SecretName, SecretValue, Span};
use sandglass_mail::{Mailer, Session, Unreachable};
use sandglass_store::op::email::{self, CLAIM_MAX, Place};
use sandglass_store::op::{OpError, once};
use sandglass_store::{StoreError, StoreExt, Write};
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A message that is due is noticed within this time.
const LOOK_EVERY: Span = Span::from_secs(1);
/// After storage refused.
const PAUSE_AFTER_ERROR: Span = Span::from_secs(5);
/// Between tries of a server that cannot be reached: about, the first of them, and at most.
const UNREACHABLE: Patience =
    Patience { initial: Span::from_secs(1), max: Span::from_secs(300), expire: Span::MAX };
/// After storage refused what a server has said.
const PAUSE_AFTER_REFUSAL: Span = Span::from_secs(1);
/// Messages that one script queues again, or gives what earlier versions did not.
const BATCH: usize = 200;

/// How mail leaves this host.
pub struct MailRoute {
    pub mailer: Mailer,
    pub password: Password,
    pub patience: Patience,
    /// Messages that may leave within a minute.
    pub per_minute: u32,
}

/// What this host shows the server that it is who it says.
#[derive(Clone)]
pub enum Password {
    None,
    Given(SecretValue),
    /// The value that this secret has at the time.
    Secret(SecretName),
}

impl fmt::Debug for MailRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailRoute").field("server", self.mailer.server()).finish_non_exhaustive()
    }
}

/// That the server cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailProblem {
    pub since: Instant,
    /// Tries in a row.
    pub tries: u32,
    pub reason: String,
    /// When it is tried next.
    pub next_at: Instant,
}

pub(crate) async fn run(host: Arc<Host>) {
    let Some(route) = host.options.mail.clone() else {
        return;
    };
    let mut pace = Pace::new(route.per_minute, host.now());
    loop {
        let pause = match deliver_due(&host, &route, &mut pace).await {
            Ok(pause) => pause,
            Err(StoreError::Closed) => return,
            Err(error) => {
                metric::store_error("deliver");
                tracing::warn!(%error, "the outbox cannot be delivered yet");
                PAUSE_AFTER_ERROR
            }
        };
        if pause == Span::ZERO && !host.closing.is_cancelled() {
            continue;
        }
        tokio::select! {
            biased;
            () = host.closing.cancelled() => return,
            () = host.outbox.notified() => {}
            () = tokio::time::sleep(pause.to_std()) => {}
        }
    }
}

/// At the start: gives messages of earlier versions what they lack, and queues again what was being sent.
pub(crate) async fn recover(host: &Host) -> Result<usize, StoreError> {
    let mut after = None;
    loop {
        after = host.store.write(move |write| email::adopt(write, after, BATCH)).await?;
        if after.is_none() {
            break;
        }
    }
    let mut recovered = 0;
    loop {
        let batch = host.store.write(|write| email::recover(write, BATCH)).await?;
        recovered += batch;
        if batch < BATCH {
            return Ok(recovered);
        }
    }
}

/// Delivers what is due and may leave, and says how long there is nothing to do; zero where there may be.
async fn deliver_due(host: &Arc<Host>, route: &Arc<MailRoute>, pace: &mut Pace) -> Result<Span, StoreError> {
    let now = host.now();
    let problem = host.mail_problem();
    if let Some(problem) = problem.as_ref().filter(|problem| problem.next_at > now) {
        // A clock that is set meanwhile is noticed.
        return Ok(problem.next_at.since(now).min(LOOK_EVERY));
    }
    match host.store.read(email::next)? {
        None => return Ok(LOOK_EVERY),
        Some(next) if next > now => return Ok(next.since(now).min(LOOK_EVERY)),
        Some(_) => {}
    }
    let room = match problem {
        // One finds out whether it is over.
        Some(_) => pace.room(now).min(1),
        None => pace.room(now).min(CLAIM_MAX),
    };
    if room == 0 {
        return Ok(pace.wait(now).min(LOOK_EVERY));
    }
    let (clock, patience) = (host.clock.clone(), route.patience);
    // Once it is committed, so are the messages.
    let claimed = host.store.write(move |write| email::claim(write, room, &patience, clock())).await?;
    metric::emails("expired", claimed.expired.len());
    for place in claimed.expired {
        host.tell_mail(place);
    }
    pace.take(claimed.places.len());
    let workers = claimed.places.len().min(fixed::EMAIL_CONNECTIONS);
    let queue = Arc::new(Mutex::new(VecDeque::from(claimed.places)));
    let mut working = tokio::task::JoinSet::new();
    for _ in 0..workers {
        working.spawn(work(host.clone(), route.clone(), queue.clone()));
    }
    // All of them, also where one fails: what they have begun they end.
    let mut result = Ok(Span::ZERO);
    while let Some(worked) = working.join_next().await {
        let worked = worked.unwrap_or_else(|error| Err(StoreError::Failed(error.to_string())));
        if let Err(error) = worked {
            result = Err(error);
        }
    }
    result
}

/// Delivers messages of the queue over one connection after the other, until there are none.
async fn work(
    host: Arc<Host>,
    route: Arc<MailRoute>,
    queue: Arc<Mutex<VecDeque<Place>>>,
) -> Result<(), StoreError> {
    let mut session: Option<Session> = None;
    // What is left when the host stops is queued again at the next start.
    while !host.closing.is_cancelled() {
        let Some(place) = queue.lock().pop_front() else { break };
        let entry = match host.store.read(|read| email::get(read, place)) {
            Ok(Some(entry)) => entry,
            Ok(None) => continue,
            Err(StoreError::Damaged(wrong)) => {
                refuse(&host, place, wrong).await?;
                continue;
            }
            Err(error) => return Err(error),
        };
        host.tell_mail(place);
        let message = match sandglass_mail::build(&entry.email, route.mailer.from()) {
            Ok(message) => message,
            Err(wrong) => {
                refuse(&host, place, wrong).await?;
                continue;
            }
        };
        let wanting: Vec<String> = entry.delivery.wanting().map(str::to_owned).collect();
        let password = password(&host, &route);
        let route_there = route.clone();
        let conversation = tokio::task::spawn_blocking(move || {
            let password = password?;
            let password = password.as_ref().map(|password| password.as_str());
            converse(&route_there.mailer, session, password, &wanting, &message)
        });
        let said = match tokio::time::timeout(fixed::EMAIL_DELIVERY.to_std(), conversation).await {
            Ok(Ok(said)) => said,
            Ok(Err(panic)) => Ok((Vec::new(), None))
                .inspect(|_| tracing::error!(%panic, "a conversation with the mail server")),
            // Its thread ends with the conversation's next step.
            Err(_) => Ok((Vec::new(), None)),
        };
        session = match said {
            Ok((answers, session)) => {
                answered(&host, &route, place, answers).await?;
                session
            }
            Err(Unreachable(reason)) => {
                put_off(&host, &route, place, reason, &queue).await?;
                return Ok(());
            }
        };
    }
    if let Some(session) = session {
        let _ = tokio::task::spawn_blocking(move || session.quit()).await;
    }
    Ok(())
}

type Said = Result<(Vec<Answer>, Option<Session>), Unreachable>;

/// Hands a message over, in a conversation that goes on or in a new one. On a thread that may wait.
fn converse(
    mailer: &Mailer,
    session: Option<Session>,
    password: Option<&str>,
    to: &[String],
    message: &[u8],
) -> Said {
    if let Some(mut session) = session.filter(Session::is_usable) {
        // A server ends a conversation when it likes, and the next message finds out: then in a new one.
        match session.send(to, message) {
            Ok(answers) if session.is_usable() || !answers.is_empty() => return Ok(keep(session, answers)),
            Ok(_) | Err(Unreachable(_)) => {}
        }
    }
    let mut session = mailer.connect(password)?;
    let answers = session.send(to, message)?;
    Ok(keep(session, answers))
}

fn keep(session: Session, answers: Vec<Answer>) -> (Vec<Answer>, Option<Session>) {
    if session.is_usable() {
        return (answers, Some(session));
    }
    session.quit();
    (answers, None)
}

fn password(host: &Host, route: &MailRoute) -> Result<Option<Zeroizing<String>>, Unreachable> {
    let value = match &route.password {
        Password::None => return Ok(None),
        Password::Given(value) => value.clone(),
        Password::Secret(name) => {
            let value = host.secret(name).map_err(|error: SecretError| Unreachable(error.to_string()))?;
            let missing =
                || Unreachable(format!("there is no secret `{name}`, which is the mail server's password"));
            value.ok_or_else(missing)?
        }
    };
    Ok(Some(Zeroizing::new(value.expose().to_owned())))
}

/// Writes down what a server said of a message.
async fn answered(
    host: &Host,
    route: &MailRoute,
    place: Place,
    answers: Vec<Answer>,
) -> Result<(), StoreError> {
    host.mail_goes();
    for state in [Taken::Accepted, Taken::Deferred, Taken::Refused] {
        metric::recipients(state.as_str(), answers.iter().filter(|answer| answer.state == state).count());
    }
    let (random, patience) = ((host.random)(), route.patience);
    let answers: Arc<[Answer]> = answers.into();
    let script =
        move |write: &mut dyn Write, now| email::answered(write, place, &answers, &patience, now, random);
    note(host, place, script).await
}

/// Gives a message up that cannot be sent at all.
async fn refuse(host: &Host, place: Place, wrong: String) -> Result<(), StoreError> {
    note(host, place, move |write, now| email::refuse(write, place, &wrong, now)).await
}

/// Writes down what became of a message. While storage refuses it waits: what a server has said it says once.
async fn note<F>(host: &Host, place: Place, script: F) -> Result<(), StoreError>
where
    F: Fn(&mut dyn Write, Instant) -> Result<Option<Delivery>, StoreError> + Clone + Send + 'static,
{
    loop {
        let (script, clock) = (script.clone(), host.clock.clone());
        match host.store.write(move |write| script(write, clock())).await {
            Err(error @ (StoreError::Full | StoreError::Failed(_))) if !host.closing.is_cancelled() => {
                metric::store_error("deliver");
                tracing::warn!(%error, "what became of an email cannot be stored yet");
                tokio::time::sleep(PAUSE_AFTER_REFUSAL.to_std()).await;
            }
            Err(error) => return Err(error),
            Ok(written) => {
                tell(host, place, written.as_ref());
                return Ok(());
            }
        }
    }
}

/// Nobody can be reached: this message waits, and those of the queue with it.
async fn put_off(
    host: &Host,
    route: &MailRoute,
    place: Place,
    reason: String,
    queue: &Mutex<VecDeque<Place>>,
) -> Result<(), StoreError> {
    host.mail_stopped(&reason);
    let mut places = vec![place];
    places.extend(queue.lock().drain(..));
    for place in places {
        let (patience, reason) = (route.patience, reason.clone());
        note(host, place, move |write, now| email::put_off(write, place, &reason, &patience, now)).await?;
    }
    Ok(())
}

fn tell(host: &Host, place: Place, written: Option<&Delivery>) {
    let Some(delivery) = written else { return };
    let email = format!("{}-{}", place.of, place.number);
    match delivery.state {
        State::Sent => {
            metric::emails("sent", 1);
            tracing::debug!(email, "an email was delivered");
        }
        State::Failed => {
            metric::emails("failed", 1);
            tracing::warn!(email, reason = delivery.reason, "an email was given up: it is a dead letter");
        }
        State::Queued | State::Sending => {
            tracing::debug!(email, next = %delivery.due_at, "an email is tried again");
        }
    }
    host.tell_mail(place);
}

impl Host {
    /// Whether anything takes mail out of the outbox.
    pub fn delivers(&self) -> bool {
        self.options.mail.is_some()
    }

    /// Puts a copy of an email in the outbox, with a Message-ID of its own, and says where.
    pub async fn resend(&self, place: Place, request: Option<once::Request>) -> Result<Place, OpError> {
        let script = move |write: &mut dyn Write, now| {
            email::resend(write, place, now).map(|copy| (copy.of, copy.number))
        };
        let (of, number) = self.change_once(request, script).await?;
        let copy = Place { of, number };
        self.tell_mail(copy);
        Ok(copy)
    }

    /// Takes an email out of the outbox.
    pub async fn remove_mail(&self, place: Place) -> Result<(), OpError> {
        self.store.write(move |write| email::remove(write, place)).await?;
        self.tell_mail(place);
        Ok(())
    }

    /// Tells listeners that an email has changed.
    pub(crate) fn tell_mail(&self, place: Place) {
        let _ = self.mail_changes.send(place);
    }

    /// Emails as they change, from now on: when one is being sent, was answered, is sent again or is gone.
    pub fn mail_changes(&self) -> tokio::sync::broadcast::Receiver<Place> {
        self.mail_changes.subscribe()
    }

    /// Why no mail leaves at the moment, where it is the server's or the configuration's fault.
    pub fn mail_problem(&self) -> Option<MailProblem> {
        self.mail_problem.lock().clone()
    }

    fn mail_goes(&self) {
        if let Some(problem) = self.mail_problem.lock().take() {
            tracing::info!(tries = problem.tries, "the mail server takes mail again");
        }
    }

    fn mail_stopped(&self, reason: &str) {
        let now = self.now();
        let random = (self.random)();
        let mut problem = self.mail_problem.lock();
        // Connections that fail beside each other are one try.
        if problem.as_ref().is_some_and(|problem| problem.next_at > now) {
            return;
        }
        let (since, tries) = problem.as_ref().map_or((now, 1), |problem| (problem.since, problem.tries + 1));
        let next_at = now.plus(UNREACHABLE.delay(tries, random));
        let reason = sandglass_core::delivery::words(reason);
        tracing::warn!(reason, tries, %next_at, "no mail can leave: it waits in the outbox");
        *problem = Some(MailProblem { since, tries, reason, next_at });
    }
}
