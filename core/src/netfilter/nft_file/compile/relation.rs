//! Matches.

use super::super::ast::{Element, Expr, Relation};
use super::super::attributes::Attributes;
use super::constant::{encode, wildcard};
use super::emit::{Emitter, register, slots};
use super::load::mask;
use super::merge::Equal;
use super::shape::{Load, Shape};
use super::{Compiled, Data, SetType, fault, is_plain};

/// `enum nft_cmp_ops`.
const EQ: u32 = 0;
const NE: u32 = 1;

impl Emitter<'_, '_> {
    pub(super) fn relation(&mut self, left: &Expr, relation: Relation, right: &Expr) -> Compiled {
        if let Some(presence) = presence(left, right) {
            return self.relation(&presence, relation, right);
        }
        self.depend(left)?;
        let inverted = match relation {
            Relation::Implied | Relation::Eq => false,
            Relation::Ne => true,
            _ => {
                let shape = self.shape(left)?;
                return self.order(&shape, relation, right);
            }
        };
        match right {
            Expr::SetName(name) => self.in_named(left, name, inverted),
            Expr::Set(elements) => match elements.as_slice() {
                [one] if is_plain(one) && !matches!(left, Expr::Concat(_)) => {
                    self.relation_to(left, relation, inverted, &one.key)
                }
                several => {
                    let set = self.anonymous(left, several, &Data::None)?;
                    self.load_set_key(left, &set)?;
                    self.lookup(0, &set.name, None, inverted);
                    if !inverted {
                        self.learn_message(left);
                    }
                    Ok(())
                }
            },
            Expr::Concat(_) => {
                let elements = [Element::from(right.clone())];
                let set = self.anonymous(left, &elements, &Data::None)?;
                self.load_set_key(left, &set)?;
                self.lookup(0, &set.name, None, inverted);
                Ok(())
            }
            one => self.relation_to(left, relation, inverted, one),
        }
    }

    fn in_named(&mut self, left: &Expr, name: &str, inverted: bool) -> Compiled {
        let host = match self.set_named(name) {
            Some(set) => set.interval,
            None => {
                let key = self.key_types(left)?;
                self.phantom(
                    name,
                    SetType {
                        key,
                        data: Data::None,
                        interval: false,
                    },
                );
                false
            }
        };
        self.load_key(0, left, true)?;
        self.key_order(left, host)?;
        self.lookup(0, name, None, inverted);
        Ok(())
    }

    /// Intervals of numbers are compared in network order, in each part of a key.
    pub(super) fn key_order(&mut self, key: &Expr, interval: bool) -> Compiled {
        let parts = match key {
            _ if !interval => return Ok(()),
            Expr::Concat(parts) => parts.as_slice(),
            one => std::slice::from_ref(one),
        };
        let mut slot = 0;
        for part in parts {
            let shape = self.shape(part)?;
            if shape.is_number_of_host() {
                self.byteorder(slot, shape.bytes);
            }
            slot = slots(shape.bytes).saturating_add(slot);
        }
        Ok(())
    }

    fn relation_to(&mut self, left: &Expr, relation: Relation, inverted: bool, right: &Expr) -> Compiled {
        let shape = self.shape(left)?;
        let op = if inverted { NE } else { EQ };
        match right {
            Expr::Range(from, to) => self.within(&shape, inverted, from, to),
            Expr::Prefix(address, length) => self.prefix(&shape, op, address, *length),
            Expr::Without(flags) => self.under_mask(&shape, EQ, flags, None),
            Expr::UnderMask(value, mask) => self.under_mask(&shape, op, mask, Some(value)),
            _ if relation == Relation::Implied && shape.ty.is_flags() && !is_operation(&shape) => {
                self.under_mask(&shape, NE, right, None)
            }
            _ => {
                if let Some(stem) = wildcard(right, shape.ty) {
                    self.load(0, &shape)?;
                    self.compare(0, op, stem.as_bytes());
                    return Ok(());
                }
                let value = self.constant(right, &shape)?;
                match shape.load {
                    Load::Payload { base, offset } if op == EQ && !shape.is_part() => self.equal(Equal {
                        base,
                        offset,
                        value: value.clone(),
                        protocol: names_a_protocol(left),
                    }),
                    _ => {
                        self.load(0, &shape)?;
                        self.compare(0, op, &value);
                    }
                }
                let plain = if shape.shift == 0 { value.as_slice() } else { &[] };
                self.learn(left, relation, plain);
                Ok(())
            }
        }
    }

