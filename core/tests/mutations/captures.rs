//! What readers got from kernels, to be mutated. `core/tests/captures/README.md` says how it was captured.

use netghost_core::artifact::json;
use netghost_core::bytes::{Hex, from_hex};
use netghost_core::netfilter::nft::{consts, message};
use netghost_core::raw::{HostRaw, LinkName, NetlinkRaw, PartRead, Raw, RawMessage, XtablesRaw};
use netghost_core::section::SectionName;

use crate::chance::Chance;

/// One reading of a section.
#[derive(Debug, Clone)]
pub(crate) struct Capture {
    pub(crate) name: SectionName,
    pub(crate) raw: Raw,
}

/// A capture with one line of canonical JSON for each reading.
macro_rules! lines {
    ($($section:ident $file:literal),* $(,)?) => {
        &[$((SectionName::$section, include_str!(concat!("../captures/", $file, ".jsonl")))),*]
    };
}

const LINES: &[(SectionName, &str)] = lines![
    Nftables "nftables",
    XtablesLegacyIpv4 "xtables-legacy-ipv4",
    XtablesLegacyIpv6 "xtables-legacy-ipv6",
    ArptablesLegacy "arptables-legacy",
    EbtablesLegacy "ebtables-legacy",
    Tc "tc",
    Links "links",
    Routes "routes",
    Ipset "ipset",
    Addresses "addresses",
    PolicyRules "policy-rules",
    Nexthops "nexthops",
    Neighbours "neighbours",
    Xfrm "xfrm",
    Bridge "bridge",
    Ipvs "ipvs",
    Mptcp "mptcp",
    Sockets "sockets",
    Conntrack "conntrack",
    Sysctls "sysctls",
    Bpf "bpf",
    SecurityLabels "security-labels",
    Namespaces "namespaces",
];

/// What the tests of single decoders keep too: `link INDEX NAME` and `TYPE HEX`.
const MESSAGES: &[(SectionName, &str)] = &[
    (
        SectionName::Tc,
        include_str!("../../src/tc/tests/linux-6.1-actions.txt"),
    ),
    (
        SectionName::Tc,
        include_str!("../../src/tc/tests/linux-6.1-filters.txt"),
    ),
    (
        SectionName::Tc,
        include_str!("../../src/tc/tests/linux-6.1-qdiscs.txt"),
    ),
    (
        SectionName::Tc,
        include_str!("../../src/tc/tests/linux-6.1-netem-prio.txt"),
    ),
    (
        SectionName::Links,
        include_str!("../../src/host/links/tests/linux-6.1-vlan-bond-vrf.txt"),
    ),
    (
        SectionName::Routes,
        include_str!("../../src/host/routes/tests/linux-6.18.txt"),
    ),
];

/// Every reading, whole.
pub(crate) fn whole() -> Vec<Capture> {
    let lines = LINES.iter().flat_map(|(name, text)| {
        text.lines().map(|line| Capture {
            name: *name,
            raw: json::from_slice(line.as_bytes()).unwrap(),
        })
    });
    let messages = MESSAGES.iter().map(|(name, text)| Capture {
        name: *name,
        raw: Raw::Netlink(messages(text)),
    });
    lines.chain(messages).collect()
}

fn messages(text: &str) -> NetlinkRaw {
    let mut raw = NetlinkRaw::default();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        match line.split(' ').collect::<Vec<_>>().as_slice() {
            ["link", index, name] => raw.links.push(LinkName {
                index: index.parse().unwrap(),
                name: (*name).into(),
            }),
            [message_type, payload] => raw.messages.push(RawMessage {
                message_type: message_type.parse().unwrap(),
                payload: Hex(from_hex(payload).unwrap()),
            }),
            other => panic!("{other:?}"),
        }
    }
    raw
}

/// Readings small enough for many tries: each rule of nf_tables with what it needs, each legacy table, few messages.
#[derive(Debug)]
pub(crate) struct Small(Vec<(SectionName, Vec<Capture>)>);

