//! Timeout policies (`CTA_TIMEOUT_*`).

use crate::bytes::Hex;
use crate::facts::{Fact, Property, Value};
use crate::raw::attr::{Attr, Malformed, attrs};
use crate::raw::lift::Fault;

use super::{HEADER, family_word, protocol_word};

const NAME: u16 = 1;
const FAMILY: u16 = 2;
const PROTOCOL: u16 = 3;
const DATA: u16 = 4;
const USES: u16 = 5;

const TCP: [&str; 11] = [
    "syn_sent",
    "syn_recv",
    "established",
    "fin_wait",
    "close_wait",
    "last_ack",
    "time_wait",
    "close",
    "syn_sent2",
    "retrans",
    "unacknowledged",
];
const STREAM: [&str; 2] = ["unreplied", "replied"];
const SINGLE: [&str; 1] = ["timeout"];
const DCCP: [&str; 7] = [
    "request", "respond", "partopen", "open", "closereq", "closing", "timewait",
];
const SCTP: [&str; 9] = [
    "closed",
    "cookie_wait",
    "cookie_echoed",
    "established",
    "shutdown_sent",
    "shutdown_recd",
    "shutdown_ack_sent",
    "heartbeat_sent",
    "heartbeat_acked",
];

/// The policy, and how often it is used.
pub(super) fn facts(payload: &[u8]) -> Result<(Fact, Fact), Fault> {
    let (mut name, mut protocol, mut data, mut uses) = (None, None, None, 0);
    let mut fact = Fact::new("timeout-policy", Vec::new());
    for attr in attrs(payload.get(HEADER..).ok_or(Malformed::Missing {
        what: "struct nfgenmsg",
    })?) {
        let attr = attr?;
        match attr.kind {
            NAME => name = Some(attr.text()),
            FAMILY => {
                let family = family_word(attr.be16("CTA_TIMEOUT_L3PROTO")?);
                fact.properties.push(Property::new("family", Value::word(family)));
            }
            PROTOCOL => protocol = Some(attr.u8("CTA_TIMEOUT_L4PROTO")?),
            DATA => data = Some(attr),
            USES => uses = attr.be32("CTA_TIMEOUT_USE")?,
            _ => fact.other.push(attr.into()),
        }
    }
    let protocol = protocol.ok_or(Malformed::Missing {
        what: "CTA_TIMEOUT_L4PROTO",
    })?;
    fact.key = vec![name.ok_or(Malformed::Missing {
        what: "CTA_TIMEOUT_NAME",
    })?];
    fact.properties
        .push(Property::new("protocol", Value::word(protocol_word(protocol))));
    if let Some(data) = data {
        fact.properties
            .push(Property::new("seconds", seconds(protocol, data)?));
    }
    let used = Fact::new("timeout-policy", fact.key.clone()).with("uses", Value::number(uses));
    Ok((fact, used))
}

fn seconds(protocol: u8, data: Attr<'_>) -> Result<Value, Malformed> {
    let names: &[&str] = match protocol {
        6 => &TCP,
        17 | 136 | 47 => &STREAM,
        33 => &DCCP,
        132 => &SCTP,
        _ => &SINGLE,
    };
    let mut group = Vec::new();
    for attr in data.nested() {
        let attr = attr?;
        let place = usize::from(attr.kind).checked_sub(1);
        group.push(match place.and_then(|place| names.get(place)) {
            Some(name) => Property::new(name, Value::number(attr.be32("CTA_TIMEOUT_DATA")?)),
            None => Property::new(
                &format!("attribute_{}", attr.kind),
                Value::Bytes(Hex(attr.value.to_vec())),
            ),
        });
    }
    Ok(Value::Group(group))
}
