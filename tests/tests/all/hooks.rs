//! Signed webhooks, both ways: those that start runs, and those that tell of how runs ended.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use sandglass_tests::{Answer, Host, until};
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const KEY: &[u8] = b"thirty-two bytes that are secret";

fn secret() -> String {
    format!("whsec_{}", STANDARD.encode(KEY))
}

/// The signature of Standard Webhooks, from its text alone.
fn signature(id: &str, timestamp: u64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY).unwrap();
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn call(host: &Host, job: &str, id: &str, timestamp: u64, signature: &str, body: &str) -> Answer {
    host.with_token(None)
        .post(format!("/hooks/{job}"))
        .header("webhook-id", id)
        .header("webhook-timestamp", &timestamp.to_string())
        .header("webhook-signature", signature)
        .bytes("application/json", body)
        .send()
}

#[test]
fn a_signed_request_starts_one_run_and_an_unsigned_one_none() {
    let host = Host::start();
    host.put("secrets/HOOK").json(&json!({"value": secret()})).send().json(201);
    host.deploy("job", "trivial", json!({"hook": {"secret": "HOOK"}}));
    host.deploy("closed", "trivial", json!({}));
    let (body, at) = ("{\"order\":  7}", now());
    let run = call(&host, "job", "msg_1", at, &signature("msg_1", at, body), body).json(202);
    assert_eq!((&run["trigger"], &run["input"]), (&json!("webhook"), &json!({"order": 7})));
    // Senders repeat what they are not sure of.
    let again = call(&host, "job", "msg_1", at, &signature("msg_1", at, body), body).json(202);
    assert_eq!(run["id"], again["id"]);
    assert_eq!(host.ended(run["id"].as_str().unwrap())["outcome"], "succeeded");

    let good = signature("msg_2", at, body);
    call(&host, "job", "msg_2", at, "v1,AAAA", body).refusal(401, "unauthorized");
    call(&host, "job", "msg_3", at, &good, body).refusal(401, "unauthorized");
    call(&host, "job", "msg_2", at, &good, "{}").refusal(401, "unauthorized");
    let old = at - 3_600;
    call(&host, "job", "msg_2", old, &signature("msg_2", old, body), body).refusal(401, "unauthorized");
    call(&host, "closed", "msg_2", at, &good, body).refusal(404, "not-found");
    call(&host, "nobody", "msg_2", at, &good, body).refusal(404, "not-found");
    let unsigned = host.with_token(None).post("/hooks/job").json(&json!({})).send();
    unsigned.refusal(401, "unauthorized");
    call(&host, "job", "msg_2", at, &signature("msg_2", at, "no json"), "no json")
        .refusal(400, "bad-request");
    assert_eq!(host.list("jobs/job/runs").len(), 1);
    host.delete("secrets/HOOK").send().nothing(204);
    call(&host, "job", "msg_2", at, &good, body).refusal(503, "unavailable");
}

struct Delivery {
    headers: BTreeMap<String, String>,
    body: String,
}

/// A server that answers with these statuses, one after the other, and shows what it was sent.
fn receiver(statuses: &'static [u16]) -> (u16, Receiver<Delivery>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (show, shown) = channel();
    std::thread::spawn(move || {
        for status in statuses {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut headers = BTreeMap::new();
            for line in reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()) {
                if let Some((name, value)) = line.split_once(": ") {
                    headers.insert(name.to_lowercase(), value.to_owned());
                }
            }
            let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let _ = write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = show.send(Delivery { headers, body: String::from_utf8(body).unwrap() });
        }
    });
    (port, shown)
}

const PATIENCE: Duration = Duration::from_mins(1);

#[test]
fn a_failure_is_told_to_a_webhook_until_it_is_taken_through_a_kill() {
    let (port, deliveries) = receiver(&[500, 204]);
    let mut host = Host::start();
    host.put("secrets/NOTIFY").json(&json!({"value": secret()})).send().json(201);
    let url = format!("http://127.0.0.1:{port}/hook");
    let notify = json!({"on": ["failure"], "webhook": url, "secret": "NOTIFY", "private": true});
    host.deploy("job", "probe", json!({ "notify": notify }));
    let run = host.run("job", &json!([{"trap": null}]));
    let first = deliveries.recv_timeout(PATIENCE).unwrap();
    host.kill();
    host.restart();
    let second = deliveries.recv_timeout(PATIENCE).unwrap();
    assert_eq!(first.headers["webhook-id"], second.headers["webhook-id"], "receivers tell repeats by it");
    for Delivery { headers, body } in [first, second] {
        let timestamp = headers["webhook-timestamp"].parse().unwrap();
        let signatures: Vec<&str> = headers["webhook-signature"].split(' ').collect();
        assert_eq!(signatures, [signature(&headers["webhook-id"], timestamp, &body)]);
        let told: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(told["type"], "run.failed");
        assert_eq!((&told["data"]["run"], &told["data"]["cause"]), (&run["id"], &json!("trap")));
    }
    let taken = || {
        let metrics = host.get("/metrics").send().text();
        metrics.contains("sandglass_webhook_deliveries_total{came=\"taken\"} 1").then_some(())
    };
    until("it is taken", taken);
}

#[test]
fn a_webhook_on_this_machine_is_not_called_unless_the_job_says_so() {
    let (port, deliveries) = receiver(&[204]);
    let host = Host::start();
    host.put("secrets/NOTIFY").json(&json!({"value": secret()})).send().json(201);
    let url = format!("http://127.0.0.1:{port}/hook");
    host.deploy("job", "probe", json!({"notify": {"webhook": url, "secret": "NOTIFY"}}));
    host.run("job", &json!([{"trap": null}]));
    until("the refusal", || {
        let metrics = host.get("/metrics").send().text();
        metrics.contains("sandglass_webhook_deliveries_total{came=\"failed\"} 1").then_some(())
    });
    assert!(deliveries.try_recv().is_err());
}
