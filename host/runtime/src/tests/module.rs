//! Core modules: libraries that export `run`, programs that have a `main`, and what preview 1 does for both.

use super::{Host, compile, ending, failure, spec};
use sandglass_core::limit::Bytes;
use sandglass_core::run::{Cause, Ending};
use serde_json::{Value, json};

/// A program: `$put` prints bytes of memory, `$number` a number. Preview 1 is imported whole.
fn program(main: &str) -> String {
    let imports: Vec<String> = [
        ("args_get", "i32 i32"),
        ("args_sizes_get", "i32 i32"),
        ("environ_get", "i32 i32"),
        ("environ_sizes_get", "i32 i32"),
        ("clock_time_get", "i32 i64 i32"),
        ("fd_read", "i32 i32 i32 i32"),
        ("fd_write", "i32 i32 i32 i32"),
        ("fd_fdstat_get", "i32 i32"),
        ("fd_prestat_get", "i32 i32"),
        ("poll_oneoff", "i32 i32 i32 i32"),
        ("random_get", "i32 i32"),
        ("sock_send", "i32 i32 i32 i32 i32"),
    ]
    .iter()
    .map(|(name, params)| {
        format!(r#"(import "wasi_snapshot_preview1" "{name}" (func ${name} (param {params}) (result i32)))"#)
    })
    .collect();
    format!(
        r#"(module {}
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 3)
        (func $put (param $fd i32) (param $at i32) (param $len i32)
          (loop $again
            (i32.store (i32.const 0) (local.get $at))
            (i32.store (i32.const 4) (local.get $len))
            (drop (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)))
            (local.set $at (i32.add (local.get $at) (i32.load (i32.const 8))))
            (local.set $len (i32.sub (local.get $len) (i32.load (i32.const 8))))
            (br_if $again (local.get $len))))
        (func $digit (param $n i32)
          (i32.store8 (i32.const 16) (i32.add (i32.const 48) (local.get $n)))
          (call $put (i32.const 1) (i32.const 16) (i32.const 1)))
        (data (i32.const 64) "no such table\n")
        (func (export "_start") (local $n i32) (local $t i64) {main}))"#,
        imports.concat()
    )
}

async fn result(main: &str) -> Option<String> {
    let ending: Ending = Host::new().run(&program(main)).await;
    ending.result.unwrap()
}

/// Prints all of stdin in pieces of 7 bytes.
const CAT: &str = "(loop $more
    (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 7))
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 12)))
    (if (i32.load (i32.const 12)) (then
      (call $put (i32.const 1) (i32.const 1024) (i32.load (i32.const 12))) (br $more))))";

