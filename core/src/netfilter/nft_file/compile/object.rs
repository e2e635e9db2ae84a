//! Named objects and flowtables.

use super::super::ast::{Content, Flowtable, Object, Table};
use super::super::attributes::Attributes;
use super::super::words;
use super::{Compiled, Fault, Side, act, comment_data, fault};
use crate::netfilter::nft::consts;

/// `NFT_OBJECT_*`.
pub(super) fn number(kind: &str) -> Compiled<u32> {
    Ok(match kind {
        "counter" => 1,
        "quota" => 2,
        "ct helper" => 3,
        "limit" => 4,
        "ct timeout" => 7,
        "secmark" => 8,
        "ct expectation" => 9,
        "synproxy" => 10,
        other => return fault(format!("there is no object {other}")),
    })
}

pub(super) fn object(side: &mut Side<'_>, table: &Table, object: &Object) {
    let path = format!("{}/{}/{}", table.family, table.name, object.name);
    let (number, data) = match content(&object.content) {
        Ok(both) => both,
        Err(Fault(why)) => return side.notes.gap(&path, &why),
    };
    let mut out = Attributes::default();
    out.text(1, &table.name);
    out.text(2, &object.name);
    out.be32(3, number);
    out.nest(4, &data);
    if let Some(handle) = object.handle {
        out.be64(6, handle);
    }
    if let Some(data) = object.comment.as_deref().and_then(|text| comment_data(0, text)) {
        out.put(8, &data);
    }
    side.message(table.family, consts::NEW_OBJECT, &out);
}

fn protocol(word: &str) -> Compiled<u8> {
    words::number(words::PROTOCOLS, word)
        .or_else(|| word.parse().ok())
        .and_then(|number| u8::try_from(number).ok())
        .ok_or_else(|| Fault(format!("there is no protocol {word}")))
}

/// `NFPROTO_*` of an object that may be for either family.
fn l3proto(word: Option<&str>) -> Compiled<u16> {
    match word {
        None | Some("inet") => Ok(1),
        Some("ip") => Ok(2),
        Some("ip6") => Ok(10),
        Some(other) => fault(format!("there is no family {other}")),
    }
}

fn content(content: &Content) -> Compiled<(u32, Attributes)> {
    let mut data = Attributes::default();
    Ok(match content {
        Content::Counter(numbers) => {
            let (packets, bytes) = numbers.unwrap_or_default();
            data.be64(1, bytes);
            data.be64(2, packets);
            (1, data)
        }
        Content::Quota { bytes, used, over } => (2, act::quota_data(*bytes, *used, *over)),
        Content::Limit(rate) => (4, act::limit_data(rate)?),
        Content::Helper {
            kind,
            protocol: word,
            l3proto: family,
        } => {
            data.text(1, kind);
            data.byte(3, protocol(word)?);
            data.be16(2, l3proto(family.as_deref())?);
            (3, data)
        }
        Content::Timeout {
            protocol: word,
            l3proto: family,
            policy,
        } => {
            data.byte(2, protocol(word)?);
            data.be16(1, l3proto(family.as_deref())?);
            data.nest(3 | NESTED, &timeouts(word, policy)?);
            (7, data)
        }
        Content::Expectation {
            protocol: word,
            l3proto: family,
            port,
            timeout_ms,
            size,
        } => {
            data.be16(1, l3proto(family.as_deref())?);
            data.byte(2, protocol(word)?);
            data.be16(3, *port);
            data.put(4, &u32::try_from(*timeout_ms).unwrap_or(u32::MAX).to_ne_bytes());
            data.byte(5, *size);
            (9, data)
        }
        Content::Secmark(context) => {
            data.text(1, context);
            (8, data)
        }
        Content::Synproxy(synproxy) => (10, act::synproxy_data(synproxy)),
        Content::Unknown { kind, .. } => {
            return fault(format!("objects of the kind {kind} are not read here"));
        }
    })
}

/// `NLA_F_NESTED`, which the kernel sets here.
const NESTED: u16 = 0x8000;

/// Names of states, in the kernel's order from 1 (`enum ctattr_timeout_tcp`, `_udp`), with the time where none is given.
const TCP: [(&str, u32); 11] = [
    ("syn_sent", 120),
    ("syn_recv", 60),
    ("established", 432_000),
    ("fin_wait", 120),
    ("close_wait", 60),
    ("last_ack", 30),
    ("time_wait", 120),
    ("close", 10),
    ("syn_sent2", 120),
    ("retrans", 300),
    ("unack", 300),
];
const UDP: [(&str, u32); 2] = [("unreplied", 30), ("replied", 120)];

fn timeouts(protocol: &str, policy: &[(String, u64)]) -> Compiled<Attributes> {
    let states: &[(&str, u32)] = match protocol {
        "tcp" => &TCP,
        "udp" => &UDP,
        other => return fault(format!("the states of {other} are not known here")),
    };
    if let Some((unknown, _)) = policy
        .iter()
        .find(|(state, _)| !states.iter().any(|(known, _)| known == state))
    {
        return fault(format!("{protocol} has no state {unknown}"));
    }
    let mut out = Attributes::default();
    for (kind, (state, default)) in (1..).zip(states) {
        let stated = policy.iter().find(|(named, _)| named == state);
        let seconds = stated.map_or(*default, |(_, seconds)| {
            u32::try_from(*seconds).unwrap_or(u32::MAX)
        });
        out.be32(kind, seconds);
    }
    Ok(out)
}

/// `enum nft_flowtable_attributes`; `NFT_FLOWTABLE_HW_OFFLOAD`, `_COUNTER`.
pub(super) fn flowtable(side: &mut Side<'_>, table: &Table, flowtable: &Flowtable) {
    let mut hook = Attributes::default();
    hook.be32(1, 0);
    hook.be32(2, flowtable.priority.cast_unsigned());
    let mut devices = Attributes::default();
    for device in &flowtable.devices {
        devices.text(1, device);
    }
    hook.nest(3, &devices);
    let mut out = Attributes::default();
    out.text(1, &table.name);
    out.text(2, &flowtable.name);
    out.nest(3, &hook);
    let flags = flowtable.flags.iter().fold(0, |bits, flag| {
        bits | match flag.as_str() {
            "offload" => 1,
            "counter" => 2,
            _ => 0,
        }
    });
    out.be32(7, flags);
    if let Some(handle) = flowtable.handle {
        out.be64(5, handle);
    }
    side.message(table.family, consts::NEW_FLOWTABLE, &out);
}
