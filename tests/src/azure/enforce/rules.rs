//! Security rules, and what the fabric sees to itself, as one ruleset of nftables that takes the place of the one before.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};

use super::text::conditions;
use super::{Counted, Decider, Port};
use crate::azure::effective::gates::{Gate, GateKind, GateRule, Named, admin, gates};
use crate::azure::effective::tags::{HOST, METADATA};
use crate::azure::world::{Access, AdminAccess, Direction, Id, IpConfig, Nic, World, WorldError};

/// The table of ours.
pub(super) const TABLE: &str = "azure";

/// Stands for all NICs whose way out is Azure's own; of the documentation's addresses.
const DEFAULT_OUTBOUND: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);

/// A ruleset and what its counters count.
pub(super) struct Program {
    pub(super) text: String,
    pub(super) counted: Vec<Counted>,
}

/// The ruleset for this world.
pub(super) fn program(
    world: &World,
    ports: &BTreeMap<Id, Port>,
    open: &[(String, Ipv4Addr)],
    zone: u16,
) -> Result<Program, WorldError> {
    let mut writer = Writer {
        world,
        ports,
        open: open
            .iter()
            .map(|(link, _)| link.as_str())
            .collect::<Vec<_>>()
            .join(", "),
        chains: String::new(),
        counted: Vec::new(),
    };
    for (id, port) in ports {
        writer.nic(world.nic(id.as_str())?, port)?;
    }
    writer.forward()?;
    writer.translate()?;
    let Writer { chains, counted, .. } = writer;
    let counters: String = (0..counted.len())
        .map(|number| format!("counter c{number} {{\n}}\n"))
        .collect();
    let zone = base(
        "connections",
        "filter hook prerouting priority raw",
        &format!("ct zone set {zone}\n"),
    );
    let text = format!(
        "add table inet {TABLE}\ndelete table inet {TABLE}\ntable inet {TABLE} {{\n{counters}{zone}{chains}}}\n"
    );
    Ok(Program { text, counted })
}

fn base(name: &str, hook: &str, rules: &str) -> String {
    format!("chain {name} {{\ntype {hook}; policy accept;\n{rules}}}\n")
}

struct Writer<'a> {
    world: &'a World,
    ports: &'a BTreeMap<Id, Port>,
    open: String,
    chains: String,
    counted: Vec<Counted>,
}

/// A rule: its conditions, its name, whether it drops, what it does.
struct Line {
    conditions: Vec<String>,
    name: String,
    drops: bool,
    action: String,
}

