//! Uploads that ask for what no job is given, or are no job.

use super::Upload;
use crate::wat::for_each;

pub fn uploads() -> Vec<Upload> {
    let nothing = "(instance)";
    vec![
        imports(
            "import-of-an-unknown-interface",
            "acme:db/sql",
            nothing,
            &["`acme:db/sql`, which this host does not have"],
        ),
        imports(
            "import-of-an-unknown-interface-of-ours",
            "sandglass:job/shell@0.1.0",
            nothing,
            &["`sandglass:job/shell@0.1.0`, which this host does not have"],
        ),
        imports(
            "import-of-another-version",
            "sandglass:job/table@0.9.0",
            nothing,
            &["and this host has sandglass:job/table@0.1.0"],
        ),
        imports("import-of-no-version", "sandglass:job/table", nothing, &["sandglass:job/table@0.1.0"]),
        imports(
            "import-of-a-draft",
            "sandglass:job/table@0.1.0-rc.1",
            nothing,
            &["sandglass:job/table@0.1.0"],
        ),
        imports(
            "import-of-another-wasi",
            "wasi:clocks/wall-clock@0.3.0",
            nothing,
            &["wasi:clocks/wall-clock@0.2"],
        ),
        imports(
            "import-of-threads",
            "wasi:threads/spawn@0.2.0",
            nothing,
            &["`wasi:threads/spawn@0.2.0`, which this host does not have"],
        ),
        imports(
            "import-of-key-values",
            "wasi:keyvalue/store@0.2.0",
            nothing,
            &["which this host does not have"],
        ),
        imports(
            "import-of-a-function-alone",
            "run-as-root",
            "(func)",
            &["`run-as-root`, which this host does not have"],
        ),
        imports(
            "import-of-a-module",
            "a-module",
            "(core module)",
            &["which this host does not have", "core modules"],
        ),
        imports(
            "import-of-a-component",
            "a-component",
            "(component)",
            &["which this host does not have", "component imports are not supported"],
        ),
        imports(
            "import-of-another-shape",
            "sandglass:job/log@0.1.0",
            r#"(instance (export "write" (func (param "level" u32) (param "message" string))))"#,
            &["it does not fit", "does not export"],
        ),
        imports(
            "import-of-what-is-not-in-it",
            "sandglass:job/secret@0.1.0",
            r#"(instance (export "list" (func (result (list string)))))"#,
            &["it does not fit", "does not export"],
        ),
        Upload::of_text("import-of-a-thousand", &thousand(), &["which this host does not have"]),
        Upload::of_text(
            "import-with-a-long-name",
            &format!(r#"(component (import "{}" (func)))"#, "a".repeat(100_000)),
            &["which this host does not have", "not a valid component"],
        ),
        Upload::of_text(
            "export-of-another-world",
            r#"(component (component $c) (instance $i (instantiate $c)) (export "wasi:cli/run@0.2.0" (instance $i)))"#,
            &["`wasi:cli/run@0.2.0` has no function `run`"],
        ),
        Upload::of_text(
            "export-of-another-version",
            r#"(component (component $c) (instance $i (instantiate $c)) (export "sandglass:job/run@9.0.0" (instance $i)))"#,
            &["`sandglass:job/run@9.0.0`"],
        ),
        Upload::of_text(
            "export-without-a-function",
            r#"(component (component $c) (instance $i (instantiate $c)) (export "sandglass:job/run@0.1.0" (instance $i)))"#,
            &["has no function `run`"],
        ),
    ]
}

fn imports(name: &'static str, import: &str, what: &str, words: &'static [&'static str]) -> Upload {
    Upload::of_text(name, &format!(r#"(component (import "{import}" {what}))"#), words)
}

fn thousand() -> String {
    let imports = for_each(0..1_000, |n| format!(r#"(import "i{n}" (func))"#));
    format!("(component {imports})")
}
