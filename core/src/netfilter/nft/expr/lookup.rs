//! Looking a register up in a set or map.

use super::{Attributes, NotUnderstood, Reader, Symbol, Understood};
use crate::bytes::Text;
use crate::netfilter::model::{ElementData, Field, Item, Match, Op, Statement, Value};
use crate::netfilter::nft::consts;
use crate::netfilter::nft::field::Loaded;
use crate::netfilter::nft::key_type::Part;
use crate::netfilter::nft::set::SetMessage;

/// `NFT_LOOKUP_F_INV`.
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
        let inverted = attributes.opt_be32(5)?.unwrap_or(0) & INVERTED != 0;
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
                // Maps give at most sixteen bytes, the size of a register of the old kind.
                self.store(register, 16, Symbol::Mapped { key, map, entries })
            }
        }
    }

    /// The fields in the registers that make up the set's key, and how their bytes read.
    pub(super) fn key(&self, register: u32, set: &Text) -> Understood<(Field, Vec<Part>)> {
        let length = self.set_named(set)?.key_length();
        let symbols = self
            .registers
            .concatenation(register, length)
            .ok_or(NotUnderstood)?;
        let mut names = Vec::new();
        let mut parts = Vec::new();
        for symbol in symbols {
            let field = match symbol {
                Symbol::Field { field, length } if *length == field.width => field,
                _ => return Err(NotUnderstood),
            };
            names.push(field.name.as_str());
            parts.push(part(field));
        }
        Ok((Field(names.join(" . ")), parts))
    }

    fn member(&mut self, field: Field, parts: &[Part], name: &Text, inverted: bool) -> Understood {
        let set = self.set_named(name)?;
        let value = if set.flags & consts::SET_ANONYMOUS == 0 {
            Value::SetName(name.clone())
        } else {
            Value::Set(
                self.entries(set, parts)?
                    .into_iter()
                    .map(|(key, _)| key)
                    .collect(),
            )
        };
        let op = if inverted { Op::NotIn } else { Op::In };
        self.items.push(Item::Match(Match { field, op, value }));
        Ok(())
    }

    fn map(&self, name: &Text, parts: &[Part]) -> Understood<(Option<Text>, Pairs)> {
        let set = self.set_named(name)?;
        if set.flags & consts::SET_ANONYMOUS == 0 {
            return Ok((Some(name.clone()), Vec::new()));
        }
        let pairs: Option<Pairs> = self
            .entries(set, parts)?
            .into_iter()
            .map(|(key, data)| Some((key, data?)))
            .collect();
        Ok((None, pairs.ok_or(NotUnderstood)?))
    }

    fn entries(&self, set: &SetMessage<'a>, parts: &[Part]) -> Understood<Vec<(Value, Option<ElementData>)>> {
        let entries = set.entries(parts, self.source.links)?;
        Ok(entries
            .into_iter()
            .map(|entry| (entry.key, set.data_of(entry.element, self.source.links)))
            .collect())
    }
}

fn part(field: &Loaded) -> Part {
    Part {
        ty: field.ty,
        width: Some(field.width),
    }
}
