//! Entries for hardware addresses: `RTM_NEWNEIGH` of `AF_BRIDGE`, of bridges and of links that forward by themselves.

use super::{Found, find};
use crate::bytes::Text;
use crate::facts::attributes::{Form, Spec, Width, apart, bits, decode, mac, moves, set};
use crate::facts::{Fact, Value};
use crate::raw::HostRaw;
use crate::raw::attr::{Malformed, attrs};
use crate::raw::lift::{Fault, Fields, whole};

/// `RTM_NEWNEIGH`.
pub(super) const NEW_NEIGHBOUR: u16 = 28;

// NDA_*.
const DST: u16 = 1;
const LLADDR: u16 = 2;
const VLAN: u16 = 5;
const MASTER: u16 = 9;
const SRC_VNI: u16 = 11;

const ATTRIBUTES: &[Spec] = &[
    apart(LLADDR),
    apart(VLAN),
    apart(MASTER),
    apart(SRC_VNI),
    apart(DST),
    set(6, "port", Form::Be16),
    set(7, "vni", Form::U32),
    set(8, "via", Form::Other(via)),
    set(13, "nhid", Form::U32),
    set(12, "proto", Form::U8),
    set(
        15,
        "more",
        Form::Bits(Width::Four, &[(1, "managed"), (2, "locked"), (4, "extern_valid")]),
    ),
    moves(3, "cache", Form::Bytes),
    moves(4, "probes", Form::U32),
    moves(10, "netnsid", Form::U32),
    moves(14, "activity", Form::Bytes),
];

const STATES: &[(u64, &str)] = &[
    (0x02, "reachable"),
    (0x04, "stale"),
    (0x40, "static"),
    (0x80, "permanent"),
];
const LASTING: u16 = 0x40 | 0x80;
const PERMANENT: u16 = 0x80;

/// `NTF_*`.
const FLAGS: &[(u64, &str)] = &[
    (0x01, "use"),
    (0x10, "extern_learn"),
    (0x40, "sticky"),
    (0x80, "router"),
];
const SELF: u8 = 0x02;
const EXTERN_LEARN: u8 = 0x10;
const OFFLOADED: u8 = 0x20;
/// `NTF_SELF`, `NTF_MASTER`, `NTF_OFFLOADED`: who answered, and what the hardware did.
const OF_THE_MESSAGE: u8 = SELF | 0x04 | OFFLOADED;

pub(super) fn entry(raw: &HostRaw, payload: &[u8], found: &mut Found) -> Result<(), Fault> {
    // `struct ndmsg`.
    let mut header = Fields::new(payload, "struct ndmsg");
    let (_family, index) = (header.u32()?, header.u32()?);
    let (state, flags, _type) = (header.u16()?, header.u8()?, header.u8()?);
    let all = whole(attrs(header.rest()))?;
    let address = find(&all, LLADDR)
        .ok_or(Malformed::Missing { what: "NDA_LLADDR" })?
        .value;
    let device = raw.named(index)?;
    let master = find(&all, MASTER)
        .map(|attr| attr.ne32("NDA_MASTER"))
        .transpose()?;
    let vlan = find(&all, VLAN).map(|attr| attr.ne16("NDA_VLAN")).transpose()?;
    let source_vni = find(&all, SRC_VNI)
        .map(|attr| attr.ne32("NDA_SRC_VNI"))
        .transpose()?;
    let far = find(&all, DST).map(|attr| attr.ip("NDA_DST")).transpose()?;
    let by = if master.is_some() { "master" } else { "self" };
    let mut key: Vec<Text> = vec![device, mac(address).into(), by.into()];
    key.extend(vlan.map(|vlan| Text::from(format!("vlan {vlan}"))));
    key.extend(source_vni.map(|vni| Text::from(format!("src_vni {vni}"))));
    key.extend(far.map(|far| Text::from(format!("dst {far}"))));
    let decoded = decode(raw, ATTRIBUTES, &all)?;
    let own = is_own(found, index, master, address) && state & PERMANENT != 0;
    // A link's list of multicast addresses that it listens to.
    let joined = flags & SELF != 0 && far.is_none() && address.first().is_some_and(|first| first & 1 != 0);
    let set = (state & LASTING != 0 || flags & EXTERN_LEARN != 0) && !own && !joined;
    let lasting = state & LASTING;
    let mut config = Fact::new("fdb", key.clone())
        .with_some("state", (lasting != 0).then(|| bits(lasting.into(), STATES)))
        .with_some(
            "flags",
            match flags & !OF_THE_MESSAGE {
                0 => None,
                flags => Some(bits(flags.into(), FLAGS)),
            },
        );
    config.properties.extend(decoded.config);
    config.other = decoded.other;
    let mut runtime = Fact::new("fdb", key)
        .with_some(
            "state",
            (state & !LASTING != 0).then(|| bits(state.into(), STATES)),
        )
        .with_flag("offload", flags & OFFLOADED != 0);
    runtime.properties.extend(decoded.runtime);
    if set {
        found.config.push(config);
    } else {
        runtime.properties.extend(config.properties);
        runtime.other = config.other;
    }
    found.runtime.push(runtime);
    Ok(())
}

/// Whether it is the address of the port or of its bridge, for which the kernel itself makes an entry.
fn is_own(found: &Found, index: u32, master: Option<u32>, address: &[u8]) -> bool {
    [Some(index), master]
        .into_iter()
        .flatten()
        .filter_map(|index| found.own.get(&index))
        .any(|(own, _)| own == address)
}

/// The link that leads there, which may be one of another namespace.
fn via(raw: &HostRaw, bytes: &[u8]) -> Result<Option<Value>, Fault> {
    let mut fields = Fields::new(bytes, "NDA_IFINDEX");
    let index = fields.u32()?;
    let name = raw.link_name(index).cloned();
    let value = name.map_or_else(|| Value::word("other-namespace"), Value::Text);
    Ok(fields.rest().is_empty().then_some(value))
}
