//! Mail, while storage refuses to note what became of it.

use parking_lot::Mutex;
use sandglass_core::delivery::{Patience, State};
use sandglass_core::effect::Effects;
use sandglass_core::email::{Email, Message};
use sandglass_core::retention::Period;
use sandglass_core::run::{Ending, Traces};
use sandglass_core::{Digest, Instant, Span};
use sandglass_mail::{Mailer, Server, Tls};
use sandglass_runtime::{AttemptContext, BoxFuture, Clock, Finished};
use sandglass_scheduler::{Executor, Host, MailRoute, Options, Password, system_random};
use sandglass_store::memory::Memory;
use sandglass_store::op::effect;
use sandglass_store::op::email::{self, Place};
use sandglass_store::store::{Done, Script};
use sandglass_store::{Answer, Read, Store, StoreError, StoreExt as _};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// No guests.
struct Idle;

impl Executor for Idle {
    fn attempt(&self, _: Digest, _: AttemptContext) -> BoxFuture<'_, Finished> {
        let ending = Ending { result: Ok(None), traces: Traces::default() };
        Box::pin(async { Finished::Ended { ending, effects: Effects::default() } })
    }
}

/// Storage that has no space for so many commits.
struct Tight {
    store: Memory,
    refusals: Arc<AtomicUsize>,
}

impl Store for Tight {
    fn view(&self, look: &mut dyn FnMut(&dyn Read)) {
        self.store.view(look);
    }

    fn submit(&self, script: Script, done: Done) {
        let taken =
            self.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match taken {
            Ok(_) => done(Err(StoreError::Full)),
            Err(_) => self.store.submit(script, done),
        }
    }

    fn settled(&self) -> Answer<()> {
        self.store.settled()
    }

    fn history(&self) -> Result<Vec<Period>, StoreError> {
        self.store.history()
    }

    fn bytes(&self) -> Result<u64, StoreError> {
        self.store.bytes()
    }

    fn forget_history(&self, before: Instant) -> Answer<usize> {
        self.store.forget_history(before)
    }
}

/// A mail server that takes everything, and leaves no space on the host's disk for what it says.
fn server(refusals: Arc<AtomicUsize>) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let taken = Arc::new(Mutex::new(Vec::new()));
    let taken_there = taken.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            stream.write_all(b"220 hi\r\n").unwrap();
            let mut message: Option<String> = None;
            for line in lines.map_while(Result::ok) {
                let said: &[u8] = match (&mut message, line.as_str()) {
                    (Some(_), ".") => {
                        taken_there.lock().extend(message.take());
                        refusals.store(2, Ordering::SeqCst);
                        b"250 taken\r\n"
                    }
                    (Some(message), line) => {
                        message.push_str(line);
                        continue;
                    }
                    (None, "DATA") => {
                        message = Some(String::new());
                        b"354 go on\r\n"
                    }
                    (None, _) => b"250 ok\r\n",
                };
                stream.write_all(said).unwrap();
            }
        }
    });
    (port, taken)
}

fn message(at: Instant) -> Email {
    Email {
        message_id: "1@sandglass".into(),
        run: None,
        job: "j".parse().unwrap(),
        queued_at: at,
        message: Message {
            to: vec!["a@example.com".parse().unwrap()],
            cc: vec![],
            bcc: vec![],
            reply_to: None,
            subject: "s".into(),
            text: Some("t".into()),
            html: None,
            attachments: vec![],
        },
    }
}

#[tokio::test]
async fn what_a_server_has_taken_is_noted_when_there_is_space_and_not_sent_again() {
    let refusals = Arc::new(AtomicUsize::new(0));
    let (port, taken) = server(refusals.clone());
    let server = Server {
        host: "127.0.0.1".into(),
        port,
        tls: Tls::None,
        user: None,
        hello: "host.example".into(),
        authorities: vec![],
    };
    let route = MailRoute {
        mailer: Mailer::new(server, "sandglass@example.com".parse().unwrap()).unwrap(),
        password: Password::None,
        patience: Patience::default(),
        per_minute: 60,
    };
    let now: Instant = "2026-01-01T00:00:00Z".parse().unwrap();
    let clock: Clock = Arc::new(move || now);
    let store = Arc::new(Tight { store: Memory::new(), refusals: refusals.clone() });
    let options = Options { mail: Some(Arc::new(route)), ..Options::default() };
    let host =
        Host::start(store.clone(), Arc::new(Idle), clock, Arc::new(system_random), options).await.unwrap();
    let mut changes = host.mail_changes();
    let of = host.change::<_, StoreError, _>(move |write, now| {
        let effects = Effects { emails: vec![message(now)], ..Effects::default() };
        assert!(effect::commit(write, &effects, now)?.is_ok());
        Ok(write.sequence())
    });
    let place = Place { of: of.await.unwrap(), number: 0 };
    let delivery = loop {
        let changed = tokio::time::timeout(PATIENCE, changes.recv()).await;
        changed.expect("the email comes to its end").unwrap();
        let entry = store.read(|read| email::get(read, place)).unwrap().unwrap();
        if entry.delivery.state.is_end() {
            break entry.delivery;
        }
    };
    assert_eq!((delivery.state, delivery.attempts), (State::Sent, 1));
    assert_eq!((taken.lock().len(), refusals.load(Ordering::SeqCst)), (1, 0));
    host.stop(Span::from_secs(10)).await;
}
