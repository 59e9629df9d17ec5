//! The runtime as its owner sees it: one engine, the threads of guests, and the components that are ready.

use crate::attempt::{AttemptContext, Finished};
use crate::cache::{Cache, LoadError, Ready};
use crate::engine::{self, Ticker};
use crate::execute::execute;
use crate::{execute, link};
use sandglass_core::Digest;
use sandglass_core::limit::{Bytes, Limits};
use sandglass_core::run::Traces;
use sandglass_store::record::Artifact;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Semaphore;
use tokio_util::task::AbortOnDropHandle;
use wasmtime::Engine;

/// How large a runtime is.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder of compiled components. Made where it is missing.
    pub artifacts: PathBuf,
    /// Threads that execute guests.
    pub guest_threads: usize,
    /// Attempts at one time. Further ones wait before their clock starts.
    pub attempts_max: usize,
    /// Linear memory of all attempts at one time, counted by what each may take at most. Further ones wait.
    pub memory_max: Bytes,
    /// Components that are kept ready in memory, at some 200 KiB and one open file each.
    pub ready_max: usize,
}

impl Settings {
    /// A guest thread per core, at least two, so that no guest can keep all others waiting; 64 attempts per
    /// core in half of the machine's memory; 1 000 components, or as many as half of the files that the
    /// process may open; and artifacts in a folder of `data`.
    pub fn new(data: &Path) -> Settings {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Settings {
            artifacts: data.join("artifacts"),
            guest_threads: cores.max(2),
            attempts_max: 64 * cores,
            memory_max: Bytes(machine_memory().0 / 2),
            ready_max: 1_000.min(files_max() / 2),
        }
    }
}

/// Why a runtime cannot start.
#[derive(Debug, thiserror::Error)]
#[error("the runtime cannot start: {0}")]
pub struct StartError(String);

/// Keeps components and runs attempts.
pub struct Runtime {
    cache: Cache,
    key: u64,
    ready_max: usize,
    /// None only while it is dropped.
    guests: Option<tokio::runtime::Runtime>,
    attempts: Arc<Semaphore>,
    /// Linear memory in MiB.
    memory: Arc<Semaphore>,
    memory_mib: u32,
    /// The linear memories that the engine has room for.
    memories: Arc<Semaphore>,
    ticker: Ticker,
}

const GUEST_THREADS_MAX: usize = 1_024;

/// What guests yield to: the API and the commits come first.
const NICE: i32 = 10;

impl Runtime {
    /// Starts the threads, and drops artifacts that other engines made.
    pub fn new(settings: &Settings) -> Result<Runtime, StartError> {
        let failed = |what: &str, error: &dyn std::fmt::Display| StartError(format!("{what}: {error:#}"));
        let settings = &Settings {
            attempts_max: settings.attempts_max.clamp(1, engine::MEMORIES_MAX),
            guest_threads: settings.guest_threads.clamp(1, GUEST_THREADS_MAX),
            ..settings.clone()
        };
        let engine = engine::for_running(settings).map_err(|error| {
            failed("no room for the pool of guests' memories; allow fewer attempts at one time", &error)
        })?;
        let linker = link::linker(&engine).map_err(|error| failed("linking", &error))?;
        let ticker = Ticker::start(&engine).map_err(|error| failed("no thread for epochs", &error))?;
        let guests =
            guests(settings.guest_threads).map_err(|error| failed("no threads for guests", &error))?;
        let key = engine::key(&engine);
        // At least what the largest job may ask for, or it would wait for ever.
        let memory_mib =
            u32::try_from(mib(settings.memory_max.max(Limits::CEILING.memory))).unwrap_or(u32::MAX);
        let cache = Cache::open(linker, key, &settings.artifacts, settings.ready_max)
            .map_err(|error| failed(&settings.artifacts.display().to_string(), &error))?;
        Ok(Runtime {
            cache,
            key,
            ready_max: settings.ready_max,
            guests: Some(guests),
            attempts: Arc::new(Semaphore::new(settings.attempts_max)),
            memory: Arc::new(Semaphore::new(memory_mib as usize)),
            memory_mib,
            memories: Arc::new(Semaphore::new(engine::memories(settings.attempts_max))),
            ticker,
        })
    }

