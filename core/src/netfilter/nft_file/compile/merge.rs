//! Fields that lie side by side and must each have a value are compared in one load.
//!
//! `nft` does so between statements that do more than match (`stmt_reduce`, nftables `src/rule.c`); where fewer than two fields
//! came before such a statement, it goes on over it. The order of the fields is then that of their places in the packet.

use super::super::attributes::Attributes;
use super::emit::{expression, register};

/// A field of a packet that must have a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Equal {
    pub(super) base: u32,
    pub(super) offset: u32,
    pub(super) value: Vec<u8>,
    /// The field says what stands behind its header.
    pub(super) protocol: bool,
}

/// A part of a rule.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    Expression(Attributes),
    Equal(Equal),
    /// Here a statement ends that does more than match.
    Barrier,
}

impl Equal {
    fn end(&self) -> u32 {
        self.offset
            .saturating_add(u32::try_from(self.value.len()).unwrap_or(u32::MAX))
    }

    /// The load and the comparison.
    pub(super) fn expressions(&self) -> [Attributes; 2] {
        let mut load = Attributes::default();
        load.be32(1, register(0));
        load.be32(2, self.base);
        load.be32(3, self.offset);
        load.be32(4, u32::try_from(self.value.len()).unwrap_or(u32::MAX));
        let mut compare = Attributes::default();
        compare.be32(1, register(0));
        compare.be32(2, 0);
        compare.data(3, &self.value);
        [expression("payload", &load), expression("cmp", &compare)]
    }

    /// The kernel reads these without a call.
    fn is_fast(&self) -> bool {
        self.base != super::super::header::LINK && matches!(self.value.len(), 1 | 2 | 4)
    }

    fn joined(&self, next: &Self) -> Option<Self> {
        let value = [self.value.as_slice(), &next.value].concat();
        let joined = Self {
            value,
            protocol: self.protocol || next.protocol,
            ..*self
        };
        let fits = self.base == next.base && self.end() == next.offset && joined.value.len() <= 16;
        let slower = self.is_fast() && next.is_fast() && !joined.is_fast();
        (fits && !slower).then_some(joined)
    }
}

/// Joins what can be joined.
pub(super) fn neighbours(pieces: &mut Vec<Piece>) {
    let mut places = Vec::new();
    let mut gone = Vec::new();
    for place in 0..=pieces.len() {
        match pieces.get(place) {
            Some(Piece::Equal(_)) => places.push(place),
            Some(Piece::Expression(_)) => {}
            Some(Piece::Barrier) if places.len() < 2 => {}
            Some(Piece::Barrier) | None => gone.extend(join(pieces, std::mem::take(&mut places))),
        }
    }
    gone.sort_unstable();
    for place in gone.into_iter().rev() {
        pieces.remove(place);
    }
}

/// The places that are no more needed.
fn join(pieces: &mut [Piece], places: Vec<usize>) -> Vec<usize> {
    let mut fields: Vec<(Equal, usize)> = places
        .into_iter()
        .filter_map(|place| match pieces.get(place) {
            Some(Piece::Equal(equal)) => Some((equal.clone(), place)),
            _ => None,
        })
        .collect();
    fields.sort_by_key(|(equal, place)| (equal.base, equal.offset, *place));
    let mut gone = Vec::new();
    let mut fields = fields.into_iter();
    let Some(mut last) = fields.next() else {
        return gone;
    };
    for next in fields {
        let Some(joined) = last.0.joined(&next.0) else {
            last = next;
            continue;
        };
        // A field that says what follows stays where it is.
        let (stays, goes) = if next.0.protocol {
            (next.1, last.1)
        } else {
            (last.1, next.1)
        };
        gone.push(goes);
        if let Some(piece) = pieces.get_mut(stays) {
            *piece = Piece::Equal(joined.clone());
        }
        last = (joined, stays);
    }
    gone
}
