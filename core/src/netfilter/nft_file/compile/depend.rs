//! The matches on protocols that a field needs, as `nft` adds them.

use super::super::ast::{Expr, Extension, Relation};
use super::super::header::{self, Header};
use super::emit::Emitter;
use super::merge::Equal;
use super::{Compiled, fault};
use crate::netfilter::model::Family;

/// What earlier matches of the rule have fixed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Context {
    /// The link header is Ethernet's.
    ethernet: bool,
    vlan: bool,
    network: Option<&'static str>,
    transport: Option<&'static str>,
    /// The type of an ICMP message is matched.
    icmp_type: bool,
}

impl Context {
    pub(super) fn of(family: Family) -> Self {
        Self {
            ethernet: family == Family::Bridge,
            network: match family {
                Family::Ip => Some("ip"),
                Family::Ip6 => Some("ip6"),
                Family::Arp => Some("arp"),
                Family::Inet | Family::Bridge | Family::Netdev => None,
            },
            ..Self::default()
        }
    }

    pub(super) fn network(&self) -> Option<&'static str> {
        self.network
    }
}

/// `ARPHRD_ETHER`.
const ETHERNET: u16 = 1;

impl Emitter<'_, '_> {
    /// Adds what the fields in `expr` need, in their order.
    pub(super) fn depend(&mut self, expr: &Expr) -> Compiled {
        match expr {
            Expr::Payload { protocol, field } => self.need_header(protocol, field),
            Expr::Extension { kind, .. } => match kind {
                Extension::Ip6 => self.need_network("ip6"),
                Extension::IpOption => self.need_network("ip"),
                Extension::TcpOption | Extension::SctpChunk => Ok(()),
            },
            Expr::Binary(_, left, right) => {
                self.depend(left)?;
                self.depend(right)
            }
            Expr::Map { key, .. } => self.depend(key),
            Expr::Hash { key: Some(key), .. } => self.depend(key),
            Expr::Concat(parts) => parts.iter().try_for_each(|part| self.depend(part)),
            _ => Ok(()),
        }
    }

    fn need_header(&mut self, protocol: &str, field: &str) -> Compiled {
        let Some(header) = header::header(protocol) else {
            return fault(format!("there is no header {protocol}"));
        };
        match (header.base, header.name) {
            (_, "th") => Ok(()),
            (header::LINK, name) => self.need_link(name),
            (header::NETWORK, name) => self.need_network(name),
            _ => {
                self.need_transport(header)?;
                self.need_type(header, field);
                Ok(())
            }
        }
    }

    fn need_link(&mut self, name: &str) -> Compiled {
        if !self.context.ethernet {
            self.meta_is(8, &ETHERNET.to_ne_bytes());
            self.context.ethernet = true;
        }
        if name == "vlan" && !self.context.vlan {
            self.payload_is(header::LINK, 12, &0x8100_u16.to_be_bytes());
            self.context.vlan = true;
        }
        Ok(())
    }

    pub(super) fn need_network(&mut self, name: &'static str) -> Compiled {
        self.need_network_by(name, false)
    }

    /// `ether_type`: a bridge is asked by the frame's own type, as `nft` does below ICMP.
    fn need_network_by(&mut self, name: &'static str, ether_type: bool) -> Compiled {
        match self.context.network {
            Some(known) if known == name => return Ok(()),
            Some(known) => return fault(format!("{known} and {name} exclude each other")),
            None => {}
        }
        let Some(found) = header::header(name) else {
            return fault(format!("there is no header {name}"));
        };
        let ether = u16::try_from(found.number).unwrap_or_default().to_be_bytes();
        match (self.family, name) {
            (Family::Inet, "ip") => self.meta_is(15, &[2]),
            (Family::Inet, "ip6") => self.meta_is(15, &[10]),
            (Family::Inet, _) => return fault(format!("inet and {name} exclude each other")),
            _ if self.context.vlan => self.payload_is(header::LINK, 16, &ether),
            (Family::Bridge, "arp") => self.payload_is(header::LINK, 12, &ether),
            (Family::Bridge, _) if ether_type => self.payload_is(header::LINK, 12, &ether),
            _ => self.meta_is(1, &ether),
        }
        self.context.network = Some(name);
        Ok(())
    }

