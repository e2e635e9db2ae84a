//! Verdicts against an oracle that knows nothing of sets: it makes every unknown known in every way, and asks each time which
//! rule comes first.

use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::*;
use crate::azure::nsg::parse;
use crate::azure::tags::Tags;

/// Addresses of the universe: 10.0.0.0 to 10.0.0.3.
const ADDRESSES: u8 = 4;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Who {
    All,
    One(u8),
    /// The two addresses that begin at this even one.
    Pair(u8),
    /// A tag whose addresses nobody knows.
    Tag,
}

#[derive(Debug, Clone)]
struct Plain {
    priority: Option<u32>,
    access: Option<bool>,
    protocol: u8,
    from: Who,
    to: Who,
    ports: (u16, u16),
}

impl Who {
    fn text(self) -> String {
        match self {
            Self::All => "*".to_owned(),
            Self::One(at) => format!("10.0.0.{at}"),
            Self::Pair(at) => format!("10.0.0.{at}/31"),
            Self::Tag => "Storage".to_owned(),
        }
    }

    fn holds(self, at: u8, tag: u8) -> bool {
        match self {
            Self::All => true,
            Self::One(one) => one == at,
            Self::Pair(first) => at == first || at == first + 1,
            Self::Tag => tag & (1 << at) != 0,
        }
    }
}

const PROTOCOLS: [&str; 3] = ["*", "Tcp", "Udp"];

fn who(tags: bool) -> impl Strategy<Value = Who> {
    let known = prop_oneof![
        Just(Who::All),
        (0..ADDRESSES).prop_map(Who::One),
        (0..2u8).prop_map(|half| Who::Pair(half * 2)),
    ];
    if tags {
        prop_oneof![4 => known, 1 => Just(Who::Tag)].boxed()
    } else {
        known.boxed()
    }
}

/// A value, which may be missing where unknowns are wanted.
fn some<T: std::fmt::Debug + Clone + 'static>(
    unknown: bool,
    values: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Option<T>> {
    if unknown {
        prop::option::weighted(0.9, values).boxed()
    } else {
        values.prop_map(Some).boxed()
    }
}

fn rules(unknown: bool) -> impl Strategy<Value = Vec<Plain>> {
    let one = (
        some(unknown, 1..8u32),
        some(unknown, any::<bool>()),
        0..3u8,
        who(unknown),
        who(unknown),
        (0..4u16, 0..4u16).prop_map(|(a, b)| (a.min(b), a.max(b))),
    );
    let plain = one.prop_map(|(priority, access, protocol, from, to, ports)| Plain {
        priority,
        access,
        protocol,
        from,
        to,
        ports,
    });
    prop::collection::vec(plain, 0..6).prop_filter("one unknown priority and access", |rules| {
        let count = |unknown: fn(&Plain) -> bool| rules.iter().filter(|rule| unknown(rule)).count();
        count(|rule| rule.priority.is_none()) <= 1 && count(|rule| rule.access.is_none()) <= 2
    })
}

fn body(kind: &str, rules: &[Plain]) -> Value {
    let mut listed: Vec<Value> = rules
        .iter()
        .enumerate()
        .map(|(at, rule)| {
            json!({"name": at.to_string(), "direction": "Inbound",
                "priority": rule.priority.map_or(json!("?"), |priority| json!(priority * 10)),
                "access": rule.access.map_or("?", |allow| if allow { "Allow" } else { "Deny" }),
                "protocol": PROTOCOLS[usize::from(rule.protocol)],
                "sourceAddressPrefix": rule.from.text(), "destinationAddressPrefix": rule.to.text(),
                "sourcePortRange": "*", "destinationPortRange": format!("{}-{}", rule.ports.0, rule.ports.1)})
        })
        .collect();
    listed.push(
        json!({"name": "DenyAllInBound", "direction": "Inbound", "priority": 65500, "access": "Deny",
        "protocol": "*", "sourceAddressPrefix": "*", "destinationAddressPrefix": "*",
        "sourcePortRange": "*", "destinationPortRange": "*"}),
    );
    json!({"association": {kind: {"id": "/x"}}, "effectiveSecurityRules": listed})
}

/// A question: protocol (1 TCP, 2 UDP), addresses, port.
type Ask = (u8, u8, u8, u16);

/// A priority behind that of the rule that denies all, where nothing comes to.
const BEHIND: u32 = u32::MAX;

