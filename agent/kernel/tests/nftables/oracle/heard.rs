//! What a rule says by libnftnl's reading of it: its expressions run over registers.

use std::collections::BTreeMap;

use super::library::{self, Attributes, Expression, Set};
use super::said::{Said, from_hex, hex};

/// `NFT_SET_ANONYMOUS`, `_INTERVAL`.
const ANONYMOUS: u64 = 1;
const INTERVAL: u64 = 4;

/// The sets of one table by name.
pub(super) type Sets = BTreeMap<String, Set>;

/// What a register holds.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Held {
    /// Bytes of a place.
    Place {
        source: String,
        at: usize,
        mask: Vec<u8>,
        flip: Vec<u8>,
        order: Order,
    },
    Constant(Vec<u8>),
    /// What a map gave.
    Mapped,
}

/// How the bytes of a place stand in a register.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Order {
    /// They were put into the other order.
    pub(super) turned: bool,
    /// Then moved down by so many bits.
    pub(super) down: u32,
}

impl Order {
    /// What stands in the register, as it stands in the place.
    fn natural(self, bytes: &[u8]) -> Vec<u8> {
        let out = turn(bytes, self.turned);
        if self.down == 0 {
            return out;
        }
        let number = out.iter().fold(0_u128, |all, byte| all << 8 | u128::from(*byte));
        (number << self.down).to_be_bytes()[16 - out.len()..].to_vec()
    }
}

/// What is computed is a place of its own, named by the places that it is computed of.
fn computed(of: &[String], length: usize) -> Held {
    Held::place(format!("of {}", of.join(" . ")), 0, length)
}

impl Held {
    /// So many bytes of a place as they are.
    fn place(source: String, at: usize, length: usize) -> Self {
        Self::Place {
            source,
            at,
            mask: vec![0xff; length],
            flip: vec![0; length],
            order: Order::default(),
        }
    }

    fn places(&self) -> Vec<String> {
        match self {
            Self::Place { source, at, .. } => match source.strip_prefix("of ") {
                Some(places) => vec![places.to_owned()],
                None => vec![format!("{source}+{at}")],
            },
            _ => Vec::new(),
        }
    }

    fn order(&self) -> Order {
        match self {
            Self::Place { order, .. } => *order,
            _ => Order::default(),
        }
    }

    fn word(&self) -> String {
        match self {
            Self::Constant(bytes) => hex(bytes),
            Self::Mapped => "mapped".to_owned(),
            Self::Place {
                source,
                at,
                mask,
                flip,
                ..
            } if whole(mask, flip) && !source.starts_with("of ") => format!("{source}+{at}/{}", mask.len()),
            other => format!("of {}", other.places().join(" . ")),
        }
    }
}

fn whole(mask: &[u8], flip: &[u8]) -> bool {
    mask.iter().all(|byte| *byte == 0xff) && flip.iter().all(|byte| *byte == 0)
}

fn turn(bytes: &[u8], turned: bool) -> Vec<u8> {
    let mut out = bytes.to_vec();
    if turned {
        out.reverse();
    }
    out
}

pub(super) struct Machine<'a> {
    sets: &'a Sets,
    /// By the number of four-byte registers before it: what is there and its length in bytes.
    registers: BTreeMap<u32, (Held, usize)>,
    said: Said,
}

/// `NFT_REG_1` to `_4` are sixteen bytes each, `NFT_REG32_00` and further four.
fn slot(register: u32) -> u32 {
    match register {
        1..=4 => (register - 1) * 4,
        other => other.checked_sub(8).unwrap(),
    }
}

/// What the rule says; why not, where this interpreter lacks something.
pub(super) fn rule(expressions: &[Expression], sets: &Sets) -> Result<Said, String> {
    let mut machine = Machine::new(sets);
    for expression in expressions {
        machine
            .step(expression)
            .ok_or_else(|| format!("{} is not interpreted", expression.name))?;
    }
    Ok(machine.said)
}

