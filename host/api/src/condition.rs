//! Conditional requests (RFC 9110, section 13): what the caller expects of the thing that it changes.
//!
//! An entity tag is a version in quotes, and strong. Jobs, rows and secrets have versions.

use crate::problem::{Code, Refusal};
use axum::extract::FromRequestParts;
use axum::http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use sandglass_core::Name;
use sandglass_store::Read;
use sandglass_store::op::OpError;
use sandglass_store::op::job::{self, Expect};

/// `If-Match` and `If-None-Match` of a request that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    None,
    /// `If-None-Match: *`: it is not there yet.
    Absent,
    /// `If-Match: *`: it is there.
    Present,
    /// `If-Match` with its version.
    Version(u64),
    /// `If-Match` with a tag that is no version of anything here.
    Never,
}

impl<S: Sync> FromRequestParts<S> for Condition {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Condition, Refusal> {
        Condition::read(&parts.headers)
    }
}

impl Condition {
    fn read(headers: &HeaderMap) -> Result<Condition, Refusal> {
        let bad = |detail: &str| Err(Refusal::new(Code::BadRequest, detail));
        match (text(headers, &IF_MATCH), text(headers, &IF_NONE_MATCH)) {
            (Ok(None), Ok(None)) => Ok(Condition::None),
            (Ok(None), Ok(Some("*"))) => Ok(Condition::Absent),
            (Ok(None), Ok(Some(_))) => bad("If-None-Match of a change takes only *"),
            (Ok(Some("*")), Ok(None)) => Ok(Condition::Present),
            (Ok(Some(tag)), Ok(None)) => match opaque(tag) {
                Some(Tag { weak: false, text }) => {
                    Ok(text.parse().map_or(Condition::Never, Condition::Version))
                }
                Some(Tag { weak: true, .. }) => Ok(Condition::Never),
                None => {
                    bad("If-Match takes one entity tag as an answer's ETag gave it, quotes included: \"17\"")
                }
            },
            (Ok(Some(_)), Ok(Some(_))) => bad("If-Match and If-None-Match contradict each other"),
            _ => bad("If-Match and If-None-Match are given once, in ASCII"),
        }
    }

    /// What it means for the job of this name.
    pub(crate) fn of_job(self, read: &dyn Read, name: &Name) -> Result<Expect, OpError> {
        match self {
            Condition::None => Ok(Expect::Anything),
            Condition::Absent => Ok(Expect::Absent),
            Condition::Version(version) => Ok(Expect::Version(version)),
            Condition::Present => match job::find(read, name) {
                Err(OpError::NotFound(message)) => Err(OpError::Stale(message)),
                found => found.map(|_| Expect::Anything),
            },
            Condition::Never => Err(OpError::Stale(format!("the tag in If-Match is none of job `{name}`"))),
        }
    }

    /// Judges the version that something has, none where it is not there.
    pub(crate) fn expects(self, what: &str, version: Option<u64>) -> Result<(), OpError> {
        match (self.of_version(what, version.is_some())?, version) {
            (None, _) => Ok(()),
            (Some(expected), Some(version)) if expected == version => Ok(()),
            (Some(expected), Some(version)) => Err(OpError::Stale(format!(
                "{what} is at version {version}, not {expected}: look at it again"
            ))),
            (Some(_), None) => Err(OpError::Stale(format!("{what} is not there"))),
        }
    }

    /// The version that something must have, none where any will do. `there` says whether it exists.
    pub(crate) fn of_version(self, what: &str, there: bool) -> Result<Option<u64>, OpError> {
        match self {
            Condition::None => Ok(None),
            Condition::Version(version) => Ok(Some(version)),
            Condition::Present if there => Ok(None),
            Condition::Absent if !there => Ok(None),
            Condition::Present => Err(OpError::Stale(format!("{what} is not there"))),
            Condition::Absent => Err(OpError::Stale(format!("{what} is there already"))),
            Condition::Never => Err(OpError::Stale(format!("the tag in If-Match is none of {what}"))),
        }
    }
}

/// The entity tag of a version.
pub(crate) fn etag(version: u64) -> HeaderValue {
    tag(&version.to_string())
}

/// The entity tag of what never changes, by its digest.
pub(crate) fn tag(text: &str) -> HeaderValue {
    HeaderValue::try_from(format!("\"{text}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

/// Whether a reader has this already: `If-None-Match` of a GET.
pub(crate) fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let Ok(tag) = tag.to_str() else { return false };
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known.flat_map(|list| list.split(',')).map(str::trim).any(|known| {
        // Weak comparison: a reader does not care how it got the same version.
        known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag
    })
}

struct Tag<'a> {
    weak: bool,
    text: &'a str,
}

/// One entity tag, none where the text is not one.
fn opaque(text: &str) -> Option<Tag<'_>> {
    let (weak, quoted) = text.strip_prefix("W/").map_or((false, text), |rest| (true, rest));
    let text = quoted.strip_prefix('"')?.strip_suffix('"')?;
    (!text.contains('"')).then_some(Tag { weak, text })
}

/// A header that is given once, trimmed.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(|text| Some(text.trim())).map_err(drop),
        (Some(_), Some(_)) => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::tests::told;

    fn headers(list: &[(HeaderName, &str)]) -> HeaderMap {
        list.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn conditions_are_read() {
        for (given, expected) in [
            (&[][..], Some(Condition::None)),
            (&[(IF_MATCH, "\"17\"")], Some(Condition::Version(17))),
            (&[(IF_MATCH, " \"17\" ")], Some(Condition::Version(17))),
            (&[(IF_MATCH, "*")], Some(Condition::Present)),
            (&[(IF_MATCH, "W/\"17\"")], Some(Condition::Never)),
            (&[(IF_MATCH, "\"abc\"")], Some(Condition::Never)),
            (&[(IF_MATCH, "\"-1\"")], Some(Condition::Never)),
            (&[(IF_NONE_MATCH, "*")], Some(Condition::Absent)),
            (&[(IF_MATCH, "17")], None),
            (&[(IF_MATCH, "\"")], None),
            (&[(IF_MATCH, "\"17\", \"18\"")], None),
            (&[(IF_NONE_MATCH, "\"17\"")], None),
            (&[(IF_MATCH, "*"), (IF_NONE_MATCH, "*")], None),
        ] {
            match (Condition::read(&headers(given)), expected) {
                (Ok(condition), Some(expected)) => assert_eq!(condition, expected, "{given:?}"),
                (Err(refusal), None) => assert_eq!(told(refusal), ("bad-request", 400), "{given:?}"),
                other => panic!("{given:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_reader_that_has_it_is_recognized() {
        let tag = etag(17);
        assert_eq!(tag, "\"17\"");
        for (given, known) in [
            ("\"17\"", true),
            ("W/\"17\"", true),
            ("\"1\", \"17\"", true),
            ("*", true),
            ("\"1\"", false),
            ("17", false),
        ] {
            assert_eq!(is_known(&headers(&[(IF_NONE_MATCH, given)]), &tag), known, "{given}");
        }
    }

    #[test]
    fn what_is_expected_of_a_thing_depends_on_whether_it_is_there() {
        for (condition, there, expected) in [
            (Condition::None, false, Some(None)),
            (Condition::Version(3), true, Some(Some(3))),
            (Condition::Present, true, Some(None)),
            (Condition::Present, false, None),
            (Condition::Absent, false, Some(None)),
            (Condition::Absent, true, None),
            (Condition::Never, true, None),
        ] {
            assert_eq!(condition.of_version("it", there).ok(), expected, "{condition:?} {there}");
        }
    }
}
