//! Uploads whose bytes are no component, or one that breaks the rules of the format.

use super::encode::{COMPONENT, MODULE, component, custom, functions, holding, leb, module, section, sized};
use super::{Meets, Upload};
use crate::wat::{OK, run};

const INVALID: &[&str] = &["not a valid component"];
const SHORT: &[&str] = &["cut short"];

pub fn uploads() -> Vec<Upload> {
    [headers(), numbers(), sections(), code(), proposals()].into_iter().flatten().collect()
}

fn headers() -> Vec<Upload> {
    vec![
        Upload::new("nothing", Vec::new(), &[]).meets(Meets::Status(400, "bad-request")),
        Upload::new("a-byte", vec![0], &["not WebAssembly"]),
        Upload::new("zeros", vec![0; 100_000], &["not WebAssembly"]),
        Upload::new(
            "an-elf-program",
            b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec(),
            &["not WebAssembly"],
        ),
        Upload::new("a-script", b"#!/bin/sh\nrm -rf /\n".to_vec(), &["not WebAssembly"]),
        Upload::new("half-a-header", COMPONENT[..6].to_vec(), SHORT),
        Upload::new("a-header-alone", COMPONENT.to_vec(), &["does not export"]),
        Upload::new("a-core-module", MODULE.to_vec(), &["it exports neither"]),
        Upload::new(
            "version-of-tomorrow",
            b"\0asm\x0e\0\x01\0".to_vec(),
            &["version that this host does not know"],
        ),
        Upload::new("a-component-in-text", run(OK).text().into_bytes(), &["text format"]),
    ]
}

/// Numbers that are none, or that promise more than there is.
fn numbers() -> Vec<Upload> {
    vec![
        Upload::new("length-that-never-ends", component(&[vec![0], vec![0xff; 40]]), INVALID),
        Upload::new("length-of-eleven-bytes", component(&[vec![0], vec![0x80; 10], vec![0]]), INVALID),
        Upload::new(
            "length-beyond-the-end",
            component(&[vec![7], leb(1 << 31)]),
            &["cut short", "not a valid component"],
        ),
        Upload::new(
            "four-billion-types",
            component(&[section(7, &leb(u64::from(u32::MAX)))]),
            &["cut short", "not a valid component"],
        ),
        Upload::new(
            "four-billion-imports",
            component(&[section(10, &leb(u64::from(u32::MAX)))]),
            &["cut short", "not a valid component"],
        ),
        Upload::new(
            "four-billion-functions",
            holding(&module(&[section(3, &leb(u64::from(u32::MAX)))])),
            &["cut short", "not a valid component"],
        ),
        Upload::new(
            "more-types-than-allowed",
            holding(&module(&[section(1, &[leb(2_000_000), [0x60, 0, 0].repeat(2_000_000)].concat())])),
            INVALID,
        ),
    ]
}

fn sections() -> Vec<Upload> {
    let job = run(OK).bytes();
    vec![
        Upload::new("section-of-an-unknown-kind", component(&[section(99, &[1, 2, 3])]), INVALID),
        Upload::new("section-with-something-left-over", component(&[section(7, &[0, 1, 2, 3])]), INVALID),
        Upload::new(
            "module-with-sections-in-disorder",
            holding(&module(&[section(10, &[0]), section(1, &[0])])),
            INVALID,
        ),
        Upload::new(
            "module-with-a-section-twice",
            holding(&module(&[section(1, &[0]), section(1, &[0])])),
            INVALID,
        ),
        Upload::new(
            "module-without-its-code",
            holding(&module(&[section(1, &[1, 0x60, 0, 0]), section(3, &[1, 0])])),
            INVALID,
        ),
        Upload::new(
            "custom-section-without-a-name",
            component(&[section(0, &[200])]),
            &["cut short", "not a valid component"],
        ),
        Upload::new("custom-section-with-a-bad-name", component(&[section(0, &[2, 0xff, 0xfe])]), INVALID),
        Upload::new(
            "ten-thousand-custom-sections",
            [job.clone(), custom("x", b"").repeat(10_000)].concat(),
            &[],
        )
        .meets(Meets::Nothing),
        Upload::new(
            "custom-section-of-megabytes",
            [job.clone(), custom("x", &vec![7; 8 << 20])].concat(),
            &[],
        )
        .meets(Meets::Nothing),
        Upload::new(
            "custom-section-of-100-megabytes",
            [job.clone(), custom("x", &vec![7; 100 << 20])].concat(),
            &[],
        )
        .meets(Meets::Status(413, "too-large")),
        Upload::new(
            "something-after-the-end",
            [job.clone(), b"and more".to_vec()].concat(),
            &["cut short", "not a valid component"],
        ),
        Upload::new(
            "two-components-in-one",
            [job.clone(), job].concat(),
            &["cut short", "not a valid component"],
        ),
        // The names of functions, which are looked at when one fails.
        Upload::new(
            "names-that-are-not-utf-8",
            holding(&module(&[custom("name", &[1, 5, 1, 0, 2, 0xff, 0xfe])])),
            &["does not export"],
        ),
    ]
}

fn code() -> Vec<Upload> {
    vec![
        Upload::new("body-that-never-ends", holding(&functions(1, &[0])), INVALID),
        Upload::new("opcode-that-is-none", holding(&functions(1, &[0, 0xff, 0xff, 0x0b])), INVALID),
        Upload::new("stack-that-is-empty", holding(&functions(1, &[0, 0x1a, 0x0b])), INVALID),
        Upload::new("branch-to-nowhere", holding(&functions(1, &[0, 0x0c, 0x7f, 0x0b])), INVALID),
        Upload::new(
            "call-of-nothing",
            holding(&functions(1, &[&[0, 0x10][..], &leb(1 << 20), &[0x0b]].concat())),
            INVALID,
        ),
        Upload::new(
            "locals-beyond-counting",
            holding(&functions(
                1,
                &[&[2][..], &leb(u64::from(u32::MAX)), &[0x7f], &leb(u64::from(u32::MAX)), &[0x7f, 0x0b]]
                    .concat(),
            )),
            INVALID,
        ),
    ]
}

/// What WebAssembly has elsewhere, or will have, and this host does not speak.
fn proposals() -> Vec<Upload> {
    vec![
        Upload::of_text("memory-of-64-bits", "(component (core module (memory i64 1)))", INVALID),
        Upload::of_text("shared-memory", "(component (core module (memory 1 2 shared)))", INVALID),
        Upload::of_text(
            "garbage-collected-types",
            "(component (core module (type (struct (field i32)))))",
            INVALID,
        ),
        Upload::of_text("exceptions", "(component (core module (tag)))", INVALID),
        Upload::of_text(
            "two-exports-of-one-name",
            r#"(component (core module (func $f) (export "a" (func $f)) (export "a" (func $f))))"#,
            INVALID,
        ),
        Upload::of_text("memory-beyond-addresses", "(component (core module (memory 65537)))", INVALID),
        Upload::new(
            "start-of-nothing",
            holding(&module(&[section(8, &sized(&[]))])),
            &["cut short", "not a valid component"],
        ),
        // Code that is of no use to a job, and of no harm.
        Upload::of_text(
            "table-of-many-elements",
            "(component (core module $m (table 300000 funcref)) (core instance (instantiate $m)))",
            &["more than a job is given", "table elements"],
        ),
    ]
}

/// A real component cut short at so many places.
pub fn truncations(whole: &[u8], places: usize) -> impl Iterator<Item = Vec<u8>> {
    let step = (whole.len() / places).max(1);
    (1..whole.len()).step_by(step).map(|end| whole[..end].to_vec())
}
