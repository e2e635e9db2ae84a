//! Translation, and writing fields.

use super::super::ast::{Expr, Nat};
use super::super::attributes::Attributes;
use super::super::datatype::{Order, Ty};
use super::super::header;
use super::constant::encode;
use super::emit::{Emitter, register, slots};
use super::load::mask;
use super::shape::{Load, Shape};
use super::{Compiled, Data, Fault, fault, set};
use crate::netfilter::model::Family;

/// `NF_NAT_RANGE_*` (`linux/netfilter/nf_nat.h`).
const FLAGS: [(&str, u32); 4] = [
    ("random", 4),
    ("persistent", 8),
    ("fully-random", 16),
    ("netmap", NETMAP),
];
const ADDRESSES: u32 = 1;
const PORTS: u32 = 2;
const NETMAP: u32 = 64;

fn typed(ty: Option<Ty>) -> Compiled<Ty> {
    ty.ok_or_else(|| Fault("no type".to_owned()))
}

fn plain(ty: Ty) -> Shape {
    Shape {
        load: Load::Meta(0),
        bytes: ty.bytes(),
        ty,
        shift: 0,
    }
}

impl Emitter<'_, '_> {
    /// A value of this type into a register: a constant, a field, or what a map gives.
    pub(super) fn value(&mut self, slot: u32, value: &Expr, ty: Option<Ty>) -> Compiled {
        let ty = typed(ty)?;
        match value {
            Expr::Number(_) | Expr::Word(_) | Expr::Quoted(_) | Expr::List(_) => {
                let bytes = self.constant(value, &plain(ty))?;
                self.immediate(slot, &bytes);
                Ok(())
            }
            Expr::Binary(..) if self.shape(value).is_err() => {
                let bytes = self.constant(value, &plain(ty))?;
                self.immediate(slot, &bytes);
                Ok(())
            }
            Expr::Map { key, map } if slot == 0 => self.map(key, map, &Data::Value(vec![ty])).map(drop),
            field => {
                self.depend(field)?;
                let shape = self.shape(field)?;
                self.load(slot, &shape)?;
                if shape.ty.order == Order::Host && ty.order == Order::Network && shape.bytes > 1 {
                    self.byteorder(slot, shape.bytes);
                }
                Ok(())
            }
        }
    }

    pub(super) fn nat(&mut self, nat: &Nat) -> Compiled {
        let mut flags = 0;
        for flag in &nat.flags {
            let known = FLAGS.iter().find(|(word, _)| word == flag);
            flags |= known.ok_or_else(|| Fault(format!("there is no flag {flag}")))?.1;
        }
        match nat.kind.as_str() {
            "snat" | "dnat" => self.translate(nat, flags),
            "masquerade" => self.local("masq", (2, 3), 1, nat.port.as_ref(), flags),
            "redirect" => self.local("redir", (1, 2), 3, nat.port.as_ref(), flags),
            other => fault(format!("there is no translation {other}")),
        }
    }

    fn local(&mut self, name: &str, ports: (u16, u16), at: u16, port: Option<&Expr>, flags: u32) -> Compiled {
        let mut data = Attributes::default();
        let mut flags = flags;
        if let Some(port) = port {
            self.range(&mut data, 0, ports, port, Ty::new("inet_service", 0))?;
            flags |= PORTS;
        }
        if flags != 0 {
            data.be32(at, flags);
        }
        self.expression(name, &data);
        Ok(())
    }

    fn translate(&mut self, nat: &Nat, mut flags: u32) -> Compiled {
        let six = match (nat.family.as_deref(), self.family) {
            (Some("ip"), _) | (None, Family::Ip) => false,
            (Some("ip6"), _) | (None, Family::Ip6) => true,
            _ => self.family_of(nat),
        };
        let mut data = Attributes::default();
        data.be32(1, u32::from(nat.kind == "dnat"));
        data.be32(2, if six { 10 } else { 2 });
        let ty = Ty::new(if six { "ipv6_addr" } else { "ipv4_addr" }, 0);
        let mut slot = 0;
        if nat.prefix {
            flags |= NETMAP;
        }
        if let Some(address) = &nat.address {
            flags |= ADDRESSES;
            if let (Expr::Map { key, map }, None) = (address, &nat.port) {
                flags |= self.mapped(&mut data, key, map, typed(ty)?)?;
            } else {
                if matches!(address, Expr::Prefix(..)) {
                    flags |= NETMAP;
                }
                slot = self.range(&mut data, 0, (3, 4), address, ty)?;
            }
        }
        if let Some(port) = &nat.port {
            self.range(&mut data, slot, (5, 6), port, Ty::new("inet_service", 0))?;
            flags |= PORTS;
        }
        if flags != 0 {
            data.be32(7, flags);
        }
        self.expression("nat", &data);
        Ok(())
    }

    /// Where nothing says the family, an address does.
    fn family_of(&self, nat: &Nat) -> bool {
        let first = match &nat.address {
            Some(Expr::Range(from, _) | Expr::Prefix(from, _)) => Some(&**from),
            other => other.as_ref(),
        };
        match first {
            Some(Expr::Word(word) | Expr::Quoted(word)) => word.contains(':'),
            _ => self.context.network() == Some("ip6"),
        }
    }

