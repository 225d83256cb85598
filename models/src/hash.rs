//! FNV-1a: a short hash that is the same on every machine and in every version.

/// The 64-bit FNV-1a hash of some bytes: `h ← (h ⊕ byte) · p` for each byte, modulo 2⁶⁴.
///
/// It spreads symbols over buckets and notices that a text has changed. It is no protection against somebody who wants
/// two texts to have one hash. Fowler, Noll and Vo (1991).
///
/// ```
/// assert_eq!(models::hash::fnv1a(b"a"), 0xaf63dc4c8601ec8c);
/// ```
pub fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |h, &byte| (h ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
