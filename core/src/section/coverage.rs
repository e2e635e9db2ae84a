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
    ("arptables-legacy", Some(SectionName::ArptablesLegacy)),
    ("ebtables-legacy", Some(SectionName::EbtablesLegacy)),
    ("ipset", Some(SectionName::Ipset)),
    ("tc-qdisc", Some(SectionName::Tc)),
    ("tc-class", Some(SectionName::Tc)),
    ("tc-filter", Some(SectionName::Tc)),
    ("xdp", Some(SectionName::Bpf)),
    ("tcx", Some(SectionName::Bpf)),
    ("netfilter-bpf", Some(SectionName::Bpf)),
    ("cgroup-bpf", Some(SectionName::Bpf)),
    ("socket-filter", Some(SectionName::Sockets)),
    ("links", Some(SectionName::Links)),
    ("addresses", Some(SectionName::Addresses)),
    ("routes", Some(SectionName::Routes)),
    ("nexthop-objects", Some(SectionName::Nexthops)),
    ("policy-rules", Some(SectionName::PolicyRules)),
    ("neighbours", Some(SectionName::Neighbours)),
    ("xfrm-policy", Some(SectionName::Xfrm)),
    ("bridge-vlan", Some(SectionName::Bridge)),
    ("bridge-port", Some(SectionName::Bridge)),
    ("mptcp", Some(SectionName::Mptcp)),
    ("ipvs", Some(SectionName::Ipvs)),
    ("listening-sockets", Some(SectionName::Sockets)),
    ("conntrack-table", Some(SectionName::Conntrack)),
    ("conntrack-helpers", Some(SectionName::Conntrack)),
    ("sysctls", Some(SectionName::Sysctls)),
    ("security-module-labels", Some(SectionName::SecurityLabels)),
    ("other-network-namespaces", Some(SectionName::Namespaces)),
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
    let name = name.filter(|name| SectionName::HOST.contains(name));
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
        // What the next boot loads stops no packet before it.
        let now = |name: &SectionName| *name != SectionName::Persisted;
        for name in SectionName::HOST.into_iter().filter(now) {
            assert!(
                MECHANISMS.iter().any(|(_, section)| *section == Some(name)),
                "{name}"
            );
        }
    }
}
