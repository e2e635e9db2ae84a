//! The words of the command line for what core has types for.

use netghost_core::gate::{IpFamily, Server};
use netghost_core::netfilter::model::Family;

/// The families of nf_tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum FamilyWord {
    /// IPv4
    Ip,
    /// IPv6
    Ip6,
    /// IPv4 and IPv6
    Inet,
    /// ARP
    Arp,
    /// Frames on a bridge
    Bridge,
    /// Frames at a device
    Netdev,
}

/// The families of legacy iptables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum IpWord {
    /// IPv4
    Ip,
    /// IPv6
    Ip6,
}

/// Qdiscs that can be put at a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum QdiscWord {
    /// Three bands, by priority
    PfifoFast,
    /// One queue of so many packets
    Pfifo,
    /// Fair queues with controlled delay
    FqCodel,
    /// Fair queues with pacing
    Fq,
    /// A token bucket
    Tbf,
}

/// Servers that can be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ServerWord {
    /// iperf 2 over TCP
    Iperf,
    /// qperf
    Qperf,
}

impl From<FamilyWord> for Family {
    fn from(word: FamilyWord) -> Self {
        match word {
            FamilyWord::Ip => Self::Ip,
            FamilyWord::Ip6 => Self::Ip6,
            FamilyWord::Inet => Self::Inet,
            FamilyWord::Arp => Self::Arp,
            FamilyWord::Bridge => Self::Bridge,
            FamilyWord::Netdev => Self::Netdev,
        }
    }
}

impl From<IpWord> for IpFamily {
    fn from(word: IpWord) -> Self {
        match word {
            IpWord::Ip => Self::Ip,
            IpWord::Ip6 => Self::Ip6,
        }
    }
}

impl From<ServerWord> for Server {
    fn from(word: ServerWord) -> Self {
        match word {
            ServerWord::Iperf => Self::Iperf,
            ServerWord::Qperf => Self::Qperf,
        }
    }
}
