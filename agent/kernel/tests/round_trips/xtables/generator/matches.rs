//! Matches beyond the everyday ones.

use std::fmt::Write;

use super::{Generator, Place, quoted};

impl Generator {
    /// A match that any packet may meet, or one that fits where the rule stands.
    pub(super) fn further_match(&mut self, place: &Place<'_>) -> Option<String> {
        let not = self.random.not();
        let (small, byte) = (1 + self.random.below(20), self.random.below(256));
        Some(match self.random.below(26) {
            0 => format!("length {not}--length {}", self.random.ports()),
            1 => format!("dscp {not}--dscp {:#x}", byte & 0x3f),
            2 => format!("tos {not}--tos {byte:#x}/{:#x}", self.random.below(256)),
            3 => self.hops(),
            4 => self.time(),
            5 => self.string(),
            6 => self.u32(),
            7 => self.statistic(),
            8 => self.recent(),
            9 => format!(
                "helper {not}--helper {}",
                self.random.pick(&["ftp", "\"a b\"", "irc-6667", "\"\""])
            ),
            10 => self.connlimit(),
            11 => self.connbytes(),
            12 => format!("quota {not}--quota {}", self.random.below(1 << 40)),
            13 => format!("bpf --bytecode \"2,48 0 0 {byte},6 0 0 {small}\""),
            14 => format!("cpu {not}--cpu {small}"),
            15 => format!(
                "cluster --cluster-total-nodes 9 {not}--cluster-local-nodemask {:#x} --cluster-hash-seed {:#x}",
                1 + self.random.below(32),
                self.random.below(1 << 32)
            ),
            16 => format!("ecn {not}--ecn-ip-ect {}", byte & 3),
            17 | 18 => self.hashlimit(),
            19 => self.policy(place)?,
            20 => self.group(place)?,
            21 => self.of_hook(place)?,
            22 | 23 => self.set(),
            _ if self.ipv6 => self.extension_header(),
            _ => format!("connlabel {not}--label {} --set", byte & 0x7f),
        })
    }

    /// What asks a set of addresses; `--match-set` takes one direction for each dimension.
    fn set(&mut self) -> String {
        let (one, two) = if self.ipv6 {
            ("six", "six-2")
        } else {
            ("one", "two")
        };
        let end = |random: &mut crate::dice::Dice| random.pick(&["src", "dst"]);
        let mut words = format!("set {}--match-set ", self.random.not());
        match self.random.below(4) {
            0 if !self.ipv6 => {
                let ends = [(); 3].map(|()| end(&mut self.random)).join(",");
                write!(words, "three {ends}").unwrap();
            }
            1 => write!(words, "list {}", end(&mut self.random)).unwrap(),
            2 => write!(words, "{two} {},{}", end(&mut self.random), end(&mut self.random)).unwrap(),
            _ => write!(words, "{one} {}", end(&mut self.random)).unwrap(),
        }
        if self.random.chance(3) {
            let number = self.random.below(1 << 40);
            let (not, count) = (self.random.not(), self.random.pick(&["packets", "bytes"]));
            match self.random.below(3) {
                0 => write!(words, " {not}--{count}-eq {number}").unwrap(),
                1 => write!(words, " --{count}-lt {number}").unwrap(),
                _ => write!(words, " --{count}-gt {number}").unwrap(),
            }
        }
        for option in [
            " --return-nomatch",
            " ! --update-counters",
            " ! --update-subcounters",
        ] {
            if self.random.chance(5) {
                words.push_str(option);
            }
        }
        words
    }

    fn hops(&mut self) -> String {
        let (module, option) = if self.ipv6 {
            ("hl", "--hl")
        } else {
            ("ttl", "--ttl")
        };
        let number = self.random.below(256);
        match self.random.below(3) {
            0 => format!("{module} {}{option}-eq {number}", self.random.not()),
            1 => format!("{module} {option}-lt {number}"),
            _ => format!("{module} {option}-gt {number}"),
        }
    }

