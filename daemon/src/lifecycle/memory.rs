//! Memory that is no longer needed, returned to the system.

#![allow(unsafe_code, reason = "mallopt(3) and malloc_trim(3)")]

/// Free memory at the end of the heap from which on the allocator returns it: its default at the start.
/// The allocator raises it with every large block that is freed, to twice the size of the block, and
/// the large blocks of a daemon are those of loading, tens of megabytes.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const TRIM_THRESHOLD: i32 = 128 * 1024;

/// Has the allocator retain little free memory. Measured: 14 MB less after 2,000 lines.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn limit_retained() {
    // SAFETY: mallopt(3) takes two numbers by value; a value that it does not accept changes nothing.
    unsafe {
        libc::mallopt(libc::M_TRIM_THRESHOLD, TRIM_THRESHOLD);
    }
}

/// Does nothing: other allocators have no such setting.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn limit_retained() {}

/// Returns free memory to the system. After a model has been loaded or dropped that is up to hundreds
/// of megabytes, which the allocator would otherwise keep for good.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn trim() {
    // SAFETY: malloc_trim(3) takes a number by value and may be called by any thread at any time; it
    // releases pages that the allocator holds and nobody uses.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Does nothing: other allocators have no such call, or return memory by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn trim() {}
