//! Looking a register up in a set or map.

use super::{Attributes, NotUnderstood, Reader, Symbol, Understood};
use crate::bytes::{Big, Text};
use crate::netfilter::model::{
    Element, ElementData, Field, Item, Op, Opaque, OpaqueAttribute, Statement, Value,
};
use crate::netfilter::nft::consts;
use crate::netfilter::nft::field::Loaded;
use crate::netfilter::nft::key_type::Part;
use crate::netfilter::nft::set::SetMessage;
use crate::netfilter::nft::typed::Type;

/// `NFT_LOOKUP_F_INV`, the only flag there is.
const INVERTED: u32 = 1;
/// `NFT_REG_VERDICT`.
const VERDICT: u32 = 0;

/// The pairs of a map that is written in place.
pub(super) type Pairs = Vec<(Value, ElementData)>;

impl<'a> Reader<'_, 'a> {
    /// `enum nft_lookup_attributes`.
    pub(super) fn lookup(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3, 4, 5])?;
        let name = attributes.text(1)?;
        let flags = attributes.opt_be32(5)?.unwrap_or(0);
        if flags & !INVERTED != 0 {
            return Err(NotUnderstood);
        }
        let inverted = flags & INVERTED != 0;
        let (key, parts) = self.key(attributes.be32(2)?, &name)?;
        match attributes.opt_be32(3)? {
            None => self.member(key, &parts, &name, inverted),
            Some(VERDICT) => {
                let (map, entries) = self.map(&name, &parts)?;
                self.statement(Statement::VerdictMap { key, map, entries });
                Ok(())
            }
            Some(register) => {
                let (map, entries) = self.map(&name, &parts)?;
                let length = self.set_named(&name)?.data_length();
                self.store(register, length, Symbol::Mapped { key, map, entries })
            }
        }
    }

    /// The fields in the registers that make up the set's key, and how their bytes read. Where the registers hold what is not
    /// understood, the register's number stands for the fields and the set's own type reads the bytes: what the set
    /// holds is part of the rule in any case. What the registers do hold is written down before it.
    pub(super) fn key(&mut self, register: u32, set: &Text) -> Understood<(Field, Vec<Part>)> {
        let set = self.set_named(set)?;
        let (length, set_parts) = (set.key_length(), set.key_parts());
        let interval = set.flags & consts::SET_INTERVAL != 0;
        let named = set.flags & consts::SET_ANONYMOUS == 0;
        let symbols = self.registers.concatenation(register, length).unwrap_or_default();
        let alike = symbols.len() == set_parts.len();
        let fields: Option<Vec<(String, Part)>> = symbols
            .into_iter()
            .enumerate()
            .map(|(place, symbol)| match symbol {
                Symbol::Constant(bytes) => {
                    let part = *set_parts.get(place).filter(|_| alike)?;
                    Some((constant(&part.ty.value(bytes, self.source.links))?, part))
                }
                symbol => {
                    let field = self.expression_of(symbol).ok()?;
                    Some((name_in((named, interval), &field), part(&field)))
                }
            })
            .collect();
        Ok(match fields {
            Some(fields) if !fields.is_empty() => {
                let (names, parts): (Vec<String>, Vec<Part>) = fields.into_iter().unzip();
                (Field(names.join(" . ")), parts)
            }
            _ => {
                self.write_down(register, length);
                (Field(format!("@reg,{register}")), set_parts)
            }
        })
    }

    fn member(&mut self, field: Field, parts: &[Part], name: &Text, inverted: bool) -> Understood {
        let set = self.set_named(name)?;
        if set.flags & consts::SET_ANONYMOUS == 0 {
            let op = if inverted { Op::NotIn } else { Op::In };
            self.matched(&field.0, op, Value::SetName(name.clone()));
            return Ok(());
        }
        let entries = self.entries(set, parts)?;
        let mut values: Vec<Value> = entries.into_iter().map(|(key, _)| key).collect();
        // One of a single value is that value: newer tools write the one for the other.
        let (op, value) = if values.len() == 1 {
            (Op::Eq, values.remove(0))
        } else {
            (Op::In, Value::Set(values))
        };
        self.more(name, parts)?;
        self.matched(&field.0, if inverted { op.negated() } else { op }, value);
        Ok(())
    }

    pub(super) fn map(&mut self, name: &Text, parts: &[Part]) -> Understood<(Option<Text>, Pairs)> {
        let set = self.set_named(name)?;
        if set.flags & consts::SET_ANONYMOUS == 0 {
            return Ok((Some(name.clone()), Vec::new()));
        }
        let pairs: Option<Pairs> = self
            .entries(set, parts)?
            .into_iter()
            .map(|(key, data)| Some((key, data?)))
            .collect();
        let pairs = pairs.ok_or(NotUnderstood)?;
        self.more(name, parts)?;
        Ok((None, pairs))
    }

    /// What elements of a set that is written in place hold besides keys and data: comments, timeouts, statements of their
    /// own. It stands before the step that has the set.
    fn more(&mut self, set: &Text, parts: &[Part]) -> Understood {
        let set = self.set_named(set)?;
        let unknown: Vec<Item> = set.opaque.iter().map(attribute).collect();
        let mut elements = Vec::new();
        for entry in set.entries(parts, self.source.links)? {
            let element = entry.element;
            let statements = super::read(self.source, element.expressions.iter().copied().map(Ok))?.items;
            let opaque = entry.opaque();
            let plain = statements.is_empty() && opaque.is_empty();
            if plain && element.comment.is_none() && element.timeout.is_none() {
                continue;
            }
            elements.push(Element {
                data: set.data_of(element, self.source.links),
                timeout_ms: element.timeout.map(Big),
                comment: element.comment.clone(),
                statements,
                key: entry.key,
                opaque,
            });
        }
        self.items.extend(unknown);
        if !elements.is_empty() {
            self.statement(Statement::Elements { elements });
        }
        Ok(())
    }

    fn entries(&self, set: &SetMessage<'a>, parts: &[Part]) -> Understood<Vec<(Value, Option<ElementData>)>> {
        let entries = set.entries(parts, self.source.links)?;
        Ok(entries
            .into_iter()
            .map(|entry| (entry.key, set.data_of(entry.element, self.source.links)))
            .collect())
    }
}

