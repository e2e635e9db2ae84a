//! Matches on what is known beyond the packet.

use super::{Struct, build, flag, part};
use crate::bytes::Big;
use crate::netfilter::model::{Family, Item, Match, Op, Value};
use crate::netfilter::xt::forms::{self, eq, equals};
use crate::netfilter::xt::modules::policy;
use crate::netfilter::xt::modules::rate::{self, HASH_MODES};
use crate::netfilter::xt::modules::state::{self, CONNBYTES_DIRECTIONS, CONNBYTES_MODES};
use crate::netfilter::xt::modules::words::network;

/// A word by its place in a list.
fn word(words: &[(&str, &str)], place: u8) -> Option<Value> {
    let (word, _) = words.get(usize::from(place))?;
    Some(Value::Symbol((*word).to_owned()))
}

fn end(is_destination: bool) -> Match {
    let word = if is_destination { "daddr" } else { "saddr" };
    part("end", Op::Eq, Value::Symbol(word.to_owned()))
}

/// The flags of `-m socket` and `-m rpfilter`, in the order of their bits.
fn flags(module: &str, known: &[&str], bits: u8) -> Option<Vec<Item>> {
    let all = 1u32
        .checked_shl(u32::try_from(known.len()).ok()?)?
        .checked_sub(1)?;
    if u32::from(bits) & !all != 0 {
        return None;
    }
    let set = known
        .iter()
        .enumerate()
        .filter(|(place, _)| bits >> place & 1 != 0);
    build(Family::Ip, module, set.map(|(_, field)| flag(field)).collect())
}

/// `struct xt_socket_mtinfo1` to `3` (`linux/netfilter/xt_socket.h`); revision 0 has no structure at all.
pub(super) fn socket(revision: u8, payload: &[u8]) -> Option<Vec<Item>> {
    const KNOWN: [&str; 3] = ["transparent", "nowildcard", "restore-skmark"];
    if revision == 0 {
        return payload.is_empty().then(|| flags("socket", &[], 0))?;
    }
    let bits = Struct::new(payload, 1)?.u8(0)?;
    flags("socket", KNOWN.get(..usize::from(revision))?, bits)
}

/// `struct xt_rpfilter_info` (`linux/netfilter/xt_rpfilter.h`).
pub(super) fn rpfilter(payload: &[u8]) -> Option<Vec<Item>> {
    let bits = Struct::new(payload, 1)?.u8(0)?;
    flags(
        "rpfilter",
        &["loose", "validmark", "accept-local", "invert"],
        bits,
    )
}

/// `struct xt_connlabel_mtinfo` (`linux/netfilter/xt_connlabel.h`).
pub(super) fn connlabel(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 4)?;
    let (bit, options) = (info.u16(0)?, info.u16(2)?);
    if bit > 127 || options & !3 != 0 {
        return None;
    }
    let mut parts = vec![part("bit", eq(options & 1 != 0), Value::Number(bit.into()))];
    parts.extend((options & 2 != 0).then(|| flag("set")));
    build(Family::Ip, "connlabel", parts)
}

/// `struct xt_connlimit_info` (`linux/netfilter/xt_connlimit.h`); revision 0 knows the source only.
pub(super) fn connlimit(family: Family, revision: u8, payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 32)?;
    let flags = info.u32(20)?;
    if flags & !(if revision == 0 { 1 } else { 3 }) != 0 {
        return None;
    }
    let mask = forms::leading_ones(info.address(family, 0)?)?;
    let op = if flags & 1 != 0 { Op::Le } else { Op::Gt };
    let parts = vec![
        part("count", op, Value::Number(info.u32(16)?)),
        part("mask", Op::Eq, Value::Number(mask.into())),
        end(flags & 2 != 0),
    ];
    build(family, "connlimit", parts)
}

/// `struct xt_connbytes_info` (`linux/netfilter/xt_connbytes.h`): a range whose ends are the other way round is inverted.
pub(super) fn connbytes(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 24)?;
    let (from, to) = (info.u64(0)?, info.u64(8)?);
    let range = state::count(from.min(to), from.max(to));
    let parts = vec![
        part("count", eq(from > to), range),
        part("mode", Op::Eq, word(&CONNBYTES_MODES, info.u8(16)?)?),
        part("direction", Op::Eq, word(&CONNBYTES_DIRECTIONS, info.u8(17)?)?),
    ];
    build(Family::Ip, "connbytes", parts)
}