impl Writer<'_> {
    /// A counter's name, for a statement.
    fn counter(
        &mut self,
        nic: &Id,
        direction: Direction,
        gate: &'static str,
        rule: &str,
        drops: bool,
    ) -> String {
        let number = self.counted.len();
        self.counted.push(Counted {
            decider: Decider {
                nic: nic.clone(),
                direction,
                gate,
                rule: rule.to_owned(),
            },
            drops,
        });
        format!("counter name c{number}")
    }

    fn chain(&mut self, name: &str, rules: &str) {
        // A string takes all that is written to it.
        write!(self.chains, "chain {name} {{\n{rules}}}\n").ok();
    }

    /// All chains of a NIC: each leads on to the next, the last to the one that writes the flow down.
    fn nic(&mut self, nic: &Nic, port: &Port) -> Result<(), WorldError> {
        let admin = admin(self.world, nic)?;
        let gates = gates(self.world, nic)?;
        refuse_platform_rules(&gates)?;
        let number = port.number;
        for direction in [Direction::Outbound, Direction::Inbound] {
            let way = match direction {
                Direction::Outbound => "out",
                Direction::Inbound => "in",
            };
            let (own, other) = records(number, direction);
            let pass = format!("pass_{way}{number}");
            let record = format!(
                "ct direction original ct label set {own}\nct direction reply ct label set {other}\nreturn\n"
            );
            self.chain(&pass, &record);
            let mut next = pass.clone();
            // The last gate first, so that each knows the next one's name.
            let order: Vec<&Gate> = match direction {
                Direction::Outbound => gates.iter().collect(),
                Direction::Inbound => gates.iter().rev().collect(),
            };
            for gate in order {
                next = self.gate(nic, gate, direction, &format!("{way}{number}"), &next);
            }
            if !admin.is_empty() {
                next = self.admin(nic, &admin, direction, &format!("{way}{number}"), (&next, &pass));
            }
            let first = match direction {
                Direction::Outbound => self.outwards(nic),
                Direction::Inbound => self.inwards(nic, &gates)?,
            };
            let text = format!(
                "ct direction original ct label {own} return\nct direction reply ct label {other} return\n\
                 {}{first}goto {next}\n",
                self.open_links(direction)
            );
            self.chain(&format!("{way}{number}"), &text);
        }
        Ok(())
    }

    /// Links of the lab's own are no part of the world.
    fn open_links(&self, direction: Direction) -> String {
        let side = match direction {
            Direction::Outbound => "oifname",
            Direction::Inbound => "iifname",
        };
        match self.open.as_str() {
            "" => String::new(),
            links => format!("{side} {{ {links} }} return\n"),
        }
    }

    fn gate(&mut self, nic: &Nic, gate: &Gate, direction: Direction, way: &str, next: &str) -> String {
        let (kind, word) = match gate.kind {
            GateKind::Subnet => ("subnet", "subnet"),
            GateKind::Nic => ("nic", "nic"),
        };
        let of_way = gate.rules.iter().filter(|rule| rule.direction == direction);
        let lines = of_way
            .map(|rule| line(rule, rule.access == Access::Deny, next))
            .collect();
        self.lines(nic, direction, kind, &format!("{way}_{word}"), lines, "drop")
    }

    fn admin(
        &mut self,
        nic: &Nic,
        rules: &[GateRule<AdminAccess>],
        direction: Direction,
        way: &str,
        (next, always): (&str, &str),
    ) -> String {
        let of_way = rules.iter().filter(|rule| rule.direction == direction);
        let lines = of_way
            .map(|rule| {
                let next = if rule.access == AdminAccess::AlwaysAllow {
                    always
                } else {
                    next
                };
                line(rule, rule.access == AdminAccess::Deny, next)
            })
            .collect();
        self.lines(
            nic,
            direction,
            "admin",
            &format!("{way}_admin"),
            lines,
            &format!("goto {next}"),
        )
    }

    fn lines(
        &mut self,
        nic: &Nic,
        direction: Direction,
        gate: &'static str,
        chain: &str,
        lines: Vec<Line>,
        last: &str,
    ) -> String {
        let mut text = String::new();
        for line in lines {
            let counter = self.counter(&nic.id, direction, gate, &line.name, line.drops);
            for condition in &line.conditions {
                text.push_str(&format!("{condition}{counter} {}\n", line.action));
            }
        }
        self.chain(chain, &format!("{text}{last}\n"));
        chain.to_owned()
    }

    /// The platform's own addresses are not for security groups, and a NIC that may not forward sends from its own addresses.
    fn outwards(&mut self, nic: &Nic) -> String {
        let number = self.ports.get(&nic.id).map_or(0, |port| port.number);
        let mut text = format!("ip daddr {{ {HOST}, {METADATA} }} goto pass_out{number}\n");
        if !nic.forwarding {
            let counter = self.counter(
                &nic.id,
                Direction::Outbound,
                "source",
                "not its own address",
                true,
            );
            for (header, own) in by_family(nic.addresses().map(|own| (own.is_ipv6(), own.to_string()))) {
                text.push_str(&format!("{header} saddr != {{ {own} }} {counter} drop\n"));
            }
        }
        text
    }

    /// A Standard address lets nothing in that no group allows; a peering without forwarded traffic only what started over
    /// there.
    fn inwards(&mut self, nic: &Nic, gates: &[Gate]) -> Result<String, WorldError> {
        let mut text = String::new();
        let publics = nic.configs.iter().filter_map(|config| config.public.as_ref());
        let mut publics = publics.filter_map(|id| self.world.public_ips.get(id));
        if gates.is_empty() && publics.any(|public| public.standard) {
            let counter = self.counter(
                &nic.id,
                Direction::Inbound,
                "public address",
                "Standard without a group",
                true,
            );
            text.push_str(&format!("iifname internet {counter} drop\n"));
        }
        let (_, vnet) = self.world.place(nic)?;
        for peering in self
            .world
            .peerings(vnet)
            .filter(|peering| !peering.allow_forwarded)
        {
            let space = self.world.peered_space(peering)?;
            let (world, ports) = (self.world, self.ports);
            let mut links = Vec::new();
            for (id, port) in ports {
                let from = world.nic(id.as_str())?;
                if from.forwarding && world.place(from)?.1.id == peering.remote {
                    links.push(port.link.as_str());
                }
            }
            if links.is_empty() {
                continue;
            }
            let counter = self.counter(
                &nic.id,
                Direction::Inbound,
                "peering",
                "no forwarded traffic",
                true,
            );
            let links = links.join(", ");
            for (header, own) in by_family(space.iter().map(|prefix| (prefix.is_v6(), prefix.to_string()))) {
                text.push_str(&format!(
                    "iifname {{ {links} }} {header} saddr != {{ {own} }} {counter} drop\n"
                ));
            }
        }
        Ok(text)
    }

    fn forward(&mut self) -> Result<(), WorldError> {
        let ports: Vec<(Id, Port)> = self
            .ports
            .iter()
            .map(|(id, port)| (id.clone(), port.clone()))
            .collect();
        let map = |way: &str| {
            let jumps = ports
                .iter()
                .map(|(_, port)| format!("{} : jump {way}{}", port.link, port.number));
            jumps.collect::<Vec<_>>().join(", ")
        };
        let (outwards, inwards) = (map("out"), map("in"));
        let mut text = format!("iifname vmap {{ {outwards} }}\n");
        let mut egress = String::new();
        for (id, port) in &ports {
            let nowhere = self.counter(id, Direction::Outbound, "route", "nowhere", true);
            text.push_str(&format!("iifname {} oifname nowhere {nowhere} drop\n", port.link));
            let nic = self.world.nic(id.as_str())?;
            for config in &nic.configs {
                if self.way_out(config)?.is_some() {
                    egress.push_str(&format!(
                        "iifname {} ip saddr {} return\n",
                        port.link, config.address
                    ));
                }
            }
            let none = self.counter(id, Direction::Outbound, "egress", "no way out", true);
            egress.push_str(&format!("iifname {} {none} drop\n", port.link));
        }
        text.push_str("oifname nowhere drop\nmeta nfproto ipv4 oifname internet jump egress\n");
        text.push_str("iifname internet ct direction original ct status & dnat == 0 drop\n");
        text.push_str(&format!("oifname vmap {{ {inwards} }}\n"));
        self.chain("egress", &egress);
        self.chains
            .push_str(&base("forward", "filter hook forward priority filter", &text));
        Ok(())
    }

    /// The public address that this one goes out with.
    fn way_out(&self, config: &IpConfig) -> Result<Option<IpAddr>, WorldError> {
        let IpAddr::V4(_) = config.address else {
            return Ok(None);
        };
        if let Some(public) = &config.public {
            let known = self.world.public_ips.get(public);
            return Ok(known
                .ok_or_else(|| WorldError::missing("public address", public))?
                .address);
        }
        let subnet = self.world.subnets.get(&config.subnet);
        let subnet = subnet.ok_or_else(|| WorldError::missing("subnet", &config.subnet))?;
        let out = subnet.default_outbound || subnet.nat_gateway.is_some();
        Ok(out.then_some(DEFAULT_OUTBOUND.into()))
    }

    /// Public addresses stand outside for private ones.
    fn translate(&mut self) -> Result<(), WorldError> {
        let (mut inwards, mut outwards) = (String::new(), String::new());
        for id in self.ports.keys() {
            for config in &self.world.nic(id.as_str())?.configs {
                let Some(out) = self.way_out(config)? else {
                    continue;
                };
                let own = config.address;
                outwards.push_str(&format!("oifname internet ip saddr {own} snat ip to {out}\n"));
                if config.public.is_some() {
                    inwards.push_str(&format!("iifname internet ip daddr {out} dnat ip to {own}\n"));
                }
            }
        }
        self.chains
            .push_str(&base("inwards", "nat hook prerouting priority dstnat", &inwards));
        self.chains.push_str(&base(
            "outwards",
            "nat hook postrouting priority srcnat",
            &outwards,
        ));
        Ok(())
    }
}

