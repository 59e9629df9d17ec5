//! What the API answers in place of what was asked: problem documents (RFC 9457).
//!
//! The only place that pairs errors with status codes. What went wrong inside of the host goes to its log, and
//! not to the client.

use axum::Json;
use axum::extract::Request;
use axum::http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sandglass_core::Problem;
use sandglass_scheduler::{SecretError, UploadError};
use sandglass_store::StoreError;
use sandglass_store::op::OpError;
use serde::Serialize;

/// What went wrong, for programs. Each has a page in docs/errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Timeout,
    Conflict,
    PreconditionFailed,
    TooLarge,
    UnsupportedMediaType,
    Invalid,
    InvalidComponent,
    TooMany,
    Internal,
    Unavailable,
    NoSpace,
}

impl Code {
    /// The name of its page, and its title.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Code::BadRequest => ("bad-request", "The request cannot be read"),
            Code::Unauthorized => ("unauthorized", "No token, or not a valid one"),
            Code::Forbidden => ("forbidden", "Not allowed to do this"),
            Code::NotFound => ("not-found", "There is no such thing"),
            Code::MethodNotAllowed => ("method-not-allowed", "Not a method of this resource"),
            Code::Timeout => ("timeout", "It took too long"),
            Code::Conflict => ("conflict", "It does not go with the present state"),
            Code::PreconditionFailed => ("precondition-failed", "It is not in the expected version"),
            Code::TooLarge => ("too-large", "The body is too large"),
            Code::UnsupportedMediaType => ("unsupported-media-type", "The body is of the wrong type"),
            Code::Invalid => ("invalid", "Something in the request is not valid"),
            Code::InvalidComponent => ("invalid-component", "Not a component that can run here"),
            Code::TooMany => ("too-many", "A limit would be passed"),
            Code::Internal => ("internal", "The host failed"),
            Code::Unavailable => ("unavailable", "Not available now"),
            Code::NoSpace => ("no-space", "No space is left"),
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Code::BadRequest => StatusCode::BAD_REQUEST,
            Code::Unauthorized => StatusCode::UNAUTHORIZED,
            Code::Forbidden => StatusCode::FORBIDDEN,
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Code::Timeout => StatusCode::REQUEST_TIMEOUT,
            Code::Conflict => StatusCode::CONFLICT,
            Code::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Code::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Code::Invalid | Code::InvalidComponent => StatusCode::UNPROCESSABLE_ENTITY,
            Code::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Code::NoSpace => StatusCode::INSUFFICIENT_STORAGE,
        }
    }
}

/// An answer that refuses, before it is written: [`write()`] makes the document of it.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    code: Code,
    detail: String,
    problems: Vec<Problem>,
    /// What only the host's log may tell.
    cause: Option<String>,
}

/// Problems that one document lists.
const PROBLEMS_MAX: usize = 100;

impl Refusal {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Refusal {
        Refusal { code, detail: detail.into(), problems: Vec::new(), cause: None }
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Refusal {
        Refusal::new(Code::NotFound, detail)
    }

    /// Lists all of `problems`; the first one is the detail too.
    pub(crate) fn invalid(problems: Vec<Problem>) -> Refusal {
        Refusal::listing(Code::Invalid, problems)
    }

    /// Lists what the caller may not have.
    pub(crate) fn denied(problems: Vec<Problem>) -> Refusal {
        Refusal::listing(Code::Forbidden, problems)
    }

    /// One thing that is not valid, at a JSON pointer or at a parameter's name.
    pub(crate) fn invalid_at(pointer: impl Into<String>, message: impl Into<String>) -> Refusal {
        Refusal::invalid(vec![Problem::new(pointer, message)])
    }

    /// A fault of the host. The client learns that there was one.
    pub(crate) fn internal(cause: impl Into<String>) -> Refusal {
        let detail = "the host could not do this; its log says why";
        Refusal { cause: Some(cause.into()), ..Refusal::new(Code::Internal, detail) }
    }

    fn listing(code: Code, mut problems: Vec<Problem>) -> Refusal {
        let first = problems.first().map_or_else(String::new, ToString::to_string);
        let detail = match problems.len() {
            0 | 1 => first,
            count => format!("{count} problems; the first: {first}"),
        };
        problems.truncate(PROBLEMS_MAX);
        Refusal { problems, ..Refusal::new(code, detail) }
    }