    /// An address that a map gives, with a port or as an interval where the map holds that. The flags that follow.
    fn mapped(&mut self, data: &mut Attributes, key: &Expr, map: &Expr, address: Ty) -> Compiled<u32> {
        let port = typed(Ty::new("inet_service", 0))?;
        let (types, interval) = match map {
            Expr::Set(elements) => {
                let pair = elements
                    .iter()
                    .any(|element| matches!(element.data, Some(Expr::Concat(_))));
                let types = if pair { vec![address, port] } else { vec![address] };
                let interval = set::doubled(&Data::Value(types.clone()), elements);
                (types, interval)
            }
            Expr::SetName(name) => {
                let declared = self.table.sets.iter().find(|set| set.name == *name);
                let types = match self.set_named(name).map(|set| set.data.clone()) {
                    Some(Data::Value(types)) => types,
                    _ => vec![address],
                };
                let wanted = Data::Value(types.clone());
                (
                    types,
                    declared.is_some_and(|set| set::doubled(&wanted, &set.elements)),
                )
            }
            _ => return fault("not a map"),
        };
        self.map(key, map, &Data::Value(types.clone()))?;
        data.be32(3, register(0));
        let next = slots(address.bytes());
        Ok(match types.as_slice() {
            [_, _] => {
                data.be32(4, register(0));
                data.be32(5, register(next));
                data.be32(6, register(next));
                PORTS
            }
            _ => {
                data.be32(4, register(if interval { next } else { 0 }));
                0
            }
        })
    }

    /// One value or the two ends of a range; the slot after them.
    fn range(
        &mut self,
        data: &mut Attributes,
        slot: u32,
        (low, high): (u16, u16),
        value: &Expr,
        ty: Option<Ty>,
    ) -> Compiled<u32> {
        let shape = plain(typed(ty)?);
        if !matches!(value, Expr::Range(..) | Expr::Prefix(..)) {
            self.value(slot, value, ty)?;
            data.be32(low, register(slot));
            // One value is a range from itself to itself, as the kernel lists it.
            data.be32(high, register(slot));
            return Ok(slot.saturating_add(4));
        }
        let (from, to, _) = self.bounds(value, &shape)?;
        let next = slot.saturating_add(4);
        self.immediate(slot, &from);
        self.immediate(next, &to);
        data.be32(low, register(slot));
        data.be32(high, register(next));
        Ok(next.saturating_add(4))
    }

    /// A field gets a value.
    pub(super) fn assign(&mut self, field: &Expr, value: &Expr) -> Compiled {
        self.depend(field)?;
        let shape = self.shape(field)?;
        let mut data = Attributes::default();
        match &shape.load {
            Load::Meta(key) => {
                self.value(0, value, Some(shape.ty))?;
                data.be32(2, *key);
                data.be32(3, register(0));
                self.expression("meta", &data);
            }
            Load::Ct { key, direction } => {
                self.value(0, value, Some(shape.ty))?;
                data.be32(4, register(0));
                data.be32(2, *key);
                if let Some(direction) = direction {
                    data.byte(3, *direction);
                }
                self.expression("ct", &data);
            }
            Load::Extension {
                op, number, offset, ..
            } => {
                if shape.is_part() {
                    return fault("a part of a byte of an extension can't be written");
                }
                self.value(0, value, Some(shape.ty))?;
                data.be32(7, register(0));
                data.byte(2, *number);
                data.be32(3, *offset);
                data.be32(4, u32::try_from(shape.bytes).unwrap_or(u32::MAX));
                data.be32(5, 0);
                data.be32(6, *op);
                self.expression("exthdr", &data);
            }
            Load::Payload { base, offset } => {
                let written = Written::of(field);
                return self.write(&shape, (*base, *offset), written, value);
            }
            _ => return fault("this field can't be written"),
        }
        Ok(())
    }

    fn write(
        &mut self,
        shape: &Shape,
        (base, offset): (u32, u32),
        written: Written,
        value: &Expr,
    ) -> Compiled {
        let length = u32::try_from(shape.bytes).map_err(|_| Fault("too long".to_owned()))?;
        let summed = written.checksum.is_some() && written.checksum != Some(offset);
        // Checksums are made of pairs of bytes.
        let widen = summed && (offset % 2 != 0 || length % 2 != 0);
        let (from, to) = if widen {
            (offset & !1, offset.saturating_add(length).next_multiple_of(2))
        } else {
            (offset, offset.saturating_add(length))
        };
        let before = usize::try_from(offset.saturating_sub(from)).unwrap_or_default();
        let bytes = usize::try_from(to.saturating_sub(from)).unwrap_or_default();
        if widen || shape.is_part() {
            let number = self.integer(value, shape.ty)?;
            let widened = |part: Vec<u8>| {
                let mut out = vec![0; before];
                out.extend(part);
                out.resize(bytes, 0);
                out
            };
            let kept: Vec<u8> = widened(mask(shape)?).iter().map(|byte| !byte).collect();
            let value = widened(encode(number, shape)?);
            self.payload(0, base, from, bytes);
            self.bitwise(0, &kept, &value)?;
        } else {
            self.value(0, value, Some(shape.ty))?;
        }
        let mut data = Attributes::default();
        data.be32(5, register(0));
        data.be32(2, base);
        data.be32(3, from);
        data.be32(4, u32::try_from(bytes).unwrap_or(u32::MAX));
        data.be32(6, u32::from(written.checksum.is_some()));
        data.be32(7, written.checksum.unwrap_or_default());
        data.be32(8, u32::from(written.pseudo));
        self.expression("payload", &data);
        Ok(())
    }
}

/// What writing a field does to checksums.
#[derive(Debug, Clone, Copy)]
struct Written {
    checksum: Option<u32>,
    /// The field is part of the pseudo header of the transport protocols.
    pseudo: bool,
}

impl Written {
    fn of(field: &Expr) -> Self {
        let Expr::Payload { protocol, field } = field else {
            return Self {
                checksum: None,
                pseudo: false,
            };
        };
        Self {
            checksum: header::header(protocol).and_then(|header| header.checksum),
            pseudo: matches!(protocol.as_str(), "ip" | "ip6") && matches!(field.as_str(), "saddr" | "daddr"),
        }
    }
}
