//! Rules in both planes of one host: `iptables-legacy` and nf_tables side by side.
//!
//! A packet meets the hooks of both, and the tools of one plane do not list the other's rules.

use super::model::{Chain, Family, Ruleset, Table, Verdict};
use crate::section::{Content, Section, SectionName, Warning};

/// Both planes hold something that decides about the same packets.
pub const BOTH_PLANES: &str = "BOTH_PLANES";

/// A legacy section, the packets that it sees, and the families of nf_tables that see them too. What `netdev` tables hold is
/// at a device, before and behind both planes.
const SPLITS: [(SectionName, &str, &str, &[Family]); 4] = [
    (
        SectionName::XtablesLegacyIpv4,
        "IPv4",
        "iptables-legacy",
        &[Family::Ip, Family::Inet],
    ),
    (
        SectionName::XtablesLegacyIpv6,
        "IPv6",
        "ip6tables-legacy",
        &[Family::Ip6, Family::Inet],
    ),
    (
        SectionName::ArptablesLegacy,
        "ARP",
        "arptables-legacy",
        &[Family::Arp],
    ),
    (
        SectionName::EbtablesLegacy,
        "bridged frames",
        "ebtables-legacy",
        &[Family::Bridge],
    ),
];

/// Adds a warning to both sections of each split, naming what either side holds. What was not read is not known, and is no
/// split: its section says so itself. A legacy table with nothing but chains that accept, as the module makes it, holds nothing.
pub fn note(sections: &mut [Section]) {
    for (legacy, packets, tool, families) in SPLITS {
        let Some(message) = split(sections, legacy, packets, tool, families) else {
            continue;
        };
        for section in sections.iter_mut() {
            if section.name == legacy || section.name == SectionName::Nftables {
                section.warnings.push(Warning {
                    code: BOTH_PLANES.to_owned(),
                    message: message.clone(),
                });
            }
        }
    }
}

fn split(
    sections: &[Section],
    legacy: SectionName,
    packets: &str,
    tool: &str,
    families: &[Family],
) -> Option<String> {
    let old = side(
        ruleset(sections, legacy)?,
        |_| true,
        |table| table.name.to_string(),
    )?;
    let new = side(
        ruleset(sections, SectionName::Nftables)?,
        |table| families.contains(&table.family),
        |table| format!("{} {}", table.family, table.name),
    )?;
    Some(format!(
        "rules for {packets} are in both planes, and neither plane's tools list the other's: {tool} holds {old}; nf_tables holds {new}"
    ))
}

fn ruleset(sections: &[Section], name: SectionName) -> Option<&Ruleset> {
    let section = sections.iter().find(|section| section.name == name)?;
    match &section.content {
        Some(Content::Netfilter { config, .. }) => Some(config),
        _ => None,
    }
}

/// Each table with how much is in it, and where it drops by policy; `None` where nothing decides anything.
fn side(
    ruleset: &Ruleset,
    counts: impl Fn(&Table) -> bool,
    named: impl Fn(&Table) -> String,
) -> Option<String> {
    let tables: Vec<&Table> = ruleset.tables.iter().filter(|table| counts(table)).collect();
    if !tables.iter().any(|table| decides(table)) {
        return None;
    }
    let said = tables
        .iter()
        .map(|table| format!("{} ({})", named(table), held(table)));
    Some(said.collect::<Vec<_>>().join(", "))
}

fn decides(table: &Table) -> bool {
    table
        .chains
        .iter()
        .any(|chain| !chain.rules.is_empty() || drops(chain))
}

fn drops(chain: &Chain) -> bool {
    chain
        .base
        .as_ref()
        .is_some_and(|base| base.policy != Verdict::Accept)
}

fn held(table: &Table) -> String {
    let rules: usize = table.chains.iter().map(|chain| chain.rules.len()).sum();
    let mut out = format!(
        "{}, {}",
        counted(table.chains.len(), "chain"),
        counted(rules, "rule")
    );
    for chain in table.chains.iter().filter(|chain| drops(chain)) {
        if let Some(base) = &chain.base {
            out += &format!(", policy {} at {}", base.policy.word(), chain.name);
        }
    }
    if table.flags.iter().any(|flag| flag == "dormant") {
        out += ", dormant";
    }
    out
}

fn counted(number: usize, what: &str) -> String {
    if number == 1 {
        format!("1 {what}")
    } else {
        format!("{number} {what}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netfilter::{nft_file, save};

    fn legacy(text: &str) -> Section {
        let section = save::parse(text.as_bytes(), None).unwrap();
        Section {
            name: SectionName::XtablesLegacyIpv4,
            ..section
        }
    }

    fn nft(text: &str) -> Section {
        nft_file::parse_text(text.as_bytes(), &|_| None).unwrap()
    }

    fn noted(mut sections: Vec<Section>) -> Vec<(SectionName, String)> {
        for section in &mut sections {
            section.warnings.clear();
        }
        note(&mut sections);
        let said = |section: Section| {
            let name = section.name;
            section.warnings.into_iter().map(move |warning| {
                assert_eq!(warning.code, BOTH_PLANES);
                (name, warning.message)
            })
        };
        sections.into_iter().flat_map(said).collect()
    }

    const LEGACY: &str = "*filter\n:INPUT DROP [0:0]\n:mine - [0:0]\n-A INPUT -j mine\nCOMMIT\n";
    const IDLE: &str = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\nCOMMIT\n";

    #[test]
    fn a_split_names_what_each_side_holds() {
        let inet = "table inet f {\n chain i {\n type filter hook input priority 0; policy drop;\n tcp dport 22 accept\n }\n}\n\
                    table ip6 six {\n chain c {\n accept\n }\n}\n";
        let message = "rules for IPv4 are in both planes, and neither plane's tools list the other's: iptables-legacy holds \
                       filter (2 chains, 1 rule, policy drop at INPUT); nf_tables holds inet f (1 chain, 1 rule, policy drop at i)";
        let both = [SectionName::XtablesLegacyIpv4, SectionName::Nftables];
        let found = noted(vec![legacy(LEGACY), nft(inet)]);
        assert_eq!(found, both.map(|name| (name, message.to_owned())));
    }

    #[test]
    fn one_plane_alone_is_no_split() {
        let other = "table ip6 f {\n chain c {\n accept\n }\n}\n";
        let empty = "table ip f {\n chain c {\n type filter hook input priority 0; policy accept;\n }\n}\n";
        assert_eq!(noted(vec![legacy(LEGACY), nft(other)]), []);
        assert_eq!(noted(vec![legacy(LEGACY), nft(empty)]), []);
        assert_eq!(noted(vec![legacy(LEGACY)]), []);
        let rules = "table ip f {\n chain c {\n accept\n }\n}\n";
        assert_eq!(noted(vec![legacy(IDLE), nft(rules)]), []);
        let unread = Section {
            content: None,
            ..legacy(LEGACY)
        };
        assert_eq!(noted(vec![unread, nft(rules)]), []);
    }
}
