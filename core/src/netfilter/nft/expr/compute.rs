//! Expressions that compute a register from others.

use super::{Attributes, NotUnderstood, Reader, Symbol, Understood};
use crate::netfilter::model::Value;
use crate::netfilter::nft::field::{self, Loaded, Place};
use crate::netfilter::nft::message::{self, Data};
use crate::netfilter::nft::typed::{self, Type};

impl<'a> Reader<'_, 'a> {
    /// `enum nft_bitwise_attributes` and `enum nft_bitwise_ops`.
    pub(super) fn bitwise(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3, 4, 5, 6, 7, 8])?;
        let length = attributes.length(3)?;
        let symbol = self.loaded(attributes.be32(1)?)?.clone();
        let only = |kinds: &[u16]| {
            let others = [4, 5, 7, 8].iter().filter(|kind| !kinds.contains(kind));
            let known = others.copied().all(|kind| !attributes.has(kind));
            known.then_some(()).ok_or(NotUnderstood)
        };
        let result = match attributes.opt_be32(6)?.unwrap_or(0) {
            0 => {
                only(&[4, 5])?;
                self.mask(
                    symbol,
                    length,
                    constant(&attributes, 4)?,
                    constant(&attributes, 5)?,
                )?
            }
            op @ (1 | 2) => {
                only(&[7])?;
                let bits = typed::host(constant(&attributes, 7)?).ok_or(NotUnderstood)?;
                shift(&self.expression_of(&symbol)?, length, op == 1, bits)?
            }
            op @ 3..=5 => {
                only(&[7, 8])?;
                let sign = match op {
                    3 => "&",
                    4 => "|",
                    _ => "^",
                };
                self.combine(&symbol, sign, length, &attributes)?
            }
            _ => return Err(NotUnderstood),
        };
        self.store(attributes.be32(2)?, length, result)
    }

    /// `(register & mask) ^ xor`.
    fn mask(&self, symbol: Symbol, length: usize, mask: &[u8], xor: &[u8]) -> Understood<Symbol> {
        if mask.len() != length || xor.len() != length {
            return Err(NotUnderstood);
        }
        let (field, mask, xor) = match symbol {
            Symbol::Field {
                field,
                length: loaded,
            } if loaded == field.width && loaded == length => (field, mask.to_vec(), xor.to_vec()),
            Symbol::Fields { whole, .. } if whole.width == length => (whole, mask.to_vec(), xor.to_vec()),
            // One mask behind another is one.
            Symbol::Masked {
                field,
                mask: first,
                xor: flipped,
            } if first.len() == length => {
                let both = first.iter().zip(mask).map(|(a, b)| a & b).collect();
                let flips = flipped.iter().zip(mask).zip(xor);
                (field, both, flips.map(|((x, m), y)| (x & m) ^ y).collect())
            }
            Symbol::Constant(bytes) if bytes.len() == length => {
                let out = bytes.iter().zip(mask).zip(xor);
                return Ok(Symbol::Constant(out.map(|((b, m), x)| (b & m) ^ x).collect()));
            }
            _ => return Err(NotUnderstood),
        };
        Ok(self
            .part(&field, &mask, &xor)
            .unwrap_or(Symbol::Masked { field, mask, xor }))
    }

    /// The part of a field that a mask leaves, where it has a name, or the field has none itself.
    fn part(&self, field: &Loaded, mask: &[u8], xor: &[u8]) -> Option<Symbol> {
        let whole = field.place.filter(|_| xor.iter().all(|byte| *byte == 0))?;
        let (start, count) = run(mask)?;
        let place = Place {
            bit: whole.bit.checked_add(start)?,
            ..whole
        };
        let named = field::part(&self.context, place, count).filter(|(_, ty)| *ty == Type::Network);
        let name = match named {
            Some((name, _)) => name,
            None if field.name.contains('@') => field::raw(place, count)?,
            None => return None,
        };
        let below = u32::try_from(mask.len()).ok()?.checked_mul(8)? - start - count;
        let ty = match below {
            0 => Type::Network,
            bits => Type::Shifted(bits),
        };
        let field = Loaded {
            name,
            ty,
            place: Some(place),
            cut: Some((whole, mask.to_vec())),
            ..field.clone()
        };
        let length = field.width;
        Some(Symbol::Field { field, length })
    }

    /// Two registers, or a register and a constant.
    fn combine(
        &self,
        symbol: &Symbol,
        sign: &str,
        length: usize,
        attributes: &Attributes<'_>,
    ) -> Understood<Symbol> {
        let left = self.expression_of(symbol)?;
        let right = match attributes.opt_be32(8)? {
            Some(register) => self.expression_of(self.loaded(register)?)?,
            None => {
                let bytes = constant(attributes, 7)?;
                let name = self.literal(left.ty, bytes);
                Loaded::key(name, left.ty, bytes.len())
            }
        };
        let alike = left.ty.is_network_order() == right.ty.is_network_order() || length == 1;
        if left.width != length || right.width != length || !alike {
            return Err(NotUnderstood);
        }
        let name = format!("{} {sign} {}", operand(&left.name), operand(&right.name));
        Ok(computed(name, left.ty, length))
    }

    /// What a register holds as one field, computed ones written out.
    pub(super) fn expression_of(&self, symbol: &Symbol) -> Understood<Loaded> {
        match symbol {
            Symbol::Field { field, length } if *length == field.width => Ok(field.clone()),
            Symbol::Masked { field, mask, xor } => Ok(Loaded {
                name: self.masked_name(field, mask, xor),
                place: None,
                cut: None,
                ..field.clone()
            }),
            _ => Err(NotUnderstood),
        }
    }

    /// `field & mask ^ xor` in the fewest operations.
    fn masked_name(&self, field: &Loaded, mask: &[u8], xor: &[u8]) -> String {
        let name = operand(&field.name);
        let literal = |bytes: &[u8]| self.literal(field.ty, bytes);
        let zip = |f: fn(u8, u8) -> u8| -> Vec<u8> { mask.iter().zip(xor).map(|(m, x)| f(*m, *x)).collect() };
        if xor.iter().all(|byte| *byte == 0) {
            format!("{name} & {}", literal(mask))
        } else if mask.iter().all(|byte| *byte == 0xff) {
            format!("{name} ^ {}", literal(xor))
        } else if zip(|m, x| m & x).iter().any(|byte| *byte != 0) {
            format!("{name} & {} ^ {}", literal(mask), literal(xor))
        } else if zip(|m, x| m | x).iter().all(|byte| *byte == 0xff) {
            format!("{name} | {}", literal(xor))
        } else {
            format!("{name} & {} | {}", literal(&zip(|m, x| m | x)), literal(xor))
        }
    }

    /// A constant as it stands in what is computed: numbers in hexadecimal.
    pub(super) fn literal(&self, ty: Type, bytes: &[u8]) -> String {
        match ty.value(bytes, self.source.links) {
            Value::Address(address) => address.to_string(),
            Value::Mac(mac) => mac,
            Value::Number(number) if bytes.len() == 4 => format!("{number:#010x}"),
            Value::Number(number) => format!("{number:#x}"),
            Value::Wide(number) => format!("{:#x}", number.0),
            _ => {
                let number = if ty.is_network_order() {
                    typed::network(bytes)
                } else {
                    typed::host(bytes)
                };
                number.map_or_else(
                    || format!("0x{}", crate::bytes::Hex(bytes.to_vec())),
                    |number| format!("{number:#x}"),
                )
            }
        }
    }

    /// `enum nft_byteorder_attributes`: to network order and to host order are the same turn.
    pub(super) fn byteorder(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3, 4, 5])?;
        let (length, size) = (attributes.length(4)?, attributes.length(5)?);
        if attributes.be32(3)? > 1 || length != size {
            return Err(NotUnderstood);
        }
        let field = self.expression_of(self.loaded(attributes.be32(1)?)?)?;
        if field.width != length {
            return Err(NotUnderstood);
        }
        let field = Loaded {
            ty: field.ty.swapped().ok_or(NotUnderstood)?,
            swapped: !field.swapped,
            cut: None,
            ..field
        };
        self.store(attributes.be32(2)?, length, Symbol::Field { field, length })
    }

    /// `enum nft_ng_attributes` and `enum nft_ng_types`.
    pub(super) fn numgen(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3, 4])?;
        let how = match attributes.be32(3)? {
            0 => "inc",
            1 => "random",
            _ => return Err(NotUnderstood),
        };
        let range = modulus(attributes.be32(2)?, None, attributes.opt_be32(4)?);
        self.store(
            attributes.be32(1)?,
            4,
            computed(format!("numgen {how} {range}"), Type::Host, 4),
        )
    }

    /// `enum nft_hash_attributes` and `enum nft_hash_types`.
    pub(super) fn hash(&mut self, data: &'a [u8]) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3, 4, 5, 6, 7])?;
        let range = modulus(
            attributes.be32(4)?,
            attributes.opt_be32(5)?,
            attributes.opt_be32(6)?,
        );
        let name = match attributes.opt_be32(7)?.unwrap_or(0) {
            0 => {
                let (register, length) = (attributes.be32(1)?, attributes.length(3)?);
                let symbols = self
                    .registers
                    .concatenation(register, length)
                    .ok_or(NotUnderstood)?;
                let fields: Vec<String> = symbols
                    .into_iter()
                    .map(|symbol| Ok(in_natural_order(&self.expression_of(symbol)?)))
                    .collect::<Understood<_>>()?;
                format!("jhash({}) {range}", fields.join(" . "))
            }
            1 => format!("symhash {range}"),
            _ => return Err(NotUnderstood),
        };
        self.store(attributes.be32(2)?, 4, computed(name, Type::Host, 4))
    }
}

