//! Expressions that load a field into a register, or set one from a register.

use super::{Attributes, NotUnderstood, Reader, Symbol, Understood};
use crate::netfilter::model::{Field, Op, Statement, Value};
use crate::netfilter::nft::field::{self, Loaded};

impl<'a> Reader<'_, 'a> {
    /// `enum nft_payload_attributes`.
    pub(super) fn payload(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3, 4, 5, 6, 7, 8])?;
        let (base, offset, length) = (attributes.be32(2)?, attributes.be32(3)?, attributes.length(4)?);
        let field = field::payload(&self.context, base, offset, length);
        if attributes.has(5) {
            // Checksums follow the field by themselves (NFTA_PAYLOAD_CSUM_*); that is no choice of the rule's.
            return self.assign(attributes.be32(5)?, &field);
        }
        let symbol = match field::split(&self.context, base, offset, length) {
            Some(fields) if field.name.starts_with('@') => Symbol::Fields(fields),
            _ => Symbol::Field { field, length },
        };
        self.store(attributes.be32(1)?, length, symbol)
    }

    /// `enum nft_meta_attributes`.
    pub(super) fn meta(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3])?;
        let field = field::meta(attributes.be32(2)?).ok_or(NotUnderstood)?;
        match attributes.opt_be32(3)? {
            Some(register) => self.assign(register, &field),
            None => self.load(attributes.be32(1)?, field),
        }
    }

    /// `enum nft_ct_attributes`.
    pub(super) fn ct(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3, 4])?;
        let field = field::ct(attributes.be32(2)?, attributes.opt_u8(3)?).ok_or(NotUnderstood)?;
        match attributes.opt_be32(4)? {
            Some(register) => self.assign(register, &field),
            None => self.load(attributes.be32(1)?, field),
        }
    }

    /// `enum nft_fib_attributes`.
    pub(super) fn fib(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3])?;
        let field = field::fib(attributes.be32(2)?, attributes.be32(3)?).ok_or(NotUnderstood)?;
        self.load(attributes.be32(1)?, field)
    }

    fn load(&mut self, register: u32, field: Loaded) -> Understood {
        let length = field.width;
        self.store(register, length, Symbol::Field { field, length })
    }

    /// The field gets what the register holds.
    fn assign(&mut self, register: u32, field: &Loaded) -> Understood {
        let name = Field(field.name.clone());
        let statement = match self.loaded(register)? {
            Symbol::Mapped { key, map, entries } => Statement::MapTo {
                key: key.clone(),
                field: name,
                map: map.clone(),
                entries: entries.clone(),
            },
            Symbol::Masked {
                field: from,
                mask,
                xor,
            } if from.name == field.name => {
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
        };
        self.statement(statement);
        Ok(())
    }

    /// A match on a field by name, for what the context learns.
    pub(super) fn matched_field(&mut self, field: &Loaded, op: Op, value: Value) {
        self.matched(&field.name, op, value);
    }
}
