//! Rules that choose the routing table, from `RTM_NEWRULE` messages (`linux/fib_rules.h`).
//!
//! Rules of one priority are asked in the order in which they were added, so each has its place among them in its key.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::routes::words;
use crate::bytes::Text;
use crate::facts::attributes::{Form, Spec, Width, apart, decode, set, word};
use crate::facts::{Fact, Facts, Lifted, Property, Value};
use crate::raw::HostRaw;
use crate::raw::attr::{Attr, Malformed, attrs};
use crate::raw::lift::{Fault, Fields, LiftError, whole};

/// The parts that hold the messages, with the family that each was asked for and its word.
pub const SOURCES: [(&str, u8, &str); 4] = [
    ("ipv4 rules", 2, "ipv4"),
    ("ipv6 rules", 10, "ipv6"),
    // `RTNL_FAMILY_IPMR` and `RTNL_FAMILY_IP6MR`.
    ("ipv4 multicast rules", 128, "ipv4-multicast"),
    ("ipv6 multicast rules", 129, "ipv6-multicast"),
];

/// `RTM_NEWRULE`.
const NEW_RULE: u16 = 32;

// FRA_*.
const DST: u16 = 1;
const SRC: u16 = 2;
const GOTO: u16 = 4;
const PRIORITY: u16 = 6;
const FWMARK: u16 = 10;
const TABLE: u16 = 15;
const FWMASK: u16 = 16;

/// `FRA_*` whose payload says all. The kernel tells some that are not set, with the value that stands for that.
const ATTRIBUTES: &[Spec] = &[
    apart(DST),
    apart(SRC),
    apart(GOTO),
    apart(PRIORITY),
    apart(FWMARK),
    apart(TABLE),
    apart(FWMASK),
    // FRA_PAD.
    apart(18),
    set(3, "iif", Form::Text),
    set(17, "oif", Form::Text),
    set(20, "uidrange", Form::Other(uid_range)),
    set(22, "ipproto", Form::Word(Width::One, PROTOCOLS)),
    set(23, "sport", Form::Other(port_range)),
    set(28, "sport_mask", Form::Mask(Width::Two)).unless(0xffff),
    set(24, "dport", Form::Other(port_range)),
    set(29, "dport_mask", Form::Mask(Width::Two)).unless(0xffff),
    set(25, "dscp", Form::U8),
    set(30, "dscp_mask", Form::Mask(Width::One)).unless(0x3f),
    set(26, "flowlabel", Form::Be32),
    set(27, "flowlabel_mask", Form::Be32),
    set(12, "tun_id", Form::Be64),
    set(19, "l3mdev", Form::Switch),
    set(14, "suppress_prefixlength", Form::U32).unless(0xffff_ffff),
    set(13, "suppress_ifgroup", Form::U32).unless(0xffff_ffff),
    set(11, "realms", Form::Other(realms)),
    set(21, "proto", Form::Other(protocol)),
];

/// Protocols that a rule commonly names.
const PROTOCOLS: &[(u64, &str)] = &[
    (1, "icmp"),
    (6, "tcp"),
    (17, "udp"),
    (58, "ipv6-icmp"),
    (132, "sctp"),
];

/// `FR_ACT_*`.
const ACTIONS: &[(u64, &str)] = &[
    (0, "unspec"),
    (3, "nop"),
    (6, "blackhole"),
    (7, "unreachable"),
    (8, "prohibit"),
];
const TO_TABLE: u8 = 1;
const TO_RULE: u8 = 2;

/// `FIB_RULE_INVERT`.
const INVERT: u32 = 2;
/// `FIB_RULE_FIND_SADDR`.
const FIND_SADDR: u32 = 0x1_0000;
/// `FIB_RULE_UNRESOLVED`, `_IIF_DETACHED`, `_OIF_DETACHED`: what the kernel finds missing at the moment.
const STATES: [(u32, &str); 3] = [(4, "unresolved"), (8, "iif-detached"), (16, "oif-detached")];

/// Decodes the messages of the dumps of rules.
///
/// # Errors
/// Where a message is malformed or of another type.
pub fn lift(raw: &HostRaw) -> Result<Lifted, LiftError> {
    let mut out = Lifted::default();
    for (source, _, family) in SOURCES {
        let mut places: BTreeMap<u32, u32> = BTreeMap::new();
        let (mut config, mut runtime) = (Vec::new(), Vec::new());
        let path = format!("rule/{family}");
        raw.each((source, &path), &[NEW_RULE], &mut out.gaps, |payload| {
            let (set, state) = rule(raw, family, payload, &mut places)?;
            config.push(set);
            runtime.push(state);
            Ok(())
        })?;
        out.config.facts.extend(config);
        out.runtime.facts.extend(runtime);
    }
    out.config = Facts::new(out.config.facts);
    out.runtime = Facts::new(out.runtime.facts);
    Ok(out)
}

/// `struct fib_rule_hdr`.
struct Header {
    to_length: u8,
    from_length: u8,
    tos: u8,
    table: u8,
    action: u8,
    flags: u32,
}

