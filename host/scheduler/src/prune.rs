//! History goes by age, a day at a time.

use crate::host::Host;
use sandglass_core::Span;
use sandglass_store::StoreError;
use std::sync::Arc;

const EVERY: Span = Span::from_secs(3600);

pub(crate) async fn run(host: Arc<Host>) {
    loop {
        let before = host.now().minus(host.options.history);
        let store = host.store.clone();
        // Dropping a day deletes files.
        let forgotten = tokio::task::spawn_blocking(move || store.forget_history(before)).await;
        match forgotten {
            Ok(Ok(0) | Err(StoreError::Closed)) | Err(_) => {}
            Ok(Ok(days)) => tracing::info!(days, %before, "history was dropped"),
            Ok(Err(error)) => tracing::warn!(%error, "old history could not be dropped"),
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY.to_std()) => {}
            () = host.closing.cancelled() => return,
        }
    }
}
