//! A core module as it is: its imports, its exports, and what made it.

use super::world::{Signature, written};
use crate::origin::Origin;
use wasmparser::{ExternalKind, Parser, Payload, TypeRef, ValType, Validator, WasmFeatures};

/// Proposals that the engine does not run: what uses one is told so in its author's words.
const REFUSED: [(WasmFeatures, &str); 4] = [
    (WasmFeatures::THREADS, "threads: build it without them (no -pthread)"),
    (WasmFeatures::MEMORY64, "a 64-bit memory: build it for wasm32"),
    (
        WasmFeatures::EXCEPTIONS,
        "exceptions: build it without them (C++: -fno-exceptions; Rust: panic = \"abort\")",
    ),
    (WasmFeatures::GC, "the engine's garbage collection: jobs bring their own"),
];

/// What is read of a core module. Names are a stranger's text.
#[derive(Debug, Default)]
pub(super) struct Module {
    pub(super) imports: Vec<Import>,
    pub(super) exports: Vec<Export>,
    /// Component types came with it: a tool that knows components had a hand in it.
    pub(super) has_types: bool,
    /// A library for dynamic linking.
    pub(super) is_shared: bool,
    pub(super) origin: Origin,
}

#[derive(Debug)]
pub(super) struct Import {
    pub(super) module: String,
    pub(super) name: String,
    pub(super) item: Item,
}

#[derive(Debug)]
pub(super) struct Export {
    pub(super) name: String,
    pub(super) item: Item,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    Function(Signature),
    Memory,
    Other,
}

impl Module {
    /// Validates and reads a module.
    pub(super) fn read(bytes: &[u8]) -> Result<Module, String> {
        if let Err(error) = Validator::new_with_features(features(None)).validate_all(bytes) {
            return Err(uses_refused(bytes).unwrap_or_else(|| invalid(&error)));
        }
        Module::parse(bytes).map_err(|error| invalid(&error))
    }

    fn parse(bytes: &[u8]) -> wasmparser::Result<Module> {
        let mut module = Module { origin: Origin::of(bytes), ..Module::default() };
        let mut types: Vec<Signature> = Vec::new();
        let mut functions: Vec<u32> = Vec::new();
        let typed = |types: &[Signature], ty: u32| {
            Item::Function(types.get(ty as usize).cloned().unwrap_or_default())
        };
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::TypeSection(section) => {
                    for ty in section.into_iter_err_on_gc_types() {
                        let ty = ty?;
                        types.push(written(
                            ty.params().iter().copied().map(name),
                            ty.results().iter().copied().map(name),
                        ));
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        let item = match import.ty {
                            TypeRef::Func(ty) | TypeRef::FuncExact(ty) => {
                                functions.push(ty);
                                typed(&types, ty)
                            }
                            TypeRef::Memory(_) => Item::Memory,
                            _ => Item::Other,
                        };
                        let (from, name) = (import.module.to_string(), import.name.to_string());
                        module.imports.push(Import { module: from, name, item });
                    }
                }
                Payload::FunctionSection(section) => {
                    for ty in section {
                        functions.push(ty?);
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        let item = match export.kind {
                            ExternalKind::Func | ExternalKind::FuncExact => functions
                                .get(export.index as usize)
                                .map_or(Item::Other, |ty| typed(&types, *ty)),
                            ExternalKind::Memory => Item::Memory,
                            _ => Item::Other,
                        };
                        module.exports.push(Export { name: export.name.to_string(), item });
                    }
                }
                Payload::CustomSection(section) => {
                    module.has_types |= section.name().starts_with("component-type");
                    module.is_shared |= section.name() == "dylink.0";
                }
                _ => {}
            }
        }
        Ok(module)
    }

    /// The export of a name.
    pub(super) fn export(&self, name: &str) -> Option<&Item> {
        self.exports.iter().find(|export| export.name == name).map(|export| &export.item)
    }
}

/// What is validated against: all that the encoder knows, less what the engine does not run, but for one of these.
fn features(but: Option<WasmFeatures>) -> WasmFeatures {
    let refused = REFUSED.iter().filter(|(feature, _)| Some(*feature) != but);
    refused.fold(WasmFeatures::all(), |features, (feature, _)| features.difference(*feature))
}

/// What an invalid module would be valid with.
fn uses_refused(bytes: &[u8]) -> Option<String> {
    let is_valid =
        |feature| Validator::new_with_features(features(Some(feature))).validate_all(bytes).is_ok();
    let (_, what) = REFUSED.iter().find(|(feature, _)| is_valid(*feature))?;
    Some(format!("it uses {what}"))
}

fn name(ty: ValType) -> &'static str {
    match ty {
        ValType::I32 => "i32",
        ValType::I64 => "i64",
        ValType::F32 => "f32",
        ValType::F64 => "f64",
        ValType::V128 => "v128",
        ValType::Ref(_) => "ref",
    }
}

fn invalid(error: &wasmparser::BinaryReaderError) -> String {
    let reason = error.message();
    if reason.contains("unexpected end") {
        return format!("the module is cut short: {reason}; send the whole file");
    }
    format!("not a valid module: {reason} (at {:#x})", error.offset())
}