    /// What artifacts depend on: wasmtime's version and every setting of the compiler.
    pub fn engine_key(&self) -> u64 {
        self.key
    }

    /// Components that are kept ready in memory.
    pub fn ready_max(&self) -> usize {
        self.ready_max
    }

    /// The engine, for a benchmark to compare with what wasmtime does alone.
    pub fn engine(&self) -> &Engine {
        self.cache.engine()
    }

    /// The component, ready to run: from memory, or from its artifact, whose bytes must have that digest.
    pub async fn load(&self, component: Digest, artifact: Digest) -> Result<Arc<Ready>, LoadError> {
        self.cache.load(component, artifact).await
    }

    /// Keeps an artifact that [`Compiler`](crate::Compiler) made, durably. What it gives belongs in the store.
    pub async fn keep(&self, component: Digest, artifact: Vec<u8>) -> Result<Artifact, LoadError> {
        self.cache.keep(component, artifact).await
    }

    /// Forgets a component and removes its artifact. Attempts that run are not disturbed.
    pub async fn forget(&self, component: Digest) -> Result<(), LoadError> {
        self.cache.forget(component).await
    }

    /// Executes one attempt on the threads of guests, when there is a place for it. Dropping the future ends
    /// the guest.
    pub async fn run(&self, ready: Arc<Ready>, attempt: AttemptContext) -> Finished {
        let memory_mib = mib(attempt.spec.limits.memory).min(u64::from(self.memory_mib)) as u32;
        let places = async {
            // The semaphores are never closed, so none of these fails.
            let attempt = Arc::clone(&self.attempts).acquire_owned().await;
            let memory = Arc::clone(&self.memory).acquire_many_owned(memory_mib).await;
            let memories = Arc::clone(&self.memories).acquire_many_owned(ready.memories()).await;
            (attempt, memory, memories)
        };
        let cancel = attempt.cancel.clone();
        let places = tokio::select! {
            biased;
            places = places => places,
            () = cancel.cancelled() => {
                return Finished::Cancelled(Traces::default());
            }
        };
        let Some(guests) = &self.guests else {
            return execute::host_error("the runtime is stopping".into());
        };
        let held = (places, self.ticker.run());
        let task = guests.spawn(async move {
            let finished = execute(&ready, attempt).await;
            drop(held);
            finished
        });
        match AbortOnDropHandle::new(task).await {
            Ok(finished) => finished,
            Err(error) => execute::host_error(format!("the attempt's task ended: {error}")),
        }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(guests) = self.guests.take() {
            // Waiting is not allowed where async code drops it; guests are aborted at their next yield.
            guests.shutdown_background();
        }
    }
}

fn guests(threads: usize) -> std::io::Result<tokio::runtime::Runtime> {
    let told = AtomicBool::new(false);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("guest")
        // Their requests to other hosts, TLS included, are made at their priority.
        .enable_all()
        .on_thread_start(move || {
            // Any thread may lower itself. Where a sandbox forbids even that, guests run as all else does.
            if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE)
                && !told.swap(true, Ordering::Relaxed)
            {
                tracing::warn!(%error, "guests run at the priority of the host itself");
            }
            Engine::tls_eager_initialize();
        })
        .build()
}

/// Files that this process may have open at one time.
fn files_max() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    limit.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX))
}

/// Rounded up.
fn mib(bytes: Bytes) -> u64 {
    bytes.0.div_ceil(1 << 20)
}

/// The memory of the machine, or of the container where that is less.
fn machine_memory() -> Bytes {
    // Where nobody tells, a small machine is the safe guess.
    const UNKNOWN: Bytes = Bytes::mib(2048);
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:").map(str::to_owned))?;
        line.split_whitespace().next()?.parse().ok().map(|kib: u64| Bytes(kib << 10))
    });
    let container = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let container = container.and_then(|text| text.trim().parse().ok().map(Bytes));
    machine.into_iter().chain(container).min().unwrap_or(UNKNOWN)
}
