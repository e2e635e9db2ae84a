//! The rules that a NIC's packets meet, with every name in them resolved to addresses.
//!
//! Source: `network-security-group-how-it-works.md`, `network-security-groups-overview.md`,
//! `application-security-groups.md` and `virtual-network-manager/concept-security-admins.md` of Microsoft's documentation.

use crate::azure::Prefix;
use crate::azure::prefix::merged;
use crate::azure::world::{
    Access, AdminAccess, Direction, Id, Nic, Nsg, Ports, Protocol, Rule, Where, World, WorldError,
};

use super::tags::resolve;

/// A security group where a NIC's packets pass it.
#[derive(Debug, Clone)]
pub struct Gate {
    /// Whose group it is.
    pub kind: GateKind,
    /// The subnet or NIC that it is bound to.
    pub bound_to: Id,
    /// The group.
    pub nsg: Id,
    /// Its rules by priority, those of both directions, the default ones last.
    pub rules: Vec<GateRule<Access>>,
}

/// Where a gate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateKind {
    /// At the subnet: the first one inwards.
    Subnet,
    /// At the NIC: the first one outwards.
    Nic,
}

/// A rule as it works at one NIC.
#[derive(Debug, Clone)]
pub struct GateRule<A> {
    /// As Azure shows it: `securityRules/x`, `defaultSecurityRules/x`; of an admin rule its id.
    pub name: String,
    /// The lowest goes first.
    pub priority: u64,
    /// The way that the packets go.
    pub direction: Direction,
    /// What becomes of them.
    pub access: A,
    /// Of which protocol they are.
    pub protocol: Protocol,
    /// Where they come from.
    pub source: Addresses,
    /// Where they go to.
    pub destination: Addresses,
    /// From which ports; never empty.
    pub source_ports: Vec<Ports>,
    /// To which ports; never empty.
    pub destination_ports: Vec<Ports>,
}

/// Addresses with the way they were written.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// As the rule names them: prefixes and names of tags, addresses of members for a group.
    pub named: Vec<Named>,
    /// Of all families.
    pub any: bool,
    /// All of them; empty stands for none, unless `any`.
    pub prefixes: Vec<Prefix>,
}

/// One way to name addresses.
#[derive(Debug, Clone)]
pub enum Named {
    /// All.
    Any,
    /// These.
    Prefix(Prefix),
    /// Those of a tag.
    Tag(String, Vec<Prefix>),
}

/// The gates of the NIC, that of the subnet first; none where no security group is bound.
///
/// # Errors
/// Where a group is missing, or a tag in it unknown.
pub fn gates(world: &World, nic: &Nic) -> Result<Vec<Gate>, WorldError> {
    let (subnet, _) = world.place(nic)?;
    let bound = [
        (GateKind::Subnet, &subnet.id, &subnet.nsg),
        (GateKind::Nic, &nic.id, &nic.nsg),
    ];
    let mut gates = Vec::new();
    for (kind, bound_to, id) in bound {
        let Some(id) = id else { continue };
        let nsg = world.nsgs.get(id);
        let nsg = nsg.ok_or_else(|| WorldError::missing("network security group", id))?;
        gates.push(Gate {
            kind,
            bound_to: bound_to.clone(),
            nsg: nsg.id.clone(),
            rules: rules(world, nic, nsg)?,
        });
    }
    Ok(gates)
}

/// The admin rules that the NIC's packets meet before any gate, by priority.
///
/// # Errors
/// Where a tag in them is unknown.
pub fn admin(world: &World, nic: &Nic) -> Result<Vec<GateRule<AdminAccess>>, WorldError> {
    let (_, vnet) = world.place(nic)?;
    let rules = world
        .admin_rules
        .iter()
        .filter(|rule| rule.vnets.contains(&vnet.id));
    rules
        .map(|rule| {
            Ok(GateRule {
                name: rule.id.to_string(),
                priority: rule.priority,
                direction: rule.direction,
                access: rule.access,
                protocol: rule.protocol,
                source: addresses(world, nic, &rule.sources)?,
                destination: addresses(world, nic, &rule.destinations)?,
                source_ports: all_if_none(&rule.source_ports),
                destination_ports: all_if_none(&rule.destination_ports),
            })
        })
        .collect()
}