    fn time(&mut self) -> String {
        let mut words = "time".to_owned();
        if self.random.chance(2) {
            let (hour, minute) = (self.random.below(24), self.random.below(60));
            write!(
                words,
                " --timestart {hour:02}:{minute:02} --timestop 23:{minute:02}:59"
            )
            .unwrap();
        }
        if self.random.chance(2) {
            let days = self.random.some(&["Mon", "Tue", "Thu", "Sun"]);
            write!(words, " {}--weekdays {days}", self.random.not()).unwrap();
        }
        if self.random.chance(3) {
            write!(words, " {}--monthdays 1,15,31", self.random.not()).unwrap();
        }
        if self.random.chance(3) {
            let (month, day) = (1 + self.random.below(12), 1 + self.random.below(28));
            write!(
                words,
                " --datestart 2020-{month}-{day}T05:06:07 --datestop 2030-{month}"
            )
            .unwrap();
        }
        let end = self.random.pick(&[
            "",
            " --kerneltz",
            " --contiguous --timestart 22:00 --timestop 02:00",
        ]);
        if !words.contains("timestart") || !end.contains("timestart") {
            words.push_str(end);
        }
        words
    }

    fn string(&mut self) -> String {
        let (not, algo) = (self.random.not(), self.random.pick(&["bm", "kmp"]));
        let odd = format!("--string {}", quoted(&self.random.odd_text(100)));
        let pattern = self.random.pick(&[
            odd.as_str(),
            "--string plain",
            "--string \"two words\"",
            "--string \"it's \\\"q\\\" \\\\ b|c\"",
            "--hex-string \"a|00 ff|b\"",
            "--hex-string \"|c3bc|\"",
            "--string \"-j\"",
        ]);
        let end = self.random.pick(&[
            "",
            " --from 5",
            " --from 40 --to 100",
            " --to 9 --icase",
            " --icase",
        ]);
        format!("string --algo {algo} {not}{pattern}{end}")
    }

    fn u32(&mut self) -> String {
        let number = self.random.below(1 << 32);
        let program = self.random.pick(&["0", "0>>22&0x3C@4", "6&0xFF", "4<<3&7@8>>1"]);
        let more = self
            .random
            .pick(&["", ",7,9:0xffff", "&&0x5&0xff=6", " && 7 = 8 && 9 = 10:11"]);
        format!("u32 {}--u32 \"{program}={number}{more}\"", self.random.not())
    }

    fn statistic(&mut self) -> String {
        let not = self.random.not();
        if self.random.chance(2) {
            return format!(
                "statistic --mode random {not}--probability 0.{}",
                self.random.below(1 << 30)
            );
        }
        let every = 1 + self.random.below(1000);
        format!(
            "statistic --mode nth {not}--every {every} --packet {}",
            self.random.below(every)
        )
    }

    fn recent(&mut self) -> String {
        let (not, action) = (
            self.random.not(),
            self.random.pick(&["--set", "--rcheck", "--update", "--remove"]),
        );
        let name = self.random.pick(&["", " --name a", " --name b.c-d"]);
        let mut words = format!("recent {not}{action}{name}");
        if matches!(action, "--rcheck" | "--update") {
            let seconds = 1 + self.random.below(90);
            let more = self
                .random
                .pick(&["", " --reap", " --hitcount 4", " --hitcount 3 --rttl"]);
            write!(words, " --seconds {seconds}{more}").unwrap();
        }
        let mask = if self.ipv6 {
            " --mask ffff:ffff::"
        } else {
            " --mask 255.255.0.0"
        };
        words.push_str(if self.random.chance(2) { mask } else { "" });
        words.push_str(self.random.pick(&["", " --rsource", " --rdest"]));
        words
    }

