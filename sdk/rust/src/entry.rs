//! What happens around a job's function: the macro's glue calls this, so that it needs to say little.

use crate::{bindings, logger, Context, Failure};

/// Readies an attempt.
pub fn start(input: Option<String>) -> Context {
    logger::install();
    Context::new(input)
}

/// What a job's function returned. `text` is chosen by the type: one of the functions below where it fits,
/// else the trait's, which the glue brings into scope.
pub struct Returned<T>(pub T);

impl Returned<()> {
    /// Nothing to keep with the run.
    pub fn text(self) -> Option<String> {
        None
    }
}

impl<T: ToString> Returned<Option<T>> {
    /// What to keep with the run, if anything.
    pub fn text(self) -> Option<String> {
        self.0.map(|value| value.to_string())
    }
}

/// The text of everything that has one.
pub trait ResultText {
    /// What to keep with the run.
    fn text(self) -> Option<String>;
}

impl<T: ToString> ResultText for Returned<T> {
    fn text(self) -> Option<String> {
        Some(self.0.to_string())
    }
}

impl From<Failure> for bindings::exports::sandglass::job::run::Failure {
    fn from(failure: Failure) -> Self {
        Self { retry: failure.retry, message: failure.message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_job_returns_becomes_text_or_nothing() {
        let opaque: Box<dyn std::fmt::Display> = Box::new(7);
        assert_eq!(Returned(()).text(), None);
        assert_eq!(Returned(None::<u8>).text(), None);
        assert_eq!(Returned(Some(3)).text().as_deref(), Some("3"));
        assert_eq!(Returned("three").text().as_deref(), Some("three"));
        assert_eq!(Returned(String::from("three")).text().as_deref(), Some("three"));
        assert_eq!(Returned(opaque).text().as_deref(), Some("7"));
    }
}
