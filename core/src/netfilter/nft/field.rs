//! What a load reads: the field's name and type, by place in a header or by key.
//!
//! The tables are read both ways: from what the kernel says to the field's name, and by [`named`] back.

use super::typed::Type;

mod header;
mod key;
mod option;

pub(crate) use header::{Context, checksum, learn};
pub(crate) use key::{ct, fib, meta, osf, route, socket, tunnel, xfrm};
pub(crate) use option::{option, option_name, presence};

/// A field that was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Loaded {
    /// Its name in the model.
    pub(crate) name: String,
    /// How its bytes read.
    pub(crate) ty: Type,
    /// Its whole length in bytes; a load may cover only its beginning.
    pub(crate) width: usize,
    /// Where it was read from, if it is a part of the packet.
    pub(crate) place: Option<Place>,
    /// Whether its bytes were put into the other order after they were loaded.
    pub(crate) swapped: bool,
    /// For a part that a mask left of what was loaded: where that begins, and the mask.
    pub(crate) cut: Option<(Place, Vec<u8>)>,
}

impl Loaded {
    /// A field that is no part of the packet.
    pub(crate) fn key(name: impl Into<String>, ty: Type, width: usize) -> Self {
        Self {
            name: name.into(),
            ty,
            width,
            place: None,
            swapped: false,
            cut: None,
        }
    }

    fn placed(name: String, ty: Type, place: Place, width: usize) -> Self {
        Self {
            name,
            ty,
            width,
            place: Some(place),
            swapped: false,
            cut: None,
        }
    }
}

/// A place in the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// In what.
    pub(crate) origin: Origin,
    /// Bits from its beginning.
    pub(crate) bit: u32,
}

/// What a place is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// `enum nft_payload_bases`.
    Payload(u32),
    /// An option or extension header: `enum nft_exthdr_op` and its number there.
    Option {
        /// Which kind of option.
        op: u32,
        /// Its number.
        number: u8,
    },
}

/// Offset and length in bits, name, type.
pub(crate) type Row = (u32, u32, &'static str, Type);

/// `NFT_PAYLOAD_LL_HEADER`.
pub(crate) const LINK: u32 = 0;
/// `NFT_PAYLOAD_NETWORK_HEADER`.
pub(crate) const NETWORK: u32 = 1;
/// `NFT_PAYLOAD_TRANSPORT_HEADER`.
pub(crate) const TRANSPORT: u32 = 2;
/// `NFT_PAYLOAD_INNER_HEADER`.
const INNER: u32 = 3;
/// `NFT_PAYLOAD_TUN_HEADER`.
const TUNNEL: u32 = 4;

fn bits(length: usize) -> u32 {
    u32::try_from(length.saturating_mul(8)).unwrap_or(u32::MAX)
}

/// The field that begins at `offset` of a header. A load of `length` bytes is it or, for an address, its beginning.
pub(crate) fn payload(context: &Context, base: u32, offset: u32, length: usize) -> Loaded {
    beginning(context, base, offset, length).unwrap_or_else(|| raw_payload(base, offset, length))
}

fn beginning(context: &Context, base: u32, offset: u32, length: usize) -> Option<Loaded> {
    let start = offset.checked_mul(8)?;
    let (prefix, row) = header::rows(context, base)
        .into_iter()
        .flat_map(|(prefix, rows)| rows.iter().map(move |row| (prefix, row)))
        .find(|(_, row)| row.0 == start && row.1 % 8 == 0)?;
    let &(_, whole, name, ty) = row;
    let is_prefix = matches!(ty, Type::Ipv4 | Type::Ipv6) && bits(length) < whole;
    let place = Place {
        origin: Origin::Payload(base),
        bit: start,
    };
    let width = usize::try_from(whole / 8).ok()?;
    (whole == bits(length) || is_prefix)
        .then(|| Loaded::placed([prefix, ".", name].concat(), ty, place, width))
}

/// A load that covers several fields end to end, as `nft` makes of neighbouring matches.
pub(crate) fn split(context: &Context, base: u32, offset: u32, length: usize) -> Option<Vec<Loaded>> {
    let mut at = offset;
    let mut left = length;
    let mut out = Vec::new();
    while left > 0 {
        let start = at.checked_mul(8)?;
        let width = header::rows(context, base)
            .into_iter()
            .flat_map(|(_, rows)| rows)
            .find(|row| row.0 == start && row.1 % 8 == 0)?
            .1;
        let width = usize::try_from(width / 8).ok()?;
        out.push(beginning(context, base, at, width)?);
        at = at.checked_add(u32::try_from(width).ok()?)?;
        left = left.checked_sub(width)?;
    }
    (out.len() > 1).then_some(out)
}

/// The field of `length` bits at a place, where one is named there.
pub(crate) fn part(context: &Context, place: Place, length: u32) -> Option<(String, Type)> {
    let tables = match place.origin {
        Origin::Payload(base) => header::rows(context, base)
            .into_iter()
            .map(|(prefix, rows)| (prefix.to_owned(), rows))
            .collect(),
        Origin::Option { op, number } => option::rows(op, number),
    };
    for (prefix, rows) in tables {
        let row = rows.iter().find(|row| (row.0, row.1) == (place.bit, length));
        if let Some((_, _, name, ty)) = row {
            return Some((format!("{prefix}.{name}"), *ty));
        }
    }
    None
}

/// `@base,offset,length` in bits, as `nft` writes what it has no name for.
pub(crate) fn raw(place: Place, length: u32) -> Option<String> {
    let bit = place.bit;
    match place.origin {
        Origin::Payload(base) => {
            let base = match base {
                LINK => "ll",
                NETWORK => "nh",
                TRANSPORT => "th",
                INNER => "ih",
                TUNNEL => "tun",
                _ => "unknown",
            };
            Some(format!("@{base},{bit},{length}"))
        }
        Origin::Option { op, number } => option::raw(op, number, bit, length),
    }
}

/// Some bytes of a header, by their place alone.
pub(crate) fn raw_payload(base: u32, offset: u32, length: usize) -> Loaded {
    let place = Place {
        origin: Origin::Payload(base),
        bit: offset.saturating_mul(8),
    };
    let name = raw(place, bits(length)).unwrap_or_default();
    Loaded::placed(name, Type::Network, place, length)
}

/// The type and the length in bits of a field by its name in the model, whatever has it; `None` for a name of no table.
pub(crate) fn named(name: &str) -> Option<(Type, u32)> {
    if let Some(place) = name.strip_prefix('@') {
        let length = place.rsplit(',').next()?.parse().ok()?;
        return Some((Type::Network, length));
    }
    let (prefix, field) = name.rsplit_once('.')?;
    let in_header = header::ALL
        .iter()
        .filter(|(header, _)| *header == prefix)
        .find_map(|(_, rows)| rows.iter().find(|row| row.2 == field));
    if let Some((_, length, _, ty)) = in_header {
        return Some((*ty, *length));
    }
    option::named(prefix, field).or_else(|| key::named(name))
}

#[cfg(test)]
mod tests;
