//! Components: from an upload to something that can be instantiated.

use crate::executor::Executor;
use bytes::Bytes;
use parking_lot::Mutex;
use sandglass_core::effect::Effects;
use sandglass_core::run::{Cause, Ending, Failure, Traces};
use sandglass_core::{Digest, Problem};
use sandglass_runtime::{
    AttemptContext, BoxFuture, Clock, CompileError, Compiled, Compiler, Finished, LoadError, Ready, Runtime,
};
use sandglass_store::op::{OpError, component};
use sandglass_store::record::{Artifact, Chunk, Component};
use sandglass_store::{Store, StoreError, StoreExt};
use std::collections::HashMap;
use std::sync::Arc;

/// A component that is stored and compiled.
#[derive(Debug, Clone)]
pub struct Upload {
    pub component: Component,
    /// False where it was there already.
    pub new: bool,
}

/// Why an upload was not taken. Nothing of it was stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum UploadError {
    /// What is wrong with the bytes.
    #[error("{}", .0.first().map_or_else(String::new, ToString::to_string))]
    Refused(Vec<Problem>),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Failed(String),
}

/// Chunks that one script writes: 4 MiB.
const CHUNKS_AT_ONCE: usize = 64;
/// Backtraces that are remembered with their lines, of a few kilobytes each.
const LOCATED_MAX: usize = 64;

/// The components of a store, and the runtime that executes them. Cheap to share in an `Arc`.
pub struct Components {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) runtime: Arc<Runtime>,
    compiler: Compiler,
    clock: Clock,
    /// One upload at a time is compiled and stored: two of the same bytes do the work once.
    uploading: tokio::sync::Mutex<()>,
    /// Backtraces and what they became with the lines of the source: a job that fails fails the same way again.
    located: Mutex<HashMap<(Digest, String), String>>,
}

impl Executor for Components {
    fn attempt(&self, component: Digest, context: AttemptContext) -> BoxFuture<'_, Finished> {
        Box::pin(async move {
            match self.ready(component).await {
                Ok(ready) => {
                    let mut finished = self.runtime.run(ready, context).await;
                    if let Finished::Ended { ending: Ending { result: Err(failure), .. }, .. } = &mut finished
                        && let Some(backtrace) = &mut failure.backtrace
                    {
                        self.locate(component, backtrace).await;
                    }
                    finished
                }
                Err(message) => {
                    let failure = Failure::new(Cause::HostError, message);
                    let ending = Ending { result: Err(failure), traces: Traces::default() };
                    Finished::Ended { ending, effects: Effects::default() }
                }
            }
        })
    }
}

impl Components {
    pub fn new(
        store: Arc<dyn Store>,
        runtime: Arc<Runtime>,
        compiler: Compiler,
        clock: Clock,
    ) -> Arc<Components> {
        let (uploading, located) = Default::default();
        Arc::new(Components { store, runtime, compiler, clock, uploading, located })
    }

    /// Validates, compiles and stores a component, whose digest the caller has computed as it came in.
    /// Bytes that are there already cost nothing.
    pub async fn upload(&self, digest: Digest, bytes: Bytes) -> Result<Upload, UploadError> {
        let _turn = self.uploading.lock().await;
        if let Some(component) = self.store.read(|read| component::get(read, digest))? {
            return Ok(Upload { component, new: false });
        }
        let Compiled { report, artifact } =
            self.compiler.compile(bytes.clone()).await.map_err(UploadError::from)?;
        let component = Component {
            digest,
            size: bytes.len() as u64,
            uploaded_at: (self.clock)(),
            kind: report.kind,
            language: report.language,
            tools: report.tools,
            source_lines: report.source_lines,
            adapted: report.adapted,
            imports: report.imports,
            exports: report.exports,
            warnings: report.warnings,
        };
        let artifact = self.runtime.keep(digest, artifact).await.map_err(|error| match error {
            LoadError::Full => UploadError::Store(StoreError::Full),
            error => UploadError::Failed(error.to_string()),
        })?;
        match self.store_component(&component, &bytes, artifact).await {
            Ok(()) => Ok(Upload { component, new: true }),
            Err(error) => {
                self.drop_upload(digest).await;
                Err(error.into())
            }
        }
    }

