//! The pure part of the host: what the words of Sandglass mean, as types and decisions.
//!
//! Decisions are functions of (state, event, now) that give a new state and effects. Nothing here does
//! I/O, reads a clock, draws a random number, or knows of storage, WebAssembly or HTTP.

pub mod address;
pub mod delivery;
pub mod effect;
pub mod email;
pub mod epoch;
pub mod exchange;
pub mod grant;
pub mod host;
pub mod id;
pub mod index;
pub mod job;
pub mod limit;
pub mod log;
pub mod notify;
pub mod occurrence;
pub mod policy;
pub mod problem;
pub mod query;
pub mod retention;
pub mod right;
pub mod row;
pub mod run;
pub mod schedule;
pub mod secret;
pub mod spec;
pub mod target;
pub mod time;
pub mod webhook;

pub use id::{Digest, JobId, Name, RunId};
pub use problem::Problem;
pub use secret::{SecretName, SecretValue};
pub use time::{Instant, Span};
