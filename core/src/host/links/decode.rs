//! `struct ifinfomsg` and `IFLA_*`.

use super::{Link, LinkRef, LinkRuntime, LinkStatistics, flags, info};
use crate::bytes::{Big, Hex, Text};
use crate::raw::attr::{Attr, Malformed, attrs};
use crate::raw::lift::{Fault, Fields, LiftError, whole};
use crate::raw::{LinkName, RawMessage};

const NEW_LINK: u16 = 16;

const IFNAME: u16 = 3;
const LINK: u16 = 5;
const MASTER: u16 = 10;
const LINKINFO: u16 = 18;
const LINK_NETNSID: u16 = 37;

/// A message's header and attributes.
struct Message<'a> {
    hardware_type: u16,
    index: u32,
    flags: u32,
    attrs: Vec<Attr<'a>>,
}

impl<'a> Message<'a> {
    fn new(message: &'a RawMessage) -> Result<Self, Malformed> {
        let mut fields = Fields::new(&message.payload.0, "struct ifinfomsg");
        let _family_and_padding = fields.u16()?;
        let (hardware_type, index, flags) = (fields.u16()?, fields.u32()?, fields.u32()?);
        let _change = fields.u32()?;
        Ok(Self {
            hardware_type,
            index,
            flags,
            attrs: whole(attrs(fields.rest()))?,
        })
    }

    fn find(&self, kind: u16) -> Option<Attr<'a>> {
        self.attrs.iter().copied().find(|attr| attr.kind == kind)
    }

    fn name(&self) -> Result<Text, Malformed> {
        self.find(IFNAME)
            .map(|attr| attr.text())
            .ok_or(Malformed::Missing { what: "IFLA_IFNAME" })
    }
}

fn checked(message: &RawMessage, position: usize) -> Result<Message<'_>, LiftError> {
    if message.message_type != NEW_LINK {
        let message_type = message.message_type;
        return Err(LiftError::Type {
            position,
            message_type,
        });
    }
    Message::new(message).map_err(|source| LiftError::Malformed { position, source })
}

pub(super) fn name(message: &RawMessage, position: usize) -> Result<LinkName, LiftError> {
    let message = checked(message, position)?;
    let name = message
        .name()
        .map_err(|source| LiftError::Malformed { position, source })?;
    Ok(LinkName {
        index: message.index,
        name,
    })
}

pub(super) fn messages(
    messages: &[RawMessage],
    names: &[LinkName],
) -> Result<Vec<(Link, LinkRuntime)>, LiftError> {
    messages
        .iter()
        .enumerate()
        .map(|(position, message)| {
            link(&checked(message, position)?, names).map_err(|fault| fault.at(position))
        })
        .collect()
}

fn find_name(names: &[LinkName], index: u32) -> Option<&Text> {
    names
        .iter()
        .find(|link| link.index == index)
        .map(|link| &link.name)
}

fn link(message: &Message<'_>, names: &[LinkName]) -> Result<(Link, LinkRuntime), Fault> {
    let mut link = Link {
        name: message.name()?,
        hardware_type: message.hardware_type,
        admin_up: message.flags & flags::UP != 0,
        flags: flags::config(message.flags),
        ..Link::default()
    };
    let mut runtime = LinkRuntime {
        index: message.index,
        flags: flags::runtime(message.flags),
        ..LinkRuntime::default()
    };
    let elsewhere = message.find(LINK_NETNSID).is_some();
    let resolve = |index: u32| match find_name(names, index) {
        _ if elsewhere => LinkRef::OtherNamespace,
        Some(name) => LinkRef::Here { name: name.clone() },
        None => LinkRef::Gone,
    };
    for attr in &message.attrs {
        match attr.kind {
            LINK => {
                let index = attr.ne32("IFLA_LINK")?;
                link.parent = (index != 0 || elsewhere).then(|| resolve(index));
            }
            MASTER => link.master = master(attr.ne32("IFLA_MASTER")?, names)?,
            LINKINFO => link_info(&mut link, &mut runtime, *attr, resolve)?,
            _ if config(&mut link, *attr)? || state(&mut runtime, *attr)? || is_no_config(attr.kind) => {}
            _ => link.other.push((*attr).into()),
        }
    }
    link.alternative_names.sort();
    link.other.sort();
    Ok((link, runtime))
}