    fn connlimit(&mut self) -> String {
        let option = self
            .random
            .pick(&["--connlimit-above", "--connlimit-upto", "! --connlimit-above"]);
        let mask = self.random.below(if self.ipv6 { 129 } else { 33 });
        let end = self
            .random
            .pick(&["", " --connlimit-saddr", " --connlimit-daddr"]);
        format!(
            "connlimit {option} {} --connlimit-mask {mask}{end}",
            self.random.below(100)
        )
    }

    fn connbytes(&mut self) -> String {
        let from = self.random.below(1 << 40);
        let to = from + 1 + self.random.below(1 << 40);
        let mode = self.random.pick(&["bytes", "packets", "avgpkt"]);
        let direction = self.random.pick(&["original", "reply", "both"]);
        let range = if self.random.chance(2) {
            format!("{from}:{to}")
        } else {
            from.to_string()
        };
        format!(
            "connbytes {}--connbytes {range} --connbytes-mode {mode} --connbytes-dir {direction}",
            self.random.not()
        )
    }

    /// The kernel keeps one table for a name, so each has its own.
    fn hashlimit(&mut self) -> String {
        self.names += 1;
        let rate = self.random.pick(&[
            "5/sec",
            "7/min",
            "20/hour",
            "10000/sec",
            "5kb/s",
            "700kb/s",
            "3mb/s",
            "500b/s",
        ]);
        let bytes = rate.ends_with("b/s");
        let mut words = format!(
            "hashlimit --hashlimit-{} {rate} --hashlimit-name n{}",
            self.random.pick(&["upto", "above"]),
            self.names
        );
        if self.random.chance(2) {
            words.push_str(if bytes {
                " --hashlimit-burst 30mb"
            } else {
                " --hashlimit-burst 77"
            });
        }
        if self.random.chance(2) {
            let mode = self.random.some(&["srcip", "srcport", "dstip", "dstport"]);
            write!(words, " --hashlimit-mode {mode} --hashlimit-srcmask 24").unwrap();
        }
        words.push_str(self.random.pick(&[
            "",
            " --hashlimit-htable-size 16 --hashlimit-htable-max 99",
            " --hashlimit-htable-expire 7000 --hashlimit-htable-gcinterval 500",
            " --hashlimit-dstmask 0",
        ]));
        if self.random.chance(4) && words.contains("above") {
            words.push_str(self.random.pick(&[
                " --hashlimit-rate-match",
                " --hashlimit-rate-match --hashlimit-rate-interval 9",
            ]));
        }
        words
    }

    fn policy(&mut self, place: &Place<'_>) -> Option<String> {
        let direction = match place.chain {
            "PREROUTING" | "INPUT" | "FORWARD" => "in",
            "OUTPUT" | "POSTROUTING" => "out",
            _ => return None,
        };
        let (not, number) = (self.random.not(), self.random.below(1 << 32));
        let (one, other) = (self.address(), self.network());
        let rest = match self.random.below(5) {
            0 => "none".to_owned(),
            1 => "ipsec".to_owned(),
            2 => format!("ipsec {not}--reqid {number}"),
            3 => format!("ipsec --strict --proto esp --mode transport {not}--spi {number} --next --reqid 5"),
            _ => format!("ipsec --strict --mode tunnel {not}--tunnel-src {one} --tunnel-dst {other}"),
        };
        Some(format!("policy --dir {direction} --pol {rest}"))
    }

    fn group(&mut self, place: &Place<'_>) -> Option<String> {
        let (not, group) = (self.random.not(), 1 + self.random.below(1 << 32));
        let mask = self.random.pick(&["", "/0xff", "/0xffff0000"]);
        let option = match place.chain {
            "PREROUTING" | "INPUT" => "devgroup {not}--src-group",
            "OUTPUT" | "POSTROUTING" if self.ipv6 || self.random.chance(2) => "devgroup {not}--dst-group",
            "OUTPUT" | "POSTROUTING" => "realm {not}--realm",
            _ => return None,
        };
        let group = group.min(u32::MAX.into());
        Some(format!("{} {group:#x}{mask}", option.replace("{not}", not)))
    }

