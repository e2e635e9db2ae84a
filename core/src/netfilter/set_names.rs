//! Gives rules that hold an ipset by the kernel's number the words of a rule that names it, those of `iptables-save`.
//!
//! Structures of `linux/netfilter/xt_set.h`. A structure with a bit or a number that is not known stays as it is.

use super::model::{Item, Opaque, Ruleset};
use crate::bytes::{Hex, Text};
use crate::raw::SetName;
use crate::raw::lift::Fields;

/// `IPSET_INVALID_ID`: no set.
const NONE: u16 = u16::MAX;

/// Names the sets of every rule, as far as the names are known.
pub fn resolve(ruleset: &mut Ruleset, sets: &[SetName]) {
    if sets.is_empty() {
        return;
    }
    for table in &mut ruleset.tables {
        for chain in &mut table.chains {
            for rule in &mut chain.rules {
                resolve_items(&mut rule.items, sets);
            }
        }
    }
}

/// Names the sets of one rule.
pub fn resolve_items(items: &mut [Item], sets: &[SetName]) {
    for item in items {
        if let Item::Opaque(opaque) = item
            && let Some(named) = named(opaque, sets)
        {
            *opaque = named;
        }
    }
}

fn named(opaque: &Opaque, sets: &[SetName]) -> Option<Opaque> {
    if opaque.text.is_some() {
        return None;
    }
    let reader = Reader {
        fields: Fields::new(&opaque.payload.0, "struct xt_set_info"),
        sets,
    };
    let words = match (opaque.kind.as_str(), opaque.name.as_bytes(), opaque.revision?) {
        ("match", b"set", revision @ 1..=4) => reader.matched(revision)?,
        ("target", b"SET", revision @ 1..=3) => reader.target(revision)?,
        _ => return None,
    };
    Some(Opaque {
        kind: opaque.kind.clone(),
        name: opaque.name.clone(),
        revision: None,
        payload: Hex::default(),
        text: Some(Text::from(words)),
    })
}

struct Reader<'a> {
    fields: Fields<'a>,
    sets: &'a [SetName],
}

/// `struct xt_set_info`: a set and which addresses or ports of a packet are looked up in it.
struct Info {
    name: Option<Vec<u8>>,
    flags: u8,
}

// `IPSET_INV_MATCH` and `IPSET_RETURN_NOMATCH` of `enum ip_set_kopt`.
const INVERTED: u8 = 1;
const RETURN_NOMATCH: u8 = 0x80;

/// `IPSET_FLAG_*` of a match, as `iptables-save` orders them.
const MATCH_FLAGS: [(u32, &str); 3] = [
    (0x80, " --return-nomatch"),
    (0x08, " ! --update-counters"),
    (0x10, " ! --update-subcounters"),
];
/// `IPSET_FLAG_MATCH_COUNTERS`: said by the counters.
const COUNTERS: u32 = 0x20;
/// `IPSET_FLAG_EXIST`.
const EXIST: u32 = 1;
/// `IPSET_FLAG_MAP_*`.
const MAP_FLAGS: [(u32, &str); 3] = [
    (0x100, " --map-mark"),
    (0x200, " --map-prio"),
    (0x400, " --map-queue"),
];

