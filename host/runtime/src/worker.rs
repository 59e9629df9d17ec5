//! The compiling process: reads a component from stdin, answers on stdout, and lives no longer.
//!
//! What it answers: the length of a JSON text (four bytes, least first), the text, and where the component
//! was accepted the artifact, up to the end. A crash, or a limit that the system enforces, ends it without an
//! answer; [`Compiler`](crate::Compiler) tells those from how it ended.

use crate::inspect::{Refusal, Report, inspect};
use crate::{engine, link};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sandglass_core::Problem;
use sandglass_core::limit::Bytes;
use serde::{Deserialize, Serialize};
use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;

/// Processor time of one compilation, of all its threads together.
pub(crate) const CPU_SECONDS: u64 = 60;
/// Address space that one compilation may take beyond what the process begins with.
pub(crate) const MEMORY: Bytes = Bytes::mib(2048);

/// Lower than the API's and the guests'.
const NICE: i32 = 15;

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
    confine().map_err(|error| failed("limits", &error))?;
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

/// Takes from this process what compiling does not need: strangers' bytes may take over a parser.
fn confine() -> io::Result<()> {
    // A sandbox may forbid it; the limits below bound the harm.
    let _ = rustix::process::setpriority_process(None, NICE);
    limit(Resource::Cpu, CPU_SECONDS, CPU_SECONDS + 5)?;
    limit(Resource::Core, 0, 0)?;
    limit(Resource::Fsize, 0, 0)?;
    limit(Resource::Nofile, 16, 16)?;
    // Without /proc nobody can tell what is mapped; processor time still bounds what can be filled.
    if let Some(mapped) = mapped_bytes() {
        limit(Resource::As, mapped + MEMORY.0, mapped + MEMORY.0)?;
    }
    Ok(())
}

/// Lowers a limit; one that is lower already stays.
fn limit(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let most = getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let limit = Rlimit { current: Some(soft.min(most)), maximum: Some(hard.min(most)) };
    Ok(setrlimit(resource, limit)?)
}

fn mapped_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:"))?;
    let kib: u64 = size.split_whitespace().next()?.parse().ok()?;
    Some(kib << 10)
}