/// What a gate does where everything is known; none where two rules of one priority disagree.
fn gate(rules: &[Plain], (protocol, from, to, port): Ask, tag: u8) -> Option<bool> {
    let matching = rules.iter().filter(|rule| {
        rule.priority != Some(BEHIND)
            && (rule.protocol == 0 || rule.protocol == protocol)
            && rule.from.holds(from, tag)
            && rule.to.holds(to, tag)
            && (rule.ports.0..=rule.ports.1).contains(&port)
    });
    let mut matching: Vec<&Plain> = matching.collect();
    matching.sort_by_key(|rule| rule.priority);
    let Some(first) = matching.first() else {
        return Some(false);
    };
    let mut peers = matching.iter().filter(|rule| rule.priority == first.priority);
    let access = first.access;
    peers
        .all(|rule| rule.access == access)
        .then_some(access)
        .flatten()
}

/// Every way in which the unknowns of these rules can be known.
fn known(rules: &[Plain]) -> Vec<Vec<Plain>> {
    let mut ways = vec![Vec::new()];
    for rule in rules {
        let accesses = rule.access.map_or(vec![true, false], |access| vec![access]);
        // Between any two priorities there is room for one more.
        let priorities: Vec<u32> = match rule.priority {
            Some(priority) => vec![priority * 2],
            None => (0..9).map(|half| half * 2 + 1).chain([BEHIND]).collect(),
        };
        let mut next = Vec::new();
        for way in &ways {
            for access in &accesses {
                for priority in &priorities {
                    let mut way: Vec<Plain> = way.clone();
                    way.push(Plain {
                        priority: Some(*priority),
                        access: Some(*access),
                        ..rule.clone()
                    });
                    next.push(way);
                }
            }
        }
        ways = next;
    }
    ways
}

fn asks() -> impl Iterator<Item = Ask> {
    (1..3u8).flat_map(|protocol| {
        (0..ADDRESSES).flat_map(move |from| {
            (0..ADDRESSES).flat_map(move |to| (0..4u16).map(move |port| (protocol, from, to, port)))
        })
    })
}

fn verdict(compiled: &Compiled<'_>, (protocol, from, to, port): Ask) -> Verdict {
    let address = |at: u8| IpAddr::V4(Ipv4Addr::new(10, 0, 0, at));
    let flow = Flow {
        direction: Direction::Inbound,
        protocol: if protocol == 1 {
            Protocol::Tcp
        } else {
            Protocol::Udp
        },
        source: address(from),
        destination: address(to),
        source_ports: Some((9, 9)),
        ports: Some((port, port)),
    };
    compiled.evaluate(&flow, PublicAddress::Standard).unwrap().verdict
}

fn judged(allowed: bool) -> Verdict {
    if allowed { Verdict::Allow } else { Verdict::Deny }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn where_all_is_known_the_first_rule_of_each_gate_decides(subnet in rules(false), nic in rules(false)) {
        let body = json!({"value": [body("networkInterface", &nic), body("subnet", &subnet)]});
        let effective = parse(&body).unwrap();
        let tags = Tags::default();
        let compiled = Compiled::new(&effective, None, &tags);
        for ask in asks() {
            let gates = [gate(&subnet, ask, 0), gate(&nic, ask, 0)];
            let wanted = match gates {
                [Some(false), _] | [_, Some(false)] => Verdict::Deny,
                [Some(true), Some(true)] => Verdict::Allow,
                _ => Verdict::Unknown,
            };
            prop_assert_eq!(verdict(&compiled, ask), wanted, "{:?}", ask);
        }
    }

    #[test]
    fn a_verdict_holds_in_whichever_way_the_unknowns_are_known(rules in rules(true)) {
        let body = json!({"value": [body("subnet", &rules)]});
        let effective = parse(&body).unwrap();
        let tags = Tags::default();
        let compiled = Compiled::new(&effective, None, &tags);
        let ways = known(&rules);
        for ask in asks().step_by(3) {
            let mut ends = Vec::new();
            for way in &ways {
                ends.extend((0..1u8 << ADDRESSES).map(|tag| gate(way, ask, tag)));
            }
            let found = verdict(&compiled, ask);
            if found != Verdict::Unknown {
                let all = ends.iter().all(|end| end.is_some_and(|allowed| judged(allowed) == found));
                prop_assert!(all, "{:?} is {:?} in no more than some ways", ask, found);
            } else if doubts(&rules) == 1 {
                // With a single unknown nothing is lost: an answer that every way shares is found.
                let first = ends.first().copied().flatten();
                let same = first.is_some() && ends.iter().all(|end| *end == first);
                prop_assert!(!same, "{:?} is {:?} in every way", ask, first);
            }
        }
    }
}

/// How many things are not known.
fn doubts(rules: &[Plain]) -> usize {
    let of = |rule: &Plain| {
        usize::from(rule.priority.is_none())
            + usize::from(rule.access.is_none())
            + usize::from(rule.from == Who::Tag)
            + usize::from(rule.to == Who::Tag)
    };
    rules.iter().map(of).sum()
}
