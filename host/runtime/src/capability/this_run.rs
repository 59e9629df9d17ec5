//! `this-run`: what the guest can know of the run that is going on, and checkpoints.

use crate::bindings::sandglass::job::{this_run, types};
use crate::meter::tariff;
use crate::state::State;
use crate::verdict::Ended;
use sandglass_core::limit::fixed;
use sandglass_core::run::Cause;
use std::time::Instant;

impl types::Host for State {}

impl this_run::Host for State {
    fn job(&mut self) -> wasmtime::Result<String> {
        Ok(self.context.job.to_string())
    }

    fn run_id(&mut self) -> wasmtime::Result<String> {
        Ok(self.context.run.to_string())
    }

    fn attempt(&mut self) -> wasmtime::Result<u32> {
        Ok(self.context.attempt)
    }

    fn trigger(&mut self) -> wasmtime::Result<String> {
        Ok(self.context.trigger.as_str().to_string())
    }

    fn scheduled_for(&mut self) -> wasmtime::Result<i64> {
        Ok(self.context.scheduled_for.millis())
    }

    fn last_success(&mut self) -> wasmtime::Result<Option<i64>> {
        Ok(self.context.last_success.map(sandglass_core::Instant::millis))
    }

    fn now(&mut self) -> wasmtime::Result<i64> {
        Ok(State::now(self).millis())
    }

    fn deadline(&mut self) -> wasmtime::Result<i64> {
        Ok(self.deadline.millis())
    }

    fn setting(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        let value = self.context.spec.env.get(&name).cloned();
        self.meter.charge_bytes(name.len() + value.as_ref().map_or(0, String::len));
        Ok(value)
    }

    fn progress(&mut self) -> wasmtime::Result<Option<String>> {
        let progress = self.context.progress.clone();
        self.meter.charge_bytes(progress.as_ref().map_or(0, String::len));
        Ok(progress)
    }

    async fn checkpoint(&mut self, progress: Option<String>) -> wasmtime::Result<()> {
        self.meter.check()?;
        // A guest that computes is left a moment after its time is over, in which nothing of it counts any more.
        if Instant::now() >= self.ends_at {
            return Err(Ended(self.late()).into());
        }
        self.meter.charge(tariff::CHECKPOINT);
        let bytes = progress.as_ref().map_or(0, String::len);
        if bytes as u64 > fixed::PROGRESS.0 {
            let message =
                format!("a checkpoint's progress has {bytes} bytes, and at most {}", fixed::PROGRESS);
            return Err(Ended::new(Cause::Quota, message).into());
        }
        self.meter.wait();
        let effects = self.workspace.take();
        self.emails_bytes = 0;
        let done = self.context.committer.checkpoint(effects, progress.clone()).await;
        self.meter.waited();
        done.map_err(Ended)?;
        self.context.progress = progress;
        Ok(())
    }
}
