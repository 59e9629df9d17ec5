//! Requests of jobs to other hosts, by both of the interfaces that they can speak, against servers on loopback.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use sandglass_tests::{Host, answers};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A server that answers each request with its own head and body.
struct Echo {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Echo {
    fn plain() -> Echo {
        Echo::serving(|stream| {
            answer(stream);
        })
    }

    /// With a certificate for `localhost`, and the PEM of the authority that made it.
    fn secure() -> (Echo, String) {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        let config = Arc::new(config);
        let echo = Echo::serving(move |stream| {
            let connection = ServerConnection::new(config.clone()).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            answer(&mut stream);
            stream.conn.send_close_notify();
            let _ = stream.flush();
        });
        (echo, authority.pem())
    }

    fn serving(serve: impl Fn(TcpStream) + Send + 'static) -> Echo {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = connections.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                counted.fetch_add(1, Ordering::SeqCst);
                serve(stream.unwrap());
            }
        });
        Echo { address, connections }
    }

    fn port(&self) -> u16 {
        self.address.port()
    }

    fn seen(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Reads one request and sends it back as the body of an answer.
fn answer(mut stream: impl Read + Write) {
    let mut seen = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match stream.read(&mut piece) {
            Ok(count) if count > 0 => seen.extend_from_slice(&piece[..count]),
            _ => return,
        }
        let text = String::from_utf8_lossy(&seen);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let head = head.to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let is_whole = match length {
            Some(length) => body.len() >= length,
            None if head.contains("transfer-encoding: chunked") => body.ends_with("0\r\n\r\n"),
            None => true,
        };
        if is_whole {
            break;
        }
    }
    let head = format!("HTTP/1.1 201 Created\r\nx-answer: 42\r\ncontent-length: {}\r\n\r\n", seen.len());
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(&seen);
}

fn private(host: &str) -> Value {
    json!({"host": host, "private": true})
}

fn document(host: &Host, run: &Value) -> Value {
    host.read(format!("runs/{}", run["id"].as_str().unwrap()))
}

#[test]
fn a_granted_host_is_asked_and_the_exchange_is_recorded_with_the_run() {
    let (host, echo) = (Host::start(), Echo::plain());
    let grants = json!({"http": [private(&format!("127.0.0.1:{}", echo.port()))]});
    host.deploy("job", "probe", json!({"grants": grants, "limits": {"http_calls": 2}}));
    let url = format!("http://{}/items?key=hidden", echo.address);
    let request = json!({"http": {"method": "POST", "url": url, "headers": [["x-a", "b"]], "body": "hello"}});
    let run = host.run_well("job", &json!([request, request, request]));
    let answers = answers(&run);
    let answer = &answers[0]["ok"];
    assert_eq!(answer["status"], 201);
    assert!(answer["headers"].as_array().unwrap().contains(&json!(["x-answer", "42"])), "{answer}");
    let body = answer["body"].as_str().unwrap();
    assert!(
        body.starts_with("POST /items?key=hidden HTTP/1.1\r\n") && body.ends_with("\r\n\r\nhello"),
        "{body}"
    );
    assert!(body.contains("x-a: b\r\n"), "{body}");
    assert_eq!(answers[2]["error"]["code"], "quota");
    assert!(answers[2]["error"]["message"].as_str().unwrap().contains("limit http_calls"), "{}", answers[2]);

    let run = document(&host, &run);
    let exchanges = run["exchanges"].as_array().unwrap();
    assert_eq!((exchanges.len(), &run["usage"]["http_calls"]), (2, &json!(3)));
    assert_eq!(exchanges[0]["method"], "POST");
    assert_eq!(exchanges[0]["host"], "127.0.0.1");
    assert_eq!(exchanges[0]["status"], 201);
    assert!(exchanges[0]["sent"].as_u64().unwrap() > 5 && exchanges[0]["duration"].is_string());
    assert!(!run["exchanges"].to_string().contains("hidden"), "{run}");
    assert_eq!(run["attempts"][0]["exchanges"], run["exchanges"]);
    assert_eq!(echo.seen(), 2);
}

#[test]
fn what_is_not_granted_is_denied_by_name_and_never_connected_to() {
    let (host, echo) = (Host::start(), Echo::plain());
    // A name whose address is loopback's, granted as a public one; and another port.
    let address = format!("127.0.0.1:{}", echo.port());
    host.deploy("public", "probe", json!({"grants": {"http": [format!("localhost:{}", echo.port())]}}));
    host.deploy("other", "probe", json!({"grants": {"http": [private("127.0.0.1:1")]}}));
    host.deploy("none", "fetcher", json!({}));
    let by_name = format!("http://localhost:{}/", echo.port());
    let by_address = format!("http://{address}/");
    for (job, url, told) in [
        ("public", by_name, "a grant with `private = true` is needed"),
        ("other", by_address, "add it to grants.http"),
    ] {
        let run = host.run_well(job, &json!([{"http": {"url": url}}]));
        let error = &answers(&run)[0]["error"];
        assert_eq!(error["code"], "denied", "{error}");
        assert!(error["message"].as_str().unwrap().contains(told), "{error}");
        let run = document(&host, &run);
        assert_eq!(run["exchanges"][0]["error"], "denied");
        assert_eq!(run["exchanges"][0]["sent"], 0);
    }
    let run = host.run_well("none", &json!({"authority": address}));
    assert!(run["result"].as_str().unwrap().contains("HttpRequestDenied"), "{run}");
    let last_error = document(&host, &run)["last_error"].as_str().unwrap().to_owned();
    assert!(last_error.starts_with("denied: no grant covers requests to `127.0.0.1:"), "{last_error}");
    assert_eq!(echo.seen(), 0);
}

