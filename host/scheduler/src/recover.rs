//! At the start: every attempt that was running when the host stopped is lost.

use crate::host::Host;
use sandglass_store::op::{epoch, recover};
use sandglass_store::{StoreError, StoreExt};

/// What the last process left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recovered {
    /// Attempts that were running.
    pub lost: usize,
}

/// Live runs that one script deals with.
const BATCH: usize = 500;

pub(crate) async fn recover(host: &Host) -> Result<Recovered, StoreError> {
    let mut recovered = Recovered::default();
    // The clock may have been set back while nobody looked.
    let now = host.now();
    host.store.write(move |write| epoch::set_back(write, now)).await?;
    *host.seen.lock() = now;
    let mut after = None;
    loop {
        let (clock, random) = (host.clock.clone(), host.random.clone());
        let (last, lost) = host
            .store
            .write(move |write| recover::lose(write, after, BATCH, clock(), &mut || random()))
            .await?;
        recovered.lost += lost;
        match last {
            Some(last) => after = Some(last),
            None => return Ok(recovered),
        }
    }
}
