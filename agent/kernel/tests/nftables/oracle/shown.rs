//! What a rule says by our own reading of it, in the same form.

use netghost_core::bytes::Text;
use netghost_core::netfilter::model::{
    ElementData, Family, Field, Item, LimitUnit, LogFlag, Match, NatFlag, NatKind, Op, RejectWith, Rule,
    Statement, Value, Verdict,
};
use netghost_core::raw::NetlinkRaw;

use super::places::{self, Bytes, Kind, Place};
use super::said::{Said, hex, leading};

/// What the rule says; why not, where it has no such form.
pub(super) fn rule(rule: &Rule, links: &NetlinkRaw) -> Result<Said, String> {
    items(&rule.items, links)
}

fn items(all: &[Item], links: &NetlinkRaw) -> Result<Said, String> {
    let mut teller = Teller {
        links,
        said: Said::default(),
    };
    for item in all {
        let told = match item {
            Item::Match(one) => teller.matched(one),
            Item::Statement(statement) => teller.statement(statement),
            Item::Opaque(opaque) => return Err(format!("{} is opaque", opaque.name)),
        };
        told.ok_or_else(|| format!("{item:?} has no such form"))?;
    }
    Ok(teller.said)
}

struct Teller<'a> {
    links: &'a NetlinkRaw,
    said: Said,
}

/// The parts of a concatenation, which stand between ` . ` outside of all parentheses.
fn parts(field: &Field) -> Vec<String> {
    let (mut out, mut depth) = (vec![String::new()], 0);
    let text = &field.0;
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 && text[at..].starts_with(" . ") {
            out.push(String::new());
        }
        out.last_mut().unwrap().push(letter);
    }
    out.iter()
        .map(|part| part.trim_start_matches(" . ").to_owned())
        .collect()
}

/// What is computed: the places that it is computed of, and what a generator of numbers is asked.
fn computed(text: &str) -> Option<String> {
    let mut out = Vec::new();
    let words: Vec<&str> = text.split([' ', '(', ')']).collect();
    let after = |word: &str| {
        words
            .iter()
            .position(|w| *w == word)
            .and_then(|at| words.get(at + 1))
            .copied()
    };
    let modulus = after("mod").unwrap_or("0");
    let offset = after("offset").unwrap_or("0");
    let seed = after("seed").unwrap_or("0x0");
    let seed = u64::from_str_radix(seed.trim_start_matches("0x"), 16).ok()?;
    match words
        .iter()
        .find(|word| ["numgen", "jhash", "symhash"].contains(word))
    {
        Some(&"numgen") => {
            let how = u32::from(after("numgen")? == "random");
            return Some(format!("of numgen {how} {modulus} {offset}"));
        }
        Some(&"jhash") => out.push(format!("hash 0 {modulus} {seed} {offset}")),
        Some(_) => out.push(format!("hash 1 {modulus} {seed} {offset}")),
        None => {}
    }
    for word in words {
        if let Some(place) = places::of(word) {
            out.push(format!("{}+{}", place.source, place.span().0));
        }
    }
    (!out.is_empty()).then(|| format!("of {}", out.join(" . ")))
}

fn word(name: &str) -> Option<String> {
    // A constant among fields: a port.
    if let Ok(port) = name.parse::<u16>() {
        return Some(format!("{port:04x}"));
    }
    match places::of(name) {
        Some(place) if place.mask().iter().all(|byte| *byte == 0xff) => {
            let (from, to) = place.span();
            Some(format!("{}+{from}/{}", place.source, to - from))
        }
        Some(place) => Some(format!("of {}+{}", place.source, place.span().0)),
        None => computed(name),
    }
}

/// The place of a field; what is computed is one of its own, as wide as what it is computed of, or a number.
fn place_of(name: &str) -> Option<Place> {
    if let Some(place) = places::of(name) {
        return Some(place);
    }
    let source = computed(name)?;
    let of = name.split([' ', '(', ')']).find_map(places::of);
    let of = of.filter(|_| !source.starts_with("of hash"));
    Some(Place {
        source,
        ..of.unwrap_or_else(number)
    })
}

/// A comparison of order is with what a mask leaves.
fn ordered_place(place: &Place) -> (String, usize) {
    let at = place.span().0;
    if place.mask().iter().all(|byte| *byte == 0xff) {
        (place.source.clone(), at)
    } else {
        (format!("of {}+{at}", place.source), 0)
    }
}

fn key(field: &Field) -> Option<String> {
    let words: Option<Vec<String>> = parts(field).iter().map(|part| word(part)).collect();
    Some(words?.join(" . "))
}

