//! What the operations promise, over the in-memory store, at instants that the tests say.

mod emails;
mod indexes;
mod pauses;
mod policies;
mod runs;
mod world;
