//! What people see: times, amounts, tables. Pure functions of what the host answered and of the time now.

pub(crate) mod amount;
pub(crate) mod job;
pub(crate) mod log;
pub(crate) mod paint;
pub(crate) mod progress;
pub(crate) mod run;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod time;
