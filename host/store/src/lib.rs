//! What the host needs of storage: records under ordered keys, and transactions.
//!
//! A backend offers two things. [`Store::view`] looks at what is committed, all at one moment. And
//! [`Store::submit`] takes a script, runs it with nobody else writing, and commits what it wrote in one
//! atomic, durable step. Scripts that wait together may share such a step. The scripts themselves, which
//! are what the host does with its storage, stand in [`op`] and know no backend.
//!
//! It must not know of any backend, of WebAssembly, or of HTTP. It reads no clock.

mod chunk;
pub mod conformance;
pub mod day;
pub mod index;
pub mod key;
pub mod layer;
pub mod memory;
pub mod op;
pub mod post;
pub mod record;
pub mod space;
pub mod store;

pub use key::{Key, KeyRange};
pub use record::Record;
pub use space::Space;
pub use store::{Answer, Read, Store, StoreError, StoreExt, Verdict, Write};
