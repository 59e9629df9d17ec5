//! Requests, checked as they are built.

use crate::error::Error;
use crate::ledger::Ledger;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Uri};
use sandglass_core::limit::fixed;
use sandglass_core::target::Target;

/// A request that can be sent: no part of it breaks its line or speaks about the connection.
#[derive(Debug)]
pub struct Request<B = Bytes> {
    pub(crate) ledger: Ledger,
    pub(crate) method: Method,
    pub(crate) target: Target,
    pub(crate) path: Uri,
    pub(crate) headers: HeaderMap,
    header_bytes: usize,
    /// What a `content-length` given by the caller says.
    pub(crate) length: Option<u64>,
    pub(crate) body: B,
}

/// Headers that are the connection's business (RFC 9110, section 7.6.1, and what has grown beside it), or that would
/// have to be acted upon between head and body.
const OURS: [HeaderName; 12] = [
    header::CONNECTION,
    header::EXPECT,
    header::HOST,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("http2-settings"),
];

/// Bytes of a method.
const METHOD_BYTES_MAX: usize = 32;

impl Request {
    /// A request without headers and body.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a method that is no token (RFC 9110, section 5.6.2) or asks for a tunnel or an echo
    /// (`CONNECT`, `TRACE`), and for a URL that [`Target`] does not take.
    pub fn new(method: &str, url: &str) -> Result<Request, Error> {
        let method = Method::from_bytes(method.as_bytes())
            .ok()
            .filter(|method| method.as_str().len() <= METHOD_BYTES_MAX)
            .ok_or_else(|| {
                Error::Invalid(format!("the method is not a token of 1 to {METHOD_BYTES_MAX} characters"))
            })?;
        if method == Method::CONNECT || method == Method::TRACE {
            return Err(Error::Invalid(format!("the method {method} is not allowed")));
        }
        let target: Target = url.parse().map_err(Error::Invalid)?;
        let path = target.path.parse().map_err(|_| {
            Error::Invalid("the url's path has a character that must be percent-encoded".into())
        })?;
        let headers = HeaderMap::new();
        let ledger = Ledger::new(method.to_string(), target.clone());
        Ok(Request {
            ledger,
            method,
            target,
            path,
            headers,
            header_bytes: 0,
            length: None,
            body: Bytes::new(),
        })
    }
}

impl<B> Request<B> {
    /// Adds a header; one that is there already stays.
    ///
    /// `content-length` may be given where it is known and true; it is checked, not trusted.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a name that is no token, a value with control characters, and headers that this client
    /// sets itself or that speak about the connection. [`Error::Quota`] for too many of them.
    pub fn header(mut self, name: &str, value: &[u8]) -> Result<Request<B>, Error> {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| Error::Invalid("the name of a header is not a token".into()))?;
        let value = HeaderValue::from_bytes(value).map_err(|_| {
            Error::Invalid(format!("the header `{name}` has a control character in its value"))
        })?;
        if OURS.contains(&name) {
            let message = format!("the header `{name}` is not the caller's to set: leave it out");
            return Err(Error::Invalid(message));
        }
        if name == header::CONTENT_LENGTH {
            let length = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            let length = length.and_then(|text| text.parse().ok());
            if length.is_none() || self.length.is_some_and(|before| Some(before) != length) {
                return Err(Error::Invalid("the header `content-length` is not one number of bytes".into()));
            }
            self.length = length;
            return Ok(self);
        }
        self.header_bytes += name.as_str().len() + value.len();
        let (count, bytes) = (self.headers.len() + 1, self.header_bytes as u64);
        if count > fixed::HTTP_HEADERS {
            let message =
                format!("{count} headers in a request, and at most {} are allowed", fixed::HTTP_HEADERS);
            return Err(Error::Quota { limit: "HTTP_HEADERS", message });
        }
        if bytes > fixed::HTTP_HEADER_BYTES.0 {
            let most = fixed::HTTP_HEADER_BYTES;
            let message = format!("{bytes} bytes of headers in a request, and at most {most} are allowed");
            return Err(Error::Quota { limit: "HTTP_HEADER_BYTES", message });
        }
        self.headers.append(name, value);
        Ok(self)
    }

    /// What becomes of the request, to look at also where nobody waits for its answer any more.
    pub fn ledger(&self) -> Ledger {
        self.ledger.clone()
    }

    pub fn body<C>(self, body: C) -> Request<C> {
        self.map(|_| body)
    }

    pub(crate) fn map<C>(self, change: impl FnOnce(B) -> C) -> Request<C> {
        let Request { ledger, method, target, path, headers, header_bytes, length, body } = self;
        Request { ledger, method, target, path, headers, header_bytes, length, body: change(body) }
    }

    pub fn target(&self) -> &Target {
        &self.target
    }

    /// About what the head takes on the wire.
    pub(crate) fn head_bytes(&self) -> u64 {
        const FRAMING: usize = " HTTP/1.1\r\n\r\n".len();
        let line = self.method.as_str().len() + self.target.path.len() + FRAMING;
        (line + self.header_bytes + self.headers.len() * ": \r\n".len()) as u64
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
