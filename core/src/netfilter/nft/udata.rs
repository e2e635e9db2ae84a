//! User data: what `nft` leaves with an object for itself, one byte of type, one of length, then the value
//! (libnftnl, `udata.h`). The kernel keeps it without looking.

use crate::bytes::Text;

/// `NFTNL_UDATA_TABLE_COMMENT`, `_CHAIN_COMMENT`, `_RULE_COMMENT`, `_SET_ELEM_COMMENT`.
pub(super) const COMMENT: u8 = 0;
/// `NFTNL_UDATA_SET_MERGE_ELEMENTS`: `auto-merge`.
pub(super) const SET_MERGE: u8 = 2;
/// `NFTNL_UDATA_SET_COMMENT`.
pub(super) const SET_COMMENT: u8 = 7;

/// The bytes of the first item of this type. User data is for people only, so what does not parse is left aside.
pub(super) fn bytes(mut data: &[u8], kind: u8) -> Option<&[u8]> {
    while let [found, length, rest @ ..] = data {
        let (value, after) = rest.split_at_checked(usize::from(*length))?;
        if *found == kind {
            return Some(value);
        }
        data = after;
    }
    None
}

/// A text item, up to its NUL.
pub(super) fn find(data: &[u8], kind: u8) -> Option<Text> {
    bytes(data, kind).map(Text::from_nul_padded)
}

/// A 32-bit number in host order.
pub(super) fn number(data: &[u8], kind: u8) -> Option<u32> {
    bytes(data, kind)?
        .first_chunk()
        .map(|value| u32::from_ne_bytes(*value))
}
