//! One request to another host, as it is recorded: no path, no headers and no bodies, which may be secret.

use crate::time::Span;
use serde::{Deserialize, Serialize};

/// What became of one request over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    pub method: String,
    pub scheme: String,
    /// In its normal form.
    pub host: String,
    pub port: u16,
    /// The address that was connected to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Of the answer, if its head came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What went wrong: denied, invalid, unavailable or quota. An answer may have a status and still be cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// From the beginning to the end of the answer, or until now.
    pub duration: Span,
    /// Bytes of HTTP, heads and framing included, those of TLS not.
    pub sent: u64,
    pub received: u64,
}
