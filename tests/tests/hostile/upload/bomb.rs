//! Uploads that are small, and take time or memory without measure to compile.

use super::Upload;
use super::encode::{component, functions, holding, leb, module, section};
use crate::wat::for_each;

/// The limits of compiling, and those of the format.
const LIMITS: &[&str] = &["(limit compile_cpu)", "(limit compile_memory)"];
const FORMAT: &[&str] = &["not a valid component"];
/// Whether it is too much is the compiler's matter. It is a component, and no job.
const EITHER: &[&str] = &["(limit compile_cpu)", "(limit compile_memory)", "does not export"];

/// The bytes that one function may have.
const FUNCTION_BYTES: usize = 7_654_321;

pub fn uploads() -> Vec<Upload> {
    vec![
        Upload::new("a-million-functions", holding(&functions(1_000_000, &BODY)), LIMITS),
        Upload::new("more-than-a-million-functions", holding(&functions(1_000_001, &[0, 0x0b])), FORMAT),
        Upload::new("one-function-of-7-megabytes", holding(&functions(1, &chain(FUNCTION_BYTES))), LIMITS),
        Upload::new("one-function-of-8-megabytes", holding(&functions(1, &chain(8_000_000))), FORMAT),
        Upload::new("many-large-functions", holding(&functions(60, &chain(400_000))), EITHER),
        Upload::new("branches-by-giant-tables", holding(&functions(1, &branch_tables(110, 65_000))), EITHER),
        Upload::new(
            "a-table-of-branches-beyond-measure",
            holding(&functions(1, &branch_tables(1, 7_000_000))),
            FORMAT,
        ),
        Upload::new("locals-50000-times-2000", holding(&functions(2_000, &locals(49_999))), LIMITS),
        Upload::new("locals-50001", holding(&functions(1, &locals(50_001))), FORMAT),
        Upload::new("blocks-within-blocks", holding(&functions(1, &nested(1_500_000))), LIMITS),
        Upload::new("types-that-double", types_that_double(60), FORMAT),
        Upload::new(
            "components-that-double",
            components_that_double(40),
            &[
                "(limit compile_memory)",
                "(limit compile_cpu)",
                "not a valid component",
                "more than a job is given",
            ],
        ),
        Upload::new("components-within-components", within(10_000), EITHER),
        Upload::new("modules-by-the-thousand", modules(20_000), FORMAT),
        // Many, and each of them quickly done.
        Upload::new("ten-thousand-functions", holding(&functions(10_000, &[0, 0x0b])), &["does not export"]),
        Upload::new("nested-a-thousand-times", holding(&functions(1, &nested(1_000))), &["does not export"]),
    ]
}

/// Some instructions: `i32.const 1`, `i32.const 2`, `i32.mul`, ..., `drop`.
const BODY: [u8; 15] = [0, 0x41, 1, 0x41, 2, 0x6c, 0x41, 3, 0x6c, 0x41, 5, 0x6a, 0x1a, 0x01, 0x0b];

/// A body of so many bytes, in which every value depends on the one before: `local.get 0`, `local.get 0`, `i32.mul`,
/// `local.get 0`, `i32.add`, `local.set 0`.
fn chain(bytes: usize) -> Vec<u8> {
    let step = [0x20, 0, 0x20, 0, 0x6c, 0x20, 0, 0x6a, 0x21, 0];
    let begin = [1, 1, 0x7f];
    let steps = (bytes - begin.len() - 1) / step.len();
    [begin.to_vec(), step.repeat(steps), vec![0x0b]].concat()
}

/// Branches by tables, each of which has so many places to go to.
fn branch_tables(count: usize, targets: usize) -> Vec<u8> {
    // block; i32.const 0; br_table ...; end
    let one =
        [&[0x02, 0x40, 0x41, 0, 0x0e][..], &leb(targets as u64), &vec![0; targets], &[0, 0x0b]].concat();
    [vec![0], one.repeat(count), vec![0x0b]].concat()
}

/// So many locals, of which the last is read.
fn locals(count: u64) -> Vec<u8> {
    [&[1][..], &leb(count), &[0x7e, 0x20], &leb(count - 1), &[0x1a, 0x0b]].concat()
}

fn nested(levels: usize) -> Vec<u8> {
    [vec![0], [0x02, 0x40].repeat(levels), vec![0x0b; levels], vec![0x0b]].concat()
}

/// Each is a pair of the one before it.
fn types_that_double(levels: usize) -> Vec<u8> {
    let types = for_each(1..levels + 1, |n| format!("(type $t{n} (tuple $t{} $t{}))", n - 1, n - 1));
    text(&format!("(component (type $t0 (tuple u32 u32)) {types})"))
}

/// Each makes two instances of the one before it.
fn components_that_double(levels: usize) -> Vec<u8> {
    let components = for_each(1..levels + 1, |n| {
        format!(
            "(component $c{n} (alias outer 1 $c{0} (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))",
            n - 1
        )
    });
    text(&format!(
        "(component (component $c0 (core module $m) (core instance (instantiate $m))) {components} (instance (instantiate $c{levels})))"
    ))
}

fn within(levels: usize) -> Vec<u8> {
    let mut bytes = component(&[]);
    for _ in 0..levels {
        bytes = component(&[section(4, &bytes)]);
    }
    bytes
}

fn modules(count: usize) -> Vec<u8> {
    let empty = section(1, &module(&[]));
    component(&vec![empty; count])
}

fn text(wat: &str) -> Vec<u8> {
    wat::parse_str(wat).unwrap_or_else(|error| panic!("{error}"))
}
