//! What a reader got from the kernel, before any decoding: kept beside the decoded form, so that a later decoder can read
//! an older snapshot again.

use serde::{Deserialize, Serialize};

use crate::bytes::{Big, Hex, Text};
use crate::netfilter::model::Family;
use crate::section::Gap;

pub mod attr;
#[cfg(test)]
pub(crate) mod captured;
pub mod lift;
#[cfg(test)]
mod tests;

use lift::{Fault, LiftError};

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
    /// What a section of facts is made of.
    Host(HostRaw),
}

/// Netlink messages in the order received, and the names of the links that their indexes mean.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NetlinkRaw {
    /// Interface index to name, read in the same pass; indexes never reach a configuration.
    pub links: Vec<LinkName>,
    /// Number to name of the ipsets, where a rule may hold one; numbers never reach a configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sets: Vec<SetName>,
    /// Number to path of the control groups, where a rule may hold one; numbers never reach a configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupName>,
    /// The messages.
    pub messages: Vec<RawMessage>,
}

impl NetlinkRaw {
    /// The path of the control group with this number.
    pub fn group_path(&self, number: u64) -> Option<&Text> {
        let mut found = self.groups.iter().filter(|group| group.number.0 == number);
        found.next().map(|group| &group.path)
    }

    /// The name of the link with this index.
    pub fn link_name(&self, index: u32) -> Option<&Text> {
        self.links
            .iter()
            .find(|link| link.index == index)
            .map(|link| &link.name)
    }
}

/// What the reader of a section of facts got, part by part.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HostRaw {
    /// Interface index to name, read in the same pass; indexes never reach a configuration.
    pub links: Vec<LinkName>,
    /// In the order in which they were asked for.
    pub parts: Vec<HostPart>,
}

impl HostRaw {
    /// What came of the part of this name.
    pub fn part(&self, source: &str) -> Option<&PartRead> {
        let mut named = self.parts.iter().filter(|part| part.source == source);
        named.next().map(|part| &part.read)
    }

    /// The messages of a part: none where the mechanism is not there. Where it could not be read, that is a gap at `path`.
    ///
    /// # Errors
    /// Where there is no such part, or it is a file.
    pub fn messages(
        &self,
        source: &str,
        path: &str,
        gaps: &mut Vec<Gap>,
    ) -> Result<&[RawMessage], LiftError> {
        match self.part(source) {
            Some(PartRead::Messages { messages }) => Ok(messages),
            Some(PartRead::Absent { .. }) => Ok(&[]),
            Some(PartRead::Unreadable { why }) => {
                gaps.push(gap(path, why));
                Ok(&[])
            }
            Some(PartRead::File { .. }) => Err(wrong(source, "a file where messages belong")),
            None => Err(wrong(source, "it was not asked for")),
        }
    }

    /// The content of a file: `None` where there is none. Where it could not be read, that is a gap at `path`.
    ///
    /// # Errors
    /// Where there is no such part, or it is messages.
    pub fn file(&self, source: &str, path: &str, gaps: &mut Vec<Gap>) -> Result<Option<&Text>, LiftError> {
        match self.part(source) {
            Some(PartRead::File { content }) => Ok(Some(content)),
            Some(PartRead::Absent { .. }) => Ok(None),
            Some(PartRead::Unreadable { why }) => {
                gaps.push(gap(path, why));
                Ok(None)
            }
            Some(PartRead::Messages { .. }) => Err(wrong(source, "messages where a file belongs")),
            None => Err(wrong(source, "it was not asked for")),
        }
    }

    /// Hands each message of a part to `take`, which must be of one of these types. What could not be read is a gap at `path`.
    pub(crate) fn each<'a>(
        &'a self,
        (source, path): (&str, &str),
        types: &[u16],
        gaps: &mut Vec<Gap>,
        mut take: impl FnMut(&'a [u8]) -> Result<(), Fault>,
    ) -> Result<(), LiftError> {
        for (position, message) in self.messages(source, path, gaps)?.iter().enumerate() {
            if !types.contains(&message.message_type) {
                return Err(LiftError::Type {
                    position,
                    message_type: message.message_type,
                });
            }
            take(&message.payload.0).map_err(|fault| fault.at(position))?;
        }
        Ok(())
    }

    /// The name of a link that must be known.
    pub(crate) fn named(&self, index: u32) -> Result<Text, Fault> {
        self.link_name(index).cloned().ok_or(Fault::NoLink(index))
    }

    /// The name of the link with this index.
    pub fn link_name(&self, index: u32) -> Option<&Text> {
        let mut found = self.links.iter().filter(|link| link.index == index);
        found.next().map(|link| &link.name)
    }
}

fn gap(path: &str, why: &str) -> Gap {
    Gap {
        path: path.to_owned(),
        why: why.to_owned(),
    }
}

fn wrong(part: &str, why: &str) -> LiftError {
    LiftError::Part {
        part: part.to_owned(),
        why: why.to_owned(),
    }
}

/// One request or file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostPart {
    /// What was asked for: a file's path, or a word of the section's own such as `addresses`.
    pub source: String,
    /// What came of it.
    pub read: PartRead,
}

/// What came of asking for a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum PartRead {
    /// Netlink messages, or structures that a system call filled in.
    Messages {
        /// In the kernel's order.
        messages: Vec<RawMessage>,
    },
    /// The content of a file.
    File {
        /// All of it.
        content: Text,
    },
    /// The mechanism is not there.
    Absent {
        /// How that is known.
        why: String,
    },
    /// Not read.
    Unreadable {
        /// What stood in the way, and what to do.
        why: String,
    },
}

/// One row of the index-to-name map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkName {
    /// The kernel's interface index.
    pub index: u32,
    /// The link's name.
    pub name: Text,
}

/// One row of the map from a set's number to its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetName {
    /// The kernel's number of an ipset (`ip_set_id_t`).
    pub index: u16,
    /// The set's name.
    pub name: Text,
}

/// One row of the map from a control group's number to its path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupName {
    /// The number that `cgroup_id` gives, which is the inode of its directory; it is drawn anew for each group that is made.
    pub number: Big,
    /// The path below the root of the hierarchy (cgroups(7), version 2), without a slash at its begin; empty for the root.
    pub path: Text,
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
    /// Number to name of the ipsets, where a rule may hold one; numbers never reach a configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sets: Vec<SetName>,
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
