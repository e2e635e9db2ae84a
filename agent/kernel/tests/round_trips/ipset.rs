//! Sets of every type that this kernel has, with every option, and elements of every kind.

use std::fmt::Write;

use netghost_core::artifact::json;
use netghost_core::facts::{Fact, Facts};
use netghost_core::host::ipset;
use netghost_core::section::{Content, SectionName, State};
use netghost_lab::netns::Namespace;

use crate::dice::Dice;
use crate::trip::{self, Plane, Wrong};

/// The program, and the reader of sets.
struct Ipset;

/// Lines are cases but where sets are made: what stands in a set goes with it.
impl Plane for Ipset {
    type Read = (Facts, Facts);

    fn load(&self, lines: &[String]) -> Result<Namespace, String> {
        let namespace = Namespace::new().unwrap();
        let input = lines.join("\n") + "\n";
        let done = namespace
            .exec_with_input(&["ipset", "-exist", "restore"], input.as_bytes())
            .unwrap();
        if done.status.success() {
            return Ok(namespace);
        }
        Err(String::from_utf8_lossy(&done.stderr).into_owned())
    }

    /// With a set all that stands in it.
    fn blamed(&self, complaint: &str, lines: &[String]) -> Vec<usize> {
        let digits: Option<usize> = complaint.split("line ").nth(1).and_then(|after| {
            let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        });
        let Some(line) = digits
            .and_then(|line| line.checked_sub(1))
            .filter(|at| *at < lines.len())
        else {
            return Vec::new();
        };
        let Some(name) = lines[line]
            .strip_prefix("create ")
            .and_then(|rest| rest.split(' ').next())
        else {
            return vec![line];
        };
        let of_set = lines.iter().enumerate();
        let of_set = of_set.filter(|(_, line)| line.split(' ').any(|word| word == name));
        of_set.map(|(at, _)| at).collect()
    }

    fn is_case(&self, line: &str) -> bool {
        line.starts_with("add ")
    }

    fn read(&self, namespace: &Namespace) -> Result<Self::Read, String> {
        let sections = namespace
            .enter(|| netghost_kernel::capture(&[SectionName::Ipset], &|| 0))
            .unwrap();
        let [section] = &sections[..] else {
            return Err(format!("{sections:?}"));
        };
        match (&section.state, &section.content) {
            (State::Captured, Some(Content::Facts { config, runtime })) => {
                Ok((config.clone(), runtime.clone()))
            }
            (state, _) => Err(format!("{state:?} {:?}", section.gaps)),
        }
    }

    fn print(&self, (config, _): &Self::Read) -> Vec<String> {
        ipset::save(config).lines().map(str::to_owned).collect()
    }

    fn judge(&self, lines: &[String], (config, runtime): &Self::Read, _: &Namespace) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        for fact in config
            .facts
            .iter()
            .chain(&runtime.facts)
            .filter(|fact| !fact.other.is_empty())
        {
            let why = format!("it is not known whole: {fact} {:?}", fact.other);
            wrong.push(Wrong { line: None, why });
        }
        for (at, line) in lines.iter().enumerate() {
            let Some(name) = line
                .strip_prefix("create ")
                .and_then(|rest| rest.split(' ').next())
            else {
                continue;
            };
            if !config.facts.iter().any(|fact| is_set(fact, name)) {
                let why = format!("a set is not read: {line}");
                wrong.push(Wrong { line: Some(at), why });
            }
        }
        wrong
    }

    fn own_words(&self, namespace: &Namespace) -> Vec<String> {
        let saved = namespace.must(&["ipset", "save"]).unwrap().stdout;
        let saved = String::from_utf8_lossy(&saved).into_owned();
        saved.lines().map(str::to_owned).collect()
    }

    /// What a set with a timeout holds ends by itself and is not loaded again.
    fn listing(&self, namespace: &Namespace) -> Vec<String> {
        let saved = self.own_words(namespace);
        let name = |line: &str| line.split(' ').nth(1).map(str::to_owned);
        let ends = |line: &&String| line.starts_with("create ") && line.contains(" timeout ");
        let ending: Vec<_> = saved.iter().filter(ends).map(|line| name(line)).collect();
        let stays = |line: &&String| line.starts_with("create ") || !ending.contains(&name(line));
        let mut lines: Vec<String> = saved.iter().filter(stays).map(|line| said(line)).collect();
        lines.sort_unstable();
        lines
    }

    fn differences(&self, _: &[String], one: &Self::Read, two: &Self::Read) -> Vec<Wrong> {
        if json::digest(&one.0).unwrap() == json::digest(&two.0).unwrap() {
            return Vec::new();
        }
        let lost = one.0.facts.iter().filter(|fact| !two.0.facts.contains(fact));
        let come = two.0.facts.iter().filter(|fact| !one.0.facts.contains(fact));
        let shown = |facts: Vec<&Fact>| facts.iter().take(3).map(ToString::to_string).collect::<Vec<_>>();
        let why = format!(
            "what is printed is another set: {:?} became {:?}",
            shown(lost.collect()),
            shown(come.collect())
        );
        vec![Wrong { line: None, why }]
    }
}