    /// Its own text with more about what was done.
    pub(crate) fn and(mut self, more: &str) -> Refusal {
        self.detail.push_str(more);
        self
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Refusal {
        match error {
            StoreError::Full => Refusal::new(Code::NoSpace, format!("{error}: nothing was changed")),
            StoreError::Closed => Refusal::new(Code::Unavailable, "the host is stopping"),
            StoreError::Damaged(_) | StoreError::Failed(_) | StoreError::Stopped(_) => {
                Refusal::internal(error.to_string())
            }
        }
    }
}

impl From<OpError> for Refusal {
    fn from(error: OpError) -> Refusal {
        match error {
            OpError::NotFound(detail) => Refusal::new(Code::NotFound, detail),
            OpError::Conflict(detail) => Refusal::new(Code::Conflict, detail),
            OpError::Stale(detail) => Refusal::new(Code::PreconditionFailed, detail),
            OpError::Invalid(problems) => Refusal::invalid(problems),
            OpError::Denied(problems) => Refusal::denied(problems),
            OpError::Limit(detail) => Refusal::new(Code::TooMany, detail),
            OpError::Store(error) => error.into(),
        }
    }
}

impl From<UploadError> for Refusal {
    fn from(error: UploadError) -> Refusal {
        match error {
            UploadError::Refused(problems) => Refusal::listing(Code::InvalidComponent, problems),
            UploadError::Store(error) => error.into(),
            UploadError::Failed(cause) => Refusal::internal(cause),
        }
    }
}

impl From<SecretError> for Refusal {
    fn from(error: SecretError) -> Refusal {
        match error {
            SecretError::Op(error) => error.into(),
            SecretError::Key(detail) => Refusal::new(Code::Conflict, detail),
            SecretError::File(error) => Refusal::internal(error.to_string()),
            SecretError::Random(error) => Refusal::internal(error.to_string()),
        }
    }
}

impl IntoResponse for Refusal {
    /// Without a body: who writes it knows the request's path, this one does not.
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        let header = match self.code {
            Code::Unauthorized => Some((WWW_AUTHENTICATE, "Bearer")),
            Code::TooMany | Code::Unavailable => Some((RETRY_AFTER, "1")),
            Code::NoSpace => Some((RETRY_AFTER, "60")),
            _ => None,
        };
        if let Some((name, value)) = header {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// A problem document. `code` repeats the end of `type`, and `problems` stands where there are some.
#[derive(Debug, Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    code: &'static str,
    #[serde(skip_serializing_if = "<[Problem]>::is_empty")]
    problems: &'a [Problem],
    /// The path of the request.
    instance: &'a str,
}

/// The middleware that writes the document of a [`Refusal`], and its cause into the log.
pub(crate) async fn write(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    let Some(mut refusal) = response.extensions_mut().remove::<Refusal>() else { return response };
    if let Some(cause) = &refusal.cause {
        tracing::error!(%method, path, cause, "a request failed");
    }
    if refusal.code == Code::MethodNotAllowed {
        let allowed = response.headers().get(ALLOW).and_then(|allow| allow.to_str().ok()).unwrap_or_default();
        refusal.detail = format!("{method} does not apply here: this takes {allowed}");
    }
    document(&refusal, &path, std::mem::take(response.headers_mut()))
}

fn document(refusal: &Refusal, path: &str, mut headers: HeaderMap) -> Response {
    let (code, title) = refusal.code.words();
    let status = refusal.code.status();
    let document = Document {
        r#type: format!("urn:sandglass:error:{code}"),
        title,
        status: status.as_u16(),
        detail: &refusal.detail,
        code,
        problems: &refusal.problems,
        instance: path,
    };
    headers.remove(axum::http::header::CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    let mut response = (status, Json(document)).into_response();
    response.headers_mut().extend(headers);
    response
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::path::Path;

    const ALL: [Code; 16] = [
        Code::BadRequest,
        Code::Unauthorized,
        Code::Forbidden,
        Code::NotFound,
        Code::MethodNotAllowed,
        Code::Timeout,
        Code::Conflict,
        Code::PreconditionFailed,
        Code::TooLarge,
        Code::UnsupportedMediaType,
        Code::Invalid,
        Code::InvalidComponent,
        Code::TooMany,
        Code::Internal,
        Code::Unavailable,
        Code::NoSpace,
    ];

    /// The code and status of what would be answered.
    pub(crate) fn told(refusal: impl Into<Refusal>) -> (&'static str, u16) {
        let code = refusal.into().code;
        (code.words().0, code.status().as_u16())
    }

    #[test]
    fn each_error_has_its_status() {
        let text = String::new;
        for (error, expected) in [
            (OpError::NotFound(text()), ("not-found", 404)),
            (OpError::Conflict(text()), ("conflict", 409)),
            (OpError::Stale(text()), ("precondition-failed", 412)),
            (OpError::Invalid(Vec::new()), ("invalid", 422)),
            (OpError::Denied(Vec::new()), ("forbidden", 403)),
            (OpError::Limit(text()), ("too-many", 429)),
            (OpError::Store(StoreError::Full), ("no-space", 507)),
            (OpError::Store(StoreError::Closed), ("unavailable", 503)),
            (OpError::Store(StoreError::Damaged(text())), ("internal", 500)),
            (OpError::Store(StoreError::Failed(text())), ("internal", 500)),
        ] {
            assert_eq!(told(error), expected);
        }
        assert_eq!(told(UploadError::Refused(Vec::new())), ("invalid-component", 422));
        assert_eq!(told(UploadError::Store(StoreError::Full)), ("no-space", 507));
        assert_eq!(told(UploadError::Failed(text())), ("internal", 500));
    }

    #[test]
    fn what_went_wrong_inside_stays_inside() {
        let refusal = Refusal::from(StoreError::Failed("/secret/path".into()));
        assert!(!refusal.detail.contains("secret"));
        assert!(refusal.cause.is_some_and(|cause| cause.contains("secret")));
    }

    #[test]
    fn each_code_has_a_page_that_the_index_names() {
        let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors");
        let read = |name: &str| std::fs::read_to_string(pages.join(name)).expect(name);
        let index = read("README.md");
        for code in ALL {
            let (name, title) = code.words();
            let page = read(&format!("{name}.md"));
            assert!(page.starts_with(&format!("# {name}\n\n{title}")), "{name}");
            assert!(index.contains(&format!("[{name}]({name}.md) | {} |", code.status().as_u16())), "{name}");
        }
    }

    #[test]
    fn many_problems_are_counted_and_the_first_ones_listed() {
        let problem = |number: usize| Problem::new(format!("/{number}"), "is wrong");
        let refusal = Refusal::invalid((0..300).map(problem).collect());
        assert_eq!(refusal.detail, "300 problems; the first: /0: is wrong");
        assert_eq!(refusal.problems.len(), 100);
    }
}