#[tokio::test]
async fn a_program_is_told_of_its_run_on_stdin() {
    let host = Host::new();
    let (finished, _) = host
        .run_with(&program(CAT), |attempt| attempt.input = Some(r#"{"n":1.00000000000000000001}"#.into()))
        .await;
    let text = ending(finished).result.unwrap().unwrap();
    assert!(text.contains(r#""input":{"n":1.00000000000000000001}"#), "{text}");
    let told: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&told["job"], &told["attempt"], &told["trigger"]),
        (&json!("nightly"), &json!(2), &json!("schedule"))
    );
    assert_eq!(
        (&told["scheduled_for"], &told["last_success"]),
        (&json!("1970-01-01T00:00:01.000Z"), &Value::Null)
    );
}

#[tokio::test]
async fn a_program_has_the_job_as_its_argument_and_the_run_in_its_environment() {
    let print = |which: &str| {
        format!(
            "(drop (call ${which}_sizes_get (i32.const 20) (i32.const 24)))
             (drop (call ${which}_get (i32.const 2048) (i32.const 4096)))
             (call $put (i32.const 1) (i32.load (i32.const 2048))
               (i32.sub (i32.load (i32.const 24)) (i32.const 1)))"
        )
    };
    assert_eq!(result(&print("args")).await.unwrap(), "nightly");
    let spec = spec(|spec| {
        spec.env.insert("CITY".into(), "Zürich".into());
        spec.env.insert("SANDGLASS_JOB".into(), "another".into());
    });
    let environment = Host::new().run_as(&program(&print("environ")), spec).await.result.unwrap().unwrap();
    let lines: Vec<&str> = environment.split('\0').collect();
    assert_eq!(lines[0], "CITY=Zürich");
    for line in
        ["SANDGLASS_JOB=nightly", "SANDGLASS_ATTEMPT=2", "SANDGLASS_SCHEDULED_FOR=1970-01-01T00:00:01.000Z"]
    {
        assert!(lines.contains(&line), "{lines:?}");
    }
    assert!(!environment.contains("LAST_SUCCESS") && !environment.contains("another"), "{environment}");
}

#[tokio::test]
async fn an_exit_status_is_the_outcome() {
    let (put, exit) = ("(call $put (i32.const 2) (i32.const 64) (i32.const 14))", |status: u32| {
        format!("(call $exit (i32.const {status}))")
    });
    assert_eq!(result(&format!("(call $digit (i32.const 7)) {}", exit(0))).await.as_deref(), Some("7"));
    assert_eq!(result("").await, None);
    for (status, retry) in [(1, false), (75, true)] {
        let (failure, _) = failure(Host::new().run(&program(&format!("{put}{}", exit(status)))).await);
        assert_eq!((failure.cause, failure.retry), (Cause::Error, retry));
        assert_eq!(failure.message, format!("the program ended with exit status {status}: no such table"));
    }
    let (trapped, _) = failure(Host::new().run(&program("unreachable")).await);
    assert_eq!(trapped.cause, Cause::Trap);
}

#[tokio::test]
async fn what_is_printed_is_the_result_up_to_its_limit() {
    let print = "(memory.fill (i32.const 1024) (i32.const 97) (i32.const 70000))
        (call $put (i32.const 1) (i32.const 1024) (i32.const 70000))";
    let large = spec(|spec| spec.limits.result = Bytes(100_000));
    let text = Host::new().run_as(&program(print), large).await.result.unwrap().unwrap();
    assert_eq!(text, "a".repeat(70_000));
    let (failure, _) = failure(Host::new().run(&program(print)).await);
    assert_eq!(failure.cause, Cause::Quota);
    assert!(failure.message.contains("limit result"), "{}", failure.message);
}

#[tokio::test]
async fn clocks_go_on_while_a_program_waits() {
    // One subscription, for the clock that never goes back, in 20 ms from now.
    let wait = "(i32.store (i32.const 1040) (i32.const 1)) (i64.store (i32.const 1048) (i64.const 20000000))
        (drop (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 32)))
        (drop (call $poll_oneoff (i32.const 1024) (i32.const 2048) (i32.const 1) (i32.const 40)))
        (call $digit (i32.load (i32.const 40)))
        (drop (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 48)))
        (local.set $t (i64.sub (i64.load (i32.const 48)) (i64.load (i32.const 32))))
        (call $digit (i64.ge_u (local.get $t) (i64.const 20000000)))
        (drop (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 48)))
        (call $digit (i64.eq (i64.load (i32.const 48)) (i64.const 1790000000000000000)))";
    assert_eq!(result(wait).await.as_deref(), Some("111"));
}

#[tokio::test]
async fn a_program_that_waits_for_ever_ends_at_its_timeout() {
    let wait = "(i64.store (i32.const 1048) (i64.const -1)) (i32.store (i32.const 1040) (i32.const 1))
        (drop (call $poll_oneoff (i32.const 1024) (i32.const 2048) (i32.const 1) (i32.const 40)))";
    let brief = spec(|spec| spec.policy.timeout = "1s".parse().unwrap());
    let (failure, _) = failure(Host::new().run_as(&program(wait), brief).await);
    assert_eq!(failure.cause, Cause::Timeout);
}

#[tokio::test]
async fn random_bytes_fill_what_was_asked_and_no_more() {
    let main = "(drop (call $random_get (i32.const 1024) (i32.const 13)))
        (call $digit (i32.ne (i32.load (i32.const 1024)) (i32.const 0)))
        (call $digit (i32.eq (i32.load8_u (i32.const 1037)) (i32.const 0)))";
    assert_eq!(result(main).await.as_deref(), Some("11"));
}