/// `struct xt_recent_mtinfo` and `_v1` (`linux/netfilter/xt_recent.h`).
pub(super) fn recent(family: Family, revision: u8, payload: &[u8]) -> Option<Vec<Item>> {
    const ACTIONS: [(u8, &str); 4] = [(1, "rcheck"), (2, "set"), (4, "update"), (8, "remove")];
    const TTL: u8 = 0x10;
    const REAP: u8 = 0x20;
    let info = Struct::new(payload, if revision == 0 { 212 } else { 228 })?;
    let (asked, inverted) = (info.u8(8)?, info.flag8(9)?);
    if asked & 0xc0 != 0 {
        return None;
    }
    let (_, action) = ACTIONS.iter().find(|(bit, _)| *bit == asked & 0x0f)?;
    let mut parts = vec![
        part("action", eq(inverted), Value::Symbol((*action).to_owned())),
        part("seconds", Op::Eq, Value::Number(info.u32(0)?)),
        part("hitcount", Op::Eq, Value::Number(info.u32(4)?)),
        part("name", Op::Eq, Value::Text(info.text::<200>(10)?)),
        end(info.flag8(210)?),
    ];
    for (bit, field) in [(REAP, "reap"), (TTL, "rttl")] {
        parts.extend((asked & bit != 0).then(|| flag(field)));
    }
    if revision != 0 {
        parts.push(part("mask", Op::Eq, Value::Address(info.address(family, 212)?)));
    }
    build(family, "recent", parts)
}

/// One revision of `struct xt_hashlimit_mtinfo1` to `3` (`linux/netfilter/xt_hashlimit.h`).
struct HashLimit<'a> {
    info: Struct<'a>,
    revision: u8,
    /// Where the mode lies.
    mode: usize,
    /// Where the fields of the table begin: size, most entries, interval of collection, expiry.
    table: usize,
    /// Where the two lengths of networks lie.
    masks: usize,
}

/// What a rate counts and how it is compared.
const ABOVE: u32 = 0x10;
const BYTES: u32 = 0x20;
const RATE_MATCH: u32 = 0x40;

pub(super) fn hashlimit(family: Family, revision: u8, payload: &[u8]) -> Option<Vec<Item>> {
    let (size, mode, table, masks) = match revision {
        1 => (56, 16, 28, 44),
        2 => (304, 272, 276, 292),
        _ => (312, 272, 276, 296),
    };
    let layout = HashLimit {
        info: Struct::new(payload, size)?,
        revision,
        mode,
        table,
        masks,
    };
    build(family, "hashlimit", layout.parts()?)
}

impl HashLimit<'_> {
    fn parts(&self) -> Option<Vec<Match>> {
        let mode = self.info.u32(self.mode)?;
        let known = match self.revision {
            1 => 0x1f,
            2 => 0x3f,
            _ => 0x7f,
        };
        if mode & !known != 0 {
            return None;
        }
        let op = if mode & ABOVE != 0 { Op::Gt } else { Op::Le };
        let (rate, burst) = self.rate(mode & BYTES != 0)?;
        // No tool compares with another rate than one per second.
        if mode & RATE_MATCH != 0 && !rate::is_per_second(&rate) {
            return None;
        }
        let mut parts = vec![part("rate", op, rate)];
        parts.extend(burst.map(|burst| part("burst", Op::Eq, burst)));
        parts.extend(told_apart(mode));
        parts.push(part("name", Op::Eq, Value::Text(self.name()?)));
        if mode & RATE_MATCH != 0 {
            parts.push(flag("rate-match"));
            parts.push(part("rate-interval", Op::Eq, Value::Number(self.info.u32(292)?)));
        }
        self.table(&mut parts)?;
        Some(parts)
    }

    fn name(&self) -> Option<crate::bytes::Text> {
        if self.revision == 1 {
            self.info.text::<16>(0)
        } else {
            self.info.text::<255>(0)
        }
    }

    /// The rate, and how far a burst goes.
    fn rate(&self, bytes: bool) -> Option<(Value, Option<Value>)> {
        let (average, burst, scale) = if self.revision == 1 {
            (self.info.u32(20)?.into(), self.info.u32(24)?.into(), 10_000)
        } else {
            (self.info.u64(256)?, self.info.u64(264)?, 1_000_000)
        };
        if !bytes {
            return Some((rate::packets(average, scale)?, Some(Value::Wide(Big(burst)))));
        }
        let rate = rate::bytes_of_cost(average)?;
        let burst = match burst {
            0 => None,
            times => Some(rate::bytes_burst(&rate, times)?),
        };
        Some((rate, burst))
    }

    fn table(&self, parts: &mut Vec<Match>) -> Option<()> {
        let fields = ["htable-size", "htable-max", "htable-gcinterval", "htable-expire"];
        for (place, field) in fields.into_iter().enumerate() {
            let number = self.info.u32(self.table + 4 * place)?;
            parts.push(part(field, Op::Eq, Value::Number(number)));
        }
        for (place, field) in ["srcmask", "dstmask"].into_iter().enumerate() {
            let length = self.info.u8(self.masks + place)?;
            parts.push(part(field, Op::Eq, Value::Number(length.into())));
        }
        Some(())
    }
}

