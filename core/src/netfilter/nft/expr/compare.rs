//! Expressions that compare a register with a constant.

use super::{Attributes, NotUnderstood, Reader, Symbol, Understood};
use crate::netfilter::model::{Item, Match, Op, Value};
use crate::netfilter::nft::field::Loaded;
use crate::netfilter::nft::message::{self, Data};
use crate::netfilter::nft::typed::{self, Type};

impl<'a> Reader<'_, 'a> {
    /// `enum nft_cmp_attributes` and `enum nft_cmp_ops`.
    pub(super) fn cmp(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3])?;
        let Data::Value(bytes) = message::data(attributes.attr(3)?)? else {
            return Err(NotUnderstood);
        };
        let op = match attributes.be32(2)? {
            0 => Op::Eq,
            1 => Op::Ne,
            2 => Op::Lt,
            3 => Op::Le,
            4 => Op::Gt,
            5 => Op::Ge,
            _ => return Err(NotUnderstood),
        };
        let register = attributes.be32(1)?;
        // A comparison reads no register but this one.
        let symbol = self.registers.lend(register).ok_or(NotUnderstood)?;
        let compared = self.compare_symbol(&symbol, op, bytes);
        self.registers.give_back(register, symbol);
        compared
    }

    fn compare_symbol(&mut self, symbol: &Symbol, op: Op, bytes: &[u8]) -> Understood {
        match symbol {
            Symbol::Field { field, length } => self.compare(field, *length, op, bytes),
            Symbol::Masked { field, mask, xor } if matches!(op, Op::Eq | Op::Ne) => {
                self.compare_masked(field, op, mask, xor, bytes)
            }
            Symbol::Masked { .. } => {
                let field = self.expression_of(symbol)?;
                self.compare(&field, field.width, op, bytes)
            }
            Symbol::Fields { fields, .. } if op == Op::Eq => self.compare_each(fields, bytes),
            Symbol::Fields { whole, .. } => self.compare(whole, whole.width, op, bytes),
            _ => Err(NotUnderstood),
        }
    }

    fn compare(&mut self, field: &Loaded, length: usize, op: Op, bytes: &[u8]) -> Understood {
        let links = self.source.links;
        let is_address = matches!(field.ty, Type::Ipv4 | Type::Ipv6);
        if length < field.width || is_address && bytes.len() < length {
            // The first bytes of an address: a prefix that ends at a byte.
            let bits = u8::try_from(bytes.len() * 8).map_err(|_| NotUnderstood)?;
            let equality = matches!(op, Op::Eq | Op::Ne) && bytes.len() <= length && !bytes.is_empty();
            let value = equality.then(|| typed::prefix(field.ty, bytes, bits)).flatten();
            self.matched_field(field, op, value.ok_or(NotUnderstood)?);
            return Ok(());
        }
        // Only of a name may the first bytes be compared alone: that is a wildcard. Presence may be told in one byte or four.
        let is_presence = field.name.ends_with(" present");
        if bytes.len() != length && field.ty != Type::IfName && !is_presence {
            return Err(NotUnderstood);
        }
        if !matches!(op, Op::Eq | Op::Ne) && !is_ordered(field) {
            return Err(NotUnderstood);
        }
        self.matched_field(field, op, field.ty.value(bytes, links));
        Ok(())
    }

    /// `(field & mask) ^ xor` compared for equality.
    fn compare_masked(
        &mut self,
        field: &Loaded,
        op: Op,
        mask: &[u8],
        xor: &[u8],
        bytes: &[u8],
    ) -> Understood {
        if bytes.len() != mask.len() || xor.len() != mask.len() {
            return Err(NotUnderstood);
        }
        let links = self.source.links;
        let wanted: Vec<u8> = bytes.iter().zip(xor).map(|(a, b)| a ^ b).collect();
        let none = wanted.iter().all(|byte| *byte == 0);
        let (op, value) = match typed::prefix_length(mask) {
            Some(length) if matches!(field.ty, Type::Ipv4 | Type::Ipv6) => {
                (op, typed::prefix(field.ty, &wanted, length).ok_or(NotUnderstood)?)
            }
            _ if none && field.ty.is_flags() => (
                if op == Op::Ne { Op::Any } else { Op::None },
                field.ty.value(mask, links),
            ),
            _ => {
                let read = |bytes: &[u8]| Box::new(field.ty.value(bytes, links));
                (
                    op,
                    Value::Masked {
                        mask: read(mask),
                        value: read(&wanted),
                    },
                )
            }
        };
        self.matched_field(field, op, value);
        Ok(())
    }

    fn compare_each(&mut self, fields: &[Loaded], bytes: &[u8]) -> Understood {
        if fields.iter().map(|field| field.width).sum::<usize>() != bytes.len() {
            return Err(NotUnderstood);
        }
        let mut rest = bytes;
        for field in fields {
            let (part, after) = rest.split_at_checked(field.width).ok_or(NotUnderstood)?;
            self.matched_field(field, Op::Eq, field.ty.value(part, self.source.links));
            rest = after;
        }
        Ok(())
    }

    /// `enum nft_range_attributes`.
    pub(super) fn range(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3, 4])?;
        let op = match attributes.be32(2)? {
            0 => Op::Eq,
            1 => Op::Ne,
            _ => return Err(NotUnderstood),
        };
        let (Data::Value(from), Data::Value(to)) = (
            message::data(attributes.attr(3)?)?,
            message::data(attributes.attr(4)?)?,
        ) else {
            return Err(NotUnderstood);
        };
        let field = self.expression_of(self.loaded(attributes.be32(1)?)?)?;
        let fits = from.len() == field.width && to.len() == field.width;
        if !fits || !is_ordered(&field) {
            return Err(NotUnderstood);
        }
        let value = super::super::set::range(field.ty, from, to, self.source.links);
        self.matched_field(&field, op, value);
        Ok(())
    }
}

/// Registers compare as bytes, so numbers of host order have no order there until they are turned.
fn is_ordered(field: &Loaded) -> bool {
    field.width == 1 || field.ty.is_network_order()
}

/// `field >= a` and at once `field <= b` is one range; `nft` and `iptables-nft` write ranges so.
pub(super) fn join_ranges(items: Vec<Item>) -> Vec<Item> {
    if !items
        .iter()
        .any(|item| matches!(item, Item::Match(Match { op: Op::Le, .. })))
    {
        return items;
    }
    let mut out: Vec<Item> = Vec::with_capacity(items.len());
    for item in items {
        if let Item::Match(Match {
            field,
            op: Op::Le,
            value: to,
        }) = &item
            && let Some(Item::Match(Match {
                field: before,
                op: Op::Ge,
                value: from,
            })) = out.last()
            && before == field
        {
            let value = Value::Range {
                from: Box::new(from.clone()),
                to: Box::new(to.clone()),
            };
            let joined = Item::Match(Match {
                field: field.clone(),
                op: Op::Eq,
                value,
            });
            out.pop();
            out.push(joined);
        } else {
            out.push(item);
        }
    }
    out
}
