//! Address translation (`linux/netfilter/nf_nat.h`).

use std::net::IpAddr;

use super::{Struct, forms, ports};
use crate::netfilter::model::{Family, NatFlag, NatKind, Statement, Value};

const MAP_ADDRESS: u32 = 1;
const MAP_PORT: u32 = 1 << 1;
const RANDOM: u32 = 1 << 2;
const PERSISTENT: u32 = 1 << 3;
const FULLY_RANDOM: u32 = 1 << 4;
/// Ports keep their distance from a base.
const OFFSET: u32 = 1 << 5;
/// What is decoded; the other maps whole networks.
const KNOWN: u32 = MAP_ADDRESS | MAP_PORT | RANDOM | PERSISTENT | FULLY_RANDOM | OFFSET;

/// What the three structures share.
struct NatRange {
    flags: u32,
    addresses: [IpAddr; 2],
    ports: [u16; 2],
    base: u16,
}

pub(super) fn decode(family: Family, name: &[u8], revision: u8, payload: &[u8]) -> Option<Statement> {
    let nat = match name {
        b"SNAT" => NatKind::Snat,
        b"DNAT" => NatKind::Dnat,
        b"MASQUERADE" => NatKind::Masquerade,
        _ => NatKind::Redirect,
    };
    let named_address = matches!(nat, NatKind::Snat | NatKind::Dnat);
    let range = match (family, revision) {
        (Family::Ip, 0) => multi_range(payload),
        (Family::Ip6, 0) if !named_address => plain_range(family, payload, 40),
        (_, 1) if named_address => plain_range(family, payload, 40),
        (_, 2) if named_address => plain_range(family, payload, 44),
        _ => None,
    }?;
    // Before its second revision the structure has no base.
    let shifts = range.flags & OFFSET != 0;
    if shifts && (revision < 2 || range.flags & MAP_PORT == 0) {
        return None;
    }
    if range.flags & !KNOWN != 0 || (!named_address && range.flags & MAP_ADDRESS != 0) {
        return None;
    }
    Some(range.statement(nat))
}

/// `struct nf_nat_ipv4_multi_range_compat`, which holds one range.
fn multi_range(payload: &[u8]) -> Option<NatRange> {
    let info = Struct::new(payload, 20)?;
    let one = info.u32(0)? == 1;
    one.then_some(NatRange {
        flags: info.u32(4)?,
        addresses: [info.address(Family::Ip, 8)?, info.address(Family::Ip, 12)?],
        ports: [info.be16(16)?, info.be16(18)?],
        base: 0,
    })
}

/// `struct nf_nat_range` and `nf_nat_range2`, which ends in one more port.
fn plain_range(family: Family, payload: &[u8], size: usize) -> Option<NatRange> {
    let info = Struct::new(payload, size)?;
    Some(NatRange {
        flags: info.u32(0)?,
        addresses: [info.address(family, 4)?, info.address(family, 20)?],
        ports: [info.be16(36)?, info.be16(38)?],
        base: if size > 40 { info.be16(40)? } else { 0 },
    })
}

impl NatRange {
    fn statement(&self, nat: NatKind) -> Statement {
        let [first, last] = self.addresses;
        let [from, to] = self.ports;
        let known = [
            (RANDOM, NatFlag::Random),
            (FULLY_RANDOM, NatFlag::FullyRandom),
            (PERSISTENT, NatFlag::Persistent),
        ];
        let set = known.iter().filter(|(bit, _)| self.flags & bit != 0);
        Statement::Nat {
            nat,
            family: None,
            address: (self.flags & MAP_ADDRESS != 0).then(|| forms::addresses(first, last)),
            port: (self.flags & MAP_PORT != 0).then(|| match self.flags & OFFSET {
                0 => ports(from, to),
                _ => Value::Concat(vec![ports(from, to), Value::Number(self.base.into())]),
            }),
            flags: set.map(|(_, flag)| *flag).collect(),
        }
    }
}
