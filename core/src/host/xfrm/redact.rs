//! Takes keys out of what the kernel gave.

use crate::raw::attr::take_at;

/// `sizeof(struct xfrm_usersa_info)`.
const HEADER: usize = 224;
/// How many bytes of an attribute are no key: `struct xfrm_algo`, `xfrm_algo_aead` and `xfrm_algo_auth`.
const ALGORITHMS: [(u16, usize); 5] = [(1, 68), (2, 68), (3, 68), (18, 72), (20, 72)];
/// The last attribute that is known to hold no key; what comes after it may be anything.
const LAST_KNOWN: u16 = 44;

/// Overwrites the keys of a message of an association, and every byte that may be one: attributes that are not known, and
/// all from where the message is malformed, so that it can't be decoded either.
pub fn without_keys(payload: &mut [u8]) {
    let mut at = HEADER;
    while at < payload.len() {
        let length = take_at(payload, at, "an attribute").map(u16::from_ne_bytes);
        let kind = take_at(payload, at.saturating_add(2), "an attribute").map(u16::from_ne_bytes);
        let (Ok(length), Ok(kind)) = (length, kind) else {
            return wipe(payload, at, usize::MAX);
        };
        let end = at.saturating_add(length.into());
        if length < 4 || end > payload.len() {
            return wipe(payload, at, usize::MAX);
        }
        let kind = kind & 0x3fff;
        let keep = match ALGORITHMS.iter().find(|(known, _)| *known == kind) {
            Some((_, keep)) => *keep,
            None if kind <= LAST_KNOWN => usize::from(length),
            None => 0,
        };
        wipe(payload, at.saturating_add(4).saturating_add(keep), end);
        at = end.next_multiple_of(4);
    }
}

fn wipe(bytes: &mut [u8], from: usize, to: usize) {
    let to = to.min(bytes.len());
    if let Some(part) = bytes.get_mut(from.min(to)..to) {
        part.fill(0);
    }
}
