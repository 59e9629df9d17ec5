//! What compilers make that know nothing of Sandglass, uploaded as they made it.

use crate::tool::{compiled, rustc};
use sandglass_tests::Host;
use serde_json::{Value, json};

#[track_caller]
fn uploaded(host: &Host, component: &[u8], kind: &str) -> Value {
    let uploaded = host.post("components").bytes("application/wasm", component).send().json(201);
    assert_eq!(uploaded["kind"], kind, "{uploaded:#}");
    assert!(uploaded["adapted"][0].as_str().unwrap().starts_with("a core module"), "{uploaded:#}");
    host.put("jobs/program").json(&json!({"component": uploaded["digest"]})).send().json(201);
    uploaded
}

#[test]
fn a_c_program_that_only_has_main_and_prints() {
    let module = compiled("clang", &["--target=wasm32-wasi", "-O2", "main.c"], &[], "");
    let host = Host::start();
    uploaded(&host, &module, "command");
    let run = host.run_well("program", &json!({"n": 1}));
    assert_eq!(run["result"], "program of 1, attempt 1, waited enough, input there");
    let log = host.get(format!("runs/{}/logs", run["id"].as_str().unwrap())).send().text();
    assert!(log.contains("for program"), "{log}");
    let failed = host.patch("jobs/program").json(&json!({"policy": {"retry": {"max_attempts": 1}}})).send();
    assert_eq!(failed.status, 200, "{}", failed.text());
    let run = host.run("program", &json!("fail"));
    assert_eq!((&run["outcome"], &run["cause"]), (&json!("failed"), &json!("error")));
    assert_eq!(run["message"], "the program ended with exit status 75: for program");
}

#[test]
fn a_failure_is_traced_to_the_lines_of_a_source_that_are_there() {
    let host = Host::start();
    for (lines, are_there) in [("-g", true), ("-Wl,--strip-debug", false)] {
        let module = compiled("clang", &["--target=wasm32-wasi", "-O2", lines, "deep.c"], &[], "");
        let uploaded = host.post("components").bytes("application/wasm", module).send().json(201);
        assert_eq!(uploaded["source_lines"], are_there, "{uploaded}");
        let job = json!({"component": uploaded["digest"], "policy": {"retry": {"max_attempts": 1}}});
        host.put("jobs/deep").json(&job).send();
        // The second time it is remembered.
        for _ in 0..2 {
            let run = host.run("deep", &Value::Null);
            assert_eq!(run["cause"], "trap", "{run:#}");
            let backtrace = run["backtrace"].as_str().unwrap();
            let places: Vec<&str> = backtrace.lines().filter(|line| line.starts_with("   at ")).collect();
            if !are_there {
                assert!(places.is_empty(), "{backtrace}");
                continue;
            }
            assert!(places[0].ends_with("deep.c:6, in deeper"), "{backtrace}");
            assert!(places[1].ends_with("deep.c:11"), "{backtrace}");
            assert!(places[2].ends_with("deep.c:15"), "{backtrace}");
        }
    }
}

#[test]
fn a_go_program_with_goroutines_maps_garbage_and_sleep() {
    let environment = [("GOOS", "wasip1"), ("GOARCH", "wasm")];
    let module = compiled("go", &["build"], &environment, "go");
    let host = Host::start();
    let told = uploaded(&host, &module, "command");
    assert_eq!((&told["language"], &told["tools"][0]), (&json!("Go"), &told["tools"][0]));
    let run = host.run_well("program", &json!({"goroutines": 100}));
    assert_eq!(run["result"], "program true 10 10 true");
    // Far less memory than it made garbage: what was given back was used again.
    assert!(run["usage"]["memory_bytes"].as_u64() < Some(64 << 20), "{run:#}");
}

#[test]
fn a_module_that_rustc_alone_made() {
    let arguments = [
        "--edition=2021",
        "--crate-type=cdylib",
        "--target=wasm32-wasip1",
        "-O",
        "-Cstrip=debuginfo",
        "plain.rs",
    ];
    let linker =
        std::env::var("CARGO_TARGET_WASM32_WASIP1_LINKER").ok().map(|linker| format!("-Clinker={linker}"));
    let arguments: Vec<&str> = arguments.into_iter().chain(linker.as_deref()).collect();
    let module = compiled(&rustc(), &arguments, &[], "");
    let host = Host::start();
    let told = uploaded(&host, &module, "module");
    assert_eq!(told["language"], "Rust");
    let run = host.run_well("program", &json!([1]));
    assert_eq!(run["result"], "plain Rust was given [1]");
    let log = host.get(format!("runs/{}/logs", run["id"].as_str().unwrap())).send().text();
    assert!(log.contains("plain Rust was given") && log.contains("and prints"), "{log}");
}

#[test]
fn a_rust_program_that_is_a_component_as_rustc_made_it() {
    let linker =
        std::env::var("CARGO_TARGET_WASM32_WASIP2_LINKER").ok().map(|linker| format!("-Clinker={linker}"));
    let arguments = ["--edition=2021", "--target=wasm32-wasip2", "-O", "-Cstrip=debuginfo", "main.rs"];
    let arguments: Vec<&str> = arguments.into_iter().chain(linker.as_deref()).collect();
    let component = compiled(&rustc(), &arguments, &[], "");
    let host = Host::start();
    let told = host.post("components").bytes("application/wasm", component).send().json(201);
    assert_eq!((&told["kind"], &told["adapted"]), (&json!("command"), &json!([])), "{told:#}");
    let policy = json!({"retry": {"max_attempts": 1}});
    host.put("jobs/program").json(&json!({"component": told["digest"], "policy": policy})).send().json(201);
    let run = host.run_well("program", &json!({"n": 1}));
    assert_eq!(run["result"], "program [\"program\"], input there");
    // WASI 0.2 tells whether it went well, and not with which status: docs/core-module-abi.md.
    let run = host.run("program", &json!("fail"));
    assert_eq!((&run["outcome"], &run["cause"]), (&json!("failed"), &json!("error")));
    assert!(run["message"].as_str().is_some_and(|told| told.ends_with("program is told to fail")), "{run:#}");
}