/// By what packets are told apart.
fn told_apart(mode: u32) -> Option<Match> {
    const BITS: [u32; 4] = [4, 8, 1, 2];
    let words = HASH_MODES.iter().zip(BITS).filter(|(_, bit)| mode & bit != 0);
    let words: Vec<Value> = words
        .map(|((word, _), _)| Value::Symbol((*word).to_owned()))
        .collect();
    (!words.is_empty()).then(|| part("mode", Op::Eq, forms::set(words)))
}

/// `struct xt_policy_info` (`linux/netfilter/xt_policy.h`).
pub(super) fn policy(family: Family, payload: &[u8]) -> Option<Vec<Item>> {
    const NONE: u16 = 4;
    const STRICT: u16 = 8;
    let info = Struct::new(payload, 308)?;
    let (flags, count) = (info.u16(304)?, usize::from(info.u16(306)?));
    let direction = match flags & 3 {
        1 => "in",
        2 => "out",
        _ => return None,
    };
    if flags & !0x0f != 0 || count > policy::ELEMENTS_MAX {
        return None;
    }
    let symbol = |word: &str| Value::Symbol(word.to_owned());
    let policy = if flags & NONE != 0 { "none" } else { "ipsec" };
    let mut parts = vec![
        part("direction", Op::Eq, symbol(direction)),
        part("policy", Op::Eq, symbol(policy)),
    ];
    parts.extend((flags & STRICT != 0).then(|| flag("strict")));
    let mut elements = Vec::new();
    for place in 0..count {
        elements.push(element(family, info, 76 * place)?);
    }
    // Without strictness one element that asks nothing stands for any.
    if flags & STRICT == 0 {
        elements.retain(|element| !element.is_empty());
    }
    policy::item(parts, elements)
}

/// `struct xt_policy_elem`.
fn element(family: Family, info: Struct<'_>, at: usize) -> Option<Vec<Match>> {
    let (asked, inverted) = (info.u8(at + 74)?, info.u8(at + 75)?);
    if (asked | inverted) & !0x3f != 0 || inverted & !asked != 0 {
        return None;
    }
    let network = |place: usize| {
        let address = info.address(family, at + place)?;
        network(address, info.address(family, at + place + 16)?)
    };
    let mut parts = Vec::new();
    let mut take = |bit: u8, field: &str, value: Option<Value>| -> Option<()> {
        if asked & bit != 0 {
            parts.push(part(field, eq(inverted & bit != 0), value?));
        }
        Some(())
    };
    take(0x20, "reqid", info.u32(at + 68).map(Value::Number))?;
    take(0x10, "spi", info.u32(at + 64).map(Value::Number))?;
    take(
        4,
        "protocol",
        info.u8(at + 72).map(|number| Value::Number(number.into())),
    )?;
    take(8, "mode", word(&policy::MODES, info.u8(at + 73)?))?;
    take(2, "tunnel-destination", network(32))?;
    take(1, "tunnel-source", network(0))?;
    Some(parts)
}

/// `struct xt_ipvs_mtinfo` (`linux/netfilter/xt_ipvs.h`).
pub(super) fn ipvs(family: Family, payload: &[u8]) -> Option<Vec<Item>> {
    const DIRECTION: u8 = 0x10;
    let info = Struct::new(payload, 40)?;
    let (inverted, asked) = (info.u8(38)?, info.u8(39)?);
    if (asked | inverted) & !0x7f != 0 || inverted & !asked != 0 || asked == 0 {
        return None;
    }
    // The kernel looks at the property alone only where nothing else is asked; the tool sets it with all else and does not save it.
    let asked = if asked == 1 { 1 } else { asked & !1 };
    let method = match info.u8(35)? & 7 {
        0 => Some("MASQ"),
        2 => Some("IPIP"),
        3 => Some("GATE"),
        _ => None,
    };
    let symbol = |word: &str| Value::Symbol(word.to_owned());
    let network = network(info.address(family, 0)?, info.address(family, 16)?);
    let direction = if inverted & DIRECTION != 0 {
        "REPLY"
    } else {
        "ORIGINAL"
    };
    let fields = [
        (1, "ipvs", Some(Value::Number(1))),
        (2, "ipvs.vproto", Some(Value::Number(info.u8(34)?.into()))),
        (4, "ipvs.vaddr", network),
        (8, "ipvs.vport", Some(Value::Number(info.be16(32)?.into()))),
        (DIRECTION, "ipvs.vdir", Some(symbol(direction))),
        (0x20, "ipvs.vmethod", method.map(symbol)),
        (0x40, "ipvs.vportctl", Some(Value::Number(info.be16(36)?.into()))),
    ];
    let mut items = Vec::new();
    for (bit, field, value) in fields {
        if asked & bit != 0 {
            let inverted = inverted & bit != 0 && bit != DIRECTION;
            items.push(equals(field, inverted, value?));
        }
    }
    Some(items)
}
