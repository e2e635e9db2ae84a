//! One entry of a table: `struct ipt_entry` (`linux/netfilter_ipv4/ip_tables.h`) and `struct ip6t_entry`
//! (`linux/netfilter_ipv6/ip6_tables.h`); `struct arpt_entry` is in [`arp`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::forms::{self, equals};
use super::matches::device;
use crate::bytes::Big;
use crate::netfilter::model::{Counters, Family, Item, Value};
use crate::raw::attr::{Malformed, take_at};

mod arp;

/// Where the fields of an entry lie.
#[derive(Debug)]
struct Layout {
    devices: usize,
    protocol: usize,
    flags: usize,
    inverted: usize,
    offsets: usize,
    counters: usize,
    size: usize,
}

const LAYOUT: Layout = Layout {
    devices: 16,
    protocol: 80,
    flags: 82,
    inverted: 83,
    offsets: 88,
    counters: 96,
    size: 112,
};

const LAYOUT6: Layout = Layout {
    devices: 64,
    protocol: 128,
    flags: 131,
    inverted: 132,
    offsets: 140,
    counters: 152,
    size: 168,
};

/// `struct xt_entry_match` and `xt_entry_target` before their data: size, name, revision.
const EXTENSION_HEADER: usize = 32;

const FRAGMENT: u8 = 0x01;
const GOTO: u8 = 0x02;
const PROTOCOL6: u8 = 0x01;
const GOTO6: u8 = 0x04;

const NOT_IN: u8 = 0x01;
const NOT_OUT: u8 = 0x02;
const NOT_SOURCE: u8 = 0x08;
const NOT_DESTINATION: u8 = 0x10;
const NOT_FRAGMENT: u8 = 0x20;
const NOT_PROTOCOL: u8 = 0x40;
const KNOWN_INVERTED: u8 = NOT_IN | NOT_OUT | NOT_SOURCE | NOT_DESTINATION | NOT_FRAGMENT | NOT_PROTOCOL;

fn layout_of(family: Family) -> &'static Layout {
    match family {
        Family::Ip6 => &LAYOUT6,
        Family::Arp => &arp::LAYOUT,
        _ => &LAYOUT,
    }
}

/// Every entry is larger: this is [`LAYOUT`] and a target's header.
pub(super) const SMALLEST: usize = 112 + EXTENSION_HEADER;

/// `sizeof(struct xt_counters)`.
const COUNTERS: usize = 16;

/// True if two lists of entries are the same byte for byte but for their counters.
pub(super) fn same_but_counters(family: Family, a: &[u8], b: &[u8]) -> bool {
    let layout = layout_of(family);
    let (mut a, mut b) = (a, b);
    while !a.is_empty() {
        let Ok(next) = take_at::<2>(a, layout.offsets + 2, "entry").map(u16::from_ne_bytes) else {
            return false;
        };
        let next = usize::from(next);
        let (one, other) = (around(a, layout, next), around(b, layout, next));
        if one.is_none() || one != other {
            return false;
        }
        a = a.get(next..).unwrap_or_default();
        b = b.get(next..).unwrap_or_default();
    }
    b.is_empty()
}

/// The first entry, of `length` bytes, without its counters.
fn around<'a>(bytes: &'a [u8], layout: &Layout, length: usize) -> Option<(&'a [u8], &'a [u8])> {
    let behind = bytes.get(layout.counters + COUNTERS..length)?;
    Some((bytes.get(..layout.counters)?, behind))
}

/// What an entry says about its table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marked {
    /// Where it begins in the table.
    pub(super) begin: usize,
    /// Where the next one begins.
    pub(super) end: usize,
    /// The hooks from which a packet can come to it, as bits: the kernel's `comefrom`.
    pub(super) hooks: u32,
    /// Whether its target is `ERROR`.
    pub(super) is_error: bool,
    /// Where its standard target jumps to.
    pub(super) jump: Option<usize>,
}

