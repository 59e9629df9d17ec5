//! Builds the indexes that tables declare, and drops the entries of those that they no longer do: a step at a
//! time, so that everybody else's commits come in between.

use crate::host::Host;
use crate::metric;
use sandglass_core::Span;
use sandglass_store::op::index::{Done, work};
use sandglass_store::{StoreError, StoreExt};
use std::sync::Arc;

/// After storage refused.
const PAUSE_AFTER_ERROR: Span = Span::from_secs(5);

pub(crate) async fn run(host: Arc<Host>) {
    loop {
        let pause = match host.store.write(|write| work(write)).await {
            Ok(Done::Nothing) => None,
            Ok(done) => {
                tell(&done);
                if host.closing.is_cancelled() {
                    return;
                }
                continue;
            }
            Err(StoreError::Closed) => return,
            Err(error) => {
                metric::store_error("index");
                tracing::warn!(%error, "indexes cannot be built yet");
                Some(PAUSE_AFTER_ERROR)
            }
        };
        let over = async {
            match pause {
                Some(pause) => tokio::time::sleep(pause.to_std()).await,
                None => host.index_work.notified().await,
            }
        };
        tokio::select! {
            biased;
            () = host.closing.cancelled() => return,
            () = over => {}
        }
    }
}

fn tell(done: &Done) {
    match done {
        Done::Nothing | Done::Step => {}
        Done::Built(table, index) => tracing::info!(%table, index, "an index is built"),
        Done::Failed(table, index, reason) => {
            tracing::warn!(%table, index, reason, "an index cannot be built");
        }
    }
}
