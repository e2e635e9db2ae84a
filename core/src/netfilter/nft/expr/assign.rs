//! Expressions that set a field from a register.

use super::compute::run;
use super::{Attributes, NotUnderstood, Reader, Symbol, Understood};
use crate::netfilter::model::{ElementData, Field, Statement, Value};
use crate::netfilter::nft::field::{self, Loaded, Place};
use crate::netfilter::nft::typed::{self, Type};

impl<'a> Reader<'_, 'a> {
    /// A `payload` that writes: base, offset and length in bytes.
    pub(super) fn write(
        &mut self,
        attributes: &Attributes<'a>,
        (base, offset, length): (u32, u32, usize),
    ) -> Understood {
        let register = attributes.be32(5)?;
        let field = field::payload(&self.context, base, offset, length);
        let field = if field.width == length {
            field
        } else {
            field::raw_payload(base, offset, length)
        };
        let (name, statement) = match self.loaded(register)? {
            Symbol::Masked {
                field: from,
                mask,
                xor,
            } if from.place == field.place => self
                .part_written(&field, mask, xor)
                .map_or_else(|| self.assigned(register, &field), Ok)?,
            // A part set to nought leaves the others as they were.
            Symbol::Field { field: from, .. } if cut_of(from, &field).is_some() => {
                let mask = cut_of(from, &field).ok_or(NotUnderstood)?;
                self.part_written(&field, mask, &vec![0; mask.len()])
                    .ok_or(NotUnderstood)?
            }
            Symbol::Fields { whole, .. } if whole.place == field.place => return Err(NotUnderstood),
            _ => self.assigned(register, &field)?,
        };
        // Checksums follow a field by themselves, as `nft` asks for it; anything else has no words.
        let checksums = (
            attributes.opt_be32(6)?.unwrap_or(0),
            attributes.opt_be32(7)?.unwrap_or(0),
            attributes.opt_be32(8)?.unwrap_or(0),
        );
        if checksums != field::checksum(&name) {
            return Err(NotUnderstood);
        }
        self.statement(statement);
        Ok(())
    }

    /// A field that shares its bytes with others is written by keeping these.
    fn part_written(&self, field: &Loaded, mask: &[u8], xor: &[u8]) -> Option<(String, Statement)> {
        let cleared: Vec<u8> = mask.iter().map(|keep| !keep).collect();
        let outside = xor.iter().zip(&cleared).any(|(new, bits)| new & !bits != 0);
        let (start, count) = run(&cleared).filter(|_| !outside)?;
        let place = field.place?;
        let place = Place {
            bit: place.bit.checked_add(start)?,
            ..place
        };
        let (name, ty) = field::part(&self.context, place, count)?;
        let below = u32::try_from(mask.len()).ok()?.checked_mul(8)? - start - count;
        let number = typed::network(xor)?.checked_shr(below)?;
        let value = match (ty, count.is_multiple_of(8)) {
            (Type::Network, _) => typed::number(number),
            (ty, true) => {
                let bytes = number.to_be_bytes();
                let unused = bytes.len().checked_sub(usize::try_from(count / 8).ok()?)?;
                ty.value(bytes.get(unused..)?, self.source.links)
            }
            _ => return None,
        };
        let field = Field(name.clone());
        Some((name, Statement::Set { field, value }))
    }

    fn assigned(&self, register: u32, field: &Loaded) -> Understood<(String, Statement)> {
        Ok((field.name.clone(), self.assignment(register, field)?))
    }

    /// The field gets what the register holds.
    pub(super) fn assign(&mut self, register: u32, field: &Loaded) -> Understood {
        let statement = self.assignment(register, field)?;
        self.statement(statement);
        Ok(())
    }

    fn assignment(&self, register: u32, field: &Loaded) -> Understood<Statement> {
        let name = Field(field.name.clone());
        Ok(match self.loaded(register)? {
            Symbol::Mapped { key, map, entries } => Statement::MapTo {
                key: key.clone(),
                field: name,
                map: map.clone(),
                entries: entries
                    .iter()
                    .map(|entry| self.retyped(entry, field.ty))
                    .collect(),
            },
            Symbol::Masked {
                field: from,
                mask,
                xor,
            } if from.name == field.name && !from.swapped => {
                let read = |bytes: &[u8]| Box::new(field.ty.value(bytes, self.source.links));
                // `(field & keep) ^ flip`: the bits cleared are those that are not kept.
                let cleared: Vec<u8> = mask.iter().map(|keep| !keep).collect();
                Statement::Set {
                    field: name,
                    value: Value::Masked {
                        mask: read(&cleared),
                        value: read(xor),
                    },
                }
            }
            _ => Statement::Set {
                field: name,
                value: self.value_in(register, field.ty)?,
            },
        })
    }

    /// Data that the map has no type for is read as what it is put into.
    pub(super) fn retyped(&self, (key, data): &(Value, ElementData), ty: Type) -> (Value, ElementData) {
        let data = match data {
            ElementData::Value {
                value: Value::Bytes(bytes),
            } => ElementData::Value {
                value: ty.value(&bytes.0, self.source.links),
            },
            data => data.clone(),
        };
        (key.clone(), data)
    }

    /// What a register holds, as a value to set something of a type to.
    pub(super) fn value_in(&self, register: u32, ty: Type) -> Understood<Value> {
        let symbol = self.loaded(register)?;
        if let Symbol::Constant(bytes) = symbol {
            return Ok(ty.value(bytes, self.source.links));
        }
        let field = self.expression_of(symbol)?;
        // `nft` turns bytes where the two are of different order, and only there.
        let turned = field.ty.is_network_order() == ty.is_network_order();
        let name = if turned || field.width == 1 {
            field.name
        } else {
            format!("swapped({})", field.name)
        };
        Ok(Value::Field(Field(name)))
    }
}

/// The mask that left a part of the very bytes that are written.
fn cut_of<'f>(from: &'f Loaded, written: &Loaded) -> Option<&'f [u8]> {
    let (place, mask) = from.cut.as_ref()?;
    (Some(*place) == written.place && mask.len() == written.width).then_some(mask.as_slice())
}
