//! Weights on their way: what the processor fetches by itself comes late.

/// How many bytes before their turn weights are fetched: small ones, and large ones.
pub const SOON: usize = 1 << 10;
pub const LATER: usize = 1 << 13;

/// Asks for what lies so many bytes behind these weights: into the first-level cache, or into the second if it will
/// take a while.
#[inline(always)]
pub fn fetch<T>(w: &T, ahead: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(sse) = pulp::core_arch::x86::Sse::try_new() {
        use std::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1};
        let there = std::ptr::from_ref(w).cast::<i8>().wrapping_add(ahead);
        match ahead {
            0 => (),
            LATER => sse._mm_prefetch::<_MM_HINT_T1>(there),
            _ => sse._mm_prefetch::<_MM_HINT_T0>(there),
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (w, ahead); // no such instruction for safe code
}
