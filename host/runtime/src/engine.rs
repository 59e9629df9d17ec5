//! The engine: what wasmtime may spend, and how it compiles.
//!
//! There are two engines with one way of compiling. The one that runs guests keeps a pool of everything an
//! attempt needs. The one that compiles, in a process of its own, has a pool too, the smallest there is,
//! because the pool is what knows whether a component fits.

use crate::Settings;
use sandglass_core::limit::{Limits, fixed};
use sha2::{Digest as _, Sha256};
use std::hash::{Hash, Hasher};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use wasmtime::{Config, Enabled, Engine, EngineWeak, PoolingAllocationConfig};

/// What executes components, as a host tells of itself.
pub const ENGINE: &str = "wasmtime 48.0.8";

/// How often guests that compute let others go on, and how late they notice their deadline.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Host functions run on the guest's stack, above it: they have what is left of it beyond the guest's share.
const HOST_STACK: usize = 1 << 20;

/// Frames of a trap that are kept.
const FRAMES_MAX: NonZeroUsize = NonZeroUsize::new(32).unwrap();

/// Memories that can be reserved at most: with 4 GiB each, a quarter of the 128 TiB that x86-64 has for a
/// process. Attempts that find none free wait for one.
pub(crate) const MEMORIES_MAX: usize = 8192;

/// Metadata of one component's instances. The largest language runtimes need some hundred KiB.
const INSTANCE_BYTES_MAX: usize = 4 << 20;

/// How many linear memories can live at one time.
pub(crate) fn memories(attempts_max: usize) -> usize {
    attempts_max.saturating_mul(fixed::MEMORIES as usize).min(MEMORIES_MAX)
}

/// The engine that runs guests.
pub(crate) fn for_running(settings: &Settings) -> wasmtime::Result<Engine> {
    let attempts = settings.attempts_max;
    let mut pool = pool(attempts, memories(attempts));
    // Without a few warm slots every attempt pays for page faults; each one more keeps memory from others.
    pool.max_unused_warm_slots((settings.guest_threads * 2) as u32);
    pool.linear_memory_keep_resident(1 << 20)
        .table_keep_resident(64 << 10)
        .async_stack_keep_resident(64 << 10);
    // With it the kernel tells which pages a guest touched, and only those are zeroed. From Linux 6.7 on.
    pool.pagemap_scan(Enabled::Auto);
    let mut config = compiling();
    config.allocation_strategy(pool);
    // A guest that reads a stack slot which the compiler forgot to initialize must not find its
    // predecessor's secrets there. It costs about a microsecond.
    config.async_stack_zeroing(true);
    Engine::new(&config)
}

/// The engine that compiles. Nothing is ever instantiated in it.
pub(crate) fn for_compiling() -> wasmtime::Result<Engine> {
    let mut config = compiling();
    config.allocation_strategy(pool(1, 1));
    Engine::new(&config)
}

/// All that the machine code depends on: the same for both engines, or artifacts would not load.
fn compiling() -> Config {
    let mut config = Config::new();
    config.consume_fuel(true).epoch_interruption(true);
    config.max_wasm_stack(fixed::STACK.0 as usize).async_stack_size(fixed::STACK.0 as usize + HOST_STACK);
    // The component model's own tasks cost up to three times as much per attempt, and no job can use them yet.
    config.concurrency_support(false);
    // Young code that no guest language needs today.
    config.wasm_function_references(false).wasm_gc(false).wasm_exceptions(false).gc_support(false);
    config.wasm_memory64(false);
    config.wasm_backtrace_max_frames(Some(FRAMES_MAX));
    // Debug information is a stranger's text for a parser in this process: function names have to do.
    config.wasm_backtrace_details(wasmtime::WasmBacktraceDetails::Disable);
    // Wasm's frames are found by frame pointers. Registering unwind tables would cost each load.
    config.native_unwind_info(false);
    config
}

fn pool(attempts: usize, memories: usize) -> PoolingAllocationConfig {
    let attempts = attempts as u32;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(attempts)
        .total_stacks(attempts)
        .total_core_instances(attempts * fixed::INSTANCES)
        .total_memories(memories as u32)
        .total_tables(attempts * fixed::TABLES)
        .total_gc_heaps(0);
    pool.max_core_instances_per_component(fixed::INSTANCES)
        .max_memories_per_component(fixed::MEMORIES)
        .max_memories_per_module(fixed::MEMORIES)
        .max_tables_per_component(fixed::TABLES)
        .max_tables_per_module(fixed::TABLES)
        .max_component_instance_size(INSTANCE_BYTES_MAX)
        .max_core_instance_size(INSTANCE_BYTES_MAX);
    pool.max_memory_size(Limits::CEILING.memory.0 as usize)
        .table_elements(Limits::CEILING.table_elements as usize);
    pool
}

/// What an artifact depends on, wasmtime's version and every setting, as a number that is the same in every
/// process of the same host.
pub(crate) fn key(engine: &Engine) -> u64 {
    let mut hasher = Stable(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

/// SHA-256 as a hasher: what the standard library's gives may change with the compiler.
struct Stable(Sha256);

impl Hasher for Stable {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest: [u8; 32] = self.0.clone().finalize().into();
        digest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
    }
}

/// Advances the engine's epoch while guests run, until it is dropped. A thread of its own: what it interrupts
/// may keep every other one busy.
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    /// Guests that run.
    running: AtomicUsize,
    /// The thread waits to be woken, for as long as it takes.
    is_asleep: AtomicBool,
    is_over: AtomicBool,
}

/// Ticks without a guest before the thread goes to sleep: waking it costs more than some needless ticks, and
/// an idle host should not wake up a hundred times a second.
const IDLE_TICKS: u32 = 100;

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Ticker> {
        let shared = Arc::new(Shared {
            running: AtomicUsize::new(0),
            is_asleep: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        });
        let (engine, of_thread) = (engine.weak(), Arc::clone(&shared));
        let thread =
            std::thread::Builder::new().name("epochs".into()).spawn(move || tick(&engine, &of_thread))?;
        Ok(Ticker { shared, thread: Some(thread) })
    }

    /// Ticks for a guest until this is dropped.
    pub(crate) fn run(&self) -> Running {
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        if self.shared.is_asleep.swap(false, Ordering::SeqCst)
            && let Some(thread) = &self.thread
        {
            thread.thread().unpark();
        }
        Running(Arc::clone(&self.shared))
    }
}

/// A guest runs.
pub(crate) struct Running(Arc<Shared>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

fn tick(engine: &EngineWeak, shared: &Shared) {
    let mut idle = 0;
    while !shared.is_over.load(Ordering::SeqCst) {
        idle = if shared.running.load(Ordering::SeqCst) == 0 { idle + 1 } else { 0 };
        if idle < IDLE_TICKS {
            std::thread::park_timeout(TICK);
        } else {
            shared.is_asleep.store(true, Ordering::SeqCst);
            // A guest that came in between saw the thread awake, and did not wake it.
            if shared.running.load(Ordering::SeqCst) == 0 && !shared.is_over.load(Ordering::SeqCst) {
                std::thread::park();
            }
            shared.is_asleep.store(false, Ordering::SeqCst);
            idle = 0;
        }
        let Some(engine) = engine.upgrade() else { return };
        engine.increment_epoch();
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // The thread does nothing that could panic.
            let _ = thread.join();
        }
    }
}
