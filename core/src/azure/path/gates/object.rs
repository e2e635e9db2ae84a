//! What decides at a gate, and the resource to edit.

use crate::azure::nsg::{GateKind, GateVerdict, Rule};
use crate::azure::path::Interface;
use crate::azure::path::row::Object;

/// What decides. `closed`: it is the platform itself, since there is no group.
pub(super) fn object(interface: &Interface, gate: &GateVerdict<'_>, closed: bool) -> Option<Object> {
    if closed && gate.nsg.is_none() && gate.gate == GateKind::Nic {
        let nic = interface.nic.captured();
        return Some(Object {
            kind: "network-interface",
            id: nic.map(|nic| nic.id.to_string()),
            text: "the network interface, which has no network security group".to_owned(),
        });
    }
    let group = |kind, text: String| Object {
        kind,
        id: gate.nsg.map(str::to_owned),
        text,
    };
    let undecided = || gate.undecided.first().map(|one| one.rule);
    match gate.rule.or_else(undecided) {
        Some(rule) => Some(Object {
            id: rule_id(rule, gate),
            ..group("rule", rule_text(rule))
        }),
        None if gate.nsg.is_some() => Some(group(
            "network-security-group",
            "the network security group".to_owned(),
        )),
        None => None,
    }
}

/// The resource to edit: the rule; of one that every group has of its own, the group.
fn rule_id(rule: &Rule, gate: &GateVerdict<'_>) -> Option<String> {
    if gate.gate == GateKind::Admin {
        let id = rule.raw.as_object().and_then(|fields| fields.get("id"));
        return id.and_then(serde_json::Value::as_str).map(str::to_owned);
    }
    let group = gate.nsg?;
    if rule.is_default() {
        return Some(group.to_owned());
    }
    Some(format!("{group}/securityRules/{}", rule.name))
}

fn rule_text(rule: &Rule) -> String {
    let priority = rule.priority.map(|priority| format!(", priority {priority}"));
    let access = rule.access.map(|access| format!(", {}", access.word()));
    format!(
        "rule {}{}{}",
        rule.name,
        priority.unwrap_or_default(),
        access.unwrap_or_default()
    )
}