fn master(index: u32, names: &[LinkName]) -> Result<Option<Text>, Fault> {
    match index {
        0 => Ok(None),
        _ => find_name(names, index)
            .cloned()
            .map(Some)
            .ok_or(Fault::NoLink(index)),
    }
}

/// `IFLA_INFO_*`.
fn link_info(
    link: &mut Link,
    runtime: &mut LinkRuntime,
    attr: Attr<'_>,
    resolve: impl Fn(u32) -> LinkRef,
) -> Result<(), Malformed> {
    let attrs = whole(attr.nested())?;
    link.kind = attrs.iter().find(|attr| attr.kind == 1).map(Attr::text);
    let kind = link.kind.clone().unwrap_or_default();
    for attr in attrs {
        match attr.kind {
            2 => (link.data, runtime.data) = info::decode(kind.as_str().unwrap_or_default(), attr, &resolve)?,
            4 => link.member_kind = Some(attr.text()),
            5 => runtime.member_data = Some(Hex(attr.value.to_vec())),
            // 1 was read above; 3 is statistics.
            _ => {}
        }
    }
    Ok(())
}

/// Takes an attribute that is configuration; false if it is none.
fn config(link: &mut Link, attr: Attr<'_>) -> Result<bool, Malformed> {
    match attr.kind {
        IFNAME => {}
        1 => link.mac = address(attr),
        2 => link.broadcast = address(attr),
        4 => link.mtu = attr.ne32("IFLA_MTU")?,
        13 => link.queue_length_packets = Some(attr.ne32("IFLA_TXQLEN")?),
        17 => link.mode = mode(attr.u8("IFLA_LINKMODE")?),
        20 => link.alias = Some(attr.text()),
        27 => link.group = attr.ne32("IFLA_GROUP")?,
        31 => link.transmit_queues = Some(attr.ne32("IFLA_NUM_TX_QUEUES")?),
        32 => link.receive_queues = Some(attr.ne32("IFLA_NUM_RX_QUEUES")?),
        39 => link.protocol_down = attr.u8("IFLA_PROTO_DOWN")? != 0,
        40 => link.segmentation.gso_max_segments = Some(attr.ne32("IFLA_GSO_MAX_SEGS")?),
        41 => link.segmentation.gso_max_bytes = Some(attr.ne32("IFLA_GSO_MAX_SIZE")?),
        43 => link.xdp = xdp(attr)?,
        52 => {
            let names = whole(attr.nested())?;
            link.alternative_names
                .extend(names.iter().filter(|attr| attr.kind == 53).map(Attr::text));
        }
        58 => link.segmentation.gro_max_bytes = Some(attr.ne32("IFLA_GRO_MAX_SIZE")?),
        63 => link.segmentation.gso_ipv4_max_bytes = Some(attr.ne32("IFLA_GSO_IPV4_MAX_SIZE")?),
        64 => link.segmentation.gro_ipv4_max_bytes = Some(attr.ne32("IFLA_GRO_IPV4_MAX_SIZE")?),
        _ => return Ok(false),
    }
    Ok(true)
}

/// Takes an attribute that is runtime; false if it is none.
fn state(runtime: &mut LinkRuntime, attr: Attr<'_>) -> Result<bool, Malformed> {
    match attr.kind {
        6 => runtime.qdisc = Some(attr.text()),
        16 => runtime.operational_state = Some(operational(attr.u8("IFLA_OPERSTATE")?)),
        23 => runtime.statistics = Some(statistics(attr)?),
        30 => runtime.promiscuity = Some(attr.ne32("IFLA_PROMISCUITY")?),
        33 => runtime.carrier = Some(attr.u8("IFLA_CARRIER")? != 0),
        35 => runtime.carrier_changes = Some(attr.ne32("IFLA_CARRIER_CHANGES")?),
        LINK_NETNSID => runtime.parent_namespace = Some(attr.ne32("IFLA_LINK_NETNSID")?),
        47 => runtime.carrier_up_count = Some(attr.ne32("IFLA_CARRIER_UP_COUNT")?),
        48 => runtime.carrier_down_count = Some(attr.ne32("IFLA_CARRIER_DOWN_COUNT")?),
        50 => runtime.min_mtu = Some(attr.ne32("IFLA_MIN_MTU")?),
        51 => runtime.max_mtu = Some(attr.ne32("IFLA_MAX_MTU")?),
        54 => runtime.permanent_mac = address(attr),
        56 => runtime.device = Some(attr.text()),
        57 => runtime.bus = Some(attr.text()),
        61 => runtime.all_multicast = Some(attr.ne32("IFLA_ALLMULTI")?),
        _ => return Ok(false),
    }
    Ok(true)
}

