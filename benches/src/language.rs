//! What a job of each language costs: its size, from upload to ready beside what wasmtime takes to compile the same
//! bytes, and its first and later runs after a start.

use anyhow::{Context, Result};
use sandglass_core::effect::Effects;
use sandglass_core::grant::Access;
use sandglass_core::log::Line;
use sandglass_core::run::{Failure, Trigger};
use sandglass_core::spec::Specification;
use sandglass_core::{Digest, Instant, JobId, RunId, SecretName, SecretValue};
use sandglass_runtime::{
    AttemptContext, BoxFuture, Committer, CompileLimits, Compiler, Finished, LogSink, Ready, Runtime,
    Secrets, Settings,
};
use sandglass_store::memory::Memory;
use sandglass_store::record::Artifact;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant as Clock};
use tokio_util::sync::CancellationToken;
use wasmtime::Module;
use wasmtime::component::Component;

/// Runs that are counted, after the first.
const RUNS: usize = 50;

pub struct Figures {
    pub bytes: usize,
    /// Wasmtime alone, compiling the same bytes under the host's settings.
    pub compile: Duration,
    /// From the upload's bytes to something that can be instantiated, kept on disk.
    pub ready: Duration,
    /// The first run after a start of the host, loading included.
    pub cold: Duration,
    /// The median of those after it.
    pub warm: Duration,
}

/// Measures one component, which may touch the table `greetings`.
pub fn measure(path: &Path) -> Result<Figures> {
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    let executor = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    executor.block_on(async {
        let folder = tempfile::tempdir()?;
        let component = Digest::of(&bytes);
        let (compile, ready, kept) = upload(folder.path(), component, &bytes).await?;
        // Another start: nothing of it is in memory any more.
        let runtime = Runtime::new(&Settings::new(folder.path()))?;
        let began = Clock::now();
        let loaded = runtime.load(component, kept.digest).await?;
        run(&runtime, &loaded).await?;
        let cold = began.elapsed();
        let mut warm = Vec::with_capacity(RUNS);
        for _ in 0..RUNS {
            let began = Clock::now();
            run(&runtime, &loaded).await?;
            warm.push(began.elapsed());
        }
        warm.sort();
        Ok(Figures { bytes: bytes.len(), compile, ready, cold, warm: warm[RUNS / 2] })
    })
}

async fn upload(folder: &Path, component: Digest, bytes: &[u8]) -> Result<(Duration, Duration, Artifact)> {
    let runtime = Runtime::new(&Settings::new(folder))?;
    let compiler = Compiler::new(CompileLimits::default())?;
    // In turn, and each in a process or an engine that is warm: the second of each counts.
    let (mut compile, mut ready, mut kept) = (Duration::ZERO, Duration::ZERO, None);
    for _ in 0..2 {
        let began = Clock::now();
        let is_module = bytes.get(4) == Some(&1);
        let compiled = if is_module {
            Module::new(runtime.engine(), bytes).map(drop)
        } else {
            Component::new(runtime.engine(), bytes).map(drop)
        };
        compiled.map_err(|error| anyhow::anyhow!("{error:#}"))?;
        compile = began.elapsed();

        let began = Clock::now();
        let compiled = compiler.compile(bytes.to_vec().into()).await?;
        let artifact = runtime.keep(component, compiled.artifact).await?;
        runtime.load(component, artifact.digest).await?;
        ready = began.elapsed();
        runtime.forget(component).await?;
        kept = Some(artifact);
    }
    let compiled = compiler.compile(bytes.to_vec().into()).await?;
    runtime.keep(component, compiled.artifact).await?;
    Ok((compile, ready, kept.context("it was compiled")?))
}

async fn run(runtime: &Runtime, ready: &Arc<Ready>) -> Result<()> {
    let mut spec = Specification::new(Digest([0; 32]));
    spec.grants.tables = [("greetings".parse().map_err(anyhow::Error::msg)?, Access::ReadWrite)].into();
    let now = || {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Instant::from_millis(now.as_millis() as i64)
    };
    let context = AttemptContext {
        run: RunId::new(JobId(1), now(), 1),
        job: "bench".parse().map_err(anyhow::Error::msg)?,
        attempt: 1,
        trigger: Trigger::Manual,
        scheduled_for: now(),
        last_success: None,
        input: None,
        progress: None,
        spec: Arc::new(spec),
        emails_of_run: 0,
        emails_of_day: 0,
        clock: Arc::new(now),
        seed: [1; 32],
        store: Arc::new(Memory::new()),
        committer: Arc::new(Nothing),
        secrets: Arc::new(Nothing),
        outbound: None,
        log: Arc::new(Nothing),
        cancel: CancellationToken::new(),
    };
    match runtime.run(Arc::clone(ready), context).await {
        Finished::Ended { ending, .. } => {
            ending.result.map(drop).map_err(|failure| anyhow::anyhow!("the run failed: {}", failure.message))
        }
        Finished::Cancelled(_) => anyhow::bail!("the run was cancelled"),
    }
}

/// No secrets, no log, and commits that cost nothing.
struct Nothing;

impl Committer for Nothing {
    fn checkpoint(&self, _: Effects, _: Option<String>) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async { Ok(()) })
    }
}

impl Secrets for Nothing {
    fn get(&self, _: &SecretName) -> Result<Option<SecretValue>, String> {
        Ok(None)
    }
}

impl LogSink for Nothing {
    fn line(&self, _: Line) {}
}
