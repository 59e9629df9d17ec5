//! Strangers' code and strangers' bytes: what a guest or an upload does costs itself at most, and never the host or
//! its neighbours.
//!
//! `guest` has the guests and `upload` the uploads, each with what must become of it. `cargo xtask test hostile`
//! runs all of them twice, and with `--full` 50 times.

mod arena;
mod guest;
mod injection;
mod limit;
mod name;
mod server;
mod upload;
mod wat;
