//! What is old goes: history by age and size, a day at a time.

use crate::host::Host;
use sandglass_core::Span;
use sandglass_store::{Store, StoreError};
use std::sync::Arc;

/// Between two looks at what is there.
const EVERY: Span = Span::from_secs(600);

pub(crate) async fn run(host: Arc<Host>) {
    loop {
        match history(&host).await {
            Ok(()) | Err(StoreError::Closed) => {}
            Err(error) => tracing::warn!(%error, "old history could not be dropped"),
        }
        tokio::select! {
            biased;
            () = host.closing.cancelled() => return,
            () = tokio::time::sleep(EVERY.to_std()) => {}
        }
    }
}

/// Drops what is too old, or too much, one day after the other.
async fn history(host: &Host) -> Result<(), StoreError> {
    let store: &dyn Store = &*host.store;
    while let Some(end) = host.options.history.goes(&store.history()?, host.now()) {
        let days = store.forget_history(end).await?;
        if days == 0 {
            break;
        }
        tracing::info!(before = %end, "a day of history was dropped");
    }
    Ok(())
}
