//! What executes attempts: wasmtime's guests in the host ([`Components`](crate::Components)), scripted ones
//! in the simulation.

use sandglass_core::Digest;
use sandglass_runtime::{AttemptContext, BoxFuture, Finished};

pub trait Executor: Send + Sync + 'static {
    /// Executes one attempt of a component to its end. Whatever goes wrong on the way is how the attempt
    /// ended. Dropping the future ends the guest.
    fn attempt(&self, component: Digest, context: AttemptContext) -> BoxFuture<'_, Finished>;
}
