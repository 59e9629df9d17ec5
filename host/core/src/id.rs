//! Names and identifiers.

use crate::time::{Instant, brief};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// Text forms of a type through its `Display` and `FromStr`.
macro_rules! serde_as_text {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                text.parse().map_err(D::Error::custom)
            }
        }
    };
}

/// The name of a job or a table: `[a-z0-9]([a-z0-9_-]*[a-z0-9])?`, 1 to 63 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<str>);

impl Name {
    pub const BYTES_MAX: usize = 63;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Name, String> {
        let inner =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
        let outer =
            |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let bytes = text.as_bytes();
        let valid = bytes.len() <= Self::BYTES_MAX
            && bytes.iter().copied().all(inner)
            && outer(bytes.first())
            && outer(bytes.last());
        if valid {
            return Ok(Name(text.into()));
        }
        Err(format!(
            "`{}` is not a name: use 1 to {} of a-z, 0-9, _ and -, with a letter or digit at both ends",
            brief(text),
            Self::BYTES_MAX
        ))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_as_text!(Name);

/// The SHA-256 of some bytes (FIPS 180-4), written as 64 lower-case hexadecimal digits. Names a component.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Digest, String> {
        let wrong = || format!("`{}` is not a digest: it has 64 digits of 0-9 and a-f", brief(text));
        let digits = text.as_bytes();
        if digits.len() != 64 || digits.iter().any(u8::is_ascii_uppercase) {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |at: usize| (pair[at] as char).to_digit(16).ok_or_else(wrong);
            *byte = (digit(0)? * 16 + digit(1)?) as u8;
        }
        Ok(Digest(bytes))
    }
}

serde_as_text!(Digest);

/// A job's number. Never used twice: a name deleted and made again is another job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobId(pub u32);

/// A run's id: a `UUIDv7` (RFC 9562) whose last 32 bits are its job's number, so that a run is found by its id
/// alone and those of one job lie together. The time is that of the run's making, in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(Uuid);

impl RunId {
    /// `random` fills the bits that are neither time, job nor version: 42 of them count.
    pub fn new(job: JobId, now: Instant, random: u64) -> RunId {
        let mut rest = [0; 10];
        rest[..6].copy_from_slice(&random.to_le_bytes()[..6]);
        rest[6..].copy_from_slice(&job.0.to_be_bytes());
        let millis = now.millis().max(0) as u64;
        RunId(uuid::Builder::from_unix_timestamp_millis(millis, &rest).into_uuid())
    }

    pub fn job(self) -> JobId {
        let bytes = self.0.as_bytes();
        JobId(u32::from_be_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]))
    }

    /// When the run was made.
    pub fn made_at(self) -> Instant {
        let bytes = self.0.as_bytes();
        let mut millis = [0; 8];
        millis[2..].copy_from_slice(&bytes[..6]);
        Instant::from_millis(i64::from_be_bytes(millis))
    }

    /// This id, or one just after `other` where this one is not after it: ids that are made at one
    /// millisecond, or by a clock that was set back a little, keep the order of their making (RFC 9562, section
    /// 6.2, method 2). Their jobs must be the same.
    #[must_use]
    pub fn after(self, other: RunId) -> RunId {
        if self > other {
            return self;
        }
        // 48 bits of time, 12 and 30 bits that count, with the version and the variant between them.
        let number = other.0.as_u128() >> 32;
        let (time, high, low) = (number >> 48, number >> 32 & 0xfff, number & 0x3fff_ffff);
        let next = (time << 42 | high << 30 | low) + 1;
        let (time, high, low) = (next >> 42 & 0xffff_ffff_ffff, next >> 30 & 0xfff, next & 0x3fff_ffff);
        let number = time << 48 | 0x7 << 44 | high << 32 | 0b10 << 30 | low;
        RunId(Uuid::from_u128(number << 32 | other.0.as_u128() & 0xffff_ffff))
    }

    /// The id as 16 bytes that sort by time.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.into_bytes()
    }

    pub fn from_bytes(bytes: [u8; 16]) -> RunId {
        RunId(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RunId {
    type Err = String;

    fn from_str(text: &str) -> Result<RunId, String> {
        let id = Uuid::try_parse(text).ok().filter(|id| id.get_version_num() == 7);
        id.map(RunId).ok_or_else(|| format!("`{}` is not a run's id: it is a UUID of version 7", brief(text)))
    }
}

serde_as_text!(RunId);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;
    use proptest::prelude::*;

    #[test]
    fn names() {
        let longest = "a".repeat(63);
        for good in ["a", "0", "a-b", "a_b", "cleanup_tables", longest.as_str()] {
            assert_eq!(good.parse::<Name>().unwrap().as_str(), good);
        }
        let too_long = "a".repeat(64);
        for bad in ["", "-a", "a-", "_", "A", "a b", "a/b", "../a", "a\0", "ä", too_long.as_str()] {
            assert!(bad.parse::<Name>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn digests() {
        let digest = Digest::of(b"abc");
        assert_eq!(digest.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
        assert!("BA7816".parse::<Digest>().is_err());
        assert!("é".repeat(32).parse::<Digest>().is_err());
    }

    proptest! {
        #[test]
        fn a_run_id_tells_its_job_and_time(job: u32, millis in 0..(1i64 << 47), random: u64) {
            let id = RunId::new(JobId(job), Instant::from_millis(millis), random);
            prop_assert_eq!(id.job(), JobId(job));
            prop_assert_eq!(id.made_at(), Instant::from_millis(millis));
            prop_assert_eq!(id.to_string().parse::<RunId>().unwrap(), id);
            prop_assert_eq!(RunId::from_bytes(id.to_bytes()), id);
        }

        #[test]
        fn ids_of_one_instant_keep_their_order(millis in 0..(1i64 << 46), earlier in 0..5i64, a: u64, b: u64) {
            let (first, second) = (Instant::from_millis(millis + earlier), Instant::from_millis(millis));
            let first = RunId::new(JobId(7), first, a);
            let second = RunId::new(JobId(7), second, b).after(first);
            prop_assert!(second > first);
            prop_assert_eq!((second.job(), second.to_string().parse::<RunId>().unwrap()), (JobId(7), second));
            prop_assert!(second.made_at().since(first.made_at()) <= Span::from_millis(1));
        }
    }
}
