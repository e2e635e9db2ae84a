//! From messages to tables, chains, rules and sets.

use std::collections::{BTreeMap, BTreeSet};

pub mod stream;

use super::Lifted;
use super::consts;
use super::expr::Source;
use super::implicit::Implicit;
use super::message::{self, ChainMessage, TableMessage, required};
use super::object;
use super::order::Orders;
use super::set::{self as sets, SetMessage, Sets};
use crate::bytes::{Big, Text};
use crate::netfilter::model::{
    Chain, ChainId, ChainRuntime, Family, Item, Object, ObjectRuntime, Plane, Ruleset, RulesetRuntime,
    Statement, Table, TableRuntime,
};
use crate::raw::attr::Malformed;
use crate::raw::{NetlinkRaw, RawMessage};

mod chain;
mod received;
mod set;

pub(super) use chain::hook_of;
use received::Rules;

/// `NFT_TABLE_F_*`.
const TABLE_FLAGS: [(u32, &str); 3] = [(1, "dormant"), (2, "owner"), (4, "persist")];

/// The messages, sorted by what they are about.
#[derive(Debug)]
pub(super) struct Lift<'a> {
    links: &'a NetlinkRaw,
    tables: BTreeMap<(Family, Text), TableMessage>,
    /// In the order listed, which is the order of registration.
    chains: Vec<(Family, ChainMessage)>,
    rules: BTreeMap<ChainId, Rules<'a>>,
    /// True behind a request for one rule, which its answer follows.
    asked: bool,
    sets: Sets<'a>,
    objects: BTreeMap<(Family, Text), Vec<(Object, ObjectRuntime)>>,
}

impl<'a> Lift<'a> {
    pub(super) fn new(raw: &'a NetlinkRaw) -> Result<Self, Malformed> {
        let mut lift = Self {
            links: raw,
            tables: BTreeMap::new(),
            chains: Vec::new(),
            rules: BTreeMap::new(),
            asked: false,
            sets: Sets::new(),
            objects: BTreeMap::new(),
        };
        for message in &raw.messages {
            lift.message(message)?;
        }
        Ok(lift)
    }

    fn message(&mut self, message: &'a RawMessage) -> Result<(), Malformed> {
        let asked = std::mem::take(&mut self.asked);
        if message.message_type == consts::REFUSED {
            return self.refused(message);
        }
        let (family, attributes) = message::open(message)?;
        match message.message_type {
            consts::NEW_TABLE => {
                let table = message::table(attributes)?;
                self.tables.insert((family, table.name.clone()), table);
            }
            consts::NEW_CHAIN => self.chains.push((family, message::chain(attributes)?)),
            consts::NEW_RULE => {
                let rule = message::rule(attributes)?;
                let id = ChainId {
                    family,
                    table: rule.table.clone(),
                    chain: rule.chain.clone(),
                };
                let rules = self.rules.entry(id).or_default();
                if asked {
                    rules.found(rule);
                } else {
                    rules.list(rule);
                }
            }
            consts::GET_RULE => self.asked = true,
            consts::NEW_SET => {
                let (table, name, set) = sets::set(attributes)?;
                self.sets.insert((family, table, name), set);
            }
            consts::NEW_ELEMENTS => {
                let (table, name, elements) = sets::elements(attributes)?;
                let set = self.sets.get_mut(&(family, table, name));
                required(set, "the set of a list of elements")?
                    .elements
                    .extend(elements);
            }
            consts::NEW_OBJECT => {
                let (table, object) = object::object(attributes)?;
                self.objects.entry((family, table)).or_default().push(object);
            }
            consts::NEW_FLOWTABLE => {
                let (table, object) = object::flowtable(attributes)?;
                self.objects.entry((family, table)).or_default().push(object);
            }
            other => {
                return Err(Malformed::Value {
                    what: "nlmsg_type",
                    value: other.into(),
                });
            }
        }
        Ok(())
    }

    /// A rule that the kernel would not give alone.
    fn refused(&mut self, message: &RawMessage) -> Result<(), Malformed> {
        let refused = message::refused(message)?;
        let id = ChainId {
            family: refused.family,
            table: refused.table,
            chain: refused.chain,
        };
        self.rules.entry(id).or_default().refuse(refused.handle);
        Ok(())
    }

