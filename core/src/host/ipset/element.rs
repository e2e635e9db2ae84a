//! What a set holds: `IPSET_ATTR_DATA` within `IPSET_ATTR_ADT`, in the words of `ipset add`.

use std::net::IpAddr;

use super::find;
use crate::bytes::{Text, to_hex};
use crate::facts::attributes::{Form, Spec, apart, decode, moves, set};
use crate::facts::{Fact, Property, Value};
use crate::raw::HostRaw;
use crate::raw::attr::{Attr, Malformed, take};
use crate::raw::lift::{Fault, Fields, whole};

// IPSET_ATTR_* that make the element itself.
const IP: u16 = 1;
const IP_TO: u16 = 2;
const CIDR: u16 = 3;
const PORT: u16 = 4;
const PORT_TO: u16 = 5;
const PROTO: u16 = 7;
const FLAGS: u16 = 8;
const MARK: u16 = 10;
const ETHER: u16 = 17;
const NAME: u16 = 18;
const IP2: u16 = 20;
const CIDR2: u16 = 21;
const IP2_TO: u16 = 22;
const IFACE: u16 = 23;

/// `IPSET_FLAG_PHYSDEV`, `_NOMATCH` and `_IFACE_WILDCARD`.
const PHYSDEV: u32 = 2;
const NOMATCH: u32 = 4;
const WILDCARD: u32 = 0x80;

/// What goes with an element.
const WITH: &[Spec] = &[
    apart(IP),
    apart(IP_TO),
    apart(CIDR),
    apart(PORT),
    apart(PORT_TO),
    apart(PROTO),
    apart(FLAGS),
    apart(MARK),
    apart(ETHER),
    apart(NAME),
    apart(IP2),
    apart(CIDR2),
    apart(IP2_TO),
    apart(IFACE),
    // IPSET_ATTR_PAD.
    apart(30),
    moves(6, "timeout", Form::Be32),
    moves(25, "packets", Form::Be64),
    moves(24, "bytes", Form::Be64),
    set(26, "comment", Form::Other(comment)),
    set(27, "skbmark", Form::Other(skb_mark)),
    set(28, "skbprio", Form::Other(skb_priority)),
    set(29, "skbqueue", Form::Be16),
];

/// The element and, where something about it changes by itself, that.
pub(super) fn element(
    raw: &HostRaw,
    set: &Text,
    kind: &Text,
    data: Attr<'_>,
) -> Result<(Fact, Option<Fact>), Fault> {
    let all = whole(data.nested())?;
    let decoded = decode(raw, WITH, &all)?;
    let flags = find(&all, FLAGS)
        .map(|attr| attr.be32("IPSET_ATTR_CADT_FLAGS"))
        .transpose()?;
    let flags = flags.unwrap_or(0);
    let words = kind
        .as_str()
        .and_then(|kind| kind.split_once(':'))
        .map_or("", |(_, words)| words);
    let (text, known) = match text(words, &all, flags)? {
        Some(text) => (text, true),
        // A type whose parts are not known: its bytes are all that tells one from another.
        None => (format!("0x{}", to_hex(data.value)), false),
    };
    let key = vec![set.clone(), Text::from(text)];
    let mut fact = Fact::new("add", key.clone())
        .with_flag("wildcard", flags & WILDCARD != 0)
        .with_flag("nomatch", flags & NOMATCH != 0);
    fact.properties.extend(decoded.config);
    let unknown = flags & !(PHYSDEV | NOMATCH | WILDCARD);
    fact = fact.with_some(
        "flags",
        (unknown != 0).then(|| Value::Word(format!("{unknown:#x}"))),
    );
    fact.other = decoded.other;
    if !known {
        fact.other.push(data.into());
    }
    let state = (!decoded.runtime.is_empty()).then(|| Fact {
        properties: decoded.runtime,
        ..Fact::new("add", key)
    });
    Ok((fact, state))
}

/// A member of a list of sets: its name, and what goes with it.
pub(super) fn member(element: &Fact) -> Value {
    let name = element.key.last().cloned().unwrap_or_default();
    if element.properties.is_empty() && element.other.is_empty() {
        return Value::Text(name);
    }
    let mut group = vec![Property::new("name", Value::Text(name))];
    group.extend(element.properties.iter().cloned());
    let other = element.other.iter();
    group.extend(other.map(|one| {
        Property::new(
            &format!("attribute {}", one.number),
            Value::Bytes(one.payload.clone()),
        )
    }));
    Value::Group(group)
}

/// A member as `ipset add` takes it.
pub(super) fn member_text(member: &Value) -> String {
    match member {
        Value::Group(properties) => {
            let words: Vec<String> = properties
                .iter()
                .map(|property| match property.name.as_str() {
                    "name" => property.value.to_string(),
                    _ => property.to_string(),
                })
                .collect();
            words.join(" ")
        }
        name => name.to_string(),
    }
}

