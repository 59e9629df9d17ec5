//! Clocks.

use std::time::{Duration, Instant};

/// CPU of the whole process and wall time, from a moment on.
pub struct Watch {
    began: Instant,
    cpu: Duration,
}

impl Watch {
    pub fn start() -> Watch {
        Watch { began: Instant::now(), cpu: cpu() }
    }

    /// (CPU of all threads, wall time) since the start.
    pub fn read(&self) -> (Duration, Duration) {
        (cpu().saturating_sub(self.cpu), self.began.elapsed())
    }
}

/// What all threads of this process have used, in user and system.
fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
