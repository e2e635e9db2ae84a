//! One element of a set or map, in bytes.

use super::super::super::ast::{Element, Expr, Judgement};
use super::super::super::attributes::Attributes;
use super::super::super::datatype::Ty;
use super::super::emit::{Emitter, expression};
use super::super::shape::{Load, Shape};
use super::super::{
    Compiled, Data, Fault, Statement, act, comment_data, constant, fault, is_plain, verdict_parts,
};
use crate::netfilter::nft::consts;

/// One element in bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bytes {
    pub(super) low: Vec<u8>,
    pub(super) high: Vec<u8>,
    pub(super) rest: Vec<u8>,
    pub(super) is_plain: bool,
}

/// A type as it stands in a set: whole bytes.
fn whole(ty: Ty) -> Shape {
    Shape {
        load: Load::Meta(0),
        bytes: ty.bytes(),
        ty,
        shift: 0,
    }
}

/// One statement stands alone in `one`, several in the list `many`.
pub(in super::super) fn statement_attributes(
    out: &mut Attributes,
    (one, many): (u16, u16),
    statements: &[Attributes],
) {
    match statements {
        [] => {}
        [single] => out.nest(one, single),
        several => {
            let mut list = Attributes::default();
            for statement in several {
                list.nest(1, statement);
            }
            out.nest(many, &list);
        }
    }
}

/// Intervals that overlap or touch are one.
pub(super) fn merged(mut elements: Vec<Bytes>) -> Vec<Bytes> {
    if elements.iter().any(|element| !element.is_plain) {
        return elements;
    }
    elements.sort();
    let mut out: Vec<Bytes> = Vec::with_capacity(elements.len());
    for element in elements {
        match out.last_mut() {
            Some(last) if touches(&last.high, &element.low) => {
                if element.high > last.high {
                    last.high = element.high;
                }
            }
            _ => out.push(element),
        }
    }
    out
}

/// True if `low` is at most one above `high`.
fn touches(high: &[u8], low: &[u8]) -> bool {
    let mut next = high.to_vec();
    for byte in next.iter_mut().rev() {
        let (more, carry) = byte.overflowing_add(1);
        *byte = more;
        if !carry {
            return low <= next.as_slice();
        }
    }
    true
}

impl Emitter<'_, '_> {
    pub(super) fn is_interval(&mut self, shapes: &[Shape], key: &Expr) -> Compiled<bool> {
        match (key, shapes) {
            (Expr::CatchAll, _) => Ok(false),
            (Expr::Concat(parts), shapes) if shapes.len() > 1 => {
                let mut any = false;
                for (part, shape) in parts.iter().zip(shapes) {
                    any |= self.bounds(part, shape)?.2;
                }
                Ok(any)
            }
            (one, [shape]) => Ok(self.bounds(one, shape)?.2),
            _ => fault("an element that is not of the key's type"),
        }
    }

    pub(super) fn element(
        &mut self,
        types: &[Ty],
        data: &Data,
        interval: bool,
        timeout: Option<u64>,
        element: &Element,
    ) -> Compiled<Bytes> {
        let shapes: Vec<Shape> = types.iter().copied().map(whole).collect();
        self.element_of(&shapes, data, interval, timeout, element)
    }

    pub(super) fn element_of(
        &mut self,
        shapes: &[Shape],
        data: &Data,
        interval: bool,
        timeout: Option<u64>,
        element: &Element,
    ) -> Compiled<Bytes> {
        let mut rest = Attributes::default();
        let (low, high) = if element.key == Expr::CatchAll {
            rest.be32(3, consts::ELEMENT_CATCHALL);
            (Vec::new(), Vec::new())
        } else {
            self.key_bytes(shapes, interval, &element.key)?
        };
        match (&element.data, data) {
            (None, Data::None) => {}
            (Some(value), Data::Verdict) => self.verdict_data(&mut rest, value)?,
            (Some(value), Data::Value(types)) => rest.data(2, &self.value_bytes(types, value)?),
            (Some(value), Data::Object(_)) => rest.text(9, constant::word(value)?),
            (Some(_), Data::None) => return fault("an element of a set with a value"),
            (None, _) => return fault("an element of a map without a value"),
        }
        if let Some(own) = element.timeout_ms.filter(|own| Some(*own) != timeout) {
            rest.be64(4, own);
        }
        if let Some(comment) = &element.comment {
            let data = comment_data(0, comment).ok_or_else(|| Fault("a comment is too long".to_owned()))?;
            rest.put(6, &data);
        }
        let statements = self.element_statements(&element.statements)?;
        statement_attributes(&mut rest, (7, 11), &statements);
        Ok(Bytes {
            low,
            high,
            rest: rest.bytes().to_vec(),
            is_plain: is_plain(element),
        })
    }

    fn key_bytes(&mut self, shapes: &[Shape], interval: bool, key: &Expr) -> Compiled<(Vec<u8>, Vec<u8>)> {
        let parts = match (key, shapes) {
            (one, [shape]) => {
                let (mut low, mut high, _) = self.bounds(one, shape)?;
                if interval && shape.is_number_of_host() {
                    low.reverse();
                    high.reverse();
                }
                if low > high {
                    return fault("a range from the greater to the less");
                }
                return Ok((low, high));
            }
            (Expr::Concat(parts), shapes) if parts.len() == shapes.len() => parts,
            _ => return fault("an element that is not of the key's type"),
        };
        let (mut low, mut high) = (Vec::new(), Vec::new());
        for (part, shape) in parts.iter().zip(shapes) {
            let (mut from, mut to, _) = self.bounds(part, shape)?;
            if interval && shape.is_number_of_host() {
                from.reverse();
                to.reverse();
            }
            low.extend(from);
            low.resize(low.len().next_multiple_of(4), 0);
            high.extend(to);
            high.resize(high.len().next_multiple_of(4), 0);
        }
        Ok((low, high))
    }

    fn verdict_data(&mut self, out: &mut Attributes, value: &Expr) -> Compiled {
        let Expr::Verdict(judgement) = value else {
            return fault("a value that is no verdict");
        };
        let data = self.judgement(judgement);
        out.nest(2, &data);
        Ok(())
    }

    /// `NFTA_DATA_VERDICT`.
    pub(in super::super) fn judgement(&mut self, judgement: &Judgement) -> Attributes {
        let (code, target) = verdict_parts(judgement);
        let mut verdict = Attributes::default();
        verdict.be32(1, code.cast_unsigned());
        if let Some(target) = target {
            let chain = self.side.target(self.path, self.names, target);
            verdict.text(2, &chain);
        }
        let mut data = Attributes::default();
        data.nest(2, &verdict);
        data
    }

    /// A map's value; an interval is its two ends.
    fn value_bytes(&mut self, types: &[Ty], value: &Expr) -> Compiled<Vec<u8>> {
        let shapes: Vec<Shape> = types.iter().copied().map(whole).collect();
        match (shapes.as_slice(), value) {
            ([shape], one) => {
                let (low, high, interval) = self.bounds(one, shape)?;
                Ok(if interval { [low, high].concat() } else { low })
            }
            (several, Expr::Concat(parts)) if parts.len() == several.len() => {
                Ok(self.key_bytes(several, false, value)?.0)
            }
            _ => fault("a value that is not of the map's type"),
        }
    }

    /// Statements that an element carries, each whole.
    pub(in super::super) fn element_statements(
        &mut self,
        statements: &[Statement],
    ) -> Compiled<Vec<Attributes>> {
        statements
            .iter()
            .map(|statement| {
                let (name, data) = act::stateful(statement)?;
                Ok(expression(name, &data))
            })
            .collect()
    }
}
