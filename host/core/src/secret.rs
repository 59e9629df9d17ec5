//! Secrets: their names, and their values in memory.
//!
//! How they are sealed and where the key lies is the scheduler's; what of a log they are taken out of is the
//! runtime's.

use crate::limit::fixed;
use crate::time::brief;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;
use std::str::FromStr;
use zeroize::Zeroizing;

/// The name of a secret: 1 to 63 of `A-Z`, `a-z`, `0-9`, `_` and `-`. Case counts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName(Box<str>);

impl SecretName {
    pub const BYTES_MAX: usize = 63;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SecretName {
    type Err = String;

    fn from_str(text: &str) -> Result<SecretName, String> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if (1..=Self::BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed) {
            return Ok(SecretName(text.into()));
        }
        Err(format!(
            "`{}` is not a secret's name: use 1 to {} of A-Z, a-z, 0-9, _ and -",
            brief(text),
            Self::BYTES_MAX
        ))
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for SecretName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SecretName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SecretName, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// A secret's value: text of 4 bytes to 64 KiB. It is wiped from memory when it is dropped, is not written by
/// serde, and its `Debug` shows none of it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue(Zeroizing<String>);

impl SecretValue {
    /// # Errors
    /// What is wrong with it, in words that quote none of it.
    pub fn new(text: String) -> Result<SecretValue, String> {
        let text = Zeroizing::new(text);
        let (bytes, most) = (text.len(), fixed::SECRET);
        if bytes as u64 > most.0 {
            return Err(format!(
                "the secret has {bytes} bytes, and at most {most} are allowed (limit secret)"
            ));
        }
        let kept = text.trim().len();
        if kept < fixed::SECRET_MIN {
            return Err(format!(
                "the secret has {kept} bytes without the white space around it, and at least {} are needed: \
                 something shorter cannot be kept out of logs",
                fixed::SECRET_MIN
            ));
        }
        Ok(SecretValue(text))
    }

    /// The secret itself, for whom it was granted to.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let long = "a".repeat(63);
        for good in ["A", "API_KEY", "api-key", "0", "_", long.as_str()] {
            assert_eq!(good.parse::<SecretName>().unwrap().as_str(), good);
        }
        let longer = "a".repeat(64);
        for bad in ["", " ", "a b", "a.b", "a/b", "ä", "a\0", "../x", longer.as_str()] {
            assert!(bad.parse::<SecretName>().is_err(), "{bad:?}");
        }
        assert!(serde_json::from_str::<SecretName>("\"a b\"").is_err());
        assert_eq!(serde_json::to_string(&"A".parse::<SecretName>().unwrap()).unwrap(), "\"A\"");
    }

    #[test]
    fn values_have_a_least_and_a_most() {
        let most = fixed::SECRET.0 as usize;
        for (text, good) in [
            ("abcd".to_owned(), true),
            ("ü€".to_owned(), true),
            ("a\nb\n".to_owned(), false),
            ("  abc  \n".to_owned(), false),
            (String::new(), false),
            ("x".repeat(most), true),
            ("x".repeat(most + 1), false),
        ] {
            assert_eq!(SecretValue::new(text.clone()).is_ok(), good, "{} bytes", text.len());
        }
    }

    #[test]
    fn nothing_that_is_said_of_a_value_shows_it() {
        let value = SecretValue::new("hunter2".into()).unwrap();
        assert_eq!(format!("{value:?} {:?}", Some(&value)), "[secret] Some([secret])");
        let wrong = SecretValue::new("xyz".into()).unwrap_err();
        assert!(!wrong.contains("xyz"), "{wrong}");
    }
}
