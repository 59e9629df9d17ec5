//! Guests that reach for what they were not given: files, the network, other tables, secrets, the host's own
//! environment.

use super::Guest;
use crate::wat::{OK, Wat, run};
use serde_json::json;

pub fn guests() -> Vec<Guest> {
    vec![
        // Imported, as language runtimes do, and not called.
        Guest::by_hand("sockets-imported", socket(OK)),
        Guest::by_hand("sockets-used", socket("(drop (call $network)) (i32.const 16)"))
            .fails("denied", &["wasi:sockets/instance-network@0.2.0#instance-network", "jobs are not given"]),
        Guest::probe("sockets-used-in-rust", json!([{"sockets": null}])).fails("denied", &["wasi:sockets"]),
        Guest::by_hand("folders-asked-for", folders()),
        Guest::by_hand("folder-invented", invented_folder()).fails("trap", &["handle"]),
        Guest::probe(
            "file-read-in-rust",
            json!([{"read_file": "/etc/passwd"}, {"read_file": "/etc/passwd", "must": true}]),
        )
        .fails("error", &["io: "]),
        Guest::probe(
            "file-read-by-way-of-a-parent",
            json!([{"read_file": "../../../../proc/self/environ", "must": true}]),
        )
        .fails("error", &["io: "]),
        // What its specification gives it, and nothing of the host's.
        Guest::by_hand(
            "environment-of-the-host",
            run("(call $environment (i32.const 64))
                (if (i32.ne (i32.load (i32.const 68)) (i32.const 1)) (then (unreachable)))
                (i32.const 16)"),
        )
        .env(json!({"A": "1"})),
        Guest::by_hand("leave-well", exit(0)).fails("error", &["left by calling exit, as a success"]),
        Guest::by_hand("leave-badly", exit(1)).fails("error", &["left by calling exit, as a failure"]),
        Guest::probe("secret-of-others", json!([{"secret": "KEY", "must": true}]))
            .fails("error", &["denied", "no grant of this job covers the secret `KEY`"]),
        Guest::probe(
            "mail-to-others",
            json!([{"email": {"to": ["all@example.org"], "subject": "x", "text": "x"}, "must": true}]),
        )
        .grants(json!({"email": {"to": ["ops@example.com"]}}))
        .fails("error", &["denied", "`all@example.org`"]),
        Guest::probe("request-to-others", json!([{"http": {"url": "http://127.0.0.1:1/"}, "must": true}]))
            .fails("error", &["denied"]),
        table("table-of-others", "other", "denied"),
        table("table-by-a-prefix", "tt", "denied"),
        table("table-in-capitals", "T", "invalid"),
        table("table-in-a-parent", "../t", "invalid"),
        table("table-with-nul", "t\u{0}", "invalid"),
        // A letter of the Cyrillic alphabet that looks like one of ours.
        table("table-that-looks-alike", "\u{442}", "invalid"),
        table("table-without-a-name", "", "invalid"),
        table("table-with-a-long-name", "LONG", "invalid"),
        Guest::probe(
            "write-where-it-may-read",
            json!([{"put": {"table": "t", "id": "x", "fields": {}}, "must": true}]),
        )
        .grants(json!({"tables": {"t": "read"}}))
        .fails("error", &["denied", "grants.tables.t"]),
        Guest::probe(
            "row-with-a-name-of-control-characters",
            json!([{"put": {"table": "t", "id": "a\u{0}b", "fields": {}}, "must": true}]),
        )
        .fails("error", &["invalid"]),
        Guest::probe(
            "row-with-a-long-name",
            json!([{"put": {"table": "t", "id": "x".repeat(256), "fields": {}}, "must": true}]),
        )
        .fails("error", &["invalid", "255"]),
        Guest::probe("panic", json!([{"panic": "a panic of its own"}])).fails("trap", &["unreachable"]),
        Guest::by_hand("divide-by-zero", run("(i32.div_u (i32.const 1) (local.get $in))"))
            .fails("trap", &["divide by zero"]),
    ]
}

/// Tries to write to this table.
fn table(name: &'static str, table: &str, code: &'static str) -> Guest {
    let table = if table == "LONG" { "x".repeat(64) } else { table.to_owned() };
    let words: &'static [&'static str] = match code {
        "denied" => &["denied", "no grant of this job covers table"],
        _ => &["invalid"],
    };
    Guest::probe(name, json!([{"put": {"table": table, "id": "x", "fields": {}}, "must": true}]))
        .fails("error", words)
}

/// A guest that has a network to call.
fn socket(body: &str) -> Wat {
    let before = r#"
  (import "wasi:sockets/instance-network@0.2.0" (instance $net
    (export "network" (type $n (sub resource)))
    (export "instance-network" (func (result (own $n))))))
  (core func $network (canon lower (func $net "instance-network")))
  (core instance $network (export "network" (func $network)))"#;
    run(body)
        .before(before, r#"(with "network" (instance $network))"#)
        .module(r#"(import "network" "network" (func $network (result i32)))"#)
}

const FILES: &str = r#"
  (import "wasi:filesystem/types@0.2.0" (instance $file_types
    (export "descriptor" (type $d (sub resource)))
    (type $f (enum "access" "would-block" "already" "bad-descriptor" "busy" "deadlock" "quota" "exist" "file-too-large"
      "illegal-byte-sequence" "in-progress" "interrupted" "invalid" "io" "is-directory" "loop" "too-many-links"
      "message-size" "name-too-long" "no-device" "no-entry" "no-lock" "insufficient-memory" "insufficient-space"
      "not-directory" "not-empty" "not-recoverable" "unsupported" "no-tty" "no-such-device" "overflow" "not-permitted"
      "pipe" "read-only" "invalid-seek" "text-file-busy" "cross-device"))
    (export "error-code" (type $error (eq $f)))
    (export "[method]descriptor.sync" (func (param "self" (borrow $d)) (result (result (error $error)))))))
  (alias export $file_types "descriptor" (type $descriptor))
  (import "wasi:filesystem/preopens@0.2.0" (instance $preopens
    (alias outer 1 $descriptor (type $o))
    (export "descriptor" (type $d (eq $o)))
    (export "get-directories" (func (result (list (tuple (own $d) string)))))))
  (core func $folders (canon lower (func $preopens "get-directories") (memory $mem) (realloc $grow)))
  (core func $sync (canon lower (func $file_types "[method]descriptor.sync") (memory $mem)))
  (core instance $files (export "folders" (func $folders)) (export "sync" (func $sync)))"#;

fn files(body: &str) -> Wat {
    run(body).before(FILES, r#"(with "files" (instance $files))"#).module(
        r#"(import "files" "folders" (func $folders (param i32)))
        (import "files" "sync" (func $sync (param i32 i32)))"#,
    )
}

/// There is not one.
fn folders() -> Wat {
    files(
        "(call $folders (i32.const 64))
        (if (i32.ne (i32.load (i32.const 68)) (i32.const 0)) (then (unreachable)))
        (i32.const 16)",
    )
}

fn invented_folder() -> Wat {
    files("(call $sync (i32.const 3) (i32.const 64)) (i32.const 16)")
}

fn exit(status: u32) -> Wat {
    let before = r#"
  (import "wasi:cli/exit@0.2.0" (instance $exit (export "exit" (func (param "status" (result))))))
  (core func $exit (canon lower (func $exit "exit")))
  (core instance $exit (export "exit" (func $exit)))"#;
    run(&format!("(call $exit (i32.const {status})) (i32.const 16)"))
        .before(before, r#"(with "exit" (instance $exit))"#)
        .module(r#"(import "exit" "exit" (func $exit (param i32)))"#)
}
