//! What an attempt's host calls cost: fuel by a tariff, and the counts that limits are about.
//!
//! The tariff is kept beside the store's own fuel and added to it where it is judged: compiled code holds the
//! store's fuel in a register, and writes over what others take from it. So a guest may burn its limit once by
//! itself and once by calls before it is stopped, but whether it stayed within its limit is judged by the sum,
//! at the latest when it returns.

use crate::verdict::{self, Ended};
use sandglass_core::limit::Limits;
use sandglass_core::run::Cause;
use std::time::{Duration, Instant};

/// The tariff. One unit of fuel is about one instruction, some half a nanosecond.
pub(crate) mod tariff {
    /// Every call, into WASI too: covers the most that one of WASI's calls can cost, its bytes aside.
    pub(crate) const CALL: u64 = 1_000;
    /// A byte that is copied and looked at once: texts, random bytes, log lines.
    pub(crate) const BYTE: u64 = 2;
    /// A byte of the secrets that an attempt has, each time that it gets one more: what finds them in its log is
    /// made anew.
    pub(crate) const SECRET_BYTE: u64 = 100;
    /// A byte of a log that secrets are looked for in, beside its own cost.
    pub(crate) const REDACTED_BYTE: u64 = 6;
    /// A byte of a row, which is read or written as JSON.
    pub(crate) const ROW_BYTE: u64 = 8;
    /// A row that is looked up, decoded, matched or written.
    pub(crate) const ROW: u64 = 4_000;
    /// One thing that a guest waits for.
    pub(crate) const POLLABLE: u64 = 500;
    /// A request to another host, its bytes aside: it is looked up, connected to, and perhaps greeted with TLS.
    pub(crate) const HTTP_CALL: u64 = 1_000_000;
    /// A commit before the end, which waits for the disk.
    pub(crate) const CHECKPOINT: u64 = 1_000_000;
}

/// Counts of one attempt.
#[derive(Debug)]
pub(crate) struct Meter {
    charged: u64,
    fuel_max: u64,
    calls: u64,
    calls_max: u64,
    inside: Duration,
    /// Since when the guest waits inside a call. A guest that is ended there never comes back to say so.
    waiting: Option<Instant>,
    scanned: u64,
    scanned_max: u64,
    pub(crate) rows_read: u64,
    pub(crate) rows_written: u64,
}

impl Meter {
    pub(crate) fn new(limits: &Limits) -> Meter {
        Meter {
            charged: 0,
            fuel_max: limits.fuel,
            calls: 0,
            calls_max: limits.host_calls,
            inside: Duration::ZERO,
            waiting: None,
            scanned: 0,
            scanned_max: limits.rows_scanned,
            rows_read: 0,
            rows_written: 0,
        }
    }

    /// Counts a call. It cannot be refused here; [`Meter::check`] ends the attempt soon after.
    pub(crate) fn enter(&mut self) {
        self.calls += 1;
        self.charge(tariff::CALL);
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls
    }

    pub(crate) fn charge(&mut self, fuel: u64) {
        self.charged = self.charged.saturating_add(fuel);
    }

    pub(crate) fn charge_bytes(&mut self, bytes: usize) {
        self.charge((bytes as u64).saturating_mul(tariff::BYTE));
    }

    /// A row of so many bytes was read or written.
    pub(crate) fn charge_row(&mut self, bytes: usize) {
        self.charge((bytes as u64).saturating_mul(tariff::ROW_BYTE).saturating_add(tariff::ROW));
    }

    /// All the fuel that was burnt, of which the store has `left` of its own.
    pub(crate) fn burnt(&self, left: u64) -> u64 {
        self.charged.saturating_add(self.fuel_max.saturating_sub(left))
    }

    /// Adds the time since `began` to what was spent inside host calls.
    pub(crate) fn spent(&mut self, began: Instant) {
        self.inside += began.elapsed();
    }

    /// The guest begins to wait inside a call.
    pub(crate) fn wait(&mut self) {
        self.waiting = Some(Instant::now());
    }

    /// It waits no longer.
    pub(crate) fn waited(&mut self) {
        self.inside += self.waiting.take().map_or(Duration::ZERO, |since| since.elapsed());
    }

    pub(crate) fn inside(&self) -> Duration {
        self.inside
    }

    /// Counts a row that a query, a count or delete-where looks at, and says whether that is within the limit.
    pub(crate) fn scan(&mut self) -> bool {
        self.scanned += 1;
        self.scanned <= self.scanned_max
    }

    pub(crate) fn scanned_max(&self) -> u64 {
        self.scanned_max
    }

    /// Ends the attempt where its calls are more, or cost more, than it may have.
    pub(crate) fn check(&self) -> Result<(), Ended> {
        self.check_with(self.fuel_max)
    }

    /// The same, where the store has only so much fuel left.
    pub(crate) fn check_with(&self, left: u64) -> Result<(), Ended> {
        if self.calls > self.calls_max {
            let message = format!("more than {} calls into the host (limit host_calls)", self.calls_max);
            return Err(Ended::new(Cause::Quota, message));
        }
        if self.burnt(left) > self.fuel_max {
            return Err(Ended(verdict::out_of_fuel(self.fuel_max)));
        }
        Ok(())
    }
}
