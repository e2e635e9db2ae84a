//! All that is not in the fabric: one namespace that answers for every address, with a link for each way out. The link over
//! which a packet comes there says which route it took.

use std::net::Ipv4Addr;

use super::set;
use crate::error::Result;
use crate::netns::Namespace;
use crate::record::RunDir;

/// What the namespace is called.
pub const OUTSIDE: &str = "outside";

/// What programs out there have as their own address, unless they take another.
pub const HOST: Ipv4Addr = Ipv4Addr::new(9, 9, 9, 9);

/// A way out of the fabric. Its interface has the same name at both ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Link {
    /// To the Internet.
    Internet,
    /// To networks behind gateways.
    Gateway,
    /// To services reached directly, and to private endpoints.
    Service,
    /// To the platform's own addresses.
    Platform,
    /// To nowhere: what is sent over it is dropped.
    Nowhere,
}

impl Link {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Internet,
        Self::Gateway,
        Self::Service,
        Self::Platform,
        Self::Nowhere,
    ];

    /// The interface.
    pub fn name(self) -> &'static str {
        match self {
            Self::Internet => "internet",
            Self::Gateway => "gateway",
            Self::Service => "service",
            Self::Platform => "platform",
            Self::Nowhere => "nowhere",
        }
    }

    /// A mark, a part of hardware addresses and of routing tables.
    fn number(self) -> u8 {
        match self {
            Self::Internet => 1,
            Self::Gateway => 2,
            Self::Service => 3,
            Self::Platform => 4,
            Self::Nowhere => 5,
        }
    }

    /// What routes in the fabric go through, of either family. Nobody has these addresses: their neighbours are written down.
    pub(crate) fn hop(self, v6: bool) -> String {
        if v6 {
            return format!("fe80::{}", self.number());
        }
        format!("192.0.2.{}", self.number())
    }

    fn mac(self, inner: bool) -> String {
        format!("02:00:00:00:{:02x}:{:02x}", u8::from(inner), self.number())
    }
}

/// Makes the namespace and its links.
pub(crate) fn build(dir: &RunDir, fabric: &Namespace) -> Result<()> {
    let name = dir.namespace(OUTSIDE);
    let outside = Namespace::named(&name)?.leave();
    for key in [
        "net/ipv4/fwmark_reflect",
        "net/ipv6/fwmark_reflect",
        "net/ipv4/tcp_fwmark_accept",
    ] {
        set(&outside, key, "1")?;
    }
    for (link, inner) in Link::ALL
        .into_iter()
        .flat_map(|link| [(link, true), (link, false)])
    {
        let (namespace, port) = (if inner { fabric } else { &outside }, link.name());
        if inner {
            let (mac, other) = (link.mac(true), link.mac(false));
            fabric.must(&[
                "ip", "link", "add", port, "address", &mac, "type", "veth", "peer", "name", port, "address",
                &other, "netns", &name,
            ])?;
        }
        // Only what is written down is asked of each other.
        namespace.must(&["ip", "link", "set", port, "up"])?;
        for v6 in [false, true] {
            neighbour(namespace, link, inner, v6)?;
        }
    }
    outside.must(&["ip", "address", "add", &format!("{HOST}/32"), "dev", "lo"])?;
    answer_for_all(&outside)
}

fn neighbour(namespace: &Namespace, link: Link, inner: bool, v6: bool) -> Result<()> {
    let (hop, mac) = (link.hop(v6), link.mac(!inner));
    namespace
        .must(&[
            "ip",
            "neigh",
            "replace",
            &hop,
            "lladdr",
            &mac,
            "dev",
            link.name(),
            "nud",
            "permanent",
        ])
        .map(drop)
}

/// What comes in is for this namespace, whatever its address, and what answers it goes back over the same link. What starts
/// here goes over the gateway where its destination is private, else over the Internet.
fn answer_for_all(outside: &Namespace) -> Result<()> {
    for (family, v6, all, private) in [
        (
            "-4",
            false,
            "0.0.0.0/0",
            ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].as_slice(),
        ),
        ("-6", true, "::/0", ["fc00::/7"].as_slice()),
    ] {
        let over = |link: Link| format!("via {} dev {} onlink", link.hop(v6), link.name());
        let mut batch = String::new();
        for link in Link::ALL {
            let (number, over) = (link.number(), over(link));
            batch.push_str(&format!(
                "rule add pref 10 iif lo fwmark {number} lookup 30{number}\n"
            ));
            batch.push_str(&format!("route add {all} {over} table 30{number}\n"));
        }
        for to in private {
            batch.push_str(&format!("route add {to} {} table 300\n", over(Link::Gateway)));
        }
        batch.push_str(&format!("route add {all} {} table 300\n", over(Link::Internet)));
        // Of a packet that comes in every address is local; one that goes out never asks.
        batch.push_str(
            "rule add pref 20 iif lo lookup 300\nrule add pref 100 lookup local\nrule delete pref 0\n",
        );
        batch.push_str(&format!("route add local {all} dev lo table local\n"));
        let argv = ["ip", family, "-batch", "-"];
        outside.exec_with_input(&argv, batch.as_bytes())?.ok(&argv)?;
    }
    let mark = |link: Link| format!("iifname {} meta mark set {}\n", link.name(), link.number());
    let marks: String = Link::ALL.into_iter().map(mark).collect();
    let table = format!(
        "table inet outside {{\nchain in {{\ntype filter hook prerouting priority mangle; policy accept;\n{marks}}}\n}}\n"
    );
    let argv = ["nft", "-f", "-"];
    outside
        .exec_with_input(&argv, table.as_bytes())?
        .ok(&argv)
        .map(drop)
}
