//! WebAssembly: compiling strangers' components, keeping them ready, and running one attempt of one.
//!
//! An upload goes to a child process ([`Compiler`], [`worker_main`]), which answers with a report and an
//! artifact. [`Runtime`] keeps artifacts as files, loads them, and runs attempts on threads of its own, each
//! with a new store that is never used again. What a guest may touch is in `capability`, one file each; every
//! call is checked there against the job's grants and limits.
//!
//! Only this crate names wasmtime. It must not know of the API, of the scheduler's decisions, or of a storage
//! backend: it reads through [`sandglass_store::Store`], sends requests through [`sandglass_outbound::Client`], and
//! hands what a guest wrote to its caller.

mod adapt;
mod attempt;
mod backtrace;
mod bindings;
mod cache;
mod capability;
mod compile;
mod confine;
mod engine;
mod execute;
mod inspect;
mod limiter;
mod link;
mod locate;
mod log;
mod meter;
mod origin;
mod outgoing;
mod preview1;
mod program;
mod redact;
mod runtime;
mod signature;
mod state;
mod verdict;
mod wasi;
mod wasi_http;
mod worker;

#[cfg(test)]
mod tests;

pub use attempt::{AttemptContext, BoxFuture, Clock, Committer, Finished, LogSink, Secrets};
pub use backtrace::Place;
pub use cache::{LoadError, Ready};
pub use compile::{CompileError, CompileLimit, CompileLimits, Compiled, Compiler};
pub use engine::ENGINE;
pub use inspect::Report;
pub use locate::locate;
pub use runtime::{Runtime, Settings, StartError};
pub use worker::{Answer, Inspector, worker_main};
