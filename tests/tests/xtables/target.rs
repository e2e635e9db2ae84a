//! Targets.

use std::fmt::Write;

use super::{Generator, Place, in_order};

impl Generator {
    pub(super) fn target(&mut self, rule: &mut String, place: &Place<'_>, protocol: &str) {
        if self.random.chance(10) {
            return;
        }
        if !place.below.is_empty() && self.random.chance(4) {
            let option = self.random.pick(&["-j", "-g"]);
            let chain = &place.below[self.random.below(place.below.len() as u64) as usize];
            write!(rule, " {option} {chain}").unwrap();
            return;
        }
        let special = match place.table {
            "raw" => Some(self.tracking()),
            "mangle" => self.mangle(protocol),
            "nat" => self.nat(place.chain, protocol),
            "filter" => Some(self.reject(protocol)),
            _ => None,
        };
        let words = match special {
            Some(words) if self.random.chance(2) => words,
            _ => self.plain_target(place.table),
        };
        write!(rule, " -j {words}").unwrap();
    }

    fn plain_target(&mut self, table: &str) -> String {
        match self.random.below(8) {
            0 => {
                let flags = self.random.pick(&[
                    "",
                    " --log-tcp-sequence --log-ip-options",
                    " --log-uid --log-macdecode",
                    " --log-tcp-options",
                ]);
                let level = self.random.below(8);
                format!("LOG --log-level {level} --log-prefix \"drop: '{level}' \"{flags}")
            }
            1 => format!(
                "NFLOG --nflog-group {} --nflog-prefix pre",
                self.random.below(65_536)
            ),
            2 => format!(
                "NFLOG --nflog-size {} --nflog-threshold {}",
                self.random.below(200),
                self.random.below(9)
            ),
            3 => {
                let from = self.random.below(60_000);
                let flags = self
                    .random
                    .pick(&["", " --queue-bypass", " --queue-bypass --queue-cpu-fanout"]);
                format!(
                    "NFQUEUE --queue-balance {from}:{}{flags}",
                    from + 1 + self.random.below(9)
                )
            }
            4 => format!("NFQUEUE --queue-num {}", self.random.below(65_536)),
            5 => "RETURN".to_owned(),
            // The nat table takes no DROP.
            6 if table != "nat" => "DROP".to_owned(),
            _ => "ACCEPT".to_owned(),
        }
    }

    fn tracking(&mut self) -> String {
        let zone = self.random.below(65_536);
        match self.random.below(6) {
            0 => "NOTRACK".to_owned(),
            1 => "CT --notrack".to_owned(),
            2 => "TRACE".to_owned(),
            3 => format!(
                "CT --{} {zone}",
                self.random.pick(&["zone", "zone-orig", "zone-reply"])
            ),
            4 => format!(
                "CT --{} mark",
                self.random.pick(&["zone", "zone-orig", "zone-reply"])
            ),
            _ => {
                let events = self
                    .random
                    .some(&["new", "related", "destroy", "reply", "mark", "secmark"]);
                format!("CT --ctevents {events} --expevents new --zone {zone}")
            }
        }
    }

    /// What alters a packet or marks it by its content.
    fn altering(&mut self, protocol: &str) -> String {
        let (byte, other) = (self.random.below(256), self.random.below(256));
        let hops = if self.ipv6 { ("HL", "hl") } else { ("TTL", "ttl") };
        match self.random.below(8) {
            0 => format!("DSCP --set-dscp {:#x}", byte % 64),
            1 => format!(
                "DSCP --set-dscp-class {}",
                self.random.pick(&["EF", "AF11", "CS7", "BE"])
            ),
            2 => format!("TOS --set-tos {byte:#x}/{other:#x}"),
            3 => format!("TOS --{}-tos {byte:#x}", self.random.pick(&["and", "or", "xor"])),
            4 => format!("{} --{}-set {byte}", hops.0, hops.1),
            5 => format!(
                "{} --{}-{} {}",
                hops.0,
                hops.1,
                self.random.pick(&["inc", "dec"]),
                1 + byte % 255
            ),
            6 if protocol == "tcp" => format!("TCPOPTSTRIP --strip-options {},{other}", 2 + byte % 254),
            6 => format!(
                "HMARK --hmark-tuple src,dst --hmark-mod {} --hmark-rnd {other:#x} --hmark-offset {other}",
                1 + byte
            ),
            _ => format!(
                "CONNMARK --{}-mark --nfmask {byte:#x} --ctmask {other:#x} --{}-shift-mark {}",
                self.random.pick(&["save", "restore"]),
                self.random.pick(&["left", "right"]),
                byte % 32
            ),
        }
    }

