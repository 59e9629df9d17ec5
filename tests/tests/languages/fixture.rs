//! What was built against an earlier version of the contract still runs.

use sandglass_tests::{Host, workspace};
use serde_json::json;

#[test]
fn a_module_of_version_0_1_0_runs() {
    let path = workspace().join("tests/languages/fixtures/module-0.1.0.wat");
    let module = wat::parse_file(&path).expect("a module");
    let host = Host::start();
    let uploaded = host.post("components").bytes("application/wasm", module).send().json(201);
    // All of its interfaces are there.
    assert_eq!(uploaded["imports"].as_array().map(Vec::len), Some(7), "{uploaded:#}");
    let grants = json!({"tables": {"items": "read-write"}});
    let specification = json!({"component": uploaded["digest"], "grants": grants});
    host.put("jobs/old").json(&specification).send().json(201);
    assert_eq!(host.run_well("old", &json!(null))["result"], "{\"n\":1}");
}
