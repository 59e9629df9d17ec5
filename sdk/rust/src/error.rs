//! Why a call to the host was not done.

use crate::bindings::sandglass::job::types;
use std::fmt;

/// What the calls of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call was not done. The attempt goes on: the job decides what an error means to it. Returned from
/// the job with `?`, it becomes a [`Failure`](crate::Failure), to be tried again where the code is
/// [`Code::Unavailable`] or unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// For programs.
    pub code: Code,
    /// For people: what was wrong, with what, and what to do.
    pub message: String,
}

/// Kinds of errors, by what a job can do about them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Code {
    /// No grant of the job covers this; the message names the grant that would.
    Denied,
    /// There is no such row.
    NotFound,
    /// The row is there already, or its version is not the expected one.
    Conflict,
    /// The arguments break a rule, which the message names. This crate gives it, too: for values that do
    /// not serialize to JSON, and for rows and settings that are not of the expected type.
    Invalid,
    /// A limit would be passed; the message names it and its figure.
    Quota,
    /// It failed for now, and may work later.
    Unavailable,
    /// One that this version of the crate does not know. Treat it as [`Code::Unavailable`].
    Other(String),
}

impl Error {
    /// An error of a code, with a text for people.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::Invalid, message)
    }

    /// Whether the same call may work in a later attempt.
    pub fn is_retriable(&self) -> bool {
        matches!(self.code, Code::Unavailable | Code::Other(_))
    }
}

impl Code {
    /// The code as the host spells it: `denied`, `not-found`, ...
    pub fn as_str(&self) -> &str {
        match self {
            Self::Denied => "denied",
            Self::NotFound => "not-found",
            Self::Conflict => "conflict",
            Self::Invalid => "invalid",
            Self::Quota => "quota",
            Self::Unavailable => "unavailable",
            Self::Other(code) => code,
        }
    }

    fn from_host(code: String) -> Self {
        match code.as_str() {
            "denied" => Self::Denied,
            "not-found" => Self::NotFound,
            "conflict" => Self::Conflict,
            "invalid" => Self::Invalid,
            "quota" => Self::Quota,
            "unavailable" => Self::Unavailable,
            _ => Self::Other(code),
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Error {}

impl From<types::Error> for Error {
    fn from(error: types::Error) -> Self {
        Self { code: Code::from_host(error.code), message: error.message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_come_back_as_the_host_spells_them() {
        for code in ["denied", "not-found", "conflict", "invalid", "quota", "unavailable", "too-early"] {
            assert_eq!(Code::from_host(code.to_string()).as_str(), code);
        }
        assert_eq!(Code::from_host("not-found".to_string()), Code::NotFound);
    }

    #[test]
    fn what_may_pass_and_what_is_unknown_is_worth_another_try() {
        let retriable = |code| Error::new(code, "").is_retriable();
        assert!(retriable(Code::Unavailable));
        assert!(retriable(Code::Other("too-early".to_string())));
        assert!(!retriable(Code::Denied));
        assert!(!retriable(Code::Quota));
    }
}
