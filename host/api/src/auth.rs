//! Who may call: whoever brings a token that the store has the hash of.
//!
//! The store finds a token by its SHA-256, so no comparison tells by its time how much of a guess was right:
//! whoever knows a prefix of a hash knows nothing of the token. Tokens have 256 random bits, which is why
//! their hash needs no salt. Nothing of a token is ever logged or answered.

use crate::app::App;
use crate::problem::{Code, Refusal};
use crate::{audit, right, session};
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sandglass_core::right::Rights;
use sandglass_core::spec::Specification;
use sandglass_core::{Digest, Instant, Name};
use sandglass_store::op::{self, OpError};
use std::sync::Arc;

const PREFIX: &str = "sgl_";
const RANDOM_BYTES: usize = 32;
/// Of the random bytes in base64url, without padding.
const RANDOM_TEXT_BYTES: usize = 43;

/// What the store keeps of a token.
pub fn hash(token: &str) -> Digest {
    Digest::of(token.as_bytes())
}

/// A new token: `sgl_` and 32 bytes of the operating system's randomness in base64url (RFC 4648, section 5).
///
/// # Panics
/// Where the operating system gives no random bytes. A token must not be made without.
pub fn new_token() -> String {
    format!("{PREFIX}{}", random_text::<RANDOM_BYTES>())
}

/// So many bytes of the operating system's randomness in base64url.
///
/// # Panics
/// Where the operating system gives no random bytes. A secret must not be made without.
pub(crate) fn random_text<const BYTES: usize>() -> String {
    let mut random = [0; BYTES];
    getrandom::fill(&mut random).expect("the operating system gives random bytes");
    URL_SAFE_NO_PAD.encode(random)
}

/// Who calls: what handlers find in a request's extensions.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The name of the token.
    pub(crate) token: Name,
    /// The hash of the token.
    pub(crate) hash: Digest,
    /// Of a browser that is signed in: the hash of its secret, and when it will not be any more.
    pub(crate) session: Option<(Digest, Instant)>,
    /// What the token allows.
    pub(crate) rights: Arc<Rights>,
}

impl Caller {
    /// Refuses a specification that gives a job what the caller's token lacks.
    pub(crate) fn may_deploy(&self, spec: &Specification) -> Result<(), OpError> {
        let lacks = self.rights.lacks(spec);
        if lacks.is_empty() { Ok(()) } else { Err(OpError::Denied(lacks)) }
    }
}

/// The middleware before everything that needs a token. A browser may bring the cookie of its session instead,
/// and with it has to show that a change is its own.
pub(crate) async fn check(
    State(app): State<App>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let headers = request.headers();
    let caller = if let Some(token) = bearer(headers) {
        by_token(&app, token)?
    } else if let Some(secret) = session::of(headers).filter(|_| !headers.contains_key(AUTHORIZATION)) {
        let caller = by_session(&app, secret)?;
        session::check_change(request.method(), headers)?;
        caller
    } else {
        return Err(unauthorized("send a token in the header: Authorization: Bearer sgl_..."));
    };
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let done = match right::check(&caller, &method, &path) {
        Ok(()) => {
            request.extensions_mut().insert(caller.clone());
            next.run(request).await
        }
        Err(refusal) => refusal.into_response(),
    };
    let is_told = done.status().is_success() || done.status() == StatusCode::FORBIDDEN;
    if is_told && right::is_audited(&method, &path) {
        audit::note(&app, &caller, &method, &path, done.status()).await?;
    }
    Ok(done)
}

fn by_token(app: &App, token: &str) -> Result<Caller, Refusal> {
    let hash = hash(token);
    let now = app.host.now();
    let known = app.look(|read| op::token::get(read, hash, now))?;
    let known = known.ok_or_else(|| unauthorized("this token is not, or no longer, one of this host's"))?;
    let rights = Arc::new(known.rights());
    Ok(Caller { token: known.name, hash, session: None, rights })
}

fn by_session(app: &App, secret: Digest) -> Result<Caller, Refusal> {
    let now = app.host.now();
    let known = app.look(|read| op::session::get(read, secret, now))?;
    let (session, token) = known.ok_or_else(|| unauthorized("this session is over: sign in again"))?;
    let rights = Arc::new(token.rights());
    Ok(Caller { token: token.name, hash: session.token, session: Some((secret, session.expires_at)), rights })
}

fn unauthorized(detail: &str) -> Refusal {
    Refusal::new(Code::Unauthorized, detail)
}

/// The token of the `Authorization` header (RFC 6750, section 2.1), if it looks like one of ours.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim_start_matches(' ');
    let random = token.strip_prefix(PREFIX)?;
    let in_form = random.len() == RANDOM_TEXT_BYTES
        && random.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    (scheme.eq_ignore_ascii_case("bearer") && in_form).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_new_each_time_and_read_from_the_header() {
        let token = new_token();
        assert_ne!(token, new_token());
        for (header, read) in [
            (format!("Bearer {token}"), true),
            (format!("bearer  {token}"), true),
            (token.clone(), false),
            (format!("Basic {token}"), false),
            (format!("Bearer {token}x"), false),
            (format!("Bearer {}", &token[4..]), false),
            ("Bearer sgl_".into(), false),
            (format!("Bearer sgl_{}", "=".repeat(43)), false),
        ] {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, header.parse().unwrap())]);
            assert_eq!(bearer(&headers).is_some_and(|found| found == token), read, "{header}");
        }
    }

    #[test]
    fn a_hash_is_of_the_whole_token() {
        assert_eq!(
            hash("abc").to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
