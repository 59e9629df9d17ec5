//! Storage that tells the host when it has stopped for good, whoever of the host it told so.

use sandglass_core::Instant;
use sandglass_core::retention::Period;
use sandglass_store::store::{Done, Script};
use sandglass_store::{Answer, Read, Store, StoreError};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

pub(crate) struct Watched {
    pub(crate) store: Arc<dyn Store>,
    /// Cancelled by the first commit that is answered with [`StoreError::Stopped`].
    pub(crate) stopped: CancellationToken,
}

impl Store for Watched {
    fn view(&self, look: &mut dyn FnMut(&dyn Read)) {
        self.store.view(look);
    }

    fn submit(&self, script: Script, done: Done) {
        let stopped = self.stopped.clone();
        let done: Done = Box::new(move |result| {
            if let Err(StoreError::Stopped(reason)) = &result
                && !stopped.is_cancelled()
            {
                tracing::error!(%reason, "the host cannot go on");
                stopped.cancel();
            }
            done(result);
        });
        self.store.submit(script, done);
    }

    fn settled(&self) -> Answer<()> {
        self.store.settled()
    }

    fn history(&self) -> Result<Vec<Period>, StoreError> {
        self.store.history()
    }

    fn bytes(&self) -> Result<u64, StoreError> {
        self.store.bytes()
    }

    fn forget_history(&self, before: Instant) -> Answer<usize> {
        self.store.forget_history(before)
    }
}
