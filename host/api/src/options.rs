//! What one host takes from its clients.

use crate::link::Link;
use std::time::Duration;

/// Limits of the API. Each has an answer that names it; docs/limits.md lists them.
#[derive(Debug, Clone)]
pub struct Options {
    /// Connections at one time. One more is closed at once.
    pub connections_max: usize,
    /// Connections from one address, or from one /64 of IPv6.
    pub connections_per_address_max: usize,
    /// Request line and headers together.
    pub header_bytes_max: usize,
    /// From the start of a connection, or the end of the request before, to the end of a request's headers.
    pub header_time_max: Duration,
    /// A client that sends, or takes, nothing for so long loses its connection.
    pub body_idle_max: Duration,
    /// From a request's headers to those of its answer. Uploads, imports, and runs that are waited for have
    /// more, and what streams after the headers takes as long as it takes.
    pub request_time_max: Duration,
    /// A body of JSON.
    pub json_bytes_max: usize,
    /// A component.
    pub upload_bytes_max: usize,
    /// Uploads that are held in memory at one time. Further ones wait for their turn.
    pub uploads_max: usize,
    /// The longest that one upload or import may take.
    pub upload_time_max: Duration,
    /// Rows that one page, or one count, looks at.
    pub rows_scanned_max: u64,
    /// When the host stops: how long requests that are being answered have to end.
    pub shutdown_time_max: Duration,
    /// The link that signs in to the portal once, where there is one.
    pub link: Option<Link>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            connections_max: 4096,
            connections_per_address_max: 256,
            header_bytes_max: 64 << 10,
            header_time_max: Duration::from_secs(10),
            body_idle_max: Duration::from_secs(30),
            request_time_max: Duration::from_mins(5),
            json_bytes_max: 4 << 20,
            upload_bytes_max: 64 << 20,
            uploads_max: 4,
            upload_time_max: Duration::from_hours(1),
            rows_scanned_max: 1_000_000,
            shutdown_time_max: Duration::from_secs(5),
            link: None,
        }
    }
}
