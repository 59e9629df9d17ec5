//! The loop that claims what is due and hands it to be executed.

use crate::host::Host;
use crate::{execute, metric};
use sandglass_core::run::Trigger;
use sandglass_core::{Instant, RunId, Span};
use sandglass_store::op::claim::{self, Claimed, Room};
use sandglass_store::op::{due, epoch};
use sandglass_store::{StoreError, StoreExt};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How late scheduled runs began: the newest and the worst, in milliseconds.
#[derive(Debug, Default)]
pub struct Lateness {
    newest_millis: AtomicU64,
    worst_millis: AtomicU64,
}

impl Lateness {
    pub fn newest(&self) -> Span {
        Span::from_millis(self.newest_millis.load(Ordering::Relaxed))
    }

    /// Since the start of the process.
    pub fn worst(&self) -> Span {
        Span::from_millis(self.worst_millis.load(Ordering::Relaxed))
    }

    fn record(&self, late: Span) {
        self.newest_millis.store(late.millis(), Ordering::Relaxed);
        self.worst_millis.fetch_max(late.millis(), Ordering::Relaxed);
    }
}

/// After storage refused.
const PAUSE_AFTER_ERROR: Span = Span::from_secs(1);

/// How often the runs that wait are counted.
const COUNT_EVERY: Duration = Duration::from_secs(5);

pub(crate) async fn run(host: Arc<Host>) {
    let mut counted: Option<tokio::time::Instant> = None;
    // Said once, not every second.
    let mut is_full = false;
    loop {
        if counted.is_none_or(|counted| counted.elapsed() >= COUNT_EVERY) {
            counted = Some(tokio::time::Instant::now());
            if let Err(error) = host.count_waiting() {
                tracing::warn!(%error, "the runs that wait cannot be counted");
            }
        }
        let pause = match turn(&host).await {
            Ok(pause) => {
                if std::mem::replace(&mut is_full, false) {
                    tracing::info!("there is space again");
                }
                match pause {
                    Some(pause) => pause,
                    None => continue,
                }
            }
            Err(StoreError::Closed | StoreError::Stopped(_)) => return,
            Err(StoreError::Full) => {
                if !std::mem::replace(&mut is_full, true) {
                    tracing::error!(
                        "the disk is full: what is due waits, and is counted when there is space"
                    );
                }
                PAUSE_AFTER_ERROR
            }
            Err(error) => {
                metric::store_error("claim");
                tracing::error!(%error, "what is due cannot be claimed; it is counted when storage works again");
                PAUSE_AFTER_ERROR
            }
        };
        tokio::select! {
            biased;
            () = host.woken() => {}
            () = tokio::time::sleep(pause.to_std()) => {}
            () = host.closing.cancelled() => return,
        }
        if host.closing.is_cancelled() {
            return;
        }
    }
}

/// Claims once. Gives how long to wait for the next thing, none where more may be due already.
async fn turn(host: &Arc<Host>) -> Result<Option<Span>, StoreError> {
    follow_clock(host).await?;
    let room = host.room();
    // A look is cheap, a commit is not.
    if let Some(wait) = time_to_next(host, room)? {
        return Ok(Some(wait));
    }
    let endings = host.endings();
    let Claimed { started, ended, occurrences, skipped, more } = claim_due(host, room).await?;
    metric::claimed(occurrences, skipped);
    let idle = started.is_empty() && ended.is_empty() && occurrences == 0;
    for run in ended {
        host.ended(run);
    }
    let entered: Vec<RunId> = started.iter().map(|started| started.run.id).collect();
    for started in started {
        let is_first = started.run.trigger == Trigger::Schedule && started.run.attempts.is_empty();
        let late = is_first.then(|| host.now().since(started.run.scheduled_for));
        if let Some(late) = late {
            host.lateness.record(late);
        }
        metric::began(late);
        execute::spawn(host, started);
    }
    host.end_what_ended_since(endings, &entered)?;
    if more || !idle {
        return Ok(None);
    }
    Ok(Some(time_to_next(host, host.room())?.unwrap_or(host.options.look_every)))
}

/// Sees to what waits, where the clock was set back since the last look.
async fn follow_clock(host: &Host) -> Result<(), StoreError> {
    let (now, seen) = (host.now(), *host.seen.lock());
    if now < seen {
        host.store.write(move |write| epoch::set_back(write, now)).await?;
    }
    *host.seen.lock() = now;
    Ok(())
}

async fn claim_due(host: &Host, room: Room) -> Result<Claimed, StoreError> {
    let (clock, random) = (host.clock.clone(), host.random.clone());
    host.store.write(move |write| claim::claim(write, clock(), room, &mut || random())).await
}

/// None where something is due, or the clock shows what is to be recorded.
fn time_to_next(host: &Host, room: Room) -> Result<Option<Span>, StoreError> {
    let now: Instant = host.now();
    let (next, epoch) = host.store.read(|read| -> Result<_, StoreError> {
        Ok((due::next(read, room.slots > 0)?, epoch::current(read)?))
    })?;
    if epoch.observe(now).is_some() {
        return Ok(None);
    }
    match next {
        Some(next) if next <= now => Ok(None),
        Some(next) => Ok(Some(next.since(now).min(host.options.look_every))),
        None => Ok(Some(host.options.look_every)),
    }
}
