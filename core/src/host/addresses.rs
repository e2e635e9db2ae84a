//! Addresses of the links, from `RTM_NEWADDR` messages (`linux/if_addr.h`).

use std::net::IpAddr;

use crate::bytes::Text;
use crate::facts::{Fact, Facts, Lifted, Value};
use crate::raw::attr::{Attr, Malformed, attrs};
use crate::raw::lift::{Fault, Fields, LiftError};
use crate::raw::{HostRaw, RawMessage};

/// The name of the part that holds the messages.
pub const SOURCE: &str = "addresses";

/// `RTM_NEWADDR`.
const NEW_ADDRESS: u16 = 20;
/// `sizeof(struct ifaddrmsg)`.
const HEADER: usize = 8;

// Attributes, `IFA_*`.
const ADDRESS: u16 = 1;
const LOCAL: u16 = 2;
const LABEL: u16 = 3;
const BROADCAST: u16 = 4;
const ANYCAST: u16 = 5;
const CACHE: u16 = 6;
const MULTICAST: u16 = 7;
const FLAGS: u16 = 8;
const METRIC: u16 = 9;
const PROTOCOL: u16 = 11;

/// `IFA_F_*` that someone sets, with the words of `ip address`.
const SET_FLAGS: [(u32, &str); 6] = [
    (0x02, "nodad"),
    (0x04, "optimistic"),
    (0x10, "home"),
    (0x100, "mngtmpaddr"),
    (0x200, "noprefixroute"),
    (0x400, "autojoin"),
];

/// `IFA_F_*` that the kernel sets and clears by itself. What `0x01` and `0x80` say follows from the order and the lifetime.
const STATE_FLAGS: [(u32, &str); 6] = [
    (TEMPORARY, "secondary"),
    (0x08, "dadfailed"),
    (0x20, "deprecated"),
    (0x40, "tentative"),
    (0x80, "permanent"),
    (0x800, "stable-privacy"),
];

/// `IFA_F_TEMPORARY`, which is `IFA_F_SECONDARY` where the family is IPv4.
const TEMPORARY: u32 = 0x01;
const AF_INET6: u8 = 10;

/// A lifetime without an end (`INFINITY_LIFE_TIME`).
const FOREVER: u32 = u32::MAX;

/// Decodes the messages of a dump of addresses.
///
/// # Errors
/// Where a message is malformed, of another type, or names a link that is not there.
pub fn lift(raw: &HostRaw) -> Result<Lifted, LiftError> {
    let mut config = Vec::new();
    let mut runtime = Vec::new();
    let mut gaps = Vec::new();
    for (position, message) in raw.messages(SOURCE, "address", &mut gaps)?.iter().enumerate() {
        if message.message_type != NEW_ADDRESS {
            return Err(LiftError::Type {
                position,
                message_type: message.message_type,
            });
        }
        let (set, state) = address(raw, message).map_err(|fault| fault.at(position))?;
        config.extend(set);
        runtime.push(state);
    }
    Ok(Lifted {
        config: Facts::new(config),
        runtime: Facts::new(runtime),
        gaps,
        ..Lifted::default()
    })
}