    /// `(field & mask)` compared with a value under it, or with nought.
    fn under_mask(&mut self, shape: &Shape, op: u32, mask: &Expr, value: Option<&Expr>) -> Compiled {
        let mask = self.constant(mask, shape)?;
        let none = vec![0; mask.len()];
        let value = match value {
            Some(value) => self.constant(value, shape)?,
            None => none.clone(),
        };
        self.load(0, shape)?;
        self.bitwise(0, &mask, &none)?;
        self.compare(0, op, &value);
        Ok(())
    }

    fn order(&mut self, shape: &Shape, relation: Relation, right: &Expr) -> Compiled {
        let op = match relation {
            Relation::Lt => 2,
            Relation::Le => 3,
            Relation::Gt => 4,
            _ => 5,
        };
        let value = self.ordered(right, shape)?;
        self.load_ordered(shape)?;
        self.compare(0, op, &value);
        Ok(())
    }

    /// A value so that greater ones are greater byte by byte.
    fn ordered(&mut self, value: &Expr, shape: &Shape) -> Compiled<Vec<u8>> {
        let mut bytes = self.constant(value, shape)?;
        if shape.is_number_of_host() {
            bytes.reverse();
        }
        Ok(bytes)
    }

    fn load_ordered(&mut self, shape: &Shape) -> Compiled {
        self.load(0, shape)?;
        if shape.is_number_of_host() {
            self.byteorder(0, shape.bytes);
        }
        Ok(())
    }

    fn within(&mut self, shape: &Shape, inverted: bool, from: &Expr, to: &Expr) -> Compiled {
        let (from, to) = (self.ordered(from, shape)?, self.ordered(to, shape)?);
        if from > to {
            return fault("a range from the greater to the less");
        }
        self.load_ordered(shape)?;
        if inverted {
            let mut data = Attributes::default();
            data.be32(1, register(0));
            data.be32(2, 1);
            data.data(3, &from);
            data.data(4, &to);
            self.expression("range", &data);
        } else {
            self.compare(0, 5, &from);
            self.compare(0, 3, &to);
        }
        Ok(())
    }

    fn prefix(&mut self, shape: &Shape, op: u32, address: &Expr, length: u32) -> Compiled {
        if length > shape.ty.bits || shape.is_part() {
            return fault(format!("a prefix of /{length} is not possible here"));
        }
        let number = self.integer(address, shape.ty)?;
        let free = shape.ty.bits - length;
        let kept = if free >= 128 { 0 } else { number >> free << free };
        let value = encode(kept, shape)?;
        if length == shape.ty.bits {
            self.load(0, shape)?;
            self.compare(0, op, &value);
            return Ok(());
        }
        let bytes = usize::try_from(length / 8).unwrap_or_default();
        let whole = length.is_multiple_of(8) && length != 0 && !shape.is_number_of_host();
        match (whole, &shape.load, value.get(..bytes)) {
            // A prefix that ends at a byte needs no more than these bytes.
            (true, Load::Payload { base, offset }, Some(begin)) => {
                self.payload(0, *base, *offset, bytes);
                self.compare(0, op, begin);
            }
            (true, _, Some(begin)) => {
                self.load(0, shape)?;
                self.compare(0, op, begin);
            }
            _ => {
                let all = mask(shape)?;
                let ones = if free >= 128 {
                    0
                } else {
                    u128::MAX >> (128 - shape.ty.bits) >> free << free
                };
                let mask = encode(ones, shape)?;
                self.load(0, shape)?;
                self.bitwise(0, &mask, &vec![0; all.len()])?;
                self.compare(0, op, &value);
            }
        }
        Ok(())
    }
}

fn is_operation(shape: &Shape) -> bool {
    matches!(shape.load, Load::Operations { .. })
}

/// `fib … oif missing` asks whether there is a route, not which way it goes.
fn presence(left: &Expr, right: &Expr) -> Option<Expr> {
    match (left, right) {
        (Expr::Fib { flags, result }, Expr::Word(word))
            if matches!(result.as_str(), "oif" | "oifname")
                && matches!(word.as_str(), "exists" | "missing") =>
        {
            Some(Expr::Fib {
                flags: flags.clone(),
                result: "present".to_owned(),
            })
        }
        _ => None,
    }
}

/// True for fields that say what stands behind their header.
fn names_a_protocol(field: &Expr) -> bool {
    match field {
        Expr::Payload { protocol, field } => matches!(
            (protocol.as_str(), field.as_str()),
            ("ip", "protocol") | ("ip6", "nexthdr") | ("ether" | "vlan", "type")
        ),
        _ => false,
    }
}
