//! Commands that make random tables.

use crate::dice::Dice;

use super::values::{Kind, stateful, time};

/// A set or map of a table.
struct Named {
    name: String,
    key: Vec<Kind>,
    data: Option<Data>,
    /// Filled by rules.
    dynamic: bool,
}

/// What a map gives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Data {
    Verdict,
    Value(Kind),
    Counter,
}

pub(super) struct Generator {
    dice: Dice,
    lines: Vec<String>,
    /// The table has a quota and limits with names.
    limits: bool,
    /// It has objects for connections.
    connections: bool,
    /// The family of the packets that the rule in the making is about.
    v6: Option<bool>,
}

const FAMILIES: [&str; 6] = ["inet", "ip", "ip6", "bridge", "netdev", "arp"];

impl Generator {
    pub(super) fn new(seed: u64) -> Self {
        let dice = Dice::new(seed);
        Self {
            dice,
            lines: Vec::new(),
            limits: false,
            connections: false,
            v6: None,
        }
    }

    /// Three tables or so, of families that take turns.
    pub(super) fn ruleset(mut self) -> Vec<String> {
        for number in 0..3 {
            let weighted = ["inet", "inet", "ip", self.dice.pick(&FAMILIES)];
            let family = self.dice.pick(&weighted);
            self.table(family, number);
        }
        self.lines
    }

    fn comment(&mut self, longest: usize) -> String {
        // The language has no escape for a quote within quotes.
        self.dice.odd_text(longest).replace(['"', '\\'], "'")
    }

    fn add(&mut self, line: String) {
        self.lines.push(line);
    }

    fn table(&mut self, family: &'static str, number: u64) {
        let table = format!("{family} t{number}");
        let comment = self.comment(60);
        let end = match self.dice.below(4) {
            0 => format!(" {{ comment \"{comment}\"; }}"),
            1 => " { flags dormant; }".to_owned(),
            _ => String::new(),
        };
        self.add(format!("add table {table}{end}"));
        let objects = self.objects(&table, family);
        let sets: Vec<Named> = (0..2 + self.dice.below(4))
            .map(|number| self.set(&table, family, number))
            .collect();
        let chains = self.chains(&table, family);
        for set in sets.iter().filter(|set| !set.dynamic) {
            self.elements(&table, set, &chains, &objects);
        }
        for _ in 0..4 + self.dice.below(20) {
            let at = self.dice.below(chains.len() as u64) as usize;
            self.v6 = Some(self.dice.chance(2));
            let is_base = chains[at].starts_with("base");
            let usable: Vec<&Named> = sets.iter().filter(|set| self.is_usable(set, is_base)).collect();
            let rule = self.rule(family, &usable, &objects, &chains[..at]);
            self.v6 = None;
            self.add(format!("add rule {table} {} {rule}", chains[at]));
        }
    }

    /// Only base chains ask maps of verdicts, which may lead to any plain chain.
    fn is_usable(&self, set: &Named, is_base: bool) -> bool {
        let data = match set.data {
            Some(Data::Verdict) => is_base,
            Some(Data::Value(kind)) => self.fits(kind),
            _ => true,
        };
        data && set.key.iter().all(|kind| self.fits(*kind))
    }

    /// Named counters, quotas and limits.
    fn objects(&mut self, table: &str, family: &str) -> Vec<String> {
        let mut counters = Vec::new();
        for number in 0..self.dice.below(4) {
            let name = format!("c{number}");
            let comment = self.comment(40);
            let end = if self.dice.chance(3) {
                format!(" {{ comment \"{comment}\"; }}")
            } else {
                String::new()
            };
            self.add(format!("add counter {table} {name}{end}"));
            counters.push(name);
        }
        self.limits = self.dice.chance(2);
        if self.limits {
            let (over, bytes) = (self.dice.pick(&["over ", ""]), 1 + self.dice.below(1 << 30));
            self.add(format!("add quota {table} q {{ {over}{bytes} bytes; }}"));
            let rate = 1 + self.dice.below(1000);
            let unit = self.dice.pick(&["second", "minute", "day"]);
            self.add(format!(
                "add limit {table} l {{ rate {over}{rate}/{unit} burst 7 packets; }}"
            ));
            let burst = 1 + self.dice.below(9000);
            self.add(format!(
                "add limit {table} b {{ rate {rate} kbytes/second burst {burst} bytes; }}"
            ));
        }
        self.connections = matches!(family, "inet" | "ip" | "ip6") && self.dice.chance(2);
        if self.connections {
            self.connection_objects(table, family);
        }
        counters
    }

