//! What must hold however things end: the host is killed at random moments, runs are cancelled at random moments,
//! and each run that fails names its cause.

mod cancel;
mod change;
mod effect;
mod failure;
mod halfway;
mod kill;
mod occurrence;
mod request;
mod row;
mod shown;
