//! What an upload is: whether it is a component, whether it is one of the world `job`, and if not, why not.
//!
//! Bytes come from strangers: all of this happens in the compiling process.

use crate::adapt::{self, Adapted};
use crate::bindings::{JobPre, exports::sandglass::job::run::Failure};
use crate::link::{self, Import};
use crate::origin::Origin;
use crate::signature;
use crate::state::State;
use sandglass_core::Problem;
use sandglass_core::limit::{Bytes, Limits, fixed};
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use wasmtime::component::types::{self, ComponentItem};
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker};
use wasmtime::{Engine, Error};

/// What is told of an upload that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// `component` of the world `job`, `module` (a core module that exports the same), or `command` (a program with
    /// a `main`, be it a component or a core module).
    pub kind: String,
    /// The language of its author and the tools that made it, as far as it tells.
    pub language: Option<String>,
    pub tools: Vec<String>,
    /// Whether it carries the lines of its source, for backtraces.
    pub source_lines: bool,
    /// What was done to make a component of a core module, for people.
    pub adapted: Vec<String>,
    /// Names with versions, such as `sandglass:job/log@0.1.0`, sorted.
    pub imports: Vec<String>,
    pub exports: Vec<String>,
    /// What is allowed and may still surprise, for people.
    pub warnings: Vec<String>,
}

/// Why an upload is not accepted.
#[derive(Debug)]
pub(crate) enum Refusal {
    Problems(Vec<Problem>),
    /// The compiler had not enough memory.
    OutOfMemory,
}

impl From<String> for Refusal {
    fn from(message: String) -> Refusal {
        Refusal::Problems(vec![Problem::new("", message)])
    }
}

/// The names of imports and exports that are listed, in reports and in problems.
const NAMES_MAX: usize = 200;
const PROBLEMS_MAX: usize = 20;

/// Validates and compiles `bytes`, and makes sure that the result can be run here.
pub(crate) fn inspect(
    engine: &Engine,
    linker: &Linker<State>,
    bytes: &[u8],
) -> Result<(Component, Report), Refusal> {
    let adapted = match recognize(bytes)? {
        Form::Component => None,
        Form::Module => {
            let adapted = adapt::adapt(bytes);
            Some(adapted.map_err(|messages| {
                Refusal::Problems(messages.into_iter().map(|message| Problem::new("", message)).collect())
            })?)
        }
    };
    let of_component = adapted.as_ref().map_or(bytes, |adapted| &adapted.component);
    let component = Component::from_binary(engine, of_component).map_err(|error| {
        if is_out_of_memory(&error) { Refusal::OutOfMemory } else { invalid(&error).into() }
    })?;
    let origin = Origin::of(bytes);
    let mut warnings = Vec::new();
    let mut problems = imports(engine, &component, adapted.is_some(), &mut warnings);
    if origin.has_runtime() {
        // Language runtimes import all that there is: that says nothing of the job.
        warnings.clear();
    }
    problems.extend(resources(&component, &mut warnings));
    problems.extend(export(engine, &component));
    if problems.is_empty()
        && let Err(error) = prepare(linker, &component)
    {
        problems.push(unlinkable(&error));
    }
    if !problems.is_empty() {
        problems.truncate(PROBLEMS_MAX);
        let problems = problems.into_iter().map(|message| Problem::new("", message));
        return Err(Refusal::Problems(problems.collect()));
    }
    let ty = component.component_type();
    let names = |names: &mut dyn Iterator<Item = &str>| {
        let mut names: Vec<String> = names.take(NAMES_MAX).map(brief).collect();
        names.sort_unstable();
        names
    };
    let is_program = program(&component).is_some();
    let kind = match (is_program, &adapted) {
        (true, _) => "command",
        (false, Some(_)) => "module",
        (false, None) => "component",
    };
    let Origin { language, tools, source_lines, .. } = origin;
    let report = Report {
        kind: kind.into(),
        language,
        tools,
        source_lines,
        adapted: adapted.map_or_else(Vec::new, |Adapted { told, .. }| told),
        imports: names(&mut ty.imports(engine).map(|(name, _)| name).filter(|name| *name != adapt::SYSTEM)),
        exports: names(&mut ty.exports(engine).map(|(name, _)| name)),
        warnings,
    };
    Ok((component, report))
}

/// Resolves all that an attempt would have to look up.
pub(crate) fn prepare(linker: &Linker<State>, component: &Component) -> wasmtime::Result<Entry> {
    let own = link::refusing(linker, component)?;
    let pre: InstancePre<State> = own.as_ref().unwrap_or(linker).instantiate_pre(component)?;
    match program(component) {
        Some((_, run)) => Ok(Entry::Program(pre, run)),
        None => JobPre::new(pre).map(Entry::Job),
    }
}

/// How an attempt begins.
pub(crate) enum Entry {
    /// By the function `run` of the world `job`.
    Job(JobPre<State>),
    /// By the `main` of a program, which is behind this export.
    Program(InstancePre<State>, ComponentExportIndex),
}