/// Attributes that are known to be no configuration: 7 STATS repeats STATS64; 8 COST, 9 PRIORITY, 11 WIRELESS and 15 WEIGHT
/// are unused; 14 MAP, 34 PHYS_PORT_ID, 36 PHYS_SWITCH_ID, 38 PHYS_PORT_NAME, 59 and 60 TSO_MAX, 62 DEVLINK_PORT, 65
/// DPLL_PIN, 66 MAX_PACING_OFFLOAD_HORIZON, 67 NETNS_IMMUTABLE, 68 HEADROOM and 69 TAILROOM describe the device; 21 NUM_VF, 26 AF_SPEC (sysctls
/// and statistics) belong to other mechanisms; 29 EXT_MASK repeats the question; 42 is padding; 44 EVENT is of notices.
fn is_no_config(kind: u16) -> bool {
    matches!(
        kind,
        7..=9 | 11 | 14 | 15 | 21 | 26 | 29 | 34 | 36 | 38 | 42 | 44 | 59 | 60 | 62 | 65..=69
    )
}

/// Hardware addresses of any length; none for a link that has none.
fn address(attr: Attr<'_>) -> Option<String> {
    let bytes: Vec<_> = attr.value.iter().map(|byte| format!("{byte:02x}")).collect();
    (!bytes.is_empty()).then(|| bytes.join(":"))
}

fn mode(mode: u8) -> String {
    match mode {
        0 => "default".to_owned(),
        1 => "dormant".to_owned(),
        other => other.to_string(),
    }
}

/// `IF_OPER_*` of `linux/if.h`.
fn operational(state: u8) -> String {
    match state {
        0 => "unknown".to_owned(),
        1 => "notpresent".to_owned(),
        2 => "down".to_owned(),
        3 => "lowerlayerdown".to_owned(),
        4 => "testing".to_owned(),
        5 => "dormant".to_owned(),
        6 => "up".to_owned(),
        other => other.to_string(),
    }
}

/// `IFLA_XDP_*`: the mode, and for each mode the program's id, which is not taken.
fn xdp(attr: Attr<'_>) -> Result<Vec<String>, Malformed> {
    let mut modes = Vec::new();
    let mut attached = false;
    for attr in whole(attr.nested())? {
        match attr.kind {
            2 => attached = attr.u8("IFLA_XDP_ATTACHED")? != 0,
            5 => modes.push("driver".to_owned()),
            6 => modes.push("generic".to_owned()),
            7 => modes.push("hardware".to_owned()),
            _ => {}
        }
    }
    if attached && modes.is_empty() {
        modes.push("attached".to_owned());
    }
    modes.sort();
    Ok(modes)
}

/// `struct rtnl_link_stats64`.
fn statistics(attr: Attr<'_>) -> Result<LinkStatistics, Malformed> {
    let at = |field: usize| {
        let bytes = crate::raw::attr::take_at(attr.value, field * 8, "struct rtnl_link_stats64")?;
        Ok::<_, Malformed>(Big(u64::from_ne_bytes(bytes)))
    };
    Ok(LinkStatistics {
        rx_packets: at(0)?,
        tx_packets: at(1)?,
        rx_bytes: at(2)?,
        tx_bytes: at(3)?,
        rx_errors: at(4)?,
        tx_errors: at(5)?,
        rx_dropped: at(6)?,
        tx_dropped: at(7)?,
        multicast: at(8)?,
        collisions: at(9)?,
        rx_missed: at(15)?,
        tx_carrier_errors: at(17)?,
        rx_no_handler: at(23)?,
    })
}
