//! Sections of this host by name.

use netghost_core::netfilter::planes;
use netghost_core::section::{DECODER, Reader, Section, SectionName, State};

use crate::modules::{Modules, came};
use crate::{
    addresses, bpf, bridge, conntrack, ebtables, ipset, ipvs, links, mptcp, namespaces, neighbours, nexthops,
    nftables, persisted, policy_rules, routes, security_labels, sockets, sysctls, tc, xfrm, xtables,
};

/// Reads sections of this host, in the network namespace of the calling thread. `now_us` gives microseconds since 1970 UTC.
///
/// Nothing fails as a whole: what could not be read says so in its section's state.
pub fn capture(names: &[SectionName], now_us: &dyn Fn() -> u64) -> Vec<Section> {
    let modules = Modules::of_this_kernel();
    let mut sections: Vec<Section> = names
        .iter()
        .map(|name| {
            let before = modules.loaded();
            let mut section = section(*name, now_us);
            section.warnings.extend(came(&before, &modules.loaded()));
            section
        })
        .collect();
    planes::note(&mut sections);
    sections
}

fn section(name: SectionName, now_us: &dyn Fn() -> u64) -> Section {
    match name {
        SectionName::Nftables => nftables::read(now_us),
        SectionName::XtablesLegacyIpv4 => xtables::read_ipv4(now_us),
        SectionName::XtablesLegacyIpv6 => xtables::read_ipv6(now_us),
        SectionName::ArptablesLegacy => xtables::read_arp(now_us),
        SectionName::EbtablesLegacy => ebtables::read(now_us),
        SectionName::Tc => tc::read(now_us),
        SectionName::Links => links::read(now_us),
        SectionName::Routes => routes::read(now_us),
        SectionName::Addresses => addresses::read(now_us),
        SectionName::Xfrm => xfrm::read(now_us),
        SectionName::Ipvs => ipvs::read(now_us),
        SectionName::Mptcp => mptcp::read(now_us),
        SectionName::Bridge => bridge::read(now_us),
        SectionName::Ipset => ipset::read(now_us),
        SectionName::Neighbours => neighbours::read(now_us),
        SectionName::Nexthops => nexthops::read(now_us),
        SectionName::PolicyRules => policy_rules::read(now_us),
        SectionName::Sockets => sockets::read(now_us),
        SectionName::Conntrack => conntrack::read(now_us),
        SectionName::Sysctls => sysctls::read(now_us),
        SectionName::Bpf => bpf::read(now_us),
        SectionName::SecurityLabels => security_labels::read(now_us),
        SectionName::Namespaces => namespaces::read(now_us),
        SectionName::Persisted => persisted::read(now_us),
        SectionName::IptablesSave | SectionName::Ip6tablesSave => unread(
            name,
            "not a section of a host: it is the text of a save tool",
            now_us,
        ),
        SectionName::Nic
        | SectionName::EffectiveRoutes
        | SectionName::EffectiveNsg
        | SectionName::AdminRules => unread(
            name,
            "not a section of a host: Azure Resource Manager is asked for it",
            now_us,
        ),
    }
}

fn unread(name: SectionName, why: &str, now_us: &dyn Fn() -> u64) -> Section {
    Section {
        name,
        state: State::Unreadable { why: why.to_owned() },
        reader: Reader::Kernel,
        decoder: DECODER,
        taken_at_us: now_us(),
        generation: None,
        content: None,
        raw: None,
        gaps: Vec::new(),
        warnings: Vec::new(),
    }
}
