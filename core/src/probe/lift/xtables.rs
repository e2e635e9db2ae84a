//! Legacy xtables, from its own save tools.

use std::collections::BTreeSet;

use super::{Outcome, Presence, Stop, blank, no_reader, not_there, presence, ran, unreadable};
use crate::bytes::Text;
use crate::netfilter::model::{Family, Plane, Ruleset, RulesetRuntime};
use crate::netfilter::save::{self, EMPTY_INPUT};
use crate::probe::parts::{Part, Parts};
use crate::raw::{Raw, TextRaw};
use crate::section::{Content, Section, SectionName, State};

/// What differs between the families.
pub(super) struct Kind {
    section: SectionName,
    family: Family,
    rules: &'static str,
    names: &'static str,
    names_after: &'static str,
}

pub(super) const IPV4: Kind = Kind {
    section: SectionName::XtablesLegacyIpv4,
    family: Family::Ip,
    rules: "legacy-ipv4",
    names: "legacy-ipv4-names",
    names_after: "legacy-ipv4-names-after",
};

pub(super) const IPV6: Kind = Kind {
    section: SectionName::XtablesLegacyIpv6,
    family: Family::Ip6,
    rules: "legacy-ipv6",
    names: "legacy-ipv6-names",
    names_after: "legacy-ipv6-names-after",
};

/// The tables that the kernel lists.
fn tables(parts: &Parts, name: &str) -> Result<BTreeSet<Text>, Stop> {
    let list = ran(parts, name)?.output.as_slice();
    let lines = list.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    Ok(lines.map(Text::from).collect())
}

/// Nothing: the kernel has the mechanism and no table in it.
fn empty(name: SectionName, family: Family) -> Section {
    // What stands for it decodes to nothing again.
    let raw = crate::raw::XtablesRaw {
        ipv6: family == Family::Ip6,
        arp: family == Family::Arp,
        sets: Vec::new(),
        tables: Vec::new(),
    };
    Section {
        content: Some(Content::Netfilter {
            config: Ruleset {
                plane: Plane::Legacy,
                tables: Vec::new(),
                hook_order: Vec::new(),
            },
            runtime: RulesetRuntime::default(),
        }),
        raw: Some(Raw::Xtables(raw)),
        ..blank(name, State::Captured)
    }
}

pub(super) fn legacy(parts: &Parts, kind: &Kind) -> Outcome {
    let names = tables(parts, kind.names)?;
    if names.is_empty() {
        return Ok(empty(kind.section, kind.family));
    }
    let read = ran(parts, kind.rules)?;
    let text = read.output.as_slice();
    let mut section = save::parse(text, Some(kind.family))
        .map_err(|error| unreadable(format!("cannot decode what {} printed: {error}", read.tool)))?;
    let Some(Content::Netfilter { config, .. }) = &mut section.content else {
        return Err(unreadable(format!("{} printed no rules", read.tool)));
    };
    if config.plane == Plane::Nft {
        return Err(unreadable(format!("{} prints the rules of nf_tables", read.tool)));
    }
    // Old tools have one plane and do not say so.
    config.plane = Plane::Legacy;
    let printed: BTreeSet<Text> = config.tables.iter().map(|table| table.name.clone()).collect();
    if printed != names || tables(parts, kind.names_after)? != names {
        return Err(State::Torn {
            why: "the tables that the kernel lists are not those that were printed".to_owned(),
        });
    }
    section.warnings.retain(|warning| warning.code != EMPTY_INPUT);
    section.raw = Some(Raw::Text(TextRaw { text: text.into() }));
    Ok(section)
}

pub(super) fn arptables(parts: &Parts) -> Outcome {
    match tables(parts, "legacy-arp-names") {
        Ok(names) if names.is_empty() => Ok(empty(SectionName::ArptablesLegacy, Family::Arp)),
        Ok(_) => Err(no_reader()),
        Err(stop) => Err(stop),
    }
}

pub(super) fn ebtables(parts: &Parts) -> Outcome {
    match presence(parts, "ebtables") {
        Presence::Absent => Err(not_there("ebtables")),
        Presence::CanAsk | Presence::Unknown => Err(no_reader()),
    }
}

/// True if the part was not even tried, because the host has no such tool or mechanism.
pub(super) fn not_run(parts: &Parts, name: &str) -> bool {
    !matches!(parts.get(name), Some(Part::Ran(_)))
}
