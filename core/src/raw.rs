//! What a reader got from the kernel, before any decoding: kept beside the decoded form, so that a later decoder can read
//! an older snapshot again.

use serde::{Deserialize, Serialize};

use crate::bytes::{Hex, Text};
use crate::netfilter::model::Family;

pub mod attr;
#[cfg(test)]
pub(crate) mod captured;
pub mod lift;

/// The undecoded content of a section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Raw {
    /// Netlink messages.
    Netlink(NetlinkRaw),
    /// Tables read with `IPT_SO_GET_INFO` and `IPT_SO_GET_ENTRIES`.
    Xtables(XtablesRaw),
    /// Tables read with `EBT_SO_GET_INFO` and `EBT_SO_GET_ENTRIES`.
    Ebtables(EbtablesRaw),
    /// Text that a save tool printed.
    Text(TextRaw),
}

/// Netlink messages in the order received, and the names of the links that their indexes mean.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NetlinkRaw {
    /// Interface index to name, read in the same pass; indexes never reach a configuration.
    pub links: Vec<LinkName>,
    /// The messages.
    pub messages: Vec<RawMessage>,
}

impl NetlinkRaw {
    /// The name of the link with this index.
    pub fn link_name(&self, index: u32) -> Option<&Text> {
        self.links
            .iter()
            .find(|link| link.index == index)
            .map(|link| &link.name)
    }
}

/// One row of the index-to-name map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkName {
    /// The kernel's interface index.
    pub index: u32,
    /// The link's name.
    pub name: Text,
}

/// One netlink message without its `struct nlmsghdr`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawMessage {
    /// `nlmsg_type`.
    pub message_type: u16,
    /// What follows the header: the family's own header (`nfgenmsg`, `tcmsg`, `rtmsg`, `ifinfomsg`), then attributes.
    pub payload: Hex,
}

/// The tables of one legacy xtables family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct XtablesRaw {
    /// False for IPv4 (`struct ipt_entry`), true for IPv6 (`struct ip6t_entry`).
    pub ipv6: bool,
    /// True for the tables of arptables (`struct arpt_entry`); left out where it is false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub arp: bool,
    /// In the order of the kernel's list of table names.
    pub tables: Vec<XtablesTable>,
}

impl XtablesRaw {
    /// The family of its tables.
    pub fn family(&self) -> Family {
        match (self.arp, self.ipv6) {
            (true, _) => Family::Arp,
            (false, true) => Family::Ip6,
            (false, false) => Family::Ip,
        }
    }
}

/// One legacy table as the kernel gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct XtablesTable {
    /// `filter`, `nat`, `mangle`, `raw` or `security`.
    pub name: Text,
    /// `struct ipt_getinfo` (`linux/netfilter_ipv4/ip_tables.h`), or `struct arpt_getinfo`, which has fewer hooks.
    pub info: Hex,
    /// The `entrytable` of `struct ipt_get_entries`: the entries, without the leading name and size.
    pub entries: Hex,
}

/// The tables of legacy ebtables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EbtablesRaw {
    /// By name.
    pub tables: Vec<EbtablesTable>,
}

/// One table of legacy ebtables as the kernel gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EbtablesTable {
    /// `filter`, `nat` or `broute`.
    pub name: Text,
    /// The first 48 bytes of `struct ebt_replace` (`linux/netfilter_bridge/ebtables.h`), up to its pointers: name, hooks,
    /// number of entries, their size.
    pub info: Hex,
    /// What `entries` points to.
    pub entries: Hex,
    /// What `counters` points to: one `struct ebt_counter` for each entry.
    pub counters: Hex,
}

/// What a save tool printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextRaw {
    /// The whole text.
    pub text: Text,
}
