//! The expressions of a rule, run over symbolic registers.

use super::field::{self, Context};
use super::message;
use super::register::{Registers, Symbol};
use super::set::{SetMessage, Sets};
use crate::bytes::{Big, Hex, Text};
use crate::netfilter::model::{Counters, Family, Field, Item, Match, Op, Opaque, Statement, Value};
use crate::netfilter::xt;
use crate::raw::NetlinkRaw;
use crate::raw::attr::{Attr, Malformed};

mod act;
mod assign;
mod attributes;
mod compare;
mod compute;
mod load;
mod lookup;
mod nat;
mod send;

use attributes::Attributes;

/// Why an expression stays opaque.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotUnderstood;

impl From<Malformed> for NotUnderstood {
    fn from(_: Malformed) -> Self {
        Self
    }
}

type Understood<T = ()> = Result<T, NotUnderstood>;

/// What the expressions of one rule, set or element come from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'s, 'a> {
    pub(super) family: Family,
    pub(super) table: &'s Text,
    pub(super) sets: &'s Sets<'a>,
    pub(super) links: &'s NetlinkRaw,
}

/// The state while the expressions of one rule are read.
#[derive(Debug)]
pub(super) struct Reader<'s, 'a> {
    source: Source<'s, 'a>,
    context: Context,
    /// What is known of the packet inside a tunnel.
    inside: Option<Context>,
    registers: Registers,
    items: Vec<Item>,
    counters: Option<Counters>,
    comments: Vec<Text>,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) items: Vec<Item>,
    pub(super) counters: Option<Counters>,
    /// From xtables `comment` matches.
    pub(super) comments: Vec<Text>,
}

/// Reads a list of expressions.
pub(super) fn read<'s, 'a>(
    source: Source<'s, 'a>,
    expressions: impl Iterator<Item = Result<Attr<'a>, Malformed>>,
) -> Result<Read, Malformed> {
    let network = match source.family {
        Family::Ip => Some("ip"),
        Family::Ip6 => Some("ip6"),
        Family::Arp => Some("arp"),
        Family::Inet | Family::Bridge | Family::Netdev => None,
    };
    let mut reader = Reader {
        source,
        context: Context {
            link: (source.family == Family::Bridge).then_some("ether"),
            network,
            ..Context::default()
        },
        inside: None,
        registers: Registers::default(),
        items: Vec::new(),
        counters: None,
        comments: Vec::new(),
    };
    for expression in expressions {
        let (name, data) = message::expression(&expression?)?;
        if reader.expression(name, data).is_err() {
            reader.opaque(name, data);
        }
    }
    Ok(Read {
        items: compare::join_ranges(reader.items),
        counters: reader.counters,
        comments: reader.comments,
    })
}

