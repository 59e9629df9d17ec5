//! Keys that secrets are sealed with: XChaCha20-Poly1305
//! (<https://datatracker.ietf.org/doc/html/draft-irtf-cfrg-xchacha-03>), with a random nonce for each sealing, and
//! the secret's name and version as associated data.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sandglass_core::{Digest, SecretName, SecretValue};
use sandglass_store::record::Sealed;
use std::fmt;
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// What each sealing needs anew, from the system's random numbers.
pub(super) type Nonce = [u8; NONCE_BYTES];

/// One key. Wiped from memory when it is dropped; its `Debug` shows its id alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    id: String,
    bytes: Zeroizing<[u8; KEY_BYTES]>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

/// Why something does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OpenError {
    /// None of the keys that there are has sealed it.
    OtherKey,
    /// The key is the right one, and what it sealed is not what is there.
    Damaged,
}

impl Key {
    pub(super) fn new(bytes: Zeroizing<[u8; KEY_BYTES]>) -> Key {
        // A hash of 32 random bytes tells nothing of them.
        let mut named = Zeroizing::new(b"sandglass secret key: ".to_vec());
        named.extend_from_slice(&*bytes);
        let mut id = Digest::of(&named).to_string();
        id.truncate(16);
        Key { id, bytes }
    }

    /// A new one, of the system's random numbers.
    pub(super) fn random() -> Result<Key, getrandom::Error> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(&mut *bytes)?;
        Ok(Key::new(bytes))
    }

    /// The key's name: 16 digits, which say nothing of the key.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn seal(
        &self,
        name: &SecretName,
        version: u64,
        value: &SecretValue,
        nonce: &Nonce,
    ) -> Option<Sealed> {
        let aad = associated(name, version);
        let plain = Payload { msg: value.expose().as_bytes(), aad: aad.as_bytes() };
        let ciphertext = self.cipher().encrypt(&XNonce::from(*nonce), plain).ok()?;
        let text = STANDARD.encode([nonce.as_slice(), &ciphertext].concat());
        Some(Sealed { key: self.id.clone(), text })
    }

    fn open(&self, name: &SecretName, version: u64, text: &str) -> Option<SecretValue> {
        let bytes = STANDARD.decode(text).ok()?;
        let (nonce, ciphertext) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        let aad = associated(name, version);
        let sealed = Payload { msg: ciphertext, aad: aad.as_bytes() };
        let plain = self.cipher().decrypt(&XNonce::from(*nonce), sealed).ok()?;
        // It was text when it was sealed. Otherwise the bytes are wiped with the error.
        let text = String::from_utf8(plain).map_err(|error| Zeroizing::new(error.into_bytes())).ok()?;
        SecretValue::new(text).ok()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.bytes).into())
    }
}

fn associated(name: &SecretName, version: u64) -> String {
    // Names have no colon.
    format!("sandglass secret:{name}:{version}")
}

/// The keys that there are: the first seals, and the others open what they sealed before. May be empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keyring(Vec<Key>);

impl Keyring {
    /// Keys as text: each 32 bytes in base64 (RFC 4648, section 4), between white space or commas, the one that
    /// seals first. At least one.
    ///
    /// # Errors
    /// What is wrong, in words that quote none of it.
    pub fn parse(text: &str) -> Result<Keyring, String> {
        let words = text.split([',', ' ', '\t', '\r', '\n']).filter(|word| !word.is_empty());
        let keys = words.map(|word| {
            let bytes = STANDARD.decode(word).map(Zeroizing::new).ok()?;
            let bytes: &[u8; KEY_BYTES] = bytes.as_slice().try_into().ok()?;
            Some(Key::new(Zeroizing::new(*bytes)))
        });
        let keys: Option<Vec<Key>> = keys.collect();
        match keys {
            Some(keys) if !keys.is_empty() => Ok(Keyring(keys)),
            _ => Err("not a key for secrets: a key is 32 random bytes in base64, as `openssl rand -base64 32` prints \
                      them; several stand in lines, or between commas, the newest first"
                .into()),
        }
    }

    /// A key per line, as [`Keyring::parse`] reads them.
    pub(super) fn to_text(&self) -> Zeroizing<String> {
        // Neither string grows, which would leave a copy behind.
        let mut text = Zeroizing::new(String::with_capacity(self.0.len() * (KEY_BYTES * 2)));
        for key in &self.0 {
            text.push_str(&Zeroizing::new(STANDARD.encode(*key.bytes)));
            text.push('\n');
        }
        text
    }

    /// With `key` as the one that seals.
    pub(super) fn begun_with(&self, key: Key) -> Keyring {
        let others: Vec<Key> = self.0.iter().filter(|other| **other != key).cloned().collect();
        Keyring([key].into_iter().chain(others).collect())
    }

