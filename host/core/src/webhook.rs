//! Signed webhooks: Standard Webhooks 1.0.0 with its symmetric scheme, for what the host delivers and for what
//! starts a run.
//!
//! A message is signed over `id.timestamp.body` with HMAC-SHA256. The asymmetric scheme (`v1a`) is not spoken:
//! its signatures are passed over, as the standard has it for schemes that a receiver does not know.

use crate::time::{Instant, Span, brief};
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::engine::{DecodePaddingMode, Engine as _};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use std::fmt;
use std::str::FromStr;
use subtle::ConstantTimeEq as _;

/// The header with the message's identity: the same for every delivery of it, an idempotency key.
pub const ID: &str = "webhook-id";
/// The header with the instant of this delivery, in whole seconds since 1970-01-01T00:00:00Z.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// The header with the signatures, separated by spaces, each `v1,` and base64.
pub const SIGNATURE: &str = "webhook-signature";

/// How far a timestamp may be from the receiver's clock, before and after it.
pub const TOLERANCE: Span = Span::from_secs(5 * 60);
/// Bytes of a message's identity.
pub const ID_BYTES_MAX: usize = 255;

const PREFIX: &str = "whsec_";
const SCHEME: &str = "v1";

/// What sender and receiver share: 24 to 64 bytes, written as `whsec_` and base64.
///
/// It is not shown by `Debug`, and has no `Display`.
#[derive(Clone)]
pub struct Secret(Box<[u8]>);

/// Padding is often lost when people copy.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Secret {
    pub const BYTES_MIN: usize = 24;
    pub const BYTES_MAX: usize = 64;

    /// A secret of these bytes, which whoever calls has drawn at random.
    ///
    /// # Errors
    /// Fewer than [`Secret::BYTES_MIN`] or more than [`Secret::BYTES_MAX`].
    pub fn new(bytes: &[u8]) -> Result<Secret, String> {
        if (Self::BYTES_MIN..=Self::BYTES_MAX).contains(&bytes.len()) {
            return Ok(Secret(bytes.into()));
        }
        Err(format!(
            "a webhook's secret has {} to {} bytes, and this one has {}",
            Self::BYTES_MIN,
            Self::BYTES_MAX,
            bytes.len()
        ))
    }

    /// Its text, to be handed to the other side.
    pub fn expose(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0))
    }

    fn code(&self, id: &str, timestamp: i64, body: &[u8]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        mac.finalize().into_bytes().into()
    }
}

impl FromStr for Secret {
    type Err = String;

    /// The message of an error has nothing of the text in it.
    fn from_str(text: &str) -> Result<Secret, String> {
        let encoded = text.strip_prefix(PREFIX).ok_or("a webhook's secret begins with `whsec_`")?;
        let bytes = LENIENT.decode(encoded).map_err(|_| {
            "what follows `whsec_` in a webhook's secret is base64, and this is not".to_owned()
        })?;
        Secret::new(&bytes)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The values of the three headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headers {
    pub id: String,
    pub timestamp: String,
    pub signature: String,
}

/// Signs one delivery of the message `id` at `now`, once with each of `secrets`: while a secret is being changed,
/// receivers know either the new one or the old one.
///
/// # Errors
/// An `id` that is not 1 to [`ID_BYTES_MAX`] visible ASCII characters without a full stop.
pub fn sign(secrets: &[Secret], id: &str, now: Instant, body: &[u8]) -> Result<Headers, String> {
    check_id(id)?;
    let timestamp = now.millis().div_euclid(1000);
    let signatures: Vec<String> = secrets
        .iter()
        .map(|secret| format!("{SCHEME},{}", STANDARD.encode(secret.code(id, timestamp, body))))
        .collect();
    Ok(Headers { id: id.to_owned(), timestamp: timestamp.to_string(), signature: signatures.join(" ") })
}

/// Why a message was not believed. No text of it tells what a right signature would be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// A header is not of its form.
    #[error("{0}")]
    Malformed(String),
    /// The timestamp is further from the receiver's clock than [`TOLERANCE`].
    #[error("webhook-timestamp is {by} {direction} this host's clock, and at most {TOLERANCE} are allowed", direction = if *.ahead { "ahead of" } else { "behind" })]
    Untimely { by: Span, ahead: bool },
    /// No signature was made with any of the secrets over this id, timestamp and body.
    #[error("webhook-signature has no valid `v1` signature of this id, timestamp and body")]
    Forged,
}

/// Whether one of `secrets` signed this message, within [`TOLERANCE`] of `now`.
///
/// The message may still be one that was seen before: `headers.id` tells.
///
/// # Errors
/// See [`Rejection`].
pub fn verify(secrets: &[Secret], headers: &Headers, now: Instant, body: &[u8]) -> Result<(), Rejection> {
    check_id(&headers.id).map_err(Rejection::Malformed)?;
    let timestamp = seconds(&headers.timestamp).map_err(Rejection::Malformed)?;
    let at = Instant::from_millis(timestamp.saturating_mul(1000));
    let (behind, ahead) = (now.since(at), at.since(now));
    if behind.max(ahead) > TOLERANCE {
        return Err(Rejection::Untimely { by: behind.max(ahead), ahead: ahead > behind });
    }
    let given: Vec<Vec<u8>> = headers.signature.split(' ').filter_map(decode).collect();
    // Every pair is compared, and in constant time: how long this takes tells nothing about a near miss.
    let mut matched = subtle::Choice::from(0);
    for secret in secrets {
        let code = secret.code(&headers.id, timestamp, body);
        for signature in &given {
            matched |= code.as_slice().ct_eq(signature);
        }
    }
    if bool::from(matched) { Ok(()) } else { Err(Rejection::Forged) }
}

/// The bytes of one signature of our scheme. Others, and what is none, count for nothing.
fn decode(signature: &str) -> Option<Vec<u8>> {
    let (scheme, encoded) = signature.split_once(',')?;
    if scheme == SCHEME { STANDARD.decode(encoded).ok() } else { None }
}

/// With a full stop in it, one signature would stand for two messages: the end of an id could be read as a
/// timestamp, and the true timestamp as the beginning of the body.
fn check_id(id: &str) -> Result<(), String> {
    let is_allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'.';
    if (1..=ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(is_allowed) {
        return Ok(());
    }
    Err(format!(
        "webhook-id `{}` is not 1 to {ID_BYTES_MAX} visible ASCII characters without a full stop",
        brief(id)
    ))
}

fn seconds(timestamp: &str) -> Result<i64, String> {
    let is_number = !timestamp.is_empty() && timestamp.bytes().all(|byte| byte.is_ascii_digit());
    timestamp.parse().ok().filter(|_| is_number).ok_or_else(|| {
        format!("webhook-timestamp `{}` is not a whole number of seconds since 1970", brief(timestamp))
    })
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;