    fn mangle(&mut self, protocol: &str) -> Option<String> {
        if self.random.chance(2) {
            return Some(self.altering(protocol));
        }
        let (value, mask) = (self.random.below(1 << 32), self.random.below(1 << 32));
        let target = self.random.pick(&["MARK", "CONNMARK"]);
        Some(match self.random.below(6) {
            0 => format!("{target} --set-mark {value:#x}/{mask:#x}"),
            1 => format!("{target} --set-xmark {value:#x}"),
            2 => format!(
                "MARK --{}-mark {value:#x}",
                self.random.pick(&["and", "or", "xor"])
            ),
            3 => format!(
                "CONNMARK --{}-mark --nfmask {value:#x} --ctmask {mask:#x}",
                self.random.pick(&["save", "restore"])
            ),
            4 => "CONNMARK --save-mark".to_owned(),
            _ if protocol == "tcp" => return None,
            _ => format!("MARK --set-xmark {value:#x}/{mask:#x}"),
        })
    }

    fn nat(&mut self, chain: &str, protocol: &str) -> Option<String> {
        let has_ports = matches!(protocol, "tcp" | "udp");
        let flags = self
            .random
            .pick(&["", " --random", " --persistent", " --random --persistent"]);
        let low = 1 + self.random.below(60_000);
        let port = format!("{low}-{}", low + 1 + self.random.below(100));
        let port = if self.random.chance(2) {
            low.to_string()
        } else {
            port
        };
        let (mut to, last) = (self.address(), self.address());
        let ordered = in_order(&to, &last);
        if ordered && self.random.chance(2) {
            to = format!("{to}-{last}");
        }
        if has_ports && self.random.chance(2) {
            to = if self.ipv6 {
                format!("[{to}]:{port}")
            } else {
                format!("{to}:{port}")
            };
        }
        match (chain, self.random.chance(2)) {
            ("PREROUTING" | "OUTPUT", true) => Some(format!("DNAT --to-destination {to}{flags}")),
            ("PREROUTING" | "OUTPUT", false) if has_ports => Some(format!("REDIRECT --to-ports {port}")),
            ("PREROUTING" | "OUTPUT", false) => Some("REDIRECT".to_owned()),
            ("POSTROUTING", true) | ("INPUT", _) => Some(format!("SNAT --to-source {to}{flags}")),
            ("POSTROUTING", false) if has_ports => {
                Some(format!("MASQUERADE --to-ports {port} --random-fully"))
            }
            ("POSTROUTING", false) => Some("MASQUERADE --random".to_owned()),
            _ => None,
        }
    }

    fn reject(&mut self, protocol: &str) -> String {
        let with = if self.ipv6 {
            self.random.pick(&[
                "icmp6-no-route",
                "icmp6-adm-prohibited",
                "icmp6-addr-unreachable",
                "icmp6-port-unreachable",
                "icmp6-policy-fail",
                "icmp6-reject-route",
            ])
        } else {
            self.random.pick(&[
                "icmp-net-unreachable",
                "icmp-host-unreachable",
                "icmp-proto-unreachable",
                "icmp-port-unreachable",
                "icmp-net-prohibited",
                "icmp-host-prohibited",
                "icmp-admin-prohibited",
            ])
        };
        match (protocol, self.random.below(3)) {
            (_, 0) => "REJECT".to_owned(),
            ("tcp", 1) => "REJECT --reject-with tcp-reset".to_owned(),
            _ => format!("REJECT --reject-with {with}"),
        }
    }
}