impl Entry {
    pub(crate) fn engine(&self) -> &Engine {
        match self {
            Entry::Job(pre) => pre.engine(),
            Entry::Program(pre, _) => pre.engine(),
        }
    }

    pub(crate) fn is_program(&self) -> bool {
        matches!(self, Entry::Program(..))
    }
}

/// The export by which a program is run, where the component is one and no job of the world `job`.
fn program(component: &Component) -> Option<(ComponentItem, ComponentExportIndex)> {
    let ty = component.component_type();
    let exports = || ty.exports(component.engine()).map(|(name, _)| name);
    if exports().any(|name| name.starts_with("sandglass:job/run@")) {
        return None;
    }
    let is_run = |name: &&str| {
        name.strip_prefix(PROGRAM).is_some_and(|version| link::is_compatible(version, &link::WASI_VERSION))
    };
    let (_, interface) = component.get_export(None, exports().find(is_run)?)?;
    component.get_export(Some(&interface), "run")
}

/// The interface that a program exports, before its version.
const PROGRAM: &str = "wasi:cli/run@";

/// What an upload is by its first bytes.
pub(crate) enum Form {
    Component,
    Module,
}

fn is_out_of_memory(error: &Error) -> bool {
    let of_system = |error: &(dyn std::error::Error + 'static)| {
        error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::OutOfMemory)
    };
    error.is::<wasmtime::OutOfMemory>() || error.chain().any(of_system)
}

/// The start of a stranger's name, fit for a message.
fn brief(name: &str) -> String {
    const CHARACTERS_MAX: usize = 120;
    name.chars().take(CHARACTERS_MAX).flat_map(char::escape_debug).collect()
}

/// Tells a component from everything else by its first eight bytes.
pub(crate) fn recognize(bytes: &[u8]) -> Result<Form, String> {
    const COMPONENT: [u8; 4] = [0x0d, 0, 1, 0];
    const MODULE: [u8; 4] = [1, 0, 0, 0];
    let how = "upload the .wasm file that the compiler made (for Rust: --target wasm32-wasip2)";
    let Some(kind) = bytes.strip_prefix(b"\0asm") else {
        let text = bytes.trim_ascii_start();
        if text.starts_with(b"(component") || text.starts_with(b"(module") || text.starts_with(b";;") {
            return Err(
                "this is WebAssembly's text format: send the binary one (wasm-tools parse makes it)".into()
            );
        }
        return Err(format!("not WebAssembly: it does not begin with `\\0asm`; {how}"));
    };
    match kind.first_chunk() {
        Some(&COMPONENT) => Ok(Form::Component),
        Some(&MODULE) => Ok(Form::Module),
        Some(_) => Err(format!("WebAssembly of a version that this host does not know; {how}")),
        None => Err("cut short: it ends within its first eight bytes; send the whole file".into()),
    }
}

/// Explains why the compiler refused the bytes.
fn invalid(error: &Error) -> String {
    let reason = error.root_cause().to_string();
    if reason.contains("unexpected end") || (reason.contains("section") && reason.contains("out of bounds")) {
        return format!("the component is cut short: {reason}; send the whole file");
    }
    if reason.contains("pooling allocator") || format!("{error:#}").contains("pooling allocator") {
        return format!("the component needs more than a job is given: {reason}");
    }
    format!("not a valid component: {reason}")
}

/// One problem for each import that this host does not have.
fn imports(
    engine: &Engine,
    component: &Component,
    is_adapted: bool,
    warnings: &mut Vec<String>,
) -> Vec<String> {
    let mut problems = Vec::new();
    let mut refused = Vec::new();
    for (name, _) in component.component_type().imports(engine) {
        if is_adapted && name == adapt::SYSTEM {
            continue;
        }
        match link::import(name) {
            Import::Linked => {}
            Import::Refused => refused.push(brief(name)),
            Import::OtherVersion(here) => {
                let name = brief(name);
                let path = name.split('@').next().unwrap_or(&name);
                let here = if path.starts_with("wasi:") {
                    format!("{path}@{}.{}", here.major, here.minor)
                } else {
                    format!("{path}@{here}")
                };
                problems.push(format!("it imports `{name}`, and this host has {here}"));
            }
            Import::Unknown => problems.push(format!(
                "it imports `{}`, which this host does not have: a job can import {}",
                brief(name),
                offered()
            )),
        }
    }
    if !refused.is_empty() {
        refused.truncate(NAMES_MAX);
        warnings.push(format!(
            "it imports {}, which jobs are not given: a call into it ends the run as denied",
            refused.join(", ")
        ));
    }
    problems
}

/// All that can be imported: `sandglass:job/{types,log,...}@0.1.0 and wasi:{cli,...}@0.2`.
fn offered() -> String {
    let mut packages: Vec<&str> = link::WASI.iter().filter_map(|name| name.split('/').next()).collect();
    packages.dedup();
    let (major, minor) = (link::WASI_VERSION.major, link::WASI_VERSION.minor);
    format!(
        "sandglass:job/{{{}}}@{} and wasi:{{{}}}@{major}.{minor}",
        link::OWN.join(","),
        link::VERSION,
        packages.join(",")
    )
}