impl Reader<'_> {
    /// A set's name and directions: `one src,dst`.
    fn info(&mut self) -> Option<Info> {
        let (index, dimensions, flags) = (
            self.fields.u16().ok()?,
            self.fields.u8().ok()?,
            self.fields.u8().ok()?,
        );
        if index == NONE {
            return Some(Info { name: None, flags: 0 });
        }
        let set = self.sets.iter().find(|set| set.index == index)?;
        let known = (1..=dimensions).try_fold(INVERTED | RETURN_NOMATCH, |all, place| {
            Some(all | 1u8.checked_shl(place.into())?)
        })?;
        if dimensions == 0 || dimensions > 6 || flags & !known != 0 {
            return None;
        }
        let way = |place: u8| match flags >> place & 1 {
            0 => "dst",
            _ => "src",
        };
        let ways: Vec<&str> = (1..=dimensions).map(way).collect();
        let mut name = set.name.as_bytes().to_vec();
        name.push(b' ');
        name.extend_from_slice(ways.join(",").as_bytes());
        Some(Info {
            name: Some(name),
            flags: flags & (INVERTED | RETURN_NOMATCH),
        })
    }

    fn matched(mut self, revision: u8) -> Option<Vec<u8>> {
        let set = self.info()?;
        let mut out = Vec::new();
        if set.flags & INVERTED != 0 {
            out.extend_from_slice(b"! ");
        }
        out.extend_from_slice(b"--match-set ");
        out.extend(set.name?);
        match (revision, set.flags & RETURN_NOMATCH != 0) {
            (1, true) => return None,
            (2, true) => out.extend_from_slice(b" --return-nomatch"),
            _ => {}
        }
        if revision < 3 {
            return ended(&self.fields).then_some(out);
        }
        let _padding = self.fields.u32().ok()?;
        let packets = self.counter("packets", revision)?;
        let bytes = self.counter("bytes", revision)?;
        let flags = self.fields.u32().ok()?;
        for (bit, words) in MATCH_FLAGS {
            if flags & bit != 0 {
                out.extend_from_slice(words.as_bytes());
            }
        }
        let known = MATCH_FLAGS.iter().fold(COUNTERS, |all, (bit, _)| all | bit);
        out.extend(packets);
        out.extend(bytes);
        (flags & !known == 0 && ended(&self.fields)).then_some(out)
    }

    /// `struct ip_set_counter_match0` has the comparison first, `struct ip_set_counter_match` the number.
    fn counter(&mut self, what: &str, revision: u8) -> Option<Vec<u8>> {
        let (op, value) = if revision == 3 {
            let op = self.fields.u64().ok()?.to_ne_bytes();
            (op[0], self.fields.u64().ok()?)
        } else {
            let value = self.fields.u64().ok()?;
            (self.fields.u64().ok()?.to_ne_bytes()[0], value)
        };
        let (not, word) = match op {
            0 => return Some(Vec::new()),
            1 => ("", "eq"),
            2 => ("! ", "eq"),
            3 => ("", "lt"),
            4 => ("", "gt"),
            _ => return None,
        };
        Some(format!(" {not}--{what}-{word} {value}").into_bytes())
    }

    fn target(mut self, revision: u8) -> Option<Vec<u8>> {
        let (add, del) = (self.info()?, self.info()?);
        let map = if revision == 3 { self.info()?.name } else { None };
        let (flags, timeout) = match revision {
            1 => (0, u32::MAX),
            _ => (self.fields.u32().ok()?, self.fields.u32().ok()?),
        };
        let mut out: Vec<Vec<u8>> = Vec::new();
        if let Some(name) = add.name {
            let mut words = [b"--add-set ".as_slice(), &name].concat();
            if flags & EXIST != 0 {
                words.extend_from_slice(b" --exist");
            }
            if timeout != u32::MAX {
                words.extend(format!(" --timeout {timeout}").into_bytes());
            }
            out.push(words);
        }
        out.extend(del.name.map(|name| [b"--del-set ".as_slice(), &name].concat()));
        if let Some(name) = map {
            let mut words = [b"--map-set ".as_slice(), &name].concat();
            for (_, flag) in MAP_FLAGS.iter().filter(|(bit, _)| flags & bit != 0) {
                words.extend_from_slice(flag.as_bytes());
            }
            out.push(words);
        }
        let known = MAP_FLAGS.iter().fold(EXIST, |all, (bit, _)| all | bit);
        let sound = flags & !known == 0 && (add.flags | del.flags) == 0 && ended(&self.fields);
        sound.then(|| out.join(b" ".as_slice()))
    }
}

/// Only padding is left.
fn ended(fields: &Fields<'_>) -> bool {
    fields.rest().len() < 8 && fields.rest().iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests;
