//! Real packets between the VMs of a lab: sent by the kernels of namespaces, seen where they arrive.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;

use netghost_lab::Namespace;
use rustix::net::{
    AddressFamily, Protocol, SendFlags, SocketFlags, SocketType, bind, connect, ipproto, sendto, socket_with,
};

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Tcp,
    Udp,
    Icmp,
    Esp,
    Ah,
}

/// The first packet of a flow. Of protocols without ports the first number tells it from all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flow {
    pub(crate) kind: Kind,
    pub(crate) from: IpAddr,
    pub(crate) to: IpAddr,
    pub(crate) source_port: u16,
    pub(crate) destination_port: u16,
}

/// What tells one flow from another where it arrives: translation can change its source address.
pub(crate) type Mark = (Kind, IpAddr, u16, u16);

impl Flow {
    pub(crate) fn mark(&self) -> Mark {
        let destination = match self.kind {
            Kind::Tcp | Kind::Udp => self.destination_port,
            _ => 0,
        };
        (self.kind, self.to, self.source_port, destination)
    }

    fn family(&self) -> AddressFamily {
        match self.from {
            IpAddr::V4(_) => AddressFamily::INET,
            IpAddr::V6(_) => AddressFamily::INET6,
        }
    }

    /// Sends it, from the calling thread's namespace. The socket stays open for who keeps it.
    pub(crate) fn send(&self) -> rustix::io::Result<OwnedFd> {
        let (kind, protocol) = match (self.kind, self.from) {
            (Kind::Tcp, _) => (SocketType::STREAM, Some(ipproto::TCP)),
            (Kind::Udp, _) => (SocketType::DGRAM, Some(ipproto::UDP)),
            (Kind::Icmp, IpAddr::V4(_)) => (SocketType::RAW, Some(ipproto::ICMP)),
            (Kind::Icmp, IpAddr::V6(_)) => (SocketType::RAW, Some(ipproto::ICMPV6)),
            (Kind::Esp, _) => (SocketType::RAW, Some(ipproto::ESP)),
            (Kind::Ah, _) => (SocketType::RAW, Some(ipproto::AH)),
        };
        let socket = self.socket(kind, protocol)?;
        match self.kind {
            Kind::Tcp => match connect(&socket, &SocketAddr::new(self.to, self.destination_port)) {
                Ok(()) | Err(rustix::io::Errno::INPROGRESS) => Ok(socket),
                Err(error) => Err(error),
            },
            Kind::Udp => {
                connect(&socket, &SocketAddr::new(self.to, self.destination_port))?;
                rustix::io::write(&socket, b"netghost")?;
                Ok(socket)
            }
            Kind::Icmp | Kind::Esp | Kind::Ah => {
                sendto(
                    &socket,
                    &self.payload(),
                    SendFlags::empty(),
                    &SocketAddr::new(self.to, 0),
                )?;
                Ok(socket)
            }
        }
    }

    fn socket(&self, kind: SocketType, protocol: Option<Protocol>) -> rustix::io::Result<OwnedFd> {
        let socket = socket_with(
            self.family(),
            kind,
            SocketFlags::NONBLOCK | SocketFlags::CLOEXEC,
            protocol,
        )?;
        let port = if kind == SocketType::RAW {
            0
        } else {
            self.source_port
        };
        bind(&socket, &SocketAddr::new(self.from, port))?;
        Ok(socket)
    }

    /// An echo request, or the beginning of a packet of IPsec, with the flow's number in it.
    fn payload(&self) -> Vec<u8> {
        let [high, low] = self.source_port.to_be_bytes();
        match (self.kind, self.from) {
            (Kind::Icmp, IpAddr::V4(_)) => {
                let sum = 0x0800_u32 + u32::from(self.source_port) + 1;
                let sum = !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
                let [check_high, check_low] = sum.to_be_bytes();
                vec![8, 0, check_high, check_low, high, low, 0, 1]
            }
            // The kernel fills the checksum in.
            (Kind::Icmp, IpAddr::V6(_)) => vec![128, 0, 0, 0, high, low, 0, 1],
            // RFC 4302: next header, length, two reserved bytes, index, sequence number, check value.
            (Kind::Ah, _) => {
                let mut bytes = vec![59, 4, 0, 0, 0, 1, high, low, 0, 0, 0, 1];
                bytes.extend([0; 12]);
                bytes
            }
            // RFC 4303: index, sequence number, all else.
            _ => {
                let mut bytes = vec![0, 1, high, low, 0, 0, 0, 1];
                bytes.extend([0; 16]);
                bytes
            }
        }
    }
}

