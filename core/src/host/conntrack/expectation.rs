//! Connections that a helper expects (`CTA_EXPECT_*`), all of them runtime.

use std::fmt::Write;

use crate::bytes::Text;
use crate::facts::{Fact, Property, Value};
use crate::raw::attr::{Attr, Malformed, attrs};
use crate::raw::lift::Fault;

use super::{HEADER, protocol_word};

const MASTER: u16 = 1;
const TUPLE: u16 = 2;
const MASK: u16 = 3;
const TIMEOUT: u16 = 4;
const ID: u16 = 5;
const HELPER: u16 = 6;
const ZONE: u16 = 7;
const FLAGS: u16 = 8;
const CLASS: u16 = 9;

pub(super) fn fact(payload: &[u8]) -> Result<Fact, Fault> {
    let mut fact = Fact::new("expectation", Vec::new());
    for attr in attrs(payload.get(HEADER..).ok_or(Malformed::Missing {
        what: "struct nfgenmsg",
    })?) {
        let attr = attr?;
        let mut add = |name: &str, value: Value| fact.properties.push(Property::new(name, value));
        match attr.kind {
            TUPLE => fact.key = vec![Text::from(tuple(attr)?)],
            MASK => add("mask", Value::word(tuple(attr)?)),
            MASTER => add("master", Value::word(tuple(attr)?)),
            TIMEOUT => add("seconds", Value::number(attr.be32("CTA_EXPECT_TIMEOUT")?)),
            // Where the kernel keeps it.
            ID => {}
            HELPER => add("helper", Value::Text(attr.text())),
            ZONE => add("zone", Value::number(attr.be16("CTA_EXPECT_ZONE")?)),
            FLAGS => add("flags", Value::number(attr.be32("CTA_EXPECT_FLAGS")?)),
            CLASS => add("class", Value::number(attr.be32("CTA_EXPECT_CLASS")?)),
            _ => fact.other.push(attr.into()),
        }
    }
    if fact.key.is_empty() {
        return Err(Malformed::Missing {
            what: "CTA_EXPECT_TUPLE",
        }
        .into());
    }
    Ok(fact)
}

/// `src=10.0.0.1 dst=10.0.0.2 proto=tcp dport=2000`: `CTA_TUPLE_IP`, then `CTA_TUPLE_PROTO`.
fn tuple(attr: Attr<'_>) -> Result<String, Malformed> {
    let mut out = String::new();
    let mut add = |name: &str, value: String| {
        let space = if out.is_empty() { "" } else { " " };
        // Writing to a String has no failure.
        let _ok = write!(out, "{space}{name}={value}");
    };
    for part in attr.nested() {
        let part = part?;
        for inner in part.nested() {
            let inner = inner?;
            match (part.kind, inner.kind) {
                (1, 1 | 3) => add("src", inner.ip("CTA_IP_SRC")?.to_string()),
                (1, 2 | 4) => add("dst", inner.ip("CTA_IP_DST")?.to_string()),
                (2, 1) => add("proto", protocol_word(inner.u8("CTA_PROTO_NUM")?)),
                (2, 2) => add("sport", inner.be16("CTA_PROTO_SRC_PORT")?.to_string()),
                (2, 3) => add("dport", inner.be16("CTA_PROTO_DST_PORT")?.to_string()),
                (part, kind) => add(&format!("{part}.{kind}"), crate::bytes::to_hex(inner.value)),
            }
        }
    }
    Ok(out)
}