impl Small {
    pub(crate) fn new() -> Self {
        let mut all: Vec<(SectionName, Vec<Capture>)> = Vec::new();
        for capture in whole() {
            let parts = parts(&capture);
            match all.iter_mut().find(|(name, _)| *name == capture.name) {
                Some((_, known)) => known.extend(parts),
                None => all.push((capture.name, parts)),
            }
        }
        Self(all)
    }

    pub(crate) fn every(&self) -> impl Iterator<Item = &Capture> {
        self.0.iter().flat_map(|(_, captures)| captures)
    }

    /// Rulesets and traffic control, of which there is most to know, come oftener than the rest.
    pub(crate) fn pick(&self, chance: &mut Chance) -> &Capture {
        let rules = [
            SectionName::Nftables,
            SectionName::XtablesLegacyIpv4,
            SectionName::XtablesLegacyIpv6,
            SectionName::Tc,
        ];
        let often = chance.one_in(2);
        let of: Vec<_> = self
            .0
            .iter()
            .filter(|(name, _)| !often || rules.contains(name))
            .collect();
        let (_, captures) = of[chance.below(of.len())];
        &captures[chance.below(captures.len())]
    }
}

fn parts(capture: &Capture) -> Vec<Capture> {
    let name = capture.name;
    let raws: Vec<Raw> = match &capture.raw {
        Raw::Netlink(raw) if name == SectionName::Nftables => {
            rules(raw).into_iter().map(Raw::Netlink).collect()
        }
        Raw::Netlink(raw) => raw
            .messages
            .chunks(6)
            .map(|messages| {
                Raw::Netlink(NetlinkRaw {
                    groups: Vec::new(),
                    messages: messages.to_vec(),
                    ..raw.clone()
                })
            })
            .collect(),
        Raw::Xtables(raw) => raw
            .tables
            .iter()
            .map(|table| {
                Raw::Xtables(XtablesRaw {
                    tables: vec![table.clone()],
                    ..raw.clone()
                })
            })
            .collect(),
        Raw::Host(raw) => vec![Raw::Host(shortened(raw))],
        other => vec![other.clone()],
    };
    raws.into_iter().map(|raw| Capture { name, raw }).collect()
}

/// Of many messages or files a few.
fn shortened(raw: &HostRaw) -> HostRaw {
    let mut raw = raw.clone();
    for part in &mut raw.parts {
        if let PartRead::Messages { messages } = &mut part.read {
            messages.truncate(8);
        }
    }
    raw
}

/// Each rule with its table, its chain, and the sets and objects that it names.
fn rules(raw: &NetlinkRaw) -> Vec<NetlinkRaw> {
    let is_rule = |message: &&RawMessage| message.message_type == consts::NEW_RULE;
    let named: Vec<_> = raw
        .messages
        .iter()
        .filter(|one| !is_rule(one))
        .map(|one| (one, message::names(one).ok()))
        .collect();
    let rules = raw.messages.iter().filter(is_rule);
    rules
        .map(|rule| {
            let (family, table, chain) = message::names(rule).unwrap();
            let mut messages: Vec<RawMessage> = named
                .iter()
                .filter(|(one, names)| {
                    let same_family = one.payload.0.first() == Some(&family);
                    match names {
                        Some((_, of, name)) => {
                            let mentioned = *name == chain
                                || one.message_type != consts::NEW_CHAIN && holds(rule, name.as_bytes());
                            same_family && *of == table && mentioned
                        }
                        None => same_family && holds(one, table.as_bytes()),
                    }
                })
                .map(|(one, _)| (*one).clone())
                .collect();
            messages.push(rule.clone());
            NetlinkRaw {
                groups: Vec::new(),
                messages,
                ..raw.clone()
            }
        })
        .collect()
}

fn holds(message: &RawMessage, bytes: &[u8]) -> bool {
    let wanted = [bytes, &[0]].concat();
    message
        .payload
        .0
        .windows(wanted.len())
        .any(|window| window == wanted)
}
