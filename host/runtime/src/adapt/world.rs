//! The interfaces that core modules are held against, and the adapter that fits them.

use super::Kind;
use std::collections::HashMap;
use wit_component::StringEncoding;
use wit_parser::abi::{AbiVariant, WasmSignature, WasmType};
use wit_parser::{Resolve, TypeDefKind, WorldId, WorldItem};

const JOB: &str = include_str!("../../../../wit/job.wit");
const CLI: &str = include_str!("cli.wit");
const SYSTEM: &str = include_str!("system.wit");
const ADAPTER: &str = include_str!("preview1.wat");
/// What stands before the lines of the adapter that are of programs alone.
const OF_PROGRAMS: &str = ";;program ";

/// Parsed anew for each module: it takes some tenths of a millisecond.
pub(super) struct World {
    pub(super) resolve: Resolve,
    job: WorldId,
    main: WorldId,
    library: WorldId,
    program: WorldId,
}

/// A function as core WebAssembly has it, such as `(i32, i64) -> (i32)`.
pub(super) type Signature = String;

impl World {
    pub(super) fn new() -> anyhow::Result<World> {
        let mut resolve = Resolve::default();
        let job = resolve.push_source("job.wit", JOB)?;
        resolve.push_source("cli.wit", CLI)?;
        let own = resolve.push_source("system.wit", SYSTEM)?;
        let job = resolve.select_world(&[job], Some("job"))?;
        let main = resolve.select_world(&[own], Some("main"))?;
        let library = resolve.select_world(&[own], Some("library"))?;
        let program = resolve.select_world(&[own], Some("program"))?;
        Ok(World { resolve, job, main, library, program })
    }

    /// The world of a module that names none itself.
    pub(super) fn of(&self, kind: Kind) -> WorldId {
        match kind {
            Kind::Library => self.job,
            Kind::Program => self.main,
        }
    }

    /// The adapter for preview 1, ready for the encoder.
    pub(super) fn adapter(&mut self, kind: Kind) -> anyhow::Result<Vec<u8>> {
        let (text, world) = match kind {
            Kind::Library => (ADAPTER.to_string(), self.library),
            Kind::Program => (ADAPTER.replace(OF_PROGRAMS, ""), self.program),
        };
        let mut bytes = wat::parse_str(text)?;
        wit_component::embed_component_metadata(&mut bytes, &self.resolve, world, StringEncoding::UTF8)?;
        Ok(bytes)
    }

    /// The functions that a job can import, by module and name.
    pub(super) fn imports(&self) -> HashMap<(String, String), Signature> {
        let mut found = HashMap::new();
        for (key, item) in &self.resolve.worlds[self.job].imports {
            let WorldItem::Interface { id, .. } = item else { continue };
            let module = self.resolve.name_world_key(key);
            let interface = &self.resolve.interfaces[*id];
            for (name, function) in &interface.functions {
                let signature = self.resolve.wasm_signature(AbiVariant::GuestImport, function);
                found.insert((module.clone(), name.clone()), of(&signature));
            }
            for (name, ty) in &interface.types {
                if matches!(self.resolve.types[*ty].kind, TypeDefKind::Resource) {
                    found.insert((module.clone(), format!("[resource-drop]{name}")), "(i32)".into());
                }
            }
        }
        found
    }

    /// The function that a job exports: its name and its signature.
    pub(super) fn run(&self) -> Option<(String, Signature)> {
        let exports = &self.resolve.worlds[self.job].exports;
        exports.iter().find_map(|(key, item)| {
            let WorldItem::Interface { id, .. } = item else { return None };
            let function = self.resolve.interfaces[*id].functions.get("run")?;
            let signature = self.resolve.wasm_signature(AbiVariant::GuestExport, function);
            Some((format!("{}#run", self.resolve.name_world_key(key)), of(&signature)))
        })
    }
}

fn of(signature: &WasmSignature) -> Signature {
    let name = |ty: &WasmType| match ty {
        WasmType::I64 | WasmType::PointerOrI64 => "i64",
        WasmType::F32 => "f32",
        WasmType::F64 => "f64",
        WasmType::I32 | WasmType::Pointer | WasmType::Length => "i32",
    };
    written(signature.params.iter().map(name), signature.results.iter().map(name))
}

/// `(i32, i64) -> (i32)`, and without the arrow where there is no result.
pub(super) fn written<'a>(
    params: impl Iterator<Item = &'a str>,
    results: impl Iterator<Item = &'a str>,
) -> Signature {
    let list = |types: Vec<&str>| format!("({})", types.join(", "));
    let (params, results): (Vec<&str>, Vec<&str>) = (params.collect(), results.collect());
    if results.is_empty() { list(params) } else { format!("{} -> {}", list(params), list(results)) }
}
