//! Chains without a name of their own: `jump { … }`.
//!
//! The kernel numbers them anew at each load (`__chain%llu`, `NFT_CHAIN_BINDING`), so in a configuration they are named by
//! their place among those of the table, in the order in which they were made.

use std::collections::BTreeMap;

use super::consts;
use super::message::ChainMessage;
use crate::bytes::Text;
use crate::netfilter::model::{ElementData, Family, Item, Rule, Statement, Verdict};

/// The kernel's name of each implicit chain, and the one that goes into configurations.
#[derive(Debug, Default)]
pub(super) struct Implicit {
    names: BTreeMap<(Family, Text, Text), Text>,
}

impl Implicit {
    pub(super) fn of(chains: &[(Family, ChainMessage)]) -> Self {
        let mut bound: Vec<&(Family, ChainMessage)> = chains
            .iter()
            .filter(|(_, chain)| chain.flags & consts::CHAIN_BINDING != 0)
            .collect();
        bound.sort_by_key(|(_, chain)| chain.handle);
        let mut counts: BTreeMap<(Family, Text), usize> = BTreeMap::new();
        let mut names = BTreeMap::new();
        for (family, chain) in bound {
            let count = counts.entry((*family, chain.table.clone())).or_default();
            *count += 1;
            // Parentheses can't stand in a name that a person gives.
            let name = Text::from(format!("(implicit {count})"));
            names.insert((*family, chain.table.clone(), chain.name.clone()), name);
        }
        Self { names }
    }

    /// The name for configurations.
    pub(super) fn name(&self, family: Family, table: &Text, chain: &Text) -> Text {
        let key = (family, table.clone(), chain.clone());
        self.names.get(&key).unwrap_or(chain).clone()
    }

    /// Renames what the rule jumps to.
    pub(super) fn rename(&self, family: Family, table: &Text, rule: &mut Rule) {
        if self.names.is_empty() {
            return;
        }
        for item in &mut rule.items {
            match item {
                Item::Statement(Statement::Verdict(verdict)) => self.verdict(family, table, verdict),
                Item::Statement(Statement::VerdictMap { entries, .. }) => {
                    for (_, data) in entries {
                        if let ElementData::Verdict { verdict } = data {
                            self.verdict(family, table, verdict);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn verdict(&self, family: Family, table: &Text, verdict: &mut Verdict) {
        if let Verdict::Jump { chain } | Verdict::Goto { chain } = verdict {
            *chain = self.name(family, table, chain);
        }
    }
}
