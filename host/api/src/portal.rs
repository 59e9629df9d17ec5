//! The portal: a page at `/` and at every path that is nothing else, and the files that it names.
//!
//! The page may load what comes from this host and run nothing else: no text within a document, and no other
//! origin, is ever a script or a style.

use crate::parameter::NoParameters;
use crate::path::At;
use crate::problem::Refusal;
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    REFERRER_POLICY, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, Uri};
use axum::response::{IntoResponse, Response};
use sandglass_portal::File;

/// Content Security Policy Level 3 (<https://www.w3.org/TR/CSP3/>).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Looked at anew each time: it names the files of the version that is running.
const PAGE_CACHE: &str = "no-cache";
/// The names of files change with their bytes.
const FILE_CACHE: &str = "public, max-age=31536000, immutable";

/// Whether this binary has a portal.
pub fn has_portal() -> bool {
    sandglass_portal::page().is_some()
}

pub(crate) async fn page(headers: HeaderMap) -> Response {
    if let Some(file) = sandglass_portal::page() {
        return answer(file, &headers, PAGE_CACHE);
    }
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, PAGE_CACHE)];
    secured((headers, sandglass_portal::WITHOUT).into_response())
}

pub(crate) async fn asset(
    At(name): At<String>,
    _: NoParameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let file = sandglass_portal::file(&format!("assets/{name}"));
    let file = file.ok_or_else(|| Refusal::not_found("the portal of this version has no such file"))?;
    Ok(answer(file, &headers, FILE_CACHE))
}

/// What is at no path of the API is a page of the portal, for a browser; for others it is nothing.
pub(crate) async fn page_or_nothing(
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let accepts = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let is_api = uri.path() == "/v1" || uri.path().starts_with("/v1/");
    if method == Method::GET && !is_api && accepts.contains("text/html") {
        return Ok(page(headers).await);
    }
    Err(Refusal::not_found("there is nothing at this path"))
}

fn answer(file: &'static File, asked: &HeaderMap, cache: &'static str) -> Response {
    let encodings = asked.get(ACCEPT_ENCODING).and_then(|list| list.to_str().ok()).unwrap_or_default();
    let headers = [(CONTENT_TYPE, file.content_type()), (CACHE_CONTROL, cache), (VARY, "accept-encoding")];
    let response = if encodings.contains("gzip") {
        (headers, [(CONTENT_ENCODING, "gzip")], file.gzip).into_response()
    } else {
        (headers, file.bytes).into_response()
    };
    secured(response)
}

fn secured(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    response
}
