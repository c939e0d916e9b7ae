//! Memory that is no longer needed, given back to the system.

/// Gives back what the allocator keeps for later. After a model has been loaded or dropped that is up to
/// hundreds of megabytes, which it would otherwise keep for good.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn give_back() {
    // SAFETY: malloc_trim(3) takes a number by value and may be called by any thread at any time; it
    // releases pages that the allocator holds and nobody uses.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Other allocators have no such call, or give memory back by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn give_back() {}
