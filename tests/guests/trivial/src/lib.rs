//! A job that returns at once, and imports nothing: no standard library, which would bring WASI along.
#![no_std]

extern crate alloc;

use alloc::string::String;
use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32;

wit_bindgen::generate!({ path: "../../../wit", world: "job" });

struct Trivial;

impl exports::sandglass::job::run::Guest for Trivial {
    fn run(_: Option<String>) -> Result<Option<String>, exports::sandglass::job::run::Failure> {
        Ok(None)
    }
}

export!(Trivial);

/// Whole pages of new memory for each piece. There is one piece per attempt, its input if it has any, and
/// the memory goes with the attempt.
struct Pages;

const PAGE_BYTES: usize = 1 << 16;

unsafe impl GlobalAlloc for Pages {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match wasm32::memory_grow(0, layout.size().div_ceil(PAGE_BYTES)) {
            usize::MAX => core::ptr::null_mut(),
            pages_before => (pages_before * PAGE_BYTES) as *mut u8,
        }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}

    /// Nothing here grows a piece, and moving one would take a `memcpy` that not every toolchain has without
    /// its standard library.
    unsafe fn realloc(&self, old: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        if bytes <= layout.size() {
            old
        } else {
            core::ptr::null_mut()
        }
    }
}

#[global_allocator]
static PAGES: Pages = Pages;

/// How the host asks for room. A job that uses the standard library has this from there.
#[no_mangle]
unsafe extern "C" fn cabi_realloc(old: *mut u8, old_bytes: usize, align: usize, bytes: usize) -> *mut u8 {
    let layout = |bytes| unsafe { Layout::from_size_align_unchecked(bytes, align) };
    if old.is_null() {
        unsafe { PAGES.alloc(layout(bytes)) }
    } else {
        unsafe { PAGES.realloc(old, layout(old_bytes), bytes) }
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    wasm32::unreachable()
}
