//! From what the tools printed to sections.

use super::parts::{Part, Parts, Ran};
use crate::bytes::Text;
use crate::netfilter::planes;
use crate::raw::HostRaw;
use crate::section::coverage::coverage;
use crate::section::{Content, DECODER, Gap, Reader, Section, SectionName, State, Warning};
use crate::snapshot::{Snapshot, Target};
use crate::{facts, raw};

mod conntrack;
mod ipset;
mod listed;
mod messages;
mod nftables;
mod sysctls;
mod xfrm;
mod xtables;

pub(crate) use nftables::again as nftables_again;

/// What the kernel says where a dump changed while it was made, in the words of `ip`.
const INTERRUPTED: &str = "Dump was interrupted";
/// Modules came while the host was read.
const MODULES_LOADED: &str = "MODULES_LOADED";

/// Why a section has no content: its state.
type Stop = State;

/// What came of a section: its content and all that goes with it, or its state.
type Outcome = Result<Section, Stop>;

fn unreadable(why: impl Into<String>) -> Stop {
    State::Unreadable { why: why.into() }
}

/// What a host told, as a snapshot. `tool` names the program that read it, with its version.
pub fn snapshot(parts: &Parts, names: &[SectionName], tool: String) -> Snapshot {
    let sections = sections(parts, names);
    let coverage = coverage(&sections);
    Snapshot {
        target: target(parts),
        tool,
        taken_at_us: taken_at_us(parts),
        sections,
        coverage,
        namespaces: None,
    }
}

/// Which host it is, in its own words.
pub fn target(parts: &Parts) -> Target {
    let line = |name: &str| {
        let text = std::str::from_utf8(ran(parts, name).ok()?.output.as_slice()).ok()?;
        Some(text.trim_end().to_owned())
    };
    let unknown = || "unknown".to_owned();
    Target::Host {
        name: Text::from(line("hostname").unwrap_or_else(unknown)),
        boot_id: line("boot-id"),
        kernel: line("kernel").unwrap_or_else(unknown),
    }
}

/// The sections of these names, sorted.
pub fn sections(parts: &Parts, names: &[SectionName]) -> Vec<Section> {
    let mut names = names.to_vec();
    names.sort();
    names.dedup();
    let taken_at_us = taken_at_us(parts);
    let loaded = loaded(parts);
    let mut sections: Vec<Section> = names
        .into_iter()
        .map(|name| {
            let section = section(parts, name).unwrap_or_else(|state| blank(name, state));
            let mut section = Section {
                name,
                taken_at_us,
                reader: Reader::Text,
                ..section
            };
            section.warnings.extend(loaded.clone());
            section
        })
        .collect();
    planes::note(&mut sections);
    sections
}

fn section(parts: &Parts, name: SectionName) -> Outcome {
    match name {
        SectionName::Nftables => nftables::section(parts),
        SectionName::XtablesLegacyIpv4 => xtables::legacy(parts, &xtables::IPV4),
        SectionName::XtablesLegacyIpv6 => xtables::legacy(parts, &xtables::IPV6),
        SectionName::ArptablesLegacy => xtables::arptables(parts),
        SectionName::EbtablesLegacy => xtables::ebtables(parts),
        SectionName::Links => messages::links(parts),
        SectionName::Routes => messages::routes(parts),
        SectionName::Addresses => messages::addresses(parts),
        SectionName::PolicyRules => messages::policy_rules(parts),
        SectionName::Ipset => ipset::section(parts),
        SectionName::Neighbours => listed::neighbours(parts),
        SectionName::Nexthops => listed::nexthops(parts),
        SectionName::Mptcp => listed::mptcp(parts),
        SectionName::Xfrm => xfrm::section(parts),
        SectionName::Conntrack => conntrack::section(parts),
        SectionName::Sysctls => sysctls::section(parts),
        SectionName::Ipvs => match presence(parts, "ip_vs") {
            Presence::Absent => Err(not_there("ip_vs")),
            _ => Err(no_reader()),
        },
        SectionName::Tc
        | SectionName::Bridge
        | SectionName::Sockets
        | SectionName::Bpf
        | SectionName::SecurityLabels
        | SectionName::Namespaces
        | SectionName::Persisted => Err(no_reader()),
        SectionName::IptablesSave | SectionName::Ip6tablesSave => Err(unreadable(
            "not a section of a host: it is the text of a save tool",
        )),
        SectionName::Nic
        | SectionName::EffectiveRoutes
        | SectionName::EffectiveNsg
        | SectionName::AdminRules => Err(unreadable(
            "not a section of a host: Azure Resource Manager is asked for it",
        )),
    }
}

/// Text does not show all of it, or nobody reads the text yet.
fn no_reader() -> Stop {
    unreadable("text reader not available: an agent reads it from the kernel")
}

fn blank(name: SectionName, state: State) -> Section {
    Section {
        name,
        state,
        reader: Reader::Text,
        decoder: DECODER,
        taken_at_us: 0,
        generation: None,
        content: None,
        raw: None,
        gaps: Vec::new(),
        warnings: Vec::new(),
    }
}

