//! The HTTP API, under `/v1`: a file per resource, and what stands before all of them.
//!
//! A handler reads what the request says, asks the host, and writes what it got; decisions are made elsewhere.
//! Only this crate knows status codes (`problem`). It must not know of WebAssembly, nor of which backend
//! stores.
//!
//! Every answer waits until all that it was computed from is durable (`guard`); parts of a streamed answer
//! do too (`stream`), except for the newest lines of a log that is followed.

mod app;
mod audit;
mod auth;
mod body;
mod component;
mod condition;
mod connection;
mod email;
mod email_page;
mod event;
mod guard;
mod health;
mod hook;
mod host;
mod job;
mod link;
mod log;
mod once;
mod options;
mod page;
mod parameter;
mod path;
mod portal;
mod problem;
mod request;
mod right;
mod router;
mod row;
mod run;
mod schedule;
mod secret;
mod serve;
mod session;
mod stream;
mod table;
#[cfg(test)]
mod tests;
mod token;

pub use app::Backend;
pub use auth::{hash, new_token};
pub use link::Link;
pub use options::Options;
pub use portal::has_portal;
pub use serve::serve;
