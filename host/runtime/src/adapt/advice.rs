//! What the author of a core module has to change, in one sentence for each fault.

use super::module::{Import, Item, Module};
use super::world::World;
use super::{Kind, PREVIEW1, SYSTEM};
use std::collections::HashMap;

const START: &str = "_start";
const REALLOC: &str = "cabi_realloc";
const REALLOC_SIGNATURE: &str = "(i32, i32, i32, i32) -> (i32)";
const RUN: &str = "sandglass:job/run@0.1.0#run";
const MANUAL: &str = "docs/core-module-abi.md has the signatures";
const PROBLEMS_MAX: usize = 20;

/// The languages whose authors are told more than what is so for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Rust,
    Go,
    C,
    AssemblyScript,
    Other,
}

fn language(module: &Module) -> Language {
    let tool = |name: &str| module.origin.tools.iter().any(|tool| tool.contains(name));
    let imports = |name: &str| module.imports.iter().any(|import| import.name == name);
    match module.origin.language.as_deref() {
        Some("Rust") => Language::Rust,
        Some("Go") => Language::Go,
        Some(name) if name.starts_with('C') => Language::C,
        _ if tool("clang") => Language::C,
        _ if tool("Go cmd/compile") || tool("TinyGo") => Language::Go,
        _ if imports("abort") || tool("asc") => Language::AssemblyScript,
        _ => Language::Other,
    }
}

/// What a module is, by what it exports.
pub(super) fn kind(module: &Module) -> Result<Kind, String> {
    let language = language(module);
    if module.is_shared {
        return Err("it is a shared library for dynamic linking: link it without -shared".into());
    }
    match (module.export(RUN).is_some(), module.export(START).is_some()) {
        (true, false) => Ok(Kind::Library),
        (false, true) => Ok(Kind::Program),
        (true, true) => Err(format!(
            "it exports both `{RUN}` and a `main` (`{START}`), and the host would not know which to call: {}",
            match language {
                Language::Go => "build it with -buildmode=c-shared",
                Language::Rust => "build a library, crate-type = [\"cdylib\"]",
                Language::C => "link it with -mexec-model=reactor",
                _ => "build a library without a `main`, or a program without `run`",
            }
        )),
        (false, false) => Err(no_entry(module, language)),
    }
}

/// It exports nothing that the host could call.
fn no_entry(module: &Module, language: Language) -> String {
    let named = |name: &str| module.exports.iter().find(|export| export.name.starts_with(name));
    if let Some(other) = named("sandglass:job/run") {
        return format!("it exports `{}`, and this host calls `{RUN}`: {MANUAL}", brief(&other.name));
    }
    if module.imports.iter().any(|import| import.module == "gojs" || import.module == "go") {
        return browser_go();
    }
    let how = match language {
        Language::Rust => {
            "mark the function with #[sandglass::job] in a crate of crate-type = [\"cdylib\"], or build a program \
             with a `main`"
        }
        Language::Go => {
            "import the package sandglass, register the job in init(), and build with GOOS=wasip1 GOARCH=wasm go \
             build -buildmode=c-shared; or build a program with a `main`, without -buildmode"
        }
        Language::C => {
            "define the job with SANDGLASS_JOB of sandglass.h and link with -mexec-model=reactor, or write a program \
             with a `main`"
        }
        Language::AssemblyScript | Language::Other => {
            "export the function under that name, or write a program with a `main`"
        }
    };
    let there = match named("run") {
        Some(export) if export.name == "run" => ", only a `run` without its interface",
        _ => "",
    };
    format!("it exports neither `{RUN}` nor a `main` (`{START}`){there}: {how}; {MANUAL}")
}

/// Everything that would keep a module from being made a component.
pub(super) fn problems(module: &Module, kind: Kind, world: &World, system: &Module) -> Vec<String> {
    let mut problems = Vec::new();
    let known = world.imports();
    let language = language(module);
    problems.extend(module.imports.iter().filter_map(|it| import(it, module, language, &known, system)));
    problems.dedup();
    let texts = module.imports.iter().any(|import| import.module.starts_with("sandglass:job/"));
    if module.export("memory") != Some(&Item::Memory) && (kind == Kind::Library || !module.imports.is_empty())
    {
        problems.push("it exports no `memory`, which the host reads and writes texts in: export it".into());
    }
    if let (Kind::Library, Some((name, wanted))) = (kind, world.run()) {
        problems.extend(signature(module, &name, &wanted));
    }
    if kind == Kind::Program {
        problems.extend(signature(module, START, "()"));
    }
    if module.export(REALLOC).is_some() {
        problems.extend(signature(module, REALLOC, REALLOC_SIGNATURE));
    } else if !module.has_types && (kind == Kind::Library || texts) {
        let how = match language {
            Language::Go => "import the package sandglass, which exports it",
            Language::C => "include sandglass.h, and define SANDGLASS_IMPLEMENTATION in one file",
            Language::Rust => "use the crate sandglass, which exports it",
            _ => MANUAL,
        };
        problems.push(format!(
            "it exports no `{REALLOC}: {REALLOC_SIGNATURE}`, by which the host hands texts over: {how}"
        ));
    }
    problems.truncate(PROBLEMS_MAX);
    problems
}

