//! Names whose owner answers with what suits an attack.

use crate::name_server::{NameServer, Told, addresses};
use crate::server::{Forbidden, Server};
use crate::{client, generous, grants, hasty, private};
use sandglass_core::grant::HttpGrant;
use sandglass_outbound::{Cause, Denial, Error, Failure, Request, Resolver};
use serde_json::json;
use tokio::net::TcpListener;

/// Within what is handed out as global unicast (`2000::/3`), and never handed out: public, and leading nowhere.
const NOWHERE: &str = "3000::1";

async fn get(resolver: Resolver, grants: &[HttpGrant], url: &str) -> Result<u16, Failure> {
    let request = Request::new("GET", url).unwrap();
    client(resolver).send(grants, hasty(), request).await.map(|response| response.status)
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_every_answer_is_checked() {
    let forbidden = Forbidden::new().await;
    let names = NameServer::new(|name, before| match (name, before) {
        ("six.test", 0) => addresses(&[NOWHERE]),
        ("six.test", _) => addresses(&["::1"]),
        // In turn, so that one lookup may see what the one before has not.
        ("four.test", before) if before % 2 == 0 => addresses(&[NOWHERE]),
        ("four.test", _) => addresses(&["127.0.0.1"]),
        _ => Told::Nothing,
    })
    .await;
    let port = forbidden.port;
    let grants = grants(&json!([format!("*.test:{port}")]));
    for name in ["six.test", "four.test"] {
        let url = format!("http://{name}:{port}/");
        // The first answer is public. Nothing is there, and nothing else is tried.
        let first = get(names.resolver(), &grants, &url).await.unwrap_err().error;
        assert!(
            matches!(first, Error::Unavailable { cause: Cause::Connect | Cause::Timeout, .. }),
            "{first}"
        );
        assert_eq!(names.queries(name), 2, "{name}: A and AAAA, once each");
        let second = get(names.resolver(), &grants, &url).await.unwrap_err().error;
        assert!(matches!(second, Error::Denied(Denial::Address { .. })), "{second}");
        assert_eq!(names.queries(name), 4);
    }
    assert_eq!(forbidden.visitors().await, 0);
}

#[tokio::test]
async fn the_address_that_was_checked_is_the_one_connected_to() {
    let ok = "HTTP/1.1 204 No Content\r\n\r\n";
    let first = Server::answering(ok).await;
    let port = first.address.port();
    // The same port of another address, where the name points to from the second answer on.
    let Ok(other) = TcpListener::bind(("127.0.0.2", port)).await else {
        panic!("127.0.0.2:{port} is in use");
    };
    let other = Server::on(other, |_| async {});
    let names =
        NameServer::new(|_, before| addresses(if before == 0 { &["127.0.0.1"] } else { &["127.0.0.2"] }))
            .await;
    let request = Request::new("GET", &format!("http://api.test:{port}/")).unwrap();
    let grants = private(&format!("api.test:{port}"));
    let response = client(names.resolver()).send(&grants, generous(), request).await.unwrap();
    assert_eq!(response.ledger.exchange().address.as_deref(), Some("127.0.0.1"));
    assert_eq!((first.connections(), other.connections()), (1, 0));
}

#[tokio::test]
async fn one_refused_address_refuses_the_name() {
    let forbidden = Forbidden::new().await;
    let names = NameServer::new(|name, _| match name {
        "mixed.test" => addresses(&[NOWHERE, "127.0.0.1"]),
        "mixed-last.test" => addresses(&[NOWHERE, "3000::2", "::1"]),
        "mixed-families.test" => addresses(&["1.0.0.1", "::ffff:127.0.0.1"]),
        "mapped.test" => addresses(&["::ffff:127.0.0.1"]),
        "compatible.test" => addresses(&["::127.0.0.1"]),
        "nat64.test" => addresses(&["64:ff9b::7f00:1"]),
        "sixtofour.test" => addresses(&["2002:7f00:1::1"]),
        "teredo.test" => addresses(&["2001:0:4136:e378:8000:63bf:80ff:fffe"]),
        "metadata.test" => addresses(&["169.254.169.254"]),
        "metadata6.test" => addresses(&["fd00:ec2::254"]),
        "unspecified.test" => addresses(&["0.0.0.0"]),
        "unspecified6.test" => addresses(&["::"]),
        "broadcast.test" => addresses(&["255.255.255.255"]),
        "alias.test" => Told::Alias("mixed.test."),
        "chain.test" => Told::Alias("chain-2.test."),
        "chain-2.test" => Told::Alias("chain-3.test."),
        "chain-3.test" => Told::Alias("loop-back.test."),
        "loop-back.test" => addresses(&["127.0.0.1"]),
        "to-localhost.test" => Told::Alias("localhost."),
        _ => Told::Nothing,
    })
    .await;
    let port = forbidden.port;
    let grants = grants(&json!([format!("*.test:{port}")]));
    for name in [
        "mixed",
        "mixed-last",
        "mixed-families",
        "mapped",
        "compatible",
        "nat64",
        "sixtofour",
        "teredo",
        "metadata",
        "metadata6",
        "unspecified",
        "unspecified6",
        "broadcast",
        "alias",
        "chain",
        "to-localhost",
    ] {
        let error =
            get(names.resolver(), &grants, &format!("http://{name}.test:{port}/")).await.unwrap_err().error;
        assert!(matches!(error, Error::Denied(Denial::Address { .. })), "{name}: {error}");
        assert!(error.to_string().contains(&format!("`{name}.test` has the address ")), "{error}");
    }
    assert_eq!(forbidden.visitors().await, 0);
}

#[tokio::test]
async fn a_private_grant_follows_aliases_but_opens_no_address_that_none_opens() {
    let server = Server::answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let port = server.address.port();
    let names = NameServer::new(|name, _| match name {
        "alias.test" => Told::Alias("real.test."),
        "real.test" => addresses(&["127.0.0.1"]),
        "mapped.test" => addresses(&["::ffff:127.0.0.1"]),
        "zero.test" => addresses(&["0.0.0.0"]),
        "mixed-zero.test" => addresses(&["127.0.0.1", "::"]),
        _ => Told::Nothing,
    })
    .await;
    let grants = private(&format!("*.test:{port}"));
    for name in ["alias", "mapped"] {
        let request = Request::new("GET", &format!("http://{name}.test:{port}/")).unwrap();
        let response = client(names.resolver()).send(&grants, generous(), request).await.unwrap();
        assert_eq!(response.status, 204, "{name}");
    }
    assert_eq!(server.connections(), 2);
    for name in ["zero", "mixed-zero"] {
        let error =
            get(names.resolver(), &grants, &format!("http://{name}.test:{port}/")).await.unwrap_err().error;
        assert!(matches!(error, Error::Denied(Denial::Address { .. })), "{name}: {error}");
        assert!(error.to_string().ends_with("no grant covers that"), "{error}");
    }
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn names_that_lead_nowhere_are_unavailable() {
    let names = NameServer::new(|name, _| match name {
        "circle.test" => Told::Alias("elcric.test."),
        "elcric.test" => Told::Alias("circle.test."),
        "silent.test" => Told::Silence,
        "empty.test" => addresses(&[]),
        _ => Told::Nothing,
    })
    .await;
    let grants = grants(&json!(["*.test"]));
    for (name, expected) in [
        ("none", Cause::Resolve),
        ("empty", Cause::Resolve),
        ("circle", Cause::Resolve),
        ("silent", Cause::Timeout),
    ] {
        let limits = if expected == Cause::Timeout { hasty() } else { generous() };
        let request = Request::new("GET", &format!("http://{name}.test/")).unwrap();
        let failure = client(names.resolver()).send(&grants, limits, request).await.unwrap_err();
        let Error::Unavailable { cause, message } = failure.error else {
            panic!("{name}: {}", failure.error);
        };
        assert_eq!(cause, expected, "{name}: {message}");
    }
}

#[tokio::test]
async fn the_systems_own_names_need_a_private_grant() {
    let forbidden = Forbidden::new().await;
    let port = forbidden.port;
    let denied = get(
        Resolver::system(),
        &grants(&json!([format!("localhost:{port}")])),
        &format!("http://localhost:{port}/"),
    )
    .await
    .unwrap_err()
    .error;
    assert!(matches!(denied, Error::Denied(Denial::Address { .. })), "{denied}");
    assert_eq!(forbidden.visitors().await, 0);

    let server = Server::answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let port = server.address.port();
    let request = Request::new("GET", &format!("http://localhost:{port}/")).unwrap();
    let response = client(Resolver::system())
        .send(&private(&format!("localhost:{port}")), generous(), request)
        .await
        .unwrap();
    assert_eq!(response.status, 204);
}