fn address_bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Address(std::net::IpAddr::V4(address)) => Some(address.octets().to_vec()),
        Value::Address(std::net::IpAddr::V6(address)) => Some(address.octets().to_vec()),
        _ => None,
    }
}

/// The lowest and the highest of what a value stands for, in a place.
fn ends(place: &Place, value: &Value, links: &NetlinkRaw) -> Option<(Vec<u8>, Vec<u8>)> {
    if let Some(bytes) = address_bytes(value) {
        return Some((bytes.clone(), bytes));
    }
    match value {
        Value::Prefix { address, length } => {
            let from = address_bytes(&Value::Address(*address))?;
            let mask = mask(from.len(), *length);
            let to = from.iter().zip(&mask).map(|(byte, mask)| byte | !mask).collect();
            Some((from, to))
        }
        Value::Range { from, to } => Some((ends(place, from, links)?.0, ends(place, to, links)?.1)),
        Value::Text(text) if place.kind == Kind::Name && text.as_bytes().ends_with(b"*") => {
            let bytes = place.bytes(value, links)?.value;
            let fill = |with: u8| {
                let mut out = bytes.clone();
                out.resize(
                    if bytes.last() == Some(&0) {
                        bytes.len()
                    } else {
                        place.bits / 8
                    },
                    with,
                );
                out
            };
            Some((fill(0), fill(0xff)))
        }
        single => {
            let bytes = place.bytes(single, links)?.value;
            Some((bytes.clone(), bytes))
        }
    }
}

fn mask(bytes: usize, length: u8) -> Vec<u8> {
    let bits = (0..bytes).map(|byte| usize::from(length).saturating_sub(byte * 8).min(8));
    bits.map(|ones| u8::try_from(0xff00_u32 >> ones & 0xff).unwrap())
        .collect()
}

/// What is computed is four bytes of host order.
fn number() -> Place {
    Place {
        source: "number".to_owned(),
        bit: 0,
        bits: 32,
        kind: Kind::Host,
    }
}

/// One element as `from-to`.
pub(super) fn element(places: &[Place], value: &Value, links: &NetlinkRaw) -> Option<String> {
    if *value == Value::Symbol("*".to_owned()) {
        return Some("*".to_owned());
    }
    let single = std::slice::from_ref(value);
    let values = match value {
        Value::Concat(all) => all.as_slice(),
        _ => single,
    };
    let (mut low, mut high) = (String::new(), String::new());
    for (place, value) in places.iter().zip(values) {
        let (from, to) = ends(place, value, links)?;
        low += &hex(&from);
        high += &hex(&to);
    }
    (places.len() == values.len()).then(|| format!("{low}-{high}"))
}

pub(super) fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Jump { chain } => format!("jump {chain}"),
        Verdict::Goto { chain } => format!("goto {chain}"),
        other => other.word().to_owned(),
    }
}

/// What a map holds, each part of its bytes in whole registers; `kinds` are what is written.
pub(super) fn data(kinds: &[Place], held: &ElementData, links: &NetlinkRaw) -> Option<String> {
    let value = match held {
        ElementData::Verdict { verdict: one } => return Some(verdict(one)),
        ElementData::Object { name } => return Some(format!("{:?}", name.to_string())),
        ElementData::Value { value } => value,
    };
    let single = std::slice::from_ref(value);
    let values = match value {
        Value::Concat(all) => all.as_slice(),
        _ => single,
    };
    let mut out = String::new();
    for (index, value) in values.iter().enumerate() {
        let (from, to) = ends(kinds.get(index)?, value, links)?;
        let room = if values.len() > 1 {
            from.len().next_multiple_of(4)
        } else {
            from.len()
        };
        out += &hex(&from);
        out += &"00".repeat(room - from.len());
        if matches!(value, Value::Range { .. } | Value::Prefix { .. }) {
            out += &hex(&to);
        }
    }
    Some(out)
}

fn entries_of(
    key: &Field,
    kinds: &[Place],
    entries: &[(Value, ElementData)],
    links: &NetlinkRaw,
) -> Option<String> {
    let keys: Vec<Place> = parts(key)
        .iter()
        .map(|part| place_of(part).unwrap_or_else(number))
        .collect();
    let mut out: Vec<String> = Vec::new();
    for (value, held) in entries {
        out.push(format!(
            "{} : {}",
            element(&keys, value, links)?,
            data(kinds, held, links)?
        ));
    }
    out.sort();
    Some(format!("{{ {} }}", out.join(", ")))
}

