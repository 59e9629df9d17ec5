//! What is accepted, and what those are told whose upload is not.

use super::compile;
use super::guest::{OK, job, job_with};

fn refused(bytes: &[u8]) -> String {
    compile(bytes).map(|(_, report)| report).unwrap_err().join("\n")
}

fn refused_text(wat: &str) -> String {
    refused(&wat::parse_str(wat).unwrap())
}

#[test]
fn a_job_is_accepted_with_what_it_imports_and_exports() {
    let import = r#"(import "sandglass:job/log@0.1.3" (instance (export "level" (type (sub resource)))))"#;
    // Not the level of the log: a mismatch that only linking finds.
    let told = refused_text(&job_with(import, "", "", OK));
    assert!(told.contains("sandglass:job/log@0.1.3") && told.contains("level"), "{told}");

    let (_, report) = compile(&wat::parse_str(job(OK)).unwrap()).unwrap();
    assert_eq!(report.kind, "component");
    assert_eq!((report.imports.len(), report.exports), (0, vec!["sandglass:job/run@0.1.0".to_string()]));
    assert_eq!(report.warnings, [""; 0]);
}

#[test]
fn what_is_no_component_is_told_apart() {
    let component = wat::parse_str(job(OK)).unwrap();
    let module = wat::parse_str("(module (memory 1))").unwrap();
    for (bytes, told) in [
        (&b""[..], "not WebAssembly"),
        (b"#!/bin/sh\n", "not WebAssembly"),
        (&[0x7f, b'E', b'L', b'F', 0, 0, 0, 0, 0], "not WebAssembly"),
        (b"(module)", "text format"),
        (b"\0asm\x01\0", "cut short"),
        (b"\0asm\x02\0\0\0", "version"),
        (&module, "it exports neither `sandglass:job/run@0.1.0#run` nor a `main` (`_start`)"),
        (&module[..module.len() - 1], "cut short"),
        (&component[..component.len() / 2], "cut short"),
        (&component[..20], "cut short"),
    ] {
        let message = refused(bytes);
        assert!(message.contains(told), "{message}");
    }
    let mut garbage = component[..8].to_vec();
    garbage.extend([0xff; 40]);
    assert!(refused(&garbage).contains("not a valid component"));
}

#[test]
fn an_import_that_is_unknown_or_of_another_version_is_named_with_what_there_is() {
    for (import, told) in [
        (
            "acme:db/sql@1.0.0",
            "`acme:db/sql@1.0.0`, which this host does not have: a job can import sandglass:job/{types,",
        ),
        ("sandglass:job/clock@0.1.0", "wasi:{cli,clocks,filesystem,http,io,random}@0.2"),
        ("wasi:keyvalue/store@0.2.0", "`wasi:keyvalue/store@0.2.0`, which this host does not have"),
        (
            "sandglass:job/table@0.2.0",
            "`sandglass:job/table@0.2.0`, and this host has sandglass:job/table@0.1.0",
        ),
        (
            "wasi:cli/environment@0.3.0",
            "`wasi:cli/environment@0.3.0`, and this host has wasi:cli/environment@0.2",
        ),
    ] {
        let message = refused_text(&job_with(&format!(r#"(import "{import}" (instance))"#), "", "", OK));
        assert!(message.contains(told), "{message}");
    }
}

#[test]
fn the_export_must_be_there_in_this_version_and_of_this_type() {
    let another = |export: &str| format!(r#"(component (instance $i) (export "{export}" (instance $i)))"#);
    for (wat, told) in [
        ("(component)".into(), "does not export `sandglass:job/run@0.1.0`"),
        (another("sandglass:job/run@0.2.0"), "exports `sandglass:job/run@0.2.0`, and this host calls"),
        (another("wasi:cli/run@0.3.0"), "exports `wasi:cli/run@0.3.0`, and this host calls wasi:cli/run@0.2"),
        (another("wasi:cli/run@0.2.0"), "`wasi:cli/run@0.2.0` has no function `run`"),
        (another("sandglass:job/run@0.1.0"), "has no function `run`"),
    ] {
        let message = refused_text(&wat);
        assert!(message.contains(told), "{message}");
    }
    let wrong = r#"(component
        (core module $m (func (export "run") (param i32) (result i32) (local.get 0)))
        (core instance $i (instantiate $m))
        (func $run (param "n" u32) (result u32) (canon lift (core func $i "run")))
        (instance $e (export "run" (func $run)))
        (export "sandglass:job/run@0.1.0" (instance $e)))"#;
    let message = refused_text(wrong);
    assert!(message.contains("it is `func(n: u32) -> u32`, and must be `func(input:"), "{message}");
}

#[test]
fn a_later_patch_of_the_world_is_as_good() {
    let wat = job(OK).replace("sandglass:job/run@0.1.0", "sandglass:job/run@0.1.7");
    assert_eq!(compile(&wat::parse_str(wat).unwrap()).unwrap().1.exports, ["sandglass:job/run@0.1.7"]);
}

#[test]
fn sockets_are_accepted_with_a_warning() {
    let socket = r#"(import "wasi:sockets/instance-network@0.2.0" (instance
        (export "network" (type $n (sub resource)))
        (export "instance-network" (func (result (own $n))))))"#;
    let (_, report) = compile(&wat::parse_str(job_with(socket, "", "", OK)).unwrap()).unwrap();
    assert!(report.warnings[0].contains("wasi:sockets/instance-network@0.2.0"), "{:?}", report.warnings);

    // An interface that takes resources over from others: those are the host's, not new ones.
    let tcp = r#"(import "wasi:io/poll@0.2.0" (instance $poll (export "pollable" (type $p (sub resource)))))
      (alias export $poll "pollable" (type $pollable))
      (import "wasi:sockets/tcp@0.2.0" (instance
        (alias outer 1 $pollable (type $outer))
        (export "pollable" (type $p (eq $outer)))
        (export "tcp-socket" (type $s (sub resource)))
        (export "[method]tcp-socket.subscribe" (func (param "self" (borrow $s)) (result (own $p))))))"#;
    let (_, report) = compile(&wat::parse_str(job_with(tcp, "", "", OK)).unwrap()).unwrap();
    assert_eq!(report.imports, ["wasi:io/poll@0.2.0", "wasi:sockets/tcp@0.2.0"]);
    assert!(report.warnings[0].starts_with("it imports wasi:sockets/tcp@0.2.0, which jobs are not given"));
}

#[test]
fn more_memories_instances_and_memory_than_any_job_gets_are_refused() {
    let memories = "(memory 1)".repeat(8);
    let message = refused_text(&job_with("", "", &memories, OK));
    assert!(message.contains("memories"), "{message}");
    let message = refused_text(&job_with(
        "(core module $one (table 300000 funcref)) (core instance (instantiate $one))",
        "",
        "",
        OK,
    ));
    assert!(message.contains("needs more than a job is given"), "{message}");
    let many = "(core instance (instantiate $one))".repeat(60);
    let message = refused_text(&job_with(&format!("(core module $one) {many}"), "", "", OK));
    assert!(message.contains("61 core module instances"), "{message}");
    let large = "(core module $one (memory 1100)) (core instance (instantiate $one))";
    let (_, report) = compile(&wat::parse_str(job_with(large, "", "", OK)).unwrap()).unwrap();
    assert!(report.warnings[0].contains("set the limit memory"), "{:?}", report.warnings);
}