    fn need_transport(&mut self, wanted: &'static Header) -> Compiled {
        match self.context.transport {
            Some(known) if known == wanted.name => return Ok(()),
            Some(known) => return fault(format!("{known} and {} exclude each other", wanted.name)),
            None => {}
        }
        // These stand behind one of the network protocols only.
        if self.context.network.is_none() {
            match wanted.name {
                "icmp" | "igmp" => self.need_network_by("ip", true)?,
                "icmpv6" => self.need_network_by("ip6", true)?,
                _ => {}
            }
        }
        self.meta_is(16, &[u8::try_from(wanted.number).unwrap_or_default()]);
        self.context.transport = Some(wanted.name);
        Ok(())
    }

    pub(super) fn need_tcp(&mut self) -> Compiled {
        header::header("tcp").map_or(Ok(()), |tcp| self.need_transport(tcp))
    }

    /// Fields that only some ICMP messages have.
    fn need_type(&mut self, header: &Header, field: &str) {
        let types: &[u8] = match (header.name, field) {
            ("icmp", "id" | "sequence") => &[0, 8],
            ("icmp", "gateway") => &[5],
            ("icmp", "mtu") => &[3],
            ("icmpv6", "id" | "sequence") => &[128, 129],
            ("icmpv6", "mtu") => &[2],
            ("icmpv6", "parameter-problem") => &[4],
            ("icmpv6", "max-delay") => &[130],
            _ => return,
        };
        if std::mem::replace(&mut self.context.icmp_type, true) {
            return;
        }
        match types {
            [one] => self.payload_is(header.base, 0, &[*one]),
            several => {
                let keys = several.iter().map(|one| vec![*one]).collect();
                let number = if header.name == "icmp" { 14 } else { 29 };
                let set = self.plain_set(number, keys);
                self.payload(0, header.base, 0, 1);
                self.lookup(0, &set, None, false);
            }
        }
    }

    fn meta_is(&mut self, key: u32, value: &[u8]) {
        self.meta(0, key);
        self.compare(0, 0, value);
    }

    fn payload_is(&mut self, base: u32, offset: u32, value: &[u8]) {
        self.equal(Equal {
            base,
            offset,
            value: value.to_vec(),
            protocol: base == header::LINK,
        });
    }

    /// Learns from an equality with one value.
    pub(super) fn learn(&mut self, field: &Expr, relation: Relation, value: &[u8]) {
        if !matches!(relation, Relation::Eq | Relation::Implied) || value.len() > 4 {
            return;
        }
        let number = value
            .iter()
            .fold(0, |number, byte| number << 8 | u32::from(*byte));
        match field {
            Expr::Meta(key) => match (key.as_str(), self.family) {
                ("l4proto", _) => self.learn_transport(number),
                ("nfproto", Family::Inet) => match number {
                    2 => self.learn_network("ip"),
                    10 => self.learn_network("ip6"),
                    _ => {}
                },
                ("protocol", Family::Bridge | Family::Netdev) => self.learn_ether_type(number),
                ("iiftype", _) if value == ETHERNET.to_ne_bytes() => self.context.ethernet = true,
                _ => {}
            },
            Expr::Payload { protocol, field } => match (protocol.as_str(), field.as_str()) {
                ("ip", "protocol") | ("ip6", "nexthdr") => self.learn_transport(number),
                ("ether", "type") if number == 0x8100 => self.context.vlan = true,
                ("ether" | "vlan", "type") => self.learn_ether_type(number),
                ("icmp" | "icmpv6", "type") => self.context.icmp_type = true,
                _ => {}
            },
            _ => {}
        }
    }

    /// Learns from a match on one of several types of ICMP messages.
    pub(super) fn learn_message(&mut self, field: &Expr) {
        if let Expr::Payload { protocol, field } = field
            && matches!(protocol.as_str(), "icmp" | "icmpv6")
            && field == "type"
        {
            self.context.icmp_type = true;
        }
    }

    fn learn_network(&mut self, name: &'static str) {
        self.context.network.get_or_insert(name);
    }

    fn learn_ether_type(&mut self, number: u32) {
        if let Some(header) = header::by_number(header::NETWORK, number) {
            self.learn_network(header.name);
        }
    }

    fn learn_transport(&mut self, number: u32) {
        if let Some(header) = header::by_number(header::TRANSPORT, number) {
            self.context.transport.get_or_insert(header.name);
        }
    }
}
