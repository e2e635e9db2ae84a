//! The object that a change touches: one chain with its rules, and its digest.

use netghost_core::artifact::json::{self, CanonicalError, Digest};
use netghost_core::bytes::Text;
use netghost_core::netfilter::model::{Chain, ElementData, Family, Item, Rule, Statement, Table, Verdict};
use serde::Serialize;

/// How a model calls a chain without a name, before its number and a closing parenthesis.
const UNNAMED: &str = "(implicit ";

/// What is digested.
#[derive(Serialize)]
struct Object<'t> {
    family: Family,
    table: &'t Text,
    chain: Chain,
    /// The chains in place that it leads to, in the order of the rules.
    unnamed: Vec<Chain>,
}

/// The digest of a chain's configuration. A model numbers chains in place through the table; here they are numbered as this chain
/// leads to them, so that no other chain has a part in it.
pub(super) fn digest(table: &Table, chain: &Chain) -> Result<Digest, CanonicalError> {
    let mut order = Order {
        table,
        names: Vec::new(),
    };
    let own = order.chain(chain.clone());
    let mut unnamed: Vec<Chain> = Vec::new();
    while let Some(name) = order.names.get(unnamed.len()).cloned() {
        let number = unnamed.len().saturating_add(1);
        let Some(found) = table.chains.iter().find(|chain| chain.name == name) else {
            return Err(CanonicalError::Form(
                "a chain in place that is not there".to_owned(),
            ));
        };
        let mut found = order.chain(found.clone());
        found.name = local(number);
        unnamed.push(found);
    }
    json::digest(&Object {
        family: table.family,
        table: &table.name,
        chain: own,
        unnamed,
    })
}

/// The names of the chains in place that a chain leads to, and those lead to.
pub(super) fn unnamed(table: &Table, chain: &Chain) -> Vec<Text> {
    let mut order = Order {
        table,
        names: Vec::new(),
    };
    order.chain(chain.clone());
    let mut at = 0;
    while let Some(name) = order.names.get(at).cloned() {
        let found = table.chains.iter().find(|chain| chain.name == name);
        if let Some(found) = found {
            order.chain(found.clone());
        }
        at += 1;
    }
    order.names
}

fn local(number: usize) -> Text {
    Text::from(format!("{UNNAMED}{number})"))
}

struct Order<'t> {
    table: &'t Table,
    names: Vec<Text>,
}

impl Order<'_> {
    fn chain(&mut self, mut chain: Chain) -> Chain {
        chain.rules.iter_mut().for_each(|rule| self.rule(rule));
        chain
    }

    fn rule(&mut self, rule: &mut Rule) {
        for item in &mut rule.items {
            match item {
                Item::Statement(Statement::Verdict(verdict)) => self.verdict(verdict),
                Item::Statement(Statement::VerdictMap { entries, .. }) => {
                    for (_, data) in entries {
                        if let ElementData::Verdict { verdict } = data {
                            self.verdict(verdict);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn verdict(&mut self, verdict: &mut Verdict) {
        let (Verdict::Jump { chain } | Verdict::Goto { chain }) = verdict else {
            return;
        };
        let known = self.table.chains.iter().any(|one| one.name == *chain);
        if !known || !chain.as_bytes().starts_with(UNNAMED.as_bytes()) {
            return;
        }
        let place = self.names.iter().position(|name| name == chain);
        let place = place.unwrap_or_else(|| {
            self.names.push(chain.clone());
            self.names.len().saturating_sub(1)
        });
        *chain = local(place.saturating_add(1));
    }
}
