//! Whole tables: from the entries that the kernel gave to chains with rules.

use std::collections::BTreeMap;

use super::entry::{Action, Entry, Part, part};
use crate::bytes::{Big, Text};
use crate::netfilter::builtin;
use crate::netfilter::model::{
    Chain, ChainRuntime, Counters, Family, Item, Plane, Rule, RuleRuntime, Ruleset, RulesetRuntime,
    Statement, Table, TableRuntime, Verdict,
};
use crate::netfilter::xt::LiftError;
use crate::raw::attr::{Malformed, take_at};
use crate::raw::{EbtablesRaw, EbtablesTable};

/// The comment of a rule that stands for the policy of a chain that others jump to: no other family has such.
pub(crate) const POLICY: &str = "policy of the chain";

/// The tables of ebtables as a ruleset.
///
/// # Errors
/// If the entries of a table don't fit together. No rule is ever left out: either all of them come out or none.
pub fn lift(raw: &EbtablesRaw) -> Result<(Ruleset, RulesetRuntime), LiftError> {
    let mut tables: Vec<(Table, TableRuntime)> = Vec::new();
    for table in &raw.tables {
        tables.push(lift_table(table).map_err(|(offset, source)| LiftError {
            table: table.name.clone(),
            offset,
            source,
        })?);
    }
    tables.sort_by(|a, b| a.0.name.cmp(&b.0.name));
    let (tables, runtime) = tables.into_iter().unzip();
    let ruleset = Ruleset {
        plane: Plane::Legacy,
        tables,
        hook_order: Vec::new(),
    };
    Ok((ruleset, RulesetRuntime { tables: runtime }))
}

/// What is wrong, with the offset where.
type Placed<T> = Result<T, (usize, Malformed)>;

/// A chain before its rules are made.
struct Span<'a> {
    /// Where a jump to it leads.
    begin: usize,
    name: Text,
    policy: u32,
    announced: usize,
    entries: Vec<(usize, Entry<'a>)>,
}

fn missing(offset: usize, what: &'static str) -> (usize, Malformed) {
    (offset, Malformed::Missing { what })
}

fn spans(raw: &EbtablesTable) -> Placed<Vec<Span<'_>>> {
    let bytes = raw.entries.0.as_slice();
    let mut spans: Vec<Span<'_>> = Vec::new();
    let mut offset = 0;
    while offset < bytes.len() {
        let (found, next) = part(bytes, offset).map_err(|source| (offset, source))?;
        match found {
            Part::Chain(head) => spans.push(Span {
                begin: offset,
                name: head.name,
                policy: head.policy,
                announced: head.entries,
                entries: Vec::new(),
            }),
            Part::Entry(entry) => {
                let span = spans.last_mut().ok_or(missing(offset, "the chain of a rule"))?;
                span.entries.push((offset, entry));
            }
        }
        offset = next;
    }
    match spans.iter().find(|span| span.entries.len() != span.announced) {
        Some(span) => Err(missing(span.begin, "a rule of a chain")),
        None => Ok(spans),
    }
}

/// `struct ebt_counter`.
fn counters(raw: &EbtablesTable, place: usize) -> Placed<Counters> {
    let number = |at: usize| take_at(&raw.counters.0, place * 16 + at, "counters").map(u64::from_ne_bytes);
    let both = || Ok::<_, Malformed>((number(0)?, number(8)?));
    let (packets, bytes) = both().map_err(|source| (0, source))?;
    Ok(Counters {
        packets: Big(packets),
        bytes: Big(bytes),
    })
}

