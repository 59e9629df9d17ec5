//! The floor of execution: wasmtime alone.

use crate::measure::Watch;
use anyhow::Result;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker};
use wasmtime::{Engine, Store};

pub struct Raw {
    pub cpu_micros: f64,
    pub per_second: f64,
    pub threads: usize,
}

/// New store, instantiate, call, drop: `runs` times on one thread for the CPU, and on all for the rate.
pub fn measure(guest: &[u8], runs: usize) -> Result<Raw> {
    let folder = tempfile::tempdir()?;
    let runtime = sandglass_runtime::Runtime::new(&sandglass_runtime::Settings::new(folder.path()))?;
    // The engine of the host itself: pool, fuel, epochs and all.
    let engine = runtime.engine().clone();
    let guest = Arc::new(Guest::new(&engine, guest).map_err(|error| anyhow::anyhow!("{error:#}"))?);
    let threads = std::thread::available_parallelism()?.get();
    repeat(&guest, 1, runs / 4)?;
    let watch = Watch::start();
    repeat(&guest, 1, runs)?;
    let (cpu, _) = watch.read();
    let watch = Watch::start();
    repeat(&guest, threads, runs)?;
    let (_, wall) = watch.read();
    Ok(Raw {
        cpu_micros: cpu.as_secs_f64() * 1e6 / runs as f64,
        per_second: runs as f64 / wall.as_secs_f64(),
        threads,
    })
}

fn repeat(guest: &Arc<Guest>, threads: usize, runs: usize) -> Result<()> {
    let left = Arc::new(AtomicUsize::new(runs));
    let workers: Vec<_> = (0..threads)
        .map(|_| {
            let (guest, left) = (guest.clone(), left.clone());
            std::thread::spawn(move || -> Result<()> {
                let runtime = tokio::runtime::Builder::new_current_thread().build()?;
                while left
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
                    .is_ok()
                {
                    runtime.block_on(guest.once()).map_err(|error| anyhow::anyhow!("{error:#}"))?;
                }
                Ok(())
            })
        })
        .collect();
    for worker in workers {
        worker.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??;
    }
    Ok(())
}

type Answer = (Result<Option<String>, Failure>,);

#[derive(wasmtime::component::ComponentType, wasmtime::component::Lift)]
#[component(record)]
struct Failure {
    #[allow(dead_code)] // Part of the type that the guest returns.
    retry: bool,
    #[allow(dead_code)]
    message: String,
}

/// What is prepared once, as the host prepares it.
struct Guest {
    pre: InstancePre<()>,
    run: ComponentExportIndex,
}

impl Guest {
    fn new(engine: &Engine, wasm: &[u8]) -> wasmtime::Result<Guest> {
        let component = Component::new(engine, wasm)?;
        let mut linker = Linker::<()>::new(engine);
        linker.define_unknown_imports_as_traps(&component)?;
        let missing = || wasmtime::Error::msg("the guest exports no function `run`");
        let interface = component.get_export_index(None, "sandglass:job/run@0.1.0").ok_or_else(missing)?;
        let run = component.get_export_index(Some(&interface), "run").ok_or_else(missing)?;
        Ok(Guest { pre: linker.instantiate_pre(&component)?, run })
    }

    async fn once(&self) -> wasmtime::Result<()> {
        let mut store = Store::new(self.pre.engine(), ());
        store.set_fuel(10_000_000_000)?;
        store.set_epoch_deadline(u64::MAX / 2);
        let instance = self.pre.instantiate_async(&mut store).await?;
        let run = instance.get_typed_func::<(Option<&str>,), Answer>(&mut store, self.run)?;
        let (answer,) = run.call_async(&mut store, (None,)).await?;
        answer.map(drop).map_err(|failure| wasmtime::Error::msg(failure.message))
    }
}
