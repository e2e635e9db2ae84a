//! What an object says, and what it has come to.

use super::connection;
use super::fields::{Fields, words};
use super::tunnel;
use crate::bytes::Big;
use crate::netfilter::model::{Counters, Definition, LimitUnit, ObjectRuntime};

/// `NFT_OBJECT_*` to definition; `None` for what is not known whole.
pub(super) fn read(kind: u32, data: &[u8]) -> Option<Definition> {
    match kind {
        1 => Fields::read(data, &[1, 2, 3]).map(|_| Definition::Counter),
        2 => quota(data),
        3 => connection::helper(data),
        4 => limit(data),
        5 => count(data),
        6 => tunnel::read(data).map(|tunnel| Definition::Tunnel(Box::new(tunnel))),
        7 => connection::timeout(data),
        8 => secmark(data),
        9 => connection::expectation(data),
        10 => synproxy(data),
        _ => None,
    }
}

/// What a counter has counted and what of a quota is used.
pub(super) fn runtime(kind: u32, data: &[u8]) -> ObjectRuntime {
    let mut out = ObjectRuntime::default();
    match kind {
        1 => {
            let read = Fields::read(data, &[1, 2, 3]);
            let both = read.and_then(|read| read.be64(2).zip(read.be64(1)));
            out.counters = both.map(|(packets, bytes)| Counters {
                packets: Big(packets),
                bytes: Big(bytes),
            });
        }
        2 => {
            let read = Fields::read(data, &[1, 2, 3, 4]);
            out.used = read.and_then(|read| read.be64(4)).map(Big);
        }
        _ => {}
    }
    out
}

/// One flag, `NFT_LIMIT_F_INV`, `NFT_QUOTA_F_INV` or `NFT_CONNLIMIT_F_INV`: only above.
fn over(flags: u32) -> Option<bool> {
    match flags {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

/// `enum nft_quota_attributes`; that it is used up (`NFT_QUOTA_F_DEPLETED`) is runtime.
fn quota(data: &[u8]) -> Option<Definition> {
    let fields = Fields::read(data, &[1, 2, 3, 4])?;
    Some(Definition::Quota {
        bytes: Big(fields.be64(1)?),
        over: over(fields.maybe(2, Fields::be32)?.unwrap_or(0) & !2)?,
    })
}

const UNITS: [(u64, LimitUnit); 5] = [
    (1, LimitUnit::Second),
    (60, LimitUnit::Minute),
    (3_600, LimitUnit::Hour),
    (86_400, LimitUnit::Day),
    (604_800, LimitUnit::Week),
];

/// `enum nft_limit_attributes`.
fn limit(data: &[u8]) -> Option<Definition> {
    let fields = Fields::read(data, &[1, 2, 3, 4, 5, 6])?;
    let seconds = fields.be64(2)?;
    Some(Definition::Limit {
        rate: Big(fields.be64(1)?),
        unit: UNITS.iter().find(|(length, _)| *length == seconds)?.1,
        burst: fields.maybe(3, Fields::be32)?.unwrap_or(0),
        bytes: match fields.maybe(4, Fields::be32)?.unwrap_or(0) {
            0 => false,
            1 => true,
            _ => return None,
        },
        over: over(fields.maybe(5, Fields::be32)?.unwrap_or(0))?,
    })
}

/// `enum nft_connlimit_attributes`.
fn count(data: &[u8]) -> Option<Definition> {
    let fields = Fields::read(data, &[1, 2])?;
    Some(Definition::CtCount {
        count: fields.be32(1)?,
        over: over(fields.maybe(2, Fields::be32)?.unwrap_or(0))?,
    })
}

/// `enum nft_secmark_attributes`.
fn secmark(data: &[u8]) -> Option<Definition> {
    let fields = Fields::read(data, &[1])?;
    Some(Definition::Secmark {
        context: fields.text(1)?,
    })
}

/// `NF_SYNPROXY_OPT_MSS` and `NF_SYNPROXY_OPT_WSCALE` (`linux/netfilter/nf_synproxy.h`): whether a size is used.
const SIZES: [u32; 2] = [1, 2];
/// `NF_SYNPROXY_OPT_SACK_PERM`, `NF_SYNPROXY_OPT_TIMESTAMP`.
const SYNPROXY_FLAGS: [(u32, &str); 2] = [(4, "sack-perm"), (8, "timestamp")];

/// `enum nft_synproxy_attributes`. A size that no flag puts to use must be nought, else what it means is not known.
fn synproxy(data: &[u8]) -> Option<Definition> {
    let fields = Fields::read(data, &[1, 2, 3])?;
    let flags = fields.maybe(3, Fields::be32)?.unwrap_or(0);
    let mss = fields.maybe(1, Fields::be16)?.unwrap_or(0);
    let window_scale = fields.maybe(2, Fields::u8)?.unwrap_or(0);
    let [has_mss, has_scale] = SIZES.map(|bit| flags & bit != 0);
    if (!has_mss && mss != 0) || (!has_scale && window_scale != 0) {
        return None;
    }
    let sizes = SIZES.iter().fold(0, |bits, bit| bits | bit);
    Some(Definition::Synproxy {
        mss: has_mss.then_some(mss),
        window_scale: has_scale.then_some(window_scale),
        flags: words(&SYNPROXY_FLAGS, flags & !sizes)?,
    })
}
