//! What a change does to flows, in words.

use std::net::IpAddr;

use super::super::evaluate::{Flow, Verdict};
use super::super::model::Protocol;
use super::effect::{Effect, Flows};
use crate::azure::net::Net;

impl Effect {
    /// In a line: `stops new flows: inbound tcp from 10.0.0.0/8 to 0.0.0.0/0 port 443`.
    pub fn words(&self) -> String {
        let (flows, more) = match self {
            Self::None => return "no flow changes its verdict".to_owned(),
            Self::Unknown { why, .. } => return format!("which flows change is not known: {why}"),
            Self::Changed { flows, more } => (flows, *more),
        };
        let to = |verdict| flows.iter().any(|flow| flow.to == verdict);
        let what = match (to(Verdict::Allow), to(Verdict::Deny)) {
            (true, false) => "lets new flows through",
            (false, true) => "stops new flows",
            _ => "lets new flows through and stops others",
        };
        let first = flows.first();
        let first = first.map_or_else(String::new, |flow| format!(": {}", flow.region()));
        let others = if more || flows.len() > 1 {
            ", and others"
        } else {
            ""
        };
        format!("{what}{first}{others}")
    }
}

impl Flows {
    /// In a line: `DENY -> ALLOW: inbound tcp from 10.0.0.0/8 to 10.9.0.4 port 443`.
    pub fn words(&self) -> String {
        format!("{} -> {}: {}", self.from.word(), self.to.word(), self.region())
    }

    /// One of them; none where they have no protocol that a question can name.
    pub fn sample(&self) -> Option<Flow> {
        let protocol = self.protocols.iter().find_map(|word| match *word {
            "any" => Some(Protocol::Tcp),
            word => Protocol::read(word),
        })?;
        let destinations = || self.destinations.iter().filter_map(|word| first_address(word));
        let sources = self.sources.iter().filter_map(|word| first_address(word));
        let mut pairs = sources.flat_map(|source| {
            destinations()
                .filter(move |destination| destination.is_ipv4() == source.is_ipv4())
                .map(move |destination| (source, destination))
        });
        let (source, destination) = pairs.next()?;
        Some(Flow {
            direction: self.direction,
            protocol,
            source,
            destination,
            source_ports: Some(first_port(&self.source_ports)?),
            ports: Some(first_port(&self.ports)?),
        })
    }

    fn region(&self) -> String {
        let mut words = format!(
            "{} {} from {} to {}",
            self.direction.word(),
            self.protocols.join("/"),
            self.sources.join(", "),
            self.destinations.join(", ")
        );
        let all = ["*".to_owned()];
        if self.ports != all {
            words += &format!(" port {}", self.ports.join(", "));
        }
        if self.source_ports != all {
            words += &format!(" from port {}", self.source_ports.join(", "));
        }
        words
    }
}

/// The first address of a prefix, a range or an address.
fn first_address(word: &str) -> Option<IpAddr> {
    let first = word.split('-').next()?;
    first.parse::<Net>().ok().map(Net::address)
}

/// The first port of a range, `*` or a number, as a range.
fn first_port(words: &[String]) -> Option<(u16, u16)> {
    let first = match words.first()?.as_str() {
        "*" => 0,
        word => word.split('-').next()?.parse().ok()?,
    };
    Some((first, first))
}
