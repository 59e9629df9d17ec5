//! Components that `cargo xtask guests` has built.

use crate::place;

/// The bytes of `cleanup_tables`, `weekly_digest`, `fetcher`, `probe` or `trivial`.
pub fn guest(name: &str) -> Vec<u8> {
    let path = place::guests().join(name).with_extension("wasm");
    std::fs::read(&path).unwrap_or_else(|error| {
        panic!(
            "the component {} is not there ({error}): build it with `cargo xtask guests`, or name its folder in \
             SANDGLASS_GUESTS",
            path.display()
        )
    })
}
