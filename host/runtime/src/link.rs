//! What a component can import: the host's interfaces, linked once for all components.

use crate::bindings::{Job, system};
use crate::state::{Host, State};
use crate::verdict::Ended;
use crate::{wasi, wasi_http};
use sandglass_core::run::Cause;
use semver::Version;
use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, ResourceType};

/// The version of the host's own interfaces, as `wit/job.wit` has it.
pub(crate) const VERSION: Version = Version::new(0, 1, 0);

/// The interfaces of `sandglass:job` that a component can import.
pub(crate) const OWN: [&str; 7] = ["types", "this-run", "log", "table", "email", "http", "secret"];

/// WASI's line that is linked.
pub(crate) const WASI_VERSION: Version = Version::new(0, 2, 0);

/// The interfaces of `wasi` that jobs are given.
pub(crate) const WASI: [&str; 22] = [
    "cli/environment",
    "cli/exit",
    "cli/stderr",
    "cli/stdin",
    "cli/stdout",
    "cli/terminal-input",
    "cli/terminal-output",
    "cli/terminal-stderr",
    "cli/terminal-stdin",
    "cli/terminal-stdout",
    "clocks/monotonic-clock",
    "clocks/wall-clock",
    "filesystem/preopens",
    "filesystem/types",
    "http/outgoing-handler",
    "http/types",
    "io/error",
    "io/poll",
    "io/streams",
    "random/insecure",
    "random/insecure-seed",
    "random/random",
];

/// Packages of WASI that jobs are not given, and that language runtimes import all the same.
const WASI_REFUSED: [&str; 2] = ["sockets", "http"];

/// What an import's name stands for here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Import {
    Linked,
    /// It can be imported, but a call into it ends the attempt.
    Refused,
    /// It is another version of something that there is here in this one.
    OtherVersion(Version),
    Unknown,
}

/// Looks an import up.
pub(crate) fn import(name: &str) -> Import {
    let (path, version) = name.split_once('@').unwrap_or((name, ""));
    let (known, refused, line) = if let Some(interface) = path.strip_prefix("sandglass:job/") {
        (OWN.contains(&interface), false, VERSION)
    } else if let Some(interface) = path.strip_prefix("wasi:") {
        let known = WASI.contains(&interface);
        let is_of_refused =
            interface.split_once('/').is_some_and(|(package, _)| WASI_REFUSED.contains(&package));
        (known, !known && is_of_refused, WASI_VERSION)
    } else {
        return Import::Unknown;
    };
    if !known && !refused {
        return Import::Unknown;
    }
    match (is_compatible(version, &line), refused) {
        (true, false) => Import::Linked,
        (true, true) => Import::Refused,
        (false, _) => Import::OtherVersion(line),
    }
}

/// Whether the linker takes `version` for compatible with `here`, which is below 1.0: the same minor version,
/// and no draft.
pub(crate) fn is_compatible(version: &str, here: &Version) -> bool {
    Version::parse(version).is_ok_and(|version| {
        (version.major, version.minor) == (here.major, here.minor) && version.pre.is_empty()
    })
}

/// Everything that jobs are given.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    Job::add_to_linker::<State, Host>(&mut linker, State::enter)?;
    system::Library::add_to_linker::<State, Host>(&mut linker, State::enter)?;
    wasi::link(&mut linker)?;
    wasi_http::link(&mut linker)?;
    Ok(linker)
}

/// Stands for what `linker` lacks for `component`, where jobs are not given it: gives a linker of its own in
/// which every call into such an interface ends the attempt, or none where the common one will do.
pub(crate) fn refusing(
    linker: &Linker<State>,
    component: &Component,
) -> wasmtime::Result<Option<Linker<State>>> {
    let engine = linker.engine();
    let ty = component.component_type();
    if !ty.imports(engine).any(|(name, _)| import(name) == Import::Refused) {
        return Ok(None);
    }
    let mut linker = linker.clone();
    // A resource that an interface takes over from another one is no new one: the linker knows it already.
    let mut known: Vec<ResourceType> = Vec::new();
    for (name, item) in ty.imports(engine) {
        let ComponentItem::ComponentInstance(instance) = item.ty else { continue };
        let is_refused = import(name) == Import::Refused;
        let mut stub = if is_refused { Some(linker.instance(name)?) } else { None };
        for (member, item) in instance.exports(engine) {
            match item.ty {
                ComponentItem::Resource(resource) if known.contains(&resource) => {}
                ComponentItem::Resource(resource) => {
                    known.push(resource);
                    if let Some(stub) = &mut stub {
                        stub.resource(member, ResourceType::host::<Refused>(), |_, _| Ok(()))?;
                    }
                }
                ComponentItem::ComponentFunc(_) => {
                    if let Some(stub) = &mut stub {
                        let called = format!("{name}#{member}");
                        stub.func_new(member, move |_, _, _, _| Err(refused(&called).into()))?;
                    }
                }
                _ => {}
            }
        }
    }
    Ok(Some(linker))
}

/// Resources of interfaces that jobs are not given. There never is one.
struct Refused;

fn refused(called: &str) -> Ended {
    let message = format!(
        "the guest called {called}, which jobs are not given: what reaches beyond the sandbox goes through \
         sandglass:job, its http interface for one"
    );
    Ended::new(Cause::Denied, message)
}