fn map_name(
    map: Option<&Text>,
    key: &Field,
    kinds: &[Place],
    entries: &[(Value, ElementData)],
    links: &NetlinkRaw,
) -> Option<String> {
    match map {
        Some(name) => Some(format!("@{name}")),
        None => entries_of(key, kinds, entries, links),
    }
}

/// What a statement's own field holds.
fn kinds_of(field: &str) -> Vec<Place> {
    let network = |bits| Place {
        bits,
        kind: Kind::Network,
        ..number()
    };
    let one = |part: &str| match part {
        "nat.port" | "tproxy.port" => network(16),
        part if part.contains(".address") => network(32),
        "dup.device" | "fwd.device" => Place {
            kind: Kind::Link,
            ..number()
        },
        part => place_of(part).unwrap_or_else(number),
    };
    field.split(" . ").map(one).collect()
}

impl Teller<'_> {
    fn matched(&mut self, one: &Match) -> Option<()> {
        let Match { field, op, value } = one;
        if let (Op::In | Op::NotIn, _) | (_, Value::Concat(_)) = (op, value) {
            return self.member(field, *op, value);
        }
        let place = place_of(&field.0)?;
        self.compared(&place, *op, value)
    }

    fn compared(&mut self, place: &Place, op: Op, value: &Value) -> Option<()> {
        let at = place.span().0;
        let source = place.source.as_str();
        let said = &mut self.said;
        match (op, value) {
            (Op::Eq | Op::Ne, Value::Prefix { .. } | Value::Range { .. }) => {
                let (from, to) = ends(place, value, self.links)?;
                let (source, at) = ordered_place(place);
                let source = source.as_str();
                match leading(&from, &to) {
                    Some(mask) if op == Op::Eq => said.equal(source, at, &mask, &from),
                    _ => said.within(source, at, &from, &to, op == Op::Eq),
                }
            }
            (Op::Any | Op::None, flags) => {
                let mask = place.bytes(flags, self.links)?.value;
                let nothing = vec![0; mask.len()];
                if op == Op::Any {
                    said.unequal(source, at, &mask, &nothing);
                } else {
                    said.equal(source, at, &mask, &nothing);
                }
            }
            (op, Value::Masked { mask, value }) => {
                let mask = place.bytes(mask, self.links)?.value;
                let value = place.bytes(value, self.links)?.value;
                match op {
                    Op::Eq => said.equal(source, at, &mask, &value),
                    _ => said.unequal(source, at, &mask, &value),
                }
            }
            (op, value) => {
                let Bytes { at, mask, value } = place.bytes(value, self.links)?;
                let (of, from) = ordered_place(place);
                match op {
                    Op::Eq => said.equal(source, at, &mask, &value),
                    Op::Ne => said.unequal(source, at, &mask, &value),
                    Op::Lt => said.ordered("<", &of, from, &value),
                    Op::Le => said.ordered("<=", &of, from, &value),
                    Op::Gt => said.ordered(">", &of, from, &value),
                    _ => said.ordered(">=", &of, from, &value),
                }
            }
        }
        Some(())
    }

    fn member(&mut self, field: &Field, op: Op, value: &Value) -> Option<()> {
        let single = std::slice::from_ref(value);
        let what = match value {
            Value::SetName(name) => format!("@{name}"),
            Value::Set(_) | Value::Concat(_) => {
                let values = match value {
                    Value::Set(all) => all.as_slice(),
                    _ => single,
                };
                let places: Vec<Place> = parts(field)
                    .iter()
                    .map(|part| place_of(part).unwrap_or_else(number))
                    .collect();
                let all: Option<Vec<String>> = values
                    .iter()
                    .map(|value| element(&places, value, self.links))
                    .collect();
                let mut all = all?;
                all.sort();
                format!("{{ {} }}", all.join(", "))
            }
            _ => return None,
        };
        let word = if matches!(op, Op::In | Op::Eq) {
            "in"
        } else {
            "not in"
        };
        self.said.line(format!("{} {word} {what}", key(field)?));
        Some(())
    }

    /// A value that a statement takes from a register.
    fn taken(&self, kind: &str, value: Option<&Value>) -> Option<String> {
        Some(match value {
            None => String::new(),
            Some(Value::Field(Field(field))) if kinds_mapped(field) => "mapped".to_owned(),
            Some(Value::Field(Field(field))) => word(field)?,
            Some(value) => {
                let place = kinds_of(kind).remove(0);
                let (from, to) = ends(&place, value, self.links)?;
                if from == to {
                    hex(&from)
                } else {
                    format!("{}-{}", hex(&from), hex(&to))
                }
            }
        })
    }

    fn statement(&mut self, statement: &Statement) -> Option<()> {
        let line = match statement {
            Statement::Verdict(one) => format!("verdict {}", verdict(one)),
            Statement::VerdictMap {
                key: field,
                map,
                entries,
            } => {
                let what = map_name(map.as_ref(), field, &[], entries, self.links)?;
                format!("{} decided by {what}", key(field)?)
            }
            Statement::MapTo {
                key: from,
                field,
                map,
                entries,
            } => {
                let what = map_name(map.as_ref(), from, &kinds_of(&field.0), entries, self.links)?;
                self.said.line(format!("{} mapped by {what}", key(from)?));
                match places::of(&field.0) {
                    Some(place) => format!("{}+{} := mapped", place.source, place.span().0),
                    None => return Some(()),
                }
            }
            // The details of elements in place.
            Statement::Elements { .. } => return Some(()),
            Statement::Set { field, value } => return self.set(field, value),
            other => self.action(other)?,
        };
        self.said.line(line);
        Some(())
    }

    fn set(&mut self, field: &Field, value: &Value) -> Option<()> {
        let place = places::of(&field.0)?;
        let at = place.span().0;
        let invert = |bytes: &[u8]| bytes.iter().map(|byte| !byte).collect::<Vec<u8>>();
        match value {
            // As it was.
            Value::Field(from) if from == field => {}
            Value::Field(from) => {
                self.said
                    .line(format!("{}+{at} := {}", place.source, word(&from.0)?));
            }
            Value::Masked { mask, value } => {
                let mask = place.bytes(mask, self.links)?.value;
                let value = place.bytes(value, self.links)?.value;
                self.said.written(&place.source, at, &invert(&mask), &value);
            }
            value => {
                let bytes = place.bytes(value, self.links)?;
                self.said
                    .written(&place.source, at, &invert(&bytes.mask), &bytes.value);
            }
        }
        Some(())
    }

    fn action(&self, statement: &Statement) -> Option<String> {
        Some(match statement {
            Statement::Counter { name: None } => "counter".to_owned(),
            Statement::Counter { name: Some(name) } => format!("object 1 {:?}", name.to_string()),
            Statement::Notrack => "notrack".to_owned(),
            Statement::Last => "last".to_owned(),
            Statement::ResetOption { option } => {
                let (op, number) = places::option_number(&option.0)?;
                format!("reset {op} {number}")
            }
            Statement::Limit {
                rate,
                unit,
                burst,
                bytes,
                over,
            } => format!(
                "limit {} {} {burst} {} {}",
                rate.0,
                seconds(*unit),
                u8::from(*bytes),
                u8::from(*over)
            ),
            Statement::Quota { bytes, over } => format!("quota {} {}", bytes.0, u8::from(*over)),
            Statement::ConnLimit { count, over } => format!("connlimit {count} {}", u8::from(*over)),
            Statement::Reject { with } => match with {
                RejectWith::Icmp { code } | RejectWith::Icmpv6 { code } => format!("reject 0 {code}"),
                RejectWith::TcpReset => "reject 1 0".to_owned(),
                RejectWith::Icmpx { code } => format!("reject 2 {code}"),
                RejectWith::Legacy { .. } => return None,
            },
            Statement::Object { object, name } => {
                format!("object {} {:?}", object_type(object)?, name.to_string())
            }
            other => self.sending(other).or_else(|| answering(other))?,
        })
    }

    fn sending(&self, statement: &Statement) -> Option<String> {
        Some(match statement {
            Statement::Nat {
                nat,
                family,
                address,
                port,
                flags,
            } => self.nat(*nat, *family, (address, port), flags)?,
            Statement::Tproxy { address, port, .. } => format!(
                "tproxy to {:?} {:?}",
                self.taken("tproxy.address", address.as_ref())?,
                self.taken("tproxy.port", port.as_ref())?
            ),
            Statement::Dup { address, device } => format!(
                "dup to {:?} {:?}",
                self.taken("dup.address", address.as_ref())?,
                self.taken("dup.device", device.as_ref())?
            ),
            Statement::Fwd { address, device, .. } => format!(
                "fwd to {:?} {:?}",
                self.taken("fwd.address", address.as_ref())?,
                self.taken("fwd.device", Some(device))?
            ),
            Statement::Dynset {
                op,
                set,
                key: field,
                data,
                timeout_ms,
                statements,
            } => {
                let op = ["add", "update", "delete"].iter().position(|word| word == op)?;
                let data = match data.as_ref().map(|data| data.0.as_str()) {
                    None => String::new(),
                    // A mark.
                    Some(data) => match data.parse::<u32>() {
                        Ok(number) => hex(&number.to_ne_bytes()),
                        Err(_) => word(data)?,
                    },
                };
                let inside = items(statements, self.links).ok()?.0.join("; ");
                let timeout = timeout_ms.map_or(0, |timeout| timeout.0);
                format!(
                    "dynset {op} @{set} {} {data:?} {timeout} {{ {inside} }}",
                    key(field)?
                )
            }
            _ => return None,
        })
    }

    fn nat(
        &self,
        nat: NatKind,
        family: Option<Family>,
        (address, port): (&Option<Value>, &Option<Value>),
        flags: &[NatFlag],
    ) -> Option<String> {
        let bits: u32 = flags.iter().map(|flag| nat_bit(*flag)).sum();
        let port = self.taken("nat.port", port.as_ref())?;
        let address = self.taken("nat.address", address.as_ref())?;
        Some(match nat {
            NatKind::Masquerade => format!("masquerade to {port:?} {bits}"),
            NatKind::Redirect => format!("redirect to {port:?} {bits}"),
            NatKind::Snat | NatKind::Dnat => {
                // A table of one family says it by its own.
                let family = match family {
                    Some(Family::Ip6) => "10",
                    Some(Family::Ip) => "2",
                    _ => "of the table",
                };
                format!(
                    "nat {} {family} to {address:?} {port:?} {bits}",
                    u8::from(nat == NatKind::Dnat)
                )
            }
        })
    }
}