    fn connection_objects(&mut self, table: &str, family: &str) {
        let l3 = if family == "ip6" { "ip6" } else { "ip" };
        let protocol = self.dice.pick(&["tcp", "udp"]);
        let number = 1 + self.dice.below(60_000);
        let states = if protocol == "tcp" {
            "established : 100, close : 4, syn_sent : 9"
        } else {
            "unreplied : 15, replied : 12"
        };
        self.add(format!(
            "add ct timeout {table} ctt {{ protocol {protocol}; l3proto {l3}; policy = {{ {states} }}; }}"
        ));
        let (timeout, size) = (time(&mut self.dice), 1 + number % 200);
        self.add(format!(
            "add ct expectation {table} cte {{ protocol {protocol}; dport {number}; timeout {timeout}; size {size}; l3proto {l3}; }}"
        ));
        self.add(format!(
            "add synproxy {table} syn {{ mss {number}; wscale {}; timestamp sack-perm; }}",
            number % 15
        ));
    }

    /// The types that a key may have in tables of this family.
    fn kinds(family: &str) -> &'static [Kind] {
        match family {
            "inet" => &[
                Kind::Ipv4,
                Kind::Ipv6,
                Kind::Service,
                Kind::Protocol,
                Kind::Mark,
                Kind::Interface,
                Kind::State,
                Kind::Dscp,
            ],
            "ip" => &[
                Kind::Ipv4,
                Kind::Service,
                Kind::Mark,
                Kind::Interface,
                Kind::State,
                Kind::Protocol,
                Kind::Dscp,
            ],
            "ip6" => &[
                Kind::Ipv6,
                Kind::Service,
                Kind::Mark,
                Kind::Interface,
                Kind::State,
            ],
            "bridge" => &[
                Kind::Ether,
                Kind::Mark,
                Kind::Interface,
                Kind::Ipv4,
                Kind::Service,
            ],
            "netdev" => &[Kind::Ether, Kind::Mark, Kind::Ipv4, Kind::Ipv6],
            _ => &[Kind::Mark, Kind::Interface],
        }
    }

    /// A rule asks for IPv4 or for IPv6.
    fn fits(&self, kind: Kind) -> bool {
        !matches!(
            (self.v6, kind),
            (Some(true), Kind::Ipv4 | Kind::Dscp) | (Some(false), Kind::Ipv6)
        )
    }

    fn key(&mut self, family: &str) -> Vec<Kind> {
        let kinds: Vec<Kind> = Self::kinds(family)
            .iter()
            .copied()
            .filter(|kind| self.fits(*kind))
            .collect();
        let mut key: Vec<Kind> = Vec::new();
        for _ in 0..1 + [0, 0, 1, 2][self.dice.below(4) as usize] {
            let kind = kinds[self.dice.below(kinds.len() as u64) as usize];
            // A packet has one of the two addresses, and one word says each kind once.
            let other_family = |a: Kind, b: Kind| {
                matches!(
                    (a, b),
                    (Kind::Ipv4 | Kind::Dscp, Kind::Ipv6) | (Kind::Ipv6, Kind::Ipv4 | Kind::Dscp)
                )
            };
            if !key.iter().any(|one| *one == kind || other_family(*one, kind)) {
                key.push(kind);
            }
        }
        key
    }

    fn set(&mut self, table: &str, family: &str, number: u64) -> Named {
        let key = self.key(family);
        let dynamic = self.dice.chance(4);
        let data = match self.dice.below(6) {
            _ if dynamic => None,
            0 | 1 => Some(Data::Verdict),
            2 => Some(Data::Value(Kind::Mark)),
            3 => Some(Data::Value(if family == "ip6" { Kind::Ipv6 } else { Kind::Ipv4 })),
            4 => Some(Data::Counter),
            _ => None,
        };
        let what = if data.is_some() { "map" } else { "set" };
        let name = format!("{what}{number}");
        let words: Vec<&str> = key.iter().map(|kind| kind.word()).collect();
        let mut line = format!("add {what} {table} {name} {{ type {}", words.join(" . "));
        match data {
            Some(Data::Verdict) => line += " : verdict",
            Some(Data::Value(kind)) => line += &format!(" : {}", kind.word()),
            Some(Data::Counter) => line += " : counter",
            None => {}
        }
        line += ";";
        line += &self.set_options(&key, data, dynamic);
        self.add(format!("{line} }}"));
        Named {
            name,
            key,
            data,
            dynamic,
        }
    }

    fn set_options(&mut self, key: &[Kind], data: Option<Data>, dynamic: bool) -> String {
        let mut options = String::new();
        let mut flags = Vec::new();
        let intervals = key.iter().all(|kind| kind.has_intervals()) && !dynamic && self.dice.chance(2);
        if dynamic {
            flags.push("dynamic");
        }
        if intervals {
            flags.push("interval");
        }
        let expires = dynamic || self.dice.chance(6);
        if expires {
            flags.push("timeout");
        }
        if !flags.is_empty() {
            options += &format!(" flags {};", flags.join(","));
        }
        if expires && self.dice.chance(2) {
            options += &format!(" timeout {};", time(&mut self.dice));
        }
        if expires && data.is_none() && self.dice.chance(3) {
            options += &format!(" gc-interval {};", time(&mut self.dice));
        }
        if dynamic || self.dice.chance(4) {
            options += &format!(" size {};", 200 + self.dice.below(60_000));
        }
        // A kernel (6.18) refuses some elements of such a set without intervals as already there, depending on their order: then
        // its own listing does not load either.
        if intervals && self.dice.chance(4) {
            options += " policy memory;";
        }
        if intervals && data.is_none() && key.len() == 1 && self.dice.chance(3) {
            options += " auto-merge;";
        }
        if self.dice.chance(4) {
            let comment = self.comment(60);
            options += &format!(" comment \"{comment}\";");
        }
        if data.is_none() && self.dice.chance(5) {
            options += " counter;";
        }
        options
    }

    fn elements(&mut self, table: &str, set: &Named, chains: &[String], counters: &[String]) {
        let of_set = format!(" {table} {} {{", set.name);
        let made = self
            .lines
            .iter()
            .find(|line| line.contains(&of_set))
            .cloned()
            .unwrap_or_default();
        let (intervals, expires) = (
            made.contains("interval;") || made.contains("interval,"),
            made.contains("timeout"),
        );
        for _ in 0..self.dice.below(7) {
            let parts: Vec<String> = set
                .key
                .iter()
                .map(|kind| {
                    if intervals {
                        kind.some(&mut self.dice)
                    } else {
                        kind.one(&mut self.dice)
                    }
                })
                .collect();
            let mut element = parts.join(" . ");
            if expires && self.dice.chance(3) {
                element += &format!(" timeout {}", time(&mut self.dice));
            }
            if self.dice.chance(4) {
                let comment = self.comment(60);
                element += &format!(" comment \"{comment}\"");
            }
            match set.data {
                Some(Data::Verdict) => element += &format!(" : {}", self.verdict(chains)),
                Some(Data::Value(kind)) => element += &format!(" : {}", kind.one(&mut self.dice)),
                Some(Data::Counter) => match counters.first() {
                    Some(counter) => element += &format!(" : \"{counter}\""),
                    None => return,
                },
                None => {}
            }
            self.add(format!("add element {table} {} {{ {element} }}", set.name));
        }
    }

    /// Where a packet goes; chains are only jumped to from later ones, so there is no circle.
    fn verdict(&mut self, chains: &[String]) -> String {
        let plain: Vec<&String> = chains.iter().filter(|name| name.starts_with("user")).collect();
        match (self.dice.below(6), plain.first()) {
            (0, Some(chain)) => format!("jump {chain}"),
            (1, Some(chain)) => format!("goto {chain}"),
            (2, _) => "drop".to_owned(),
            (3, _) => "return".to_owned(),
            (4, _) => "continue".to_owned(),
            _ => "accept".to_owned(),
        }
    }

    /// Plain chains first, then base chains.
    fn chains(&mut self, table: &str, family: &str) -> Vec<String> {
        let mut names = Vec::new();
        for number in 0..1 + self.dice.below(3) {
            let name = format!("user{number}");
            let comment = self.comment(60);
            let end = if self.dice.chance(3) {
                format!(" {{ comment \"{comment}\"; }}")
            } else {
                String::new()
            };
            self.add(format!("add chain {table} {name}{end}"));
            names.push(name);
        }
        for number in 0..1 + self.dice.below(3) {
            let name = format!("base{number}");
            let base = self.base(family);
            self.add(format!("add chain {table} {name} {{ {base} }}"));
            names.push(name);
        }
        names
    }

    fn base(&mut self, family: &str) -> String {
        let priority = match (family, self.dice.below(3)) {
            ("inet" | "ip" | "ip6", 0) => self
                .dice
                .pick(&["filter", "raw", "mangle", "security", "filter + 5", "raw - 3"])
                .to_owned(),
            _ => format!("{}{}", self.dice.pick(&["", "-"]), self.dice.below(900)),
        };
        let policy = self.dice.pick(&["", "policy accept;", "policy drop;"]);
        let (kind, hook) = match family {
            "netdev" => (
                "filter",
                self.dice.pick(&[
                    "ingress device lo",
                    "egress device lo",
                    "ingress devices = { lo }",
                ]),
            ),
            "arp" => ("filter", self.dice.pick(&["input", "output"])),
            "bridge" => (
                "filter",
                self.dice
                    .pick(&["input", "output", "forward", "prerouting", "postrouting"]),
            ),
            _ => match self.dice.below(5) {
                0 => (
                    "nat",
                    self.dice.pick(&["prerouting", "input", "output", "postrouting"]),
                ),
                1 => ("route", "output"),
                _ => (
                    "filter",
                    self.dice
                        .pick(&["input", "output", "forward", "prerouting", "postrouting"]),
                ),
            },
        };
        let priority = if kind == "nat" {
            self.dice.below(900).to_string()
        } else {
            priority
        };
        format!("type {kind} hook {hook} priority {priority}; {policy}")
    }

    fn rule(
        &mut self,
        family: &'static str,
        sets: &[&Named],
        counters: &[String],
        above: &[String],
    ) -> String {
        let mut parts = Vec::new();
        if self.dice.chance(3) {
            parts.push(self.plain_match(family));
        }
        if let Some(set) = sets.get(self.dice.below(sets.len() as u64 + 2) as usize) {
            parts.push(self.look_up(family, set));
        }
        if self.dice.chance(3) {
            parts.push(self.anonymous(family));
        }
        parts.push(self.action(family, counters, above));
        if self.dice.chance(4) {
            let comment = self.comment(120);
            parts.push(format!("comment \"{comment}\""));
        }
        parts.join(" ")
    }

    fn fields(&mut self, key: &[Kind], family: &str) -> String {
        let fields: Vec<&str> = key
            .iter()
            .map(|kind| kind.field(&mut self.dice, family))
            .collect();
        fields.join(" . ")
    }

    fn look_up(&mut self, family: &str, set: &Named) -> String {
        let fields = self.fields(&set.key, family);
        let name = &set.name;
        match set.data {
            None if set.dynamic => {
                let verb = self.dice.pick(&["add", "update"]);
                let mut middle = String::new();
                if self.dice.chance(2) {
                    middle += &format!(" timeout {}", time(&mut self.dice));
                }
                if self.dice.chance(2) {
                    middle += &format!(" {}", stateful(&mut self.dice, family));
                }
                format!("{verb} @{name} {{ {fields}{middle} }}")
            }
            None => format!("{fields} {}@{name}", self.dice.pick(&["", "!= "])),
            Some(Data::Verdict) => format!("{fields} vmap @{name}"),
            Some(Data::Value(Kind::Mark)) => format!("meta mark set {fields} map @{name}"),
            Some(Data::Value(kind)) => {
                format!("{} set {fields} map @{name}", kind.field(&mut self.dice, family))
            }
            Some(Data::Counter) => format!("counter name {fields} map @{name}"),
        }
    }

    /// A match with a set, map or range in place.
    fn anonymous(&mut self, family: &str) -> String {
        let key = self.key(family);
        let fields = self.fields(&key, family);
        let intervals = key.iter().all(|kind| kind.has_intervals());
        let element = |dice: &mut Dice| -> String {
            let parts: Vec<String> = key
                .iter()
                .map(|kind| {
                    if intervals {
                        kind.some(dice)
                    } else {
                        kind.one(dice)
                    }
                })
                .collect();
            parts.join(" . ")
        };
        let (one, two) = (element(&mut self.dice), element(&mut self.dice));
        // A set of one value twice is that value, and a map can't have it.
        if one == two {
            return self.plain_match(family);
        }
        match self.dice.below(4) {
            0 => format!("{fields} vmap {{ {one} : accept, {two} : drop }}"),
            1 if key.len() == 1 => format!("{fields} {}{one}", self.dice.pick(&["", "!= "])),
            2 => format!("meta mark set {fields} map {{ {one} : 0x1, {two} : 0xffffffff }}"),
            _ => format!("{fields} {}{{ {one}, {two} }}", self.dice.pick(&["", "!= "])),
        }
    }

    fn plain_match(&mut self, family: &str) -> String {
        let not = self.dice.pick(&["", "!= "]);
        let network = matches!(family, "inet" | "ip" | "ip6");
        let number = self.dice.below(1 << 16);
        match self.dice.below(10) {
            0 => format!(
                "meta mark & {:#x} {}{:#x}",
                0xff00,
                self.dice.pick(&["== ", "!= "]),
                (number & 0xff) << 8
            ),
            1 => format!(
                "meta length {}{number}",
                self.dice.pick(&["> ", "<= ", "!= ", ""])
            ),
            2 if network => {
                let states = self.dice.some(&["new", "established", "related", "invalid"]);
                format!("ct state {states}")
            }
            3 if network => format!("ct mark {not}{number}"),
            4 if family != "arp" => "tcp flags & (fin | syn | rst | ack) == syn".to_owned(),
            5 if family != "arp" => format!(
                "tcp flags {}",
                self.dice.pick(&["syn / syn,ack", "! fin,rst", "!= syn", "ack"])
            ),
            6 if family != "arp" => format!("tcp window {}{number}", self.dice.pick(&["> ", "<= ", ""])),
            7 => format!("meta priority {not}{:x}:{:x}", number, number / 3),
            8 => format!("meta cpu {not}{}", number % 8),
            _ => format!(
                "meta pkttype {not}{}",
                self.dice.pick(&["host", "unicast", "broadcast", "multicast"])
            ),
        }
    }

    fn action(&mut self, family: &str, counters: &[String], above: &[String]) -> String {
        let number = self.dice.below(1 << 32);
        let network = matches!(family, "inet" | "ip" | "ip6");
        match self.dice.below(14) {
            0 => stateful(&mut self.dice, family),
            1 => format!("{} {}", stateful(&mut self.dice, family), self.verdict(above)),
            2 => {
                let (prefix, end) = (
                    self.comment(100),
                    self.dice
                        .pick(&["", " level debug", " level err flags tcp options", " flags all"]),
                );
                format!("log prefix \"{prefix}\"{end}")
            }
            3 => format!(
                "log group {} snaplen {} queue-threshold {}",
                number % 65536,
                number % 300,
                number % 50
            ),
            4 => format!("meta mark set {number:#x}"),
            5 => format!("meta mark set meta mark & {number:#x} | {:#x}", number >> 7),
            6 if network => format!(
                "ct mark set ct mark {} {number:#x}",
                self.dice.pick(&["&", "|", "^"])
            ),
            7 if network => self
                .dice
                .pick(&["reject", "reject with tcp reset", "notrack"])
                .to_owned(),
            8 if !counters.is_empty() => format!("counter name \"{}\"", counters[0]),
            9 => self
                .dice
                .pick(&["quota name \"q\"", "limit name \"l\"", "limit name \"b\" drop"])
                .to_owned(),
            10 if network => self
                .dice
                .pick(&[
                    "ct timeout set \"ctt\"",
                    "ct expectation set \"cte\"",
                    "synproxy name \"syn\"",
                ])
                .to_owned(),
            11 => format!("meta priority set {:x}:{:x}", number & 0xffff, number >> 16),
            12 => format!(
                "numgen {} mod {} vmap {{ 0 : accept, 1-4 : drop }}",
                self.dice.pick(&["inc", "random"]),
                6 + number % 9
            ),
            _ => self.verdict(above),
        }
    }
}
