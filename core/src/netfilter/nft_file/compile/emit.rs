//! The expressions of one rule as they are written down.

use super::super::ast::{Sourced, Statement, Table};
use super::super::attributes::Attributes;
use super::super::{NOT_UNDERSTOOD, OPAQUE_NAME};
use super::depend::Context;
use super::merge::{self, Equal, Piece};
use super::{Compiled, Fault, Names, SetType, Side};
use crate::netfilter::model::Family;

/// Writes the expressions of one rule or element.
#[derive(Debug)]
pub(super) struct Emitter<'e, 'n> {
    pub(super) family: Family,
    pub(super) table: &'e Table,
    pub(super) names: &'e Names,
    pub(super) side: &'e mut Side<'n>,
    /// For warnings.
    pub(super) path: &'e str,
    pub(super) context: Context,
    pieces: Vec<Piece>,
}

/// The kernel's number of the register that begins at a slot of four bytes (`nft_dump_register`).
pub(super) fn register(slot: u32) -> u32 {
    if slot.is_multiple_of(4) {
        slot / 4 + 1
    } else {
        slot + 8
    }
}

/// Slots that so many bytes fill.
pub(super) fn slots(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(4)).unwrap_or(u32::MAX)
}

impl<'e, 'n> Emitter<'e, 'n> {
    pub(super) fn new(table: &'e Table, names: &'e Names, side: &'e mut Side<'n>, path: &'e str) -> Self {
        Self {
            family: table.family,
            table,
            names,
            side,
            path,
            context: Context::of(table.family),
            pieces: Vec::new(),
        }
    }

    /// All expressions; neighbouring fields in one load, as `nft` has them.
    pub(super) fn finish(mut self) -> Attributes {
        merge::neighbours(&mut self.pieces);
        let mut out = Attributes::default();
        for piece in &self.pieces {
            match piece {
                Piece::Expression(one) => out.nest(1, one),
                Piece::Equal(equal) => {
                    for one in equal.expressions() {
                        out.nest(1, &one);
                    }
                }
                Piece::Barrier => {}
            }
        }
        out
    }

    /// A field of a packet that must have a value.
    pub(super) fn equal(&mut self, equal: Equal) {
        self.pieces.push(Piece::Equal(equal));
    }

    /// One expression of the list.
    pub(super) fn expression(&mut self, name: &str, data: &Attributes) {
        self.pieces.push(Piece::Expression(expression(name, data)));
    }

    /// A statement; one without bytecode here stays whole in its own words.
    pub(super) fn sourced(&mut self, sourced: &Sourced) {
        let (before, context) = (self.pieces.len(), self.context.clone());
        if let Err(Fault(why)) = self.statement(&sourced.statement) {
            self.pieces.truncate(before);
            self.context = context;
            let what = format!("{}: {}: {why}", self.path, sourced.words);
            self.side.notes.warn(NOT_UNDERSTOOD, what);
            self.words("statement", &sourced.words);
        }
        if !matches!(sourced.statement, Statement::Match(..)) {
            self.pieces.push(Piece::Barrier);
        }
    }

    /// Words that stand for themselves.
    pub(super) fn words(&mut self, name: &str, words: &str) {
        let mut both = Attributes::default();
        both.text(1, &format!("{OPAQUE_NAME}{name}"));
        both.put(2, words.as_bytes());
        self.pieces.push(Piece::Expression(both));
    }

    pub(super) fn set_named(&self, name: &str) -> Option<&SetType> {
        self.names.sets.get(name)
    }

    pub(super) fn immediate(&mut self, slot: u32, value: &[u8]) {
        let mut data = Attributes::default();
        data.be32(1, register(slot));
        data.data(2, value);
        self.expression("immediate", &data);
    }

    pub(super) fn compare(&mut self, slot: u32, op: u32, value: &[u8]) {
        let mut data = Attributes::default();
        data.be32(1, register(slot));
        data.be32(2, op);
        data.data(3, value);
        self.expression("cmp", &data);
    }

    pub(super) fn bitwise(&mut self, slot: u32, mask: &[u8], xor: &[u8]) -> Compiled {
        let mut data = Attributes::default();
        data.be32(1, register(slot));
        data.be32(2, register(slot));
        data.be32(
            3,
            u32::try_from(mask.len()).map_err(|_| Fault("too long".to_owned()))?,
        );
        data.be32(6, 0);
        data.data(4, mask);
        data.data(5, xor);
        self.expression("bitwise", &data);
        Ok(())
    }

    /// `enum nft_bitwise_ops`: 1 to the left, 2 to the right.
    pub(super) fn shift(&mut self, slot: u32, bytes: usize, op: u32, by: u32) {
        let mut data = Attributes::default();
        data.be32(1, register(slot));
        data.be32(2, register(slot));
        data.be32(3, u32::try_from(bytes).unwrap_or(u32::MAX));
        data.be32(6, op);
        data.data(7, &by.to_ne_bytes());
        self.expression("bitwise", &data);
    }

    /// `NFT_BYTEORDER_HTON`, from host order to network order.
    pub(super) fn byteorder(&mut self, slot: u32, bytes: usize) {
        let mut data = Attributes::default();
        data.be32(1, register(slot));
        data.be32(2, register(slot));
        data.be32(3, 1);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        data.be32(4, bytes);
        data.be32(5, if bytes == 3 { 4 } else { bytes.min(8) });
        self.expression("byteorder", &data);
    }

    /// `into`: the slot that a map's value goes to; `None` for a plain lookup.
    pub(super) fn lookup(&mut self, slot: u32, set: &str, into: Option<u32>, inverted: bool) {
        let mut data = Attributes::default();
        data.text(1, set);
        data.be32(2, register(slot));
        if let Some(into) = into {
            data.be32(3, into);
        }
        data.be32(5, u32::from(inverted));
        self.expression("lookup", &data);
    }
}

/// An expression with its name (`enum nft_expr_attributes`).
pub(super) fn expression(name: &str, data: &Attributes) -> Attributes {
    let mut both = Attributes::default();
    both.text(1, name);
    both.nest(2, data);
    both
}
