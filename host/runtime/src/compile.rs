//! Compiling as the server sees it: a child process that is limited, watched, and killed if need be.

use crate::backtrace::{offsets, with_places};
use crate::inspect::Report;
use crate::worker::{Answer, CPU_SECONDS, LOCATE, MEMORY_BYTES};
use bytes::Bytes;
use sandglass_core::limit::Bytes as Size;
use sandglass_core::{Problem, Span};
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::sync::Semaphore;

/// Wall time of one compilation. More than its processor time, since it gives way to everything else.
const WALL: Duration = Duration::from_mins(3);
/// What reading debug information may take: a backtrace can do without. Of wall time the wait for its turn too.
const LOCATE_CPU: Span = Span::from_secs(3);
const LOCATE_WALL: Duration = Duration::from_secs(5);
const ARTIFACT: Size = Size::mib(1024);
const ANSWER: usize = 1 << 20;
/// What is kept of the child's stderr.
const STDERR: usize = 16 << 10;
/// More threads would take more memory than they save time.
const THREADS_MAX: usize = 4;

/// What came of an upload that was accepted.
#[derive(Debug, Clone)]
pub struct Compiled {
    pub report: Report,
    /// For [`Runtime::keep`](crate::Runtime::keep).
    pub artifact: Vec<u8>,
}

/// Why there is no artifact, by whose fault it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// The upload's. The problems say how to mend it.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Refused(Vec<Problem>),
    /// The upload's: compiling it takes more than is given.
    #[error("{0}")]
    Limit(CompileLimit),
    /// The host's.
    #[error("the compiling process failed: {0}")]
    Failed(String),
}

/// A limit of compiling, with its figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CompileLimit {
    #[error("compiling takes more than {0} of processor time (limit compile_cpu)")]
    Cpu(Span),
    #[error("compiling takes more than {0} of memory (limit compile_memory)")]
    Memory(Size),
    #[error("compiling takes more than {} s (limit of compiling)", WALL.as_secs())]
    Wall,
    #[error("the machine code has more than {ARTIFACT} (limit of compiling)")]
    Artifact,
}

/// What one compilation may take. The host's, the same for every upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompileLimits {
    /// Processor time of all its threads together, in whole seconds, at least one.
    pub cpu: Span,
    /// Address space beyond what the process begins with.
    pub memory: Size,
}

impl Default for CompileLimits {
    fn default() -> CompileLimits {
        CompileLimits { cpu: Span::from_secs(60), memory: Size::mib(2048) }
    }
}

/// Compiles components, one at a time.
#[derive(Debug)]
pub struct Compiler {
    program: PathBuf,
    args: Vec<OsString>,
    limits: CompileLimits,
    turn: Semaphore,
    /// Backtraces do not wait for compilations.
    locating: Semaphore,
}

impl Compiler {
    /// Compiles with the program that is running, called as `compile-worker`.
    pub fn new(limits: CompileLimits) -> std::io::Result<Compiler> {
        // On Linux the running program itself, even where an upgrade has replaced its file: artifacts must be
        // made by the engine that loads them.
        let running = Path::new("/proc/self/exe");
        let program = if running.exists() { running.into() } else { std::env::current_exe()? };
        Ok(Compiler { limits, ..Compiler::with_program(program, vec!["compile-worker".into()]) })
    }

    /// Compiles with a program that calls [`worker_main`](crate::worker_main) when it is given `args`.
    pub fn with_program(program: PathBuf, args: Vec<OsString>) -> Compiler {
        Compiler {
            program,
            args,
            limits: CompileLimits::default(),
            turn: Semaphore::new(1),
            locating: Semaphore::new(1),
        }
    }

    /// Validates, inspects and compiles a component. Dropping the future ends the compilation.
    pub async fn compile(&self, component: Bytes) -> Result<Compiled, CompileError> {
        // The semaphore is never closed.
        let _turn = self.turn.acquire().await;
        let most = ANSWER + ARTIFACT.0 as usize;
        answer(self.ask(self.limits, None, component, WALL, most).await?, self.limits)
    }