/// What hands a packet over or answers it, with nothing from a register.
fn answering(statement: &Statement) -> Option<String> {
    Some(match statement {
        Statement::Queue { from, to, flags } => {
            let bits: u32 = flags
                .iter()
                .map(|flag| if flag == "bypass" { 1 } else { 2 })
                .sum();
            format!("queue {from} {} {bits}", to - from + 1)
        }
        Statement::Synproxy { mss, wscale, flags } => {
            let bits = |word: &String| match word.as_str() {
                "sack-perm" => 4,
                "timestamp" => 8,
                _ => 16,
            };
            let given = u32::from(mss.is_some()) + 2 * u32::from(wscale.is_some());
            let flags = flags.iter().map(bits).sum::<u32>() + given;
            format!("synproxy {} {} {flags}", mss.unwrap_or(0), wscale.unwrap_or(0))
        }
        Statement::Log {
            prefix,
            level,
            flags,
            group,
            snaplen,
            threshold,
        } => {
            let prefix = prefix.as_ref().map(ToString::to_string).unwrap_or_default();
            let level = level.map(u64::from);
            let group = group.map(u64::from);
            let bits: u32 = flags.iter().map(|flag| log_bit(*flag)).sum();
            format!(
                "log {prefix:?} {group:?} {level:?} {} {} {bits}",
                snaplen.unwrap_or(0),
                threshold.unwrap_or(0)
            )
        }
        _ => return None,
    })
}

