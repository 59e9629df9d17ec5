//! TLS with an authority of the tests' own.

use crate::name_server::{NameServer, addresses};
use crate::server::{Server, head};
use crate::{client, generous, private};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{HandshakeKind, ServerConfig, SupportedProtocolVersion};
use sandglass_outbound::{Cause, Client, Error, Request, roots};
use std::sync::Arc;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

static TLS12: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];
static TLS13: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// The settings of a server with a certificate for `names`, changed by `change`.
    fn server(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Setting {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names.iter().map(|name| san(name)).collect();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Setting {
            certificate: certificate.der().clone(),
            key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            versions: rustls::ALL_VERSIONS,
        }
    }
}

fn san(name: &str) -> SanType {
    match name.parse() {
        Ok(address) => SanType::IpAddress(address),
        Err(_) => SanType::DnsName(name.try_into().unwrap()),
    }
}

struct Setting {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    versions: &'static [&'static SupportedProtocolVersion],
}

/// What a server saw of a client.
#[derive(Debug, PartialEq)]
struct Seen {
    name: Option<String>,
    protocol: Option<Vec<u8>>,
    handshake: Option<HandshakeKind>,
    head: String,
}

impl Setting {
    async fn serve(self) -> (Server, mpsc::UnboundedReceiver<Seen>) {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(self.versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate], self.key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (sender, seen) = mpsc::unbounded_channel();
        let server = Server::new(move |stream| {
            let (acceptor, sender) = (acceptor.clone(), sender.clone());
            async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let head = head(&mut stream).await;
                let (_, connection) = stream.get_ref();
                let saw = Seen {
                    name: connection.server_name().map(ToOwned::to_owned),
                    protocol: connection.alpn_protocol().map(<[u8]>::to_vec),
                    handshake: connection.handshake_kind(),
                    head,
                };
                sender.send(saw).unwrap();
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret").await.unwrap();
                let _ = stream.shutdown().await;
            }
        })
        .await;
        (server, seen)
    }
}

/// A client that trusts `authority`, and a name server for which every name is on loopback.
async fn trusting(authority: &Authority) -> (Client, NameServer) {
    let names = NameServer::new(|_, _| addresses(&["127.0.0.1"])).await;
    let client = Client::new(names.resolver(), roots(authority.pem().as_bytes()).unwrap()).unwrap();
    (client, names)
}

async fn ask(client: &Client, host: &str, server: &Server) -> Result<String, Error> {
    let port = server.address.port();
    let request = Request::new("GET", &format!("https://{host}:{port}/x")).unwrap();
    let response = client.send(&private(&format!("{host}:{port}")), generous(), request).await;
    response
        .map(|response| String::from_utf8_lossy(&response.body).into_owned())
        .map_err(|failure| failure.error)
}

#[tokio::test]
async fn a_granted_host_answers_over_tls_under_its_own_name() {
    let authority = Authority::new();
    let (client, _names) = trusting(&authority).await;
    for versions in [TLS12, TLS13] {
        let setting = Setting { versions, ..authority.server(&["api.test"], |_| {}) };
        let (server, mut seen) = setting.serve().await;
        // Twice: the second time is no continuation of the first.
        for _ in 0..2 {
            assert_eq!(ask(&client, "api.test", &server).await.as_deref(), Ok("secret"));
            let seen = seen.recv().await.unwrap();
            assert_eq!(seen.name.as_deref(), Some("api.test"));
            assert_eq!(seen.protocol.as_deref(), Some(&b"http/1.1"[..]));
            assert_ne!(seen.handshake, Some(HandshakeKind::Resumed));
            let host = format!("host: api.test:{}\r\n", server.address.port());
            assert!(seen.head.contains(&host), "{}", seen.head);
        }
    }
    let (server, mut seen) = authority.server(&["127.0.0.1"], |_| {}).serve().await;
    assert_eq!(ask(&client, "127.0.0.1", &server).await.as_deref(), Ok("secret"));
    assert_eq!(seen.recv().await.unwrap().name, None);
    let (server, _seen) = authority.server(&["*.api.test"], |_| {}).serve().await;
    assert_eq!(ask(&client, "eu.api.test", &server).await.as_deref(), Ok("secret"));
}

#[tokio::test]
async fn a_certificate_of_somebody_else_is_refused() {
    let authority = Authority::new();
    let (trusting, names) = trusting(&authority).await;
    let distrusting = client(names.resolver());
    let past = |params: &mut CertificateParams| {
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
    };
    let future = |params: &mut CertificateParams| params.not_before = date_time_ymd(2400, 1, 1);
    let servers = [
        (&distrusting, authority.server(&["api.test"], |_| {}), "unknown"),
        (&trusting, Authority::new().server(&["api.test"], |_| {}), "unknown or bad"),
        (&trusting, authority.server(&["other.test"], |_| {}), "another name"),
        (&trusting, authority.server(&["*.test.api"], |_| {}), "another wildcard"),
        (&trusting, authority.server(&["127.0.0.1"], |_| {}), "the address alone"),
        (&trusting, authority.server(&["api.test"], past), "expired"),
        (&trusting, authority.server(&["api.test"], future), "not yet valid"),
    ];
    for (client, setting, what) in servers {
        let (server, mut seen) = setting.serve().await;
        let error = ask(client, "api.test", &server).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { cause: Cause::Tls, .. }), "{what}: {error}");
        assert!(seen.try_recv().is_err(), "{what}: a request was sent");
    }
}

#[tokio::test]
async fn what_speaks_no_tls_is_refused() {
    let authority = Authority::new();
    let (client, _names) = trusting(&authority).await;
    let server = Server::new(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    })
    .await;
    let error = ask(&client, "api.test", &server).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { cause: Cause::Tls, .. }), "{error}");
}

#[test]
fn authorities_are_read_from_pem() {
    let pem = Authority::new().pem();
    let of_web = roots(b"").unwrap().len();
    assert!(of_web > 50);
    assert_eq!(roots(pem.as_bytes()).unwrap().len(), of_web + 1);
    assert_eq!(roots(format!("a comment\n{pem}\n{pem}").as_bytes()).unwrap().len(), of_web + 2);
    for text in ["not PEM", &pem[..pem.len() / 2], &pem.replace("MII", "AAA")] {
        assert!(roots(text.as_bytes()).is_err(), "{text}");
    }
}
