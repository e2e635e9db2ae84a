//! Expressions that the kernel lists otherwise than it takes them.
//!
//! `dynset` is listed with the timeout nought where it has none, which is refused for a set without timeouts; and without the flag
//! (`NFT_DYNSET_F_EXPR`) that has to stand beside several expressions (`nft_dynset_dump`, `nft_dynset_init`).

use netghost_core::raw::attr::Malformed;

use super::attributes::{Attributes, Piece, be32, pieces, value};
use super::names::{ELEMENT, EXPRESSION, expression_name};

/// `enum nft_dynset_attributes`.
const TIMEOUT: u16 = 6;
const FLAGS: u16 = 9;
const EXPRESSIONS: u16 = 10;
/// `NFT_DYNSET_F_EXPR`.
const HAS_EXPRESSIONS: u32 = 2;

/// A list of expressions as it has to be sent to be listed so.
pub(super) fn as_taken(listed: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut out = Attributes::default();
    for element in pieces(listed)? {
        let parts = pieces(element.value)?;
        if expression_name(&parts) != b"dynset" {
            out.raw(element.whole);
            continue;
        }
        let mut expression = Attributes::default();
        for part in &parts {
            match part.kind == EXPRESSION.1 {
                true => expression.nest(EXPRESSION.1, &dynset(&pieces(part.value)?)),
                false => expression.raw(part.whole),
            }
        }
        out.nest(ELEMENT, &expression);
    }
    out.finish()
}

fn dynset(data: &[Piece<'_>]) -> Attributes {
    let several = value(data, EXPRESSIONS).is_some();
    let mut out = Attributes::default();
    for piece in data {
        match piece.kind {
            TIMEOUT if piece.value.iter().all(|byte| *byte == 0) => {}
            FLAGS if several => {}
            _ => out.raw(piece.whole),
        }
    }
    if several {
        out.be32(FLAGS, be32(data, FLAGS).unwrap_or(0) | HAS_EXPRESSIONS);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(data: &Attributes) -> Vec<u8> {
        let (mut out, mut expression) = (Attributes::default(), Attributes::default());
        expression.text(1, &"dynset".into());
        expression.nest(2, data);
        out.nest(ELEMENT, &expression);
        out.finish().unwrap()
    }

    #[test]
    fn a_timeout_of_nought_goes_and_a_flag_comes() {
        let (mut listed, mut sent) = (Attributes::default(), Attributes::default());
        listed.be32(3, 1);
        listed.be64(TIMEOUT, 0);
        listed.be32(FLAGS, 1);
        listed.put(EXPRESSIONS, &[]);
        sent.be32(3, 1);
        sent.put(EXPRESSIONS, &[]);
        sent.be32(FLAGS, 3);
        assert_eq!(as_taken(&list(&listed)).unwrap(), list(&sent));
        let mut timed = Attributes::default();
        timed.be64(TIMEOUT, 5000);
        timed.be32(FLAGS, 1);
        assert_eq!(as_taken(&list(&timed)).unwrap(), list(&timed));
    }
}