impl<'a> Machine<'a> {
    fn new(sets: &'a Sets) -> Self {
        Self {
            sets,
            registers: BTreeMap::new(),
            said: Said::default(),
        }
    }

    fn step(&mut self, e: &Expression) -> Option<()> {
        let n = |attribute| e.number(attribute).unwrap_or(0);
        match e.name.as_str() {
            "payload" => self.payload(e),
            "meta" => self.keyed(e, e.number(1)?.to_string(), (2, 3)),
            "ct" => {
                let way = e.number(3).map(|way| format!(" {way}")).unwrap_or_default();
                self.keyed(e, format!("{}{way}", e.number(2)?), (1, 4))
            }
            "rt" => self.keyed(e, e.number(1)?.to_string(), (2, 99)),
            "socket" => {
                let level = e.number(3).filter(|_| e.number(1) == Some(3));
                let level = level.map(|level| format!(" {level}")).unwrap_or_default();
                self.keyed(e, format!("{}{level}", e.number(1)?), (2, 99))
            }
            "osf" => {
                let key = format!("{} {}", n(2), n(3));
                self.keyed(e, key, (1, 99))
            }
            "xfrm" => {
                let key = format!("{} {} {}", e.number(3)?, e.number(4)?, n(5));
                self.keyed(e, key, (1, 99))
            }
            "fib" => self.fib(e),
            "exthdr" => self.exthdr(e),
            "numgen" => {
                let how = format!("numgen {} {} {}", e.number(3)?, e.number(2)?, n(4));
                self.store(e.register(1)?, 4, computed(&[how], 4))
            }
            "hash" => self.hash(e),
            "bitwise" => self.bitwise(e),
            "byteorder" => self.byteorder(e),
            "cmp" => self.cmp(e),
            "range" => {
                let op = e.number(2)? == 0;
                self.range(e.register(1)?, e.bytes(3), e.bytes(4), op)
            }
            "lookup" => self.lookup(e),
            "immediate" => self.immediate(e),
            _ => self.statement(e),
        }
    }

    fn store(&mut self, register: u32, length: usize, held: Held) -> Option<()> {
        let from = slot(register);
        let to = from + u32::try_from(length.div_ceil(4)).ok()?;
        self.registers.retain(|at, _| !(from..to).contains(at));
        self.registers.insert(from, (held, length));
        Some(())
    }

    fn load(&mut self, register: u32, source: &str, at: usize, length: usize) -> Option<()> {
        self.store(register, length, Held::place(source.to_owned(), at, length))
    }

    fn held(&self, register: u32) -> Option<Held> {
        self.registers.get(&slot(register)).map(|(held, _)| held.clone())
    }

    fn payload(&mut self, e: &Expression) -> Option<()> {
        let (source, at) = (
            format!("payload {}", e.number(2)?),
            usize::try_from(e.number(3)?).ok()?,
        );
        match e.register(5) {
            Some(register) => self.write(register, &source, at),
            None => self.load(e.register(1)?, &source, at, usize::try_from(e.number(4)?).ok()?),
        }
    }

    /// A place gets what a register holds.
    fn write(&mut self, register: u32, to: &str, begin: usize) -> Option<()> {
        match self.held(register)? {
            Held::Constant(bytes) => self.said.written(to, begin, &vec![0; bytes.len()], &bytes),
            Held::Place {
                source,
                at,
                mask,
                flip,
                order,
            } if source == to && at == begin && order == Order::default() => {
                self.said.written(to, begin, &mask, &flip);
            }
            other => self.said.line(format!("{to}+{begin} := {}", other.word())),
        }
        Some(())
    }

    /// `meta`, `ct`: a key that is loaded into one register, or set from another.
    fn keyed(&mut self, e: &Expression, key: String, (to, from): (u16, u16)) -> Option<()> {
        let source = format!("{} {key}", e.name);
        if let Some(register) = e.register(from) {
            return self.write(register, &source, 0);
        }
        let place = super::places::known(&source)?;
        self.load(e.register(to)?, &source, 0, place)
    }

