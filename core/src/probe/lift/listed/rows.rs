//! One row of `ip -j` as the message that the kernel would send.

use serde_json::{Map, Value};

use super::index;
use crate::probe::values::{Message, address, hardware};
use crate::raw::LinkName;

/// A row whose words are taken out one by one, so that none is left unread.
struct Row(Map<String, Value>);

impl Row {
    fn of(row: &Value) -> Result<Self, String> {
        match row {
            Value::Object(map) => Ok(Self(map.clone())),
            other => Err(other.to_string()),
        }
    }

    fn text(&mut self, key: &str) -> Result<Option<String>, String> {
        match self.0.remove(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(format!("{key} {other}")),
        }
    }

    fn number(&mut self, key: &str) -> Result<Option<u64>, String> {
        match self.0.remove(key) {
            None => Ok(None),
            Some(value) => value.as_u64().map(Some).ok_or_else(|| format!("{key} {value}")),
        }
    }

    /// `null` and `true` stand for being there.
    fn flag(&mut self, key: &str) -> Result<bool, String> {
        match self.0.remove(key) {
            None => Ok(false),
            Some(Value::Null | Value::Bool(true)) => Ok(true),
            Some(other) => Err(format!("{key} {other}")),
        }
    }

    fn words(&mut self, key: &str) -> Result<Vec<String>, String> {
        let Some(value) = self.0.remove(key) else {
            return Ok(Vec::new());
        };
        let words = value.as_array().and_then(|all| {
            let words = all.iter().map(|word| word.as_str().map(str::to_owned));
            words.collect::<Option<Vec<_>>>()
        });
        words.ok_or_else(|| format!("{key} {value}"))
    }

    /// The bits of words, all of which must be known.
    fn bits(&mut self, key: &str, known: &[(&str, u16)]) -> Result<u16, String> {
        let words = self.words(key)?;
        words.iter().try_fold(0, |bits, word| {
            let found = known.iter().find(|(name, _)| name == word);
            found
                .map(|(_, bit)| bits | bit)
                .ok_or_else(|| format!("{key} {word}"))
        })
    }

    /// The bytes of an address.
    fn address(&mut self, key: &str) -> Result<Option<Vec<u8>>, String> {
        let parsed = |text: String| address(&text).ok_or_else(|| format!("{key} {text}"));
        self.text(key)?.map(parsed).transpose()
    }

    /// A number of eight bits that `ip -N` prints as a word.
    fn small(&mut self, key: &str) -> Result<u8, String> {
        let parsed = |text: String| text.parse().map_err(|_| format!("{key} {text}"));
        self.text(key)?.map_or(Ok(0), parsed)
    }

    /// The index of a link of this host.
    fn device(&mut self, links: &[LinkName]) -> Result<Option<u32>, String> {
        let found = |name: String| index(links, &name).ok_or_else(|| format!("dev {name}, which is no link"));
        self.text("dev")?.map(found).transpose()
    }

    /// Nothing may be left.
    fn end(self) -> Result<(), String> {
        match self.0.into_iter().next() {
            None => Ok(()),
            Some((key, value)) => Err(format!("{key} {value}")),
        }
    }
}

/// `AF_INET` or `AF_INET6`, by the bytes of an address.
fn family(address: &[u8]) -> u8 {
    if address.len() == 4 { 2 } else { 10 }
}

/// `NUD_*`.
const STATES: &[(&str, u16)] = &[
    ("NONE", 0),
    ("INCOMPLETE", 0x01),
    ("REACHABLE", 0x02),
    ("STALE", 0x04),
    ("DELAY", 0x08),
    ("PROBE", 0x10),
    ("FAILED", 0x20),
    ("NOARP", 0x40),
    ("PERMANENT", 0x80),
];
/// `NTF_*` in the words of `ip neighbour`.
const FLAGS: [(&str, u8); 4] = [
    ("proxy", 0x08),
    ("extern_learn", 0x10),
    ("offload", 0x20),
    ("router", 0x80),
];
/// `NTF_EXT_*`.
const MORE_FLAGS: [(&str, u32); 2] = [("managed", 1), ("extern_valid", 4)];

/// `struct ndmsg`. `vouched` is false for a tool that does not show who vouches for what was learnt.
pub(super) fn neighbour(
    row: &Value,
    proxied: bool,
    links: &[LinkName],
    vouched: bool,
) -> Result<Vec<u8>, String> {
    let mut row = Row::of(row)?;
    let destination = row.address("dst")?.ok_or("an entry without an address")?;
    let device = row.device(links)?;
    if device.is_none() && !proxied {
        return Err("an entry without a device".to_owned());
    }
    let lladdr = row.text("lladdr")?;
    let lladdr = match &lladdr {
        Some(text) => Some(hardware(text).ok_or_else(|| format!("lladdr {text}"))?),
        None => None,
    };
    let mut flags = 0;
    for (word, bit) in FLAGS {
        flags |= if row.flag(word)? { bit } else { 0 };
    }
    let mut more = 0;
    for (word, bit) in MORE_FLAGS {
        more |= if row.flag(word)? { bit } else { 0 };
    }
    if (flags & 0x08 != 0) != proxied {
        return Err("an entry of the other list".to_owned());
    }
    if flags & 0x10 != 0 && !vouched {
        return Err("extern_learn, of which this tool does not show all".to_owned());
    }
    let state = row.bits("state", STATES)?;
    let protocol = row.small("protocol")?;
    row.end()?;
    let mut header = vec![family(&destination), 0, 0, 0];
    header.extend(device.unwrap_or(0).to_ne_bytes());
    header.extend(state.to_ne_bytes());
    header.extend([flags, 0]);
    Ok(Message::new(&header)
        .attribute(1, &destination)
        .some(2, lladdr)
        .some(12, (protocol != 0).then(|| vec![protocol]))
        .some(15, (more != 0).then(|| more.to_ne_bytes().to_vec()))
        .bytes())
}

