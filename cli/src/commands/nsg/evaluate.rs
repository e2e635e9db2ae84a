//! What becomes of a flow.

use std::collections::BTreeMap;
use std::net::IpAddr;

use netghost_core::azure::nsg::{
    Compiled, Direction, Evaluation, Flow, GateVerdict, Protocol, PublicAddress, Verdict, Warning,
};
use serde_json::{Value, json};

use super::{Known, address, admin_rules, port, ports, rules, shown, warning_lines, warnings};
use crate::error::Failure;
use crate::exit::Status;
use crate::output::Outcome;
use crate::text::nsg as text;

const SCHEMA: &str = "netghost.nsg-evaluate/v1";

/// Says what becomes of a flow.
#[derive(Debug, clap::Args)]
pub struct Evaluate {
    /// The effective security rules of the network interface, or `-` for standard input
    #[arg(long, value_name = "FILE")]
    rules: String,
    /// Relative to the network interface
    #[arg(long, value_enum, ignore_case = true, value_name = "inbound|outbound")]
    direction: Way,
    /// tcp, udp, icmp, esp, ah, or `*` for all at once
    #[arg(long, value_parser = protocol, value_name = "PROTOCOL")]
    protocol: Protocol,
    /// Where the flow comes from
    #[arg(long, value_name = "IP")]
    source: IpAddr,
    /// Where it goes: inbound the private address of the interface
    #[arg(long, value_name = "IP")]
    destination: IpAddr,
    /// The port that it goes to, or a range of them
    #[arg(long, value_parser = port, value_name = "N")]
    port: Option<(u16, u16)>,
    /// The port that it comes from, or a range of them; if not given, it may be any
    #[arg(long, value_parser = port, value_name = "N")]
    source_port: Option<(u16, u16)>,
    /// What is known about tags and groups.
    #[command(flatten)]
    known: Known,
    /// The security admin rules of the virtual network
    #[arg(long, value_name = "FILE")]
    admin_rules: Option<String>,
    /// The public address of the interface, which decides where it has no network security group
    #[arg(long, value_enum, default_value_t = Sku::Standard, value_name = "SKU")]
    public_address: Sku,
}

/// The way of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Way {
    /// To the virtual machine
    Inbound,
    /// From the virtual machine
    Outbound,
}

/// The kind of a public address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Sku {
    /// Closed to what no network security group allows
    Standard,
    /// Open; Azure has made none since 2025
    Basic,
    /// There is none
    None,
}

fn protocol(word: &str) -> Result<Protocol, String> {
    Protocol::read(word).ok_or_else(|| "it is tcp, udp, icmp, esp, ah or *".to_owned())
}

impl Evaluate {
    fn flow(&self) -> Flow {
        Flow {
            direction: match self.direction {
                Way::Inbound => Direction::Inbound,
                Way::Outbound => Direction::Outbound,
            },
            protocol: self.protocol,
            source: self.source,
            destination: self.destination,
            source_ports: self.source_port,
            ports: self.port,
        }
    }

    fn address(&self) -> PublicAddress {
        match self.public_address {
            Sku::Standard => PublicAddress::Standard,
            Sku::Basic => PublicAddress::Basic,
            Sku::None => PublicAddress::None,
        }
    }
}

pub(super) fn run(args: &Evaluate) -> Result<Outcome, Failure> {
    if matches!(args.protocol, Protocol::Tcp | Protocol::Udp) && args.port.is_none() {
        let error = anyhow::anyhow!("a flow of this protocol goes to a port");
        return Err(Failure::usage("wrong_use", error).hint("give it with --port"));
    }
    let effective = rules(&args.rules)?;
    let admin = admin_rules(args.admin_rules.as_ref())?;
    let tags = args.known.tags()?;
    let compiled = Compiled::new(&effective, admin.as_ref().map(|(gate, _)| gate), &tags);
    let flow = args.flow();
    let found = compiled
        .evaluate(&flow, args.address())
        .map_err(|error| Failure::usage("wrong_use", error))?;
    let mut all: Vec<Warning> = effective.warnings.clone();
    all.extend(admin.iter().flat_map(|(_, warnings)| warnings.clone()));
    let missing = missing(&found, admin.is_some());
    Ok(Outcome {
        status: match found.verdict {
            Verdict::Allow => Status::Good,
            Verdict::Deny => Status::Act,
            Verdict::Unknown => Status::Unknown,
        },
        document: document(&flow, &found, warnings(&all)?, &missing),
        text: text::evaluation(&found, &missing) + &warning_lines(&all),
    })
}

/// What was not read, by name, with what to do about it. A verdict that stands without it says so too.
fn missing(found: &Evaluation<'_>, admin: bool) -> BTreeMap<String, &'static str> {
    let mut missing = BTreeMap::new();
    if !admin {
        let why = "security admin rules come before network security groups: give them with --admin-rules";
        missing.insert("admin rules".to_owned(), why);
    }
    if found.verdict != Verdict::Unknown {
        return missing;
    }
    let names = found
        .gates
        .iter()
        .flat_map(|gate| gate.undecided.iter().flat_map(|one| one.needs()));
    for name in names {
        let why = match name.to_ascii_lowercase().as_str() {
            "virtualnetwork" | "internet" => "give the prefixes of the virtual network with --vnet-prefix",
            name if name.starts_with('/') => "give the members of the group with --asg",
            _ => "give a file of service tags with --service-tags",
        };
        missing.insert(name, why);
    }
    missing
}

fn document(
    flow: &Flow,
    found: &Evaluation<'_>,
    warnings: Value,
    missing: &BTreeMap<String, &'static str>,
) -> Value {
    let gates: Vec<Value> = found.gates.iter().map(gate).collect();
    let protocols = found.protocols.iter();
    json!({
        "schema": SCHEMA,
        "verdict": found.verdict.word(),
        "gates": gates,
        "deciding_gate": found.deciding_gate().map(|gate| gate.gate.word()),
        "deciding_rule": found.deciding_rule().map(shown),
        "reason": text::reason(found),
        "protocols": protocols
            .map(|(protocol, verdict)| json!({"protocol": protocol, "verdict": verdict.word()}))
            .collect::<Vec<Value>>(),
        "flow": {
            "direction": flow.direction.word(),
            "protocol": flow.protocol.word().to_lowercase(),
            "source": address(flow.source),
            "destination": address(flow.destination),
            "source_port": ports(flow.source_ports),
            "port": ports(flow.ports),
        },
        "warnings": warnings,
        "missing": missing
            .iter()
            .map(|(what, why)| json!({"what": what, "why": why}))
            .collect::<Vec<Value>>(),
    })
}

fn gate(gate: &GateVerdict<'_>) -> Value {
    let undecided = gate.undecided.iter();
    json!({
        "gate": gate.gate.word(),
        "nsg": gate.nsg,
        "verdict": gate.verdict.word(),
        "rule": gate.rule.map(shown),
        "reason": gate.why(),
        "undecided": undecided
            .map(|one| json!({"rule": shown(one.rule), "why": one.why()}))
            .collect::<Vec<Value>>(),
    })
}