/// `mod 4 seed 0x1 offset 2`, without what is not given.
fn modulus(modulus: u32, seed: Option<u32>, offset: Option<u32>) -> String {
    let seed = seed.map(|seed| format!(" seed {seed:#x}")).unwrap_or_default();
    let offset = offset.filter(|offset| *offset != 0);
    let offset = offset
        .map(|offset| format!(" offset {offset}"))
        .unwrap_or_default();
    format!("mod {modulus}{seed}{offset}")
}

fn computed(name: String, ty: Type, length: usize) -> Symbol {
    Symbol::Field {
        field: Loaded::key(name, ty, length),
        length,
    }
}

/// The kernel shifts a register as numbers of host order, so only such a number is shifted as a whole.
fn shift(field: &Loaded, length: usize, left: bool, bits: u64) -> Understood<Symbol> {
    if field.width != length {
        return Err(NotUnderstood);
    }
    let lowest = match field.ty {
        Type::Shifted(by) if length == 1 => Some((by, Type::Network)),
        Type::Reversed(Type::Shifted(by)) => Some((*by, Type::Host)),
        _ => None,
    };
    if let Some((by, ty)) = lowest
        && !left
        && u64::from(by) == bits
    {
        let field = Loaded {
            ty,
            swapped: false,
            cut: None,
            ..field.clone()
        };
        return Ok(Symbol::Field { field, length });
    }
    if length > 1 && field.ty != Type::Host || matches!(field.ty, Type::Shifted(_)) {
        return Err(NotUnderstood);
    }
    let sign = if left { "<<" } else { ">>" };
    let name = format!("{} {sign} {bits}", operand(&field.name));
    Ok(computed(name, field.ty, length))
}

