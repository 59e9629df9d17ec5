//! `/session`: a browser signs in, and is known by a cookie from then on.
//!
//! The cookie holds a secret of its own and not the token: scripts cannot read it (`HttpOnly`), other sites
//! cannot have it sent (`SameSite=Strict`), it ends after [`LIFE`] and with its token, and it can be given up. The
//! store keeps the secret's SHA-256.
//!
//! `SameSite` counts every port of a machine as one site. So a change that comes with a cookie must also carry
//! [`HEADER`], which no other origin can add without a preflight that this host does not answer, and come
//! from the origin that it goes to, if it says where it comes from.

use crate::app::App;
use crate::auth::{self, Caller};
use crate::body;
use crate::link;
use crate::parameter::NoParameters;
use crate::problem::{Code, Refusal};
use axum::extract::State;
use axum::http::header::{COOKIE, HOST, ORIGIN, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use sandglass_core::grant::Grants;
use sandglass_core::right::{Right, Rights};
use sandglass_core::{Digest, Instant, Name, Span};
use sandglass_store::op;
use sandglass_store::record::{Session, Token};
use serde::{Deserialize, Serialize};

/// From sign-in to the end of a session.
pub(crate) const LIFE: Span = Span::from_secs(14 * 86_400);
/// With any value.
pub(crate) const HEADER: &str = "sandglass-portal";

/// Either of the two.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Proof {
    token: Option<String>,
    /// Of a link for one sign-in.
    code: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct View {
    /// The name of the token that it stands for.
    token: Name,
    right: Right,
    grants: Grants,
    /// Null for a request that brings the token itself.
    expires_at: Option<Instant>,
}

/// Signs in.
pub(crate) async fn enter(
    State(app): State<App>,
    _: NoParameters,
    headers: HeaderMap,
    body: body::Json,
) -> Result<Response, Refusal> {
    // Nobody is to be signed in by another site, either.
    check_origin(&headers)?;
    let hash = match body.members()? {
        Proof { token: Some(token), code: None } => Some(auth::hash(token.trim())),
        Proof { token: None, code: Some(code) } => app.link.open(&code),
        _ => return Err(Refusal::invalid_at("", "give a token, or the code of a link")),
    };
    let known = match hash {
        Some(hash) => {
            let now = app.host.now();
            app.look(|read| op::token::get(read, hash, now))?.map(|token| (hash, token))
        }
        None => None,
    };
    let Some((hash, token)) = known else {
        return Err(Refusal::new(
            Code::Unauthorized,
            "this is not one of this host's tokens, nor a link that was not used yet",
        ));
    };
    let secret = link::secret();
    let key = auth::hash(&secret);
    let session = app.write(move |write, now| {
        let session = Session { token: hash, created_at: now, expires_at: now.plus(LIFE) };
        op::session::put(write, key, &session, now)?;
        Ok(session)
    });
    let expires_at = session.await?.expires_at;
    let cookie = set_cookie(&headers, &secret, LIFE)?;
    let Token { name, right, grants, .. } = token;
    let view = View { token: name, right, grants, expires_at: Some(expires_at) };
    Ok((StatusCode::CREATED, [(SET_COOKIE, cookie)], Json(view)).into_response())
}

/// Who the caller is.
pub(crate) async fn show(_: NoParameters, Extension(caller): Extension<Caller>) -> Json<View> {
    let Rights { right, grants } = (*caller.rights).clone();
    let expires_at = caller.session.map(|(_, expires_at)| expires_at);
    Json(View { token: caller.token, right, grants, expires_at })
}

/// Signs out.
pub(crate) async fn leave(
    State(app): State<App>,
    _: NoParameters,
    headers: HeaderMap,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Refusal> {
    if let Some((hash, _)) = caller.session {
        app.write(move |write, _| {
            op::session::remove(write, hash);
            Ok(())
        })
        .await?;
    }
    let cookie = set_cookie(&headers, "", Span::from_secs(0))?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]).into_response())
}

