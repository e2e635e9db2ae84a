//! What rules write into a packet or its connection, so that a later look can find something else.

use std::collections::{BTreeMap, BTreeSet};

use crate::netfilter::model::{Item, Rule, Statement};

/// What may have been written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Writes {
    /// Anything at all.
    anything: bool,
    /// These fields.
    fields: BTreeSet<String>,
}

impl Writes {
    pub(crate) fn anything() -> Self {
        Self {
            anything: true,
            fields: BTreeSet::new(),
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.anything |= other.anything;
        self.fields.extend(other.fields.iter().cloned());
    }
}

/// What the rules of a chain may have written so far, each with the last rule that did.
#[derive(Debug, Default)]
pub(crate) struct LastWrites {
    anything: usize,
    fields: BTreeMap<String, usize>,
}

impl LastWrites {
    /// The rule at `position`, from 1, writes these.
    pub(crate) fn note(&mut self, position: usize, wrote: &Writes) {
        if wrote.anything {
            self.anything = position;
        }
        for field in &wrote.fields {
            self.fields.insert(field.clone(), position);
        }
    }

    /// Whether a rule behind `position` may have written the field.
    pub(crate) fn since(&self, position: usize, field: &str) -> bool {
        let mut later = self.fields.iter().filter(|(_, at)| **at > position);
        self.anything > position || later.any(|(written, _)| related(written, field))
    }
}

/// Whether writing one changes the other: the same field, a part of it, or bytes at a place where it may stand.
fn related(written: &str, field: &str) -> bool {
    let bytes = |name: &str| name.starts_with('@');
    let packet = |name: &str| !name.starts_with("meta.") && !name.starts_with("ct.");
    field.contains(written)
        || written.contains(field)
        || bytes(written) && packet(field)
        || bytes(field) && packet(written)
        // DSCP and ECN are parts of one byte, which has a name of its own.
        || ["dscp", "ecn", "tos", "tclass"].iter().any(|end| written.ends_with(end))
            && ["dscp", "ecn", "tos", "tclass"].iter().any(|end| field.ends_with(end))
}

/// Targets that leave the packet and its connection as they are.
const HARMLESS: [&str; 11] = [
    "AUDIT",
    "CHECKSUM",
    "IDLETIMER",
    "LED",
    "LOG",
    "NFLOG",
    "RATEEST",
    "TEE",
    "TRACE",
    "ULOG",
    "log",
];

/// What one rule writes by itself; where it jumps is apart.
pub(crate) fn writes(rule: &Rule) -> Writes {
    let mut out = Writes::default();
    for item in &rule.items {
        match item {
            // A match asks; it writes nothing.
            Item::Match(_) => {}
            Item::Opaque(opaque) => out.anything |= opaque.kind != "match",
            Item::Statement(statement) => of_statement(statement, &mut out),
        }
    }
    out
}

fn of_statement(of: &Statement, out: &mut Writes) {
    let mut field = |name: &str| {
        out.fields.insert(name.to_owned());
    };
    match of {
        Statement::Set { field: written, .. }
        | Statement::MapTo { field: written, .. }
        | Statement::ResetOption { option: written } => field(&written.0),
        Statement::Notrack => field("ct."),
        Statement::Object { object, .. } if object.starts_with("ct") || object == "secmark" => field("ct."),
        Statement::TcpMss { .. } => field("tcp.option"),
        Statement::Tproxy { .. } => field("meta.mark"),
        Statement::Target { name, .. } => out.anything |= !HARMLESS.contains(&name.as_str()),
        // Addresses and ports; the rest of the chain is only met by packets that it did not take.
        Statement::Nat { .. } | Statement::Synproxy { .. } => out.anything = true,
        _ => {}
    }
}