fn rule(
    raw: &HostRaw,
    family: &str,
    payload: &[u8],
    places: &mut BTreeMap<u32, u32>,
) -> Result<(Fact, Fact), Fault> {
    let mut fields = Fields::new(payload, "struct fib_rule_hdr");
    let _family = fields.u8()?;
    let (to_length, from_length, tos, table) = (fields.u8()?, fields.u8()?, fields.u8()?, fields.u8()?);
    let _reserved = fields.u16()?;
    let header = Header {
        to_length,
        from_length,
        tos,
        table,
        action: fields.u8()?,
        flags: fields.u32()?,
    };
    let all = whole(attrs(fields.rest()))?;
    let priority = number(&all, PRIORITY)?.unwrap_or(0);
    let place = places.entry(priority).or_default();
    *place = place.saturating_add(1);
    let key: Vec<Text> = vec![
        family.into(),
        priority.to_string().into(),
        place.to_string().into(),
    ];
    let decoded = decode(raw, ATTRIBUTES, &all)?;
    let mut config = Fact::new("rule", key.clone())
        .with_flag("not", header.flags & INVERT != 0)
        .with("from", prefix(&all, SRC, header.from_length)?)
        .with_some(
            "to",
            match header.to_length {
                0 => None,
                length => Some(prefix(&all, DST, length)?),
            },
        )
        .with_some(
            "tos",
            (header.tos != 0).then(|| Value::Word(format!("{:#x}", header.tos))),
        )
        .with_some("fwmark", mark(&all)?);
    config.properties.extend(decoded.config);
    config = config.with_flag("find_saddr", header.flags & FIND_SADDR != 0);
    config.properties.extend(action(&header, &all)?);
    let unknown =
        header.flags & !(INVERT | FIND_SADDR | 1 | STATES.iter().fold(0, |all, (bit, _)| all | bit));
    config = config.with_some(
        "flags",
        (unknown != 0).then(|| Value::Word(format!("{unknown:#x}"))),
    );
    config.other = decoded.other;
    let mut state = Fact::new("rule", key);
    for (bit, word) in STATES {
        state = state.with_flag(word, header.flags & bit != 0);
    }
    Ok((config, state))
}

fn find<'a>(all: &[Attr<'a>], kind: u16) -> Option<Attr<'a>> {
    all.iter().copied().find(|attr| attr.kind == kind)
}

fn number(all: &[Attr<'_>], kind: u16) -> Result<Option<u32>, Malformed> {
    find(all, kind)
        .map(|attr| attr.ne32("a number of a rule"))
        .transpose()
}

fn prefix(all: &[Attr<'_>], kind: u16, length: u8) -> Result<Value, Malformed> {
    let Some(attr) = find(all, kind) else {
        return match length {
            0 => Ok(Value::word("all")),
            _ => Err(Malformed::Missing {
                what: "FRA_SRC or FRA_DST",
            }),
        };
    };
    let address: IpAddr = attr.ip("FRA_SRC or FRA_DST")?;
    Ok(Value::Word(format!("{address}/{length}")))
}

/// `0x1`, or `0x1/0xff` where only some bits count.
fn mark(all: &[Attr<'_>]) -> Result<Option<Value>, Malformed> {
    let (mark, mask) = (number(all, FWMARK)?, number(all, FWMASK)?);
    Ok(match (mark.unwrap_or(0), mask.unwrap_or(0)) {
        (0, 0) => None,
        (mark, u32::MAX) => Some(Value::Word(format!("{mark:#x}"))),
        (mark, mask) => Some(Value::Word(format!("{mark:#x}/{mask:#x}"))),
    })
}

/// A rule for devices of L3 domains has no table of its own.
fn action(header: &Header, all: &[Attr<'_>]) -> Result<Option<Property>, Malformed> {
    Ok(Some(match header.action {
        TO_TABLE => {
            let table = number(all, TABLE)?.unwrap_or(header.table.into());
            if table == 0 {
                return Ok(None);
            }
            Property::new("lookup", Value::Word(words::table(table)))
        }
        TO_RULE => {
            let target = number(all, GOTO)?.ok_or(Malformed::Missing { what: "FRA_GOTO" })?;
            Property::new("goto", Value::number(target))
        }
        other => Property::new("action", Value::Word(word(other.into(), ACTIONS))),
    }))
}

/// `struct fib_rule_uid_range`; the whole range is told where none is set.
fn uid_range(_: &HostRaw, bytes: &[u8]) -> Result<Option<Value>, Fault> {
    let mut fields = Fields::new(bytes, "struct fib_rule_uid_range");
    let (start, end) = (fields.u32()?, fields.u32()?);
    Ok(fields
        .rest()
        .is_empty()
        .then(|| Value::Word(format!("{start}-{end}"))))
}

/// `struct fib_rule_port_range`.
fn port_range(_: &HostRaw, bytes: &[u8]) -> Result<Option<Value>, Fault> {
    let mut fields = Fields::new(bytes, "struct fib_rule_port_range");
    let (start, end) = (fields.u16()?, fields.u16()?);
    let range = if start == end {
        start.to_string()
    } else {
        format!("{start}-{end}")
    };
    Ok(fields.rest().is_empty().then_some(Value::Word(range)))
}

/// The realm of the source in the upper half, of the destination in the lower.
fn realms(_: &HostRaw, bytes: &[u8]) -> Result<Option<Value>, Fault> {
    let mut fields = Fields::new(bytes, "FRA_FLOW");
    let both = fields.u32()?;
    let realms = Value::Word(format!("{}/{}", both >> 16, both & 0xffff));
    Ok(fields.rest().is_empty().then_some(realms))
}

fn protocol(_: &HostRaw, bytes: &[u8]) -> Result<Option<Value>, Fault> {
    let mut fields = Fields::new(bytes, "FRA_PROTOCOL");
    let protocol = Value::Word(words::protocol(fields.u8()?));
    Ok(fields.rest().is_empty().then_some(protocol))
}

#[cfg(test)]
mod tests;
