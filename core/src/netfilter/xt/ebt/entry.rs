//! One entry of a table: `struct ebt_entry` (`linux/netfilter_bridge/ebtables.h`), and the header of a chain that stands
//! among them, `struct ebt_entries`.

use super::{decode_match, decode_target, forms, opaque};
use crate::bytes::Text;
use crate::netfilter::model::{Family, Item, Op, Value};
use crate::netfilter::xt::forms::{equals, matching};
use crate::raw::attr::{Malformed, take_at};

/// `struct ebt_entries`.
const CHAIN: usize = 48;
/// `struct ebt_entry`.
const ENTRY: usize = 112;
/// `struct ebt_entry_match` and its kin before their data: name, revision, size, padding.
const EXTENSION: usize = 40;

/// The name of the target that is a verdict or a jump.
const STANDARD: &[u8] = b"standard";

const IS_ENTRY: u32 = 0x01;
const ANY_PROTOCOL: u32 = 0x02;
const IS_LENGTH: u32 = 0x04;
const SOURCE: u32 = 0x08;
const DESTINATION: u32 = 0x10;
const KNOWN: u32 = 0x1f;

const NOT_PROTOCOL: u32 = 0x01;
const NOT_IN: u32 = 0x02;
const NOT_OUT: u32 = 0x04;
const NOT_SOURCE: u32 = 0x08;
const NOT_DESTINATION: u32 = 0x10;
const NOT_BRIDGE_IN: u32 = 0x20;
const NOT_BRIDGE_OUT: u32 = 0x40;
const KNOWN_INVERTED: u32 = 0x7f;

/// The first type of a frame; below it is a length (IEEE 802.3).
const FIRST_TYPE: u32 = 0x600;
/// What stands for the rest of a name, in the structure.
const WILDCARD: u8 = 1;

/// The header of a chain.
pub(super) struct Head {
    pub(super) name: Text,
    pub(super) policy: u32,
    /// How many entries follow that are its.
    pub(super) entries: usize,
}

/// What stands at some place of a table.
pub(super) enum Part<'a> {
    Chain(Head),
    Entry(Entry<'a>),
}

/// A rule.
pub(super) struct Entry<'a> {
    bytes: &'a [u8],
    watchers: usize,
    target: usize,
}

/// A match, watcher or target.
struct Extension<'a> {
    name: Text,
    revision: u8,
    payload: &'a [u8],
}

/// What a rule leads to.
pub(super) enum Action {
    /// One of the four verdicts, or the offset of a chain.
    Standard(u32),
    Items(Vec<Item>),
}

fn word(bytes: &[u8], at: usize) -> Result<u32, Malformed> {
    take_at(bytes, at, "entry").map(u32::from_ne_bytes)
}

fn misplaced(length: usize, left: usize) -> Malformed {
    Malformed::Length { length, left }
}

/// The part at `offset` of `table`, and where the next one begins.
pub(super) fn part(table: &[u8], offset: usize) -> Result<(Part<'_>, usize), Malformed> {
    let rest = table.get(offset..).unwrap_or_default();
    let bits = word(rest, 0)?;
    if bits == 0 {
        let head = Head {
            name: Text::from_nul_padded(&take_at::<32>(rest, 4, "ebt_entries")?),
            policy: word(rest, 40)?,
            entries: word(rest, 44)? as usize,
        };
        return Ok((Part::Chain(head), offset + CHAIN));
    }
    let [watchers, target, next] = [100, 104, 108].map(|at| word(rest, at));
    let (watchers, target, next) = (watchers? as usize, target? as usize, next? as usize);
    let bytes = rest.get(..next).ok_or(misplaced(next, rest.len()))?;
    if ENTRY > watchers || watchers > target || target > next || bits & IS_ENTRY == 0 {
        return Err(misplaced(target, next));
    }
    let entry = Entry {
        bytes,
        watchers,
        target,
    };
    Ok((Part::Entry(entry), offset + next))
}

impl<'a> Extension<'a> {
    fn split(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Malformed> {
        let size = word(bytes, 32)? as usize;
        let end = EXTENSION.saturating_add(size);
        let payload = bytes.get(EXTENSION..end).ok_or(misplaced(size, bytes.len()))?;
        let extension = Self {
            name: Text::from_nul_padded(&take_at::<31>(bytes, 0, "entry")?),
            revision: take_at::<1>(bytes, 31, "entry")?[0],
            payload,
        };
        Ok((extension, bytes.get(end..).unwrap_or_default()))
    }

    fn all(mut bytes: &'a [u8]) -> Result<Vec<Self>, Malformed> {
        let mut all = Vec::new();
        while !bytes.is_empty() {
            let (one, rest) = Self::split(bytes)?;
            all.push(one);
            bytes = rest;
        }
        Ok(all)
    }
}

impl Entry<'_> {
    /// What is asked of a frame, then what watchers do, in order.
    pub(super) fn items(&self) -> Result<Vec<Item>, Malformed> {
        let mut items = self.header()?;
        for found in Extension::all(self.bytes.get(ENTRY..self.watchers).unwrap_or_default())? {
            let own = decode_match(found.name.as_bytes(), found.revision, found.payload);
            match own {
                Some(Some(decoded)) => items.extend(decoded),
                _ => items.push(opaque("match", &found.name, found.revision, found.payload)),
            }
        }
        for found in Extension::all(self.bytes.get(self.watchers..self.target).unwrap_or_default())? {
            items.extend(done("watcher", &found));
        }
        Ok(items)
    }

