//! The section `effective-nsg`: the gates, their rules and what their tags stand for.

use serde_json::{Map, Value as Json};

use super::paths::named;
use super::value::{distinct, properties, texts};
use super::{Bodies, gap};
use crate::azure::nsg::{self, Gate, GateKind, Ports, Rule, Side};
use crate::bytes::Text;
use crate::facts::{Fact, Lifted, Value};
use crate::section::Warning;

/// The fields of a rule that have a property of their own, or a part in one.
const KNOWN: [&str; 17] = [
    "name",
    "priority",
    "direction",
    "access",
    "protocol",
    "sourceAddressPrefix",
    "sourceAddressPrefixes",
    "expandedSourceAddressPrefix",
    "sourceApplicationSecurityGroups",
    "destinationAddressPrefix",
    "destinationAddressPrefixes",
    "expandedDestinationAddressPrefix",
    "destinationApplicationSecurityGroups",
    "sourcePortRange",
    "sourcePortRanges",
    "destinationPortRange",
    "destinationPortRanges",
];

/// Lifts the body of `POST …/effectiveNetworkSecurityGroups` (the part `rules`).
pub(super) fn lift(bodies: &Bodies<'_>, out: &mut Lifted) {
    let Some((source, body)) = bodies.named("rules", out) else {
        return;
    };
    let effective = match nsg::parse(&body) {
        Ok(effective) => effective,
        Err(error) => return out.gaps.push(gap(source, &error.to_string())),
    };
    if effective.more {
        out.gaps.push(gap(
            "",
            "there are more gates on another page, which was not read",
        ));
    }
    // What took something away is a gap as well; the warning says where in the body.
    out.warnings.extend(effective.warnings.iter().map(|warning| {
        Warning {
            code: serde_json::to_value(warning.code)
                .ok()
                .and_then(|code| code.as_str().map(str::to_owned))
                .unwrap_or_default(),
            message: format!("{}: {}", warning.at, warning.message),
        }
    }));
    let mut facts = Vec::new();
    for gate in &effective.gates {
        gate_facts(gate, &mut facts, out);
    }
    out.config.facts.extend(distinct(facts));
}

fn gate_facts(gate: &Gate, facts: &mut Vec<Fact>, out: &mut Lifted) {
    let key = |rest: &[&str]| key(gate, rest);
    let place = Fact::new("gate", key(&[]));
    if gate.kind == GateKind::Unknown {
        let why = "it is not known whether this network security group stands at the subnet or at the network interface";
        out.gaps.push(gap("", &format!("{}: {why}", place.path())));
    }
    out.gaps.extend(
        gate.cut
            .iter()
            .map(|why| gap("", &format!("{}: {why}", place.path()))),
    );
    let association = gate
        .association
        .as_deref()
        .map(|id| Value::Text(id.to_lowercase().as_str().into()));
    facts.push(place.with_some("association", association));
    for (tag, nets) in &gate.tags {
        let nets: Vec<String> = nets.iter().map(ToString::to_string).collect();
        facts.push(Fact::new("tag", key(&[tag])).with("prefixes", texts(&nets)));
    }
    for rule in &gate.rules {
        let fact = named(gate, rule);
        let path = fact.path();
        out.gaps
            .extend(rule.faults.iter().map(|fault| gap(&path, &fault.to_string())));
        facts.push(rule_fact(fact, rule));
    }
}

/// What tells the facts of a gate from those of others.
pub(super) fn key(gate: &Gate, rest: &[&str]) -> Vec<Text> {
    let nsg = gate.nsg.as_deref().unwrap_or("unnamed").to_lowercase();
    let start = [gate.kind.word(), nsg.as_str()];
    start.iter().chain(rest).map(|part| (*part).into()).collect()
}

fn rule_fact(fact: Fact, rule: &Rule) -> Fact {
    let mut fact = fact
        .with_some("priority", rule.priority.map(Value::number))
        .with_some("access", rule.access.map(|access| Value::word(access.word())))
        .with_some(
            "protocol",
            rule.protocol.map(|protocol| Value::word(protocol.word())),
        );
    for (name, side, ports) in [
        ("source", &rule.sources, &rule.source_ports),
        ("destination", &rule.destinations, &rule.ports),
    ] {
        fact = with_side(fact, name, side).with_some(&format!("{name}-ports"), ports.as_ref().map(port_list));
    }
    let known = |name: &String| KNOWN.iter().any(|known| known.eq_ignore_ascii_case(name));
    let rest = rule.raw.as_object().into_iter().flatten();
    let rest = rest.filter(|(name, _)| !known(name));
    let rest: Map<String, Json> = rest.map(|(name, value)| (name.clone(), value.clone())).collect();
    fact.properties.extend(properties(&rest).0);
    fact
}

fn with_side(fact: Fact, name: &str, side: &Side) -> Fact {
    let terms: Vec<String> = side.terms.iter().map(|term| term.key().text()).collect();
    let fact = fact.with(name, texts(&terms));
    if side.expanded.is_empty() {
        return fact;
    }
    let nets: Vec<String> = side.expanded.iter().map(ToString::to_string).collect();
    fact.with(&format!("{name}-expanded"), texts(&nets))
}

fn port_list(ports: &Ports) -> Value {
    let words = ports.ranges().iter().map(|(first, last)| {
        Value::word(if first == last {
            first.to_string()
        } else {
            format!("{first}-{last}")
        })
    });
    Value::List(words.collect())
}
