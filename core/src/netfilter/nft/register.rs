//! Symbolic registers: what each holds, instead of bytes.
//!
//! nf_tables has sixteen registers of four bytes, numbered 8 to 23, which are also four of sixteen bytes, numbered 1 to 4
//! (`enum nft_registers`).

use smallvec::SmallVec;

use super::field::Loaded;
use crate::bytes::Text;
use crate::netfilter::model::{ElementData, Field, Value};

/// The content of a register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Symbol {
    /// A field, or its first `length` bytes.
    Field { field: Loaded, length: usize },
    /// `(field & mask) ^ xor`.
    Masked {
        field: Loaded,
        mask: Vec<u8>,
        xor: Vec<u8>,
    },
    /// Several fields end to end in one load; `whole` is that load without names.
    Fields { fields: Vec<Loaded>, whole: Loaded },
    /// A constant.
    Constant(Vec<u8>),
    /// The result of a map lookup.
    Mapped {
        key: Field,
        map: Option<Text>,
        entries: Vec<(Value, ElementData)>,
    },
}

/// All registers.
#[derive(Debug, Clone, Default)]
pub(super) struct Registers {
    /// By their first slot, rising.
    held: SmallVec<[Held; 2]>,
}

/// A symbol, its first slot, and how many slots it takes.
#[derive(Debug, Clone)]
struct Held {
    slot: u32,
    length: u32,
    symbol: Symbol,
}

impl Held {
    fn end(&self) -> u32 {
        self.slot.saturating_add(self.length)
    }
}

/// The first slot of a register number; `None` for the verdict register and numbers that do not exist.
pub(super) fn slot(register: u32) -> Option<u32> {
    match register {
        1..=4 => Some((register - 1) * 4),
        8..=23 => Some(register - 8),
        _ => None,
    }
}

fn slots_of(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(4)).unwrap_or(u32::MAX).max(1)
}

impl Registers {
    /// Puts a symbol of `bytes` bytes into a register. What it overwrites, even in part, is gone.
    pub(super) fn store(&mut self, register: u32, bytes: usize, symbol: Symbol) -> Option<()> {
        let first = slot(register)?;
        let end = first.saturating_add(slots_of(bytes));
        self.held.retain(|held| held.slot >= end || held.end() <= first);
        let held = Held {
            slot: first,
            length: end - first,
            symbol,
        };
        self.held.insert(self.place(first), held);
        Some(())
    }

    /// Where a symbol stands or would stand that begins in this slot.
    fn place(&self, slot: u32) -> usize {
        self.held.partition_point(|held| held.slot < slot)
    }

    fn begins_in(&self, slot: u32) -> Option<&Held> {
        self.held.get(self.place(slot)).filter(|held| held.slot == slot)
    }

    fn begins_in_mut(&mut self, register: u32) -> Option<&mut Held> {
        let slot = slot(register)?;
        let place = self.place(slot);
        self.held.get_mut(place).filter(|held| held.slot == slot)
    }

    /// The symbol that covers a register which is not its first, and the first register of that symbol.
    pub(super) fn around(&self, register: u32) -> Option<(u32, &Symbol)> {
        let slot = slot(register)?;
        let before = self.place(slot).checked_sub(1)?;
        let held = self.held.get(before).filter(|held| held.end() > slot)?;
        Some((held.slot, &held.symbol))
    }

    /// The symbol that begins in a register.
    pub(super) fn load(&self, register: u32) -> Option<&Symbol> {
        self.begins_in(slot(register)?).map(|held| &held.symbol)
    }

    /// As [`Self::load`], but out of the register, where nothing is until [`Self::give_back`].
    pub(super) fn lend(&mut self, register: u32) -> Option<Symbol> {
        let nothing = Symbol::Constant(Vec::new());
        self.begins_in_mut(register)
            .map(|held| std::mem::replace(&mut held.symbol, nothing))
    }

    /// Puts back what was lent.
    pub(super) fn give_back(&mut self, register: u32, symbol: Symbol) {
        if let Some(held) = self.begins_in_mut(register) {
            held.symbol = symbol;
        }
    }

    /// The symbols in the registers from `register` on that together make up `bytes` bytes.
    pub(super) fn concatenation(&self, register: u32, bytes: usize) -> Option<Vec<&Symbol>> {
        let mut at = slot(register)?;
        let end = at.checked_add(slots_of(bytes))?;
        let mut out = Vec::new();
        while at < end {
            let held = self.begins_in(at)?;
            out.push(&held.symbol);
            at = at.checked_add(held.length)?;
        }
        (at == end).then_some(out)
    }

    /// The symbols that touch the registers from `register` on for `bytes` bytes, by slot.
    pub(super) fn within(&self, register: u32, bytes: usize) -> Vec<(u32, Symbol)> {
        let Some(first) = slot(register) else {
            return Vec::new();
        };
        let end = first.saturating_add(slots_of(bytes));
        let touching = self
            .held
            .iter()
            .filter(|held| held.slot < end && held.end() > first);
        touching.map(|held| (held.slot, held.symbol.clone())).collect()
    }

    /// Empties all registers and returns what they held, by slot.
    pub(super) fn take(&mut self) -> Vec<(u32, Symbol)> {
        std::mem::take(&mut self.held)
            .into_iter()
            .map(|held| (held.slot, held.symbol))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn constant(byte: u8) -> Symbol {
        Symbol::Constant(vec![byte])
    }

    #[test]
    fn old_and_new_numbers_mean_the_same_registers() {
        let mut registers = Registers::default();
        registers.store(2, 4, constant(1)).unwrap();
        assert_eq!(registers.load(12), Some(&constant(1)));
        assert_eq!(
            registers.store(0, 4, constant(1)),
            None,
            "the verdict register holds no data"
        );
    }

    #[test]
    fn writing_over_a_part_loses_the_whole() {
        let mut registers = Registers::default();
        registers.store(1, 16, constant(1)).unwrap();
        registers.store(10, 4, constant(2)).unwrap();
        assert_eq!(registers.load(1), None);
        assert_eq!(registers.concatenation(1, 16), None);
    }

    #[test]
    fn a_concatenation_has_no_gaps() {
        let mut registers = Registers::default();
        registers.store(1, 4, constant(1)).unwrap();
        registers.store(9, 2, constant(2)).unwrap();
        assert_eq!(
            registers.concatenation(1, 8),
            Some(vec![&constant(1), &constant(2)])
        );
        assert_eq!(registers.concatenation(1, 12), None);
    }
}
