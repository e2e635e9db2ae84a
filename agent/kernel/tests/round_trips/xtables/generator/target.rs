//! Targets.

use std::fmt::Write;

use super::{Generator, Place, in_order, quoted};

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
            "mangle" => self.mangle(place.chain, protocol),
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
        match self.random.below(13) {
            0 => {
                let flags = self.random.pick(&[
                    "",
                    " --log-tcp-sequence --log-ip-options",
                    " --log-uid --log-macdecode",
                    " --log-tcp-options",
                ]);
                let level = self.random.below(8);
                let prefix = quoted(&self.random.odd_text(29));
                format!("LOG --log-level {level} --log-prefix {prefix}{flags}")
            }
            1 => format!(
                "NFLOG --nflog-group {} --nflog-prefix {}",
                self.random.below(65_536),
                quoted(&self.random.odd_text(63))
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
            8 => format!("AUDIT --type {}", self.random.pick(&["accept", "drop", "reject"])),
            9 | 10 => self.set_target(),
            11 => self.idle_timer(),
            // The nat table takes no DROP.
            6 if table != "nat" => "DROP".to_owned(),
            _ => "ACCEPT".to_owned(),
        }
    }

    fn set_target(&mut self) -> String {
        let (one, two) = if self.ipv6 {
            ("six", "six-2")
        } else {
            ("one", "two")
        };
        let (a, b) = (
            self.random.pick(&["src", "dst"]),
            self.random.pick(&["src", "dst"]),
        );
        let into = self
            .random
            .pick(&[&format!("{one} {a}"), &format!("{two} {a},{b}")])
            .clone();
        match self.random.below(4) {
            0 => format!("SET --del-set {into}"),
            1 => {
                let timeout = 1 + self.random.below(10_000);
                let end = self.random.pick(&["", " --exist"]);
                format!("SET --add-set {into}{end} --timeout {timeout}")
            }
            2 => format!("SET --add-set {into} --exist --del-set {two} {b},{a}"),
            _ => format!("SET --add-set {into}"),
        }
    }

    /// The kernel keeps one timer for a label, in all namespaces, so each has its own.
    fn idle_timer(&mut self) -> String {
        self.names += 1;
        let alarm = self.random.pick(&["", "", " --alarm"]);
        format!(
            "IDLETIMER --timeout {} --label t{}-{}{}{alarm}",
            1 + self.random.below(9000),
            self.seed,
            u8::from(self.ipv6),
            self.names
        )
    }

    fn tracking(&mut self) -> String {
        let zone = self.random.below(65_536);
        match self.random.below(8) {
            6 => format!("CT --zone-orig {zone} --expevents new"),
            7 => format!("CT --zone {zone} --ctevents assured,protoinfo,helper,natseqinfo"),
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
    fn altering(&mut self, chain: &str, protocol: &str) -> String {
        let (byte, other) = (self.random.below(256), self.random.below(256));
        let hops = if self.ipv6 { ("HL", "hl") } else { ("TTL", "ttl") };
        match self.random.below(14) {
            8 => self.tee(),
            9 if chain == "PREROUTING" && matches!(protocol, "tcp" | "udp") => self.transparent(),
            10 if protocol == "tcp" => self.synproxy_or_ecn(),
            11 => format!("CONNSECMARK --{}", self.random.pick(&["save", "restore"])),
            12 => "CHECKSUM --checksum-fill".to_owned(),
            13 if matches!(chain, "OUTPUT" | "FORWARD" | "POSTROUTING") => {
                format!("CLASSIFY --set-class {byte:x}:{other:x}")
            }
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

    fn tee(&mut self) -> String {
        let oif = self.random.pick(&["", " --oif lo"]);
        format!("TEE --gateway {}{oif}", self.address())
    }

    fn transparent(&mut self) -> String {
        let (mark, mask) = (self.random.below(1 << 32), self.random.below(1 << 32));
        let port = self.random.below(65_536);
        match self.random.below(3) {
            0 => format!("TPROXY --on-port {port}"),
            1 => format!("TPROXY --on-port {port} --on-ip {}", self.address()),
            _ => format!(
                "TPROXY --on-port {port} --tproxy-mark {:#x}/{mask:#x}",
                mark & mask
            ),
        }
    }

    fn synproxy_or_ecn(&mut self) -> String {
        let (small, size) = (self.random.below(4), self.random.below(65_536));
        match self.random.below(4) {
            0 if !self.ipv6 => "ECN --ecn-tcp-remove".to_owned(),
            1 if !self.ipv6 => format!("ECN --ecn-tcp-cwr {} --ecn-ip-ect {small}", small % 2),
            2 => format!("TCPOPTSTRIP --strip-options {}", 2 + size % 250),
            _ => "TCPOPTSTRIP --strip-options sack-permitted,timestamp,md5".to_owned(),
        }
    }

    fn mangle(&mut self, chain: &str, protocol: &str) -> Option<String> {
        if self.random.chance(2) {
            return Some(self.altering(chain, protocol));
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
        if self.random.chance(6) {
            let (length, top) = if self.ipv6 {
                (self.random.below(129), 128)
            } else {
                (self.random.below(33), 32)
            };
            let network = self.address();
            return Some(format!("NETMAP --to {network}/{}", length.min(top)));
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
