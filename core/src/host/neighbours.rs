//! Neighbours, from `RTM_NEWNEIGH` messages (`linux/neighbour.h`).
//!
//! Configuration is what somebody sets: permanent and proxied entries, those that a control plane brought or wants kept, and
//! those that are used without asking. The kernel makes entries of that last kind too, for multicast and broadcast and on links
//! that never ask; they, and all that it learns, are runtime.

use std::net::IpAddr;

use super::routes::words;
use crate::bytes::Text;
use crate::facts::attributes::{Form, Spec, Width, apart, bits, decode, moves, set};
use crate::facts::{Fact, Facts, Lifted, Value};
use crate::raw::HostRaw;
use crate::raw::attr::{Attr, Malformed, attrs, take_at};
use crate::raw::lift::{Fault, Fields, LiftError, whole};

/// The part that holds the entries.
pub const ENTRIES: &str = "neighbours";
/// The part that holds what is answered for others.
pub const PROXIES: &str = "proxied neighbours";
/// The part that holds the links, whose flags tell which entries the kernel made.
pub const LINKS: &str = "links";

/// `RTM_NEWNEIGH`.
const NEW_NEIGHBOUR: u16 = 28;
/// `RTM_NEWLINK`.
const NEW_LINK: u16 = 16;
/// `IFF_LOOPBACK`, `IFF_POINTOPOINT`, `IFF_NOARP`: links on which the kernel never asks.
const NEVER_ASKS: u32 = 0x8 | 0x10 | 0x80;

/// `NUD_*`.
const STATES: &[(u64, &str)] = &[
    (0x01, "incomplete"),
    (0x02, "reachable"),
    (0x04, "stale"),
    (0x08, "delay"),
    (0x10, "probe"),
    (0x20, "failed"),
    (0x40, "noarp"),
    (0x80, "permanent"),
];
const NOARP: u16 = 0x40;
const PERMANENT: u16 = 0x80;

/// `NTF_*`.
const FLAGS: &[(u64, &str)] = &[
    (0x01, "use"),
    (0x02, "self"),
    (0x04, "master"),
    (0x08, "proxy"),
    (0x10, "extern_learn"),
    (0x40, "sticky"),
    (0x80, "router"),
];
const PROXY: u8 = 0x08;
const EXTERN_LEARN: u8 = 0x10;
const OFFLOADED: u8 = 0x20;
/// `NTF_EXT_MANAGED` and its kin.
const MORE_FLAGS: &[(u64, &str)] = &[(1, "managed"), (2, "locked"), (4, "extern_valid")];
const MANAGED: u32 = 1;

// NDA_*.
const DST: u16 = 1;
const LLADDR: u16 = 2;
const FLAGS_EXT: u16 = 15;

const ATTRIBUTES: &[Spec] = &[
    apart(DST),
    set(LLADDR, "lladdr", Form::Mac),
    // NDA_CACHEINFO and NDA_PROBES: times and tries.
    moves(3, "cache", Form::Bytes),
    moves(4, "probes", Form::U32),
    set(12, "proto", Form::Other(protocol)),
    set(FLAGS_EXT, "more", Form::Bits(Width::Four, MORE_FLAGS)),
];

/// Decodes the dumps of neighbours, proxies and links.
///
/// # Errors
/// Where a message is malformed, of another type, or names a link that is not there.
pub fn lift(raw: &HostRaw) -> Result<Lifted, LiftError> {
    let (mut config, mut runtime, mut gaps) = (Vec::new(), Vec::new(), Vec::new());
    let mut silent = Vec::new();
    raw.each((LINKS, "neighbour"), &[NEW_LINK], &mut gaps, |payload| {
        // `struct ifinfomsg`.
        let index = u32::from_ne_bytes(take_at(payload, 4, "struct ifinfomsg")?);
        let flags = u32::from_ne_bytes(take_at(payload, 8, "struct ifinfomsg")?);
        if flags & NEVER_ASKS != 0 {
            silent.push(index);
        }
        Ok(())
    })?;
    for source in [ENTRIES, PROXIES] {
        raw.each((source, "neighbour"), &[NEW_NEIGHBOUR], &mut gaps, |payload| {
            let (set, state) = neighbour(raw, payload, &silent)?;
            config.extend(set);
            runtime.push(state);
            Ok(())
        })?;
    }
    Ok(Lifted {
        config: Facts::new(config),
        runtime: Facts::new(runtime),
        gaps,
        ..Lifted::default()
    })
}

