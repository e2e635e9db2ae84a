//! One table, from `*name` to `COMMIT`.

use std::collections::{BTreeMap, BTreeSet};

use super::rule::RuleText;
use super::tokens::Token;
use super::{MIXED_COUNTERS, UNDECLARED_CHAIN, UNRESOLVED_JUMP, warning};
use crate::bytes::{Big, Text};
use crate::netfilter::builtin;
use crate::netfilter::model::{
    BaseChain, Chain, ChainRuntime, Counters, Family, RuleRuntime, Table, TableRuntime, Verdict,
};
use crate::section::{Gap, Warning};

/// A table as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Block {
    chains: BTreeMap<Text, Draft>,
    /// Set while lines of it are read.
    pub(super) is_open: bool,
}

/// A chain as far as it was read.
#[derive(Debug, Default)]
struct Draft {
    declared: bool,
    policy: Option<Text>,
    counters: Option<Counters>,
    rules: Vec<(RuleText, Option<Counters>)>,
}

/// What a reader notices.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) gaps: Vec<Gap>,
    pub(super) warnings: Vec<Warning>,
}

impl Block {
    /// `:NAME POLICY [packets:bytes]`; `None` if it is not that.
    pub(super) fn declare(&mut self, words: &[Token]) -> Option<()> {
        let (name, policy, counters) = match words {
            [name, policy] => (name, policy, None),
            [name, policy, counters] => (name, policy, Some(self::counters(counters)?)),
            _ => return None,
        };
        let name = name.bytes.strip_prefix(b":").filter(|name| !name.is_empty())?;
        let draft = self.chains.entry(Text::from(name)).or_default();
        draft.declared = true;
        draft.counters = counters;
        draft.policy = (policy.bytes != b"-").then(|| Text::from(policy.bytes.clone()));
        Some(())
    }

    /// Puts a rule behind the others of its chain, or at a place counted from 1.
    pub(super) fn add(
        &mut self,
        chain: &Text,
        place: Option<usize>,
        rule: RuleText,
        counters: Option<Counters>,
    ) {
        let rules = &mut self.chains.entry(chain.clone()).or_default().rules;
        let place = place.map_or(rules.len(), |place| place.saturating_sub(1).min(rules.len()));
        rules.insert(place, (rule, counters));
    }

    /// The table in canonical form.
    pub(super) fn finish(self, family: Family, name: &Text, notes: &mut Notes) -> (Table, TableRuntime) {
        let declared: BTreeSet<Text> = self
            .chains
            .iter()
            .filter(|(_, draft)| draft.declared)
            .map(|(name, _)| name.clone())
            .collect();
        let mut table = Table {
            family,
            name: name.clone(),
            flags: Vec::new(),
            comment: None,
            chains: Vec::new(),
            sets: Vec::new(),
            objects: Vec::new(),
            opaque: Vec::new(),
        };
        let mut runtime = TableRuntime::default();
        for (chain, draft) in self.chains {
            let place = Place {
                family,
                table: name,
                chain: &chain,
            };
            let (chain, of_chain) = draft.finish(&place, &declared, notes);
            table.chains.push(chain);
            runtime.chains.push(of_chain);
        }
        (table, runtime)
    }
}

/// Names a chain, for people.
struct Place<'a> {
    family: Family,
    table: &'a Text,
    chain: &'a Text,
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.family, self.table, self.chain)
    }
}

impl Draft {
    fn finish(self, place: &Place<'_>, chains: &BTreeSet<Text>, notes: &mut Notes) -> (Chain, ChainRuntime) {
        if !self.declared {
            notes.warnings.push(warning(
                UNDECLARED_CHAIN,
                format!("{place}: rules are appended to a chain that no line declares"),
            ));
        }
        let counted = self
            .rules
            .iter()
            .filter(|(_, counters)| counters.is_some())
            .count();
        if counted != 0 && counted != self.rules.len() {
            notes.warnings.push(warning(
                MIXED_COUNTERS,
                format!("{place}: {counted} of {} rules have counters", self.rules.len()),
            ));
        }
        let base = base(place, self.policy.as_ref(), self.declared, notes);
        let (mut rules, mut runtime) = (Vec::new(), Vec::new());
        for (text, counters) in self.rules {
            let (rule, missing) = text.resolve(place.family, chains);
            if let Some(missing) = missing {
                notes.warnings.push(warning(
                    UNRESOLVED_JUMP,
                    format!(
                        "{place}: rule {} leads to {missing}, which is not there",
                        rules.len() + 1
                    ),
                ));
            }
            rules.push(rule);
            runtime.push(RuleRuntime {
                handle: None,
                counters,
                hidden: false,
            });
        }
        let policy_counters = self.counters.filter(|_| base.is_some());
        let chain = Chain {
            name: place.chain.clone(),
            base,
            comment: None,
            rules,
            opaque: Vec::new(),
        };
        (
            chain,
            ChainRuntime {
                handle: None,
                policy_counters,
                rules: runtime,
            },
        )
    }
}

/// How a chain is hooked in. Where the text does not say what becomes of a packet at the end of a base chain, the policy
/// stands as `continue`, which decides nothing, beside a gap.
fn base(place: &Place<'_>, policy: Option<&Text>, declared: bool, notes: &mut Notes) -> Option<BaseChain> {
    let mut gap = |why: String| {
        notes.gaps.push(Gap {
            path: place.to_string(),
            why,
        })
    };
    let built_in = |policy| builtin::base(place.table, place.chain, policy);
    let verdict = match policy.map(Text::as_bytes) {
        Some(b"ACCEPT") => Verdict::Accept,
        Some(b"DROP") => Verdict::Drop,
        Some(_) => {
            gap(format!(
                "the policy {} is none",
                policy.cloned().unwrap_or_default()
            ));
            Verdict::Continue
        }
        None => {
            let base = built_in(Verdict::Continue)?;
            gap(if declared {
                "a built-in chain without a policy"
            } else {
                "its policy is not in the text"
            }
            .to_owned());
            return Some(base);
        }
    };
    let base = built_in(verdict);
    if base.is_none() {
        gap("a policy on a chain that is not built in: its hook is unknown".to_owned());
    }
    base
}

/// `[packets:bytes]`.
pub(super) fn counters(token: &Token) -> Option<Counters> {
    let (packets, bytes) = token
        .word()?
        .strip_prefix('[')?
        .strip_suffix(']')?
        .split_once(':')?;
    Some(Counters {
        packets: Big(packets.parse().ok()?),
        bytes: Big(bytes.parse().ok()?),
    })
}
