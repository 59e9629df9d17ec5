//! Requests to the hosts that the job was granted.
//!
//! What a request did outside is not undone when the attempt fails: send the run's id as an idempotency key
//! where the other side takes one. Redirects are answers like any other and are not followed.

use crate::bindings::sandglass::job::http;
use crate::{Code, Error, Result};
use serde::de::DeserializeOwned;
use serde::Serialize;
use std::time::Duration;

/// A request on its way together. Its body may have up to 1 MiB, and an attempt may send 50.
#[derive(Debug)]
#[must_use = "a request goes out by `send`"]
pub struct Request {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    timeout: Option<Duration>,
    // Kept for `send`, so that a chain of calls needs one `?`.
    broken: Option<Error>,
}

/// An answer, whatever its status. Its body has up to 8 MiB.
#[derive(Clone, Debug)]
pub struct Response {
    /// 200, 404, ...
    pub status: u16,
    /// Names and values in the order they came.
    pub headers: Vec<(String, String)>,
    /// The bytes, after any transfer encoding.
    pub body: Vec<u8>,
}

/// A request for what is at an absolute URL.
pub fn get(url: impl Into<String>) -> Request {
    Request::new("GET", url)
}

/// A request that sends something to an absolute URL.
pub fn post(url: impl Into<String>) -> Request {
    Request::new("POST", url)
}

impl Request {
    /// A request by its method and an absolute URL, `http` or `https`.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            body: None,
            timeout: None,
            broken: None,
        }
    }

    /// Adds a header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The bytes to send.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sends a value as JSON, with its content type.
    pub fn json(self, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.header("content-type", "application/json").body(body),
            Err(error) => {
                let broken = Error::invalid(format!("the request's body has no JSON: {error}"));
                Self { broken: Some(broken), ..self }
            }
        }
    }

    /// From the call to the last byte of the answer, in whole milliseconds; the host's default is 30 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sends the request and waits for the whole answer.
    ///
    /// [`Code::Denied`] where no grant covers the host, [`Code::Invalid`] where it is no request,
    /// [`Code::Quota`] where it or its answer is too large or there were too many, and
    /// [`Code::Unavailable`] where no answer came in time.
    pub fn send(self) -> Result<Response> {
        let response = http::send(&self.into_wit()?)?;
        Ok(Response { status: response.status, headers: response.headers, body: response.body })
    }

    fn into_wit(self) -> Result<http::Request> {
        if let Some(error) = self.broken {
            return Err(error);
        }
        let timeout_ms = self.timeout.map(|timeout| u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX));
        let Self { method, url, headers, body, .. } = self;
        Ok(http::Request { method, url, headers, body, timeout_ms })
    }
}

impl Response {
    /// The first header of a name, in whatever case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let of_name = |header: &&(String, String)| header.0.eq_ignore_ascii_case(name);
        self.headers.iter().find(of_name).map(|(_, value)| value.as_str())
    }

    /// The body as text, [`Code::Invalid`] where it is not UTF-8.
    pub fn text(&self) -> Result<&str> {
        std::str::from_utf8(&self.body)
            .map_err(|error| Error::invalid(format!("the answer's body is not text: {error}")))
    }

    /// The body as a value, [`Code::Invalid`] where it is not of the type `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Error::invalid(format!("the answer's body is not as expected: {error}")))
    }

    /// Takes a status other than 2xx as an error: [`Code::Unavailable`] for those that may pass (408, 425,
    /// 429 and 5xx), [`Code::Invalid`] for the others.
    pub fn error_for_status(self) -> Result<Self> {
        let code = match self.status {
            200..=299 => return Ok(self),
            408 | 425 | 429 | 500.. => Code::Unavailable,
            _ => Code::Invalid,
        };
        Err(Error::new(code, format!("the answer's status is {}", self.status)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, body: &str) -> Response {
        let headers = vec![("Content-Type".to_string(), "text/plain".to_string())];
        Response { status, headers, body: body.into() }
    }

    #[test]
    fn a_request_has_what_it_was_given() {
        let request = post("https://api.example.com/orders")
            .json(&[1, 2])
            .timeout(Duration::from_secs(5))
            .into_wit()
            .expect("a request");
        assert_eq!((request.method.as_str(), request.timeout_ms), ("POST", Some(5_000)));
        assert_eq!(request.headers, [("content-type".to_string(), "application/json".to_string())]);
        assert_eq!(request.body.as_deref(), Some(b"[1,2]".as_slice()));
    }

    #[test]
    fn a_body_without_json_is_told_when_it_is_sent() {
        let unprintable = std::collections::BTreeMap::from([((1, 2), 3)]);
        let error = post("https://api.example.com").json(&unprintable).into_wit().expect_err("no JSON");
        assert_eq!(error.code, Code::Invalid);
    }

    #[test]
    fn headers_are_found_in_any_case() {
        assert_eq!(response(200, "").header("content-type"), Some("text/plain"));
        assert_eq!(response(200, "").header("etag"), None);
    }

    #[test]
    fn a_status_is_an_error_where_that_is_asked_for() {
        let code = |status| response(status, "").error_for_status().map_err(|error| error.code).err();
        assert_eq!(code(204), None);
        assert_eq!(code(302), Some(Code::Invalid));
        assert_eq!(code(404), Some(Code::Invalid));
        assert_eq!(code(429), Some(Code::Unavailable));
        assert_eq!(code(503), Some(Code::Unavailable));
    }

    #[test]
    fn a_body_is_read_as_what_is_asked_for() {
        assert_eq!(response(200, "{\"a\":1}").json::<serde_json::Value>().expect("JSON")["a"], 1);
        assert!(response(200, "<html>").json::<serde_json::Value>().is_err());
        assert_eq!(response(200, "hello").text(), Ok("hello"));
    }
}
