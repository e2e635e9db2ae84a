//! One chain of a legacy table, as the kernel has it.

use netghost_core::artifact::json::{self, Digest};
use netghost_core::bytes::Text;
use netghost_core::gate::IpFamily;
use netghost_core::netfilter::model::{self, ChainRuntime, Counters, Family, Rule};
use netghost_core::netfilter::text;
use netghost_core::section::{Content, Section, State};
use serde::Serialize;

use super::WriteError;
use crate::xtables;

/// A chain with what its rules have counted.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    family: IpFamily,
    pub(super) table: Text,
    pub(super) config: model::Chain,
    runtime: ChainRuntime,
}

/// What the digest is of.
#[derive(Serialize)]
struct Canonical<'a> {
    plane: &'static str,
    family: Family,
    table: &'a Text,
    chain: &'a model::Chain,
}

impl Chain {
    pub(super) fn read(family: IpFamily, table: &Text, chain: &Text) -> Result<Self, WriteError> {
        let section = match family {
            IpFamily::Ip => xtables::read_ipv4(&|| 0),
            IpFamily::Ip6 => xtables::read_ipv6(&|| 0),
        };
        let what = format!("legacy {}", program(family));
        let (config, mut runtime) = whole(section, &what)?;
        let place = config.tables.iter().position(|one| one.name == *table);
        let found = place.and_then(|place| {
            let config = config.tables.into_iter().nth(place)?;
            let runtime = runtime.tables.drain(..).nth(place).unwrap_or_default();
            let place = config.chains.iter().position(|one| one.name == *chain)?;
            Some((
                config.chains.into_iter().nth(place)?,
                runtime.chains.into_iter().nth(place).unwrap_or_default(),
            ))
        });
        let (config, runtime) = found.ok_or_else(|| WriteError::NotThere {
            what: format!("chain {chain} of table {table} in {what}"),
        })?;
        Ok(Self {
            family,
            table: table.clone(),
            config,
            runtime,
        })
    }

    /// In words.
    pub(super) fn object(&self) -> String {
        let chain = &self.config.name;
        format!(
            "chain {chain} of table {} in legacy {}",
            self.table,
            program(self.family)
        )
    }

    pub(super) fn digest(&self) -> Result<Digest, WriteError> {
        let canonical = Canonical {
            plane: "legacy",
            family: self.family(),
            table: &self.table,
            chain: &self.config,
        };
        json::digest(&canonical).map_err(|error| WriteError::Unreadable {
            what: self.object(),
            why: error.to_string(),
        })
    }

    pub(super) fn family(&self) -> Family {
        match self.family {
            IpFamily::Ip => Family::Ip,
            IpFamily::Ip6 => Family::Ip6,
        }
    }

    /// Its table with nothing in it but this chain.
    pub(super) fn table_of(&self, rules: Vec<Rule>) -> model::Table {
        model::Table {
            family: self.family(),
            name: self.table.clone(),
            flags: Vec::new(),
            comment: None,
            chains: vec![model::Chain {
                rules,
                ..self.config.clone()
            }],
            sets: Vec::new(),
            objects: Vec::new(),
            opaque: Vec::new(),
        }
    }

    /// The chain without the rule at this place, from 1.
    pub(super) fn without(&self, place: u32) -> Self {
        let mut chain = self.clone();
        let rules = chain.config.rules.into_iter().zip(1u32..);
        chain.config.rules = rules
            .filter(|(_, at)| *at != place)
            .map(|(rule, _)| rule)
            .collect();
        chain
    }

    /// What follows `-A CHAIN`, byte for byte; empty for a rule that says nothing.
    pub(super) fn text(&self, rule: &Rule) -> Text {
        let line = text::iptables::rule_bytes(self.family(), &self.config.name, rule);
        let head = self.config.name.as_bytes().len().saturating_add("-A  ".len());
        Text::from(line.get(head..).unwrap_or_default())
    }

    /// What the rule at this place, from 0, has counted.
    pub(super) fn counters(&self, place: usize) -> Counters {
        let rule = self.runtime.rules.get(place);
        rule.and_then(|rule| rule.counters).unwrap_or_default()
    }

    /// The place (from 1), the text and the counters of the rule without which this chain would be the other.
    pub(super) fn only_one_missing_in(&self, other: &Self) -> Option<(u32, Text, Counters)> {
        let pairs = self.config.rules.iter().zip(&other.config.rules);
        let place = pairs.take_while(|(a, b)| a == b).count();
        let number = u32::try_from(place).ok()?.checked_add(1)?;
        if self.without(number).config != other.config {
            return None;
        }
        let rule = self.config.rules.get(place)?;
        Some((number, self.text(rule), self.counters(place)))
    }
}

/// A section's content, if all of it was read.
fn whole(section: Section, what: &str) -> Result<(model::Ruleset, model::RulesetRuntime), WriteError> {
    let unreadable = |why: String| WriteError::Unreadable {
        what: what.to_owned(),
        why,
    };
    match (section.state, section.content) {
        (State::Captured, Some(Content::Netfilter { config, runtime })) if section.gaps.is_empty() => {
            Ok((config, runtime))
        }
        (State::NotApplicable { why }, _) => Err(WriteError::NotThere {
            what: format!("{what} ({why})"),
        }),
        (State::Captured, _) => Err(unreadable("it is not whole".to_owned())),
        (state, _) => Err(unreadable(format!("{state:?}"))),
    }
}

fn program(family: IpFamily) -> &'static str {
    match family {
        IpFamily::Ip => "iptables",
        IpFamily::Ip6 => "ip6tables",
    }
}
