//! What values a match lets through, where that can be said exactly.

use std::net::IpAddr;

use crate::netfilter::model::{Field, Match, Op, Set, Value};

mod holds;

/// The values of a field that a match lets through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Extent {
    /// Numbers and addresses: ranges of their value, both ends within, sorted, apart from each other.
    Ranges(Kind, Vec<(u128, u128)>),
    /// Names; `not`: all but these.
    Names {
        /// Without `*`: this name; with it: whatever begins so.
        names: Vec<Vec<u8>>,
        /// All but these.
        not: bool,
    },
    /// At least one of these flags; `none`: not one of them.
    Flags {
        /// The flags.
        flags: Vec<String>,
        /// Not one of them.
        none: bool,
        /// A packet has exactly one of the field's flags.
        exclusive: bool,
    },
    /// The bits under a mask.
    Masked {
        /// Which bits.
        mask: u128,
        /// What they are.
        value: u128,
    },
}

/// What numbers stand for; those of different kinds are never compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A number.
    Number,
    /// IPv4 addresses.
    V4,
    /// IPv6 addresses.
    V6,
    /// Hardware addresses.
    Mac,
}

/// A named set's content, where it is what the configuration says.
pub(super) type Sets<'s> = &'s dyn Fn(&crate::bytes::Text) -> Option<&'s Set>;

/// Sets with more elements than this are not compared: the answer stays open.
const MOST_ELEMENTS: usize = 4_096;

/// What `of` lets through; `None` where that can't be said.
pub(super) fn extent(of: &Match, sets: Sets<'_>) -> Option<Extent> {
    match of.op {
        Op::Any | Op::None => flags(of),
        Op::Lt | Op::Le | Op::Gt | Op::Ge => ordered(of),
        Op::Eq | Op::In => positive(&of.value, sets),
        Op::Ne | Op::NotIn => negative(&of.field, positive(&of.value, sets)?),
    }
}

fn flags(of: &Match) -> Option<Extent> {
    let Value::Flags(flags) = &of.value else {
        return None;
    };
    Some(Extent::Flags {
        flags: flags.clone(),
        none: of.op == Op::None,
        // `enum ip_conntrack_info` and the two bits beside it: a packet is in one state. Those of translation, which xtables
        // adds (`XT_CONNTRACK_STATE_SNAT`), stand beside it.
        exclusive: of.field.0 == "ct.state" && !flags.iter().any(|flag| flag == "snat" || flag == "dnat"),
    })
}

fn ordered(of: &Match) -> Option<Extent> {
    let (kind, (low, high)) = scalar(&of.value)?;
    let top = top(&of.field, kind);
    let range = match of.op {
        Op::Lt => (0, low.checked_sub(1)?),
        Op::Le => (0, high),
        Op::Gt => (high.checked_add(1)?, top),
        Op::Ge => (low, top),
        _ => return None,
    };
    (range.0 <= range.1).then(|| Extent::Ranges(kind, vec![range]))
}

/// The largest value that a field can have.
fn top(field: &Field, kind: Kind) -> u128 {
    match kind {
        Kind::V6 => u128::MAX,
        Kind::Mac => (1 << 48) - 1,
        Kind::Number if field.0.ends_with("port") => 0xffff,
        Kind::Number => u128::from(u64::MAX),
        Kind::V4 => u128::from(u32::MAX),
    }
}

fn positive(value: &Value, sets: Sets<'_>) -> Option<Extent> {
    match value {
        Value::Text(name) => Some(Extent::Names {
            names: vec![plain(name.as_bytes())?],
            not: false,
        }),
        Value::Symbol(word) => Some(Extent::Names {
            names: vec![plain(word.as_bytes())?],
            not: false,
        }),
        Value::Masked { mask, value } => {
            let ((_, (mask, _)), (_, (value, _))) = (scalar(mask)?, scalar(value)?);
            Some(Extent::Masked { mask, value })
        }
        Value::Set(values) => union(values.iter().map(|one| positive(one, sets))),
        Value::SetName(name) => {
            let set = sets(name).filter(|set| set.elements.len() <= MOST_ELEMENTS)?;
            union(set.elements.iter().map(|element| {
                let bare = element.opaque.is_empty() && element.statements.is_empty();
                let stays = element.timeout_ms.is_none();
                (bare && stays).then(|| positive(&element.key, sets)).flatten()
            }))
        }
        one => {
            let (kind, range) = scalar(one)?;
            Some(Extent::Ranges(kind, vec![range]))
        }
    }
}

