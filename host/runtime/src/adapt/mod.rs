//! From a core module to a component: what a compiler made that knows nothing of components.
//!
//! A core module speaks of the host by the canonical names of `wit/job.wit`, and of its system by WASI preview 1. It
//! gets the world's types, and an adapter that stands for preview 1. Two kinds are taken: a library that exports
//! `run`, and a program that has a `main`.
//!
//! Bytes come from strangers: all of this happens in the compiling process.

mod advice;
mod module;
mod world;

#[cfg(test)]
mod tests;

use module::Module;
use wit_component::{ComponentEncoder, StringEncoding};
use world::World;

/// The module that core modules import their system from.
pub(crate) const PREVIEW1: &str = "wasi_snapshot_preview1";

/// What the adapter imports: nothing of somebody else's may.
pub(crate) const SYSTEM: &str = "sandglass:preview1/system@0.1.0";

/// A component that was made of a core module.
pub(crate) struct Adapted {
    pub(crate) component: Vec<u8>,
    /// What was done, for people.
    pub(crate) told: Vec<String>,
}

/// What a core module is to the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It exports `run`.
    Library,
    /// It exports `_start`, which calls `main`.
    Program,
}

/// Makes a component of a core module, or says what its author has to change.
pub(crate) fn adapt(bytes: &[u8]) -> Result<Adapted, Vec<String>> {
    let internal = |what: &str, error: &dyn std::fmt::Display| vec![format!("{what}: {error:#}")];
    let module = Module::read(bytes).map_err(|message| vec![message])?;
    let mut world = World::new().map_err(|error| internal("the host's own interfaces", &error))?;
    let kind = advice::kind(&module).map_err(|message| vec![message])?;
    let adapter = world.adapter(kind).map_err(|error| internal("the host's own adapter", &error))?;
    let system = Module::read(&adapter).map_err(|message| vec![message])?;
    let problems = advice::problems(&module, kind, &world, &system);
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut told = vec![match kind {
        Kind::Library => "a core module: the host made a component of it".to_string(),
        Kind::Program => "a core module with a `main`: the host made a component of it".to_string(),
    }];
    let mut bytes = bytes.to_vec();
    if !module.has_types {
        wit_component::embed_component_metadata(
            &mut bytes,
            &world.resolve,
            world.of(kind),
            StringEncoding::UTF8,
        )
        .map_err(|error| internal("the host's own interfaces", &error))?;
    }
    // The compiler validates what comes of it.
    let mut encoder = ComponentEncoder::default();
    encoder.validate(false).module(&bytes).map_err(|error| vec![advice::refused(&error)])?;
    if kind == Kind::Program || module.imports.iter().any(|import| import.module == PREVIEW1) {
        encoder.adapter(PREVIEW1, &adapter).map_err(|error| internal("the host's own adapter", &error))?;
        told.push(format!("{PREVIEW1} is the host's adapter"));
    }
    let component = encoder.encode().map_err(|error| vec![advice::refused(&error)])?;
    Ok(Adapted { component, told })
}