impl<'a> Reader<'_, 'a> {
    fn expression(&mut self, name: &str, data: &'a [u8]) -> Understood {
        match name {
            "payload" => self.payload(data),
            "meta" => self.meta(data),
            "ct" => self.ct(data),
            "fib" => self.fib(data),
            "exthdr" => self.exthdr(data),
            "rt" => self.route(data),
            "socket" => self.socket(data),
            "osf" => self.osf(data),
            "xfrm" => self.xfrm(data),
            "tunnel" => self.tunnel(data),
            "inner" => self.inner(data),
            "byteorder" => self.byteorder(data),
            "numgen" => self.numgen(data),
            "hash" => self.hash(data),
            "cmp" => self.cmp(data),
            "range" => self.range(data),
            "bitwise" => self.bitwise(data),
            "lookup" => self.lookup(data),
            "immediate" => self.immediate(data),
            "counter" => self.counter(data),
            "limit" => self.limit(data),
            "quota" => self.quota(data),
            "log" => self.log(data),
            "reject" => self.reject(data),
            "nat" => self.nat(data),
            "masq" => self.masquerade(data),
            "redir" => self.redirect(data),
            "notrack" => self.bare(data, &[], Statement::Notrack),
            // When a packet last came by is runtime (`enum nft_last_attributes`).
            "last" => self.bare(data, &[1, 2, 3], Statement::Last),
            "queue" => self.queue(data),
            "tproxy" => self.tproxy(data),
            "synproxy" => self.synproxy(data),
            "dup" => self.dup(data),
            "fwd" => self.fwd(data),
            "flow_offload" => self.flow_offload(data),
            "connlimit" => self.connlimit(data),
            "objref" => self.object(data),
            "dynset" => self.dynset(data),
            "match" => self.extension(data, xt::decode_match),
            "target" => self.extension(data, xt::decode_target),
            _ => Err(NotUnderstood),
        }
    }

    /// An expression that is not understood may read any register, so what they hold is written down before it; and it may have
    /// written any, so nothing that was loaded is trusted after it.
    fn opaque(&mut self, name: &str, data: &[u8]) {
        for (register, symbol) in self.registers.take() {
            self.hold(register, symbol);
        }
        self.items.push(Item::Opaque(Opaque {
            kind: "expression".to_owned(),
            name: name.into(),
            revision: None,
            payload: Hex(data.to_vec()),
            text: None,
        }));
    }

    /// Writes down what the registers hold that begin within `bytes` bytes from `register` on: something reads them that has
    /// no words for it.
    fn write_down(&mut self, register: u32, bytes: usize) {
        for (slot, symbol) in self.registers.within(register, bytes) {
            self.hold(slot, symbol);
        }
    }

    fn hold(&mut self, slot: u32, symbol: Symbol) {
        self.statement(held(Field(format!("@reg,{slot}")), symbol));
    }

    /// `nft_compat`: the payload is the structure of a legacy entry.
    fn extension(&mut self, data: &'a [u8], decode: fn(Family, &Text, u8, &[u8]) -> Vec<Item>) -> Understood {
        let attributes = Attributes::read(data, &[1, 2, 3])?;
        let name = attributes.text(1)?;
        let revision = u8::try_from(attributes.be32(2)?).map_err(|_| NotUnderstood)?;
        let payload = attributes.bytes(3)?;
        for item in decode(self.source.family, &name, revision, payload) {
            match comment(&item) {
                Some(text) => self.comments.push(text),
                None => self.items.push(item),
            }
        }
        Ok(())
    }

    /// An expression without operands, and with no attributes but those of its runtime.
    fn bare(&mut self, data: &'a [u8], runtime: &[u16], statement: Statement) -> Understood {
        Attributes::read(data, runtime)?;
        self.statement(statement);
        Ok(())
    }

    fn statement(&mut self, statement: Statement) {
        self.items.push(Item::Statement(statement));
    }

    /// Adds a match, and learns from it what follows in the packet.
    fn matched(&mut self, field: &str, op: Op, value: Value) {
        let inside = self.inside.as_mut().and_then(|inside| {
            let name = field.strip_prefix(inside.tunnel?)?.strip_prefix('.')?;
            Some((inside, name))
        });
        match inside {
            Some((inside, name)) => field::learn(inside, name, op, &value),
            None => field::learn(&mut self.context, field, op, &value),
        }
        self.items.push(Item::Match(Match {
            field: field.into(),
            op,
            value,
        }));
    }

    fn loaded(&self, register: u32) -> Understood<&Symbol> {
        self.registers.load(register).ok_or(NotUnderstood)
    }

    fn store(&mut self, register: u32, bytes: usize, symbol: Symbol) -> Understood {
        self.registers.store(register, bytes, symbol).ok_or(NotUnderstood)
    }

    fn set_named(&self, name: &Text) -> Understood<&SetMessage<'a>> {
        let key = (self.source.family, self.source.table.clone(), name.clone());
        self.source.sets.get(&key).ok_or(NotUnderstood)
    }
}

/// What a register holds, as a statement that sets it.
fn held(field: Field, symbol: Symbol) -> Statement {
    let name = |field: field::Loaded| Value::Field(Field(compute::in_natural_order(&field)));
    let bytes = |bytes: Vec<u8>| Value::Bytes(Hex(bytes));
    let value = match symbol {
        Symbol::Field { field, length } if length == field.width => name(field),
        Symbol::Field { field, length } => Value::Concat(vec![
            name(field),
            Value::Number(u32::try_from(length).unwrap_or(u32::MAX)),
        ]),
        Symbol::Masked { field, mask, xor } => Value::Concat(vec![name(field), bytes(mask), bytes(xor)]),
        Symbol::Fields { fields, .. } => Value::Concat(fields.into_iter().map(name).collect()),
        Symbol::Constant(constant) => bytes(constant),
        Symbol::Mapped { key, map, entries } => {
            return Statement::MapTo {
                key,
                field,
                map,
                entries,
            };
        }
    };
    Statement::Set { field, value }
}

/// The text of an xtables `comment` match, as the decoder gives it.
fn comment(item: &Item) -> Option<Text> {
    match item {
        Item::Match(Match {
            field,
            value: Value::Text(text),
            ..
        }) if field.0 == "comment" => Some(text.clone()),
        _ => None,
    }
}

/// Packets and bytes as runtime counters.
pub(super) fn counters((packets, bytes): (u64, u64)) -> Counters {
    Counters {
        packets: Big(packets),
        bytes: Big(bytes),
    }
}

#[cfg(test)]
mod tests;