/// The name of a field where its bytes matter: which order they are in is said if it is not their own.
pub(super) fn in_natural_order(field: &Loaded) -> String {
    if field.swapped && field.width > 1 {
        format!("swapped({})", field.name)
    } else {
        field.name.clone()
    }
}

/// What another operation takes.
fn operand(name: &str) -> String {
    let computed = [" & ", " | ", " ^ ", " << ", " >> ", " mod "];
    if computed.iter().any(|sign| name.contains(sign)) {
        format!("({name})")
    } else {
        name.to_owned()
    }
}

/// The bits of a mask that are set, if they are one run: the first from the top, and how many.
pub(super) fn run(mask: &[u8]) -> Option<(u32, u32)> {
    let ones: u32 = mask.iter().map(|byte| byte.count_ones()).sum();
    let mut bits = mask
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1));
    let start = u32::try_from(bits.position(|set| set)?).ok()?;
    let more = u32::try_from(bits.take_while(|set| *set).count()).ok()?;
    (more.checked_add(1)? == ones).then_some((start, ones))
}

fn constant<'a>(attributes: &Attributes<'a>, kind: u16) -> Understood<&'a [u8]> {
    match message::data(attributes.attr(kind)?)? {
        Data::Value(bytes) => Ok(bytes),
        Data::Verdict(_) => Err(NotUnderstood),
    }
}
