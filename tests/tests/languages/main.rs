//! Jobs in every language: what their SDKs do, what their compilers make, what their authors are told, and the way
//! from nothing to a run. The compilers are those of `cargo xtask toolchains`, found by `PATH`.

mod broken;
mod conformance;
mod example;
mod fixture;
mod journey;
mod program;
mod tool;
