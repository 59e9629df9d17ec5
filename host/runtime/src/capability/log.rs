//! `log`: lines of the run's log.

use crate::bindings::sandglass::job::log;
use crate::meter::tariff;
use crate::state::State;
use sandglass_core::log::Level;

impl log::Host for State {
    fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        self.meter.check()?;
        self.charge_logged(message.len());
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

impl State {
    /// Charges for bytes that go to the log.
    pub(crate) fn charge_logged(&mut self, bytes: usize) {
        self.meter.charge_bytes(bytes);
        if self.log.keeps_secrets_out() {
            self.meter.charge((bytes as u64).saturating_mul(tariff::REDACTED_BYTE));
        }
    }
}
