//! How a command ends when it did not do what it was asked: what is printed, and the exit status.
//!
//! | status | meaning |
//! | --- | --- |
//! | 0 | done |
//! | 1 | the run or the command failed |
//! | 2 | the command line asks for something that does not exist |
//! | 3 | the host cannot be reached, or refuses |

use crate::client::problem::Refusal;
use crate::render::text;
use std::io::{self, Write};
use std::process::ExitCode;

/// The ends that have a status of their own. Every other error is a command that failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    /// The run failed, and that is printed already.
    #[error("the run failed")]
    RunFailed,
    #[error("{0}")]
    Usage(String),
    /// No answer from a host, or one that is not a host's.
    #[error("{0}")]
    Unreachable(String),
    #[error("{0}")]
    Refused(Box<Refusal>),
}

/// Prints why the command ended, and gives the status.
pub(crate) fn end(error: &anyhow::Error) -> ExitCode {
    // Whoever read our output has seen enough: `sandglass runs | head`.
    if is_closed_pipe(error) {
        return ExitCode::SUCCESS;
    }
    if !matches!(error.downcast_ref(), Some(Stop::RunFailed)) {
        let red = anstyle::AnsiColor::Red.on_default().bold();
        // Messages may quote what a host or a guest said.
        let message = message(error);
        let _ = writeln!(anstream::stderr(), "{red}error:{red:#} {}", text::plain_lines(&message));
    }
    ExitCode::from(status(error))
}

fn status(error: &anyhow::Error) -> u8 {
    match error.downcast_ref() {
        None | Some(Stop::RunFailed) => 1,
        Some(Stop::Usage(_)) => 2,
        Some(Stop::Unreachable(_) | Stop::Refused(_)) => 3,
    }
}

/// The error with what it happened to: "the deployment: no such file".
fn message(error: &anyhow::Error) -> String {
    let chain: Vec<String> = error.chain().map(ToString::to_string).collect();
    chain.join(": ")
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn every_end_has_its_status() {
        let refusal = Refusal { status: 404, ..Refusal::default() };
        for (error, expected) in [
            (anyhow::anyhow!("no such file"), 1),
            (Stop::RunFailed.into(), 1),
            (Stop::Usage("x".into()).into(), 2),
            (Stop::Unreachable("x".into()).into(), 3),
            (Stop::Refused(Box::new(refusal)).into(), 3),
        ] {
            assert_eq!(status(&error), expected, "{error}");
        }
    }

    #[test]
    fn what_is_said_around_an_error_keeps_its_status() {
        let error =
            Err::<(), _>(Stop::Unreachable("nobody answers".into())).context("the import").unwrap_err();
        assert_eq!((status(&error), message(&error).as_str()), (3, "the import: nobody answers"));
    }

    #[test]
    fn a_reader_that_left_is_no_failure() {
        let closed = io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(is_closed_pipe(&closed.into()));
        assert!(!is_closed_pipe(&io::Error::from(io::ErrorKind::NotFound).into()));
    }
}