    fn fib(&mut self, e: &Expression) -> Option<()> {
        let (result, flags) = (e.number(2)?, e.number(3)?);
        let length = match result {
            _ if flags & 32 != 0 => 1,
            2 => 16,
            _ => 4,
        };
        self.load(e.register(1)?, &format!("fib {result} {flags}"), 0, length)
    }

    fn exthdr(&mut self, e: &Expression) -> Option<()> {
        let (kind, op) = (e.number(2)?, e.number(6).unwrap_or(0));
        let (at, length) = (e.number(3).unwrap_or(0), e.number(4).unwrap_or(0));
        let at = usize::try_from(at).ok()?;
        let there = e.number(5).unwrap_or(0) & 1 == 1;
        let source = format!("exthdr {op} {kind}{}", if there { " there" } else { "" });
        match (e.register(1), e.register(7)) {
            (Some(register), None) => self.load(register, &source, at, usize::try_from(length).ok()?),
            (None, Some(register)) => self.write(register, &source, at),
            _ => {
                self.said.line(format!("reset {op} {kind}"));
                Some(())
            }
        }
    }

    fn hash(&mut self, e: &Expression) -> Option<()> {
        let mut places = vec![format!(
            "hash {} {} {} {}",
            e.number(7).unwrap_or(0),
            e.number(4)?,
            e.number(5).unwrap_or(0),
            e.number(6).unwrap_or(0)
        )];
        if let (Some(register), Some(length)) = (e.register(1), e.number(3)) {
            let held = self.concatenation(register, usize::try_from(length).ok()?)?;
            places.extend(held.iter().flat_map(|(held, _)| held.places()));
        }
        self.store(e.register(2)?, 4, computed(&places, 4))
    }

    fn bitwise(&mut self, e: &Expression) -> Option<()> {
        let length = usize::try_from(e.number(3)?).ok()?;
        let mut held = self.held(e.register(1)?)?;
        match (&mut held, e.number(6).unwrap_or(0)) {
            (
                Held::Place {
                    mask, flip, order, ..
                },
                0,
            ) if mask.len() == length && order.down == 0 => {
                let (and, xor) = (order.natural(e.bytes(4)), order.natural(e.bytes(5)));
                for (index, (and, xor)) in and.iter().zip(&xor).enumerate() {
                    mask[index] &= and;
                    flip[index] = flip[index] & and ^ xor;
                }
            }
            // Down to the lowest bit: a part of a header that does not begin at a byte.
            (
                Held::Place {
                    source,
                    mask,
                    flip,
                    order,
                    ..
                },
                2,
            ) if !whole(mask, flip) && source.starts_with("payload") => {
                order.down += u32::try_from(library::number(e.bytes(7))).ok()?;
            }
            _ => held = computed(&held.places(), length),
        }
        self.store(e.register(2)?, length, held)
    }

    fn byteorder(&mut self, e: &Expression) -> Option<()> {
        let mut held = self.held(e.register(2)?)?;
        if let Held::Place { order, .. } = &mut held {
            order.turned = !order.turned;
        }
        self.store(e.register(1)?, usize::try_from(e.number(4)?).ok()?, held)
    }

    fn cmp(&mut self, e: &Expression) -> Option<()> {
        let op = ["=", "!=", "<", "<=", ">", ">="][usize::try_from(e.number(2)?).ok()?];
        let value = e.bytes(3);
        match self.held(e.register(1)?)? {
            Held::Place {
                source,
                at,
                mask,
                flip,
                order,
            } => {
                let value = order.natural(value);
                let wanted: Vec<u8> = value.iter().zip(&flip).map(|(v, f)| v ^ f).collect();
                match op {
                    "=" => self.said.equal(&source, at, &mask, &wanted),
                    "!=" => self.said.unequal(&source, at, &mask, &wanted),
                    op if whole(&mask, &flip) => self.said.ordered(op, &source, at, &value),
                    op => self.said.ordered(op, &format!("of {source}+{at}"), 0, &value),
                }
            }
            other => self.said.line(format!("{} {op}", other.word())),
        }
        Some(())
    }

