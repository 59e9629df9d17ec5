//! The `log` crate's lines go to the run's log.

use crate::bindings::sandglass::job::log as host;

struct HostLog;

/// Takes every level: the host's limits, not this crate, decide how much is too much.
pub(crate) fn install() {
    // Another logger, set by the job, stays.
    if log::set_logger(&HostLog).is_ok() {
        log::set_max_level(log::LevelFilter::Trace);
    }
}

impl log::Log for HostLog {
    fn enabled(&self, _: &log::Metadata) -> bool {
        true
    }

    fn log(&self, record: &log::Record) {
        host::write(level(record.level()), &record.args().to_string());
    }

    fn flush(&self) {}
}

fn level(level: log::Level) -> host::Level {
    match level {
        log::Level::Trace => host::Level::Trace,
        log::Level::Debug => host::Level::Debug,
        log::Level::Info => host::Level::Info,
        log::Level::Warn => host::Level::Warn,
        log::Level::Error => host::Level::Error,
    }
}
