//! Sections whose tools print the kernel's own messages: `ip address save` and its kin, and `rtmon`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Outcome, Stop, blank, of_facts, part, ran, stopped, unreadable};
use crate::bytes::{Hex, Text};
use crate::host::{addresses, links, policy_rules, routes};
use crate::probe::parts::{Parts, Ran};
use crate::raw::{HostRaw, LinkName, NetlinkRaw, PartRead, Raw, RawMessage};
use crate::section::{Content, Section, SectionName, State};

/// The first four bytes of what `ip … save` prints, in the order of the host (iproute2, `ip/*.c`).
const ADDRESSES: u32 = 0x4736_1222;
const ROUTES: u32 = 0x4531_1224;
const RULES: u32 = 0x7170_6986;

/// `RTM_NEWLINK`, and what `rtmon` writes between: the time (`NLMSG_TSTAMP`).
const NEW_LINK: u16 = 16;
const TIME: u16 = 15;
/// The smallest number that is no control message (`NLMSG_MIN_TYPE`).
const LEAST_TYPE: u16 = 16;
/// `NLM_F_DUMP_INTR`: the list changed while it was made.
const INTERRUPTED: u16 = 0x10;
/// `sizeof(struct nlmsghdr)`.
const HEADER: usize = 16;

fn torn(why: &str) -> Stop {
    State::Torn { why: why.to_owned() }
}

/// One message behind the other, each with its header. None is left over, and none is of those that end or refuse a list.
fn messages(tool: &Text, bytes: &[u8]) -> Result<Vec<RawMessage>, Stop> {
    let malformed = || unreadable(format!("{tool} printed messages that are not whole"));
    let mut out = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (length, tail) = rest.split_first_chunk::<4>().ok_or_else(malformed)?;
        let (kind, tail) = tail.split_first_chunk::<2>().ok_or_else(malformed)?;
        let (flags, _) = tail.split_first_chunk::<2>().ok_or_else(malformed)?;
        let length = usize::try_from(u32::from_ne_bytes(*length)).map_err(|_| malformed())?;
        let payload = rest.get(HEADER..length).ok_or_else(malformed)?;
        if u16::from_ne_bytes(*flags) & INTERRUPTED != 0 {
            return Err(torn("the kernel says that it changed while it was listed"));
        }
        let message_type = u16::from_ne_bytes(*kind);
        if message_type != TIME {
            if message_type < LEAST_TYPE {
                return Err(malformed());
            }
            out.push(RawMessage {
                message_type,
                payload: Hex(payload.to_vec()),
            });
        }
        // The last may come without its padding.
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(out)
}

/// What `ip … save` printed.
fn saved(ran: &Ran, magic: u32) -> Result<Vec<RawMessage>, Stop> {
    match ran.output.split_first_chunk::<4>() {
        Some((first, rest)) if u32::from_ne_bytes(*first) == magic => messages(&ran.tool, rest),
        Some((first, _)) if u32::from_ne_bytes(*first).swap_bytes() == magic => Err(unreadable(
            "the host's processor has another order of bytes than the one that reads this",
        )),
        _ => Err(unreadable(format!("{} save printed something else", ran.tool))),
    }
}

/// The names of the links, which were the same before and after everything was read.
pub(super) fn names(parts: &Parts) -> Result<Vec<LinkName>, Stop> {
    let before = listed(ran(parts, "names-before")?)?;
    if listed(ran(parts, "names-after")?)? == before {
        return Ok(before);
    }
    Err(torn(
        "links came, went, or got other names while the host was read",
    ))
}

/// From `ip -j link`, sorted by index.
fn listed(ran: &Ran) -> Result<Vec<LinkName>, Stop> {
    let wrong = || unreadable(format!("{} -j link printed something else", ran.tool));
    let Ok(Value::Array(rows)) = serde_json::from_slice(&ran.output) else {
        return Err(wrong());
    };
    let row = |row: &Value| {
        let index = row.get("ifindex")?.as_u64()?;
        Some(LinkName {
            index: u32::try_from(index).ok()?,
            name: row.get("ifname")?.as_str()?.into(),
        })
    };
    let mut names = rows
        .iter()
        .map(row)
        .collect::<Option<Vec<_>>>()
        .ok_or_else(wrong)?;
    names.sort_by_key(|link| link.index);
    Ok(names)
}

