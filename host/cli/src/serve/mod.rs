//! The host as a process: its settings, its folder, its first token, its start and its end. The only part of
//! this crate that knows more of the host than its public API.

pub(crate) mod config;
pub(crate) mod data;
mod memory;
mod metrics;
pub(crate) mod portal;
pub(crate) mod process;
pub(crate) mod secret;
mod smtp;
pub(crate) mod token;
