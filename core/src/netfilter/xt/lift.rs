//! Whole tables: from the entries that the kernel gave to chains with rules.

use std::collections::BTreeMap;

pub mod pieces;
mod told;

pub use told::chains_are_told;

use super::entry::{self, Entry};
use super::{take_comment, targets};
use crate::bytes::Text;
use crate::netfilter::model::{
    Chain, ChainRuntime, Family, Item, Plane, Rule, RuleRuntime, Ruleset, RulesetRuntime, Statement, Table,
    TableRuntime, Verdict,
};
use crate::netfilter::{builtin, set_names};
use crate::raw::attr::{Malformed, take_at};
use crate::raw::{XtablesRaw, XtablesTable};

/// Why a table could not be decoded, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("legacy table {table}, byte {offset}")]
pub struct LiftError {
    /// The table.
    pub table: Text,
    /// Where in its entries.
    pub offset: usize,
    /// What is wrong there.
    #[source]
    pub source: Malformed,
}

/// The tables of one legacy family as a ruleset.
///
/// # Errors
/// If the entries of a table don't fit together. No rule is ever left out: either all of them come out or none.
pub fn lift(raw: &XtablesRaw) -> Result<(Ruleset, RulesetRuntime), LiftError> {
    let family = raw.family();
    let mut tables: Vec<(Table, TableRuntime)> = raw
        .tables
        .iter()
        .map(|table| lift_table(family, table))
        .collect::<Result<_, _>>()?;
    tables.sort_by(|a, b| a.0.name.cmp(&b.0.name));
    let (tables, runtime) = tables.into_iter().unzip();
    let mut ruleset = Ruleset {
        plane: Plane::Legacy,
        tables,
        // Each table has a priority of its own, so no two base chains share one.
        hook_order: Vec::new(),
    };
    set_names::resolve(&mut ruleset, &raw.sets);
    Ok((ruleset, RulesetRuntime { tables: runtime }))
}

/// True if two readings are the same byte for byte but for the counters of their entries.
pub fn same_but_counters(a: &XtablesRaw, b: &XtablesRaw) -> bool {
    let family = a.family();
    let mut pairs = a.tables.iter().zip(&b.tables);
    let same = |(one, other)| same_table_but_counters(family, one, other);
    family == b.family() && a.tables.len() == b.tables.len() && pairs.all(same)
}

/// The same of two readings of one table.
pub fn same_table_but_counters(family: Family, one: &XtablesTable, other: &XtablesTable) -> bool {
    one.name == other.name
        && one.info == other.info
        && entry::same_but_counters(family, &one.entries.0, &other.entries.0)
}

/// Where the kernel says that base chains begin and end (`struct ipt_getinfo`, `struct arpt_getinfo`).
struct Info {
    valid_hooks: u32,
    begins: Vec<usize>,
    ends: Vec<usize>,
    entries: usize,
    size: usize,
}

impl Info {
    fn read(family: Family, bytes: &[u8]) -> Result<Self, Malformed> {
        let word = |place: usize| take_at(bytes, 32 + 4 * place, "ipt_getinfo").map(u32::from_ne_bytes);
        let offset = |place: usize| word(place).map(|number| number as usize);
        let hooks = builtin::chains(family).len();
        Ok(Self {
            valid_hooks: word(0)?,
            begins: (0..hooks)
                .map(|hook| offset(1 + hook))
                .collect::<Result<_, _>>()?,
            ends: (0..hooks)
                .map(|hook| offset(1 + hooks + hook))
                .collect::<Result<_, _>>()?,
            entries: offset(1 + 2 * hooks)?,
            size: offset(2 + 2 * hooks)?,
        })
    }

    /// The hook whose base chain begins at `offset`, and where its policy stands.
    fn base_at(&self, offset: usize) -> Option<(usize, usize)> {
        let hooks = self.begins.iter().zip(&self.ends).enumerate();
        let mut valid = hooks.filter(|(hook, _)| self.valid_hooks & (1 << hook) != 0);
        valid
            .find(|(_, (begin, _))| **begin == offset)
            .map(|(hook, (_, end))| (hook, *end))
    }
}

