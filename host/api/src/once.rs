//! `Idempotency-Key`: a request that is sent again is not done again.
//!
//! A key counts for who sends it (by their token) and for what they ask (method and path), for 24 hours.

use crate::app::App;
use crate::auth::Caller;
use crate::body;
use crate::problem::{Code, Refusal};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use sandglass_core::Digest;
use sandglass_store::op::once::Request;
use sha2::{Digest as _, Sha256};

const HEADER: &str = "idempotency-key";
const BYTES_MAX: usize = 255;

/// The key of a request, if it carries one.
pub(crate) struct Key(Option<Digest>);

impl FromRequestParts<App> for Key {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Key, Refusal> {
        let Some(key) = parts.headers.get(HEADER) else {
            return Ok(Key(None));
        };
        let key = key.as_bytes();
        let plain = key.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
        if key.is_empty() || key.len() > BYTES_MAX || !plain {
            let detail = format!("an Idempotency-Key has 1 to {BYTES_MAX} printable ASCII characters");
            return Err(Refusal::new(Code::BadRequest, detail));
        }
        let caller = parts.extensions.get::<Caller>().map_or(&[][..], |caller| &caller.hash.0);
        Ok(Key(Some(identity(&[caller, parts.method.as_str().as_bytes(), parts.uri.path().as_bytes(), key]))))
    }
}

impl Key {
    /// For a request that its sender tells apart in another way.
    pub(crate) fn of(parts: &[&[u8]]) -> Key {
        Key(Some(identity(parts)))
    }

    /// The request as it is remembered, with its body.
    pub(crate) fn with(&self, body: &body::Json) -> Option<Request> {
        self.0.map(|id| Request { id, body: body.digest() })
    }
}

/// The parts with their lengths, so that no two requests look the same.
fn identity(parts: &[&[u8]]) -> Digest {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    Digest(hasher.finalize().into())
}
