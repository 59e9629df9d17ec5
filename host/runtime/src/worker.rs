//! The compiling process: reads a component from stdin, answers on stdout, and lives no longer.
//!
//! Asked for places of the source, it answers them in JSON. Otherwise it compiles, and answers the length of a JSON text (four bytes, least first), the text, and where the component
//! was accepted the artifact, up to the end. A crash, or a limit that the system enforces, ends it without an
//! answer; [`Compiler`](crate::Compiler) tells those from how it ended.

use crate::compile::CompileLimits;
use crate::confine::confine;
use crate::inspect::{Refusal, Report, inspect};
use crate::locate::locate;
use crate::state::State;
use crate::{engine, link};
use sandglass_core::limit::Bytes;
use sandglass_core::{Problem, Span};
use serde::{Deserialize, Serialize};
use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;
use wasmtime::Engine;
use wasmtime::component::Linker;

/// The variables that tell this process its limits, the fields of [`CompileLimits`].
pub(crate) const CPU_SECONDS: &str = "SANDGLASS_COMPILE_CPU_SECONDS";
pub(crate) const MEMORY_BYTES: &str = "SANDGLASS_COMPILE_MEMORY_BYTES";
/// Offsets in the component, with commas between them: what is asked for is where they are in its source.
pub(crate) const LOCATE: &str = "SANDGLASS_LOCATE";

/// What came of an upload.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    Accepted(Report),
    Refused(Vec<Problem>),
    /// Compiling it takes more memory than there is.
    OutOfMemory,
}

/// Looks at uploads and compiles them, in this very process. The compiling process does, confined; nothing else should,
/// but what tries parsers on whatever bytes there are.
pub struct Inspector {
    engine: Engine,
    linker: Linker<State>,
}

impl Inspector {
    /// # Errors
    /// What wasmtime or the system refused, in words.
    pub fn new() -> Result<Inspector, String> {
        let engine = engine::for_compiling().map_err(|error| failed("engine", &error))?;
        let linker = link::linker(&engine).map_err(|error| failed("linker", &error))?;
        Ok(Inspector { engine, linker })
    }

    /// The answer, and the machine code of what is accepted.
    ///
    /// # Errors
    /// There is machine code and it cannot be written down, in words.
    pub fn inspect(&self, bytes: &[u8]) -> Result<(Answer, Vec<u8>), String> {
        Ok(match inspect(&self.engine, &self.linker, bytes) {
            Ok((component, report)) => {
                let artifact = component.serialize().map_err(|error| failed("artifact", &error))?;
                (Answer::Accepted(report), artifact)
            }
            Err(Refusal::Problems(problems)) => (Answer::Refused(problems), Vec::new()),
            Err(Refusal::OutOfMemory) => (Answer::OutOfMemory, Vec::new()),
        })
    }
}

/// Compiles what comes on stdin. To be called by the program that [`Compiler`](crate::Compiler) starts, before
/// it does anything else.
pub fn worker_main() -> ExitCode {
    let done = match std::env::var(LOCATE) {
        Ok(offsets) => find(&offsets),
        Err(_) => work(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // Nobody else is there to be told. The parent logs what it finds here.
            let _ = writeln!(io::stderr(), "{message}");
            ExitCode::FAILURE
        }
    }
}

fn failed(what: &str, error: &dyn std::fmt::Display) -> String {
    format!("{what}: {error:#}")
}

fn work() -> Result<(), String> {
    // The engine reserves address space for a memory that nobody will use; the limit begins after it.
    let inspector = Inspector::new()?;
    let (answer, artifact) = inspector.inspect(&confined()?)?;
    let text = serde_json::to_vec(&answer).map_err(|error| failed("answer", &error))?;
    let mut out = io::stdout().lock();
    out.write_all(&(text.len() as u32).to_le_bytes())
        .and_then(|()| out.write_all(&text))
        .and_then(|()| out.write_all(&artifact))
        .and_then(|()| out.flush())
        .map_err(|error| failed("stdout", &error))
}

fn find(offsets: &str) -> Result<(), String> {
    let offsets: Result<Vec<u64>, _> = offsets.split(',').map(str::parse).collect();
    let offsets = offsets.map_err(|error| failed(LOCATE, &error))?;
    let text =
        serde_json::to_vec(&locate(&confined()?, &offsets)).map_err(|error| failed("answer", &error))?;
    let mut out = io::stdout().lock();
    out.write_all(&text).and_then(|()| out.flush()).map_err(|error| failed("stdout", &error))
}

/// The stranger's bytes, which are not read before this process is confined.
fn confined() -> Result<Vec<u8>, String> {
    let limits =
        CompileLimits { cpu: Span::from_secs(given(CPU_SECONDS)?), memory: Bytes(given(MEMORY_BYTES)?) };
    confine(limits).map_err(|error| failed("limits", &error))?;
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes).map_err(|error| failed("stdin", &error))?;
    Ok(bytes)
}

/// A limit that the parent sets.
fn given(variable: &str) -> Result<u64, String> {
    let value = std::env::var(variable).map_err(|error| format!("{variable}: {error}"))?;
    value.parse().map_err(|error| format!("{variable}: {error}"))
}
