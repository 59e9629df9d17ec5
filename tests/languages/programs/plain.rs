//! A library that rustc alone compiles: no crate, no tool, only the canonical names of docs/core-module-abi.md.

use std::alloc::{alloc, Layout};

#[link(wasm_import_module = "sandglass:job/log@0.1.0")]
extern "C" {
    #[link_name = "write"]
    fn log(level: i32, text: *const u8, len: usize);
}

/// # Safety
/// The host calls it.
#[no_mangle]
pub unsafe extern "C" fn cabi_realloc(_: *mut u8, _: usize, align: usize, size: usize) -> *mut u8 {
    if size == 0 {
        return align as *mut u8;
    }
    alloc(Layout::from_size_align_unchecked(size, align))
}

#[repr(C)]
pub struct Answer {
    is_failure: u32,
    has_text: u32,
    text: *const u8,
    len: usize,
}

/// # Safety
/// The host calls it.
#[export_name = "sandglass:job/run@0.1.0#run"]
pub unsafe extern "C" fn run(has_input: i32, input: *const u8, len: usize) -> *const Answer {
    let input = if has_input == 1 { std::slice::from_raw_parts(input, len) } else { b"nothing" };
    let text = format!("plain Rust was given {}", String::from_utf8_lossy(input));
    log(2, text.as_ptr(), text.len());
    println!("and prints");
    let answer = Answer { is_failure: 0, has_text: 1, text: text.as_ptr(), len: text.len() };
    std::mem::forget(text);
    Box::leak(Box::new(answer))
}
