//! Why a request failed, by what its caller can do.

use sandglass_core::address::Refusal;
use sandglass_core::host::Host;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another grant is needed. Nothing was connected to.
    #[error("{0}")]
    Denied(Denial),
    /// The request is not one that can be sent. Nothing was connected to.
    #[error("{0}")]
    Invalid(String),
    /// The other side, or the way there, failed: another attempt may succeed.
    #[error("{message}")]
    Unavailable { cause: Cause, message: String },
    /// A limit of the host or of the job was reached; `limit` is its name, and the message has its figure.
    #[error("{message}")]
    Quota { limit: &'static str, message: String },
}

/// What was not granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    #[error("no grant covers requests to `{host}:{port}`: add it to grants.http")]
    Host { host: Host, port: u16 },
    #[error("{}", refused(.host, .refusal))]
    Address { host: Host, refusal: Refusal },
}

/// On which step of the way it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    Resolve,
    Connect,
    Tls,
    /// What came is not HTTP, or ended before its time.
    Protocol,
    Timeout,
}

impl Error {
    /// The code that a guest is told: `denied`, `invalid`, `unavailable` or `quota`.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Denied(_) => "denied",
            Error::Invalid(_) => "invalid",
            Error::Unavailable { .. } => "unavailable",
            Error::Quota { .. } => "quota",
        }
    }

    pub fn unavailable(cause: Cause, message: impl Into<String>) -> Error {
        Error::Unavailable { cause, message: message.into() }
    }
}

fn refused(host: &Host, refusal: &Refusal) -> String {
    let subject = match host {
        Host::Name(name) => format!("`{name}` has the address "),
        Host::Address(_) => String::new(),
    };
    let way_out =
        if refusal.range.always { "no grant covers that" } else { "a grant with `private = true` is needed" };
    format!("{subject}{refusal}: {way_out}")
}