/// A chain's entries before its rules are made.
struct Span<'a> {
    name: Text,
    hook: Option<(usize, usize)>,
    /// Where a jump to it leads.
    begin: usize,
    entries: Vec<Entry<'a>>,
}

fn lift_table(family: Family, raw: &XtablesTable) -> Result<(Table, TableRuntime), LiftError> {
    let wrong = |offset: usize| {
        let table = raw.name.clone();
        move |source: Malformed| LiftError {
            table,
            offset,
            source,
        }
    };
    let info = Info::read(family, &raw.info.0).map_err(wrong(0))?;
    let entries = entries(family, &info, &raw.entries.0).map_err(|(offset, source)| wrong(offset)(source))?;
    let spans = spans(family, &info, entries).map_err(|(offset, source)| wrong(offset)(source))?;
    let names: BTreeMap<usize, Text> = spans
        .iter()
        .filter(|s| s.hook.is_none())
        .map(|s| (s.begin, s.name.clone()))
        .collect();
    let mut chains = Vec::new();
    for span in spans {
        let begin = span.begin;
        let chain = lift_chain(family, &raw.name, span, &names);
        chains.push(chain.map_err(|(offset, source)| wrong(offset.max(begin))(source))?);
    }
    chains.sort_by(|a, b| a.0.name.cmp(&b.0.name));
    let (chains, runtime) = chains.into_iter().unzip();
    let table = Table {
        chains,
        ..empty_table(family, raw.name.clone())
    };
    let runtime = TableRuntime {
        handle: None,
        chains: runtime,
        sets: Vec::new(),
        objects: Vec::new(),
        owner: None,
    };
    Ok((table, runtime))
}

/// A legacy table has a family, a name and chains, and nothing else.
fn empty_table(family: Family, name: Text) -> Table {
    Table {
        family,
        name,
        flags: Vec::new(),
        comment: None,
        chains: Vec::new(),
        sets: Vec::new(),
        objects: Vec::new(),
        opaque: Vec::new(),
    }
}

/// What is wrong, with the offset where.
type Placed<T> = Result<T, (usize, Malformed)>;

fn entries<'a>(family: Family, info: &Info, bytes: &'a [u8]) -> Placed<Vec<Entry<'a>>> {
    // What the kernel says, and no more than there can be.
    let most = bytes.len() / entry::SMALLEST;
    let mut entries: Vec<Entry<'a>> = Vec::with_capacity(info.entries.min(most));
    let mut offset = 0;
    while offset < bytes.len() {
        let entry = Entry::at(family, bytes, offset).map_err(|source| (offset, source))?;
        offset = entry.end();
        entries.push(entry);
    }
    let whole = bytes.len() == info.size && entries.len() == info.entries;
    whole.then_some(entries).ok_or((
        offset,
        Malformed::Short {
            what: "the table's entries",
            have: bytes.len(),
            need: info.size,
        },
    ))
}

/// Splits the entries into chains: a base chain begins where a hook points, any other with an `ERROR` target that bears
/// its name. The last `ERROR` ends the table.
fn spans<'a>(family: Family, info: &Info, mut entries: Vec<Entry<'a>>) -> Placed<Vec<Span<'a>>> {
    let end = entries.pop().filter(|last| last.target.name == b"ERROR");
    let end = end.ok_or((
        0,
        Malformed::Missing {
            what: "the end of the table",
        },
    ))?;
    let mut spans: Vec<Span<'a>> = Vec::new();
    for entry in entries {
        let offset = entry.offset;
        if entry.target.name == b"ERROR" {
            spans.push(Span {
                name: Text::from_nul_padded(entry.target.payload),
                hook: None,
                begin: entry.end(),
                entries: Vec::new(),
            });
            continue;
        }
        if let Some((hook, policy)) = info.base_at(offset) {
            spans.push(Span {
                name: builtin::chains(family)
                    .get(hook)
                    .copied()
                    .unwrap_or_default()
                    .into(),
                hook: Some((hook, policy)),
                begin: offset,
                entries: Vec::new(),
            });
        }
        let missing = Malformed::Missing {
            what: "the chain of a rule",
        };
        spans.last_mut().ok_or((offset, missing))?.entries.push(entry);
    }
    let bases = spans.iter().filter(|span| span.hook.is_some()).count();
    if u32::try_from(bases) != Ok(info.valid_hooks.count_ones()) {
        return Err((
            end.offset,
            Malformed::Missing {
                what: "the base chain of a hook",
            },
        ));
    }
    Ok(spans)
}

