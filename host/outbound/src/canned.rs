//! Answers that were given beforehand, for where nothing is to be sent.
//!
//! They come over a stream as a server's would, so that grants, limits and records are the same.

use crate::error::{Cause, Error};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use sandglass_core::target::Target;
use std::fmt::Write as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, copy, duplex, sink, split};

/// Bytes on their way.
const BUFFER: usize = 64 << 10;

/// What is answered to requests of one method, or of any, to one URL.
#[derive(Debug, Clone)]
pub struct Canned {
    method: Option<Method>,
    target: Target,
    head: String,
    body: Bytes,
}

impl Canned {
    /// # Errors
    /// What is no method, URL, status or header.
    pub fn new(
        method: Option<&str>,
        url: &str,
        status: u16,
        headers: &[(String, String)],
        body: Bytes,
    ) -> Result<Canned, String> {
        let method = method.map(|method| Method::from_bytes(method.as_bytes())).transpose();
        let method = method.map_err(|_| "its `method` is not one of HTTP".to_string())?;
        let target: Target = url.parse()?;
        if !(200..=999).contains(&status) {
            return Err("its `status` is not one of HTTP, 200 to 999".into());
        }
        let mut head =
            format!("HTTP/1.1 {status} \r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            if HeaderName::from_bytes(name.as_bytes()).is_err() || HeaderValue::from_str(value).is_err() {
                return Err(format!("its header `{}` is not one of HTTP", name.escape_debug()));
            }
            // The answer has its own.
            if !["content-length", "transfer-encoding", "connection"].contains(&&*name.to_ascii_lowercase()) {
                let _ = write!(head, "{name}: {value}\r\n");
            }
        }
        head.push_str("\r\n");
        Ok(Canned { method, target, head, body })
    }

    pub fn target(&self) -> &Target {
        &self.target
    }

    fn is_for(&self, method: &Method, target: &Target) -> bool {
        self.method.as_ref().is_none_or(|of| of == method) && self.target == *target
    }
}

/// A connection to who gives the first answer that fits.
pub(crate) fn connect(answers: &[Canned], method: &Method, target: &Target) -> Result<DuplexStream, Error> {
    let Some(answer) = answers.iter().find(|answer| answer.is_for(method, target)) else {
        let url = format!("{}://{}{}", target.scheme(), target.authority(), target.path);
        return Err(Error::unavailable(Cause::Connect, format!("no answer to {method} {url} was given")));
    };
    let (near, far) = duplex(BUFFER);
    let mut bytes = answer.head.clone().into_bytes();
    if method != Method::HEAD {
        bytes.extend_from_slice(&answer.body);
    }
    tokio::spawn(async move {
        let (mut asked, mut answer) = split(far);
        // No client expects an answer before it has asked.
        let mut seen = Vec::new();
        while !seen.windows(4).any(|end| end == b"\r\n\r\n") {
            if !matches!(asked.read_buf(&mut seen).await, Ok(1..)) {
                return;
            }
        }
        let answer = async {
            // A client that is gone needs no answer.
            let _ = answer.write_all(&bytes).await;
            let _ = answer.shutdown().await;
        };
        let mut rest = sink();
        let _ = tokio::join!(answer, copy(&mut asked, &mut rest));
    });
    Ok(near)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Client, Limits, Request};

    fn canned(method: Option<&str>, url: &str, status: u16, body: &str) -> Canned {
        let headers = [("x-a".to_string(), "b".to_string())];
        Canned::new(method, url, status, &headers, Bytes::from(body.to_owned())).unwrap()
    }

    async fn told(client: &Client, method: &str, url: &str) -> String {
        let grants: Vec<_> = serde_json::from_str(r#"["a.example"]"#).unwrap();
        let body = Bytes::from(vec![b'x'; 300_000]);
        let request = Request::new(method, url).unwrap().body(body);
        match client.send(&grants, Limits::default(), request).await {
            Ok(answer) => {
                let text = String::from_utf8(answer.body.to_vec()).unwrap();
                assert_eq!(answer.headers["x-a"], "b");
                assert_eq!(answer.ledger.exchange().status, Some(answer.status));
                format!("{} {text}", answer.status)
            }
            Err(failure) => format!("{}: {failure}", failure.error.code()),
        }
    }

    #[tokio::test]
    async fn the_first_answer_that_fits_is_given_to_who_may_ask() {
        let client = Client::canned(vec![
            canned(Some("POST"), "https://a.example/", 201, "posted"),
            canned(None, "https://a.example:443", 404, &"y".repeat(200_000)),
            canned(None, "https://b.example/", 200, ""),
        ]);
        assert_eq!(told(&client, "POST", "https://a.example/").await, "201 posted");
        assert_eq!(told(&client, "GET", "https://a.example/").await.len(), 200_004);
        assert_eq!(told(&client, "HEAD", "https://a.example/").await, "404 ");
        let missing = told(&client, "GET", "https://a.example/x?y").await;
        assert_eq!(missing, "unavailable: no answer to GET https://a.example/x?y was given");
        assert!(told(&client, "GET", "https://b.example/").await.starts_with("denied: "));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for (method, url, status, header, words) in [
            (Some("G T"), "https://a.example/", 200, "a", "method"),
            (None, "ftp://a.example/", 200, "a", "http"),
            (None, "https://a.example/", 100, "a", "status"),
            (None, "https://a.example/", 200, "a b", "header"),
        ] {
            let headers = [(header.to_string(), "b".to_string())];
            let told = Canned::new(method, url, status, &headers, Bytes::new()).unwrap_err();
            assert!(told.contains(words), "{told}");
        }
    }
}
