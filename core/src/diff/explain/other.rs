//! Changes of what is no ruleset: one sentence that follows from what sort of thing it is.

use super::Explanation;
use crate::diff::Kind;
use crate::diff::comparison::Change;
use crate::diff::side::Value;
use crate::section::SectionName;

/// What such a change means.
pub(super) fn explain(change: &Change) -> Explanation {
    Explanation::new(match change.kind {
        Kind::QdiscAdded | Kind::QdiscChanged => qdisc(change.after.as_ref()),
        Kind::QdiscRemoved => format!("No longer so: {}", qdisc(change.before.as_ref())),
        Kind::FactAdded | Kind::FactRemoved | Kind::FactChanged => fact(change),
        kind => sentence(kind).to_owned(),
    })
}

/// Queueing disciplines by what they do to packets (tc(8) and the pages of each).
const QDISCS: [(&[&str], &str); 7] = [
    (
        &["netem"],
        "It delays, loses, repeats, reorders or damages packets that leave here, as its parameters say.",
    ),
    (
        &["tbf"],
        "Packets leave here at a rate at most; what waits too long is dropped.",
    ),
    (
        &["htb", "hfsc", "cbq", "ets", "drr", "qfq"],
        "Packets leave here by classes that share the rate; what finds its class full is dropped.",
    ),
    (
        &["ingress", "clsact"],
        "It holds filters and lets everything through by itself; what its filters drop is gone before any firewall rule sees it \
         (at ingress) or after all of them (at egress).",
    ),
    (
        &[
            "prio",
            "pfifo",
            "bfifo",
            "pfifo_fast",
            "mq",
            "multiq",
            "noqueue",
            "mqprio",
            "taprio",
        ],
        "It sets the order in which packets leave here, and drops what finds no room.",
    ),
    (
        &[
            "fq", "fq_codel", "codel", "fq_pie", "pie", "sfq", "cake", "red", "sfb", "choke", "hhf",
        ],
        "It shares the link between flows and drops packets early where they wait too long.",
    ),
    (&["blackhole"], "It drops every packet that leaves here."),
];

fn qdisc(value: Option<&Value>) -> String {
    let text = match value {
        Some(Value::Entry(entry)) => entry.text.as_str(),
        _ => "",
    };
    let kind = text.split_whitespace().nth(1).unwrap_or_default();
    let known = QDISCS.iter().find(|(kinds, _)| kinds.contains(&kind));
    known.map_or_else(
        || "Packets that leave here go through it: it can hold back, reorder or drop them.".to_owned(),
        |(_, sentence)| (*sentence).to_owned(),
    )
}

fn sentence(kind: Kind) -> &'static str {
    match kind {
        Kind::ClassAdded | Kind::ClassRemoved | Kind::ClassChanged => {
            "A class says how much of the rate its packets get; filters of the device say which packets those are."
        }
        Kind::FilterAdded | Kind::FilterRemoved | Kind::FilterChanged | Kind::FilterMoved => {
            "Filters of traffic control run in order of priority: the first that matches decides the class or runs its actions, \
             and an action can drop or redirect the packet where no firewall rule sees it."
        }
        Kind::ActionAdded | Kind::ActionRemoved | Kind::ActionChanged => {
            "The action runs for every packet that its filter matches, and can drop, mark, rewrite or redirect it."
        }
        Kind::FilterChainAdded | Kind::FilterChainRemoved | Kind::FilterChainChanged => {
            "Packets come to this chain of filters only by an action that goes there."
        }
        Kind::LinkAdded | Kind::LinkRemoved => {
            "Packets leave and come by links: what is routed by one that is not there is not sent."
        }
        Kind::LinkChanged => {
            "How the link takes packets is another: whether it is up, how large they may be, what it belongs to."
        }
        Kind::RouteAdded | Kind::RouteRemoved | Kind::RouteChanged => {
            "Of the routes in a table that hold a destination the longest prefix decides, then the lowest metric: packets to \
             this one, and answers to it, can take another way."
        }
        _ => "The configuration differs in a way that is not explained here: compare both sides.",
    }
}

/// Sections that are lists of facts, by what such a fact does.
const FACTS: [(SectionName, &str); 20] = [
    (
        SectionName::Ipset,
        "Rules of either firewall that look this set up treat packets with these keys accordingly.",
    ),
    (
        SectionName::Addresses,
        "The host takes packets to its addresses for its own, and sends from them; others are forwarded or dropped.",
    ),
    (
        SectionName::PolicyRules,
        "Policy rules choose, in order of priority, the table in which a packet's route is looked up.",
    ),
    (
        SectionName::Nexthops,
        "Routes that name this nexthop send their packets as it says.",
    ),
    (
        SectionName::Neighbours,
        "Packets to a permanent neighbour go to its hardware address without asking; a wrong one loses them silently.",
    ),
    (
        SectionName::Xfrm,
        "Packets that an IPsec policy selects are encrypted, let through or dropped as it says, whatever the firewall rules.",
    ),
    (
        SectionName::Bridge,
        "Frames that a port, VLAN or forwarding entry of the bridge does not let on are dropped there.",
    ),
    (
        SectionName::Ipvs,
        "Packets to a virtual service are sent to one of its real servers; without one they are refused or dropped.",
    ),
    (
        SectionName::Mptcp,
        "It says which further addresses a Multipath TCP connection may use, and how many paths.",
    ),
    (
        SectionName::Sockets,
        "A connection to a port where nothing listens is refused by the host itself.",
    ),
    (
        SectionName::Conntrack,
        "Limits, helpers and timeouts of connection tracking decide which packets count as part of a connection; with a full \
         table new connections are dropped.",
    ),
    (
        SectionName::Sysctls,
        "A kernel parameter that decides what becomes of packets, apart from any rule.",
    ),
    (
        SectionName::Bpf,
        "A BPF program sees each packet at its place and can drop, rewrite or redirect it where no rule shows it.",
    ),
    (
        SectionName::SecurityLabels,
        "A security module can refuse packets by their label, apart from any rule.",
    ),
    (
        SectionName::Namespaces,
        "Another network namespace has links, routes and a firewall of its own.",
    ),
    (
        SectionName::Persisted,
        "What the files say is what the next start loads: what runs and is not there is lost then, and what is there comes back.",
    ),
    (
        SectionName::Nic,
        "The interface, its addresses and its subnet decide which packets Azure brings here, and which rules and routes hold for \
         them.",
    ),
    (
        SectionName::EffectiveRoutes,
        "Of the routes that hold a destination Azure takes the longest prefix, then the maker: packets to these addresses can go \
         elsewhere.",
    ),
    (
        SectionName::EffectiveNsg,
        "Each new connection is asked of the security group of the subnet and of that of the interface; both must let it through.",
    ),
    (
        SectionName::AdminRules,
        "Admin rules come before every security group.",
    ),
];

fn fact(change: &Change) -> String {
    let word = match change.kind {
        Kind::FactAdded => "New.",
        Kind::FactRemoved => "Gone.",
        _ => "Changed.",
    };
    let known = FACTS.iter().find(|(section, _)| *section == change.section);
    let sentence = known.map_or(
        "What it does to packets is not explained here.",
        |(_, sentence)| *sentence,
    );
    let effect = change.effect.iter().map(|effect| format!(" Effect: {effect}."));
    format!("{word} {sentence}{}", effect.collect::<String>())
}
