//! A request to the host, put together piece by piece.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode as encode};
use serde_json::Value;
use std::io::Read;
use std::time::Duration;
use ureq::http::Method;

/// Nothing that a host answers at once takes longer.
const PATIENCE: Duration = Duration::from_mins(1);
/// Compiling an upload, importing, exporting.
pub(crate) const LONG: Duration = Duration::from_mins(15);

/// A request that is being put together.
pub(crate) struct Request<'a> {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Payload<'a>,
    pub(super) patience: Duration,
}

pub(super) enum Payload<'a> {
    None,
    /// JSON text.
    Json(String),
    Stream {
        reader: &'a mut dyn Read,
        kind: &'static str,
    },
}

impl<'a> Request<'a> {
    /// `path` is below `/v1`. Its parts are names and ids, in which nothing needs to be escaped.
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Request<'a> {
        let (query, headers) = (Vec::new(), Vec::new());
        Request { method, path: path.into(), query, headers, body: Payload::None, patience: PATIENCE }
    }

    pub(crate) fn get(path: impl Into<String>) -> Request<'a> {
        Request::new(Method::GET, path)
    }

    pub(crate) fn post(path: impl Into<String>) -> Request<'a> {
        Request::new(Method::POST, path)
    }

    pub(crate) fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Request<'a> {
        self.query.push((name.into(), value.into()));
        self
    }

    /// Only where there is a value.
    pub(crate) fn query_some(self, name: &str, value: Option<impl Into<String>>) -> Request<'a> {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Request<'a> {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn json(self, body: &Value) -> Request<'a> {
        self.json_text(body.to_string())
    }

    /// JSON that goes out letter by letter as it came in.
    pub(crate) fn json_text(mut self, body: String) -> Request<'a> {
        self.body = Payload::Json(body);
        self
    }

    /// A body that is sent as it is read. The host may refuse before it is: `Expect` lets it.
    pub(crate) fn stream(
        mut self,
        reader: &'a mut dyn Read,
        length: Option<u64>,
        kind: &'static str,
    ) -> Request<'a> {
        self.body = Payload::Stream { reader, kind };
        self.headers.push(("expect", "100-continue".into()));
        if let Some(length) = length {
            self.headers.push(("content-length", length.to_string()));
        }
        self
    }

    /// How long the host may be silent, where that is more than a minute.
    pub(crate) fn patience(mut self, patience: Duration) -> Request<'a> {
        self.patience = patience;
        self
    }

    /// Where it goes, for a host at `base`.
    pub(super) fn uri(&self, base: &str) -> String {
        let pair = |(name, value): &(String, String)| {
            format!("{}={}", encode(name, NON_ALPHANUMERIC), encode(value, NON_ALPHANUMERIC))
        };
        let pairs: Vec<String> = self.query.iter().map(pair).collect();
        let mark = if pairs.is_empty() { "" } else { "?" };
        format!("{base}/v1/{}{mark}{}", self.path, pairs.join("&"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_escaped() {
        let request = Request::get("tables/t/rows").query("a b", "eq.x&y+ü").query("or", "(a.eq.1)");
        assert_eq!(
            request.query_some("order", None::<String>).uri("http://h"),
            "http://h/v1/tables/t/rows?a%20b=eq%2Ex%26y%2B%C3%BC&or=%28a%2Eeq%2E1%29"
        );
        assert_eq!(Request::post("jobs").uri("http://h/base"), "http://h/base/v1/jobs");
    }
}
