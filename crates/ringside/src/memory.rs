//! How the allocator treats large blocks. A snapshot carries the journal out in an engine of its own and lets it go; what that
//! engine took should go back to the kernel each time, or the venue is as large as its largest snapshot for ever.

/// Blocks from here on are mappings of their own, which end with them. glibc begins with this value, but raises it to the
/// largest block that was ever freed (up to 32 MiB; mallopt(3), `M_MMAP_THRESHOLD`), unless it is told.
const LARGE_BYTES: i32 = 128 * 1024;

/// From now on large blocks go back to the kernel when they are freed. Called before there are other threads.
pub fn gives_large_blocks_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: mallopt changes parameters of the allocator, and is not safe beside other threads: there are none yet. It reads two
    // numbers.
    unsafe {
        // Either refused (0) leaves the allocator as it was, which works.
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE_BYTES);
        libc::mallopt(libc::M_TRIM_THRESHOLD, LARGE_BYTES);
    }
}