/// The hash of the secret that a request's cookie holds.
pub(crate) fn of(headers: &HeaderMap) -> Option<Digest> {
    let name = cookie_name(headers);
    let cookies = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(other, _)| *other == name).map(|(_, secret)| auth::hash(secret))
}

/// Refuses a change that another site may have made this browser send.
pub(crate) fn check_change(method: &Method, headers: &HeaderMap) -> Result<(), Refusal> {
    if method.is_safe() { Ok(()) } else { check_origin(headers) }
}

fn check_origin(headers: &HeaderMap) -> Result<(), Refusal> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let origin = headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or_default());
    let is_own = origin.is_none_or(|origin| origin.split_once("://").map(|(_, host)| host) == host);
    if is_own && headers.contains_key(HEADER) {
        return Ok(());
    }
    let detail = if is_own {
        "a change that comes with a cookie needs the header Sandglass-Portal; programs send a token instead"
    } else {
        "this change comes from another site: a proxy before this host must hand on the header Host as it is"
    };
    Err(Refusal::new(Code::Forbidden, detail))
}

/// Cookies do not tell ports apart, so the name does: hosts of one machine leave each other's sessions alone.
fn cookie_name(headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let port = host.rsplit_once(':').map(|(_, port)| port);
    match port.filter(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())) {
        Some(port) => format!("sandglass_{port}"),
        None => "sandglass".into(),
    }
}

fn set_cookie(headers: &HeaderMap, secret: &str, life: Span) -> Result<HeaderValue, Refusal> {
    // The browser says itself how it came here; TLS ends at a proxy.
    let is_secure = headers.get(ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https:"));
    let cookie = format!(
        "{}={secret}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{}",
        cookie_name(headers),
        life.millis() / 1000,
        if is_secure { "; Secure" } else { "" }
    );
    HeaderValue::from_str(&cookie).map_err(|error| Refusal::internal(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::tests::told;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_change_comes_from_the_page_itself() {
        let own = ("host", "sand:8420");
        for (given, is_taken) in [
            (&[own, (HEADER, "1"), ("origin", "http://sand:8420")][..], true),
            (&[own, (HEADER, "1"), ("origin", "https://sand:8420")], true),
            (&[own, (HEADER, "1")], true),
            (&[own, ("origin", "http://sand:8420")], false),
            (&[own, (HEADER, "1"), ("origin", "http://sand:3000")], false),
            (&[own, (HEADER, "1"), ("origin", "http://evil.example")], false),
            (&[own, (HEADER, "1"), ("origin", "null")], false),
            (&[own], false),
        ] {
            let checked = check_change(&Method::POST, &headers(given));
            assert_eq!(checked.is_ok(), is_taken, "{given:?}");
            assert!(check_change(&Method::GET, &headers(given)).is_ok());
        }
        let refused = check_change(&Method::DELETE, &headers(&[own])).unwrap_err();
        assert_eq!(told(refused), ("forbidden", 403));
    }

    #[test]
    fn a_cookie_belongs_to_one_port() {
        let secret = Some(auth::hash("abc"));
        let found = |host, cookie| of(&headers(&[("host", host), ("cookie", cookie)]));
        assert_eq!(found("a:8420", "x=1; sandglass_8420=abc"), secret);
        assert_eq!(found("a:8421", "x=1; sandglass_8420=abc"), None);
        assert_eq!(found("sand.example", "sandglass=abc"), secret);
        assert_eq!(found("[::1]:8420", "sandglass_8420=abc"), secret);
        assert_eq!(found("a", ""), None);
    }

    #[test]
    fn a_cookie_is_kept_from_scripts_and_other_sites() {
        let plain = set_cookie(&headers(&[("host", "a:1")]), "s", Span::from_secs(60)).unwrap();
        assert_eq!(plain, "sandglass_1=s; Path=/; Max-Age=60; HttpOnly; SameSite=Strict");
        let behind_tls = headers(&[("host", "a"), ("origin", "https://a")]);
        let secure = set_cookie(&behind_tls, "s", Span::from_secs(60)).unwrap();
        assert!(secure.to_str().unwrap().ends_with("; Secure"));
    }
}