/// What the kernel chose, and what counts.
const NOT_SAID: [&str; 4] = ["hashsize", "initval", "packets", "bytes"];

/// A line without these, its words sorted.
fn said(line: &str) -> String {
    let mut words = Vec::new();
    let mut rest = line.split(' ');
    while let Some(word) = rest.next() {
        if NOT_SAID.contains(&word) {
            rest.next();
        } else {
            words.push(word);
        }
    }
    words.sort_unstable();
    words.join(" ")
}

fn is_set(fact: &Fact, name: &str) -> bool {
    fact.kind == "create"
        && fact
            .key
            .first()
            .is_some_and(|key| key.as_bytes() == name.as_bytes())
}

const TYPES: [&str; 16] = [
    "bitmap:ip",
    "bitmap:ip,mac",
    "bitmap:port",
    "hash:ip",
    "hash:mac",
    "hash:ip,mac",
    "hash:net",
    "hash:net,net",
    "hash:ip,port",
    "hash:net,port",
    "hash:ip,port,ip",
    "hash:ip,port,net",
    "hash:ip,mark",
    "hash:net,port,net",
    "hash:net,iface",
    "list:set",
];

/// A set while it is filled.
struct Set {
    name: String,
    kind: &'static str,
    v6: bool,
    counters: bool,
    comment: bool,
    skbinfo: bool,
    timeout: bool,
}

struct Generator {
    dice: Dice,
    /// The types that this kernel has.
    types: Vec<&'static str>,
}

impl Generator {
    /// Some twenty sets with some ten elements each.
    fn sets(&mut self) -> Vec<String> {
        let (mut lines, mut adds, mut others) = (Vec::new(), Vec::new(), Vec::<String>::new());
        for number in 0..20 {
            let (set, line) = self.set(number);
            lines.push(line);
            if set.kind == "list:set" {
                let members = others.iter().take(self.dice.below(5) as usize);
                let members: Vec<String> = members.cloned().collect();
                for member in members {
                    adds.push(format!("add {} {member}{}", set.name, self.extras(&set)));
                }
                continue;
            }
            others.push(set.name.clone());
            for _ in 0..4 + self.dice.below(8) {
                let key = self.key(&set);
                let nomatch = set.kind.contains("net") && self.dice.chance(6);
                let nomatch = if nomatch { " nomatch" } else { "" };
                adds.push(format!("add {} {key}{}{nomatch}", set.name, self.extras(&set)));
            }
        }
        lines.extend(adds);
        lines
    }

    fn set(&mut self, number: u64) -> (Set, String) {
        let kind = self.dice.pick(&self.types);
        let name = format!("{}{number}", self.dice.pick(&["s", "set-", "a.b_", "Ü", "x:"]));
        let mut line = format!("create {name} {kind}");
        let is_hash = kind.starts_with("hash:");
        let v6 = is_hash && !kind.ends_with("mac") && self.dice.chance(3);
        match kind {
            "bitmap:port" => line.push_str(" range 0-65535"),
            "bitmap:ip" | "bitmap:ip,mac" => line.push_str(" range 10.1.0.0/16"),
            "list:set" => write!(line, " size {}", 1 + self.dice.below(30)).unwrap(),
            _ => {}
        }
        if is_hash {
            self.hash_options(&mut line, kind, v6);
        }
        let mut option = |name: &str, one_in| {
            let chosen = self.dice.chance(one_in);
            if chosen {
                write!(line, " {name}").unwrap();
            }
            chosen
        };
        let (counters, comment, skbinfo) =
            (option("counters", 3), option("comment", 3), option("skbinfo", 3));
        let timeout = self.dice.chance(5);
        if timeout {
            write!(line, " timeout {}", self.dice.below(100_000)).unwrap();
        }
        let set = Set {
            name,
            kind,
            v6,
            counters,
            comment,
            skbinfo,
            timeout,
        };
        (set, line)
    }

    fn hash_options(&mut self, line: &mut String, kind: &str, v6: bool) {
        if v6 {
            line.push_str(" family inet6");
        }
        if self.dice.chance(3) {
            write!(line, " hashsize {}", 64 << self.dice.below(6)).unwrap();
        }
        if self.dice.chance(3) {
            write!(line, " maxelem {}", 50 + self.dice.below(1 << 20)).unwrap();
        }
        if self.dice.chance(5) {
            write!(line, " bucketsize {}", 2 * (1 + self.dice.below(6))).unwrap();
        }
        if self.dice.chance(6) {
            line.push_str(" forceadd");
        }
        let top = if v6 { 128 } else { 32 };
        match kind {
            "hash:ip" if self.dice.chance(3) => {
                write!(line, " netmask {}", 1 + self.dice.below(top)).unwrap()
            }
            "hash:ip,mark" if self.dice.chance(2) => {
                write!(line, " markmask {:#x}", 1 + self.dice.below((1 << 32) - 1)).unwrap();
            }
            _ => {}
        }
    }

