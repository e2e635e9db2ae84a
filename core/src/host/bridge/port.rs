//! Ports: `RTM_NEWLINK` of `AF_BRIDGE`, with `IFLA_PROTINFO` and `IFLA_AF_SPEC`.

use super::{Found, find, vlan};
use crate::facts::Fact;
use crate::facts::attributes::{Form, Spec, Width, apart, decode, moves, set};
use crate::raw::HostRaw;
use crate::raw::attr::{Attr, attrs};
use crate::raw::lift::{Fault, Fields, whole};

/// `RTM_NEWLINK`.
pub(super) const NEW_LINK: u16 = 16;

// IFLA_*.
const ADDRESS: u16 = 1;
const MASTER: u16 = 10;
const PROTINFO: u16 = 12;
const AF_SPEC: u16 = 26;

/// `BR_STATE_*`.
const STATES: &[(u64, &str)] = &[
    (0, "disabled"),
    (1, "listening"),
    (2, "learning"),
    (3, "forwarding"),
    (4, "blocking"),
];

/// `IFLA_BRPORT_*`, in the words of `bridge link`.
const PORT: &[Spec] = &[
    set(2, "priority", Form::U16),
    set(3, "cost", Form::U32),
    set(4, "hairpin", Form::Switch),
    set(5, "guard", Form::Switch),
    set(6, "root_block", Form::Switch),
    set(7, "fastleave", Form::Switch),
    set(8, "learning", Form::Switch),
    set(9, "flood", Form::Switch),
    set(27, "mcast_flood", Form::Switch),
    set(30, "bcast_flood", Form::Switch),
    set(28, "mcast_to_unicast", Form::Switch),
    set(25, "mcast_router", Form::U8).unless(1),
    set(37, "mcast_eht_hosts_limit", Form::U32).unless(512),
    set(42, "mcast_max_groups", Form::U32).unless(0),
    set(10, "proxy_arp", Form::Switch),
    set(12, "proxy_arp_wifi", Form::Switch),
    set(11, "learning_sync", Form::Switch),
    set(29, "vlan_tunnel", Form::Switch),
    set(31, "group_fwd_mask", Form::Mask(Width::Two)).unless(0),
    set(32, "neigh_suppress", Form::Switch),
    set(43, "neigh_vlan_suppress", Form::Switch),
    set(33, "isolated", Form::Switch),
    set(34, "backup_port", Form::Link).unless(0),
    set(44, "backup_nhid", Form::U32).unless(0),
    set(39, "locked", Form::Switch),
    set(40, "mab", Form::Switch),
    moves(1, "state", Form::Word(Width::One, STATES)),
    moves(13, "root_id", Form::Bytes),
    moves(14, "bridge_id", Form::Bytes),
    moves(15, "designated_port", Form::U16),
    moves(16, "designated_cost", Form::U16),
    moves(17, "id", Form::U16),
    moves(18, "no", Form::U16),
    moves(19, "topology_change_ack", Form::U8),
    moves(20, "config_pending", Form::U8),
    moves(21, "message_age_timer", Form::U64),
    moves(22, "forward_delay_timer", Form::U64),
    moves(23, "hold_timer", Form::U64),
    moves(35, "mrp_ring_open", Form::U8),
    moves(36, "mrp_in_open", Form::U8),
    moves(38, "mcast_eht_hosts", Form::U32),
    moves(41, "mcast_groups", Form::U32),
    // IFLA_BRPORT_FLUSH only asks; 26 is padding.
    apart(24),
    apart(26),
];

/// `IFLA_BRIDGE_*` of a link: VLANs stand apart.
const SPEC: &[Spec] = &[
    // IFLA_BRIDGE_FLAGS: whether the link or its bridge answered.
    apart(0),
    set(
        1,
        "hwmode",
        Form::Word(Width::Two, &[(0, "veb"), (1, "vepa"), (0xffff, "undefined")]),
    ),
    apart(vlan::VLAN_INFO),
    apart(vlan::TUNNEL_INFO),
    set(4, "mrp", Form::Bytes),
    set(5, "cfm", Form::Bytes),
    // IFLA_BRIDGE_MST: the state of each tree.
    moves(6, "mst", Form::Bytes),
];

pub(super) fn port(raw: &HostRaw, payload: &[u8], found: &mut Found) -> Result<(), Fault> {
    // `struct ifinfomsg`.
    let mut header = Fields::new(payload, "struct ifinfomsg");
    let (_family_and_type, index) = (header.u32()?, header.u32()?);
    let (_flags, _change) = (header.u32()?, header.u32()?);
    let all = whole(attrs(header.rest()))?;
    let device = raw.named(index)?;
    let master = find(&all, MASTER)
        .map(|attr| attr.ne32("IFLA_MASTER"))
        .transpose()?;
    if let Some(address) = find(&all, ADDRESS) {
        found.own.insert(index, (address.value.to_vec(), master));
    }
    let nested = |kind: u16| -> Result<Vec<Attr<'_>>, Fault> {
        Ok(find(&all, kind).map_or(Ok(Vec::new()), |attr| whole(attr.nested()))?)
    };
    let spec = nested(AF_SPEC)?;
    vlan::listed(&device, &spec, found)?;
    let mut told = decode(raw, PORT, &nested(PROTINFO)?)?;
    let more = decode(raw, SPEC, &spec)?;
    told.config.extend(more.config);
    told.runtime.extend(more.runtime);
    told.other.extend(more.other);
    // A bridge lists itself for its VLANs, and says no more than its link does.
    if told.config.is_empty() && told.runtime.is_empty() && told.other.is_empty() {
        return Ok(());
    }
    let mut key = vec![device];
    if let Some(master) = master.filter(|master| *master != index) {
        key.insert(0, raw.named(master)?);
    }
    found.config.push(Fact {
        properties: told.config,
        other: told.other,
        ..Fact::new("port", key.clone())
    });
    found.runtime.push(Fact {
        properties: told.runtime,
        ..Fact::new("port", key)
    });
    Ok(())
}
