//! What a guest can do to its host without asking it for anything. Nothing is inlined: backtraces are to name it.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

const MIB: usize = 1 << 20;

/// Uses its processor for as long as it is left.
#[inline(never)]
pub(crate) fn spin() -> ! {
    loop {
        black_box(());
    }
}

/// Takes all the memory it is given.
#[inline(never)]
pub(crate) fn grow() -> ! {
    loop {
        allocate(MIB);
    }
}

/// Takes some memory, and keeps it.
pub(crate) fn allocate(bytes: usize) {
    black_box(vec![1_u8; bytes].leak());
}

/// Takes all the stack it is given: the machine's, not the one that compilers keep in a guest's memory, so no
/// variable may need an address. Nothing here can be known to be endless, or made a loop.
#[inline(never)]
pub(crate) fn recurse(depth: u64) -> u64 {
    if depth == DEEPEST.load(Ordering::Relaxed) {
        return depth;
    }
    recurse(depth + 1).rotate_left(1) ^ depth
}

static DEEPEST: AtomicU64 = AtomicU64::new(u64::MAX);
