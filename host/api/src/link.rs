//! A link that signs in once: the host prints it when it starts, for whoever can read what the host prints.

use crate::auth;
use parking_lot::Mutex;
use sandglass_core::Digest;
use std::time::{Duration, Instant};

/// From the start of the host on.
pub(crate) const LIFE: Duration = Duration::from_hours(1);
const RANDOM_BYTES: usize = 24;

/// What the host keeps of a link: never its code.
#[derive(Debug, Clone)]
pub struct Link {
    hash: Digest,
    token: Digest,
    made: Instant,
}

impl Link {
    /// A link that stands for a token, given by its hash, and the link's code.
    pub fn new(token: Digest) -> (Link, String) {
        let code = secret();
        (Link { hash: auth::hash(&code), token, made: Instant::now() }, code)
    }
}

/// The link, until it is used.
#[derive(Debug, Default)]
pub(crate) struct Unused(Mutex<Option<Link>>);

impl Unused {
    pub(crate) fn new(link: Option<Link>) -> Unused {
        Unused(Mutex::new(link))
    }

    /// The hash of the link's token, for the right code: once, and in time.
    pub(crate) fn open(&self, code: &str) -> Option<Digest> {
        let hash = auth::hash(code);
        let fits = |link: &mut Link| link.hash == hash && link.made.elapsed() < LIFE;
        self.0.lock().take_if(fits).map(|link| link.token)
    }
}

/// What a link or a session is known by.
pub(crate) fn secret() -> String {
    auth::random_text::<RANDOM_BYTES>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_opens_once() {
        let token = Digest::of(b"token");
        let (link, code) = Link::new(token);
        let unused = Unused::new(Some(link));
        assert_eq!(unused.open("other"), None);
        assert_eq!(unused.open(&code), Some(token));
        assert_eq!(unused.open(&code), None);
    }

    #[test]
    fn a_link_is_over_after_an_hour() {
        let (mut link, code) = Link::new(Digest::of(b"token"));
        if let Some(before) = Instant::now().checked_sub(LIFE) {
            link.made = before;
            assert_eq!(Unused::new(Some(link)).open(&code), None);
        }
    }
}
