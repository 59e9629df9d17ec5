//! What is written of the canonical names and signatures elsewhere is what `wit/job.wit` says.
//!
//! `SANDGLASS_UPDATE=1 cargo test --workspace --lib canonical` writes both anew.

use super::world::World;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The imports, by module and name, with their signatures.
fn imports() -> Vec<((String, String), String)> {
    let mut imports: Vec<_> = World::new().unwrap().imports().into_iter().collect();
    imports.sort();
    imports
}

fn hold(path: &str, text: &str) {
    let path = repository().join(path);
    if std::env::var_os("SANDGLASS_UPDATE").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(there, text, "{} is not as wit/job.wit has it", path.display());
}

#[test]
fn the_canonical_names_of_the_c_header() {
    let mut text = String::from(
        "/* The host's functions as core WebAssembly has them. Generated from wit/job.wit by a test of host/runtime: do\n \
         * not edit. sandglass.h is what a job uses. */\n#ifndef SANDGLASS_ABI_H\n#define SANDGLASS_ABI_H\n\n\
         #include <stdint.h>\n\n#define SANDGLASS_IMPORT(module, name) __attribute__((import_module(module), \
         import_name(name)))\n",
    );
    let c = |types: &str| types.replace("i32", "int32_t").replace("i64", "int64_t");
    for ((module, name), signature) in imports() {
        let interface = module.trim_start_matches("sandglass:job/").split('@').next().unwrap_or_default();
        let plain: String = name
            .replace("[method]", "")
            .replace("[resource-drop]", "resource-drop-")
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        let (params, result) = signature.split_once(" -> ").unwrap_or((&signature, "(void)"));
        let params = c(params.trim_matches(['(', ')']));
        let params = if params.is_empty() { "void".into() } else { params };
        let result = c(result.trim_matches(['(', ')']));
        let interface = interface.replace('-', "_");
        let _ = write!(
            text,
            "\nSANDGLASS_IMPORT(\"{module}\", \"{name}\")\n{result} sandglass_abi_{interface}_{plain}({params});\n"
        );
    }
    text.push_str("\n#endif\n");
    hold("sdk/c/sandglass_abi.h", &text);
}

#[test]
fn the_canonical_names_of_the_documentation() {
    let path = "docs/core-module-abi.md";
    let (begin, end) = ("<!-- signatures -->\n", "<!-- end of signatures -->");
    let page = std::fs::read_to_string(repository().join(path)).unwrap();
    let (head, rest) = page.split_once(begin).expect("the page marks its signatures");
    let (_, tail) = rest.split_once(end).expect("the page marks their end");
    let mut table = String::from("| module | name | signature |\n| --- | --- | --- |\n");
    for ((module, name), signature) in imports() {
        let _ = writeln!(table, "| `{module}` | `{name}` | `{signature}` |");
    }
    let (name, signature) = World::new().unwrap().run().unwrap();
    let _ = writeln!(table, "| *export* | `{name}` | `{signature}` |");
    hold(path, &format!("{head}{begin}{table}{end}{tail}"));
}
