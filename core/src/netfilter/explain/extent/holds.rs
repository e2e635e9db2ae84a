//! Whether one extent holds another.

use super::{Extent, Kind};

impl Extent {
    /// Whether every value of `other` is one of these; `None` where that can't be said.
    pub(in crate::netfilter::explain) fn holds(&self, other: &Self) -> Option<bool> {
        match (self, other) {
            (Self::Ranges(one, wide), Self::Ranges(two, narrow)) => {
                (one == two).then(|| narrow.iter().all(|range| within(wide, *range)))
            }
            (
                Self::Names { names, not },
                Self::Names {
                    names: others,
                    not: or_not,
                },
            ) => Some(names_hold((names, *not), (others, *or_not))),
            (
                Self::Flags {
                    flags,
                    none,
                    exclusive,
                },
                Self::Flags {
                    flags: others,
                    none: or_none,
                    exclusive: or_exclusive,
                },
            ) => Some(flags_hold(
                (flags, *none),
                (others, *or_none),
                *exclusive && *or_exclusive,
            )),
            (
                Self::Masked { mask, value },
                Self::Masked {
                    mask: finer,
                    value: of,
                },
            ) => Some(mask & finer == *mask && of & mask == *value),
            (Self::Masked { mask, value }, Self::Ranges(Kind::Number, ranges)) => Some(
                ranges
                    .iter()
                    .all(|(low, high)| low == high && low & mask == *value),
            ),
            _ => None,
        }
    }
}

impl Extent {
    /// The value, where it is one.
    pub(in crate::netfilter::explain) fn only(&self) -> Option<u128> {
        match self {
            Self::Ranges(_, ranges) => match ranges.as_slice() {
                [(low, high)] if low == high => Some(*low),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Whether one of `ranges`, which are sorted and apart, holds the whole range.
fn within(ranges: &[(u128, u128)], (low, high): (u128, u128)) -> bool {
    let after = ranges.partition_point(|(from, _)| *from <= low);
    let holder = after.checked_sub(1).and_then(|place| ranges.get(place));
    holder.is_some_and(|(_, to)| high <= *to)
}

/// Whether `wide`, which may end in `*`, holds everything that `narrow` does.
fn name_holds(wide: &[u8], narrow: &[u8]) -> bool {
    match wide.strip_suffix(b"*") {
        Some(prefix) => narrow.strip_suffix(b"*").unwrap_or(narrow).starts_with(prefix),
        None => wide == narrow,
    }
}

/// Whether no name is in both.
fn apart(one: &[u8], other: &[u8]) -> bool {
    match (one.strip_suffix(b"*"), other.strip_suffix(b"*")) {
        (Some(one), Some(other)) => !one.starts_with(other) && !other.starts_with(one),
        _ => !name_holds(one, other) && !name_holds(other, one),
    }
}

fn names_hold((wide, not): (&[Vec<u8>], bool), (narrow, or_not): (&[Vec<u8>], bool)) -> bool {
    match (not, or_not) {
        (false, false) => narrow
            .iter()
            .all(|name| wide.iter().any(|holder| name_holds(holder, name))),
        (true, false) => narrow.iter().all(|name| wide.iter().all(|out| apart(out, name))),
        (true, true) => wide
            .iter()
            .all(|out| narrow.iter().any(|holder| name_holds(holder, out))),
        (false, true) => false,
    }
}

fn flags_hold(
    (wide, none): (&[String], bool),
    (narrow, or_none): (&[String], bool),
    exclusive: bool,
) -> bool {
    let among = |some: &[String], all: &[String]| some.iter().all(|flag| all.contains(flag));
    match (none, or_none) {
        (false, false) => among(narrow, wide),
        (true, true) => among(wide, narrow),
        (true, false) => exclusive && !narrow.iter().any(|flag| wide.contains(flag)),
        (false, true) => false,
    }
}
