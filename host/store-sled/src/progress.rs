//! How far the batches have come: what can be seen, and what of it is durable.

use sandglass_store::StoreError;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;

pub(crate) struct Progress {
    /// The number of the newest batch of which anything can be seen.
    seen: AtomicU64,
    /// The number of the newest batch that is durable, with all before it. Also in `outcome`: here it can be
    /// read without a lock.
    durable: AtomicU64,
    outcome: watch::Sender<Outcome>,
}

#[derive(Default)]
struct Outcome {
    durable: u64,
    /// Why no later batch will ever become durable.
    failed: Option<StoreError>,
}

impl Progress {
    pub(crate) fn new() -> Progress {
        Progress { seen: AtomicU64::new(0), durable: AtomicU64::new(0), outcome: watch::Sender::default() }
    }

    /// Must be called while nobody looks, before anything of the batch can be seen.
    pub(crate) fn seen(&self, batch: u64) {
        self.seen.store(batch, Ordering::Release);
    }

    pub(crate) fn durable(&self, batch: u64) {
        self.durable.store(batch, Ordering::Release);
        self.outcome.send_modify(|outcome| outcome.durable = batch);
    }

    pub(crate) fn failed(&self, error: StoreError) {
        self.outcome.send_modify(|outcome| outcome.failed = Some(error));
    }

    /// Ends when everything that can be seen now is durable.
    pub(crate) fn settled(&self) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>> {
        // Whoever looked has taken the lock that `seen` was called under, so this is not too low.
        let seen = self.seen.load(Ordering::Acquire);
        if self.durable.load(Ordering::Acquire) >= seen {
            return Box::pin(ready(Ok(())));
        }
        let mut outcome = self.outcome.subscribe();
        Box::pin(async move {
            let known = |outcome: &Outcome| outcome.durable >= seen || outcome.failed.is_some();
            match outcome.wait_for(known).await {
                Ok(outcome) if outcome.durable >= seen => Ok(()),
                Ok(outcome) => Err(outcome.failed.clone().unwrap_or(StoreError::Closed)),
                Err(_) => Err(StoreError::Closed),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::{Context, Poll, Waker};

    #[test]
    fn what_was_seen_settles_when_it_is_durable() {
        let progress = Progress::new();
        let mut context = Context::from_waker(Waker::noop());
        let mut nothing = progress.settled();
        assert_eq!(nothing.as_mut().poll(&mut context), Poll::Ready(Ok(())));

        progress.seen(1);
        let (mut first, mut again) = (progress.settled(), progress.settled());
        assert_eq!(first.as_mut().poll(&mut context), Poll::Pending);
        progress.durable(1);
        assert_eq!(first.as_mut().poll(&mut context), Poll::Ready(Ok(())));
        assert_eq!(again.as_mut().poll(&mut context), Poll::Ready(Ok(())));

        progress.seen(2);
        let (mut second, mut late) = (progress.settled(), progress.settled());
        assert_eq!(second.as_mut().poll(&mut context), Poll::Pending);
        progress.failed(StoreError::Failed("test".into()));
        assert_eq!(second.as_mut().poll(&mut context), Poll::Ready(Err(StoreError::Failed("test".into()))));
        assert!(matches!(progress.settled().as_mut().poll(&mut context), Poll::Ready(Err(_))));
        drop(progress);
        assert!(matches!(late.as_mut().poll(&mut context), Poll::Ready(Err(_))));
    }
}
