//! Memory that was freed and not given back.
#![allow(unsafe_code)]

/// Gives freed memory back to the system. Loading a model or adding documents leaves
/// hundreds of megabytes behind that glibc keeps for later, now and then.
pub fn give_back() {
    // SAFETY: it takes no pointers, and may be called at any time from any thread.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    unsafe {
        libc::malloc_trim(0);
    }
}
