//! How a job says that its work failed.

use crate::Error;
use std::any::Any;
use std::fmt;

/// How a job says that its work failed. What the attempt wrote since its last checkpoint is dropped.
///
/// `?` makes one of any error that implements [`std::error::Error`]. It asks for another attempt where that
/// is an [`Error`] of the host that may pass, and for none otherwise. A text alone is no error: write
/// `Err(Failure::new("no rows"))`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Whether another attempt is worth it. The job's retry policy says how many there are.
    pub retry: bool,
    /// For people: what failed, and with what. Kept with the run.
    pub message: String,
}

impl Failure {
    /// A failure that another attempt would only repeat.
    pub fn new(message: impl Into<String>) -> Self {
        Self { retry: false, message: message.into() }
    }

    /// A failure that may pass, such as a service that is down.
    pub fn retry(message: impl Into<String>) -> Self {
        Self { retry: true, message: message.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The message of the error and of what caused it, in one line.
///
/// `Failure` itself is therefore no [`std::error::Error`]: it would have two conversions from itself.
impl<E: std::error::Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let retry = (&error as &dyn Any).downcast_ref::<Error>().is_some_and(Error::is_retriable);
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            message.push_str(": ");
            message.push_str(&error.to_string());
            cause = error.source();
        }
        Self { retry, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    fn fails_with(error: impl std::error::Error + 'static) -> Failure {
        let result: Result<(), Failure> = (|| Err(error)?)();
        result.expect_err("it failed")
    }

    #[test]
    fn an_error_of_the_host_is_tried_again_where_it_may_pass() {
        let failure = fails_with(Error::new(Code::Unavailable, "no answer from api.example.com"));
        assert_eq!(failure, Failure::retry("unavailable: no answer from api.example.com"));
        let failure = fails_with(Error::new(Code::Denied, "grant tables.orders"));
        assert_eq!(failure, Failure::new("denied: grant tables.orders"));
    }

    #[test]
    fn any_other_error_is_final_and_tells_its_causes() {
        #[derive(Debug)]
        struct Wrapped(std::num::ParseIntError);
        impl fmt::Display for Wrapped {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("reading the total")
            }
        }
        impl std::error::Error for Wrapped {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                Some(&self.0)
            }
        }
        let failure = fails_with(Wrapped("x".parse::<u8>().expect_err("no number")));
        assert_eq!(failure, Failure::new("reading the total: invalid digit found in string"));
    }
}
