//! End to end: what a user, a guest and an operator see of the real binary. A file per subject.

mod cli;
mod digest;
mod effects;
mod first_job;
mod hooks;
mod limits;
mod logs;
mod outbound;
mod refusals;
mod requests;
mod restart;
mod schedules;
mod secrets;
mod tables;
mod tokens;
