//! From a name to a connection whose address was checked.

use crate::error::{Cause, Denial, Error};
use crate::resolve::Resolver;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, DnsName, ServerName};
use rustls::{ClientConfig, RootCertStore};
use sandglass_core::address;
use sandglass_core::grant::Reach;
use sandglass_core::host::Host;
use sandglass_core::target::Target;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long an address has before the next one is tried beside it (RFC 8305, section 5).
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);
/// Addresses of one name that are tried. All of them are checked.
const ADDRESSES_TRIED_MAX: usize = 16;

/// The certificate authorities of the web (Mozilla's list), and those of `pem` beside them.
///
/// # Errors
/// Text with no certificate in it, with a broken one, or with one that is no authority; empty text is fine.
pub fn roots(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let of_web = roots.len();
    for (at, certificate) in CertificateDer::pem_slice_iter(pem).enumerate() {
        let wrong = |error: &dyn std::fmt::Display| format!("certificate {} is not valid: {error}", at + 1);
        roots.add(certificate.map_err(|error| wrong(&error))?).map_err(|error| wrong(&error))?;
    }
    if roots.len() == of_web && !pem.is_empty() {
        return Err("there is no certificate in it: `-----BEGIN CERTIFICATE-----` is looked for".into());
    }
    Ok(roots)
}

/// The settings of TLS: no client certificate, and no session that is resumed, which would link one job's requests
/// with another's.
pub(crate) fn tls(roots: RootCertStore) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The addresses of `target` that may be connected to: all that it has, or none.
///
/// A name with one good and one refused address is refused: an honest one has no reason to mix them.
pub(crate) async fn addresses(
    resolver: &Resolver,
    target: &Target,
    reach: Reach,
) -> Result<Vec<SocketAddr>, Error> {
    let found = match &target.host {
        Host::Address(address) => vec![*address],
        Host::Name(name) => resolver.addresses(name).await?,
    };
    if let Some(refusal) = found.iter().find_map(|address| address::refusal(*address, reach)) {
        return Err(Error::Denied(Denial::Address { host: target.host.clone(), refusal }));
    }
    let canonical = found.iter().map(IpAddr::to_canonical);
    let (v4, v6): (Vec<IpAddr>, Vec<IpAddr>) = canonical.partition(IpAddr::is_ipv4);
    Ok(alternate(&v4, &v6).into_iter().map(|address| SocketAddr::new(address, target.port)).collect())
}

/// One of each family in turn: if one of them leads nowhere, the other is soon tried.
fn alternate(v4: &[IpAddr], v6: &[IpAddr]) -> Vec<IpAddr> {
    let pairs = (0..v4.len().max(v6.len())).flat_map(|at| [v4.get(at), v6.get(at)]);
    pairs.flatten().copied().take(ADDRESSES_TRIED_MAX).collect()
}

/// Connects to the first of the addresses that answers.
pub(crate) async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, Error> {
    let mut rest = addresses.iter();
    let mut attempts = FuturesUnordered::new();
    let mut last = io::Error::other("there is no address");
    loop {
        let next = rest.next();
        attempts.extend(next.map(|address| TcpStream::connect(*address)));
        tokio::select! {
            attempt = attempts.next() => match attempt {
                Some(Ok(stream)) => {
                    // A request is written at once, so holding small packets back only costs time.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Some(Err(error)) => last = error,
                None => return Err(Error::unavailable(Cause::Connect, format!("no connection was made: {last}"))),
            },
            () = sleep(NEXT_ADDRESS_AFTER), if next.is_some() => {}
        }
    }
}

/// TLS to `host`, whose certificate must be for it.
pub(crate) async fn handshake(
    config: Arc<ClientConfig>,
    host: &Host,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, Error> {
    let failed = |error: &dyn std::fmt::Display| {
        Error::unavailable(Cause::Tls, format!("TLS with {host} failed: {error}"))
    };
    let name = match host {
        Host::Address(address) => ServerName::IpAddress((*address).into()),
        Host::Name(name) => {
            ServerName::DnsName(DnsName::try_from(name.to_string()).map_err(|error| failed(&error))?)
        }
    };
    TlsConnector::from(config).connect(name, stream).await.map_err(|error| failed(&error))
}
