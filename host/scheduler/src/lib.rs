//! The loops around the core: what is due is claimed and executed, what ended is recorded, what is old goes.
//!
//! [`Host`] is what the API talks to. It must not know of HTTP, nor of which backend stores.

mod claim;
mod component;
mod deliver;
mod execute;
mod executor;
mod host;
mod index;
mod log;
pub mod metric;
mod notify;
mod prune;
mod recover;
mod vault;
mod warm;
mod watch;

pub use claim::Lateness;
pub use component::{Components, Upload, UploadError};
pub use deliver::{MailProblem, MailRoute, Password};
pub use executor::Executor;
pub use host::{Host, Options, Random, StartError, system_random};
pub use log::{Followed, Follower, Place};
pub use recover::Recovered;
pub use sandglass_runtime::ENGINE;
pub use vault::{FileError, Key, KeySource, Keyring, Rotated, SecretError, Vault};
