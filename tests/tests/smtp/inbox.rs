//! What servers have taken, all of their processes together.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sandglass_tests::PATIENCE;
use serde_json::Value;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

/// A message as a server got it.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// Of the envelope.
    pub(crate) to: Vec<String>,
    pub(crate) raw: String,
    /// Who had signed in, and whether nobody could listen.
    pub(crate) user: Option<String>,
    pub(crate) secure: bool,
}

impl Received {
    pub(crate) fn of(event: &Value) -> Received {
        let data = STANDARD.decode(event["data"].as_str().expect("data")).expect("base64");
        let to = event["to"].as_array().expect("recipients").iter();
        Received {
            to: to.map(|to| to.as_str().expect("an address").to_owned()).collect(),
            raw: String::from_utf8(data).expect("a message is ASCII"),
            user: event["user"].as_str().map(str::to_owned),
            secure: event["secure"] == true,
        }
    }

    /// The fields of its head, unfolded, in their order.
    pub(crate) fn fields(&self) -> Vec<(String, String)> {
        let head = self.raw.split("\r\n\r\n").next().expect("a head");
        let head = head.replace("\r\n ", " ").replace("\r\n\t", "\t");
        let field = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("not a field: {line:?}"));
            (name.to_owned(), value.to_owned())
        };
        head.split("\r\n").map(field).collect()
    }

    /// The one field of this name.
    #[track_caller]
    pub(crate) fn field(&self, name: &str) -> String {
        let fields = self.fields();
        let found: Vec<_> = fields.into_iter().filter(|(other, _)| other == name).collect();
        assert_eq!(found.len(), 1, "{name} in {}", self.raw);
        found[0].1.clone()
    }

    pub(crate) fn message_id(&self) -> String {
        self.field("Message-ID").trim_start_matches('<').trim_end_matches('>').to_owned()
    }
}

#[derive(Clone, Default)]
pub(crate) struct Inbox(Arc<(Mutex<Vec<Received>>, Condvar)>);

impl Inbox {
    pub(crate) fn add(&self, received: Received) {
        self.0.0.lock().expect("nobody panics with it").push(received);
        self.0.1.notify_all();
    }

    pub(crate) fn all(&self) -> Vec<Received> {
        self.0.0.lock().expect("nobody panics with it").clone()
    }

    /// Waits until what has been taken will do, and gives it.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, is_enough: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        let deadline = Instant::now() + PATIENCE;
        let mut received = self.0.0.lock().expect("nobody panics with it");
        while !is_enough(&received) {
            let left = deadline.saturating_duration_since(Instant::now());
            let got = received.len();
            assert!(!left.is_zero(), "waited in vain for {what}; {got} messages came");
            received = self.0.1.wait_timeout(received, left).expect("nobody panics with it").0;
        }
        received.clone()
    }

    /// Waits for a message to this address.
    #[track_caller]
    pub(crate) fn message_to(&self, address: &str) -> Received {
        let is_it = |received: &Received| received.to.iter().any(|to| to == address);
        let all = self.until(&format!("mail to {address}"), |all| all.iter().any(is_it));
        all.into_iter().find(|received| is_it(received)).expect("it was there")
    }
}