impl Marked {
    /// The entry at `begin` of `table`; `None` if it does not fit there.
    pub(super) fn at(family: Family, table: &[u8], begin: usize) -> Option<Self> {
        let layout = layout_of(family);
        let rest = table.get(begin..)?;
        let [t0, t1, n0, n1, c0, c1, c2, c3] = take_at::<8>(rest, layout.offsets, "entry").ok()?;
        let next = usize::from(u16::from_ne_bytes([n0, n1]));
        let target = rest.get(usize::from(u16::from_ne_bytes([t0, t1]))..next)?;
        let name = target.get(2..EXTENSION_HEADER)?;
        let verdict = take_at(target, EXTENSION_HEADER, "verdict").map(i32::from_ne_bytes);
        let is_standard = name.first() == Some(&0);
        Some(Self {
            begin,
            end: begin.checked_add(next)?,
            hooks: u32::from_ne_bytes([c0, c1, c2, c3]),
            is_error: name.starts_with(b"ERROR\0"),
            jump: verdict
                .ok()
                .filter(|_| is_standard)
                .and_then(|to| usize::try_from(to).ok()),
        })
    }
}

/// An entry split into its parts.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    family: Family,
    layout: &'static Layout,
    bytes: &'a [u8],
    /// Where it begins in the table.
    pub(super) offset: usize,
    /// Packets and bytes that matched.
    pub(super) counters: Counters,
    /// One behind the other; [`Entry::at`] has seen that they are whole.
    matches: &'a [u8],
    /// What it does.
    pub(super) target: Extension<'a>,
}

/// A match or target.
#[derive(Debug)]
pub(super) struct Extension<'a> {
    pub(super) name: &'a [u8],
    pub(super) revision: u8,
    pub(super) payload: &'a [u8],
}

impl<'a> Extension<'a> {
    /// The extension at the beginning of `bytes`, and what follows it.
    fn split(bytes: &'a [u8], what: &'static str) -> Result<(Self, &'a [u8]), Malformed> {
        let size = usize::from(u16::from_ne_bytes(take_at(bytes, 0, what)?));
        let whole = Malformed::Length {
            length: size,
            left: bytes.len(),
        };
        let payload = bytes.get(EXTENSION_HEADER..size).ok_or(whole)?;
        let extension = Self {
            name: until_nul(bytes.get(2..31).unwrap_or_default()),
            revision: take_at::<1>(bytes, 31, what)?[0],
            payload,
        };
        Ok((extension, bytes.get(size..).unwrap_or_default()))
    }
}

impl<'a> Entry<'a> {
    /// The entry at `offset` of `table`.
    pub(super) fn at(family: Family, table: &'a [u8], offset: usize) -> Result<Self, Malformed> {
        let layout = layout_of(family);
        let rest = table.get(offset..).unwrap_or_default();
        let word = |place| take_at::<2>(rest, place, "entry").map(|b| usize::from(u16::from_ne_bytes(b)));
        let (target_at, next) = (word(layout.offsets)?, word(layout.offsets + 2)?);
        let misplaced = Malformed::Length {
            length: next,
            left: rest.len(),
        };
        let bytes = rest.get(..next).ok_or(misplaced.clone())?;
        let matches = bytes.get(layout.size..target_at).ok_or(misplaced.clone())?;
        let mut left = matches;
        while !left.is_empty() {
            left = Extension::split(left, "match")?.1;
        }
        let (target, after) = Extension::split(bytes.get(target_at..).ok_or(misplaced.clone())?, "target")?;
        if !after.is_empty() {
            return Err(misplaced);
        }
        let count = |place| take_at(rest, place, "counters").map(u64::from_ne_bytes).map(Big);
        let counters = Counters {
            packets: count(layout.counters)?,
            bytes: count(layout.counters + 8)?,
        };
        Ok(Self {
            family,
            layout,
            bytes,
            offset,
            counters,
            matches,
            target,
        })
    }

    /// The family of its table.
    pub(super) fn family(&self) -> Family {
        self.family
    }

    /// Where the next entry begins.
    pub(super) fn end(&self) -> usize {
        self.offset + self.bytes.len()
    }

    /// True for the end of a chain: nothing is asked of the packet.
    pub(super) fn is_unconditional(&self) -> bool {
        self.matches.is_empty() && matches!(self.header(), Ok(items) if items.is_empty())
    }

    /// True if a jump from here does not come back.
    pub(super) fn is_goto(&self) -> Result<bool, Malformed> {
        let bit = match self.family {
            Family::Ip6 => GOTO6,
            Family::Arp => 0,
            _ => GOTO,
        };
        Ok(self.byte(self.layout.flags)? & bit != 0)
    }

