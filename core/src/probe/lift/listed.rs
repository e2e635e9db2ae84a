//! Sections that `ip -j` lists: its rows become the messages that the kernel would send of them. A row with a word that is not
//! known here makes the whole list unreadable, and so does a tool that is older than what the kernel can hold.

use serde_json::Value;

use super::messages::{link_messages, names};
use super::{Outcome, Stop, of_facts, part, ran, stopped, unreadable};
use crate::bytes::Hex;
use crate::host::{mptcp, neighbours, nexthops};
use crate::probe::parts::{Parts, Ran};
use crate::probe::values::Version;
use crate::raw::{HostRaw, LinkName, PartRead, RawMessage};
use crate::section::SectionName;

mod rows;

use rows::{endpoint, limits, neighbour, nexthop};

/// What a kernel of the one version can hold, `ip` shows from the other on.
const NEIGHBOURS: &[(Version, Version)] = &[(Version(5, 16), Version(5, 16))];
const NEXTHOPS: &[(Version, Version)] = &[(Version(5, 13), Version(5, 13))];
/// Of groups: weights above 256 and whether the device counts.
const GROUPS: &[(Version, Version)] = &[(Version(6, 9), Version(6, 12))];
/// Of entries that a control plane brought: whether it vouches for them.
const LEARNT: &[(Version, Version)] = &[(Version(6, 17), Version(6, 17))];
const ENDPOINTS: &[(Version, Version)] = &[(Version(5, 18), Version(5, 18))];

/// The versions of the kernel and of `ip`.
#[derive(Clone, Copy)]
struct Versions {
    kernel: Version,
    tool: Version,
}

impl Versions {
    fn of(parts: &Parts, tool: &Ran) -> Result<Self, Stop> {
        let kernel = String::from_utf8_lossy(&ran(parts, "kernel")?.output).into_owned();
        let words = tool.version.to_string();
        match (Version::find(&kernel), Version::find(&words)) {
            (Some(kernel), Some(tool)) => Ok(Self { kernel, tool }),
            _ => Err(unreadable(format!(
                "{} does not tell a version by which to judge what it leaves out: {words}",
                tool.tool
            ))),
        }
    }

    fn show_all(self, of: &[(Version, Version)]) -> bool {
        of.iter()
            .all(|(kernel, tool)| self.kernel < *kernel || self.tool >= *tool)
    }
}

/// A list of rows as messages of one type.
fn list(
    parts: &Parts,
    name: &str,
    message_type: u16,
    row: impl Fn(&Value, Versions) -> Result<Vec<u8>, String>,
    of: &[(Version, Version)],
) -> Result<PartRead, Stop> {
    let read = match ran(parts, name) {
        Ok(read) => read,
        Err(stop) => return stopped(stop),
    };
    let versions = Versions::of(parts, read)?;
    if !versions.show_all(of) {
        return Ok(PartRead::Unreadable {
            why: format!(
                "{} is older than the kernel and does not show all of them: {}",
                read.tool, read.version
            ),
        });
    }
    let Ok(Value::Array(rows)) = serde_json::from_slice(&read.output) else {
        return Ok(PartRead::Unreadable {
            why: format!("{} printed something else than a list", read.tool),
        });
    };
    let message = |one: &Value| {
        row(one, versions).map(|payload| RawMessage {
            message_type,
            payload: Hex(payload),
        })
    };
    Ok(match rows.iter().map(message).collect() {
        Ok(messages) => PartRead::Messages { messages },
        Err(why) => PartRead::Unreadable {
            why: format!("{} printed what is not known here: {why}", read.tool),
        },
    })
}

fn index(links: &[LinkName], name: &str) -> Option<u32> {
    let mut named = links.iter().filter(|link| link.name.as_str() == Some(name));
    named.next().map(|link| link.index)
}

pub(super) fn neighbours(parts: &Parts) -> Outcome {
    // `RTM_NEWNEIGH`.
    const TYPE: u16 = 28;
    let (messages, links) = link_messages(parts)?;
    let row = |proxied: bool| {
        let links = &links;
        move |row: &Value, versions: Versions| neighbour(row, proxied, links, versions.show_all(LEARNT))
    };
    let rows = vec![
        part(
            neighbours::ENTRIES,
            list(parts, "neighbours", TYPE, row(false), NEIGHBOURS)?,
        ),
        part(
            neighbours::PROXIES,
            list(parts, "proxied", TYPE, row(true), NEIGHBOURS)?,
        ),
        part(neighbours::LINKS, PartRead::Messages { messages }),
    ];
    of_facts(SectionName::Neighbours, HostRaw { links, parts: rows })
}

pub(super) fn nexthops(parts: &Parts) -> Outcome {
    // `RTM_NEWNEXTHOP`.
    const TYPE: u16 = 104;
    let links = names(parts)?;
    let row = |row: &Value, versions: Versions| nexthop(row, &links, versions.show_all(GROUPS));
    let read = list(parts, "nexthops", TYPE, row, NEXTHOPS)?;
    let rows = vec![part(nexthops::SOURCE, read)];
    of_facts(SectionName::Nexthops, HostRaw { links, parts: rows })
}

pub(super) fn mptcp(parts: &Parts) -> Outcome {
    let links = names(parts)?;
    if let Err(stop @ crate::section::State::NotApplicable { .. }) = ran(parts, "mptcp-limits") {
        return Err(stop);
    }
    let read = list(
        parts,
        "mptcp-endpoints",
        0,
        |row, _| endpoint(row, &links),
        ENDPOINTS,
    )?;
    let limits = match ran(parts, "mptcp-limits") {
        Ok(read) => match limits(&String::from_utf8_lossy(&read.output)) {
            Some(payload) => PartRead::Messages {
                messages: vec![RawMessage {
                    message_type: 0,
                    payload: Hex(payload),
                }],
            },
            None => PartRead::Unreadable {
                why: format!("{} mptcp limits printed something else", read.tool),
            },
        },
        Err(stop) => stopped(stop)?,
    };
    let rows = vec![part(mptcp::ENDPOINTS, read), part(mptcp::LIMITS, limits)];
    of_facts(SectionName::Mptcp, HostRaw { links, parts: rows })
}