    /// Where it leads.
    pub(super) fn action(&self) -> Result<Action, Malformed> {
        let (target, rest) = Extension::split(self.bytes.get(self.target..).unwrap_or_default())?;
        if !rest.is_empty() {
            return Err(misplaced(rest.len(), 0));
        }
        if target.name.as_bytes() == STANDARD {
            return word(target.payload, 0).map(Action::Standard);
        }
        Ok(Action::Items(done("target", &target)))
    }

    fn header(&self) -> Result<Vec<Item>, Malformed> {
        let (bits, inverted) = (word(self.bytes, 0)?, word(self.bytes, 4)?);
        for (what, number, known) in [("bitmask", bits, KNOWN), ("invflags", inverted, KNOWN_INVERTED)] {
            if number & !known != 0 {
                let value = number.into();
                return Err(Malformed::Value { what, value });
            }
        }
        let not = |bit| inverted & bit != 0;
        let mac = |field, at: usize, bit, not_bit| -> Result<Option<Item>, Malformed> {
            let address = take_at(self.bytes, at, "entry")?;
            let mask = take_at(self.bytes, at + 6, "entry")?;
            let value = forms::masked_mac(address, mask);
            Ok((bits & bit != 0).then(|| equals(field, not(not_bit), value)))
        };
        let device = |field, at, bit| -> Result<Option<Item>, Malformed> {
            Ok(device(field, &take_at(self.bytes, at, "entry")?, not(bit)))
        };
        let items = [
            self.protocol(bits, not(NOT_PROTOCOL))?,
            mac("ether.saddr", 74, SOURCE, NOT_SOURCE)?,
            mac("ether.daddr", 86, DESTINATION, NOT_DESTINATION)?,
            device("meta.iifname", 10, NOT_IN)?,
            device("meta.ibrname", 26, NOT_BRIDGE_IN)?,
            device("meta.oifname", 42, NOT_OUT)?,
            device("meta.obrname", 58, NOT_BRIDGE_OUT)?,
        ];
        Ok(items.into_iter().flatten().collect())
    }

    fn protocol(&self, bits: u32, inverted: bool) -> Result<Option<Item>, Malformed> {
        let number = u16::from_be_bytes(take_at(self.bytes, 8, "entry")?);
        Ok(if bits & IS_LENGTH != 0 {
            let op = if inverted { Op::Ge } else { Op::Lt };
            Some(matching("ether.type", op, Value::Number(FIRST_TYPE)))
        } else if bits & ANY_PROTOCOL != 0 {
            None
        } else {
            Some(equals("ether.type", inverted, Value::Number(number.into())))
        })
    }
}

/// The name of an interface, or the beginning of one; `None` where every interface matches.
fn device(field: &str, name: &[u8; 16], inverted: bool) -> Option<Item> {
    let end = name.iter().position(|byte| matches!(*byte, 0 | WILDCARD));
    let begin = name.get(..end.unwrap_or(name.len())).unwrap_or_default();
    let is_prefix = end.and_then(|end| name.get(end)) == Some(&WILDCARD);
    let every = begin.is_empty() && (is_prefix || end == Some(0));
    if every {
        // To the kernel no name is every name, too.
        return inverted.then(|| equals(field, true, forms::interface_prefix(&[])));
    }
    let value = if is_prefix {
        forms::interface_prefix(begin)
    } else {
        forms::interface(begin)
    };
    Some(equals(field, inverted, value))
}

fn done(kind: &str, found: &Extension<'_>) -> Vec<Item> {
    let own = decode_target(found.name.as_bytes(), found.revision, found.payload);
    match own {
        Some(Some(items)) => items,
        _ => {
            let plain = super::super::targets::decode(
                Family::Bridge,
                found.name.as_bytes(),
                found.revision,
                found.payload,
            );
            // Targets of every family, such as `CLASSIFY`, serve here too.
            let plain = plain.filter(|_| own.is_none());
            plain.unwrap_or_else(|| vec![opaque(kind, &found.name, found.revision, found.payload)])
        }
    }
}
