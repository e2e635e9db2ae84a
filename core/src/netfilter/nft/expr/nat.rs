//! Translation of addresses and ports.

use super::{Attributes, NotUnderstood, Reader, Symbol, Understood};
use crate::netfilter::model::{ElementData, Family, Field, NatFlag, NatKind, Statement, Value};
use crate::netfilter::nft::register::slot;
use crate::netfilter::nft::set;
use crate::netfilter::nft::typed::Type;

/// `NF_NAT_RANGE_*` (`linux/netfilter/nf_nat.h`) that a person chooses.
const FLAGS: [(u32, NatFlag); 4] = [
    (1 << 2, NatFlag::Random),
    (1 << 3, NatFlag::Persistent),
    (1 << 4, NatFlag::FullyRandom),
    (1 << 6, NatFlag::Netmap),
];
/// `NF_NAT_RANGE_MAP_IPS` and `_PROTO_SPECIFIED`: said already by the registers that are named.
const IMPLIED: u32 = 1 << 0 | 1 << 1;

impl<'a> Reader<'_, 'a> {
    /// `enum nft_nat_attributes`.
    pub(super) fn nat(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3, 4, 5, 6, 7])?;
        let nat = match attributes.be32(1)? {
            0 => NatKind::Snat,
            1 => NatKind::Dnat,
            _ => return Err(NotUnderstood),
        };
        let (ty, family) = match attributes.be32(2)? {
            // Of a port alone the family may be left open (NFPROTO_INET).
            1 if !attributes.has(3) => (Type::Bytes, None),
            2 => (Type::Ipv4, Some(Family::Ip)),
            10 => (Type::Ipv6, Some(Family::Ip6)),
            _ => return Err(NotUnderstood),
        };
        let (address, port) = match self.both(&attributes, ty)? {
            Some(both) => (Some(both), None),
            None => (
                self.nat_range(&attributes, (3, 4), ty)?,
                self.nat_range(&attributes, (5, 6), Type::Network)?,
            ),
        };
        let flags = flags(attributes.opt_be32(7)?.unwrap_or(0))?;
        // Only an `inet` table leaves the family open.
        let family = family.filter(|_| self.source.family == Family::Inet);
        self.statement(Statement::Nat {
            nat,
            family,
            address,
            port,
            flags,
        });
        Ok(())
    }

    /// `enum nft_masq_attributes`.
    pub(super) fn masquerade(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3])?;
        let port = self.nat_range(&attributes, (2, 3), Type::Network)?;
        self.local(NatKind::Masquerade, port, attributes.opt_be32(1)?)
    }

    /// `enum nft_redir_attributes`.
    pub(super) fn redirect(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3])?;
        let port = self.nat_range(&attributes, (1, 2), Type::Network)?;
        self.local(NatKind::Redirect, port, attributes.opt_be32(3)?)
    }

    fn local(&mut self, nat: NatKind, port: Option<Value>, bits: Option<u32>) -> Understood {
        let flags = flags(bits.unwrap_or(0))?;
        self.statement(Statement::Nat {
            nat,
            family: None,
            address: None,
            port,
            flags,
        });
        Ok(())
    }

    /// An address and a port that one lookup gives.
    fn both(&mut self, attributes: &Attributes<'_>, ty: Type) -> Understood<Option<Value>> {
        let (Some(address), Some(port)) = (attributes.opt_be32(3)?, attributes.opt_be32(5)?) else {
            return Ok(None);
        };
        let single = attributes.opt_be32(4)?.unwrap_or(address) == address
            && attributes.opt_be32(6)?.unwrap_or(port) == port;
        if !single || !self.follows(address, port, width(ty)) {
            return Ok(None);
        }
        self.taken(address, ty, "nat.address . nat.port").map(Some)
    }

    /// True if `second` holds what comes `bytes` bytes behind the beginning of what was looked up into `first`.
    fn follows(&self, first: u32, second: u32, bytes: u32) -> bool {
        let looked_up = matches!(self.registers.load(first), Some(Symbol::Mapped { .. }));
        let around = self.registers.around(second).map(|(at, _)| at);
        let (Some(from), Some(to)) = (slot(first), slot(second)) else {
            return false;
        };
        looked_up && around == Some(from) && to.checked_sub(from) == Some(bytes / 4)
    }

    /// A range that a lookup gives: from, then to.
    fn range_of_map(&mut self, (low, high): (u32, u32), ty: Type, field: &str) -> Understood<Value> {
        let Symbol::Mapped { key, map, entries } = self.loaded(low)?.clone() else {
            return Err(NotUnderstood);
        };
        if !self.follows(low, high, width(ty)) {
            return Err(NotUnderstood);
        }
        let width = usize::try_from(width(ty)).map_err(|_| NotUnderstood)?;
        let links = self.source.links;
        let entries = entries
            .into_iter()
            .map(|(key, data)| match data {
                ElementData::Value {
                    value: Value::Bytes(bytes),
                } if bytes.0.len() == 2 * width => {
                    let (from, to) = bytes.0.split_at(width);
                    let value = set::range(ty, from, to, links);
                    Ok((key, ElementData::Value { value }))
                }
                // A map that is declared to hold intervals.
                ElementData::Value {
                    value: value @ (Value::Prefix { .. } | Value::Range { .. } | Value::Address(_)),
                } => Ok((key, ElementData::Value { value })),
                _ => Err(NotUnderstood),
            })
            .collect::<Understood<_>>()?;
        let field = format!("{field}-range");
        self.statement(Statement::MapTo {
            key,
            field: Field(field.clone()),
            map,
            entries,
        });
        Ok(Value::Field(Field(field)))
    }

    /// One value, or the range between two registers.
    fn nat_range(
        &mut self,
        attributes: &Attributes<'_>,
        (low, high): (u16, u16),
        ty: Type,
    ) -> Understood<Option<Value>> {
        let Some(low) = attributes.opt_be32(low)? else {
            return Ok(None);
        };
        let high = attributes.opt_be32(high)?.unwrap_or(low);
        // A lookup that feeds a translation: the map writes the field that the translation then takes.
        let field = if ty == Type::Network {
            "nat.port"
        } else {
            "nat.address"
        };
        if low == high {
            return self.taken(low, ty, field).map(Some);
        }
        match (self.loaded(low)?, self.registers.load(high)) {
            (Symbol::Constant(from), Some(Symbol::Constant(to))) if from.len() == to.len() => {
                Ok(Some(set::range(ty, from, to, self.source.links)))
            }
            (Symbol::Mapped { .. }, _) if ty != Type::Network => {
                self.range_of_map((low, high), ty, field).map(Some)
            }
            _ => Err(NotUnderstood),
        }
    }
}

/// The bytes of an address.
fn width(ty: Type) -> u32 {
    if ty == Type::Ipv6 { 16 } else { 4 }
}

fn flags(bits: u32) -> Understood<Vec<NatFlag>> {
    let known = FLAGS.iter().fold(IMPLIED, |all, (bit, _)| all | bit);
    if bits & !known != 0 {
        return Err(NotUnderstood);
    }
    let mut out: Vec<NatFlag> = FLAGS
        .iter()
        .filter(|(bit, _)| bits & bit != 0)
        .map(|(_, flag)| *flag)
        .collect();
    out.sort_unstable();
    Ok(out)
}