    async fn store_component(
        &self,
        component: &Component,
        bytes: &Bytes,
        artifact: Artifact,
    ) -> Result<(), StoreError> {
        let digest = component.digest;
        let mut number = 0;
        for part in bytes.chunks(Chunk::BYTES * CHUNKS_AT_ONCE) {
            let (part, first) = (bytes.slice_ref(part), number);
            number += part.len().div_ceil(Chunk::BYTES) as u32;
            // Neither the thread that commits nor one that answers requests waits for this.
            let compress = move || part.chunks(Chunk::BYTES).map(Chunk::new).collect::<Vec<_>>();
            let chunks = tokio::task::spawn_blocking(compress).await;
            let chunks = chunks.map_err(|error| StoreError::Failed(error.to_string()))?;
            self.store
                .write::<_, StoreError, _>(move |write| {
                    for (chunk, at) in chunks.iter().zip(first..) {
                        component::put_chunk(write, digest, at, chunk);
                    }
                    Ok(())
                })
                .await?;
        }
        let (component, engine) = (component.clone(), self.runtime.engine_key());
        self.store
            .write(move |write| {
                component::put(write, &component, engine, &artifact);
                Ok(())
            })
            .await
    }

    async fn drop_upload(&self, digest: Digest) {
        let dropped = self.store.write(move |write| component::drop_chunks(write, digest)).await;
        let forgotten = self.runtime.forget(digest).await;
        if dropped.is_err() || forgotten.is_err() {
            tracing::warn!(%digest, "a part of an upload that was not taken may be left; uploading it again mends that");
        }
    }

    /// A component ready to be instantiated: from memory, from its artifact, or compiled again where this
    /// host's engine has none that is whole.
    async fn ready(&self, digest: Digest) -> Result<Arc<Ready>, String> {
        let engine = self.runtime.engine_key();
        let known = |artifact: Option<Artifact>| artifact.map(|artifact| artifact.digest);
        let artifact = self.store.read(|read| component::artifact(read, digest, engine));
        if let Some(artifact) = known(artifact.map_err(|error| error.to_string())?) {
            match self.runtime.load(digest, artifact).await {
                Ok(ready) => return Ok(ready),
                Err(LoadError::NeedsCompile(why)) => {
                    tracing::info!(component = %digest, why, "compiling again");
                }
                Err(error) => return Err(error.to_string()),
            }
        }
        let artifact = self.compile_again(digest).await?;
        self.runtime.load(digest, artifact).await.map_err(|error| error.to_string())
    }

    /// Adds the lines of the component's source to a backtrace, where the component carries them.
    async fn locate(&self, digest: Digest, backtrace: &mut String) {
        if let Some(known) = self.located.lock().get(&(digest, backtrace.clone())) {
            backtrace.clone_from(known);
            return;
        }
        let bytes = self.store.read(|read| match component::get(read, digest)? {
            Some(component) if component.source_lines => component::bytes(read, digest).map(Some),
            _ => Ok(None),
        });
        // A backtrace that stays as it is is one, too.
        let Ok(Some(bytes)) = bytes else { return };
        let Some(told) = self.compiler.locate(Bytes::from(bytes), backtrace).await else { return };
        let plain = std::mem::replace(backtrace, told.clone());
        let mut located = self.located.lock();
        if located.len() >= LOCATED_MAX {
            located.clear();
        }
        located.insert((digest, plain), told);
    }

    async fn compile_again(&self, digest: Digest) -> Result<Digest, String> {
        let _turn = self.uploading.lock().await;
        let engine = self.runtime.engine_key();
        // Whoever had the turn before may have done it.
        let there = self.store.read(|read| component::artifact(read, digest, engine));
        if let Some(artifact) = there.map_err(|error| error.to_string())?
            && self.runtime.load(digest, artifact.digest).await.is_ok()
        {
            return Ok(artifact.digest);
        }
        let bytes = self
            .store
            .read(|read| component::bytes(read, digest))
            .map_err(|error: OpError| error.to_string())?;
        let compiled = self.compiler.compile(Bytes::from(bytes)).await.map_err(|error| error.to_string())?;
        let artifact =
            self.runtime.keep(digest, compiled.artifact).await.map_err(|error| error.to_string())?;
        let kept = artifact.digest;
        self.store
            .write::<_, StoreError, _>(move |write| {
                component::put_artifact(write, digest, engine, &artifact);
                Ok(())
            })
            .await
            .map_err(|error| error.to_string())?;
        Ok(kept)
    }
}

impl From<CompileError> for UploadError {
    fn from(error: CompileError) -> UploadError {
        match error {
            CompileError::Refused(problems) => UploadError::Refused(problems),
            CompileError::Limit(limit) => UploadError::Refused(vec![Problem::new("", limit.to_string())]),
            CompileError::Failed(message) => UploadError::Failed(message),
        }
    }
}