const RUN: &str = "func(input: option<string>) -> result<option<string>, failure>";

/// What is wrong with the export that a job must have.
fn export(engine: &Engine, component: &Component) -> Option<String> {
    let wanted = format!("sandglass:job/run@{}", link::VERSION);
    let ty = component.component_type();
    let ours = |name: &str| {
        let version = name.strip_prefix("sandglass:job/run@");
        version.is_some_and(|version| link::is_compatible(version, &link::VERSION))
    };
    let Some((_, item)) = ty.exports(engine).find(|(name, _)| ours(name)) else {
        if let Some((run, _)) = program(component) {
            return program_run(component, &run);
        }
        return Some(missing(&ty, engine, &wanted));
    };
    let ComponentItem::ComponentInstance(instance) = item.ty else {
        return Some(format!("its export `{wanted}` is no interface: it must hold `run: {RUN}`"));
    };
    let function = instance.get_export(engine, "run").map(|item| item.ty);
    let Some(ComponentItem::ComponentFunc(function)) = function else {
        return Some(format!("its export `{wanted}` has no function `run`: it must be `run: {RUN}`"));
    };
    let checked =
        function.typecheck::<(Option<&str>,), (Result<Option<String>, Failure>,)>(&ty.instance_type());
    checked.is_err().then(|| {
        format!(
            "its function `run` has the wrong type: it is `{}`, and must be `{RUN}` with `record failure {{ retry: \
             bool, message: string }}`",
            signature::of(&function)
        )
    })
}

/// Why there is no `wanted` among the exports.
fn missing(ty: &types::Component, engine: &Engine, wanted: &str) -> String {
    let find = |start: &str| ty.exports(engine).map(|(name, _)| name).find(|name| name.starts_with(start));
    if let Some(other) = find("sandglass:job/run@") {
        return format!("it exports `{}`, and this host calls {wanted}", brief(other));
    }
    if let Some(other) = find(PROGRAM) {
        let version = other.strip_prefix(PROGRAM).unwrap_or_default();
        if link::is_compatible(version, &link::WASI_VERSION) {
            return format!(
                "its export `{}` has no function `run`: it must be `func() -> result`",
                brief(other)
            );
        }
        let (major, minor) = (link::WASI_VERSION.major, link::WASI_VERSION.minor);
        return format!("it exports `{}`, and this host calls {PROGRAM}{major}.{minor}", brief(other));
    }
    format!(
        "it does not export `{wanted}`, which is what this host calls: export the world `job` of wit/job.wit, or build \
         a program with a `main`"
    )
}

/// What is wrong with the function that runs a program.
fn program_run(component: &Component, run: &ComponentItem) -> Option<String> {
    let there = match run {
        ComponentItem::ComponentFunc(function) => {
            let checked =
                function.typecheck::<(), (Result<(), ()>,)>(&component.component_type().instance_type());
            if checked.is_ok() {
                return None;
            }
            signature::of(function)
        }
        _ => "no function".into(),
    };
    Some(format!(
        "its function `run` of `{PROGRAM}` has the wrong type: it is `{there}`, and must be `func() -> result`"
    ))
}

/// What the component needs, against what any job can be given.
fn resources(component: &Component, warnings: &mut Vec<String>) -> Vec<String> {
    const PAGE: u64 = 64 << 10;
    let Some(needed) = component.resources_required() else {
        return vec!["it imports core modules or components, and nobody here could give it any".into()];
    };
    let mut problems = Vec::new();
    let mut count = |what: &str, has: u32, most: u32| {
        if has > most {
            problems.push(format!("it has {has} {what}, and at most {most} are allowed"));
        }
    };
    count("memories", needed.num_memories, fixed::MEMORIES);
    count("tables", needed.num_tables, fixed::TABLES);
    let memory = Bytes(needed.max_initial_memory_size.unwrap_or(0).saturating_mul(PAGE));
    let elements = needed.max_initial_table_size.unwrap_or(0);
    let (default, ceiling) = (Limits::default(), Limits::CEILING);
    let mut size = |what: &str, limit: &str, needs: String, above: bool, beyond: bool, most: String| {
        if beyond {
            problems.push(format!("it begins with {needs} of {what}, and at most {most} can be had"));
        } else if above {
            warnings
                .push(format!("it begins with {needs} of {what}: set the limit {limit} to more than that"));
        }
    };
    size(
        "memory",
        "memory",
        memory.to_string(),
        memory > default.memory,
        memory > ceiling.memory,
        ceiling.memory.to_string(),
    );
    size(
        "table elements",
        "table_elements",
        elements.to_string(),
        elements > default.table_elements,
        elements > ceiling.table_elements,
        ceiling.table_elements.to_string(),
    );
    problems
}

/// Explains a mismatch between a component and the host's interfaces: its steps, outermost first.
fn unlinkable(error: &Error) -> String {
    let steps: Vec<String> = error.chain().map(|step| brief(&step.to_string())).collect();
    format!("it does not fit this host's interfaces: {}", steps.join(": "))
}