/// `RTNH_F_*` in the words of `ip`.
const NEXTHOP_FLAGS: &[(&str, u16)] = &[
    ("dead", 1),
    ("pervasive", 2),
    ("onlink", 4),
    ("offload", 8),
    ("linkdown", 16),
    ("unresolved", 32),
    ("trap", 64),
];

/// `struct nhmsg`. `groups` is false for a tool that does not show all of a group.
pub(super) fn nexthop(row: &Value, links: &[LinkName], groups: bool) -> Result<Vec<u8>, String> {
    let mut row = Row::of(row)?;
    let id = row
        .number("id")?
        .and_then(|id| u32::try_from(id).ok())
        .ok_or("an object without id")?;
    let gateway = row.address("gateway")?;
    let device = row.device(links)?;
    let (blackhole, fdb) = (row.flag("blackhole")?, row.flag("fdb")?);
    let group = row.0.remove("group").map(|group| members(&group)).transpose()?;
    if group.is_some() && !groups {
        return Err("a group, of which this tool does not show all".to_owned());
    }
    let (scope, protocol) = (row.small("scope")?, row.small("protocol")?);
    let flags = row.bits("flags", NEXTHOP_FLAGS)?;
    row.end()?;
    let mut header = vec![gateway.as_deref().map_or(0, family), scope, protocol, 0];
    header.extend(u32::from(flags).to_ne_bytes());
    Ok(Message::new(&header)
        .attribute(1, &id.to_ne_bytes())
        .some(2, group)
        .some(4, blackhole.then(Vec::new))
        .some(5, device.map(|device| device.to_ne_bytes().to_vec()))
        .some(6, gateway)
        .some(11, fdb.then(Vec::new))
        .bytes())
}

/// `struct nexthop_grp`: a number and a weight less one, in two bytes that stand apart.
fn members(group: &Value) -> Result<Vec<u8>, String> {
    let all = group.as_array().ok_or_else(|| format!("group {group}"))?;
    let mut out = Vec::new();
    for member in all {
        let mut row = Row::of(member)?;
        let id = row.number("id")?.and_then(|id| u32::try_from(id).ok());
        let weight = row.number("weight")?.unwrap_or(1).checked_sub(1);
        let weight = weight.and_then(|weight| u16::try_from(weight).ok());
        row.end()?;
        let (id, weight) = id.zip(weight).ok_or_else(|| format!("group {member}"))?;
        out.extend(id.to_ne_bytes());
        out.extend(weight.to_le_bytes());
        out.extend([0, 0]);
    }
    Ok(out)
}

/// `MPTCP_PM_ADDR_FLAG_*` in the words of `ip mptcp`.
const ENDPOINT_FLAGS: [(&str, u32); 6] = [
    ("signal", 1),
    ("subflow", 2),
    ("backup", 4),
    ("fullmesh", 8),
    ("implicit", 16),
    ("laminar", 32),
];
/// `sizeof(struct genlmsghdr)`, of which nothing is read.
const GENERIC: [u8; 4] = [0; 4];

/// `MPTCP_PM_ATTR_ADDR`.
pub(super) fn endpoint(row: &Value, links: &[LinkName]) -> Result<Vec<u8>, String> {
    let mut row = Row::of(row)?;
    let address = row.address("address")?.ok_or("an endpoint without an address")?;
    let port = row
        .number("port")?
        .map(|port| u16::try_from(port).map_err(|_| format!("port {port}")));
    let port = port.transpose()?;
    let id = row
        .number("id")?
        .map(|id| u8::try_from(id).map_err(|_| format!("id {id}")));
    let id = id.transpose()?;
    let device = row.device(links)?;
    let mut flags = 0;
    for (word, bit) in ENDPOINT_FLAGS {
        flags |= if row.flag(word)? { bit } else { 0 };
    }
    row.end()?;
    let kind = if address.len() == 4 { 3 } else { 4 };
    let nested = Message::new(&[])
        .attribute(1, &u16::from(family(&address)).to_ne_bytes())
        .some(2, id.map(|id| vec![id]))
        .attribute(kind, &address)
        .some(5, port.map(|port| port.to_ne_bytes().to_vec()))
        .attribute(6, &flags.to_ne_bytes())
        .some(7, device.map(|device| device.to_ne_bytes().to_vec()))
        .bytes();
    Ok(Message::new(&GENERIC).attribute(1, &nested).bytes())
}

/// `add_addr_accepted 0 subflows 2`.
pub(super) fn limits(text: &str) -> Option<Vec<u8>> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let ["add_addr_accepted", accepted, "subflows", subflows] = words.as_slice() else {
        return None;
    };
    let (accepted, subflows): (u32, u32) = (accepted.parse().ok()?, subflows.parse().ok()?);
    let message = Message::new(&GENERIC)
        .attribute(2, &accepted.to_ne_bytes())
        .attribute(3, &subflows.to_ne_bytes());
    Some(message.bytes())
}
