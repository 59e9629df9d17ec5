//! A library that exports nothing of ours.

#[no_mangle]
pub extern "C" fn run() -> i32 {
    7
}
