//! The one way by which the host makes requests over HTTP to the outside, for itself and for its guests.
//!
//! A request goes to a host and port that were granted, at an address that was checked, within limits of bytes
//! and time. The rules are `sandglass_core`'s ([`HttpGrant`](sandglass_core::grant::HttpGrant),
//! [`address`](sandglass_core::address), [`Target`](sandglass_core::target::Target)); this crate carries them out.
//!
//! - HTTP/1.1 over TCP or TLS 1.2 and 1.3. Every request has a connection of its own, without session tickets: what
//!   one job did is never seen by another, not even by how fast an answer comes.
//! - A redirect is an answer. Whoever follows one makes a new request, which is checked anew.
//! - No proxy is used, no cookie kept, nothing decompressed, whatever the environment says.
//!
//! It knows nothing of WebAssembly, of jobs, or of storage.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use sandglass_outbound::{Client, Limits, Request, Resolver, roots};
//!
//! let client = Client::new(Resolver::system(), roots(b"")?)?;
//! let grants = serde_json::from_str::<Vec<_>>(r#"["api.example.com"]"#)?;
//! let request = Request::new("POST", "https://api.example.com/v1/items")?
//!     .header("content-type", b"application/json")?
//!     .body("{}".into());
//! match client.send(&grants, Limits::default(), request).await {
//!     Ok(response) => println!("{} {:?}", response.status, response.ledger.exchange()),
//!     Err(failure) => println!("{} {:?}", failure.error, failure.exchange),
//! }
//! # Ok(())
//! # }
//! ```

mod body;
mod canned;
mod client;
mod connect;
mod error;
mod hosts;
mod ledger;
mod request;
mod resolve;

pub use body::Incoming;
pub use canned::Canned;
pub use client::{Client, Failure, Limits, Response};
pub use connect::roots;
pub use error::{Cause, Denial, Error};
pub use ledger::Ledger;
pub use request::Request;
pub use resolve::Resolver;