/// Fields that are no fields of the packet but where a map puts what a statement takes.
fn kinds_mapped(field: &str) -> bool {
    ["nat.", "dup.", "fwd.", "tproxy.", "queue."]
        .iter()
        .any(|word| field.starts_with(word))
}

fn seconds(unit: LimitUnit) -> u64 {
    match unit {
        LimitUnit::Second => 1,
        LimitUnit::Minute => 60,
        LimitUnit::Hour => 3600,
        LimitUnit::Day => 86_400,
        LimitUnit::Week => 604_800,
    }
}

/// `linux/netfilter/nf_log.h`.
fn log_bit(flag: LogFlag) -> u32 {
    match flag {
        LogFlag::TcpSequence => 1,
        LogFlag::TcpOptions => 2,
        LogFlag::IpOptions => 4,
        LogFlag::Uid => 8,
        LogFlag::Macdecode => 32,
    }
}

/// `linux/netfilter/nf_nat.h`.
fn nat_bit(flag: NatFlag) -> u32 {
    match flag {
        NatFlag::Random => 4,
        NatFlag::Persistent => 8,
        NatFlag::FullyRandom => 16,
        NatFlag::Netmap => 64,
    }
}

/// `NFT_OBJECT_*`.
fn object_type(word: &str) -> Option<u32> {
    let all = [
        (2, "quota"),
        (3, "ct helper"),
        (4, "limit"),
        (6, "tunnel"),
        (7, "ct timeout"),
        (8, "secmark"),
        (9, "ct expectation"),
        (10, "synproxy"),
    ];
    all.iter().find(|row| row.1 == word).map(|row| row.0)
}
