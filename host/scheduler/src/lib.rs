//! The loops around the core: what is due is claimed and executed, what ended is recorded, what is old goes.
//!
//! [`Host`] is what the API talks to. It must not know of HTTP, nor of which backend stores.

mod claim;
mod component;
mod execute;
mod host;
mod log;
mod prune;
mod recover;

pub use claim::Lateness;
pub use component::{Upload, UploadError};
pub use host::{Host, Options, StartError};
pub use log::{Followed, Place};
pub use recover::Recovered;