    fn of_hook(&mut self, place: &Place<'_>) -> Option<String> {
        Some(match (place.chain, place.table) {
            ("PREROUTING", "raw" | "mangle") => {
                let flags = self
                    .random
                    .pick(&["", " --loose", " --validmark --invert", " --accept-local"]);
                format!("rpfilter{flags}")
            }
            ("INPUT", "filter" | "mangle") => {
                let flags = self
                    .random
                    .pick(&["", " --transparent", " --nowildcard --restore-skmark"]);
                format!("socket{flags}")
            }
            ("OUTPUT" | "POSTROUTING", _) => {
                format!(
                    "cgroup {}--cgroup {}",
                    self.random.not(),
                    self.random.below(1 << 32)
                )
            }
            _ => return None,
        })
    }

    fn extension_header(&mut self) -> String {
        let (not, number) = (self.random.not(), self.random.below(1000));
        let span = format!("{number}:{}", number + 1 + self.random.below(1000));
        match self.random.below(8) {
            0 => format!("frag {not}--fragid {span} --fragfirst"),
            1 => format!(
                "frag --fragres {}",
                self.random.pick(&["--fragmore", "--fraglast"])
            ),
            2 => format!("hbh {not}--hbh-len {number} --hbh-opts 1:2,3,4:0"),
            3 => format!("dst {not}--dst-len {number}"),
            4 => format!("rt --rt-type 0 {not}--rt-segsleft {span} --rt-0-addrs ::1,fd00::2"),
            5 => {
                let headers = self
                    .random
                    .some(&["hop", "dst", "route", "frag", "auth", "esp", "none", "prot"]);
                let soft = self.random.pick(&["", " --soft"]);
                format!("ipv6header {not}--header {headers}{soft}")
            }
            6 => format!("ah {not}--ahspi {span} --ahres"),
            _ => "frag".to_owned(),
        }
    }

    /// Matches on the header that `-p` named.
    pub(super) fn of_protocol(&mut self, rule: &mut String, protocol: &str) {
        let not = self.random.not();
        let number = self.random.below(1 << 31);
        match protocol {
            "132" => self.sctp(rule),
            "33" => {
                let types = self
                    .random
                    .some(&["REQUEST", "ACK", "DATAACK", "SYNCACK", "INVALID"]);
                let port = self.random.ports();
                write!(
                    rule,
                    " -m dccp --sport {port} {not}--dccp-types {types} --dccp-option 5"
                )
                .unwrap();
            }
            "esp" => write!(rule, " -m esp {not}--espspi {number}:{}", number + 5).unwrap(),
            "ah" if !self.ipv6 => write!(rule, " -m ah {not}--ahspi {number}").unwrap(),
            "108" => write!(rule, " -m ipcomp {not}--ipcompspi {number} --compres").unwrap(),
            "tcp" => self.further_tcp(rule),
            _ => {}
        }
    }

    fn further_tcp(&mut self, rule: &mut String) {
        let not = self.random.not();
        match self.random.below(9) {
            0 => write!(rule, " -m tcpmss {not}--mss {}", self.random.ports()).unwrap(),
            1 => write!(rule, " -m ecn {not}--ecn-tcp-ece --ecn-tcp-cwr").unwrap(),
            _ => {}
        }
    }

    fn sctp(&mut self, rule: &mut String) {
        rule.push_str(" -m sctp");
        if self.random.chance(2) {
            write!(rule, " {}--dport {}", self.random.not(), self.random.ports()).unwrap();
        }
        if self.random.chance(2) {
            let scope = self.random.pick(&["any", "all", "only"]);
            let types = self.random.pick(&[
                "ALL",
                "NONE",
                "DATA:UbE,INIT",
                "ABORT:t,SACK,ASCONF",
                "FORWARD_TSN",
            ]);
            write!(rule, " {}--chunk-types {scope} {types}", self.random.not()).unwrap();
        }
    }
}