#[tokio::test]
async fn there_are_no_files_and_no_sockets() {
    let main = "(call $digit (call $fd_write (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 8)))
        (call $digit (call $fd_prestat_get (i32.const 3) (i32.const 1024)))
        (call $digit (call $sock_send (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 8)))
        (call $digit (call $fd_fdstat_get (i32.const 9) (i32.const 1024)))
        (call $digit (call $fd_fdstat_get (i32.const 1) (i32.const 1024)))
        (call $digit (i32.load8_u (i32.const 1024)))";
    assert_eq!(result(main).await.as_deref(), Some("888802"));
}

/// A library: writes to the log, and returns its input.
const LIBRARY: &str = r#"(module
    (import "sandglass:job/log@0.1.0" "write" (func $log (param i32 i32 i32)))
    (memory (export "memory") 1)
    (data (i32.const 64) "hello")
    (global $next (mut i32) (i32.const 1024))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
      (global.get $next)
      (global.set $next (i32.add (global.get $next) (local.get 3))))
    (func (export "sandglass:job/run@0.1.0#run") (param $has i32) (param $at i32) (param $len i32) (result i32)
      (call $log (i32.const 2) (i32.const 64) (i32.const 5))
      (i32.store8 (i32.const 4) (local.get $has))
      (i32.store (i32.const 8) (local.get $at))
      (i32.store (i32.const 12) (local.get $len))
      (i32.const 0)))"#;

