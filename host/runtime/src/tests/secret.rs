//! The secret interface, called as a guest's bindings call it, and what becomes of what was handed out.

use super::guest::{ECHO, job};
use super::{Host, Lines, ending, spec};
use crate::attempt::{AttemptContext, Secrets};
use crate::bindings::sandglass::job::log::{Host as _, Level};
use crate::bindings::sandglass::job::secret::Host as _;
use crate::log::Stream;
use crate::state::State;
use sandglass_core::limit::{Bytes, fixed};
use sandglass_core::{SecretName, SecretValue};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Secrets that are what their names say; `NONE` was never set, `SEALED` does not open, and `NEXT` is another one
/// each time.
#[derive(Default)]
pub(super) struct Kept {
    asked: AtomicUsize,
}

impl Secrets for Kept {
    fn get(&self, name: &SecretName) -> Result<Option<SecretValue>, String> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let text = match name.as_str() {
            "NONE" => return Ok(None),
            "SEALED" => return Err("another key".into()),
            "NEXT" => format!("secret {asked}"),
            "LARGE_1" | "LARGE_2" | "LARGE_3" => "x".repeat(fixed::SECRET.0 as usize),
            name => format!("value of {name}"),
        };
        SecretValue::new(text).map(Some)
    }
}

/// An attempt that was granted secrets, with its log.
struct Guest {
    state: State,
    lines: Lines,
}

impl Guest {
    fn new() -> Guest {
        let names = ["KEY", "NONE", "SEALED", "NEXT", "LARGE_1", "LARGE_2", "LARGE_3"];
        let spec = spec(|spec| spec.grants.secrets = names.map(String::from).to_vec());
        let lines = Lines::default();
        let context = AttemptContext { log: Arc::new(lines.clone()), ..Host::new().attempt(spec) };
        Guest { state: State::new(context, std::time::Instant::now(), false), lines }
    }

    fn get(&mut self, name: &str) -> Result<String, String> {
        let answer = self.state.get(name.into()).unwrap();
        answer.map_err(|error| format!("{}: {}", error.code, error.message))
    }
}

#[tokio::test]
async fn a_secret_is_handed_to_a_job_that_was_granted_its_name() {
    let mut guest = Guest::new();
    assert_eq!(guest.get("KEY"), Ok("value of KEY".into()));
    for (name, error) in [
        ("OTHER", "denied: no grant of this job covers the secret `OTHER`: add \"OTHER\" to grants.secrets"),
        ("key", "denied: no grant of this job covers the secret `key`: add \"key\" to grants.secrets"),
        (
            "../KEY",
            "denied: nothing is granted: `../KEY` is not a secret's name: use 1 to 63 of A-Z, a-z, 0-9, _ and -",
        ),
        ("NONE", "denied: the secret `NONE` was never set: `sandglass secrets set NONE` sets it"),
        ("SEALED", "unavailable: another key"),
    ] {
        assert_eq!(guest.get(name).unwrap_err(), error);
        assert_eq!(guest.state.last_error.as_deref(), Some(error));
    }
}

#[tokio::test]
async fn an_attempt_sees_one_value_of_a_secret_however_often_it_asks() {
    let mut guest = Guest::new();
    assert_eq!(guest.get("NEXT"), Ok("secret 0".into()));
    assert_eq!(guest.get("NEXT"), Ok("secret 0".into()));
}

#[tokio::test]
async fn the_bytes_of_secrets_are_limited_and_cost_fuel() {
    let mut guest = Guest::new();
    let before = guest.state.meter.burnt(0);
    guest.get("LARGE_1").unwrap();
    assert!(guest.state.meter.burnt(0) - before > 100 * fixed::SECRET.0);
    guest.get("LARGE_2").unwrap();
    assert_eq!(
        guest.get("LARGE_3").unwrap_err(),
        "quota: the secrets that this attempt asked for have 196608 bytes together, and at most 128KiB (limit \
         secrets_per_attempt)"
    );
    guest.get("LARGE_1").unwrap();
}

