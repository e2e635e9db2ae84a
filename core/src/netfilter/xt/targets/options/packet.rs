//! Targets that alter the packet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Options, Struct, forms, given, number};
use crate::netfilter::model::{Family, Value};

/// `struct xt_DSCP_info` (`linux/netfilter/xt_DSCP.h`).
pub(super) fn dscp(payload: &[u8]) -> Options {
    let code = Struct::new(payload, 1)?.u8(0)?;
    (code < 0x40).then(|| vec![given("set-dscp", number(code))])
}

/// `struct xt_tos_target_info`, before it a single value.
pub(super) fn tos(revision: u8, payload: &[u8]) -> Options {
    let info = Struct::new(payload, if revision == 0 { 1 } else { 2 })?;
    // The first revision left the two bits of ECN alone.
    let mask = if revision == 0 { 0x3f } else { info.u8(1)? };
    let value = forms::under(number(mask), number(info.u8(0)?));
    Some(vec![given("set-tos", value)])
}

/// `struct ipt_TTL_info`, `struct ip6t_HL_info`: the mode, then the number.
pub(super) fn hops(modes: [&str; 3], payload: &[u8]) -> Options {
    let info = Struct::new(payload, 2)?;
    let mode = modes.get(usize::from(info.u8(0)?))?;
    Some(vec![given(mode, number(info.u8(1)?))])
}

/// `struct ipt_ECN_info` (`linux/netfilter_ipv4/ipt_ECN.h`).
pub(super) fn ecn(payload: &[u8]) -> Options {
    const IP: u8 = 0x01;
    const ECE: u8 = 0x10;
    const CWR: u8 = 0x20;
    let info = Struct::new(payload, 3)?;
    let (operation, point, bits) = (info.u8(0)?, info.u8(1)?, info.u8(2)?);
    if operation & !(IP | ECE | CWR) != 0 || bits & !3 != 0 || point > 3 {
        return None;
    }
    let unasked = [(IP, point), (ECE, bits & 1), (CWR, bits & 2)];
    if unasked
        .iter()
        .any(|(bit, value)| operation & bit == 0 && *value != 0)
    {
        return None;
    }
    let mut options = Vec::new();
    if operation & (ECE | CWR) == ECE | CWR && bits == 0 {
        options.push(given("ecn-tcp-remove", None));
    } else {
        let asked = [(ECE, "ecn-tcp-ece", bits & 1), (CWR, "ecn-tcp-cwr", bits >> 1)];
        for (bit, name, value) in asked {
            options.extend((operation & bit != 0).then(|| given(name, number(value))));
        }
    }
    options.extend((operation & IP != 0).then(|| given("ecn-ip-ect", number(point))));
    Some(options)
}

/// `struct xt_CHECKSUM_info`; there is one operation.
pub(super) fn checksum(payload: &[u8]) -> Options {
    let operation = Struct::new(payload, 1)?.u8(0)?;
    (operation == 1).then(|| vec![given("checksum-fill", None)])
}

/// `struct xt_tcpoptstrip_target_info`: one bit for each kind of option.
pub(super) fn strip(payload: &[u8]) -> Options {
    let info = Struct::new(payload, 32)?;
    let mut kinds = Vec::new();
    for word in 0..8_u32 {
        let bits = info.u32(4 * usize::try_from(word).ok()?)?;
        let set = (0..32).filter(|bit| bits & (1 << bit) != 0);
        kinds.extend(set.map(|bit| number(word * 32 + bit)));
    }
    let some = !kinds.is_empty();
    Some(
        some.then(|| given("strip-options", forms::set(kinds)))
            .into_iter()
            .collect(),
    )
}

/// `struct nf_nat_ipv4_multi_range_compat` and `struct nf_nat_range` whose two addresses differ where the mask has no bit.
pub(super) fn netmap(family: Family, payload: &[u8]) -> Options {
    const MAP_ADDRESS: u32 = 1;
    let (flags, first, last) = if family == Family::Ip6 {
        let info = Struct::new(payload, 40)?;
        (info.u32(0)?, info.address(family, 4)?, info.address(family, 20)?)
    } else {
        let info = Struct::new(payload, 20)?;
        let one = info.u32(0)? == 1;
        (
            one.then_some(info.u32(4)?)?,
            info.address(family, 8)?,
            info.address(family, 12)?,
        )
    };
    if flags != MAP_ADDRESS {
        return None;
    }
    let mask: IpAddr = match (first, last) {
        (IpAddr::V4(a), IpAddr::V4(b)) => Ipv4Addr::from_bits(!(a.to_bits() ^ b.to_bits())).into(),
        (IpAddr::V6(a), IpAddr::V6(b)) => Ipv6Addr::from_bits(!(a.to_bits() ^ b.to_bits())).into(),
        _ => return None,
    };
    Some(vec![given("to", forms::network(first, mask)?)])
}

/// `struct ip6t_npt_tginfo` (`linux/netfilter_ipv6/ip6t_NPT.h`); the adjustment at its end is the kernel's own.
pub(super) fn prefixes(payload: &[u8]) -> Options {
    let info = Struct::new(payload, 36)?;
    let one = |name, at, length_at| {
        let address = info.address(Family::Ip6, at)?;
        let length = info.u8(length_at)?;
        let value = forms::network(address, forms::mask_of(address, length)?)?;
        // Bits behind the prefix are refused by the kernel, so they can't be there.
        let same = match &value {
            Value::Address(kept) | Value::Prefix { address: kept, .. } => *kept == address,
            _ => false,
        };
        same.then(|| given(name, value))
    };
    Some(vec![one("src-pfx", 0, 32)?, one("dst-pfx", 16, 33)?])
}
