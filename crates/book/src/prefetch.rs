//! Asks the processor to fetch memory that will be needed soon. A hint: it changes nothing but the time.

/// Fetches the cache line of a value.
#[inline(always)]
#[allow(unsafe_code, reason = "the instruction has no safe spelling yet")]
pub fn fetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads and writes nothing; the address is that of a live reference besides.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(core::ptr::from_ref(value).cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
