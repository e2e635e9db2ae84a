//! The fixed list of kernel mechanisms that can stop or harm a packet, and whether each was read.

use serde::{Deserialize, Serialize};

use super::{Section, SectionName, State};

/// A mechanism of the fixed list, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Covered {
    /// Its name in the list.
    pub mechanism: String,
    /// The word of its state: `captured`, `not_applicable`, `unreadable` or `torn`.
    pub state: String,
    /// Why it was not read.
    pub why: Option<String>,
    /// The section that holds it.
    pub section: Option<SectionName>,
}

/// Every mechanism that can stop, change, delay or divert a packet on a Linux host, and the section that reads it.
/// A mechanism leaves this list only if it leaves the kernel.
pub const MECHANISMS: [(&str, Option<SectionName>); 31] = [
    ("nftables", Some(SectionName::Nftables)),
    ("xtables-legacy-ipv4", Some(SectionName::XtablesLegacyIpv4)),
    ("xtables-legacy-ipv6", Some(SectionName::XtablesLegacyIpv6)),
    ("arptables-legacy", None),
    ("ebtables-legacy", None),
    ("ipset", None),
    ("tc-qdisc", Some(SectionName::Tc)),
    ("tc-class", Some(SectionName::Tc)),
    ("tc-filter", Some(SectionName::Tc)),
    ("xdp", None),
    ("tcx", None),
    ("netfilter-bpf", None),
    ("cgroup-bpf", None),
    ("socket-filter", None),
    ("links", Some(SectionName::Links)),
    ("addresses", None),
    ("routes", Some(SectionName::Routes)),
    ("nexthop-objects", None),
    ("policy-rules", None),
    ("neighbours", None),
    ("xfrm-policy", None),
    ("bridge-vlan", None),
    ("bridge-port", None),
    ("mptcp", None),
    ("ipvs", None),
    ("listening-sockets", None),
    ("conntrack-table", None),
    ("conntrack-helpers", None),
    ("sysctls", None),
    ("security-module-labels", None),
    ("other-network-namespaces", None),
];

/// The state of every mechanism, given the sections that were asked for.
pub fn coverage(sections: &[Section]) -> Vec<Covered> {
    MECHANISMS
        .iter()
        .map(|(mechanism, section)| covered(mechanism, *section, sections))
        .collect()
}

fn covered(mechanism: &str, name: Option<SectionName>, sections: &[Section]) -> Covered {
    let unread = |why: &str| State::Unreadable { why: why.to_owned() };
    let state = match name {
        None => unread("no reader"),
        Some(name) => sections
            .iter()
            .find(|section| section.name == name)
            .map_or_else(|| unread("not asked for"), |section| section.state.clone()),
    };
    Covered {
        mechanism: mechanism.to_owned(),
        state: state.word().to_owned(),
        why: state.why().map(str::to_owned),
        section: name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_asked_for_is_nothing_covered() {
        let all = coverage(&[]);
        assert_eq!(all.len(), MECHANISMS.len());
        assert!(
            all.iter()
                .all(|row| row.state == "unreadable" && row.why.is_some())
        );
    }

    #[test]
    fn every_host_section_is_on_the_list() {
        for name in SectionName::HOST {
            assert!(
                MECHANISMS.iter().any(|(_, section)| *section == Some(name)),
                "{name}"
            );
        }
    }
}