/// An attribute of a set that is not known, as a part of the rule that uses the set.
fn attribute(attribute: &OpaqueAttribute) -> Item {
    Item::Opaque(Opaque {
        kind: "attribute".to_owned(),
        name: format!("set {}", attribute.number).into(),
        revision: None,
        payload: attribute.payload.clone(),
        text: None,
    })
}

/// `nft` puts numbers of host order into network order where a set has intervals, and only there.
fn name_in((named, interval): (bool, bool), field: &Loaded) -> String {
    // The elements of a named set stand at the lowest bit; those of one in place stand where the field does.
    if let (true, Type::Shifted(bits)) = (named, field.ty) {
        return format!("({}) << {bits}", field.name);
    }
    let of_host = field.swapped == field.ty.is_network_order();
    if field.width > 1 && field.swapped != (interval && of_host) {
        format!("swapped({})", field.name)
    } else {
        field.name.clone()
    }
}

/// A constant in the place of a field; `None` for what has no words there.
pub(super) fn constant(value: &Value) -> Option<String> {
    Some(match value {
        Value::Number(number) => number.to_string(),
        Value::Wide(number) => number.to_string(),
        Value::Address(address) => address.to_string(),
        Value::Mac(mac) | Value::Symbol(mac) => mac.clone(),
        Value::Text(text) => format!("\"{text}\""),
        Value::Concat(all) => all.iter().map(constant).collect::<Option<Vec<_>>>()?.join(" . "),
        _ => return None,
    })
}

fn part(field: &Loaded) -> Part {
    Part {
        ty: field.ty,
        width: Some(field.width),
    }
}