/// A name that means what it says: an escaped star is left to nobody's guess.
fn plain(name: &[u8]) -> Option<Vec<u8>> {
    let wild = name.strip_suffix(b"*").unwrap_or(name);
    (!wild.contains(&b'\\') && !wild.contains(&b'*')).then(|| name.to_vec())
}

fn union(parts: impl Iterator<Item = Option<Extent>>) -> Option<Extent> {
    let mut all: Option<Extent> = None;
    for part in parts {
        let part = part?;
        all = Some(match (all, part) {
            (None, part) => part,
            (Some(Extent::Ranges(one, mut ranges)), Extent::Ranges(other, more)) if one == other => {
                ranges.extend(more);
                Extent::Ranges(one, ranges)
            }
            (
                Some(Extent::Names {
                    mut names,
                    not: false,
                }),
                Extent::Names {
                    names: more,
                    not: false,
                },
            ) => {
                names.extend(more);
                Extent::Names { names, not: false }
            }
            _ => return None,
        });
    }
    Some(match all? {
        Extent::Ranges(kind, ranges) => Extent::Ranges(kind, joined(ranges)),
        other => other,
    })
}

/// Sorted; what overlaps or touches is one.
fn joined(mut ranges: Vec<(u128, u128)>) -> Vec<(u128, u128)> {
    ranges.sort_unstable();
    let mut out: Vec<(u128, u128)> = Vec::with_capacity(ranges.len());
    for (low, high) in ranges {
        match out.last_mut() {
            Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
            _ => out.push((low, high)),
        }
    }
    out
}

fn negative(field: &Field, of: Extent) -> Option<Extent> {
    match of {
        Extent::Names { names, not } => Some(Extent::Names { names, not: !not }),
        Extent::Ranges(kind, ranges) => {
            let top = top(field, kind);
            let mut out = Vec::with_capacity(ranges.len().saturating_add(1));
            let mut next = Some(0);
            for (low, high) in ranges {
                if let Some(from) = next.filter(|from| *from < low) {
                    out.push((from, low.saturating_sub(1)));
                }
                next = high.checked_add(1);
            }
            if let Some(from) = next.filter(|from| *from <= top) {
                out.push((from, top));
            }
            Some(Extent::Ranges(kind, out))
        }
        Extent::Flags { .. } | Extent::Masked { .. } => None,
    }
}

fn number(address: IpAddr) -> (Kind, u128) {
    match address {
        IpAddr::V4(address) => (Kind::V4, u128::from(address.to_bits())),
        IpAddr::V6(address) => (Kind::V6, address.to_bits()),
    }
}

fn scalar(value: &Value) -> Option<(Kind, (u128, u128))> {
    let one = |kind, number| Some((kind, (number, number)));
    match value {
        Value::Number(number) => one(Kind::Number, u128::from(*number)),
        Value::Wide(number) => one(Kind::Number, u128::from(number.0)),
        Value::Address(address) => {
            let (kind, number) = number(*address);
            one(kind, number)
        }
        Value::Prefix { address, length } => {
            let (kind, low) = number(*address);
            let width: u32 = if kind == Kind::V4 { 32 } else { 128 };
            let rest = width.checked_sub(u32::from(*length))?;
            let span = 1u128
                .checked_shl(rest)
                .map_or(u128::MAX, |span| span.wrapping_sub(1));
            Some((kind, (low & !span, low | span)))
        }
        Value::Range { from, to } => {
            let ((kind, (low, _)), (other, (_, high))) = (scalar(from)?, scalar(to)?);
            (kind == other && low <= high).then_some((kind, (low, high)))
        }
        Value::Mac(text) => {
            let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
            let number = u128::from_str_radix(&digits, 16).ok()?;
            (digits.len() == 12).then_some((Kind::Mac, (number, number)))
        }
        _ => None,
    }
}
