//! What the kernel keeps for itself inside the structures of extensions: pointers, credits, what is used up.
//!
//! Kernels since 4.11 zero it when they hand a structure out (`usersize` in `struct xt_match`), older ones don't.

/// `(kind, name, revision, bytes before the first private field)`; the offsets are those of 64-bit kernels.
const USER_SIZES: [(&str, &[u8], u8, usize); 26] = [
    ("match", b"limit", 0, 8),
    ("match", b"quota", 0, 16),
    ("match", b"statistic", 0, 16),
    ("match", b"connlimit", 0, 24),
    ("match", b"connlimit", 1, 24),
    ("match", b"hashlimit", 1, 48),
    ("match", b"hashlimit", 2, 296),
    ("match", b"hashlimit", 3, 304),
    ("match", b"string", 1, 152),
    ("match", b"bpf", 0, 520),
    ("match", b"bpf", 1, 520),
    ("match", b"cgroup", 1, 4104),
    ("match", b"cgroup", 2, 520),
    ("match", b"rateest", 0, 56),
    ("match", b"nfacct", 0, 32),
    ("target", b"CT", 0, 32),
    ("target", b"CT", 1, 64),
    ("target", b"CT", 2, 64),
    ("target", b"TEE", 1, 32),
    ("target", b"IDLETIMER", 0, 32),
    ("target", b"IDLETIMER", 1, 40),
    ("target", b"RATEEST", 0, 24),
    ("target", b"LED", 0, 32),
    ("target", b"CLUSTERIP", 0, 56),
    ("target", b"SNPT", 0, 34),
    ("target", b"DNPT", 0, 34),
];

/// `payload` with the private part zeroed, so that its length stays that of the structure.
pub(super) fn without(kind: &str, name: &[u8], revision: u8, payload: &[u8]) -> Vec<u8> {
    let known = USER_SIZES
        .iter()
        .find(|(k, n, r, _)| *k == kind && *n == name && *r == revision);
    let keep = known.map_or(payload.len(), |(.., size)| *size);
    let mut bytes = payload.to_vec();
    bytes.iter_mut().skip(keep).for_each(|byte| *byte = 0);
    bytes
}
