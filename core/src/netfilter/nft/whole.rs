//! Whether each chain was dumped whole.
//!
//! A rule too large for a dump message ends the dump of its chain without a word. But a chain knows how many things hold it
//! (`NFTA_CHAIN_USE`): each of its rules, each jump or goto to it from a rule or a verdict map, and one for a bound implicit
//! chain. If fewer were seen, something was left out. What was asked for one by one ([`super::hidden`]) counts as seen, also
//! where the kernel refused to give it: it is there, and what it refers to stays unseen.

use std::collections::BTreeMap;

use super::consts;
use super::message::{self, Data, RuleMessage};
use super::set;
use crate::bytes::Text;
use crate::netfilter::model::{ChainId, Family, Verdict};
use crate::raw::attr::{Attr, Malformed, attrs};
use crate::raw::{NetlinkRaw, RawMessage};
use crate::section::Gap;

/// `NFTA_EXPR_NAME`.
const NAME: u16 = 1;

/// What a gap says for a chain that is short.
pub const TOO_LARGE: &str = "a rule too large to dump";

/// The chains whose use count differs from what was received; empty if everything is there.
pub fn gaps(raw: &NetlinkRaw) -> Result<Vec<Gap>, Malformed> {
    Ok(Count::of(&raw.messages)?.gaps())
}

/// A chain of whose uses some were not seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Short {
    /// The chain.
    pub chain: ChainId,
    /// How many of its uses were not seen.
    pub missing: u32,
    /// How many uses it has.
    pub uses: u32,
}

/// Uses of chains: how many there are, and how many were seen.
#[derive(Debug, Clone, Default)]
pub struct Count {
    expected: BTreeMap<ChainId, u32>,
    seen: BTreeMap<ChainId, u32>,
}

impl Count {
    /// What these messages say and show.
    pub fn of(messages: &[RawMessage]) -> Result<Self, Malformed> {
        let mut count = Self::default();
        for message in messages {
            count.message(message)?;
        }
        Ok(count)
    }

    /// The chains of which something was not seen.
    pub fn short(&self) -> Vec<Short> {
        let rows = self.expected.iter().map(|(chain, uses)| {
            let seen = self.seen.get(chain).copied().unwrap_or(0);
            Short {
                chain: chain.clone(),
                missing: uses.saturating_sub(seen),
                uses: *uses,
            }
        });
        rows.filter(|row| row.missing > 0).collect()
    }

    pub(super) fn gaps(&self) -> Vec<Gap> {
        self.expected
            .iter()
            .filter_map(|(chain, expected)| {
                let seen = self.seen.get(chain).copied().unwrap_or(0);
                let why = match seen.cmp(expected) {
                    std::cmp::Ordering::Equal => return None,
                    std::cmp::Ordering::Less => TOO_LARGE.to_owned(),
                    std::cmp::Ordering::Greater => "more was dumped than the chain counts".to_owned(),
                };
                Some(Gap {
                    path: chain.to_string(),
                    why: format!("{why} ({seen} of {expected} uses seen)"),
                })
            })
            .collect()
    }

    fn see(&mut self, family: Family, table: &Text, chain: &Text) {
        let id = ChainId {
            family,
            table: table.clone(),
            chain: chain.clone(),
        };
        self.see_often(id, 1);
    }

    /// Counts so many uses of a chain.
    pub(super) fn see_often(&mut self, chain: ChainId, times: u32) {
        let seen = self.seen.entry(chain).or_default();
        *seen = seen.saturating_add(times);
    }

    /// Counts what a rule refers to, but not the rule.
    pub(super) fn references(&mut self, family: Family, rule: &RuleMessage<'_>) -> Result<(), Malformed> {
        for expression in attrs(rule.expressions) {
            self.expression(family, &rule.table, &expression?)?;
        }
        Ok(())
    }

    /// Takes one more message into account.
    pub fn message(&mut self, message: &RawMessage) -> Result<(), Malformed> {
        if message.message_type == consts::REFUSED {
            let refused = message::refused(message)?;
            self.see(refused.family, &refused.table, &refused.chain);
            return Ok(());
        }
        let (family, attributes) = message::open(message)?;
        match message.message_type {
            consts::NEW_CHAIN => {
                let chain = message::chain(attributes)?;
                let id = ChainId {
                    family,
                    table: chain.table.clone(),
                    chain: chain.name.clone(),
                };
                if chain.flags & consts::CHAIN_BINDING != 0 {
                    self.see(family, &chain.table, &chain.name);
                }
                let uses = message::required(chain.uses, "NFTA_CHAIN_USE")?;
                self.expected.insert(id, uses);
            }
            consts::NEW_RULE => {
                let rule = message::rule(attributes)?;
                self.see(family, &rule.table, &rule.chain);
                self.references(family, &rule)?;
            }
            consts::NEW_ELEMENTS => {
                let (table, _, elements) = set::elements(attributes)?;
                for element in elements {
                    if let Some(Data::Verdict(verdict)) = element.data {
                        self.verdict(family, &table, &verdict);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Only `immediate` holds a verdict of its own (`NFTA_IMMEDIATE_DATA`).
    fn expression(&mut self, family: Family, table: &Text, attr: &Attr<'_>) -> Result<(), Malformed> {
        // Most are not, which their names tell first.
        let mut names = attr.nested().flatten().filter(|attr| attr.kind == NAME);
        if !names.any(|name| name.value.starts_with(b"immediate")) {
            return Ok(());
        }
        let ("immediate", data) = message::expression(attr)? else {
            return Ok(());
        };
        for attr in attrs(data) {
            let attr = attr?;
            if attr.kind == 2
                && let Data::Verdict(verdict) = message::data(&attr)?
            {
                self.verdict(family, table, &verdict);
            }
        }
        Ok(())
    }

    fn verdict(&mut self, family: Family, table: &Text, verdict: &Verdict) {
        if let Verdict::Jump { chain } | Verdict::Goto { chain } = verdict {
            self.see(family, table, chain);
        }
    }
}
