//! A host that was off, with jobs that are due every second: what its start costs after a year, against one on the same
//! folder after a moment.

use crate::host::{Booted, boot, make_jobs, settle};
use anyhow::Result;
use sandglass_core::{Digest, Span};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// How long a start takes.
pub struct Start {
    /// Until the host could listen.
    pub ready: Duration,
    /// Until everything that was due is done or recorded.
    pub done: Duration,
}

pub struct Figures {
    pub after_a_moment: Start,
    pub after_a_year: Start,
}

const YEAR_MILLIS: i64 = 365 * 86_400_000;
/// In which the shorter outage falls, too: every job is due once more.
const MOMENT_MILLIS: i64 = 1_000;

pub fn measure(guest: &[u8], jobs: usize) -> Result<Figures> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(guest, jobs))
}

async fn run(guest: &[u8], jobs: usize) -> Result<Figures> {
    let folder = tempfile::tempdir()?;
    let ahead = Arc::new(AtomicI64::new(0));
    let Booted { components, host, .. } = boot(folder.path(), &ahead).await?;
    let digest = Digest::of(guest);
    components.upload(digest, bytes::Bytes::copy_from_slice(guest)).await?;
    make_jobs(&host, digest, jobs, &serde_json::json!({"every": "1s"}), "1s").await?;
    host.stop(Span::from_secs(60)).await;
    drop((components, host));

    ahead.fetch_add(MOMENT_MILLIS, Ordering::Relaxed);
    let after_a_moment = start(folder.path(), &ahead).await?;
    ahead.fetch_add(YEAR_MILLIS, Ordering::Relaxed);
    let after_a_year = start(folder.path(), &ahead).await?;
    Ok(Figures { after_a_moment, after_a_year })
}

async fn start(folder: &Path, ahead: &Arc<AtomicI64>) -> Result<Start> {
    let began = Instant::now();
    let Booted { host, .. } = boot(folder, ahead).await?;
    let ready = began.elapsed();
    settle(&host).await?;
    let done = began.elapsed();
    host.stop(Span::from_secs(60)).await;
    Ok(Start { ready, done })
}