fn neighbour(raw: &HostRaw, payload: &[u8], silent: &[u32]) -> Result<(Option<Fact>, Fact), Fault> {
    // `struct ndmsg`.
    let mut header = Fields::new(payload, "struct ndmsg");
    let (_family, _) = (header.u8()?, header.u8()?);
    let _padding = header.u16()?;
    let index = header.u32()?;
    let (state, flags, _type) = (header.u16()?, header.u8()?, header.u8()?);
    let all = whole(attrs(header.rest()))?;
    let find = |kind: u16| all.iter().copied().find(|attr| attr.kind == kind);
    let address = find(DST)
        .ok_or(Malformed::Missing { what: "NDA_DST" })?
        .ip("NDA_DST")?;
    let device = match index {
        // A proxied address may be answered for on every link.
        0 => Text::from("*"),
        index => raw.named(index)?,
    };
    let more = find(FLAGS_EXT)
        .map(|attr| attr.ne32("NDA_FLAGS_EXT"))
        .transpose()?;
    let proxied = flags & PROXY != 0;
    let set = proxied
        || state & PERMANENT != 0
        || flags & EXTERN_LEARN != 0
        || more.unwrap_or(0) & MANAGED != 0
        || (state & NOARP != 0 && !silent.contains(&index) && !made_by_itself(address, find(LLADDR)));
    let decoded = decode(raw, ATTRIBUTES, &all)?;
    let key = vec![device, Text::from(address.to_string())];
    let kind = if proxied { "proxy" } else { "neighbour" };
    let mut runtime = Fact::new(kind, key.clone())
        .with_some("state", (state != 0).then(|| bits(state.into(), STATES)))
        .with_flag("offload", flags & OFFLOADED != 0);
    runtime.properties.extend(decoded.runtime);
    let flags = flags & !(OFFLOADED | PROXY);
    let lasting = state & (NOARP | PERMANENT);
    let mut config = Fact::new(kind, key)
        .with_some("nud", (lasting != 0).then(|| bits(lasting.into(), STATES)))
        .with_some("flags", (flags != 0).then(|| bits(flags.into(), FLAGS)));
    // A managed or learnt entry's hardware address is found out; a lasting one's is given.
    let told = |name: &str| lasting != 0 || flags & EXTERN_LEARN != 0 || name != "lladdr";
    let (given, found): (Vec<_>, Vec<_>) = decoded.config.into_iter().partition(|one| told(&one.name));
    config.properties.extend(given);
    config.other = decoded.other;
    if set {
        runtime.properties.extend(found);
        return Ok((Some(config), runtime));
    }
    // What the kernel learnt: everything about it is runtime.
    runtime.properties.extend(found);
    runtime.properties.extend(config.properties);
    runtime.other = config.other;
    Ok((None, runtime))
}

/// Whether the kernel itself never asks for such an address.
fn made_by_itself(address: IpAddr, lladdr: Option<Attr<'_>>) -> bool {
    let everyone = lladdr.is_none_or(|attr| attr.value.iter().all(|byte| *byte == 0xff));
    address.is_multicast() || everyone
}

fn protocol(_: &HostRaw, bytes: &[u8]) -> Result<Option<Value>, Fault> {
    let mut fields = Fields::new(bytes, "NDA_PROTOCOL");
    let protocol = Value::Word(words::protocol(fields.u8()?));
    Ok(fields.rest().is_empty().then_some(protocol))
}

#[cfg(test)]
mod tests;
