//! Attempts of small hand-written components, from bytes to ending. Guests that a compiler made are tried end
//! to end, elsewhere.

mod cache;
mod calls;
mod guest;
mod http;
mod index;
mod interfaces;
mod limits;
mod module;
mod secret;
mod table;
mod upload;

use crate::attempt::{AttemptContext, BoxFuture, Committer, Finished, LogSink};
use crate::cache::Ready;
use crate::inspect::{Refusal, Report, inspect};
use crate::runtime::{Runtime, Settings};
use crate::{engine, link};
use parking_lot::Mutex;
use sandglass_core::effect::Effects;
use sandglass_core::log::Line;
use sandglass_core::run::{Ending, Failure, Trigger, Usage};
use sandglass_core::spec::Specification;
use sandglass_core::{Digest, Instant, JobId, RunId};
use sandglass_store::memory::Memory;
use sandglass_store::{StoreError, StoreExt as _, op};
use std::sync::{Arc, OnceLock};
use tokio_util::sync::CancellationToken;
use wasmtime::Engine;
use wasmtime::component::Linker;

/// The version that the workspace asks for is the one that is told.
#[test]
fn the_engine_tells_its_version() {
    let (name, version) = engine::ENGINE.split_once(' ').unwrap();
    let dependency = format!("\n{name} = {{ version = \"{version}\"");
    assert!(include_str!("../../../../Cargo.toml").contains(&dependency), "{dependency}");
}

/// Compiles in this process, as the child would.
fn compile(bytes: &[u8]) -> Result<(Vec<u8>, Report), Vec<String>> {
    static COMPILER: OnceLock<(Engine, Linker<crate::state::State>)> = OnceLock::new();
    let (engine, linker) = COMPILER.get_or_init(|| {
        let engine = engine::for_compiling().unwrap();
        let linker = link::linker(&engine).unwrap();
        (engine, linker)
    });
    match inspect(engine, linker, bytes) {
        Ok((component, report)) => Ok((component.serialize().unwrap(), report)),
        Err(Refusal::Problems(problems)) => {
            Err(problems.into_iter().map(|problem| problem.message).collect())
        }
        Err(Refusal::OutOfMemory) => panic!("out of memory"),
    }
}

/// A runtime with a store, for the length of a test.
struct Host {
    runtime: Runtime,
    store: Arc<Memory>,
    folder: tempfile::TempDir,
}

impl Host {
    fn new() -> Host {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { attempts_max: 8, ..Settings::new(folder.path()) };
        let runtime = Runtime::new(&settings).unwrap();
        Host { runtime, store: Arc::new(Memory::new()), folder }
    }

    async fn ready(&self, wat: &str) -> Arc<Ready> {
        let bytes = wat::parse_str(wat).unwrap();
        let (artifact, _) = compile(&bytes).unwrap_or_else(|problems| panic!("{problems:?}"));
        let component = Digest::of(&bytes);
        let kept = self.runtime.keep(component, artifact).await.unwrap();
        self.runtime.load(component, kept.digest).await.unwrap()
    }

    /// Runs a guest once, after `change` had its way with what it is given.
    async fn run_with(&self, wat: &str, change: impl FnOnce(&mut AttemptContext)) -> (Finished, Lines) {
        let ready = self.ready(wat).await;
        let lines = Lines::default();
        let mut attempt = self.attempt(Specification::new(Digest([0; 32])));
        attempt.log = Arc::new(lines.clone());
        change(&mut attempt);
        (self.runtime.run(ready, attempt).await, lines)
    }

    async fn run(&self, wat: &str) -> Ending {
        ending(self.run_with(wat, |_| ()).await.0)
    }

    async fn run_as(&self, wat: &str, spec: Specification) -> Ending {
        ending(self.run_with(wat, |attempt| attempt.spec = Arc::new(spec)).await.0)
    }

    fn attempt(&self, spec: Specification) -> AttemptContext {
        AttemptContext {
            run: RunId::new(JobId(7), now(), 42),
            job: "nightly".parse().unwrap(),
            attempt: 2,
            trigger: Trigger::Schedule,
            scheduled_for: Instant::from_millis(1_000),
            last_success: None,
            input: None,
            progress: None,
            spec: Arc::new(spec),
            emails_of_run: 3,
            emails_of_day: 3,
            clock: Arc::new(now),
            seed: [7; 32],
            store: Arc::clone(&self.store) as _,
            committer: Arc::new(Commits { store: Arc::clone(&self.store) }),
            secrets: Arc::new(secret::Kept::default()),
            outbound: None,
            log: Arc::new(Lines::default()),
            cancel: CancellationToken::new(),
        }
    }
}

fn now() -> Instant {
    Instant::from_millis(1_790_000_000_000)
}

fn spec(change: impl FnOnce(&mut Specification)) -> Specification {
    let mut spec = Specification::new(Digest([0; 32]));
    change(&mut spec);
    spec
}

fn ending(finished: Finished) -> Ending {
    match finished {
        Finished::Ended { ending, .. } => ending,
        Finished::Cancelled(_) => panic!("cancelled"),
    }
}

fn failure(ending: Ending) -> (Failure, Usage) {
    (ending.result.unwrap_err(), ending.traces.usage)
}

/// Keeps the lines of a log.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<Line>>>);

impl LogSink for Lines {
    fn line(&self, line: Line) {
        self.0.lock().push(line);
    }
}

impl Lines {
    fn texts(&self) -> Vec<String> {
        self.0.lock().iter().map(|line| line.message.clone()).collect()
    }
}

/// Commits checkpoints at once.
struct Commits {
    store: Arc<Memory>,
}

impl Committer for Commits {
    fn checkpoint(&self, effects: Effects, _: Option<String>) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move {
            let commit = self
                .store
                .write(move |write| -> Result<_, StoreError> { op::effect::commit(write, &effects, now()) });
            let conflict = |conflict: op::effect::Conflict| {
                Failure::new(sandglass_core::run::Cause::Conflict, conflict.to_string())
            };
            commit.await.unwrap().map_err(conflict)
        })
    }
}