fn signature(module: &Module, name: &str, wanted: &str) -> Option<String> {
    match module.export(name)? {
        Item::Function(there) if there == wanted => None,
        Item::Function(there) => {
            Some(format!("its export `{name}` is `{there}`, and must be `{wanted}`: {MANUAL}"))
        }
        _ => Some(format!("its export `{name}` is no function, and must be `{wanted}`: {MANUAL}")),
    }
}

/// What is wrong with one import.
fn import(
    import: &Import,
    module: &Module,
    language: Language,
    known: &HashMap<(String, String), String>,
    system: &Module,
) -> Option<String> {
    let (from, name) = (import.module.as_str(), import.name.as_str());
    let shown = format!("`{}.{}`", brief(from), brief(name));
    let of = |wanted: &str| match &import.item {
        Item::Function(there) if there == wanted => None,
        Item::Function(there) => {
            Some(format!("it imports {shown} as `{there}`, and it is `{wanted}`: {MANUAL}"))
        }
        _ => Some(format!("it imports {shown}, and not as a function, which it is: `{wanted}`")),
    };
    if from == SYSTEM {
        return Some(format!("it imports {shown}, which is between the host and its adapter"));
    }
    if from.starts_with("sandglass:") {
        if let Some(wanted) = known.get(&(import.module.clone(), import.name.clone())) {
            return of(wanted);
        }
        return Some(not_ours(from, &shown, known));
    }
    if from == PREVIEW1 {
        return match system.export(name) {
            Some(Item::Function(wanted)) => of(wanted),
            _ => Some(format!("it imports {shown}, which WASI preview 1 does not have")),
        };
    }
    match from {
        "env" if import.item == Item::Memory => {
            Some("it imports its memory: build it with one of its own, without --import-memory".into())
        }
        "env" if name == "abort" && language == Language::AssemblyScript => {
            Some("it imports `env.abort`: compile with `asc --use abort=`, or with the wasi-shim".into())
        }
        "env" if name.starts_with("emscripten_") || name.starts_with("_emscripten") => Some(format!(
            "it imports {shown}, which is of Emscripten's JavaScript: link with -sSTANDALONE_WASM, or use clang with \
             wasi-libc"
        )),
        "env" => Some(match language {
            Language::C => format!(
                "it imports {shown}: no object or library that was linked defines `{}`; link the one that does, and \
                 leave -Wl,--allow-undefined out",
                brief(name)
            ),
            Language::Rust => format!(
                "it imports {shown}: an `extern` block declares it and nothing defines it; link what does, or do \
                 without"
            ),
            _ => format!("it imports {shown}, which nobody here defines: link what defines it"),
        }),
        "gojs" | "go" => Some(browser_go()),
        "wbg" | "__wbindgen_placeholder__" | "__wbindgen_externref_xform__" => Some(
            "it was made for browsers by wasm-bindgen: build it for wasm32-wasip2 without what needs it (features \
             such as `js` or `wasmbind` of its dependencies)"
                .into(),
        ),
        "wasi_unstable" => Some(
            "it imports `wasi_unstable`, which was before WASI preview 1: build it with a newer toolchain".into(),
        ),
        "wasi" => Some(format!("it imports {shown}: jobs have no threads; build it without them")),
        _ if module.has_types => None,
        _ if from.starts_with("wasi:") => Some(format!(
            "it imports {shown} without its types: a core module can import {PREVIEW1}; make a component of it to \
             import interfaces of WASI 0.2"
        )),
        _ => Some(format!(
            "it imports {shown}, which this host does not have: a core module can import sandglass:job/... and \
             {PREVIEW1}; {MANUAL}"
        )),
    }
}

/// It names something of ours that there is not.
fn not_ours(from: &str, shown: &str, known: &HashMap<(String, String), String>) -> String {
    let path = from.split('@').next().unwrap_or(from);
    let mut modules: Vec<&str> = known.keys().map(|(module, _)| module.as_str()).collect();
    modules.sort_unstable();
    modules.dedup();
    if let Some(same) = modules.iter().find(|module| module.split('@').next() == Some(path)) {
        if *same == from {
            let mut names: Vec<&str> =
                known.keys().filter(|(module, _)| module == same).map(|(_, name)| name.as_str()).collect();
            names.sort_unstable();
            return format!("it imports {shown}, and `{from}` has {}", names.join(", "));
        }
        return format!("it imports {shown}, and this host has {same}: build it against that");
    }
    format!("it imports {shown}, which this host does not have: it has {}", modules.join(", "))
}

fn browser_go() -> String {
    "it was built for browsers: build it with GOOS=wasip1 GOARCH=wasm, not GOOS=js".into()
}

/// Why the encoder would not have it: what the checks above do not know.
pub(super) fn refused(error: &anyhow::Error) -> String {
    let steps: Vec<String> = error.chain().map(|step| brief(&step.to_string())).collect();
    format!("no component can be made of it: {}", steps.join(": "))
}

/// The start of a stranger's name, fit for a message.
fn brief(name: &str) -> String {
    const CHARACTERS_MAX: usize = 200;
    name.chars().take(CHARACTERS_MAX).flat_map(char::escape_debug).collect()
}