    /// The backtrace of a failure in `component`, with the lines of its source below each frame, as far as the
    /// component's debug information tells them. `None` where they are not to be had within a few seconds.
    pub async fn locate(&self, component: Bytes, backtrace: &str) -> Option<String> {
        let offsets = offsets(backtrace);
        if offsets.is_empty() {
            return None;
        }
        let asked: Vec<String> = offsets.iter().map(u64::to_string).collect();
        let limits = CompileLimits { cpu: LOCATE_CPU, ..self.limits };
        let asking = async {
            let _turn = self.locating.acquire().await;
            self.ask(limits, Some(asked.join(",")), component, LOCATE_WALL, ANSWER).await
        };
        let told = match tokio::time::timeout(LOCATE_WALL, asking).await {
            Ok(Ok(out)) => serde_json::from_slice(&out).map_err(|error| error.to_string()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("it took too long".into()),
        };
        match told {
            Ok(places) => Some(with_places(backtrace, &places)),
            Err(error) => {
                tracing::warn!(error, "a backtrace is kept without the lines of its source");
                None
            }
        }
    }

    /// Starts the process, hands it the component, and gives what it answers, which is `most` bytes at most.
    async fn ask(
        &self,
        limits: CompileLimits,
        locate: Option<String>,
        component: Bytes,
        wall: Duration,
        most: usize,
    ) -> Result<Vec<u8>, CompileError> {
        let failed = |error: std::io::Error| CompileError::Failed(error.to_string());
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
        let mut child = Command::new(&self.program)
            .args(&self.args)
            .env_clear()
            .env(CPU_SECONDS, limits.cpu_seconds().to_string())
            .env(MEMORY_BYTES, limits.memory.0.to_string())
            .envs(locate.map(|offsets| (LOCATE, offsets)))
            .env("RAYON_NUM_THREADS", threads.to_string())
            // Each arena of glibc's reserves address space, which is limited.
            .env("MALLOC_ARENA_MAX", "2")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let (Some(mut stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(CompileError::Failed("the child has no pipes".into()));
        };
        let send = async move {
            // A child that ended early says why by its status.
            let _ = stdin.write_all(&component).await;
        };
        let talk = async {
            let ((), out, err) = tokio::join!(send, read(stdout, most), read(stderr, STDERR));
            (out, err)
        };
        let Ok((out, err)) = tokio::time::timeout(wall, talk).await else {
            return Err(CompileError::Limit(CompileLimit::Wall));
        };
        let (out, is_whole) = out.map_err(failed)?;
        let (err, _) = err.map_err(failed)?;
        if !is_whole {
            return Err(CompileError::Limit(CompileLimit::Artifact));
        }
        let Ok(status) = tokio::time::timeout(wall, child.wait()).await else {
            return Err(CompileError::Limit(CompileLimit::Wall));
        };
        let status = status.map_err(failed)?;
        if status.success() { Ok(out) } else { Err(ended(status, &String::from_utf8_lossy(&err), limits)) }
    }
}

impl CompileLimits {
    pub(crate) fn cpu_seconds(self) -> u64 {
        self.cpu.to_std().as_secs().max(1)
    }
}

/// Reads up to `most` bytes, and says whether that was all.
async fn read(from: impl AsyncRead + Unpin, most: usize) -> std::io::Result<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    let mut from = from.take(most as u64 + 1);
    from.read_to_end(&mut bytes).await?;
    let is_whole = bytes.len() <= most;
    bytes.truncate(most);
    Ok((bytes, is_whole))
}

fn answer(mut out: Vec<u8>, limits: CompileLimits) -> Result<Compiled, CompileError> {
    let garbled = || CompileError::Failed("its answer does not read".into());
    let (length, rest) = out.split_first_chunk::<4>().ok_or_else(garbled)?;
    let length = u32::from_le_bytes(*length) as usize;
    let text = rest.get(..length).ok_or_else(garbled)?;
    match serde_json::from_slice(text).map_err(|_| garbled())? {
        Answer::Refused(problems) => Err(CompileError::Refused(problems)),
        Answer::OutOfMemory => Err(CompileError::Limit(CompileLimit::Memory(limits.memory))),
        Answer::Accepted(report) => Ok(Compiled { report, artifact: out.split_off(4 + length) }),
    }
}

/// What it means that the child ended without an answer.
fn ended(status: ExitStatus, stderr: &str, limits: CompileLimits) -> CompileError {
    const SIGABRT: i32 = 6;
    const SIGKILL: i32 = 9;
    const SIGXCPU: i32 = 24;
    /// What Rust's panics end a process with.
    const PANICKED: i32 = 101;
    match (status.signal(), status.code()) {
        (Some(SIGXCPU), _) => CompileError::Limit(CompileLimit::Cpu(limits.cpu)),
        // Rust's own words where an allocation fails, and those of the compiler's containers.
        (Some(SIGABRT), _) if stderr.contains("memory allocation of") => {
            CompileError::Limit(CompileLimit::Memory(limits.memory))
        }
        (None, Some(PANICKED)) if stderr.contains("out-of-memory error") => {
            CompileError::Limit(CompileLimit::Memory(limits.memory))
        }
        // By the system, short of memory, or by somebody: the next attempt may go well.
        (Some(SIGKILL), _) => CompileError::Failed("it was killed".into()),
        (Some(_), _) | (None, Some(PANICKED)) => {
            tracing::error!(%status, stderr, "the compiler crashed");
            let message = format!(
                "the compiler crashed on this component ({status}), and would again: build it another way, and \
                 report it with the component"
            );
            CompileError::Refused(vec![Problem::new("", message)])
        }
        (None, _) => CompileError::Failed(format!("{status}: {}", stderr.trim())),
    }
}