    fn range(&mut self, register: u32, from: &[u8], to: &[u8], inside: bool) -> Option<()> {
        let Held::Place {
            source,
            at,
            mask,
            flip,
            order,
        } = self.held(register)?
        else {
            return None;
        };
        let (from, to) = (order.natural(from), order.natural(to));
        if whole(&mask, &flip) {
            self.said.within(&source, at, &from, &to, inside);
        } else {
            let of = format!("of {source}+{at}");
            self.said.within(&of, 0, &from, &to, inside);
        }
        Some(())
    }

    /// What is in the registers from one on, so many bytes of it.
    fn concatenation(&self, register: u32, length: usize) -> Option<Vec<(Held, usize)>> {
        let (mut at, mut left, mut out) = (slot(register), length, Vec::new());
        while left > 0 {
            let (held, bytes) = self.registers.get(&at)?;
            let room = bytes.next_multiple_of(4);
            out.push((held.clone(), *bytes));
            at += u32::try_from(room / 4).ok()?;
            left = left.saturating_sub(room);
        }
        Some(out)
    }

    /// A set, and what is in the registers from one on that is looked for in it.
    fn asked(&self, name: &str, register: u32) -> Option<(&'a Set, Vec<(Held, usize)>)> {
        let set = self.sets.get(name)?;
        let length = usize::try_from(set.number(4)).ok()?;
        Some((set, self.concatenation(register, length)?))
    }

    fn lookup(&mut self, e: &Expression) -> Option<()> {
        let name = e.text(3)?;
        let (set, key) = self.asked(&name, e.register(1)?)?;
        if set.number(2) & ANONYMOUS != 0 && key.len() == 1 && e.register(2).is_none() {
            let elements = elements(set, &[(key[0].1, key[0].0.order())])?;
            if let [one] = elements.as_slice() {
                return self.one(&key[0].0, one, e.number(5).unwrap_or(0) == 0);
            }
        }
        let what = inlined(&name, set, &key)?;
        let key = keys(&key);
        match e.register(2) {
            None if e.number(5).unwrap_or(0) & 1 == 1 => self.said.line(format!("{key} not in {what}")),
            None => self.said.line(format!("{key} in {what}")),
            Some(0) => self.said.line(format!("{key} decided by {what}")),
            Some(register) => {
                self.said.line(format!("{key} mapped by {what}"));
                self.store(register, usize::try_from(set.number(6)).ok()?, Held::Mapped)?;
            }
        }
        Some(())
    }

    /// A set in place with one element is a comparison with it.
    fn one(&mut self, held: &Held, element: &str, inside: bool) -> Option<()> {
        let (from, to) = element.split_once('-')?;
        let (from, to) = (from_hex(from)?, from_hex(to)?);
        let Held::Place { source, at, mask, .. } = held else {
            return None;
        };
        match (from == to, inside) {
            (true, true) => self.said.equal(source, *at, mask, &from),
            (true, false) => self.said.unequal(source, *at, mask, &from),
            _ => self.said.within(source, *at, &from, &to, inside),
        }
        Some(())
    }

    fn immediate(&mut self, e: &Expression) -> Option<()> {
        if e.attributes.contains_key(&3) {
            let verdict = verdict(e.number(3)?, e.text(4));
            self.said.line(format!("verdict {verdict}"));
            return Some(());
        }
        let bytes = e.bytes(2).to_vec();
        self.store(e.register(1)?, bytes.len(), Held::Constant(bytes))
    }