#[test]
fn code_that_speaks_wasi_http_gets_the_same() {
    let (host, echo) = (Host::start(), Echo::plain());
    let grants = json!({
        "http": [private(&format!("127.0.0.1:{}", echo.port())), "*.example.com"],
        "secrets": ["KEY"],
    });
    host.put("secrets/KEY").json(&json!({"value": "canary-canary"})).send().json(201);
    host.deploy("job", "fetcher", json!({"grants": grants, "limits": {"http_request": "64KiB"}}));
    let body = "x".repeat(40_000);
    let ask = json!({"authority": echo.address.to_string(), "path": "/a", "body": body});
    let run = host.run_well("job", &ask);
    let answer: Value = serde_json::from_str(run["result"].as_str().unwrap()).unwrap();
    assert_eq!(answer["status"], 201);
    let echoed = answer["body"].as_str().unwrap();
    assert!(echoed.starts_with("POST /a HTTP/1.1\r\n"), "{echoed}");
    assert_eq!(
        echoed.matches('x').count(),
        40_000 + echoed.split("\r\n\r\n").next().unwrap().matches('x').count()
    );
    let run = document(&host, &run);
    assert_eq!((&run["usage"]["http_calls"], &run["exchanges"][0]["status"]), (&json!(1), &json!(201)));

    let large = json!({"authority": echo.address.to_string(), "body": "x".repeat(70_000)});
    let run = document(&host, &host.run("job", &large));
    assert_eq!(run["exchanges"][0]["error"], "quota", "{run}");
    assert!(run["last_error"].as_str().unwrap().contains("limit http_request"), "{run}");

    let hidden = json!({"authority": "{secret}.example.org", "secret": "KEY"});
    let run = document(&host, &host.run_well("job", &hidden));
    assert!(!run.to_string().contains("canary"), "{run}");
    assert_eq!(run["exchanges"][0]["host"], "[secret KEY].example.org");
}

#[test]
fn tls_is_checked_against_the_authorities_that_the_host_was_given() {
    let (echo, pem) = Echo::secure();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authorities.pem");
    std::fs::write(&path, pem).unwrap();
    let url = format!("https://localhost:{}/", echo.port());
    let script = json!([{"http": {"url": url}}]);
    let grants = json!({"http": [private(&format!("localhost:{}", echo.port()))]});

    let mut host = Host::start();
    host.deploy("job", "probe", json!({"grants": grants}));
    host.deploy("wasi", "fetcher", json!({"grants": grants}));
    let error = answers(&host.run_well("job", &script))[0]["error"].clone();
    assert_eq!(error["code"], "unavailable", "a stranger's certificate: {error}");

    host.set_environment("SANDGLASS_AUTHORITIES", path.to_str().unwrap());
    host.restart();
    let answer = answers(&host.run_well("job", &script)).remove(0)["ok"].take();
    assert_eq!(answer["status"], 201, "{answer}");
    let ask = json!({"scheme": "https", "authority": format!("localhost:{}", echo.port())});
    let answer: Value =
        serde_json::from_str(host.run_well("wasi", &ask)["result"].as_str().unwrap()).unwrap();
    assert_eq!(answer["status"], 201, "{answer}");
}

#[test]
fn no_wait_outlasts_the_attempt_or_its_cancel() {
    let host = Host::start();
    // It accepts, and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let grants = json!({"http": [private(&address.to_string())]});
    let once = json!({"timeout": "300ms", "retry": {"max_attempts": 1}});
    host.deploy("job", "probe", json!({"grants": grants, "policy": once}));
    host.deploy("wasi", "fetcher", json!({"grants": grants, "policy": once}));
    host.deploy("patient", "probe", json!({"grants": grants}));
    let script = json!([{"http": {"url": format!("http://{address}/")}}]);
    for (job, input) in [("job", script.clone()), ("wasi", json!({"authority": address.to_string()}))] {
        let run = document(&host, &host.run(job, &input));
        assert_eq!(run["cause"], "timeout", "{run}");
        assert_eq!(run["exchanges"].as_array().map(Vec::len), Some(1), "{run}");
        assert!(run["exchanges"][0]["status"].is_null());
    }
    let run = host.start("patient", &script);
    // The two before it are still in the queue. All are kept: a connection
    // that is dropped is closed, and its run would end of that.
    let kept: Vec<_> = (0..3).map(|_| silent.accept().unwrap()).collect();
    host.post(format!("runs/{run}/cancel")).send().json(200);
    assert_eq!(host.ended(&run)["outcome"], "cancelled");
    drop(kept);
}