/// The chain of a span; `names` are the chains that can be jumped to, by where they begin.
fn lift_chain(
    family: Family,
    table: &Text,
    mut span: Span<'_>,
    names: &BTreeMap<usize, Text>,
) -> Placed<(Chain, ChainRuntime)> {
    let at = span.begin;
    let last = span.entries.pop().ok_or((
        at,
        Malformed::Missing {
            what: "the end of a chain",
        },
    ))?;
    let policy = policy(&last, span.hook).map_err(|source| (last.offset, source))?;
    let base = match span.hook {
        None => None,
        Some(_) => Some(builtin::base_of(family, table, &span.name, policy).ok_or((
            last.offset,
            Malformed::Missing {
                what: "a hook of this table's kind",
            },
        ))?),
    };
    let mut rules = Vec::new();
    for entry in &span.entries {
        rules.push(lift_rule(entry, names).map_err(|source| (entry.offset, source))?);
    }
    let runtime = ChainRuntime {
        handle: None,
        policy_counters: span.hook.map(|_| last.counters),
        rules: span.entries.iter().map(counted).collect(),
    };
    let chain = Chain {
        name: span.name,
        base,
        comment: None,
        rules,
        opaque: Vec::new(),
    };
    Ok((chain, runtime))
}

fn counted(entry: &Entry<'_>) -> RuleRuntime {
    RuleRuntime {
        handle: None,
        counters: Some(entry.counters),
        hidden: false,
    }
}

/// What the last entry of a chain decides: a base chain's policy, or the return of any other.
fn policy(last: &Entry<'_>, hook: Option<(usize, usize)>) -> Result<Verdict, Malformed> {
    let is_verdict = last.is_unconditional() && last.target.name.is_empty();
    let code = u32::from_ne_bytes(take_at(last.target.payload, 0, "verdict")?);
    let verdict = targets::verdict(code).filter(|_| is_verdict);
    match (verdict, hook) {
        (Some(Statement::Verdict(Verdict::Return)), None) => Ok(Verdict::Return),
        (Some(Statement::Verdict(verdict)), Some((_, end))) if end == last.offset => Ok(verdict),
        _ => Err(Malformed::Missing {
            what: "the end of a chain",
        }),
    }
}

fn lift_rule(entry: &Entry<'_>, names: &BTreeMap<usize, Text>) -> Result<Rule, Malformed> {
    let mut items = entry.conditions()?;
    let comment = take_comment(&mut items);
    if entry.target.name.is_empty() {
        items.extend(standard(entry, names)?.map(Item::Statement));
    } else if entry.is_goto()? {
        return Err(Malformed::Missing {
            what: "the chain of a goto",
        });
    } else {
        let target = &entry.target;
        items.extend(super::target_of(
            entry.family(),
            target.name,
            target.revision,
            target.payload,
        ));
    }
    Ok(Rule { items, comment })
}

/// A verdict, a jump, or nothing: a rule without a target "jumps" to the entry after it.
fn standard(entry: &Entry<'_>, names: &BTreeMap<usize, Text>) -> Result<Option<Statement>, Malformed> {
    let code = u32::from_ne_bytes(take_at(entry.target.payload, 0, "verdict")?);
    let goto = entry.is_goto()?;
    if code.cast_signed() < 0 {
        let verdict = targets::verdict(code).filter(|_| !goto);
        return verdict.map(Some).ok_or(Malformed::Value {
            what: "verdict",
            value: code.into(),
        });
    }
    let offset = code as usize;
    if offset == entry.end() && !goto {
        return Ok(None);
    }
    let chain = names.get(&offset).cloned().ok_or(Malformed::Value {
        what: "the offset of a jump",
        value: code.into(),
    })?;
    let verdict = if goto {
        Verdict::Goto { chain }
    } else {
        Verdict::Jump { chain }
    };
    Ok(Some(Statement::Verdict(verdict)))
}

#[cfg(test)]
pub(super) mod tests;