/// Watches for what arrives in a namespace over some of its links.
pub(crate) struct Watch {
    links: Vec<String>,
}

const FIELDS: [(&str, &str); 6] = [
    ("v4", "ip daddr . meta l4proto . th sport . th dport"),
    ("v6", "ip6 daddr . meta l4proto . th sport . th dport"),
    ("icmp", "ip daddr . icmp id"),
    ("icmp6", "ip6 daddr . icmpv6 id"),
    ("esp", "ip daddr . esp spi"),
    ("ah", "ip daddr . ah spi"),
];

const MATCHES: [&str; 6] = [
    "meta nfproto ipv4 meta l4proto { tcp, udp }",
    "meta nfproto ipv6 meta l4proto { tcp, udp }",
    "meta nfproto ipv4 icmp type echo-request",
    "meta nfproto ipv6 icmpv6 type echo-request",
    "meta nfproto ipv4 meta l4proto esp",
    "meta nfproto ipv4 meta l4proto ah",
];

impl Watch {
    /// Begins to watch. What is for the namespace itself goes no further where it is `silent`: then nothing answers.
    pub(crate) fn begin(namespace: &Namespace, links: &[&str], silent: bool) -> Self {
        let (mut sets, mut rules) = (String::new(), String::new());
        for (at, link) in links.iter().enumerate() {
            for ((name, fields), matched) in FIELDS.iter().zip(MATCHES) {
                sets.push_str(&format!(
                    "set {name}_{at} {{\ntypeof {fields}\nflags dynamic\nsize 65535\n}}\n"
                ));
                rules.push_str(&format!(
                    "iifname {link} {matched} add @{name}_{at} {{ {fields} }}\n"
                ));
            }
        }
        // Neighbours are still found.
        let answers = "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept\n";
        let input = if silent {
            format!("{answers}drop\n")
        } else {
            String::new()
        };
        let text = format!(
            "table inet watch {{\n{sets}chain seen {{\ntype filter hook prerouting priority -400; policy accept;\n{rules}}}\n\
             chain input {{\ntype filter hook input priority 0; policy accept;\niifname lo accept\n{input}}}\n}}\n"
        );
        let argv = ["nft", "-f", "-"];
        namespace
            .exec_with_input(&argv, text.as_bytes())
            .unwrap()
            .ok(&argv)
            .unwrap();
        Self {
            links: links.iter().map(|link| (*link).to_owned()).collect(),
        }
    }

    /// What has arrived since the last [`forget`](Self::forget), by link.
    pub(crate) fn seen(&self, namespace: &Namespace) -> BTreeMap<String, BTreeSet<Mark>> {
        let shown = namespace
            .must(&["nft", "-j", "list", "table", "inet", "watch"])
            .unwrap();
        let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
        let mut seen: BTreeMap<String, BTreeSet<Mark>> = BTreeMap::new();
        for set in shown["nftables"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|object| object.get("set"))
        {
            let name = set["name"].as_str().unwrap();
            let (kind, at) = name.split_once('_').unwrap();
            let marks = seen
                .entry(self.links[at.parse::<usize>().unwrap()].clone())
                .or_default();
            for element in set["elem"].as_array().into_iter().flatten() {
                let element = element.get("elem").map_or(element, |element| &element["val"]);
                marks.insert(mark(kind, element["concat"].as_array().unwrap()));
            }
        }
        seen
    }

    /// Forgets what has arrived.
    pub(crate) fn forget(&self, namespace: &Namespace) {
        let mut text = String::new();
        for at in 0..self.links.len() {
            for (name, _) in FIELDS {
                text.push_str(&format!("flush set inet watch {name}_{at}\n"));
            }
        }
        let argv = ["nft", "-f", "-"];
        namespace
            .exec_with_input(&argv, text.as_bytes())
            .unwrap()
            .ok(&argv)
            .unwrap();
    }
}

fn mark(kind: &str, words: &[serde_json::Value]) -> Mark {
    let number = |at: usize| u16::try_from(words[at].as_u64().unwrap() & 0xffff).unwrap();
    let to: IpAddr = words[0].as_str().unwrap().parse().unwrap();
    match kind {
        "v4" | "v6" => {
            let kind = match words[1].as_str() {
                Some("tcp") => Kind::Tcp,
                Some("udp") => Kind::Udp,
                other => panic!("{other:?}"),
            };
            (kind, to, number(2), number(3))
        }
        "icmp" | "icmp6" => (Kind::Icmp, to, number(1), 0),
        "esp" => (Kind::Esp, to, number(1), 0),
        _ => (Kind::Ah, to, number(1), 0),
    }
}
