//! Multicast groups: `RTM_NEWMDB`, one message for each bridge.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Found, find};
use crate::bytes::Text;
use crate::facts::attributes::{Form, Spec, Width, apart, decode, mac, moves, set};
use crate::facts::{Fact, Value};
use crate::host::routes::words;
use crate::raw::HostRaw;
use crate::raw::attr::{Malformed, attrs, take, take_at};
use crate::raw::lift::{Fault, Fields, OpaqueAttribute, whole};

/// `RTM_NEWMDB`, and `RTM_GETMDB`, which is what the kernel calls the messages of a dump.
pub(super) const TYPES: [u16; 2] = [84, 86];
/// `MDBA_MDB`, and `MDBA_ROUTER`: ports behind which a router was seen, or is said to be.
const GROUPS: u16 = 1;
const ROUTERS: u16 = 2;
/// `MDBA_MDB_ENTRY` and `MDBA_MDB_ENTRY_INFO`.
const ENTRY: u16 = 1;
const INFO: u16 = 1;
/// `sizeof(struct br_mdb_entry)`.
const STRUCT: usize = 28;

/// `MDBA_MDB_EATTR_*`.
const ATTRIBUTES: &[Spec] = &[
    moves(1, "timer", Form::U32),
    set(
        3,
        "filter_mode",
        Form::Word(Width::One, &[(0, "exclude"), (1, "include")]),
    ),
    set(2, "source_list", Form::Other(sources)),
    apart(4),
    set(5, "proto", Form::Other(protocol)),
    set(6, "dst", Form::Ip),
    set(7, "dst_port", Form::Be16),
    set(8, "vni", Form::U32),
    set(9, "via", Form::Link),
    set(10, "src_vni", Form::U32),
];

/// `MDB_FLAGS_*`: all follow from the port, the mode and the sources, or from the hardware.
const FLAGS: [(u8, &str); 5] = [
    (1, "offload"),
    (2, "fast_leave"),
    (4, "added_by_star_ex"),
    (8, "blocked"),
    (16, "offload_failed"),
];

pub(super) fn groups(raw: &HostRaw, payload: &[u8], found: &mut Found) -> Result<(), Fault> {
    // `struct br_port_msg`.
    let mut header = Fields::new(payload, "struct br_port_msg");
    let (_family, index) = (header.u32()?, header.u32()?);
    let bridge = raw.named(index)?;
    for attr in whole(attrs(header.rest()))? {
        match attr.kind {
            GROUPS => {
                for entry in whole(attr.nested())?.into_iter().filter(|one| one.kind == ENTRY) {
                    for info in whole(entry.nested())?.into_iter().filter(|one| one.kind == INFO) {
                        group(raw, &bridge, info.value, found)?;
                    }
                }
            }
            ROUTERS => {
                let ports = whole(attr.nested())?;
                let name = |bytes: &[u8]| -> Result<Value, Fault> {
                    let index = u32::from_ne_bytes(take(bytes, "MDBA_ROUTER_PORT")?);
                    Ok(Value::Text(raw.named(index)?))
                };
                let ports = ports
                    .iter()
                    .map(|port| name(port.value))
                    .collect::<Result<Vec<_>, _>>()?;
                let fact = Fact::new("router", vec![bridge.clone()]);
                found.runtime.push(fact.with("ports", Value::List(ports)));
            }
            _ => found.config.push(Fact {
                other: vec![OpaqueAttribute::from(attr)],
                ..Fact::new("mdb", vec![bridge.clone()])
            }),
        }
    }
    Ok(())
}

/// `struct br_mdb_entry`, with attributes behind it.
fn group(raw: &HostRaw, bridge: &Text, bytes: &[u8], found: &mut Found) -> Result<(), Fault> {
    let mut fields = Fields::new(bytes, "struct br_mdb_entry");
    let (index, state, flags, vlan) = (fields.u32()?, fields.u8()?, fields.u8()?, fields.u16()?);
    let protocol = u16::from_be_bytes(take_at(bytes, 24, "struct br_mdb_entry")?);
    let address = fields.rest();
    let address = match protocol {
        0x0800 => Ipv4Addr::from(take::<4>(address, "an address")?).to_string(),
        0x86dd => Ipv6Addr::from(take::<16>(address, "an address")?).to_string(),
        0 => mac(&take::<6>(address, "an address")?),
        other => {
            return Err(Fault::Malformed(Malformed::Value {
                what: "the protocol of a group",
                value: other.into(),
            }));
        }
    };
    let rest = bytes.get(STRUCT..).ok_or(Malformed::Short {
        what: "struct br_mdb_entry",
        have: bytes.len(),
        need: STRUCT,
    })?;
    let all = whole(attrs(rest))?;
    let source = find(&all, 4)
        .map(|attr| attr.ip("MDBA_MDB_EATTR_SOURCE"))
        .transpose()?;
    let mut key: Vec<Text> = vec![bridge.clone(), raw.named(index)?, address.into()];
    key.extend((vlan != 0).then(|| Text::from(format!("vlan {vlan}"))));
    key.extend(source.map(|source| Text::from(format!("src {source}"))));
    let decoded = decode(raw, ATTRIBUTES, &all)?;
    let mut runtime = Fact::new("mdb", key.clone());
    for (bit, word) in FLAGS {
        runtime = runtime.with_flag(word, flags & bit != 0);
    }
    runtime.properties.extend(decoded.runtime);
    let mut config = Fact::new("mdb", key);
    config.properties = decoded.config;
    config.other = decoded.other;
    // `MDB_TEMPORARY` is 0: joined by a host, and gone when it leaves.
    if state == 0 {
        runtime.properties.extend(config.properties);
        runtime.other = config.other;
    } else {
        config = config.with_some("state", (state != 1).then(|| Value::number(state)));
        found.config.push(config);
    }
    found.runtime.push(runtime);
    Ok(())
}

/// `MDBA_MDB_SRCLIST_ENTRY`: the addresses, sorted; each has a timer.
fn sources(_: &HostRaw, bytes: &[u8]) -> Result<Option<Value>, Fault> {
    let mut out = Vec::new();
    for entry in whole(attrs(bytes))? {
        let all = whole(entry.nested())?;
        let address = find(&all, 1).ok_or(Malformed::Missing {
            what: "MDBA_MDB_SRCATTR_ADDRESS",
        })?;
        out.push(address.ip("MDBA_MDB_SRCATTR_ADDRESS")?);
    }
    out.sort_unstable();
    Ok(Some(Value::List(out.into_iter().map(Value::word).collect())))
}

fn protocol(_: &HostRaw, bytes: &[u8]) -> Result<Option<Value>, Fault> {
    let mut fields = Fields::new(bytes, "MDBA_MDB_EATTR_RTPROT");
    let protocol = Value::Word(words::protocol(fields.u8()?));
    Ok(fields.rest().is_empty().then_some(protocol))
}
