//! Expressions that the kernel lists otherwise than it takes them.
//!
//! `dynset` is listed with the timeout nought where it has none, which is refused for a set without timeouts, and without the flag
//! (`NFT_DYNSET_F_EXPR`) that has to stand beside several expressions (`nft_dynset_dump`, `nft_dynset_init`). `exthdr` is listed
//! with flags where it writes an option, and with a place where it takes one out; `osf` with flags where it has none.

use netghost_core::raw::attr::Malformed;

use super::attributes::{Attributes, Piece, be32, pieces, value};
use super::names::{ELEMENT, EXPRESSION, expression_name};

/// An attribute that is listed and not taken.
struct Surplus {
    expression: &'static [u8],
    attribute: u16,
    when: When,
}

/// When that is so.
enum When {
    /// Its value is nought.
    Nought,
    /// There is no such attribute.
    Without(u16),
}

/// `NFTA_EXTHDR_DREG`: only what loads an option has it.
const LOADS: u16 = 1;
/// `NFTA_EXTHDR_SREG`: only what writes an option has it.
const WRITES: u16 = 7;

/// `enum nft_dynset_attributes`, `nft_exthdr_attributes`, `nft_osf_attributes`. An `exthdr` that writes has offset and length; one that
/// neither loads nor writes takes the option out, and has neither.
const SURPLUS: [Surplus; 3] = [
    Surplus {
        expression: b"dynset",
        attribute: 6,
        when: When::Nought,
    },
    Surplus {
        expression: b"exthdr",
        attribute: 5,
        when: When::Without(LOADS),
    },
    Surplus {
        expression: b"osf",
        attribute: 3,
        when: When::Nought,
    },
];

/// `NFTA_EXTHDR_OFFSET` and `NFTA_EXTHDR_LEN`.
const PLACE: [u16; 2] = [3, 4];
/// `NFTA_DYNSET_FLAGS` and `NFTA_DYNSET_EXPRESSIONS`.
const FLAGS: u16 = 9;
const EXPRESSIONS: u16 = 10;
/// `NFT_DYNSET_F_EXPR`.
const HAS_EXPRESSIONS: u32 = 2;

/// A list of expressions as it has to be sent to be listed so.
pub(super) fn as_taken(listed: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut out = Attributes::default();
    for element in pieces(listed)? {
        let parts = pieces(element.value)?;
        let name = expression_name(&parts);
        if !SURPLUS.iter().any(|surplus| surplus.expression == name) {
            out.raw(element.whole);
            continue;
        }
        let mut expression = Attributes::default();
        for part in &parts {
            match part.kind == EXPRESSION.1 {
                true => expression.nest(EXPRESSION.1, &data(name, &pieces(part.value)?)),
                false => expression.raw(part.whole),
            }
        }
        out.nest(ELEMENT, &expression);
    }
    out.finish()
}

fn data(name: &[u8], listed: &[Piece<'_>]) -> Attributes {
    let several = name == b"dynset" && value(listed, EXPRESSIONS).is_some();
    let mut out = Attributes::default();
    for piece in listed {
        let flags = several && piece.kind == FLAGS;
        if !flags && !is_surplus(name, listed, piece) {
            out.raw(piece.whole);
        }
    }
    if several {
        out.be32(FLAGS, be32(listed, FLAGS).unwrap_or(0) | HAS_EXPRESSIONS);
    }
    out
}

fn is_surplus(name: &[u8], listed: &[Piece<'_>], piece: &Piece<'_>) -> bool {
    let without = |kind| value(listed, kind).is_none();
    let nowhere = name == b"exthdr" && without(LOADS) && without(WRITES);
    let mut of_it = SURPLUS
        .iter()
        .filter(|surplus| surplus.expression == name && surplus.attribute == piece.kind);
    let listed_only = of_it.any(|surplus| match surplus.when {
        When::Nought => piece.value.iter().all(|byte| *byte == 0),
        When::Without(kind) => without(kind),
    });
    listed_only || (nowhere && PLACE.contains(&piece.kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(name: &str, data: &Attributes) -> Vec<u8> {
        let (mut out, mut expression) = (Attributes::default(), Attributes::default());
        expression.text(1, &name.into());
        expression.nest(2, data);
        out.nest(ELEMENT, &expression);
        out.finish().unwrap()
    }

    /// Attributes of four bytes by their numbers.
    type Numbers = &'static [(u16, u32)];

    fn with(values: Numbers) -> Attributes {
        let mut out = Attributes::default();
        values.iter().for_each(|(kind, value)| out.be32(*kind, *value));
        out
    }

    #[test]
    fn what_is_listed_only_is_not_sent() {
        let all: [(&str, Numbers, Numbers); 8] = [
            ("dynset", &[(3, 1), (6, 0), (9, 1)], &[(3, 1), (9, 1)]),
            ("dynset", &[(3, 1), (6, 7), (9, 0)], &[(3, 1), (6, 7), (9, 0)]),
            ("dynset", &[(9, 1), (10, 0)], &[(10, 0), (9, 3)]),
            (
                "exthdr",
                &[(1, 1), (3, 2), (4, 4), (5, 0)],
                &[(1, 1), (3, 2), (4, 4), (5, 0)],
            ),
            (
                "exthdr",
                &[(3, 2), (4, 4), (5, 0), (7, 1)],
                &[(3, 2), (4, 4), (7, 1)],
            ),
            (
                "exthdr",
                &[(2, 8), (3, 0), (4, 0), (5, 0), (6, 1)],
                &[(2, 8), (6, 1)],
            ),
            ("osf", &[(1, 1), (3, 0)], &[(1, 1)]),
            ("osf", &[(1, 1), (3, 1)], &[(1, 1), (3, 1)]),
        ];
        for (name, listed, sent) in all {
            let sent = list(name, &with(sent));
            assert_eq!(
                as_taken(&list(name, &with(listed))).unwrap(),
                sent,
                "{name} {listed:?}"
            );
        }
    }
}