    /// What may follow an element.
    fn extras(&mut self, set: &Set) -> String {
        let mut words = String::new();
        if set.timeout && self.dice.chance(2) {
            write!(words, " timeout {}", self.dice.below(100_000)).unwrap();
        }
        if set.counters && self.dice.chance(2) {
            let (packets, bytes) = (self.dice.below(1 << 40), self.dice.below(1 << 47));
            write!(words, " packets {packets} bytes {bytes}").unwrap();
        }
        if set.comment && self.dice.chance(2) {
            // `ipset` has no escape for quotes.
            let text = self.dice.odd_text(200).replace('"', "'");
            write!(words, " comment \"{text}\"").unwrap();
        }
        if set.skbinfo && self.dice.chance(2) {
            let (mark, mask) = (self.dice.below(1 << 32), self.dice.below(1 << 32));
            write!(words, " skbmark {mark:#x}/{mask:#x}").unwrap();
        }
        if set.skbinfo && self.dice.chance(2) {
            let (high, low, queue) = (
                self.dice.below(65536),
                self.dice.below(65536),
                self.dice.below(65536),
            );
            write!(words, " skbprio {high:x}:{low:x} skbqueue {queue}").unwrap();
        }
        words
    }

    fn key(&mut self, set: &Set) -> String {
        let (storage, parts) = set.kind.split_once(':').unwrap();
        let bitmap = storage == "bitmap";
        let parts: Vec<String> = parts
            .split(',')
            .map(|part| match part {
                "ip" if bitmap => format!("10.1.{}.{}", self.dice.below(256), self.dice.below(256)),
                "ip" => self.address(set.v6),
                "net" => self.network(set.v6),
                "mac" => self.mac(),
                "mark" => format!("{:#x}", self.dice.below(1 << 32)),
                "iface" => self.interface(),
                "port" if bitmap => {
                    let low = self.dice.below(65_000);
                    format!("{low}-{}", low + self.dice.below(20))
                }
                _ => self.service(set.v6),
            })
            .collect();
        parts.join(",")
    }

    fn address(&mut self, v6: bool) -> String {
        if v6 {
            format!(
                "2001:db8:{:x}::{:x}",
                self.dice.below(65536),
                self.dice.below(65536)
            )
        } else {
            let octet = |dice: &mut Dice| dice.below(256);
            format!(
                "10.{}.{}.{}",
                octet(&mut self.dice),
                octet(&mut self.dice),
                octet(&mut self.dice)
            )
        }
    }

    fn network(&mut self, v6: bool) -> String {
        let top = if v6 { 128 } else { 32 };
        format!("{}/{}", self.address(v6), 1 + self.dice.below(top))
    }

    fn mac(&mut self) -> String {
        let octets: Vec<String> = (0..5).map(|_| format!("{:02X}", self.dice.below(256))).collect();
        format!("02:{}", octets.join(":"))
    }

    fn interface(&mut self) -> String {
        let name = self.dice.pick(&["eth0", "lo", "a-b.c", "interface-of-15", "br0"]);
        let bridged = self.dice.pick(&["", "", "physdev:"]);
        format!("{bridged}{name}")
    }

    fn service(&mut self, v6: bool) -> String {
        let port = self.dice.below(65536);
        match self.dice.below(8) {
            0 => port.to_string(),
            1 => format!("udp:{port}"),
            2 => format!("sctp:{port}"),
            3 => format!("udplite:{port}"),
            4 if v6 => format!("icmpv6:{}/{}", self.dice.below(256), self.dice.below(256)),
            4 => format!("icmp:{}/{}", self.dice.below(256), self.dice.below(256)),
            5 => self
                .dice
                .pick(&["gre:0", "esp:0", "ah:0", "vrrp:0", "47:0", "ospf:0"])
                .to_owned(),
            6 => self.dice.pick(&["http", "tcp:ssh", "udp:domain"]).to_owned(),
            _ => format!("tcp:{port}"),
        }
    }
}

/// Kernels are built with some of the types.
fn is_there(kind: &str) -> bool {
    let range = match kind {
        "bitmap:port" => " range 0-9",
        "bitmap:ip" | "bitmap:ip,mac" => " range 10.1.0.0/16",
        _ => "",
    };
    Ipset.load(&[format!("create x {kind}{range}")]).is_ok()
}

#[test]
fn root_random_sets_come_back() {
    let types: Vec<&'static str> = TYPES.into_iter().filter(|kind| is_there(kind)).collect();
    println!(
        "ipset: {} of {} types are in this kernel",
        types.len(),
        TYPES.len()
    );
    assert!(types.len() > 9, "{types:?}");
    trip::run("ipset", &Ipset, 600, |seed| {
        let (dice, types) = (Dice::new(seed), types.clone());
        Generator { dice, types }.sets()
    });
}
