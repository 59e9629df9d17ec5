//! What is old goes: history by age and size, a day at a time; answers that were kept for repeated requests; mail.

use crate::host::Host;
use crate::metric;
use sandglass_core::Span;
use sandglass_store::op::{email, once};
use sandglass_store::{Store, StoreError, StoreExt};
use std::sync::Arc;

/// Between two looks at what is there.
const EVERY: Span = Span::from_secs(600);

pub(crate) async fn run(host: Arc<Host>) {
    loop {
        for (what, pruned) in [
            ("history", history(&host).await),
            ("answers", answers(&host).await),
            ("emails", emails(&host).await),
        ] {
            match pruned {
                Ok(()) | Err(StoreError::Closed) => {}
                Err(error) => {
                    metric::store_error("prune");
                    tracing::warn!(%error, "old {what} could not be dropped");
                }
            }
        }
        tokio::select! {
            biased;
            () = host.closing.cancelled() => return,
            () = tokio::time::sleep(EVERY.to_std()) => {}
        }
    }
}

/// Answers that one script drops.
const ANSWERS: usize = 500;

/// Drops what was answered to requests that nobody repeats any more.
async fn answers(host: &Host) -> Result<(), StoreError> {
    loop {
        let clock = host.clock.clone();
        let dropped = host.store.write(move |write| once::prune(write, clock(), ANSWERS)).await?;
        if dropped < ANSWERS {
            return Ok(());
        }
    }
}

/// Emails that one script drops.
const EMAILS: usize = 100;

/// Drops emails that are as old as history may be.
async fn emails(host: &Host) -> Result<(), StoreError> {
    loop {
        let before = host.now().minus(host.options.history.age);
        let delivers = host.delivers();
        let dropped = host.store.write(move |write| email::prune(write, before, delivers, EMAILS)).await?;
        if dropped < EMAILS {
            return Ok(());
        }
    }
}

/// Drops what is too old, or too much, one day after the other.
async fn history(host: &Host) -> Result<(), StoreError> {
    let store: &dyn Store = &*host.store;
    loop {
        let days = store.history()?;
        metric::history(days.iter().map(|day| day.bytes).sum());
        let Some(end) = host.options.history.goes(&days, host.now()) else { break };
        let days = store.forget_history(end).await?;
        metric::history_dropped(days);
        if days == 0 {
            break;
        }
        tracing::info!(before = %end, "a day of history was dropped");
    }
    Ok(())
}
