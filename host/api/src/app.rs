//! What all handlers share: the host, the limits, and the ways to read and write.

use crate::event::{self, Events};
use crate::link::Unused;
use crate::options::Options;
use crate::problem::{Code, Refusal};
use sandglass_core::Instant;
use sandglass_scheduler::{Components, Host};
use sandglass_store::op::OpError;
use sandglass_store::{Read, StoreExt, Write};
use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// What the API stands before.
#[derive(Clone)]
pub struct Backend {
    pub host: Arc<Host>,
    pub components: Arc<Components>,
    /// What the process counts, in the text format of Prometheus.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) host: Arc<Host>,
    pub(crate) components: Arc<Components>,
    pub(crate) metrics: Arc<dyn Fn() -> String + Send + Sync>,
    pub(crate) options: Options,
    /// Ends what waits and what follows when the host stops.
    pub(crate) closing: CancellationToken,
    pub(crate) events: Events,
    pub(crate) link: Unused,
    pub(crate) started_at: Instant,
    uploads: Arc<Semaphore>,
    imports: Arc<Semaphore>,
    scans: Arc<Semaphore>,
}

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// Long looks at one time. Each shuts out commits for its length: more of them would take turns with nobody
/// but each other.
const SCANS_MAX: usize = 4;
/// Imports at one time, each of which holds some MiB of rows.
const IMPORTS_MAX: usize = 16;

impl App {
    pub(crate) fn new(backend: Backend, options: Options, closing: CancellationToken) -> App {
        let Backend { host, components, metrics } = backend;
        let turns = |most| Arc::new(Semaphore::new(most));
        let (uploads, imports, scans) = (turns(options.uploads_max), turns(IMPORTS_MAX), turns(SCANS_MAX));
        let started_at = host.now();
        let (events, link) = (Events::new(started_at), Unused::new(options.link.clone()));
        let app = App(Arc::new(Inner {
            host,
            components,
            metrics,
            options,
            closing,
            events,
            link,
            started_at,
            uploads,
            imports,
            scans,
        }));
        event::record(&app);
        app
    }

    /// A short look at what is committed: some records by their keys.
    pub(crate) fn look<T, E>(&self, look: impl FnOnce(&dyn Read) -> Result<T, E>) -> Result<T, Refusal>
    where
        Refusal: From<E>,
    {
        Ok(self.host.store().read(look)?)
    }

    /// A look that may take long, on a thread that may block.
    pub(crate) async fn scan<T, E, F>(&self, look: F) -> Result<T, Refusal>
    where
        Refusal: From<E>,
        T: Send + 'static,
        E: Send + 'static,
        F: FnOnce(&dyn Read) -> Result<T, E> + Send + 'static,
    {
        let store = self.host.store().clone();
        self.block(move || store.read(look)).await?.map_err(Refusal::from)
    }

    /// Runs what may block where it may, in turn with scans.
    pub(crate) async fn block<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let turn = turn(&self.scans).await?;
        let done = tokio::task::spawn_blocking(move || {
            // The turn is over when the work is, also where nobody waits for it any more.
            let _turn = turn;
            work()
        });
        done.await.map_err(|error| Refusal::internal(error.to_string()))
    }

    /// A change of what is scheduled: of jobs and runs.
    pub(crate) async fn change<T, F>(&self, script: F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn Write, Instant) -> Result<T, OpError> + Send + 'static,
    {
        Ok(self.host.change(script).await?)
    }

    /// A change of tables and rows, which nothing waits for.
    pub(crate) async fn write<T, F>(&self, script: F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn Write, Instant) -> Result<T, OpError> + Send + 'static,
    {
        let host = self.host.clone();
        let now = move || host.now();
        Ok(self.host.store().write(move |write| script(write, now())).await?)
    }

    /// Ends when all that a look could have shown before is durable.
    pub(crate) async fn settled(&self) -> Result<(), Refusal> {
        Ok(self.host.store().settled().await?)
    }

    /// A place among the uploads that are held in memory.
    pub(crate) async fn upload_turn(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        self.turn_soon(&self.uploads, self.options.uploads_max, "uploads").await
    }

    pub(crate) async fn import_turn(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        self.turn_soon(&self.imports, IMPORTS_MAX, "imports").await
    }

    async fn turn_soon(
        &self,
        turns: &Arc<Semaphore>,
        most: usize,
        of: &str,
    ) -> Result<OwnedSemaphorePermit, Refusal> {
        let turn = tokio::time::timeout(self.options.body_idle_max, turn(turns)).await;
        turn.unwrap_or_else(|_| {
            let detail =
                format!("{most} {of} are going on, and the limit is {most}: try again when one has ended");
            Err(Refusal::new(Code::TooMany, detail))
        })
    }
}

async fn turn(turns: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Refusal> {
    // Nobody closes these semaphores.
    turns.clone().acquire_owned().await.map_err(|error| Refusal::internal(error.to_string()))
}

/// Runs `work` to its end even if the client goes away, which would drop it half done.
pub(crate) async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Refusal> {
    tokio::spawn(work).await.map_err(|error| Refusal::internal(error.to_string()))
}
