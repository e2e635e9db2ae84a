//! Values of the types that keys, data and matches have.

use crate::dice::Dice;

/// Of what a key or datum is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Ipv4,
    Ipv6,
    Service,
    Protocol,
    Ether,
    Mark,
    Interface,
    State,
    Dscp,
}

impl Kind {
    /// The word of a set's `type`.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4_addr",
            Self::Ipv6 => "ipv6_addr",
            Self::Service => "inet_service",
            Self::Protocol => "inet_proto",
            Self::Ether => "ether_addr",
            Self::Mark => "mark",
            Self::Interface => "ifname",
            Self::State => "ct_state",
            Self::Dscp => "dscp",
        }
    }

    /// What a rule in a table of this family looks up in such a set.
    pub(super) fn field(self, dice: &mut Dice, family: &str) -> &'static str {
        match self {
            Self::Ipv4 => dice.pick(&["ip saddr", "ip daddr"]),
            Self::Ipv6 => dice.pick(&["ip6 saddr", "ip6 daddr"]),
            Self::Service => dice.pick(&["tcp dport", "tcp sport", "th dport"]),
            Self::Protocol if family == "ip" => "ip protocol",
            Self::Protocol => "meta l4proto",
            Self::Ether => "ether saddr",
            Self::Mark if matches!(family, "netdev" | "bridge" | "arp") => "meta mark",
            Self::Mark => dice.pick(&["meta mark", "ct mark"]),
            Self::Interface => "iifname",
            Self::State => "ct state",
            Self::Dscp => "ip dscp",
        }
    }

    /// One value.
    pub(super) fn one(self, dice: &mut Dice) -> String {
        match self {
            Self::Ipv4 => v4(dice.below(1 << 24) as u32),
            Self::Ipv6 => format!("2001:db8:{:x}::{:x}", dice.below(65536), dice.below(65536)),
            Self::Service => match dice.below(6) {
                0 => dice.pick(&["ssh", "domain", "https"]).to_owned(),
                _ => dice.below(65536).to_string(),
            },
            Self::Protocol => dice
                .pick(&["tcp", "udp", "icmp", "esp", "47", "132", "255", "0"])
                .to_owned(),
            Self::Ether => format!(
                "02:00:00:{:02x}:{:02x}:{:02x}",
                dice.below(256),
                dice.below(256),
                dice.below(256)
            ),
            Self::Mark => format!("{:#x}", dice.below(1 << 32)),
            Self::Interface => format!(
                "\"{}\"",
                dice.pick(&["eth0", "lo", "wg-1", "a.b", "interface-of-15"])
            ),
            Self::State => dice
                .pick(&["new", "established", "related", "invalid", "untracked"])
                .to_owned(),
            Self::Dscp => dice
                .pick(&["cs1", "af11", "ef", "cs0", "0x3f", "0x05"])
                .to_owned(),
        }
    }

    pub(super) fn has_intervals(self) -> bool {
        !matches!(self, Self::State | Self::Interface | Self::Protocol | Self::Dscp)
    }

    /// A value, a range or a prefix.
    pub(super) fn some(self, dice: &mut Dice) -> String {
        let low = dice.below(60_000);
        match (self, dice.below(3)) {
            (Self::Ipv4, 0) => {
                let length = 14 + dice.below(19) as u32;
                let mask = u32::MAX << (32 - length);
                format!(
                    "{}/{length}",
                    std::net::Ipv4Addr::from((0x0a00_0000 | dice.below(1 << 24) as u32) & mask)
                )
            }
            (Self::Ipv4, 1) => {
                let from = dice.below(1 << 23) as u32;
                format!("{}-{}", v4(from), v4(from + 1 + dice.below(1 << 9) as u32))
            }
            (Self::Ipv6, 0) => format!("2001:db8:{:x}::/{}", 1 + dice.below(65535), 48 + dice.below(16)),
            (Self::Ipv6, 1) => format!(
                "2001:db8::{:x}-2001:db8::{:x}:{low:x}",
                1 + low,
                1 + dice.below(255)
            ),
            (Self::Service, 0) => format!("{low}-{}", low + 1 + dice.below(200)),
            (Self::Mark, 0) => format!("{low:#x}-{:#x}", low + 1 + dice.below(1 << 10)),
            (Self::Ether, 0) => "02:00:00:00:00:00-02:00:00:00:00:ff".to_owned(),
            _ => self.one(dice),
        }
    }
}

fn v4(number: u32) -> String {
    std::net::Ipv4Addr::from(0x0a00_0000 | number).to_string()
}

/// A span of time as `nft` writes it, long enough to be there at the end of the test.
pub(super) fn time(dice: &mut Dice) -> String {
    let number = 1 + dice.below(23);
    match dice.below(5) {
        0 => format!("{number}h"),
        1 => format!("{number}d"),
        2 => format!("{number}h{}m", 1 + dice.below(59)),
        3 => format!("{number}d{}h{}s", 1 + dice.below(23), 1 + dice.below(59)),
        _ => format!("{number}h{}s{}ms", 1 + dice.below(59), 100 * (1 + dice.below(9))),
    }
}

/// A statement that counts or limits.
pub(super) fn stateful(dice: &mut Dice, family: &str) -> String {
    let number = 1 + dice.below(1000);
    match dice.below(6) {
        0 | 1 => "counter".to_owned(),
        2 => format!(
            "limit rate {}{number}/{} burst {} packets",
            dice.pick(&["", "over "]),
            dice.pick(&["second", "minute", "hour", "day", "week"]),
            1 + dice.below(100)
        ),
        3 => format!(
            "limit rate {}{number} {}/second burst {} {}",
            dice.pick(&["", "over "]),
            dice.pick(&["bytes", "kbytes", "mbytes"]),
            1 + dice.below(2000),
            dice.pick(&["bytes", "kbytes", "mbytes"])
        ),
        4 => format!(
            "quota {}{number} {}",
            dice.pick(&["", "over "]),
            dice.pick(&["bytes", "kbytes", "mbytes"])
        ),
        5 if matches!(family, "inet" | "ip" | "ip6") => {
            format!("ct count {}{number}", dice.pick(&["", "over "]))
        }
        _ => "counter".to_owned(),
    }
}
