//! What a gate or rule says, in one form whatever fields of the body it stood in.

use serde_json::{Map, Value, json};

use super::super::model::{Access, Direction, Gate, Ports, Protocol, Rule, Side, Term};
use crate::azure::space::Addresses;

/// Ids and names in the form that tells two apart.
pub(super) fn key(id: Option<&str>) -> Option<String> {
    id.map(str::to_lowercase)
}

/// `subnet/GROUP`.
pub(super) fn path(gate: &Gate) -> String {
    let name = gate.nsg.as_deref().and_then(|id| id.rsplit('/').next());
    format!("{}/{}", gate.kind.word(), name.unwrap_or("-"))
}

/// The gate without its rules.
pub(super) fn summary(gate: &Gate) -> Value {
    json!({
        "gate": gate.kind.word(),
        "nsg": gate.nsg,
        "association": gate.association,
        "rules": gate.rules.len(),
    })
}

/// What tags stand for.
pub(super) fn tags(gate: &Gate) -> Value {
    let tags = gate.tags.iter();
    tags.map(|(name, nets)| json!({"tag": name, "prefixes": Addresses::of(nets).words()}))
        .collect()
}

/// The gate whole, with ids in one letter case and its rules in one order.
pub(super) fn gate(gate: &Gate) -> Value {
    let mut rules: Vec<String> = gate
        .rules
        .iter()
        .map(|its| rule(its).to_string().to_lowercase())
        .collect();
    rules.sort();
    json!({
        "gate": gate.kind.word(),
        "nsg": key(gate.nsg.as_deref()),
        "association": key(gate.association.as_deref()),
        "tags": tags(gate),
        "rules": rules,
    })
}

/// Fields of a rule that are read into its parts.
const KNOWN: [&str; 16] = [
    "name",
    "protocol",
    "sourcePortRange",
    "sourcePortRanges",
    "destinationPortRange",
    "destinationPortRanges",
    "sourceAddressPrefix",
    "sourceAddressPrefixes",
    "destinationAddressPrefix",
    "destinationAddressPrefixes",
    "expandedSourceAddressPrefix",
    "expandedDestinationAddressPrefix",
    "sourceApplicationSecurityGroups",
    "destinationApplicationSecurityGroups",
    "access",
    "priority",
];
/// Fields that change without anybody's doing, and the direction, which is part of a rule's path.
const ASIDE: [&str; 5] = ["direction", "etag", "id", "provisioningState", "type"];

/// A rule. One that is not understood is shown with its text.
pub(super) fn rule(rule: &Rule) -> Value {
    let mut shown = json!({
        "name": rule.name,
        "default": rule.is_default(),
        "direction": rule.direction.map(Direction::word),
        "priority": rule.priority,
        "access": rule.access.map(Access::word),
        "protocol": rule.protocol.map(Protocol::word),
        "sources": terms(&rule.sources),
        "expanded_sources": Addresses::of(&rule.sources.expanded).words(),
        "source_ports": rule.source_ports.as_ref().map(ports),
        "destinations": terms(&rule.destinations),
        "expanded_destinations": Addresses::of(&rule.destinations.expanded).words(),
        "ports": rule.ports.as_ref().map(ports),
    });
    let more = if rule.is_whole() {
        others(rule)
    } else {
        Some(rule.raw.clone())
    };
    if let (Some(fields), Some(more)) = (shown.as_object_mut(), more) {
        fields.insert("body".to_owned(), more);
    }
    shown
}

/// Fields of the body that mean nothing to this version, but may change.
fn others(rule: &Rule) -> Option<Value> {
    let known = |name: &str| {
        KNOWN
            .iter()
            .chain(&ASIDE)
            .any(|known| known.eq_ignore_ascii_case(name))
    };
    let fields = rule.raw.as_object()?.iter();
    let others: Map<String, Value> = fields
        .filter(|(name, value)| !known(name) && !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    (!others.is_empty()).then_some(Value::Object(others))
}

fn terms(side: &Side) -> Vec<String> {
    let mut terms: Vec<String> = side.terms.iter().map(|term| Term::text(&term.key())).collect();
    terms.sort();
    terms.dedup();
    terms
}

/// The ranges as people write them.
pub(super) fn ports(ports: &Ports) -> Vec<String> {
    if ports.is_full() {
        return vec!["*".to_owned()];
    }
    let word = |(low, high): &(u16, u16)| {
        if low == high {
            low.to_string()
        } else {
            format!("{low}-{high}")
        }
    };
    ports.ranges().iter().map(word).collect()
}