fn rules(world: &World, nic: &Nic, nsg: &Nsg) -> Result<Vec<GateRule<Access>>, WorldError> {
    let own = nsg.rules.iter().cloned().map(|rule| ("securityRules", rule));
    let default = default_rules()
        .into_iter()
        .map(|rule| ("defaultSecurityRules", rule));
    let rule = |(list, rule): (&str, Rule)| {
        Ok(GateRule {
            name: format!("{list}/{}", rule.name),
            priority: rule.priority,
            direction: rule.direction,
            access: rule.access,
            protocol: rule.protocol,
            source: addresses(world, nic, &rule.sources)?,
            destination: addresses(world, nic, &rule.destinations)?,
            source_ports: all_if_none(&rule.source_ports),
            destination_ports: all_if_none(&rule.destination_ports),
        })
    };
    own.chain(default).map(rule).collect()
}

fn all_if_none(ports: &[Ports]) -> Vec<Ports> {
    if ports.is_empty() {
        return vec![Ports::ALL];
    }
    ports.to_vec()
}

fn addresses(world: &World, nic: &Nic, places: &[Where]) -> Result<Addresses, WorldError> {
    let mut named = Vec::new();
    for place in places {
        match place {
            Where::Any => named.push(Named::Any),
            Where::Prefix(prefix) => named.push(Named::Prefix(*prefix)),
            Where::Tag(tag) => named.push(Named::Tag(tag.clone(), resolve(world, nic, tag)?)),
            Where::Group(group) => named.extend(members(world, group).map(Named::Prefix)),
        }
    }
    let mut prefixes = Vec::new();
    for one in &named {
        match one {
            Named::Any => {}
            Named::Prefix(prefix) => prefixes.push(*prefix),
            Named::Tag(_, tag) => prefixes.extend(tag),
        }
    }
    Ok(Addresses {
        any: named.iter().any(|one| matches!(one, Named::Any)),
        prefixes: merged(&prefixes),
        named,
    })
}

/// The addresses of the NICs in an application security group.
fn members<'a>(world: &'a World, group: &'a Id) -> impl Iterator<Item = Prefix> + 'a {
    let configs = world.nics.values().flat_map(|nic| &nic.configs);
    configs
        .filter(move |config| config.groups.contains(group))
        .map(|config| Prefix::host(config.address))
}

/// The six rules that every security group has.
fn default_rules() -> Vec<Rule> {
    use Direction::{Inbound, Outbound};
    let rows = [
        (
            "AllowVnetInBound",
            65_000,
            Inbound,
            "VirtualNetwork",
            "VirtualNetwork",
        ),
        (
            "AllowAzureLoadBalancerInBound",
            65_001,
            Inbound,
            "AzureLoadBalancer",
            "*",
        ),
        ("DenyAllInBound", 65_500, Inbound, "*", "*"),
        (
            "AllowVnetOutBound",
            65_000,
            Outbound,
            "VirtualNetwork",
            "VirtualNetwork",
        ),
        ("AllowInternetOutBound", 65_001, Outbound, "*", "Internet"),
        ("DenyAllOutBound", 65_500, Outbound, "*", "*"),
    ];
    let place = |word: &str| match word {
        "*" => Where::Any,
        tag => Where::Tag(tag.to_owned()),
    };
    rows.into_iter()
        .map(|(name, priority, direction, source, destination)| Rule {
            name: name.to_owned(),
            priority,
            direction,
            access: match priority {
                65_500 => Access::Deny,
                _ => Access::Allow,
            },
            protocol: Protocol::Any,
            sources: vec![place(source)],
            destinations: vec![place(destination)],
            source_ports: Vec::new(),
            destination_ports: Vec::new(),
        })
        .collect()
}