    pub(super) fn ruleset(mut self) -> Result<Lifted, Malformed> {
        let mut orders = Orders::default();
        let mut chains: BTreeMap<(Family, Text), Vec<(Chain, ChainRuntime)>> = BTreeMap::new();
        let listed = std::mem::take(&mut self.chains);
        let implicit = Implicit::of(&listed);
        let mut seen = BTreeSet::new();
        for (family, message) in listed {
            let id = ChainId {
                family,
                table: message.table.clone(),
                chain: message.name.clone(),
            };
            let (mut chain, runtime) = self.chain(&id, &message)?;
            seen.insert(id.clone());
            chain.name = implicit.name(family, &message.table, &message.name);
            chain
                .rules
                .iter_mut()
                .for_each(|rule| implicit.rename(family, &message.table, rule));
            if let Some(base) = &chain.base {
                orders.add(&id, base);
            }
            let table = chains.entry((family, message.table)).or_default();
            table.push((chain, runtime));
        }
        if self.rules.keys().any(|id| !seen.contains(id)) {
            return Err(Malformed::Missing {
                what: "the chain of a rule",
            });
        }
        let mut config = Ruleset {
            plane: Plane::Nft,
            tables: Vec::new(),
            hook_order: orders.finish(),
        };
        let mut runtime = RulesetRuntime::default();
        for ((family, name), message) in &self.tables {
            let chains = chains.remove(&(*family, name.clone())).unwrap_or_default();
            let (table, table_runtime) = self.table(*family, message, chains)?;
            config.tables.push(table);
            runtime.tables.push(table_runtime);
        }
        if chains.is_empty() {
            Ok(Lifted { config, runtime })
        } else {
            Err(Malformed::Missing {
                what: "the table of a chain",
            })
        }
    }

    fn table(
        &self,
        family: Family,
        message: &TableMessage,
        mut chains: Vec<(Chain, ChainRuntime)>,
    ) -> Result<(Table, TableRuntime), Malformed> {
        chains.sort_by(|a, b| a.0.name.cmp(&b.0.name));
        let filled = filled_by_packets(&chains);
        let (chains, chain_runtimes): (Vec<_>, Vec<_>) = chains.into_iter().unzip();
        let mut sets = Vec::new();
        let mut set_runtimes = Vec::new();
        for ((_, table, name), set) in self.named_sets(family, &message.name) {
            let (set, runtime) = self.set((family, table, name), set, filled.contains(name))?;
            sets.push(set);
            set_runtimes.push(runtime);
        }
        let objects = self.objects.get(&(family, message.name.clone()));
        let mut objects = objects.cloned().unwrap_or_default();
        objects.sort_by(|a, b| a.0.cmp(&b.0));
        let (objects, object_runtimes): (Vec<_>, Vec<_>) = objects.into_iter().unzip();
        let table = Table {
            family,
            name: message.name.clone(),
            flags: flag_words(&TABLE_FLAGS, 0, message.flags),
            comment: message.comment.clone(),
            chains,
            sets,
            objects,
            opaque: message.opaque.clone(),
        };
        let handle = message.handle.map(Big);
        Ok((
            table,
            TableRuntime {
                handle,
                chains: chain_runtimes,
                sets: set_runtimes,
                objects: object_runtimes,
                owner: message.owner,
            },
        ))
    }

    fn named_sets<'s>(
        &'s self,
        family: Family,
        table: &'s Text,
    ) -> impl Iterator<Item = (&'s (Family, Text, Text), &'s SetMessage<'a>)> {
        self.sets.iter().filter(move |((of, within, _), set)| {
            *of == family && within == table && set.flags & consts::SET_ANONYMOUS == 0
        })
    }

    fn source<'s>(&'s self, family: Family, table: &'s Text) -> Source<'s, 'a> {
        Source {
            family,
            table,
            sets: &self.sets,
            links: self.links,
        }
    }
}

/// The sets that rules of these chains write to, whatever the flags of the sets say.
fn filled_by_packets(chains: &[(Chain, ChainRuntime)]) -> BTreeSet<Text> {
    let items = chains
        .iter()
        .flat_map(|(chain, _)| &chain.rules)
        .flat_map(|rule| &rule.items);
    items
        .filter_map(|item| match item {
            Item::Statement(Statement::Dynset { set, .. }) => Some(set.clone()),
            _ => None,
        })
        .collect()
}

/// The words of these bits. What is in neither the table nor `implied` is a number.
fn flag_words(table: &[(u32, &str)], implied: u32, bits: u32) -> Vec<String> {
    let mut words: Vec<String> = table
        .iter()
        .filter(|(bit, _)| bits & bit != 0)
        .map(|(_, word)| (*word).to_owned())
        .collect();
    let unknown = table.iter().fold(bits & !implied, |left, (bit, _)| left & !bit);
    if unknown != 0 {
        words.push(format!("{unknown:#x}"));
    }
    words.sort();
    words
}