#[tokio::test]
async fn what_is_logged_after_a_secret_was_handed_out_is_logged_without_it() {
    let mut guest = Guest::new();
    let log = guest.state.log.clone();
    log.print(Stream::Stdout, b"value of ");
    guest.state.write(Level::Info, "value of KEY".into()).unwrap();
    guest.get("KEY").unwrap();
    // A line that is made of several writes, of which one came before.
    log.print(Stream::Stdout, b"KE");
    log.print(Stream::Stderr, b"not KEY\nvalue of ");
    log.print(Stream::Stdout, b"Y!\r\n");
    guest.state.write(Level::Warn, "<value of KEY>".into()).unwrap();
    // Bytes that are no text, around it.
    log.print(Stream::Stdout, b"\xe2\x82value of KEY\xff\n");
    // Halves on two lines, and one in each stream, are two texts.
    log.print(Stream::Stdout, b"value of\n KEY\n");
    log.print(Stream::Stderr, b"KEY");
    log.finish();
    assert_eq!(
        guest.lines.texts(),
        [
            "value of KEY",
            "not KEY",
            "[secret KEY]!",
            "<[secret KEY]>",
            "\u{fffd}[secret KEY]\u{fffd}",
            "value of",
            " KEY",
            "[secret KEY]",
        ]
    );
}

#[tokio::test]
async fn no_part_of_a_secret_is_left_where_a_line_is_cut() {
    let mut guest = Guest::new();
    guest.get("KEY").unwrap();
    let most = fixed::LOG_LINE.0 as usize;
    for before in most - 13..=most + 1 {
        let line = format!("{}value of KEY and more", ".".repeat(before));
        guest.state.write(Level::Info, line.clone()).unwrap();
        guest.state.log.print(Stream::Stdout, &line.as_bytes()[..most / 2]);
        guest.state.log.print(Stream::Stdout, &line.as_bytes()[most / 2..]);
        guest.state.log.print(Stream::Stdout, b"\n");
    }
    let lines = guest.lines.texts();
    assert_eq!(lines.len(), 30);
    for pair in lines.chunks(2) {
        assert_eq!(pair[0], pair[1]);
        assert!(pair[0].ends_with(" … [cut: a line has at most 16KiB]"), "{}", &pair[0][most - 20..]);
        let rest = pair[0].trim_start_matches('.');
        assert!(!rest.contains('v') && rest.len() < 60, "{rest}");
    }
}

#[tokio::test]
async fn a_guest_is_told_what_is_wrong_without_quoting_a_secret_or_a_part_of_it() {
    let mut guest = Guest::new();
    let long = guest.get("LARGE_1").unwrap();
    guest.get("KEY").unwrap();
    let dots = ".".repeat(52);
    for (name, quoted) in [
        ("value of KEY", "`[secret KEY]`"),
        ("a value of KEY", "`a [secret KEY]`"),
        (&long, "`[secret LARGE_1]…`"),
        (&format!("{dots}value of KEY"), &format!("`{dots}[secret KEY]…`")),
    ] {
        let error = guest.get(name).unwrap_err();
        assert!(error.contains(quoted), "{error}");
        assert_eq!(guest.state.last_error, Some(error));
    }
}

#[tokio::test]
async fn lines_with_secrets_cost_more_and_lines_without_any_handed_out_do_not() {
    let cost = |guest: &mut Guest| {
        let before = guest.state.meter.burnt(0);
        guest.state.write(Level::Info, "x".repeat(1_000)).unwrap();
        guest.state.meter.burnt(0) - before
    };
    let mut guest = Guest::new();
    let plain = cost(&mut guest);
    guest.get("KEY").unwrap();
    assert_eq!(cost(&mut guest) - plain, 6_000);
}

#[tokio::test]
async fn an_attempt_that_was_handed_none_keeps_its_words() {
    let (finished, _) =
        Host::new().run_with(&job(ECHO), |attempt| attempt.input = Some("\"value of KEY\"".into())).await;
    assert_eq!(ending(finished).result, Ok(Some("\"value of KEY\"".into())));
    assert!(fixed::SECRETS_PER_ATTEMPT >= Bytes(2 * fixed::SECRET.0));
}
