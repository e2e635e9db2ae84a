//! Random rulesets in the syntax of `iptables-restore`: every shape that is decoded, in any combination that loads.

use std::fmt::Write;

use crate::dice::Dice;

mod matches;
mod target;

pub(crate) struct Generator {
    random: Dice,
    ipv6: bool,
    /// Names that were given out.
    names: u32,
    seed: u64,
}

/// Where a rule stands.
struct Place<'a> {
    table: &'a str,
    chain: &'a str,
    /// User chains that a jump from here may lead to.
    below: &'a [String],
}

const TABLES: [(&str, &[&str]); 5] = [
    ("raw", &["PREROUTING", "OUTPUT"]),
    (
        "mangle",
        &["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
    ),
    ("nat", &["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"]),
    ("filter", &["INPUT", "FORWARD", "OUTPUT"]),
    ("security", &["INPUT", "FORWARD", "OUTPUT"]),
];

impl Generator {
    pub(crate) fn new(seed: u64, ipv6: bool) -> Self {
        Self {
            random: Dice::new(seed),
            ipv6,
            names: 0,
            seed,
        }
    }

    /// All tables, with `rules` rules in each.
    pub(crate) fn ruleset(&mut self, rules: usize) -> String {
        let mut text = String::new();
        for (table, chains) in TABLES {
            self.table(&mut text, table, chains, rules);
        }
        text
    }

    fn table(&mut self, text: &mut String, table: &str, chains: &[&str], rules: usize) {
        writeln!(text, "*{table}").unwrap();
        for chain in chains {
            let policy = if table == "nat" {
                "ACCEPT"
            } else {
                self.random.pick(&["ACCEPT", "DROP"])
            };
            let counters = self.counters();
            writeln!(text, ":{chain} {policy} {counters}").unwrap();
        }
        let users: Vec<String> = (0..4).map(|n| format!("user-{n}.{table}")).collect();
        for user in &users {
            writeln!(text, ":{user} - [0:0]").unwrap();
        }
        for _ in 0..rules {
            let number = self.random.below((chains.len() + users.len()) as u64) as usize;
            // Only chains further down are jumped to: loops don't load.
            let (chain, below) = match number.checked_sub(chains.len()) {
                None => (chains[number], users.as_slice()),
                Some(user) => (users[user].as_str(), &users[user + 1..]),
            };
            let place = Place { table, chain, below };
            let counters = self.counters();
            let rule = self.rule(&place);
            writeln!(text, "{counters} -A {chain}{rule}").unwrap();
        }
        text.push_str("COMMIT\n");
    }

    fn counters(&mut self) -> String {
        let top = self.random.pick(&[&1, &1000, &(1 << 54)]);
        format!("[{}:{}]", self.random.below(*top), self.random.below(*top))
    }

    fn address(&mut self) -> String {
        if self.ipv6 {
            format!(
                "2001:db8:{:x}::{:x}",
                self.random.below(65536),
                self.random.below(65536)
            )
        } else {
            let octets = [
                10,
                self.random.below(256),
                self.random.below(256),
                self.random.below(256),
            ];
            octets.map(|octet| octet.to_string()).join(".")
        }
    }

    fn network(&mut self) -> String {
        let address = self.address();
        match (self.random.below(4), self.ipv6) {
            (0, _) => address,
            (1, false) => format!("{address}/255.0.255.{}", self.random.below(256)),
            (1, true) => format!("{address}/ffff:0:ffff::"),
            // iptables-nft can't load `! -s ADDRESS/0`.
            (_, false) => format!("{address}/{}", 1 + self.random.below(32)),
            (_, true) => format!("{address}/{}", 1 + self.random.below(128)),
        }
    }

    fn rule(&mut self, place: &Place<'_>) -> String {
        let mut rule = String::new();
        for option in ["-s", "-d"] {
            if self.random.chance(4) {
                let (not, network) = (self.random.not(), self.network());
                write!(rule, " {not}{option} {network}").unwrap();
            }
        }
        let (incoming, outgoing) = match place.chain {
            "PREROUTING" | "INPUT" => (true, false),
            "OUTPUT" | "POSTROUTING" => (false, true),
            "FORWARD" => (true, true),
            _ => (false, false),
        };
        for (option, allowed) in [("-i", incoming), ("-o", outgoing)] {
            if allowed && self.random.chance(4) {
                let name =
                    self.random
                        .pick(&["eth0", "eth+", "lo", "a-b.c_d", "interface-of-15", "br-*", "x"]);
                write!(rule, " {}{option} {name}", self.random.not()).unwrap();
            }
        }
        if !self.ipv6 && self.random.chance(9) {
            write!(rule, " {}-f", self.random.not()).unwrap();
        }
        let protocol = self.protocol(&mut rule);
        for _ in 0..self.random.below(4) {
            if self.random.chance(2) {
                self.general_match(&mut rule, place);
            } else if let Some(words) = self.further_match(place) {
                write!(rule, " -m {words}").unwrap();
            }
        }
        self.target(&mut rule, place, protocol);
        rule
    }

    /// `-p` and matches that need it.
    fn protocol(&mut self, rule: &mut String) -> &'static str {
        let icmp = if self.ipv6 { "ipv6-icmp" } else { "icmp" };
        let protocol = match self.random.below(8) {
            0 | 1 => "tcp",
            2 => "udp",
            3 => icmp,
            4 => self
                .random
                .pick(&["47", "esp", "ah", "132", "33", "108", "112", "255"]),
            _ => return "",
        };
        if self.random.chance(8) {
            write!(rule, " ! -p {protocol}").unwrap();
            return "";
        }
        write!(rule, " -p {protocol}").unwrap();
        match protocol {
            "tcp" => self.tcp(rule),
            "udp" => self.ports_of(rule, "udp"),
            _ if protocol == icmp => self.icmp(rule),
            _ => {}
        }
        self.of_protocol(rule, protocol);
        protocol
    }

    fn ports_of(&mut self, rule: &mut String, protocol: &str) {
        if self.random.chance(3) {
            let (not, option) = (
                self.random.not(),
                self.random.pick(&["--sports", "--dports", "--ports"]),
            );
            let list: Vec<String> = (0..=self.random.below(6)).map(|_| self.random.ports()).collect();
            write!(rule, " -m multiport {not}{option} {}", list.join(",")).unwrap();
            return;
        }
        write!(rule, " -m {protocol}").unwrap();
        let mut negated = false;
        for option in ["--sport", "--dport"] {
            if self.random.chance(2) {
                // iptables-nft 1.8.9 makes of two negated ports "not both", which iptables has no words for.
                let not = if negated { "" } else { self.random.not() };
                negated = !not.is_empty();
                write!(rule, " {not}{option} {}", self.random.ports()).unwrap();
            }
        }
    }

    fn tcp(&mut self, rule: &mut String) {
        self.ports_of(rule, "tcp");
        if rule.contains("multiport") {
            rule.push_str(" -m tcp");
        }
        match self.random.below(4) {
            0 => {
                let mask = self.random.some(&["FIN", "SYN", "RST", "PSH", "ACK", "URG"]);
                let compared = self.random.pick(&["NONE", &mask]);
                write!(rule, " {}--tcp-flags {mask} {compared}", self.random.not()).unwrap();
            }
            1 => write!(rule, " {}--syn", self.random.not()).unwrap(),
            _ => {}
        }
        if self.random.chance(5) {
            write!(
                rule,
                " {}--tcp-option {}",
                self.random.not(),
                1 + self.random.below(255)
            )
            .unwrap();
        }
    }

    fn icmp(&mut self, rule: &mut String) {
        let not = self.random.not();
        let (module, option) = if self.ipv6 {
            ("icmp6", "--icmpv6-type")
        } else {
            ("icmp", "--icmp-type")
        };
        let kind = self.random.below(255);
        let shown = match self.random.below(4) {
            0 if !self.ipv6 => "any".to_owned(),
            1 => format!("{kind}/{}", self.random.below(256)),
            2 => "echo-request".to_owned(),
            _ => kind.to_string(),
        };
        write!(rule, " -m {module} {not}{option} {shown}").unwrap();
    }

    fn general_match(&mut self, rule: &mut String, place: &Place<'_>) {
        let not = self.random.not();
        let number = self.random.below(1 << 32);
        let mask = self.random.below(1 << 32);
        let words = match self.random.below(13) {
            0 | 1 => self.conntrack(),
            2 => {
                let states = self
                    .random
                    .some(&["NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED"]);
                format!("state {not}--state {states}")
            }
            3 => {
                let text = quoted(&self.random.odd_text(200));
                format!("comment --comment {text}")
            }
            4 => {
                let unit = self.random.pick(&["sec", "min", "hour", "day"]);
                // Rates that the save tool prints exactly; it rounds others, and then its text is another rule.
                let rate = self.random.pick(&[&2, &3, &5, &7, &10, &12, &20]);
                let burst = 1 + self.random.below(20);
                // Slower than the kernel can count does not load.
                let unit = if unit == "day" { "hour" } else { unit };
                format!("limit --limit {rate}/{unit} --limit-burst {burst}")
            }
            5 => format!("mark {not}--mark {number:#x}"),
            6 => format!(
                "{} {not}--mark {:#x}/{mask:#x}",
                self.random.pick(&["mark", "connmark"]),
                number & mask
            ),
            7 => self.addrtype(place),
            8 if matches!(place.chain, "OUTPUT" | "POSTROUTING") => self.owner(),
            9 => {
                let (from, to) = (self.address(), self.address());
                let option = self.random.pick(&["--src-range", "--dst-range"]);
                let ordered = in_order(&from, &to);
                let (from, to) = if ordered { (from, to) } else { (to, from) };
                format!("iprange {not}{option} {from}-{to}")
            }
            10 if matches!(place.chain, "PREROUTING" | "INPUT" | "FORWARD") => {
                format!(
                    "mac {not}--mac-source 02:00:{:02X}:00:00:0a",
                    self.random.below(256)
                )
            }
            11 => {
                let kind = self.random.pick(&["unicast", "broadcast", "multicast"]);
                format!("pkttype {not}--pkt-type {kind}")
            }
            12 if place.table == "filter" && place.chain == "FORWARD" => {
                let name = self.random.pick(&["eth+", "tap0"]);
                format!("physdev {not}--physdev-in {name} --physdev-is-bridged")
            }
            _ => return,
        };
        write!(rule, " -m {words}").unwrap();
    }

    fn conntrack(&mut self) -> String {
        let mut words = "conntrack".to_owned();
        let states = [
            "NEW",
            "ESTABLISHED",
            "RELATED",
            "INVALID",
            "UNTRACKED",
            "SNAT",
            "DNAT",
        ];
        let status = ["EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED"];
        let mut add = |random: &mut Dice, option: &str, value: String| {
            write!(words, " {}{option} {value}", random.not()).unwrap();
        };
        let random = &mut self.random;
        let (states, status) = (random.some(&states), random.some(&status));
        add(random, "--ctstate", states);
        if random.chance(4) {
            add(random, "--ctstatus", status);
        }
        if random.chance(4) {
            add(random, "--ctproto", "tcp".to_owned());
            let ports = random.ports();
            let option = random.pick(&[
                "--ctorigsrcport",
                "--ctorigdstport",
                "--ctreplsrcport",
                "--ctrepldstport",
            ]);
            add(random, option, ports);
        }
        if random.chance(4) {
            let from = random.below(1000);
            let to = from + random.below(1000);
            add(random, "--ctexpire", format!("{from}:{to}"));
        }
        if self.random.chance(3) {
            let network = self.network();
            let option = self
                .random
                .pick(&["--ctorigsrc", "--ctorigdst", "--ctreplsrc", "--ctrepldst"]);
            write!(words, " {}{option} {network}", self.random.not()).unwrap();
        }
        if self.random.chance(4) {
            write!(words, " --ctdir {}", self.random.pick(&["ORIGINAL", "REPLY"])).unwrap();
        }
        words
    }

    fn addrtype(&mut self, place: &Place<'_>) -> String {
        let types = [
            "UNICAST",
            "LOCAL",
            "BROADCAST",
            "ANYCAST",
            "MULTICAST",
            "BLACKHOLE",
            "UNREACHABLE",
        ];
        let types = if self.ipv6 { &types[..2] } else { &types[..] };
        let mut words = "addrtype".to_owned();
        let options = self.random.pick(&[
            &["--src-type"][..],
            &["--dst-type"],
            &["--src-type", "--dst-type"],
        ]);
        for option in options {
            let list = self.random.some(types);
            write!(words, " {}{option} {list}", self.random.not()).unwrap();
        }
        let limit = match place.chain {
            "PREROUTING" | "INPUT" => "in",
            "OUTPUT" | "POSTROUTING" => "out",
            _ => return words,
        };
        if self.random.chance(3) {
            write!(words, " --limit-iface-{limit}").unwrap();
        }
        words
    }

    fn owner(&mut self) -> String {
        let (from, more) = (self.random.below(70_000), self.random.below(9));
        let mut words = format!("owner {}--uid-owner {from}-{}", self.random.not(), from + more);
        if self.random.chance(2) {
            write!(words, " {}--gid-owner {from}", self.random.not()).unwrap();
            if self.random.chance(2) {
                words.push_str(" --suppl-groups");
            }
        }
        if self.random.chance(3) {
            write!(words, " {}--socket-exists", self.random.not()).unwrap();
        }
        words
    }
}

/// A word for `iptables-restore`: a backslash in quotes stands before any character that is meant as it is.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn in_order(a: &str, b: &str) -> bool {
    let [a, b] = [a, b].map(|word| word.parse::<std::net::IpAddr>().unwrap());
    a <= b
}
