//! Addresses by which people have tried to get where they may not.

use crate::client;
use crate::hasty;
use crate::hostile_url::{self, Reaches};
use crate::name_server::{NameServer, Told, addresses};
use crate::server::Forbidden;
use sandglass_core::grant::{HttpGrant, Reach};
use sandglass_core::limit;
use sandglass_outbound::{Error, Limits, Request};

/// What names lead to. Whoever owns one can have it lead anywhere, so all lead here, in one way or another.
fn told(name: &str, _before: usize) -> Told {
    match name {
        "loopback6.evil.test" => addresses(&["::1"]),
        "both.evil.test" => addresses(&["127.0.0.1", "::1"]),
        "mapped.evil.test" => addresses(&["::ffff:127.0.0.1"]),
        "compatible.evil.test" => addresses(&["::127.0.0.1"]),
        "nat64.evil.test" => addresses(&["64:ff9b::7f00:1"]),
        "unspecified.evil.test" => addresses(&["0.0.0.0"]),
        "unspecified6.evil.test" => addresses(&["::"]),
        "mixed.evil.test" => addresses(&["3000::1", "127.0.0.1"]),
        "alias.evil.test" => Told::Alias("loopback.evil.test."),
        "localhost.evil.test" => Told::Alias("localhost."),
        _ => addresses(&["127.0.0.1"]),
    }
}

/// Each URL is asked for by somebody who was granted every name in the table, and by somebody who was granted just
/// that URL's host and port. The listener stands on all addresses of this machine.
#[tokio::test]
async fn nobody_gets_to_the_forbidden_side() {
    let forbidden = Forbidden::new().await;
    let names = NameServer::new(told).await;
    let client = client(names.resolver());
    let limits = Limits { response: limit::Bytes::kib(64), ..hasty() };
    let (mut count, mut refused, mut denied) = (0, 0, 0);
    for (url, _) in hostile_url::all(forbidden.port) {
        count += 1;
        let request = match Request::new("GET", &url) {
            Ok(request) => request,
            Err(error) => {
                assert!(matches!(error, Error::Invalid(_)), "{url:?}: {error}");
                refused += 1;
                continue;
            }
        };
        let own = vec![HttpGrant::of(request.target(), Reach::Public)];
        for grants in [hostile_url::grants(forbidden.port), own] {
            let request = Request::new("GET", &url).unwrap();
            let failure = client.send(&grants, limits, request).await.unwrap_err();
            assert!(matches!(failure.error, Error::Denied(_)), "{url:?}: {}", failure.error);
            assert_eq!((failure.exchange.address, failure.exchange.sent), (None, 0), "{url:?}");
        }
        denied += 1;
    }
    assert!(count >= 200, "{count} URLs");
    assert!(refused >= 50 && denied >= 100, "{refused} refused, {denied} denied");
    assert_eq!(forbidden.visitors().await, 0);
}

/// That the listener would see them: with a grant that says `private = true`, those that lead to it get there.
#[tokio::test]
async fn the_forbidden_side_is_where_the_urls_lead() {
    let forbidden = Forbidden::new().await;
    let names = NameServer::new(told).await;
    let client = client(names.resolver());
    let mut count = 0;
    for (url, reaches) in hostile_url::all(forbidden.port) {
        let is_there = match reaches {
            Reaches::Loopback => true,
            Reaches::Loopback6 => forbidden.has_v6(),
            Reaches::Nowhere => false,
        };
        if !is_there {
            continue;
        }
        let request = Request::new("GET", &url).unwrap();
        let grants = [HttpGrant::of(request.target(), Reach::Private)];
        let asking = client.send(&grants, crate::generous(), request);
        // It accepts and hangs up.
        let (asked, ()) = tokio::join!(asking, forbidden.turn_away());
        assert_eq!(asked.unwrap_err().exchange.error.as_deref(), Some("unavailable"), "{url:?}");
        count += 1;
    }
    assert!(count >= 60, "{count} URLs");
}
