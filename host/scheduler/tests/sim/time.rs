//! Two clocks: one that nobody sets, and the wall clock, which jumps.

use sandglass_core::{Instant, Span};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

/// Time since the beginning of a simulation, through all lives of its host. Within a life tokio's paused clock
/// tells it: it jumps to the next timer whenever nothing else is left to do.
pub struct Time {
    origin: Instant,
    /// How far the wall clock was set, in milliseconds.
    set_by: AtomicI64,
    /// Milliseconds in which no host was alive, and of earlier lives.
    before: AtomicU64,
    life: parking_lot::Mutex<Option<tokio::time::Instant>>,
}

impl Time {
    pub fn new(origin: Instant) -> Time {
        Time {
            origin,
            set_by: AtomicI64::new(0),
            before: AtomicU64::new(0),
            life: parking_lot::Mutex::new(None),
        }
    }

    /// A life begins. Called on its runtime.
    pub fn begin(&self) {
        *self.life.lock() = Some(tokio::time::Instant::now());
    }

    /// It ends. Called on its runtime.
    pub fn end(&self) {
        let elapsed = self.elapsed();
        *self.life.lock() = None;
        self.before.store(elapsed.millis(), Relaxed);
    }

    /// Time passes in which no host is alive.
    pub fn pass(&self, span: Span) {
        self.before.fetch_add(span.millis(), Relaxed);
    }

    pub fn elapsed(&self) -> Span {
        let life = self.life.lock().map_or(0, |began| began.elapsed().as_millis() as u64);
        Span::from_millis(self.before.load(Relaxed) + life)
    }

    pub fn wall(&self) -> Instant {
        let millis = self.origin.millis() + self.elapsed().millis() as i64 + self.set_by.load(Relaxed);
        Instant::from_millis(millis)
    }

    pub fn set(&self, by_ms: i64) {
        self.set_by.fetch_add(by_ms, Relaxed);
    }
}
