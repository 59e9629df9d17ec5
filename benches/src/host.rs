//! The host itself, in this process, on a real store: many jobs that become due at one moment.

use crate::measure::Watch;
use anyhow::{Context, Result};
use sandglass_core::limit::Limits;
use sandglass_core::spec::Specification;
use sandglass_core::{Digest, Instant, Name, Span};
use sandglass_runtime::{Clock, CompileLimits, Compiler, Runtime, Settings};
use sandglass_scheduler::{Components, Host, Options, system_random};
use sandglass_store::op::{OpError, job};
use sandglass_store::{Store, StoreError, StoreExt};
use sandglass_store_sled::SledStore;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

pub struct Figures {
    pub cpu_micros: f64,
    pub per_second: f64,
    pub runs: usize,
    pub records_per_run: f64,
    pub records_per_sync: f64,
    pub bytes_per_record: f64,
}

/// `jobs` jobs, due together `rounds` times; the first round is not counted.
pub fn measure(guest: &[u8], jobs: usize, rounds: usize) -> Result<Figures> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(guest, jobs, rounds))
}

/// A host on a folder, with a clock that can be set ahead.
pub struct Booted {
    pub sled: Arc<SledStore>,
    pub components: Arc<Components>,
    pub host: Arc<Host>,
}

/// Starts it. The clock is so many milliseconds ahead of the machine's.
pub async fn boot(folder: &Path, ahead: &Arc<AtomicI64>) -> Result<Booted> {
    let sled = Arc::new(SledStore::open(&folder.join("store"), &sandglass_store_sled::Options::default())?);
    let store: Arc<dyn Store> = sled.clone();
    let clock: Clock = {
        let ahead = ahead.clone();
        Arc::new(move || {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            Instant::from_millis(now.as_millis() as i64 + ahead.load(Ordering::Relaxed))
        })
    };
    let wasm = Arc::new(Runtime::new(&Settings::new(folder))?);
    let components =
        Components::new(store.clone(), wasm, Compiler::new(CompileLimits::default())?, clock.clone());
    let random = Arc::new(system_random);
    let host = Host::start(store, components.clone(), clock, random, Options::default()).await?;
    Ok(Booted { sled, components, host })
}

async fn run(guest: &[u8], jobs: usize, rounds: usize) -> Result<Figures> {
    let folder = tempfile::tempdir()?;
    let ahead = Arc::new(AtomicI64::new(0));
    let Booted { sled, components, host } = boot(folder.path(), &ahead).await?;
    let digest = Digest::of(guest);
    components.upload(digest, bytes::Bytes::copy_from_slice(guest)).await?;
    let schedule = serde_json::json!({"every": "1h"});
    make_jobs(&host, digest, jobs, &schedule, "1d").await?;

    // All of them once, to load what is loaded once.
    ahead.fetch_add(3_600_000, Ordering::Relaxed);
    settle(&host).await?;
    let (before, watch) = (sled.stats(), Watch::start());
    for _ in 1..rounds {
        ahead.fetch_add(3_600_000, Ordering::Relaxed);
        settle(&host).await?;
    }
    let (cpu, wall) = watch.read();
    let after = sled.stats();
    let runs = jobs * (rounds - 1);
    check(&host, rounds as u64)?;
    let records = (after.records - before.records) as f64;
    let figures = Figures {
        cpu_micros: cpu.as_secs_f64() * 1e6 / runs as f64,
        per_second: runs as f64 / wall.as_secs_f64(),
        runs,
        records_per_run: records / runs as f64,
        records_per_sync: records / (after.syncs - before.syncs) as f64,
        bytes_per_record: (after.bytes - before.bytes) as f64 / records,
    };
    host.stop(Span::from_secs(5)).await;
    Ok(figures)
}

pub async fn make_jobs(
    host: &Host,
    digest: Digest,
    jobs: usize,
    schedule: &serde_json::Value,
    late_after: &str,
) -> Result<()> {
    let document = serde_json::json!({
        "component": digest,
        "schedule": schedule,
        "policy": {"late_after": late_after},
    });
    let spec = Specification::from_json(document, &Limits::CEILING, host.now())
        .map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
    let names: Vec<Name> = (0..jobs)
        .map(|number| format!("job-{number}").parse().map_err(anyhow::Error::msg))
        .collect::<Result<_>>()?;
    for names in names.chunks(500) {
        let (names, spec) = (names.to_vec(), spec.clone());
        host.change::<_, OpError, _>(move |write, now| {
            for name in &names {
                job::put(write, name, spec.clone(), job::Expect::Anything, now)?;
            }
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// Until nothing is due and nothing runs.
pub async fn settle(host: &Host) -> Result<()> {
    // The clock jumped: the loop that claims would notice within a second.
    host.change::<_, StoreError, _>(|_, _| Ok(())).await?;
    loop {
        let next = host.store().read(|read| sandglass_store::op::due::next(read, true))?;
        if host.executing() == 0 && next.is_none_or(|next| next > host.now()) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A benchmark of runs that failed would be a fast one.
fn check(host: &Host, rounds: u64) -> Result<()> {
    let name: Name = "job-0".parse().map_err(anyhow::Error::msg)?;
    let status = host
        .store()
        .read(|read| -> Result<_, OpError> { Ok(job::status(read, job::find(read, &name)?.id)?) })
        .context("the first job")?;
    anyhow::ensure!(
        (status.succeeded, status.failed, status.skipped + status.missed) == (rounds, 0, 0),
        "not every run succeeded: {status:?}"
    );
    Ok(())
}
