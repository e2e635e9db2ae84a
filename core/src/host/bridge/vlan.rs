//! VLANs: those that a port lists, and the options of each from `RTM_NEWVLAN`. Numbers that the kernel gives as a range are
//! told one by one, so that one more is one change.

use std::ops::RangeInclusive;

use super::{Found, find};
use crate::bytes::Text;
use crate::facts::attributes::{Decoded, Form, Spec, Width, apart, decode, moves, set};
use crate::facts::{Fact, Property, Value};
use crate::raw::HostRaw;
use crate::raw::attr::{Attr, Malformed, attrs};
use crate::raw::lift::{Fault, Fields, OpaqueAttribute, whole};

/// `RTM_NEWVLAN`.
pub(super) const NEW_VLAN: u16 = 112;

/// `IFLA_BRIDGE_VLAN_INFO` and `IFLA_BRIDGE_VLAN_TUNNEL_INFO`.
pub(super) const VLAN_INFO: u16 = 2;
pub(super) const TUNNEL_INFO: u16 = 3;

// BRIDGE_VLAN_INFO_*.
const RANGE_BEGIN: u16 = 8;
const RANGE_END: u16 = 16;
const WORDS: [(u16, &str); 2] = [(2, "pvid"), (4, "untagged")];
/// Bits that say how the message is meant, not how the VLAN is: master, the range, the bridge's own entry, only options.
const OF_THE_MESSAGE: u16 = 1 | RANGE_BEGIN | RANGE_END | 0x20 | 0x40;

/// `BRIDGE_VLANDB_ENTRY_*`.
const ENTRY: &[Spec] = &[
    // The number and the flags, the end of the range, what the port lists too.
    apart(1),
    apart(2),
    apart(4),
    set(
        3,
        "state",
        Form::Word(
            Width::One,
            &[
                (0, "disabled"),
                (1, "listening"),
                (2, "learning"),
                (4, "blocking"),
            ],
        ),
    )
    .unless(3),
    set(6, "mcast_router", Form::U8).unless(1),
    set(8, "mcast_max_groups", Form::U32).unless(0),
    set(9, "neigh_suppress", Form::Switch),
    moves(5, "stats", Form::Bytes),
    moves(7, "mcast_groups", Form::U32),
];

/// `BRIDGE_VLANDB_GOPTS_*`; the intervals are in hundredths of a second.
const OPTIONS: &[Spec] = &[
    apart(1),
    apart(2),
    // BRIDGE_VLANDB_GOPTS_PAD.
    apart(9),
    set(3, "mcast_snooping", Form::Switch),
    set(15, "mcast_querier", Form::Switch),
    set(4, "mcast_igmp_version", Form::U8),
    set(5, "mcast_mld_version", Form::U8),
    set(6, "mcast_last_member_count", Form::U32),
    set(7, "mcast_startup_query_count", Form::U32),
    set(8, "mcast_last_member_interval", Form::U64),
    set(10, "mcast_membership_interval", Form::U64),
    set(11, "mcast_querier_interval", Form::U64),
    set(12, "mcast_query_interval", Form::U64),
    set(13, "mcast_query_response_interval", Form::U64),
    set(14, "mcast_startup_query_interval", Form::U64),
    set(18, "msti", Form::U16).unless(0),
    moves(16, "mcast_router_ports", Form::Bytes),
    moves(17, "mcast_querier_state", Form::Bytes),
];

/// The VLANs in `IFLA_AF_SPEC` of a link.
pub(super) fn listed(device: &Text, spec: &[Attr<'_>], found: &mut Found) -> Result<(), Fault> {
    let mut begin: Option<u16> = None;
    for attr in spec.iter().filter(|attr| attr.kind == VLAN_INFO) {
        // `struct bridge_vlan_info`.
        let mut fields = Fields::new(attr.value, "struct bridge_vlan_info");
        let (flags, vid) = (fields.u16()?, fields.u16()?);
        if flags & RANGE_BEGIN != 0 {
            begin = Some(vid);
            continue;
        }
        let first = if flags & RANGE_END != 0 {
            begin.take().ok_or(Malformed::Missing {
                what: "the begin of a range of VLANs",
            })?
        } else {
            vid
        };
        for vid in span(first, vid)? {
            flagged(of(found, device, vid), flags);
        }
    }
    if begin.is_some() {
        return Err(Fault::Malformed(Malformed::Missing {
            what: "the end of a range of VLANs",
        }));
    }
    tunnels(device, spec, found)
}

/// `VLAN_N_VID`.
const VLANS: u16 = 4096;

/// The VLANs from one to another. A range that runs backwards would read as none at all, and one beyond all numbers as many.
fn span(first: u16, last: u16) -> Result<RangeInclusive<u16>, Malformed> {
    if first <= last && last < VLANS {
        return Ok(first..=last);
    }
    Err(Malformed::Value {
        what: "the end of a range of VLANs",
        value: last.into(),
    })
}

fn of<'f>(found: &'f mut Found, device: &Text, vid: u16) -> &'f mut (Fact, Fact) {
    let blank = || Fact::new("vlan", vec![device.clone(), vid.to_string().into()]);
    let entry = found.vlans.entry((device.clone(), vid));
    entry.or_insert_with(|| (blank(), blank()))
}

