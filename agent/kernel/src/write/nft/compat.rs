//! The protocol that a rule with xtables extensions is for.
//!
//! The kernel's extensions ask it when they are made (`multiport` is for rules of TCP, UDP and others only), `iptables-nft` sends
//! it beside the rule (`NFTA_RULE_COMPAT`), and the kernel does not list it. It is what the rule itself matches on.

use netghost_core::netfilter::model::Family;
use netghost_core::raw::attr::Malformed;
use serde::{Deserialize, Serialize};

use super::attributes::{Piece, be32, pieces, value};
use super::names::{EXPRESSION, expression_name};

/// `NFTA_RULE_COMPAT` (`enum nft_rule_compat_attributes`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Compat {
    /// The IP protocol; in bridge tables the Ethernet type as it stands in memory in network order.
    pub(super) protocol: u32,
    /// All but this one.
    pub(super) inverted: bool,
}

/// `NFT_META_PROTOCOL` and `NFT_META_L4PROTO`.
const META: (u32, u32) = (1, 16);
/// Base and offset of the protocol in an IPv4 header, and of the next header in that of IPv6, and of the type in a frame.
const IPV4: (u32, u32, u32) = (1, 9, 1);
const IPV6: (u32, u32, u32) = (1, 6, 1);
const FRAME: (u32, u32, u32) = (0, 12, 2);

/// What to send beside these expressions; `None` for a rule without extensions.
pub(super) fn compat(family: Family, expressions: &[u8]) -> Result<Option<Compat>, Malformed> {
    let (mut extended, mut found, mut loaded) = (false, None, None);
    for element in pieces(expressions)? {
        let parts = pieces(element.value)?;
        let data = pieces(value(&parts, EXPRESSION.1).unwrap_or_default())?;
        match expression_name(&parts) {
            b"match" | b"target" => extended = true,
            b"meta" | b"payload" => {
                // `NFTA_META_DREG` and `NFTA_PAYLOAD_DREG` are both 1.
                let register = be32(&data, 1);
                loaded = register.filter(|_| is_protocol(family, expression_name(&parts), &data));
            }
            b"cmp" if loaded.is_some() && be32(&data, 1) == loaded && found.is_none() => {
                found = compared(family, &data)?;
            }
            _ => loaded = None,
        }
    }
    let none = Compat {
        protocol: 0,
        inverted: false,
    };
    Ok(extended.then(|| found.unwrap_or(none)))
}

fn is_protocol(family: Family, name: &[u8], data: &[Piece<'_>]) -> bool {
    let bridge = family == Family::Bridge;
    if name == b"meta" {
        let key = if bridge { META.0 } else { META.1 };
        return be32(data, 2) == Some(key);
    }
    let place = (be32(data, 2), be32(data, 3), be32(data, 4));
    let is_at = |(base, offset, length)| place == (Some(base), Some(offset), Some(length));
    match family {
        Family::Ip => is_at(IPV4),
        Family::Ip6 => is_at(IPV6),
        Family::Bridge => is_at(FRAME),
        Family::Inet | Family::Arp | Family::Netdev => false,
    }
}

/// `NFTA_CMP_OP` (2) is equal or not equal, and `NFTA_CMP_DATA` (3) holds `NFTA_DATA_VALUE`.
fn compared(family: Family, data: &[Piece<'_>]) -> Result<Option<Compat>, Malformed> {
    let held = pieces(value(data, 3).unwrap_or_default())?;
    let protocol = match (value(&held, 1), family) {
        (Some([one, two]), Family::Bridge) => u32::from(u16::from_ne_bytes([*one, *two])),
        (Some([one]), _) => u32::from(*one),
        _ => return Ok(None),
    };
    Ok(match be32(data, 2) {
        Some(0) => Some(Compat {
            protocol,
            inverted: false,
        }),
        Some(1) => Some(Compat {
            protocol,
            inverted: true,
        }),
        _ => None,
    })
}