    /// Everything that is asked of a packet, in canonical order.
    pub(super) fn conditions(&self) -> Result<Vec<Item>, Malformed> {
        let mut items = self.header()?;
        let mut left = self.matches;
        while !left.is_empty() {
            let (found, after) = Extension::split(left, "match")?;
            items.extend(super::match_of(
                self.family,
                found.name,
                found.revision,
                found.payload,
            ));
            left = after;
        }
        Ok(items)
    }

    fn byte(&self, offset: usize) -> Result<u8, Malformed> {
        take_at::<1>(self.bytes, offset, "entry").map(|[byte]| byte)
    }

    fn header(&self) -> Result<Vec<Item>, Malformed> {
        if self.family == Family::Arp {
            return arp::header(self.bytes);
        }
        let inverted = self.byte(self.layout.inverted)?;
        if inverted & !KNOWN_INVERTED != 0 {
            return Err(value("invflags", inverted.into()));
        }
        let not = |bit| inverted & bit != 0;
        let [source, destination] = self.addresses(not(NOT_SOURCE), not(NOT_DESTINATION))?;
        let devices = self.layout.devices;
        let items = [
            source,
            destination,
            self.device("meta.iifname", devices, devices + 32, not(NOT_IN))?,
            self.device("meta.oifname", devices + 16, devices + 48, not(NOT_OUT))?,
            self.protocol(not(NOT_PROTOCOL))?,
            self.fragment(not(NOT_FRAGMENT))?,
        ];
        Ok(items.into_iter().flatten().collect())
    }

    fn addresses(&self, not_source: bool, not_destination: bool) -> Result<[Option<Item>; 2], Malformed> {
        let at = |place: usize| -> Result<IpAddr, Malformed> {
            Ok(if self.family == Family::Ip6 {
                Ipv6Addr::from(take_at::<16>(self.bytes, place * 16, "entry")?).into()
            } else {
                Ipv4Addr::from(take_at::<4>(self.bytes, place * 4, "entry")?).into()
            })
        };
        let [source, destination] = if self.family == Family::Ip6 {
            ["ip6.saddr", "ip6.daddr"]
        } else {
            ["ip.saddr", "ip.daddr"]
        };
        Ok([
            forms::address(source, at(0)?, at(2)?, not_source),
            forms::address(destination, at(1)?, at(3)?, not_destination),
        ])
    }

    fn device(
        &self,
        field: &str,
        name: usize,
        mask: usize,
        inverted: bool,
    ) -> Result<Option<Item>, Malformed> {
        let name = take_at(self.bytes, name, "entry")?;
        let mask = take_at(self.bytes, mask, "entry")?;
        Ok(device::named(field, &name, &mask, inverted))
    }

    /// IPv6 asks for a protocol only if a flag says so, IPv4 if it is not 0.
    fn protocol(&self, inverted: bool) -> Result<Option<Item>, Malformed> {
        let number = u16::from_ne_bytes(take_at(self.bytes, self.layout.protocol, "entry")?);
        let flagged = self.family != Family::Ip6 || self.byte(self.layout.flags)? & PROTOCOL6 != 0;
        let asked = number != 0 && flagged;
        Ok(asked.then(|| equals("meta.l4proto", inverted, Value::Number(number.into()))))
    }

    /// Also refuses flags that have no meaning.
    fn fragment(&self, inverted: bool) -> Result<Option<Item>, Malformed> {
        let flags = self.byte(self.layout.flags)?;
        if self.family == Family::Ip6 {
            let known = flags & !(PROTOCOL6 | GOTO6) == 0 && !inverted;
            return known.then_some(None).ok_or(value("flags", flags.into()));
        }
        if flags & !(FRAGMENT | GOTO) != 0 {
            return Err(value("flags", flags.into()));
        }
        Ok((flags & FRAGMENT != 0 || inverted).then(|| forms::fragment(inverted)))
    }
}

fn until_nul(name: &[u8]) -> &[u8] {
    name.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn value(what: &'static str, value: u64) -> Malformed {
    Malformed::Value { what, value }
}