    /// What a statement takes from a register: nothing where the register is the rest of what a map gave.
    fn taken(&self, register: Option<u32>) -> String {
        let word = register.and_then(|register| self.held(register));
        word.map(|held| held.word()).unwrap_or_default()
    }

    /// What a statement takes from two registers, apart.
    fn pair(&self, e: &Expression, (one, other): (u16, u16)) -> String {
        let (one, other) = (self.taken(e.register(one)), self.taken(e.register(other)));
        format!("{one:?} {other:?}")
    }

    fn both(&self, e: &Expression, (low, high): (u16, u16)) -> String {
        let (from, to) = (self.taken(e.register(low)), self.taken(e.register(high)));
        if to.is_empty() || from == to {
            from
        } else {
            format!("{from}-{to}")
        }
    }

    fn statement(&mut self, e: &Expression) -> Option<()> {
        let n = |attribute| e.number(attribute).unwrap_or(0);
        let line = match e.name.as_str() {
            "counter" | "notrack" | "last" => e.name.clone(),
            "limit" => format!("limit {} {} {} {} {}", n(1), n(2), n(3), n(4), n(5) & 1),
            "quota" => format!("quota {} {}", n(1), n(2) & 1),
            "connlimit" => format!("connlimit {} {}", n(1), n(2) & 1),
            "log" => {
                let level = if e.number(2).is_some() {
                    None
                } else {
                    Some(e.number(5).unwrap_or(4))
                };
                let prefix = e.text(1).unwrap_or_default();
                format!(
                    "log {prefix:?} {:?} {level:?} {} {} {}",
                    e.number(2),
                    n(3),
                    n(4),
                    n(6)
                )
            }
            "reject" => format!("reject {} {}", n(1), if n(1) == 1 { 0 } else { n(2) }),
            "nat" => {
                let (address, port) = (self.both(e, (3, 4)), self.both(e, (5, 6)));
                format!("nat {} {} to {address:?} {port:?} {}", n(1), n(2), n(7) & 0x5c)
            }
            "masq" => format!("masquerade to {:?} {}", self.both(e, (2, 3)), n(1) & 0x5c),
            "redir" => format!("redirect to {:?} {}", self.both(e, (1, 2)), n(3) & 0x5c),
            "queue" => format!("queue {} {} {}", n(1), n(2), n(3)),
            "tproxy" => {
                format!("tproxy to {}", self.pair(e, (2, 3)))
            }
            "synproxy" => format!("synproxy {} {} {}", n(1), n(2), n(3)),
            "dup" => format!("dup to {}", self.pair(e, (1, 2))),
            "fwd" => format!("fwd to {}", self.pair(e, (2, 1))),
            "objref" if e.text(2).is_some() => format!("object {} {:?}", n(1), e.text(2)?),
            "objref" => {
                let name = e.text(4)?;
                let (set, key) = self.asked(&name, e.register(3)?)?;
                format!("{} mapped by {}", keys(&key), inlined(&name, set, &key)?)
            }
            "dynset" => self.dynset(e)?,
            _ => return None,
        };
        self.said.line(line);
        Some(())
    }

    fn dynset(&mut self, e: &Expression) -> Option<String> {
        let name = e.text(5)?;
        let (_, key) = self.asked(&name, e.register(1)?)?;
        let mut inner = Machine::new(self.sets);
        for expression in &e.inner {
            inner.step(expression)?;
        }
        let data = self.taken(e.register(2));
        let timeout = e.number(4).unwrap_or(0);
        let inside = inner.said.0.join("; ");
        Some(format!(
            "dynset {} @{name} {} {data:?} {timeout} {{ {inside} }}",
            e.number(3)?,
            keys(&key)
        ))
    }
}

impl Set {
    pub(super) fn number(&self, attribute: u16) -> u64 {
        self.attributes
            .get(&attribute)
            .map_or(0, |bytes| library::number(bytes))
    }
}

