//! Mail that leaves the host: to real servers, through restarts of both sides, and past their refusals.
//!
//! `cargo xtask test smtp` makes what the servers need, and says where it is.

mod inbox;
mod naughty;
mod refused;
mod restarts;
mod secured;
mod sender;
mod server;
mod smuggled;
