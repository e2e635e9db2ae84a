//! What is notable about the rules themselves: those that let much through, those that can never fire, and gates that hold
//! nothing but what every network security group has.

use super::compiled::CompiledGate;
use super::model::{Direction, Effective, Gate, GateKind, Rule};
use crate::azure::space::Budget;
use crate::azure::tags::Tags;

mod hidden;
mod wide;

pub use wide::{Severity, Wildcard};

/// What was found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Audit<'a> {
    /// Rules that let much through.
    pub permissive: Vec<Permissive<'a>>,
    /// Rules that can never fire, where at least one of those before them decides otherwise.
    pub shadowed: Vec<Hidden<'a>>,
    /// Rules that can never fire, where those before them decide the same.
    pub redundant: Vec<Hidden<'a>>,
    /// Gates that hold nothing but default rules, or no network security group at all.
    pub default_only: Vec<DefaultOnly<'a>>,
    /// Rules of which it could not be found out whether they can fire.
    pub undecided: Vec<Doubt<'a>>,
}

/// A rule of a gate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place<'a> {
    /// Where the gate stands.
    pub gate: GateKind,
    /// Its network security group.
    pub nsg: Option<&'a str>,
    /// The way of the packets.
    pub direction: Direction,
    /// The rule.
    pub rule: &'a Rule,
}

/// A rule that lets much through.
#[derive(Debug, Clone, PartialEq)]
pub struct Permissive<'a> {
    /// The rule.
    pub place: Place<'a>,
    /// The dimensions in which it lets everything through.
    pub wildcards: Vec<Wildcard>,
    /// How much that matters.
    pub severity: Severity,
}

/// A rule that can never fire.
#[derive(Debug, Clone, PartialEq)]
pub struct Hidden<'a> {
    /// The rule.
    pub place: Place<'a>,
    /// Those before it that take all of its flows together, in their order.
    pub by: Vec<&'a Rule>,
    /// How much that matters.
    pub severity: Severity,
}

/// A gate with nothing of its own in a direction.
#[derive(Debug, Clone, PartialEq)]
pub struct DefaultOnly<'a> {
    /// Where the gate stands.
    pub gate: GateKind,
    /// Its network security group; none where there is none.
    pub nsg: Option<&'a str>,
    /// The way of the packets.
    pub direction: Direction,
    /// True where there is no network security group.
    pub absent: bool,
}

/// A rule of which it could not be found out whether it can fire.
#[derive(Debug, Clone, PartialEq)]
pub struct Doubt<'a> {
    /// The rule.
    pub place: Place<'a>,
    /// Why not.
    pub why: String,
}

/// Operations on blocks for one gate and direction.
const BUDGET: u64 = 2_000_000;

/// Looks at all rules of a network interface. `admin`: the admin rules of the virtual network, where they were read.
pub fn audit<'a>(effective: &'a Effective, admin: Option<&'a Gate>, tags: &Tags) -> Audit<'a> {
    let mut found = Audit::default();
    for direction in [Direction::Inbound, Direction::Outbound] {
        for gate in admin.into_iter().chain(&effective.gates) {
            let compiled = CompiledGate::new(gate, tags);
            let rules = compiled.rules(direction);
            let place = |rule: &'a Rule| Place {
                gate: gate.kind,
                nsg: gate.nsg.as_deref(),
                direction,
                rule,
            };
            for rule in rules {
                found.permissive.extend(wide::permissive(rule, place(rule.rule)));
            }
            hidden::find(rules, &place, &mut Budget::new(BUDGET), &mut found);
            let own = rules.iter().any(|rule| !rule.rule.is_default());
            if gate.kind != GateKind::Admin && !own && gate.cut.is_none() {
                found.default_only.push(DefaultOnly {
                    gate: gate.kind,
                    nsg: gate.nsg.as_deref(),
                    direction,
                    absent: false,
                });
            }
        }
        absent(effective, direction, &mut found);
    }
    found
}

/// Gates without a network security group, where the body is clear about which there are.
fn absent(effective: &Effective, direction: Direction, found: &mut Audit<'_>) {
    let unclear = |gate: &Gate| gate.kind == GateKind::Unknown;
    if effective.more || effective.gates.iter().any(unclear) {
        return;
    }
    for kind in [GateKind::Subnet, GateKind::Nic] {
        if effective.gates.iter().all(|gate| gate.kind != kind) {
            found.default_only.push(DefaultOnly {
                gate: kind,
                nsg: None,
                direction,
                absent: true,
            });
        }
    }
}

#[cfg(test)]
mod tests;