/// The name of a set, or what is in one without.
fn inlined(name: &str, set: &Set, key: &[(Held, usize)]) -> Option<String> {
    if set.number(2) & ANONYMOUS == 0 {
        return Some(format!("@{name}"));
    }
    let parts: Vec<(usize, Order)> = key.iter().map(|(held, length)| (*length, held.order())).collect();
    Some(format!("{{ {} }}", elements(set, &parts)?.join(", ")))
}

fn keys(all: &[(Held, usize)]) -> String {
    let words: Vec<String> = all.iter().map(|(held, _)| held.word()).collect();
    words.join(" . ")
}

/// `NF_DROP` …, `NFT_CONTINUE` ….
pub(super) fn verdict(code: u64, chain: Option<String>) -> String {
    let code = i32::from_ne_bytes(u32::try_from(code).unwrap().to_ne_bytes());
    let chain = chain.unwrap_or_default();
    match code {
        0 => "drop".to_owned(),
        1 => "accept".to_owned(),
        -1 => "continue".to_owned(),
        -3 => format!("jump {chain}"),
        -4 => format!("goto {chain}"),
        -5 => "return".to_owned(),
        other => other.to_string(),
    }
}

/// Each element as `from-to` and, of a map, what it holds; each part of the key in its own order. Sorted.
pub(super) fn elements(set: &Set, parts: &[(usize, Order)]) -> Option<Vec<String>> {
    let natural = |key: &[u8]| -> String {
        let mut at = 0;
        let mut out = String::new();
        for (length, order) in parts {
            out += &hex(&order.natural(key.get(at..at + length).unwrap_or_default()));
            at += length.next_multiple_of(4);
        }
        out
    };
    let mut out = Vec::new();
    for (from, to, element) in intervals(set) {
        let key = match (from, to) {
            (Some(from), Some(to)) => format!("{}-{}", natural(&from), natural(&to)),
            _ => "*".to_owned(),
        };
        let bytes = |attribute: u16| element.get(&attribute);
        let data = if let Some(code) = bytes(2) {
            let chain = bytes(3).map(|chain| library::text(chain));
            format!(" : {}", verdict(library::number(code), chain))
        } else if let Some(name) = bytes(9) {
            format!(" : {:?}", library::text(name))
        } else {
            bytes(4)
                .map(|data| format!(" : {}", hex(data)))
                .unwrap_or_default()
        };
        out.push(format!("{key}{data}"));
    }
    out.sort();
    Some(out)
}

type Interval<'a> = (Option<Vec<u8>>, Option<Vec<u8>>, &'a Attributes);

/// From and to of each element, neither of what stands for all others.
fn intervals(set: &Set) -> Vec<Interval<'_>> {
    let flags = |element: &Attributes| element.get(&0).map_or(0, |bytes| library::number(bytes));
    let (mut out, mut marks) = (Vec::new(), Vec::new());
    for element in &set.elements {
        let key = element.get(&1).cloned();
        let end = element.get(&10).cloned();
        match key {
            _ if flags(element) & 2 != 0 => out.push((None, None, element)),
            Some(key) if set.number(2) & INTERVAL != 0 && end.is_none() => {
                marks.push((key, flags(element) & 1 == 0, element))
            }
            key => {
                let end = end.or_else(|| key.clone());
                out.push((key, end, element));
            }
        }
    }
    marks.sort();
    for (index, (key, begins, element)) in marks.iter().enumerate() {
        if *begins {
            let to = marks
                .get(index + 1)
                .map_or(vec![0xff; key.len()], |next| before(&next.0));
            out.push((Some(key.clone()), Some(to), *element));
        }
    }
    out
}

fn before(key: &[u8]) -> Vec<u8> {
    let mut out = key.to_vec();
    for byte in out.iter_mut().rev() {
        *byte = byte.wrapping_sub(1);
        if *byte != 0xff {
            break;
        }
    }
    out
}
