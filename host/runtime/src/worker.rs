//! The compiling process: reads a component from stdin, answers on stdout, and lives no longer.
//!
//! What it answers: the length of a JSON text (four bytes, least first), the text, and where the component
//! was accepted the artifact, up to the end. A crash, or a limit that the system enforces, ends it without an
//! answer; [`Compiler`](crate::Compiler) tells those from how it ended.

use crate::compile::CompileLimits;
use crate::confine::confine;
use crate::inspect::{Refusal, Report, inspect};
use crate::{engine, link};
use sandglass_core::limit::Bytes;
use sandglass_core::{Problem, Span};
use serde::{Deserialize, Serialize};
use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;

/// The variables that tell this process its limits, the fields of [`CompileLimits`].
pub(crate) const CPU_SECONDS: &str = "SANDGLASS_COMPILE_CPU_SECONDS";
pub(crate) const MEMORY_BYTES: &str = "SANDGLASS_COMPILE_MEMORY_BYTES";

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    Accepted(Report),
    Refused(Vec<Problem>),
    OutOfMemory,
}

/// Compiles what comes on stdin. To be called by the program that [`Compiler`](crate::Compiler) starts, before
/// it does anything else.
pub fn worker_main() -> ExitCode {
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // Nobody else is there to be told. The parent logs what it finds here.
            let _ = writeln!(io::stderr(), "{message}");
            ExitCode::FAILURE
        }
    }
}

fn work() -> Result<(), String> {
    let failed = |what: &str, error: &dyn std::fmt::Display| format!("{what}: {error:#}");
    // The engine reserves address space for a memory that nobody will use; the limit begins after it.
    let engine = engine::for_compiling().map_err(|error| failed("engine", &error))?;
    let linker = link::linker(&engine).map_err(|error| failed("linker", &error))?;
    let limits =
        CompileLimits { cpu: Span::from_secs(given(CPU_SECONDS)?), memory: Bytes(given(MEMORY_BYTES)?) };
    confine(limits).map_err(|error| failed("limits", &error))?;
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes).map_err(|error| failed("stdin", &error))?;
    let (answer, artifact) = match inspect(&engine, &linker, &bytes) {
        Ok((component, report)) => {
            let artifact = component.serialize().map_err(|error| failed("artifact", &error))?;
            (Answer::Accepted(report), artifact)
        }
        Err(Refusal::Problems(problems)) => (Answer::Refused(problems), Vec::new()),
        Err(Refusal::OutOfMemory) => (Answer::OutOfMemory, Vec::new()),
    };
    let text = serde_json::to_vec(&answer).map_err(|error| failed("answer", &error))?;
    let mut out = io::stdout().lock();
    out.write_all(&(text.len() as u32).to_le_bytes())
        .and_then(|()| out.write_all(&text))
        .and_then(|()| out.write_all(&artifact))
        .and_then(|()| out.flush())
        .map_err(|error| failed("stdout", &error))
}

/// A limit that the parent sets.
fn given(variable: &str) -> Result<u64, String> {
    let value = std::env::var(variable).map_err(|error| format!("{variable}: {error}"))?;
    value.parse().map_err(|error| format!("{variable}: {error}"))
}