fn lift_table(raw: &EbtablesTable) -> Placed<(Table, TableRuntime)> {
    let word = |at| {
        take_at(&raw.info.0, at, "ebt_replace")
            .map(u32::from_ne_bytes)
            .map_err(|source| (0, source))
    };
    let (hooks, announced, size) = (word(32)?, word(36)? as usize, word(40)? as usize);
    let spans = spans(raw)?;
    let rules: usize = spans.iter().map(|span| span.entries.len()).sum();
    if raw.entries.0.len() != size || rules != announced || raw.counters.0.len() != announced * 16 {
        let (have, need) = (raw.entries.0.len(), size);
        let what = "the table's entries";
        return Err((have, Malformed::Short { what, have, need }));
    }
    let hooks: Vec<usize> = (0..32).filter(|hook| hooks & (1 << hook) != 0).collect();
    if spans.len() < hooks.len() {
        return Err(missing(0, "the base chain of a hook"));
    }
    let names: BTreeMap<usize, Text> = spans
        .iter()
        .skip(hooks.len())
        .map(|span| (span.begin, span.name.clone()))
        .collect();
    let mut chains = Vec::new();
    let mut counted = 0;
    for (place, span) in spans.iter().enumerate() {
        let chain = lift_chain(raw, span, hooks.get(place).copied(), &names, counted)?;
        counted += span.entries.len();
        chains.push(chain);
    }
    chains.sort_by(|a, b| a.0.name.cmp(&b.0.name));
    let (chains, runtime) = chains.into_iter().unzip();
    let table = Table {
        family: Family::Bridge,
        name: raw.name.clone(),
        flags: Vec::new(),
        comment: None,
        chains,
        sets: Vec::new(),
        objects: Vec::new(),
        opaque: Vec::new(),
    };
    let runtime = TableRuntime {
        chains: runtime,
        ..TableRuntime::default()
    };
    Ok((table, runtime))
}

fn lift_chain(
    raw: &EbtablesTable,
    span: &Span<'_>,
    hook: Option<usize>,
    names: &BTreeMap<usize, Text>,
    first: usize,
) -> Placed<(Chain, ChainRuntime)> {
    let at = span.begin;
    let policy = verdict(span.policy).map_err(|source| (at, source))?;
    let policy = policy.ok_or(missing(at, "the policy of a chain"))?;
    let mut rules = Vec::new();
    let mut runtime = Vec::new();
    for (place, (offset, entry)) in span.entries.iter().enumerate() {
        rules.push(rule(entry, names).map_err(|source| (*offset, source))?);
        runtime.push(RuleRuntime {
            counters: Some(counters(raw, first + place)?),
            ..RuleRuntime::default()
        });
    }
    let (name, base) = match hook {
        Some(hook) => {
            let hook_name = builtin::BRIDGE_CHAINS.get(hook).copied().unwrap_or_default();
            let name = Text::from(hook_name);
            let base = builtin::bridge(&raw.name, hook_name, policy);
            (
                name,
                Some(base.ok_or(missing(at, "a hook of this table's kind"))?),
            )
        }
        None => {
            if policy != Verdict::Return {
                let items = vec![Item::Statement(Statement::Verdict(policy))];
                let comment = Some(Text::from(POLICY));
                rules.push(Rule { items, comment });
                runtime.push(RuleRuntime::default());
            }
            (span.name.clone(), None)
        }
    };
    let chain = Chain {
        name,
        base,
        comment: None,
        rules,
        opaque: Vec::new(),
    };
    let runtime = ChainRuntime {
        handle: None,
        policy_counters: None,
        rules: runtime,
    };
    Ok((chain, runtime))
}

/// `EBT_ACCEPT` and its kin; the inner `None` goes on with the next rule.
fn verdict(code: u32) -> Result<Option<Verdict>, Malformed> {
    Ok(match code.cast_signed() {
        -1 => Some(Verdict::Accept),
        -2 => Some(Verdict::Drop),
        -3 => None,
        -4 => Some(Verdict::Return),
        _ => {
            let value = code.into();
            return Err(Malformed::Value {
                what: "verdict",
                value,
            });
        }
    })
}

fn rule(entry: &Entry<'_>, names: &BTreeMap<usize, Text>) -> Result<Rule, Malformed> {
    let mut items = entry.items()?;
    match entry.action()? {
        Action::Items(done) => items.extend(done),
        Action::Standard(code) => {
            let jump = names.get(&(code as usize)).filter(|_| code.cast_signed() >= 0);
            let decided = match jump {
                Some(chain) => Some(Verdict::Jump { chain: chain.clone() }),
                None => verdict(code)?,
            };
            items.extend(decided.map(|verdict| Item::Statement(Statement::Verdict(verdict))));
        }
    }
    Ok(Rule { items, comment: None })
}
