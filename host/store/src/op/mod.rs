//! What the host does with its storage, as scripts over [`Write`](crate::Write) and looks over
//! [`Read`](crate::Read). Decisions are made in `core`; here they meet what is stored.

pub mod attempt;
pub mod audit;
pub mod batch;
pub mod claim;
pub mod component;
pub mod due;
pub mod effect;
pub mod email;
pub mod epoch;
pub mod index;
pub mod job;
mod listing;
pub mod log;
pub mod notice;
pub mod once;
pub mod pause;
pub mod recover;
pub mod run;
pub mod secret;
pub mod session;
mod skip;
pub mod source;
pub mod table;
pub mod token;
pub mod turn;

use crate::store::StoreError;
use sandglass_core::Problem;

/// Why an operation was not done, by what the caller can do about it. Nothing of it was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpError {
    #[error("{0}")]
    NotFound(String),
    /// It does not go with the state that things are in.
    #[error("{0}")]
    Conflict(String),
    /// The version that the caller expects is not the one that is there.
    #[error("{0}")]
    Stale(String),
    #[error("{}", .0.first().map_or_else(String::new, ToString::to_string))]
    Invalid(Vec<Problem>),
    /// Whoever asks may not have it, for these reasons.
    #[error("{}", .0.first().map_or_else(String::new, ToString::to_string))]
    Denied(Vec<Problem>),
    /// A limit would be passed, which the text names with its figure.
    #[error("{0}")]
    Limit(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}
