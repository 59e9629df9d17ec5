//! What was built against an earlier version of the contract still runs, and what was built against a later one of the
//! same line where it needs nothing that is new there.

use sandglass_tests::{Host, workspace};
use serde_json::{Value, json};

/// Uploads a fixture and runs it once.
#[track_caller]
fn ran(fixture: &[u8], imports: &[&str]) -> Value {
    let mut host = Host::start();
    let uploaded = host.post("components").bytes("application/wasm", fixture).send().json(201);
    assert_eq!(uploaded["imports"], json!(imports), "{uploaded:#}");
    assert_eq!(uploaded["warnings"], json!([]));
    let grants = json!({"tables": {"items": "read-write"}});
    let specification = json!({"component": uploaded["digest"], "grants": grants});
    host.put("jobs/old").json(&specification).send().json(201);
    let run = host.run_well("old", &json!(null));
    // And after a start of the host, from what it compiled. The row that some insert is in the way of another run.
    host.restart();
    if host.list("tables").is_empty() {
        assert_eq!(host.run_well("old", &json!(null))["result"], run["result"]);
    }
    run
}

fn read(name: &str) -> Vec<u8> {
    let path = workspace().join("tests/languages/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every interface of the contract's first version.
const WHOLE: [&str; 7] = [
    "sandglass:job/email@0.1.0",
    "sandglass:job/http@0.1.0",
    "sandglass:job/log@0.1.0",
    "sandglass:job/secret@0.1.0",
    "sandglass:job/table@0.1.0",
    "sandglass:job/this-run@0.1.0",
    "sandglass:job/types@0.1.0",
];

#[test]
fn a_module_of_version_0_1_0_runs() {
    let module = wat::parse_bytes(&read("module-0.1.0.wat")).expect("a module").into_owned();
    assert_eq!(ran(&module, &WHOLE)["result"], "{\"n\":1}");
}

#[test]
fn a_component_of_version_0_1_0_with_every_interface_runs() {
    assert_eq!(ran(&read("component-0.1.0.wasm"), &WHOLE)["result"], "{\"n\":1}");
}

#[test]
fn a_component_of_version_0_1_0_that_imports_nothing_runs() {
    assert_eq!(ran(&read("least-0.1.0.wasm"), &[])["result"], Value::Null);
}

#[test]
fn a_component_of_a_later_version_of_the_line_runs() {
    let imports = ["sandglass:job/log@0.1.7", "sandglass:job/this-run@0.1.7"];
    assert_eq!(ran(&read("later-0.1.7.wasm"), &imports)["result"], "from 0.1.7");
}
