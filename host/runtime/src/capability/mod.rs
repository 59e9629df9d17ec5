//! What a guest can touch: one file for each interface of `wit/job.wit`.
//!
//! Each call is checked against the job's grants, its limits and the rules of its arguments, in this order:
//! is it allowed, is it valid, is there room.

mod email;
mod http;
mod log;
mod secret;
pub(crate) mod table;
mod this_run;