    /// The key that seals alone.
    pub(super) fn first_alone(&self) -> Keyring {
        Keyring(self.0.first().cloned().into_iter().collect())
    }

    pub(super) fn first(&self) -> Option<&Key> {
        self.0.first()
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.0.iter().any(|key| key.id == id)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn ids(&self) -> Vec<String> {
        self.0.iter().map(|key| key.id.clone()).collect()
    }

    pub(super) fn open(
        &self,
        name: &SecretName,
        version: u64,
        sealed: &Sealed,
    ) -> Result<SecretValue, OpenError> {
        let key = self.0.iter().find(|key| key.id == sealed.key).ok_or(OpenError::OtherKey)?;
        key.open(name, version, &sealed.text).ok_or(OpenError::Damaged)
    }
}

pub(super) fn nonce() -> Result<Nonce, getrandom::Error> {
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce)?;
    Ok(nonce)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> SecretName {
        text.parse().unwrap()
    }

    fn value(text: &str) -> SecretValue {
        SecretValue::new(text.into()).unwrap()
    }

    fn key(byte: u8) -> Key {
        Key::new(Zeroizing::new([byte; KEY_BYTES]))
    }

    #[test]
    fn what_was_sealed_opens_under_its_key_name_and_version_alone() {
        let ring = Keyring(vec![key(1), key(2)]);
        let secret = value("correct horse battery staple");
        for seals in [key(1), key(2)] {
            let sealed = seals.seal(&name("A"), 7, &secret, &nonce().unwrap()).unwrap();
            assert_eq!(ring.open(&name("A"), 7, &sealed), Ok(secret.clone()));
            assert_eq!(ring.open(&name("B"), 7, &sealed), Err(OpenError::Damaged));
            assert_eq!(ring.open(&name("A"), 8, &sealed), Err(OpenError::Damaged));
            assert_eq!(Keyring(vec![key(3)]).open(&name("A"), 7, &sealed), Err(OpenError::OtherKey));
            // Whoever writes another key's name on it gains nothing.
            let renamed = Sealed { key: key(3).id, ..sealed.clone() };
            assert_eq!(Keyring(vec![key(3)]).open(&name("A"), 7, &renamed), Err(OpenError::Damaged));
            for at in 0..sealed.text.len() {
                let mut text = sealed.text.clone().into_bytes();
                text[at] = if text[at] == b'A' { b'B' } else { b'A' };
                let text = String::from_utf8(text).unwrap();
                assert_eq!(
                    ring.open(&name("A"), 7, &Sealed { text, ..sealed.clone() }),
                    Err(OpenError::Damaged)
                );
            }
            for text in ["", "AAAA", "no base64"] {
                let cut = Sealed { text: text.into(), ..sealed.clone() };
                assert_eq!(ring.open(&name("A"), 7, &cut), Err(OpenError::Damaged));
            }
        }
    }

    /// What an earlier version wrote must open for ever. Made once with libsodium's
    /// `crypto_aead_xchacha20poly1305_ietf_encrypt`.
    #[test]
    fn what_was_sealed_long_ago_opens() {
        let sealed =
            key(1).seal(&name("API_KEY"), 42, &value("a secret of long ago"), &[9; NONCE_BYTES]).unwrap();
        assert_eq!(
            (sealed.key.as_str(), sealed.text.as_str()),
            (
                "94a5efc625832e6e",
                "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJks3M8z20XRZzQpYDeyGHHtKd8OYRmza31X7rZP9cK5AmQg7A"
            )
        );
    }

    #[test]
    fn keys_are_read_and_written() {
        let text = Keyring(vec![key(1), key(2)]).to_text();
        assert_eq!(Keyring::parse(&text), Ok(Keyring(vec![key(1), key(2)])));
        assert_eq!(Keyring::parse(&text.replace('\n', ",")), Ok(Keyring(vec![key(1), key(2)])));
        let short = STANDARD.encode([1; 31]);
        let (good, long) = (STANDARD.encode([1; 32]), STANDARD.encode([1; 33]));
        for bad in ["", " \n", "hunter2", &short, &long, &good[..40], &format!("{good} x")] {
            let message = Keyring::parse(bad).unwrap_err();
            assert!(
                message.starts_with("not a key for secrets") && !message.contains("hunter2"),
                "{message}"
            );
        }
    }

    #[test]
    fn a_keyring_puts_its_newest_key_first_and_has_none_twice() {
        let ring = Keyring::default().begun_with(key(1)).begun_with(key(2)).begun_with(key(1));
        assert_eq!(ring, Keyring(vec![key(1), key(2)]));
        assert_eq!(ring.first_alone(), Keyring(vec![key(1)]));
    }

    #[test]
    fn nothing_that_is_said_of_a_key_shows_it() {
        let shown = format!("{:?}", Keyring(vec![key(1)]));
        assert_eq!(shown, format!("Keyring([{}])", key(1).id()));
    }
}
