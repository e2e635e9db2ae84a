//! Targets that are said by their options: what their structures hold.

use super::Struct;
use super::forms::{self, given};
use crate::netfilter::model::{Family, Statement, TargetOption, Value};
use crate::netfilter::names;

mod ct;
mod hmark;
mod packet;
mod side;

/// The options of one target; `None` if they can't be said exactly.
type Options = Option<Vec<TargetOption>>;

/// What such a target does.
pub(super) fn decode(family: Family, name: &[u8], revision: u8, payload: &[u8]) -> Option<Statement> {
    let options = match (name, revision) {
        (b"CT", 0..=2) => ct::tracking(revision, payload),
        (b"HMARK", 0) => hmark::hmark(family, payload),
        (b"CLASSIFY", 0) => Some(vec![given("set-class", number(Struct::new(payload, 4)?.u32(0)?))]),
        (b"DSCP", 0) => packet::dscp(payload),
        (b"TOS", 0 | 1) => packet::tos(revision, payload),
        (b"TTL", 0) if family == Family::Ip => packet::hops(["ttl-set", "ttl-inc", "ttl-dec"], payload),
        (b"HL", 0) if family == Family::Ip6 => packet::hops(["hl-set", "hl-inc", "hl-dec"], payload),
        (b"ECN", 0) => packet::ecn(payload),
        (b"CHECKSUM", 0) => packet::checksum(payload),
        (b"TCPOPTSTRIP", 0) => packet::strip(payload),
        (b"NETMAP", 0) => packet::netmap(family, payload),
        (b"SNPT" | b"DNPT", 0) if family == Family::Ip6 => packet::prefixes(payload),
        (b"TPROXY", 0 | 1) => side::tproxy(family, revision, payload),
        (b"TEE", 1) => side::tee(family, payload),
        (b"SYNPROXY", 0) => side::synproxy(payload),
        (b"AUDIT", 0) => side::audit(payload),
        (b"IDLETIMER", 0 | 1) => side::idletimer(revision, payload),
        (b"SECMARK", 0 | 1) => side::secmark(revision, payload),
        (b"CONNSECMARK", 0) => side::connsecmark(payload),
        (b"RATEEST", 0) => side::rateest(payload),
        (b"LED", 0) => side::led(payload),
        (b"CLUSTERIP", 0) if family == Family::Ip => side::clusterip(payload),
        (b"TRACE", 0) => payload.is_empty().then(Vec::new),
        _ => None,
    }?;
    let name = std::str::from_utf8(name).ok()?;
    Some(forms::target(family, name, options))
}

fn number(number: impl Into<u32>) -> Value {
    Value::Number(number.into())
}

/// One word of a table.
fn word(table: &[(u32, &'static str)], which: u32) -> Option<Value> {
    names::name_of(table, which).map(|word| Value::Symbol(word.to_owned()))
}

/// The options that are words alone and are set.
fn flags(known: &[(bool, &str)]) -> Vec<TargetOption> {
    let set = known.iter().filter(|(set, _)| *set);
    set.map(|(_, name)| given(name, None)).collect()
}
