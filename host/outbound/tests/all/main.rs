//! The client against servers, name servers and listeners of the tests' own, all on loopback.

mod answer;
mod bound;
mod exchange;
mod hostile;
mod hostile_url;
mod name_server;
mod rebinding;
mod server;
mod tls;

use sandglass_core::Span;
use sandglass_core::grant::HttpGrant;
use sandglass_core::limit::Bytes;
use sandglass_outbound::{Client, Limits, Resolver, roots};

fn client(resolver: Resolver) -> Client {
    Client::new(resolver, roots(b"").unwrap()).unwrap()
}

/// Grants as a specification has them.
fn grants(json: &serde_json::Value) -> Vec<HttpGrant> {
    serde_json::from_value(json.clone()).unwrap()
}

/// A grant of one host and port whose addresses may be private.
fn private(host: &str) -> Vec<HttpGrant> {
    grants(&serde_json::json!([{"host": host, "private": true}]))
}

/// Limits that an honest exchange on loopback never meets, however slow the machine.
fn generous() -> Limits {
    Limits { time: Span::from_secs(300), ..Limits::default() }
}

/// For exchanges that are to end at the limit of time.
fn hasty() -> Limits {
    Limits { time: Span::from_millis(300), ..Limits::default() }
}

fn at_most(response: u64) -> Limits {
    Limits { response: Bytes(response), ..generous() }
}
