//! Memory that is given back to the system once nobody needs it.

/// Up to here, pieces of memory share pages with others, and what is free at the heap's end is kept.
#[cfg(target_env = "gnu")]
const KEPT_BYTES: std::ffi::c_int = 128 << 10;

/// Has the allocator keep its first thresholds. It would raise them to the largest piece that was ever freed, up to
/// 32 MiB: after one large upload or answer, what is as large stays with the host for good.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "the allocator is the system's, and has no other door")]
pub(crate) fn give_back() {
    for threshold in [libc::M_MMAP_THRESHOLD, libc::M_TRIM_THRESHOLD] {
        // SAFETY: it takes two numbers, and may be called at any time (mallopt(3)).
        let is_set = unsafe { libc::mallopt(threshold, KEPT_BYTES) } == 1;
        if !is_set {
            tracing::warn!(threshold, "the allocator keeps memory that it could give back");
        }
    }
}

#[cfg(not(target_env = "gnu"))]
pub(crate) fn give_back() {}
