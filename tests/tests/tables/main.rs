//! Tables as people build on them: what jobs and HTTP clients are told agrees with a model of the rows, through
//! kills of the host; and what an index is read for does not grow with the table.

mod agreement;
mod client;
mod contention;
mod deletion;
mod index;
mod job;
mod model;
mod op;
mod random;
