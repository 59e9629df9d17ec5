//! Uploads that cannot run, and the one sentence that each of their authors is told.

use crate::tool::{compiled, rustc};
use sandglass_tests::{Host, guest};

/// A library that would be taken: what is broken below is one thing of it.
const LIBRARY: &str = r#"(module
    (import "sandglass:job/log@0.1.0" "write" (func $log (param i32 i32 i32)))
    (memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "sandglass:job/run@0.1.0#run") (param i32 i32 i32) (result i32) (i32.const 0)))"#;

/// The module with one text in place of another, and what its author is told.
const EDITS: [(&str, &str, &str); 20] = [
    ("run@0.1.0", "run@0.2.0", "exports `sandglass:job/run@0.2.0#run`, and this host calls"),
    ("run@0.1.0#run", "run@0.1.0#main", "exports `sandglass:job/run@0.1.0#main`, and this host calls"),
    ("sandglass:job/run@0.1.0#run", "run", "only a `run` without its interface"),
    (
        "(param i32 i32 i32) (result i32) (i32.const 0)",
        "(param i32) (result i32) (i32.const 0)",
        "is `(i32) -> (i32)`, and must be `(i32, i32, i32) -> (i32)`",
    ),
    ("\"cabi_realloc\"", "\"malloc\"", "it exports no `cabi_realloc: (i32, i32, i32, i32) -> (i32)`"),
    (
        "(param i32 i32 i32 i32) (result i32) (i32.const 1024)",
        "(param i32) (result i32) (i32.const 1024)",
        "its export `cabi_realloc` is `(i32) -> (i32)`",
    ),
    ("(export \"memory\") 1", "1", "it exports no `memory`"),
    ("log@0.1.0", "log@0.2.0", "this host has sandglass:job/log@0.1.0"),
    ("job/log@", "job/queue@", "which this host does not have: it has sandglass:job/email@0.1.0"),
    ("\"write\"", "\"print\"", "`sandglass:job/log@0.1.0` has write"),
    (
        "(func $log (param i32 i32 i32))",
        "(func $log (param i32 i32))",
        "as `(i32, i32)`, and it is `(i32, i32, i32)`",
    ),
    (
        "sandglass:job/log@0.1.0\" \"write\" (func $log (param i32 i32 i32))",
        "env\" \"puts\" (func $log (param i32 i32 i32))",
        "`env.puts`, which nobody here defines",
    ),
    ("sandglass:job/log@0.1.0\" \"write\"", "env\" \"abort\"", "`asc --use abort=`"),
    ("sandglass:job/log@0.1.0\" \"write\"", "env\" \"emscripten_notify\"", "-sSTANDALONE_WASM"),
    ("sandglass:job/log@0.1.0\" \"write\"", "wbg\" \"__wbg_log\"", "made for browsers by wasm-bindgen"),
    ("sandglass:job/log@0.1.0\" \"write\"", "wasi_unstable\" \"fd_write\"", "before WASI preview 1"),
    ("sandglass:job/log@0.1.0\" \"write\"", "wasi\" \"thread-spawn\"", "jobs have no threads"),
    (
        "sandglass:job/log@0.1.0\" \"write\"",
        "wasi_snapshot_preview1\" \"fd_fly\"",
        "WASI preview 1 does not have",
    ),
    ("(export \"memory\") 1", "(export \"memory\") 1 2 shared", "it uses threads: build it without them"),
    ("(memory", "(tag) (memory", "it uses exceptions: build it without them"),
];

#[track_caller]
fn told(host: &Host, upload: &[u8]) -> String {
    let refused =
        host.post("components").bytes("application/wasm", upload).send().refusal(422, "invalid-component");
    assert_eq!(host.list("components").len(), 0, "nothing of it is kept");
    assert!(refused["errors"].as_array().is_none_or(|errors| errors.len() <= 1), "one sentence: {refused:#}");
    refused["detail"].as_str().expect("words").to_string()
}

#[test]
fn the_author_of_a_broken_upload_is_told_what_to_do_in_one_sentence() {
    let host = Host::start();
    for (from, to, words) in EDITS {
        assert!(LIBRARY.contains(from), "{from}");
        let module =
            wat::parse_str(LIBRARY.replacen(from, to, 1)).unwrap_or_else(|error| panic!("{words}: {error}"));
        let said = told(&host, &module);
        assert!(said.contains(words), "{words}: {said}");
    }
    let module = wat::parse_str(LIBRARY).expect("a module");
    let component = guest("trivial");
    let cases: [(&[u8], &str); 6] = [
        (b"#!/bin/sh\n", "not WebAssembly"),
        (LIBRARY.as_bytes(), "WebAssembly's text format"),
        (&module[..module.len() / 2], "cut short"),
        (&component[..component.len() / 2], "cut short"),
        (&wat::parse_str("(component)").expect("a component"), "does not export `sandglass:job/run@0.1.0`"),
        (b"\0asm\x02\0\0\0", "WebAssembly of a version that this host does not know"),
    ];
    for (upload, words) in cases {
        let said = told(&host, upload);
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn authors_are_told_in_the_words_of_their_language() {
    let host = Host::start();
    let linker =
        std::env::var("CARGO_TARGET_WASM32_WASIP1_LINKER").ok().map(|linker| format!("-Clinker={linker}"));
    let rust = ["--crate-type=cdylib", "--target=wasm32-wasip1", "nothing.rs"];
    let rust: Vec<&str> = rust.into_iter().chain(linker.as_deref()).collect();
    let clang = "--target=wasm32-wasi";
    for (module, words) in [
        (
            compiled("go", &["build"], &[("GOOS", "js"), ("GOARCH", "wasm")], "go"),
            "build it with GOOS=wasip1",
        ),
        (
            compiled(
                "go",
                &["build", "-buildmode=c-shared"],
                &[("GOOS", "wasip1"), ("GOARCH", "wasm")],
                "go",
            ),
            "import the package sandglass, register the job in init()",
        ),
        (
            compiled("clang", &[clang, "-mexec-model=reactor", "-Dmain=start", "main.c"], &[], ""),
            "SANDGLASS_JOB of sandglass.h",
        ),
        (
            compiled("clang", &[clang, "-Wl,--allow-undefined", "undefined.c"], &[], ""),
            "no object or library that was linked defines `sqlite3_open`",
        ),
        (compiled(&rustc(), &rust, &[], ""), "#[sandglass::job]"),
    ] {
        let said = told(&host, &module);
        assert!(said.contains(words), "{words}: {said}");
    }
}