/// By the host's own clock, whole seconds; 0 where it did not tell.
fn taken_at_us(parts: &Parts) -> u64 {
    let seconds = ran(parts, "time").ok().and_then(|time| number(&time.output));
    seconds.unwrap_or(0).saturating_mul(1_000_000)
}

fn number(bytes: &[u8]) -> Option<u64> {
    std::str::from_utf8(bytes).ok()?.trim().parse().ok()
}

/// The warning that an agent gives too, where modules came while the host was read.
fn loaded(parts: &Parts) -> Option<Warning> {
    let lines = |name: &str| {
        let text = String::from_utf8_lossy(&ran(parts, name).ok()?.output).into_owned();
        Some(
            text.lines()
                .map(str::to_owned)
                .collect::<std::collections::BTreeSet<_>>(),
        )
    };
    let (before, after) = (lines("loaded-before")?, lines("loaded-after")?);
    let new: Vec<&str> = after.difference(&before).map(String::as_str).collect();
    (!new.is_empty()).then(|| Warning {
        code: MODULES_LOADED.to_owned(),
        message: format!("while the host was read its kernel loaded {}", new.join(", ")),
    })
}

/// What is known of a kernel module, by the lists of those that are loaded and built in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    Absent,
    CanAsk,
    Unknown,
}

fn presence(parts: &Parts, module: &str) -> Presence {
    let Ok(list) = ran(parts, "modules") else {
        return Presence::Unknown;
    };
    let list = String::from_utf8_lossy(&list.output);
    let word = list
        .lines()
        .find_map(|line| line.strip_prefix(module)?.strip_prefix(' '));
    match word {
        Some("absent") => Presence::Absent,
        Some("can_ask") => Presence::CanAsk,
        _ => Presence::Unknown,
    }
}

fn not_there(module: &str) -> Stop {
    State::NotApplicable {
        why: format!("{module} is neither loaded nor built in (/proc/modules, modules.builtin)"),
    }
}

/// What a tool printed that ended well and said nothing of a change meanwhile.
fn ran<'a>(parts: &'a Parts, name: &str) -> Result<&'a Ran, Stop> {
    let ran = match parts.get(name) {
        None => return Err(unreadable(format!("the probe read no part {name}"))),
        Some(Part::Missing { tool }) => return Err(unreadable(format!("{tool} is not installed"))),
        Some(Part::Skipped { why }) => return Err(State::NotApplicable { why: why.to_string() }),
        Some(Part::Ran(ran)) => ran,
    };
    let said = String::from_utf8_lossy(&ran.error);
    if said.contains(INTERRUPTED) {
        return Err(State::Torn {
            why: format!("{} says that it changed while it was listed", ran.tool),
        });
    }
    match ran.status {
        0 => Ok(ran),
        124 | 137 | 143 => Err(unreadable(format!("{} did not end within 20 s", ran.tool))),
        153 => Err(unreadable(format!("{} printed more than 32 MiB", ran.tool))),
        status => {
            let first = said
                .lines()
                .find(|line| !line.trim().is_empty())
                .unwrap_or("nothing");
            Err(unreadable(format!(
                "{} ended with status {status} and said: {first}",
                ran.tool
            )))
        }
    }
}

/// A part of a section of facts.
fn part(source: &str, read: raw::PartRead) -> raw::HostPart {
    raw::HostPart {
        source: source.to_owned(),
        read,
    }
}

/// What could not be had as messages or a file, as a part: torn is of the whole section.
fn stopped(stop: Stop) -> Result<raw::PartRead, Stop> {
    match stop {
        State::NotApplicable { why } => Ok(raw::PartRead::Absent { why }),
        State::Unreadable { why } => Ok(raw::PartRead::Unreadable { why }),
        other => Err(other),
    }
}

/// A section of facts, decoded as a kernel reading is.
fn of_facts(name: SectionName, raw: HostRaw) -> Outcome {
    let lifted = facts::lift(name, &raw).ok_or_else(no_reader)?;
    let lifted = lifted.map_err(|error| unreadable(format!("cannot decode {name}: {error}")))?;
    let why: Vec<String> = lifted.gaps.iter().map(said).collect();
    let nothing = lifted.config.facts.is_empty() && lifted.runtime.facts.is_empty();
    if nothing && !why.is_empty() {
        // An empty list would look like an empty host.
        return Err(unreadable(why.join("; ")));
    }
    Ok(Section {
        content: Some(Content::Facts {
            config: lifted.config,
            runtime: lifted.runtime,
        }),
        raw: Some(raw::Raw::Host(raw)),
        gaps: lifted.gaps,
        warnings: lifted.warnings,
        ..blank(
            name,
            match why.is_empty() {
                true => State::Captured,
                false => unreadable(why.join("; ")),
            },
        )
    })
}

fn said(gap: &Gap) -> String {
    match gap.path.as_str() {
        "" => gap.why.clone(),
        path => format!("{path}: {}", gap.why),
    }
}
