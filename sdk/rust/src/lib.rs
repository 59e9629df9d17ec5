//! Jobs for Sandglass, in Rust.
//!
//! A job is a function that is called once per attempt, in a fresh instance of its component:
//!
//! ```
//! use sandglass::{Context, Failure, Op};
//! use std::time::Duration;
//!
//! #[derive(serde::Deserialize, serde::Serialize)]
//! struct Session {
//!     user: String,
//!     last_seen: sandglass::Instant,
//! }
//!
//! #[sandglass::job]
//! fn run(ctx: Context) -> Result<String, Failure> {
//!     let cutoff = ctx.now() - Duration::from_secs(30 * 86_400);
//!     let sessions = ctx.table::<Session>("sessions")?;
//!     let deleted = sessions.query().filter("last_seen", Op::Lt, cutoff).delete()?;
//!     ctx.email().to("ops@example.com").subject("Sessions").text(format!("{deleted} are gone")).send()?;
//!     Ok(format!("deleted {deleted} rows"))
//! }
//! # fn main() {}
//! ```
//!
//! Its crate is a `cdylib`, compiled with `cargo build --release --target wasm32-wasip2`.
//!
//! # What happens when
//!
//! Rows and emails of an attempt are kept apart until it returns `Ok`, and are then committed in one step
//! with the run's success. However else the attempt ends (a [`Failure`], a panic, a timeout, a crash of the
//! host), they are dropped. [`Context::checkpoint`] commits them earlier, with a note of how far the job
//! came. What leaves the host by [`http`] is not held back: give the outside world [`Context::run_id`] as an
//! idempotency key.
//!
//! # Logging
//!
//! The macros of the crate [`log`] write to the run's log; what is printed to stdout and stderr ends there
//! too. Every level is kept: [`log::set_max_level`] says less.
//!
//! # Tests
//!
//! A job's crate compiles for the machine it is written on, too. There is no host there, and every call that
//! needs one panics: keep decisions in functions of plain values, and test those.

#[doc(hidden)]
pub mod bindings;
mod context;
mod email;
mod entry;
mod error;
mod failure;
pub mod http;
mod instant;
mod logger;
mod query;
pub mod secret;
mod table;
mod trigger;

pub use context::Context;
pub use email::Email;
pub use error::{Code, Error, Result};
pub use failure::Failure;
pub use instant::Instant;
pub use log;
pub use query::{Op, Page, Query, Rows};
pub use sandglass_macros::job;
pub use serde_json;
pub use table::{Row, Table};
pub use trigger::Trigger;

/// For the code that `#[sandglass::job]` writes. Not part of the interface: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use crate::bindings::export;
    pub use crate::bindings::exports::sandglass::job::run::{Failure as WitFailure, Guest};
    pub use crate::entry::{start, ResultText, Returned};
}