#[tokio::test]
async fn a_module_with_the_canonical_names_is_a_job_as_its_compiler_made_it() {
    let (finished, lines) =
        Host::new().run_with(LIBRARY, |attempt| attempt.input = Some(r#""Grüße""#.into())).await;
    assert_eq!(ending(finished).result.unwrap().as_deref(), Some(r#""Grüße""#));
    assert_eq!(lines.texts(), ["hello"]);
    let (_, report) = compile(&wat::parse_str(LIBRARY).unwrap()).unwrap();
    assert_eq!((report.kind.as_str(), report.adapted.len()), ("module", 1));
    assert_eq!(report.imports, ["sandglass:job/log@0.1.0"]);
    let (_, report) = compile(&wat::parse_str(program("")).unwrap()).unwrap();
    assert_eq!((report.kind.as_str(), report.adapted.len()), ("command", 2));
    assert!(report.imports.is_empty(), "{:?}", report.imports);
}

#[test]
fn a_module_says_what_made_it() {
    let wat = LIBRARY.replacen(
        "(module",
        r#"(module (@producers (language "Zig" "0.15") (processed-by "zig" "0.15.1"))"#,
        1,
    );
    let (_, report) = compile(&wat::parse_str(wat).unwrap()).unwrap();
    assert_eq!((report.language.as_deref(), report.tools), (Some("Zig"), vec!["zig 0.15.1".to_string()]));
}

#[test]
fn what_only_the_adapter_may_import_is_refused_from_others() {
    let import = r#"(import "sandglass:preview1/system@0.1.0" (instance (export "exit" (func (param "status" u32)))))"#;
    let told = compile(&wat::parse_str(super::guest::job_with(import, "", "", super::guest::OK)).unwrap());
    assert!(told.unwrap_err()[0].contains("which this host does not have"));
    let core = LIBRARY.replace("sandglass:job/log@0.1.0", "sandglass:preview1/system@0.1.0");
    assert!(
        compile(&wat::parse_str(core).unwrap()).unwrap_err()[0].contains("between the host and its adapter")
    );
}

/// Each with what its author is told.
#[test]
fn the_author_of_a_module_is_told_what_to_do() {
    let library = |from: &str, to: &str| LIBRARY.replace(from, to);
    let import = |module: &str, name: &str| {
        LIBRARY.replacen("(module", &format!(r#"(module (import "{module}" "{name}" (func))"#), 1)
    };
    let of = |language: &str, wat: &str| {
        wat.replacen("(module", &format!(r#"(module (@producers (language "{language}" ""))"#), 1)
    };
    // Imports come first.
    let of_go = |wat: &str| of("Go", wat);
    for (wat, told) in [
        (of_go("(module)"), "-buildmode=c-shared"),
        (of("Rust", "(module)"), "#[sandglass::job]"),
        (of("C11", "(module)"), "SANDGLASS_JOB"),
        (library("#run", "#go"), "exports `sandglass:job/run@0.1.0#go`, and this host calls"),
        (library("run@0.1.0", "run@0.2.0"), "exports `sandglass:job/run@0.2.0#run`, and this host calls"),
        (library("sandglass:job/run@0.1.0#run", "run"), "only a `run` without its interface"),
        (
            library("(param $has i32)", "(param $has i64)").replace("(local.get $has)", "(i32.const 0)"),
            "and must be `(i32, i32, i32) -> (i32)`",
        ),
        (
            library("\"cabi_realloc\"", "\"malloc\""),
            "it exports no `cabi_realloc: (i32, i32, i32, i32) -> (i32)`",
        ),
        (of_go(&library("\"cabi_realloc\"", "\"malloc\"")), "import the package sandglass"),
        (library("(export \"memory\")", ""), "exports no `memory`"),
        (library("log@0.1.0", "log@0.3.0"), "and this host has sandglass:job/log@0.1.0"),
        (
            library("sandglass:job/log@0.1.0", "sandglass:job/log"),
            "and this host has sandglass:job/log@0.1.0",
        ),
        (
            library("job/log@", "job/clock@"),
            "which this host does not have: it has sandglass:job/email@0.1.0",
        ),
        (library("\"write\"", "\"print\""), "`sandglass:job/log@0.1.0` has write"),
        (
            library("(param i32 i32 i32)))", "(param i32 i32)))")
                .replace("(i32.const 64) (i32.const 5))", "(i32.const 64))"),
            "as `(i32, i32)`, and it is `(i32, i32, i32)`",
        ),
        (import("env", "sqrt_fast"), "`env.sqrt_fast`, which nobody here defines"),
        (
            of("C11", &import("env", "sqlite3_open")),
            "no object or library that was linked defines `sqlite3_open`",
        ),
        (of("Rust", &import("env", "sqlite3_open")), "an `extern` block declares it"),
        (import("env", "abort"), "asc --use abort="),
        (import("env", "emscripten_resize_heap"), "-sSTANDALONE_WASM"),
        (import("gojs", "runtime.wasmExit"), "GOOS=wasip1"),
        (import("wbg", "__wbg_now"), "made for browsers by wasm-bindgen"),
        (import("wasi_unstable", "fd_write"), "before WASI preview 1"),
        (import("wasi", "thread-spawn"), "no threads"),
        (import("wasi:io/streams@0.2.0", "x"), "without its types"),
        (import("wasi_snapshot_preview1", "fd_teleport"), "which WASI preview 1 does not have"),
        (import("wasi_snapshot_preview1", "fd_close"), "as `()`, and it is `(i32) -> (i32)`"),
        (import("spectest", "print"), "which this host does not have: a core module can import"),
        (
            library(
                "(memory (export \"memory\") 1)",
                "(import \"env\" \"memory\" (memory 1)) (export \"memory\" (memory 0))",
            ),
            "without --import-memory",
        ),
        (library("(data", "(memory i64 1) (data"), "build it for wasm32"),
        (library("(memory (export \"memory\") 1)", "(memory (export \"memory\") 1 1 shared)"), "no -pthread"),
        (library("(memory", "(tag) (memory"), "-fno-exceptions"),
        (library("(memory", "(func (export \"_start\")) (memory"), "exports both"),
        (
            program("").replace("(func (export \"_start\")", "(func (export \"_start\") (param i32)"),
            "`_start` is `(i32)`, and must be `()`",
        ),
    ] {
        let bytes = wat::parse_str(&wat).unwrap_or_else(|error| panic!("{told}: {error}"));
        let problems = compile(&bytes).map(|(_, report)| report).expect_err(told);
        assert!(problems.iter().any(|problem| problem.contains(told)), "{told}: {problems:?}");
        assert!(problems.iter().all(|problem| problem.len() < 700), "{problems:?}");
    }
}
