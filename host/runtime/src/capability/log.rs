//! `log`: lines of the run's log.

use crate::bindings::sandglass::job::log;
use crate::state::State;
use sandglass_core::log::Level;

impl log::Host for State {
    fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        self.meter.check()?;
        self.meter.charge_bytes(message.len());
        let level = match level {
            log::Level::Trace => Level::Trace,
            log::Level::Debug => Level::Debug,
            log::Level::Info => Level::Info,
            log::Level::Warn => Level::Warn,
            log::Level::Error => Level::Error,
        };
        self.log.line(level, message);
        Ok(())
    }
}
