//! What came back over HTTP, and what a test expects of it.

use serde_json::Value;
use ureq::http::{HeaderMap, Method};

/// An answer that was read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// The method and the path, for messages.
    pub(crate) asked: String,
}

impl Answer {
    pub(crate) fn asked(method: &Method, path: &str) -> String {
        format!("{method} {path}")
    }

    /// The document of an answer with this status.
    #[track_caller]
    pub fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text());
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{}: {error}: {}", self.asked, self.text()))
    }

    /// Nothing but this status.
    #[track_caller]
    pub fn nothing(&self, status: u16) {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text());
        assert!(self.body.is_empty(), "{}: {}", self.asked, self.text());
    }

    /// The problem document (RFC 9457) of a refusal with this status and code.
    #[track_caller]
    pub fn refusal(&self, status: u16, code: &str) -> Value {
        let document = self.json(status);
        let kind = self.header("content-type").unwrap_or_default();
        assert!(kind.starts_with("application/problem+json"), "{}: {kind}", self.asked);
        assert_eq!(document["code"], code, "{}: {document}", self.asked);
        assert_eq!(document["status"], status, "{}: {document}", self.asked);
        assert_eq!(document["type"], format!("urn:sandglass:error:{code}"), "{}: {document}", self.asked);
        for member in ["title", "detail"] {
            let text = document[member].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{}: a refusal without a {member}: {document}", self.asked);
        }
        document
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The documents of a body in NDJSON.
    #[track_caller]
    pub fn lines(&self) -> Vec<Value> {
        assert_eq!(self.status, 200, "{}: {}", self.asked, self.text());
        let text = self.text();
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        text.lines().map(parse).collect()
    }
}

/// All that a problem document says, for a test that looks for words in it.
#[must_use]
pub fn said(problem: &Value) -> String {
    let mut words = vec![problem["detail"].as_str().unwrap_or_default().to_string()];
    for one in problem["problems"].as_array().into_iter().flatten() {
        words.push(format!(
            "{}: {}",
            one["pointer"].as_str().unwrap_or_default(),
            one["message"].as_str().unwrap_or_default()
        ));
    }
    words.join("\n")
}

/// Documents as a body in NDJSON.
#[must_use]
pub fn ndjson(documents: impl IntoIterator<Item = Value>) -> String {
    documents.into_iter().fold(String::new(), |text, document| text + &document.to_string() + "\n")
}
