//! What the end-to-end tests share: the real binary as a process with a data folder of its own, a client of its
//! HTTP API over real sockets, and the components that were built for it.
//!
//! A test waits for what the host says (`wait=`, followed logs), and polls only where the host has nothing to
//! say. Whatever goes wrong is a panic, with what the host printed to stderr behind it.

mod answer;
mod client;
mod command;
mod fill;
mod follow;
mod footprint;
mod guest;
mod host;
mod instant;
mod place;
mod seed;
mod wait;

pub use answer::{Answer, ndjson, said};
pub use client::{Call, Client, answers};
pub use command::{Cli, Ended};
pub use fill::fill_caches;
pub use follow::Followed;
pub use footprint::Footprint;
pub use guest::guest;
pub use host::Host;
pub use instant::{instant, instants, millis_between, now};
pub use place::{binary, workspace};
pub use seed::seeded;
pub use wait::{PATIENCE, until};

/// Whether the tests may take their time: larger sizes, more rounds.
pub fn is_full() -> bool {
    // `cargo xtask test --full` sets it.
    std::env::var_os("SANDGLASS_FULL").is_some_and(|value| value == "1")
}