/// The parts of an element by the words of its type, joined by commas; `None` for a word that is not known.
fn text(words: &str, all: &[Attr<'_>], flags: u32) -> Result<Option<String>, Fault> {
    let mut parts = Vec::new();
    let mut second = false;
    for word in words.split(',') {
        let part = match word {
            // The second address of a type is the one that it calls by the second name.
            "ip" | "net" => {
                let part = if second {
                    Some(network(all, IP2, IP2_TO, CIDR2)?)
                } else {
                    Some(network(all, IP, IP_TO, CIDR)?)
                };
                second = true;
                part
            }
            "port" => Some(port(all)?),
            // `bitmap:ip,mac` may hold an address for any hardware address.
            "mac" => match find(all, ETHER) {
                Some(attr) => Some(ether(attr)?),
                None => continue,
            },
            "mark" => Some(format!(
                "{:#010x}",
                needed(all, MARK, "IPSET_ATTR_MARK")?.be32("IPSET_ATTR_MARK")?
            )),
            "iface" => {
                let name = needed(all, IFACE, "IPSET_ATTR_IFACE")?.text();
                let physical = if flags & PHYSDEV != 0 { "physdev:" } else { "" };
                Some(format!("{physical}{name}"))
            }
            "set" => Some(needed(all, NAME, "IPSET_ATTR_NAME")?.text().to_string()),
            _ => None,
        };
        match part {
            Some(part) => parts.push(part),
            None => return Ok(None),
        }
    }
    Ok(Some(parts.join(",")))
}

fn needed<'a>(all: &[Attr<'a>], kind: u16, what: &'static str) -> Result<Attr<'a>, Malformed> {
    find(all, kind).ok_or(Malformed::Missing { what })
}

/// `IPSET_ATTR_IP` holds an address in an attribute of its own: 1 is IPv4, 2 IPv6.
pub(super) fn ip(attr: Attr<'_>) -> Result<IpAddr, Malformed> {
    let inner = attr.nested().next().ok_or(Malformed::Missing {
        what: "IPSET_ATTR_IPADDR_IPV4 or _IPV6",
    })??;
    match inner.kind {
        1 => take::<4>(inner.value, "IPSET_ATTR_IPADDR_IPV4").map(Into::into),
        2 => take::<16>(inner.value, "IPSET_ATTR_IPADDR_IPV6").map(Into::into),
        other => Err(Malformed::Value {
            what: "the kind of an address",
            value: other.into(),
        }),
    }
}

fn network(all: &[Attr<'_>], from: u16, to: u16, cidr: u16) -> Result<String, Malformed> {
    let address = ip(needed(all, from, "IPSET_ATTR_IP")?)?;
    if let Some(end) = find(all, to) {
        return Ok(format!("{address}-{}", ip(end)?));
    }
    let whole = if address.is_ipv4() { 32 } else { 128 };
    let length = find(all, cidr)
        .map(|attr| attr.u8("IPSET_ATTR_CIDR"))
        .transpose()?;
    Ok(match length {
        Some(length) if length != whole => format!("{address}/{length}"),
        _ => address.to_string(),
    })
}

/// `tcp:80`, `icmp:8/0`; a number alone where the type has no protocol.
fn port(all: &[Attr<'_>]) -> Result<String, Malformed> {
    let port = needed(all, PORT, "IPSET_ATTR_PORT")?.be16("IPSET_ATTR_PORT")?;
    let end = find(all, PORT_TO)
        .map(|attr| attr.be16("IPSET_ATTR_PORT_TO"))
        .transpose()?;
    let end = end
        .filter(|end| *end != port)
        .map_or_else(String::new, |end| format!("-{end}"));
    let Some(protocol) = find(all, PROTO) else {
        return Ok(format!("{port}{end}"));
    };
    let (kind, code) = (port >> 8, port & 0xff);
    Ok(match protocol.u8("IPSET_ATTR_PROTO")? {
        1 => format!("icmp:{kind}/{code}"),
        58 => format!("icmpv6:{kind}/{code}"),
        6 => format!("tcp:{port}{end}"),
        17 => format!("udp:{port}{end}"),
        132 => format!("sctp:{port}{end}"),
        136 => format!("udplite:{port}{end}"),
        other => format!("{other}:{port}{end}"),
    })
}

fn ether(attr: Attr<'_>) -> Result<String, Malformed> {
    let bytes: [u8; 6] = take(attr.value, "IPSET_ATTR_ETHER")?;
    Ok(bytes.map(|byte| format!("{byte:02X}")).join(":"))
}

/// In the quotes that `ipset` needs; it takes no quote within.
fn comment(_: &HostRaw, bytes: &[u8]) -> Result<Option<Value>, Fault> {
    Ok(Some(Value::Word(format!("\"{}\"", Text::from_nul_padded(bytes)))))
}

/// A mark, and which bits of it count.
fn skb_mark(_: &HostRaw, bytes: &[u8]) -> Result<Option<Value>, Fault> {
    let mut fields = Fields::new(bytes, "IPSET_ATTR_SKBMARK");
    let (mark, mask) = (u32::from_be(fields.u32()?), u32::from_be(fields.u32()?));
    let value = match mask {
        u32::MAX => format!("{mark:#x}"),
        mask => format!("{mark:#x}/{mask:#x}"),
    };
    Ok(fields.rest().is_empty().then_some(Value::Word(value)))
}

/// A class of traffic control.
fn skb_priority(_: &HostRaw, bytes: &[u8]) -> Result<Option<Value>, Fault> {
    let mut fields = Fields::new(bytes, "IPSET_ATTR_SKBPRIO");
    let both = u32::from_be(fields.u32()?);
    let class = format!("{:x}:{:x}", both >> 16, both & 0xffff);
    Ok(fields.rest().is_empty().then_some(Value::Word(class)))
}