fn flagged((config, _): &mut (Fact, Fact), flags: u16) {
    let has = |config: &Fact, name: &str| config.property(name).is_some();
    for (bit, word) in WORDS {
        if flags & bit != 0 && !has(config, word) {
            config.properties.push(Property::new(word, Value::Flag));
        }
    }
    let known = WORDS.iter().fold(OF_THE_MESSAGE, |all, (bit, _)| all | bit);
    let unknown = flags & !known;
    if unknown != 0 && !has(config, "flags") {
        config
            .properties
            .push(Property::new("flags", Value::Word(format!("{unknown:#x}"))));
    }
}

/// `IFLA_BRIDGE_VLAN_TUNNEL_*`: a VLAN's tunnel, or the two ends of a range of both.
fn tunnels(device: &Text, spec: &[Attr<'_>], found: &mut Found) -> Result<(), Fault> {
    let mut begin: Option<(u16, u32)> = None;
    for attr in spec.iter().filter(|attr| attr.kind == TUNNEL_INFO) {
        let all = whole(attr.nested())?;
        let missing = Malformed::Missing {
            what: "IFLA_BRIDGE_VLAN_TUNNEL_ID or _VID",
        };
        let (id, vid) = find(&all, 1).zip(find(&all, 2)).ok_or(missing)?;
        let (id, vid) = (id.ne32("a tunnel's number")?, vid.ne16("a tunnel's VLAN")?);
        let flags = find(&all, 3)
            .map(|attr| attr.ne16("a tunnel's flags"))
            .transpose()?
            .unwrap_or(0);
        if flags & RANGE_BEGIN != 0 {
            begin = Some((vid, id));
            continue;
        }
        let (first, first_id) = match flags & RANGE_END {
            0 => (vid, id),
            _ => begin.take().ok_or(Malformed::Missing {
                what: "the begin of a range of tunnels",
            })?,
        };
        for (vid, id) in span(first, vid)?.zip(first_id..) {
            let (config, _) = of(found, device, vid);
            config
                .properties
                .push(Property::new("tunnel_id", Value::number(id)));
        }
    }
    match begin {
        None => Ok(()),
        Some(_) => Err(Fault::Malformed(Malformed::Missing {
            what: "the end of a range of tunnels",
        })),
    }
}

/// One message of `RTM_GETVLAN`: entries of a port or bridge, or options of a bridge's VLANs.
pub(super) fn options(raw: &HostRaw, payload: &[u8], found: &mut Found) -> Result<(), Fault> {
    // `struct br_vlan_msg`.
    let mut header = Fields::new(payload, "struct br_vlan_msg");
    let (_family, index) = (header.u32()?, header.u32()?);
    let device = raw.named(index)?;
    for attr in whole(attrs(header.rest()))? {
        let all = whole(attr.nested())?;
        match attr.kind {
            1 => entry(raw, &device, &all, found)?,
            2 => global(raw, &device, &all, found)?,
            _ => found.config.push(Fact {
                other: vec![OpaqueAttribute::from(attr)],
                ..Fact::new("vlan", vec![device.clone()])
            }),
        }
    }
    Ok(())
}

fn entry(raw: &HostRaw, device: &Text, all: &[Attr<'_>], found: &mut Found) -> Result<(), Fault> {
    let info = find(all, 1).ok_or(Malformed::Missing {
        what: "BRIDGE_VLANDB_ENTRY_INFO",
    })?;
    let mut fields = Fields::new(info.value, "struct bridge_vlan_info");
    let (flags, first) = (fields.u16()?, fields.u16()?);
    let last = find(all, 2)
        .map(|attr| attr.ne16("BRIDGE_VLANDB_ENTRY_RANGE"))
        .transpose()?;
    let decoded = decode(raw, ENTRY, all)?;
    for vid in span(first, last.unwrap_or(first))? {
        let both = of(found, device, vid);
        flagged(both, flags);
        extend(both, &decoded);
    }
    Ok(())
}

fn extend((config, runtime): &mut (Fact, Fact), decoded: &Decoded) {
    config.properties.extend(decoded.config.iter().cloned());
    config.other.extend(decoded.other.iter().cloned());
    runtime.properties.extend(decoded.runtime.iter().cloned());
}

fn global(raw: &HostRaw, device: &Text, all: &[Attr<'_>], found: &mut Found) -> Result<(), Fault> {
    let first = find(all, 1).ok_or(Malformed::Missing {
        what: "BRIDGE_VLANDB_GOPTS_ID",
    })?;
    let first = first.ne16("BRIDGE_VLANDB_GOPTS_ID")?;
    let last = find(all, 2)
        .map(|attr| attr.ne16("BRIDGE_VLANDB_GOPTS_RANGE"))
        .transpose()?;
    let decoded = decode(raw, OPTIONS, all)?;
    for vid in span(first, last.unwrap_or(first))? {
        let blank = || Fact::new("vlan-global", vec![device.clone(), vid.to_string().into()]);
        let mut both = (blank(), blank());
        extend(&mut both, &decoded);
        found.config.push(both.0);
        if !both.1.properties.is_empty() {
            found.runtime.push(both.1);
        }
    }
    Ok(())
}
