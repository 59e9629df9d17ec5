//! Bodies of requests: read within limits of size and time, and checked for their type.

use crate::app::App;
use crate::problem::{Code, Refusal};
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use sandglass_core::problem::pointer;
use sandglass_core::{Digest, limit};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;
use serde_json::value::RawValue;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// A body as it comes in.
pub(crate) struct Incoming {
    body: Body,
    idle_max: Duration,
    until: Instant,
}

impl Incoming {
    /// `time_max` bounds the whole of it.
    pub(crate) fn new(app: &App, body: Body, time_max: Duration) -> Incoming {
        Incoming { body, idle_max: app.options.body_idle_max, until: Instant::now() + time_max }
    }

    /// The next bytes, none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        loop {
            let idle_until = Instant::now() + self.idle_max;
            let frame = timeout_at(idle_until.min(self.until), self.body.frame()).await;
            let frame = frame.map_err(|_| self.too_slow(idle_until))?;
            match frame {
                None => return Ok(None),
                Some(Ok(frame)) => {
                    // Trailers mean nothing here.
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
                Some(Err(_)) => return Err(Refusal::new(Code::BadRequest, "the body ended before its time")),
            }
        }
    }

    fn too_slow(&self, idle_until: Instant) -> Refusal {
        let detail = if idle_until < self.until {
            format!("nothing of the body came for {} seconds", self.idle_max.as_secs())
        } else {
            "the body did not come in full in the time that there is for it".to_owned()
        };
        Refusal::new(Code::Timeout, detail)
    }
}

/// What a body may have at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) bytes_max: usize,
    /// What it is, for people.
    pub(crate) of: &'static str,
}

impl Size {
    fn exceeded(self) -> Refusal {
        let most = limit::Bytes(self.bytes_max as u64);
        Refusal::new(Code::TooLarge, format!("the body is larger than {most}, the limit of {}", self.of))
    }

    /// Refuses what says in advance that it is too large.
    pub(crate) fn announced(self, headers: &HeaderMap) -> Result<usize, Refusal> {
        let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        match length {
            Some(length) if length > self.bytes_max as u64 => Err(self.exceeded()),
            length => Ok(length.unwrap_or(0) as usize),
        }
    }

    /// Refuses what has become too large.
    pub(crate) fn reached(self, bytes: usize) -> Result<(), Refusal> {
        if bytes > self.bytes_max { Err(self.exceeded()) } else { Ok(()) }
    }
}

/// Reads a body in full. `seen` sees each part of it as it comes in.
pub(crate) async fn read(
    mut body: Incoming,
    headers: &HeaderMap,
    size: Size,
    mut seen: impl FnMut(&[u8]),
) -> Result<Bytes, Refusal> {
    let announced = size.announced(headers)?;
    let mut bytes = BytesMut::new();
    while let Some(part) = body.next().await? {
        size.reached(bytes.len() + part.len())?;
        seen(&part);
        if bytes.is_empty() {
            // Only once something has come: a promise alone takes no memory.
            bytes.reserve(announced.max(part.len()));
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes.freeze())
}

/// Refuses a body whose type is none of `allowed`. One without a type is taken for what it should be.
pub(crate) fn check_type(headers: &HeaderMap, allowed: &[&str]) -> Result<(), Refusal> {
    let Some(given) = headers.get(CONTENT_TYPE) else { return Ok(()) };
    let given = given.to_str().unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_allowed = |allowed: &&str| match allowed.strip_prefix('*') {
        Some(suffix) => essence.ends_with(suffix),
        None => essence == **allowed,
    };
    if allowed.iter().any(is_allowed) {
        return Ok(());
    }
    let shown: String = essence.chars().take(60).collect();
    let detail =
        format!("the body is of the type `{shown}`: send it as {}, or without Content-Type", allowed[0]);
    Err(Refusal::new(Code::UnsupportedMediaType, detail))
}

/// A body of JSON, or none, read and not parsed yet.
pub(crate) struct Json(Bytes);

impl FromRequest<App> for Json {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Result<Json, Refusal> {
        let (parts, body) = request.into_parts();
        let size = Size { bytes_max: app.options.json_bytes_max, of: "JSON bodies" };
        let body = Incoming::new(app, body, app.options.request_time_max);
        let bytes = read(body, &parts.headers, size, |_| {}).await?;
        if !bytes.is_empty() {
            check_type(&parts.headers, &["application/json", "*+json"])?;
        }
        Ok(Json(bytes))
    }
}

impl Json {
    /// Of the bytes as they came.
    pub(crate) fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Any JSON, as it came.
    pub(crate) fn text(&self) -> Result<String, Refusal> {
        self.document::<Box<RawValue>>(&self.0).map(|text| text.get().to_owned())
    }

    /// Any JSON.
    pub(crate) fn value(&self) -> Result<Value, Refusal> {
        self.document(&self.0)
    }

    /// An object of known members. No body is an empty object.
    pub(crate) fn members<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        self.document(if self.0.is_empty() { b"{}" } else { &self.0 })
    }

    /// The same, where the object holds what nobody may see: what is wrong is told without quoting any of it.
    pub(crate) fn secret<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        serde_json::from_slice(&self.0).map_err(|error| match error.classify() {
            Category::Data => Refusal::invalid_at(
                "",
                format!(
                    "the body is not {{\"value\": \"...\"}} (line {}, column {})",
                    error.line(),
                    error.column()
                ),
            ),
            _ => Refusal::new(
                Code::BadRequest,
                format!("the body is not JSON (line {}, column {})", error.line(), error.column()),
            ),
        })
    }

    fn document<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Refusal> {
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let read = serde_path_to_error::deserialize(&mut reader);
        let read = read.map_err(|error| (pointer(error.path().iter()), error.into_inner()));
        let whole =
            read.and_then(|value| reader.end().map(|()| value).map_err(|error| (String::new(), error)));
        whole.map_err(|(place, error)| match error.classify() {
            Category::Data => Refusal::invalid_at(place, error.to_string()),
            _ if self.0.is_empty() => {
                Refusal::new(Code::BadRequest, "there is no body, and JSON was expected")
            }
            _ => Refusal::new(Code::BadRequest, format!("the body is not JSON: {error}")),
        })
    }
}

/// For requests that say all in their URL: a body is empty, or an empty object.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::tests::told;

    fn typed(text: &str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, text.parse().unwrap())])
    }

    #[test]
    fn types_are_compared_without_their_parameters() {
        let json = ["application/json", "*+json"];
        assert!(check_type(&HeaderMap::new(), &json).is_ok());
        for good in ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"] {
            assert!(check_type(&typed(good), &json).is_ok(), "{good}");
        }
        for bad in ["text/plain", "application/x-www-form-urlencoded", "", "json"] {
            let refusal = check_type(&typed(bad), &json).unwrap_err();
            assert_eq!(told(refusal), ("unsupported-media-type", 415), "{bad}");
        }
    }

    #[test]
    fn broken_json_and_json_that_says_something_else_are_told_apart() {
        let read = |text: &'static str| Json(text.into()).members::<Nothing>().map_err(told);
        assert!(read("").is_ok() && read(" {} ").is_ok());
        assert_eq!(read("{").err(), Some(("bad-request", 400)));
        assert_eq!(read("{}x").err(), Some(("bad-request", 400)));
        assert_eq!(read("{\"a\":1}").err(), Some(("invalid", 422)));
        assert_eq!(read("1").err(), Some(("invalid", 422)));
        assert_eq!(Json(Bytes::new()).value().map_err(told).err(), Some(("bad-request", 400)));
    }
}