/// The bits of a connection's label in which a NIC writes down that it let the flow through: the first for packets that go the
/// way of the flow's first one, the second for those that go back. That a flow leaves by a NIC and that it comes in at it are two
/// things: at an appliance it does both.
fn records(number: u8, direction: Direction) -> (u8, u8) {
    let (into, out) = (
        number.saturating_mul(2),
        number.saturating_mul(2).saturating_add(1),
    );
    match direction {
        Direction::Inbound => (into, out),
        Direction::Outbound => (out, into),
    }
}

fn line<A>(rule: &GateRule<A>, drops: bool, next: &str) -> Line {
    Line {
        conditions: conditions(rule),
        name: rule.name.clone(),
        drops,
        action: if drops {
            "drop".to_owned()
        } else {
            format!("goto {next}")
        },
    }
}

/// What stands for each family (whether it is IPv6 goes before the text) in a set; nothing for one without.
fn by_family(addresses: impl Iterator<Item = (bool, String)>) -> Vec<(&'static str, String)> {
    let (v6, v4): (Vec<_>, Vec<_>) = addresses.partition(|(is_v6, _)| *is_v6);
    let members = |of: Vec<(bool, String)>| {
        of.into_iter()
            .map(|(_, text)| text)
            .collect::<Vec<_>>()
            .join(", ")
    };
    [("ip", members(v4)), ("ip6", members(v6))]
        .into_iter()
        .filter(|(_, members)| !members.is_empty())
        .collect()
}

/// Rules on the platform's own addresses need tags of their own, which the fabric does not have.
fn refuse_platform_rules(gates: &[Gate]) -> Result<(), WorldError> {
    for gate in gates {
        for rule in &gate.rules {
            let named = rule.source.named.iter().chain(&rule.destination.named);
            let platform = |named: &Named| match named {
                Named::Tag(tag, _) => tag.to_lowercase().starts_with("azureplatform"),
                _ => false,
            };
            if named.into_iter().any(platform) {
                let why = format!("{} is about the platform's own addresses", rule.name);
                return Err(WorldError::not_enforced(&gate.nsg, why));
            }
        }
    }
    Ok(())
}