/// What the attributes of one message say.
#[derive(Debug, Default)]
struct Read {
    address: Option<IpAddr>,
    local: Option<IpAddr>,
    broadcast: Option<IpAddr>,
    special: Option<(&'static str, IpAddr)>,
    label: Option<Text>,
    flags: Option<u32>,
    metric: Option<u32>,
    protocol: Option<u8>,
    lifetimes: Option<[u32; 2]>,
}

/// What is set, and its state. Of a temporary address (RFC 8981), which the kernel makes and replaces, nothing is set.
fn address(raw: &HostRaw, message: &RawMessage) -> Result<(Option<Fact>, Fact), Fault> {
    let bytes = message.payload.0.as_slice();
    let mut header = Fields::new(bytes, "struct ifaddrmsg");
    let (family, length, flags, scope) = (header.u8()?, header.u8()?, header.u8()?, header.u8()?);
    let device = raw.named(header.u32()?)?;
    let mut read = Read::default();
    let mut other = Vec::new();
    for attr in attrs(bytes.get(HEADER..).unwrap_or_default()) {
        let attr = attr?;
        if !read.take(attr)? {
            other.push(attr.into());
        }
    }
    let missing = Malformed::Missing { what: "IFA_ADDRESS" };
    let own = read
        .local
        .or(read.address)
        .or(read.special.map(|(_, address)| address));
    let own = own.ok_or(missing)?;
    let flags = read.flags.unwrap_or(flags.into());
    let key = vec![device.clone(), Text::from(format!("{own}/{length}"))];
    let mut config = Fact::new("address", key.clone())
        .with_some("type", read.special.map(|(word, _)| Value::word(word)))
        .with_some("peer", read.peer().map(Value::word))
        .with_some("brd", read.broadcast.map(Value::word))
        .with("scope", Value::word(scope_word(scope)))
        // A label that is the link's name says nothing.
        .with_some(
            "label",
            read.label.filter(|label| *label != device).map(Value::Text),
        )
        .with_some("metric", read.metric.map(Value::number))
        .with_some(
            "proto",
            read.protocol.filter(|proto| *proto != 0).map(Value::number),
        );
    for (bit, word) in SET_FLAGS {
        config = config.with_flag(word, flags & bit != 0);
    }
    let known = SET_FLAGS
        .iter()
        .chain(&STATE_FLAGS)
        .fold(0, |all, (bit, _)| all | bit);
    let unknown = flags & !known;
    config = config.with_some("flags", (unknown != 0).then(|| Value::number(unknown)));
    // Whether it ends by itself is part of how it was set; when it does is not.
    config = config.with_flag(
        "dynamic",
        read.lifetimes.is_some_and(|[_, valid]| valid != FOREVER),
    );
    config.other = other;
    let is_ipv6 = family == AF_INET6;
    let state = state(key, flags, is_ipv6, read.lifetimes);
    let temporary = is_ipv6 && flags & TEMPORARY != 0;
    Ok(((!temporary).then_some(config), state))
}

/// What the kernel changes by itself.
fn state(key: Vec<Text>, flags: u32, is_ipv6: bool, lifetimes: Option<[u32; 2]>) -> Fact {
    let mut state = Fact::new("address", key);
    for (bit, word) in STATE_FLAGS {
        let word = if bit == TEMPORARY && is_ipv6 {
            "temporary"
        } else {
            word
        };
        state = state.with_flag(word, flags & bit != 0);
    }
    let lifetime = |seconds: u32| (seconds != FOREVER).then(|| Value::number(seconds));
    let [preferred, valid] = lifetimes.unwrap_or([FOREVER; 2]);
    state
        .with_some("valid_lft", lifetime(valid))
        .with_some("preferred_lft", lifetime(preferred))
}

impl Read {
    /// Takes an attribute; false if this version does not know it.
    fn take(&mut self, attr: Attr<'_>) -> Result<bool, Malformed> {
        match attr.kind {
            ADDRESS => self.address = Some(attr.ip("IFA_ADDRESS")?),
            LOCAL => self.local = Some(attr.ip("IFA_LOCAL")?),
            BROADCAST => self.broadcast = Some(attr.ip("IFA_BROADCAST")?),
            ANYCAST => self.special = Some(("anycast", attr.ip("IFA_ANYCAST")?)),
            MULTICAST => self.special = Some(("multicast", attr.ip("IFA_MULTICAST")?)),
            LABEL => self.label = Some(attr.text()),
            FLAGS => self.flags = Some(attr.ne32("IFA_FLAGS")?),
            METRIC => self.metric = Some(attr.ne32("IFA_RT_PRIORITY")?),
            PROTOCOL => self.protocol = Some(attr.u8("IFA_PROTO")?),
            CACHE => {
                let mut cache = Fields::new(attr.value, "struct ifa_cacheinfo");
                self.lifetimes = Some([cache.u32()?, cache.u32()?]);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The other end of a point-to-point link.
    fn peer(&self) -> Option<IpAddr> {
        self.local
            .and(self.address)
            .filter(|far| Some(*far) != self.local)
    }
}

fn scope_word(scope: u8) -> String {
    match scope {
        0 => "global".to_owned(),
        200 => "site".to_owned(),
        253 => "link".to_owned(),
        254 => "host".to_owned(),
        255 => "nowhere".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
