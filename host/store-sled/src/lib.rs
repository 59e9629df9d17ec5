//! The embedded store: the backend that Sandglass uses when it is given nothing but a folder.
//!
//! ```text
//! data/lock                    held by the process that uses the folder
//! data/format                  the version of all this
//! data/state/                  one database: what stays
//! data/history/2026-01-31/     one database a day: ended runs and their logs, dropped as a whole
//! ```
//!
//! One thread owns all writing (`commit`). It runs every script that waits, folds what they wrote into one
//! atomic batch, writes and syncs it, and then answers them all: a hundred commits cost one sync.
//!
//! Only this crate knows of sled, and of its traps: see `database` and `value`. It must not know what
//! is stored; it reads no clock.

mod commit;
mod database;
mod folder;
mod history;
mod progress;
mod store;
mod value;

pub use folder::OpenError;
pub use store::{Options, SledStore, Stats};