/// The kernel's messages of all links: each link once, and no other.
pub(super) fn link_messages(parts: &Parts) -> Result<(Vec<RawMessage>, Vec<LinkName>), Stop> {
    let names = names(parts)?;
    let read = ran(parts, "links")?;
    let messages = messages(&read.tool, &read.output)?;
    if messages.iter().any(|message| message.message_type != NEW_LINK) {
        return Err(torn("a link went while the host was read"));
    }
    let told = links::names(&messages)
        .map_err(|error| unreadable(format!("cannot decode the links that rtmon wrote: {error}")))?;
    let distinct: BTreeSet<u32> = told.iter().map(|link| link.index).collect();
    if distinct.len() != told.len() {
        return Err(torn("a link changed while the host was read"));
    }
    if told != names {
        return Err(torn("rtmon wrote of other links than ip lists"));
    }
    Ok((messages, names))
}

fn undecoded(name: SectionName, error: &crate::raw::lift::LiftError) -> Stop {
    unreadable(format!("cannot decode {name}: {error}"))
}

pub(super) fn links(parts: &Parts) -> Outcome {
    let (messages, links) = link_messages(parts)?;
    let raw = NetlinkRaw {
        links,
        messages,
        ..NetlinkRaw::default()
    };
    let lifted = crate::host::links::lift(&raw).map_err(|error| undecoded(SectionName::Links, &error))?;
    Ok(Section {
        content: Some(Content::Links {
            config: lifted.config,
            runtime: lifted.runtime,
        }),
        raw: Some(Raw::Netlink(raw)),
        ..blank(SectionName::Links, State::Captured)
    })
}

pub(super) fn routes(parts: &Parts) -> Outcome {
    let links = names(parts)?;
    let mut messages = Vec::new();
    // `AF_INET` and `AF_INET6`: a kernel without a family lists the others instead.
    for (name, family) in [("ipv4-routes", 2), ("ipv6-routes", 10)] {
        let all = saved(ran(parts, name)?, ROUTES)?;
        messages.extend(
            all.into_iter()
                .filter(|message| message.payload.0.first().is_none_or(|first| *first == family)),
        );
    }
    let raw = NetlinkRaw {
        links,
        messages,
        ..NetlinkRaw::default()
    };
    let lifted = routes::lift(&raw).map_err(|error| undecoded(SectionName::Routes, &error))?;
    Ok(Section {
        content: Some(Content::Routes {
            config: lifted.config,
            runtime: lifted.runtime,
        }),
        raw: Some(Raw::Netlink(raw)),
        ..blank(SectionName::Routes, State::Captured)
    })
}

pub(super) fn addresses(parts: &Parts) -> Outcome {
    let messages = saved(ran(parts, "addresses")?, ADDRESSES)?;
    let raw = HostRaw {
        links: names(parts)?,
        parts: vec![part(addresses::SOURCE, PartRead::Messages { messages })],
    };
    of_facts(SectionName::Addresses, raw)
}

pub(super) fn policy_rules(parts: &Parts) -> Outcome {
    let mut rows = Vec::new();
    for (source, _, word) in policy_rules::SOURCES {
        let name = format!("{word}-rules");
        let read = match ran(parts, &name).and_then(|read| saved(read, RULES)) {
            Ok(messages) => PartRead::Messages { messages },
            // A kernel that does not route multicast by rules refuses, which says that it has none.
            Err(State::Unreadable { why }) if refused(&why) => PartRead::Absent { why },
            Err(stop) => stopped(stop)?,
        };
        rows.push(part(source, read));
    }
    let raw = HostRaw {
        links: names(parts)?,
        parts: rows,
    };
    of_facts(SectionName::PolicyRules, raw)
}

/// `EOPNOTSUPP`, `EAFNOSUPPORT` and `EPROTONOSUPPORT` in the words of the C library.
pub(super) fn refused(why: &str) -> bool {
    [
        "Operation not supported",
        "Address family not supported by protocol",
        "Protocol not supported",
    ]
    .iter()
    .any(|words| why.contains(words))
}
