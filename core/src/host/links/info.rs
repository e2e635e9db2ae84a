//! `IFLA_INFO_DATA`: what a link's kind was told.

use serde::{Deserialize, Serialize};

use super::LinkRef;
use crate::bytes::Hex;
use crate::raw::attr::{Attr, Malformed};
use crate::raw::lift::{Fields, OpaqueAttribute, whole};

/// What a link's kind was told.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum InfoData {
    /// Nothing.
    #[default]
    None,
    /// A VLAN.
    Vlan(Vlan),
    /// Any other kind: its attributes, sorted by number, without those that are runtime.
    Attributes {
        /// The attributes.
        attributes: Vec<InfoAttribute>,
    },
}

/// `IFLA_VLAN_*`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Vlan {
    /// The VLAN's number.
    pub id: u16,
    /// Its EtherType: 0x8100 for 802.1Q, 0x88a8 for 802.1ad.
    pub protocol: u16,
    /// `VLAN_FLAG_*` of `linux/if_vlan.h`: 1 reorders headers, 2 is GVRP, 4 loose binding, 8 MVRP, 16 bridge binding.
    pub flags: u32,
    /// From a packet's priority to the VLAN's, sorted.
    pub egress: Vec<Mapping>,
    /// From the VLAN's priority to a packet's, sorted.
    pub ingress: Vec<Mapping>,
}

/// `struct ifla_vlan_qos_mapping`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mapping {
    /// Given.
    pub from: u32,
    /// Made of it.
    pub to: u32,
}

/// An attribute of a kind that is not decoded further.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InfoAttribute {
    /// `nla_type` without its flags.
    pub number: u16,
    /// The payload as the kernel gave it, unless it is a link's index.
    pub payload: Option<Hex>,
    /// The link whose index it is.
    pub link: Option<LinkRef>,
}

/// What an attribute of a kind is.
enum Role {
    Config,
    Link,
    Runtime,
}

/// The attributes that are an index, a measurement or a timer, by kind (`linux/if_link.h`, `linux/if_tunnel.h`,
/// `linux/can/netlink.h`). A kind that is not listed is configuration whole: at worst a change is shown that is none.
fn role(kind: &str, number: u16) -> Role {
    match (kind, number) {
        ("vxlan", 3) | ("bond", 11) | ("hsr", 1 | 2 | 8) => Role::Link,
        (
            "gre" | "gretap" | "erspan" | "ip6gre" | "ip6gretap" | "ip6erspan" | "ipip" | "sit" | "ip6tnl"
            | "vti" | "vti6" | "xfrm",
            1,
        ) => Role::Link,
        // The active member, LACP's findings.
        ("bond", 2 | 23) => Role::Runtime,
        // Root and bridge id, costs, topology changes, timers; padding; the querier's state, the number of learned entries.
        ("bridge", 10..=19 | 40 | 47 | 48) => Role::Runtime,
        ("macvlan" | "macvtap", 8) | ("tun", 8 | 9) | ("hsr", 5) | ("can", 4 | 8) => Role::Runtime,
        _ => Role::Config,
    }
}

/// Configuration and runtime of `IFLA_INFO_DATA`; `resolve` says which link an index means.
pub(super) fn decode(
    kind: &str,
    attr: Attr<'_>,
    resolve: impl Fn(u32) -> LinkRef,
) -> Result<(InfoData, Vec<OpaqueAttribute>), Malformed> {
    let attrs = whole(attr.nested())?;
    let mut runtime = Vec::new();
    if let Some(vlan) = vlan(kind, &attrs)? {
        return Ok((InfoData::Vlan(vlan), runtime));
    }
    let mut attributes = Vec::new();
    for attr in attrs {
        let (payload, link) = match role(kind, attr.kind) {
            Role::Config => (Some(Hex(attr.value.to_vec())), None),
            Role::Link => (None, index(attr)?.map(&resolve)),
            Role::Runtime => {
                runtime.push(attr.into());
                continue;
            }
        };
        attributes.push(InfoAttribute {
            number: attr.kind,
            payload,
            link,
        });
    }
    attributes.sort_by(|a, b| (a.number, &a.payload).cmp(&(b.number, &b.payload)));
    Ok((InfoData::Attributes { attributes }, runtime))
}

fn index(attr: Attr<'_>) -> Result<Option<u32>, Malformed> {
    let index = attr.ne32("the index of a link")?;
    Ok((index != 0).then_some(index))
}

/// A VLAN, unless it has an attribute that is not known.
fn vlan(kind: &str, attrs: &[Attr<'_>]) -> Result<Option<Vlan>, Malformed> {
    if kind != "vlan" {
        return Ok(None);
    }
    let mut vlan = Vlan::default();
    for attr in attrs {
        match attr.kind {
            1 => vlan.id = attr.ne16("IFLA_VLAN_ID")?,
            // The second word is the mask of a change and says nothing here.
            2 => vlan.flags = attr.ne32("IFLA_VLAN_FLAGS")?,
            3 => vlan.egress = mappings(*attr)?,
            4 => vlan.ingress = mappings(*attr)?,
            5 => vlan.protocol = attr.be16("IFLA_VLAN_PROTOCOL")?,
            _ => return Ok(None),
        }
    }
    Ok(Some(vlan))
}

fn mappings(attr: Attr<'_>) -> Result<Vec<Mapping>, Malformed> {
    let mut mappings = whole(attr.nested())?
        .into_iter()
        .map(|attr| {
            let mut fields = Fields::new(attr.value, "struct ifla_vlan_qos_mapping");
            Ok(Mapping {
                from: fields.u32()?,
                to: fields.u32()?,
            })
        })
        .collect::<Result<Vec<_>, Malformed>>()?;
    mappings.sort();
    Ok(mappings)
}
