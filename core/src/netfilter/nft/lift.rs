//! From messages to tables, chains, rules and sets.

use std::collections::{BTreeMap, BTreeSet};

use super::Lifted;
use super::consts;
use super::expr::{self, Source};
use super::implicit::Implicit;
use super::message::{self, ChainMessage, HookMessage, TableMessage, required};
use super::object;
use super::order::Orders;
use super::set::{self, SetMessage, Sets, milliseconds};
use crate::bytes::{Big, Text};
use crate::netfilter::model::{
    BaseChain, Chain, ChainId, ChainRuntime, Element, Family, Hook, Item, Object, Plane, Rule, RuleRuntime,
    Ruleset, RulesetRuntime, Set, SetRuntime, Statement, Table, TableRuntime, Verdict,
};
use crate::raw::attr::{Attr, Malformed, attrs};
use crate::raw::{NetlinkRaw, RawMessage};

/// `NFT_TABLE_F_*`.
const TABLE_FLAGS: [(u32, &str); 3] = [(1, "dormant"), (2, "owner"), (4, "persist")];

/// `NFT_SET_*` that a person chooses. What follows from the use of a set (map, anonymous, concatenation) is left out.
const SET_FLAGS: [(u32, &str); 4] = [
    (consts::SET_CONSTANT, "constant"),
    (consts::SET_INTERVAL, "interval"),
    (consts::SET_TIMEOUT, "timeout"),
    (consts::SET_EVAL, "dynamic"),
];

/// Flags that say what the other attributes say already; the last is `NFT_SET_EXPR`.
const SET_IMPLIED: u32 =
    consts::SET_ANONYMOUS | consts::SET_MAP | consts::SET_OBJECT | consts::SET_CONCAT | 0x100;

/// One rule, decoded.
type LiftedRule = (Rule, RuleRuntime);

/// The messages, sorted by what they are about.
#[derive(Debug)]
pub(super) struct Lift<'a> {
    links: &'a NetlinkRaw,
    tables: BTreeMap<(Family, Text), TableMessage>,
    /// In the order listed, which is the order of registration.
    chains: Vec<(Family, ChainMessage)>,
    rules: BTreeMap<ChainId, Vec<message::RuleMessage<'a>>>,
    sets: Sets<'a>,
    objects: Vec<(Family, Text, Object)>,
}

impl<'a> Lift<'a> {
    pub(super) fn new(raw: &'a NetlinkRaw) -> Result<Self, Malformed> {
        let mut lift = Self {
            links: raw,
            tables: BTreeMap::new(),
            chains: Vec::new(),
            rules: BTreeMap::new(),
            sets: Sets::new(),
            objects: Vec::new(),
        };
        for message in &raw.messages {
            lift.message(message)?;
        }
        Ok(lift)
    }

    fn message(&mut self, message: &'a RawMessage) -> Result<(), Malformed> {
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
                self.rules.entry(id).or_default().push(rule);
            }
            consts::NEW_SET => {
                let (table, name, set) = set::set(attributes)?;
                self.sets.insert((family, table, name), set);
            }
            consts::NEW_ELEMENTS => {
                let (table, name, elements) = set::elements(attributes)?;
                let set = self.sets.get_mut(&(family, table, name));
                required(set, "the set of a list of elements")?
                    .elements
                    .extend(elements);
            }
            consts::NEW_OBJECT => {
                let (table, object) = object::object(attributes)?;
                self.objects.push((family, table, object));
            }
            consts::NEW_FLOWTABLE => {
                let (table, object) = object::flowtable(attributes)?;
                self.objects.push((family, table, object));
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
        let mut objects: Vec<Object> = self
            .objects
            .iter()
            .filter(|(of, table, _)| *of == family && *table == message.name)
            .map(|(_, _, object)| object.clone())
            .collect();
        objects.sort();
        let table = Table {
            family,
            name: message.name.clone(),
            flags: flag_words(&TABLE_FLAGS, 0, message.flags),
            comment: message.comment.clone(),
            chains,
            sets,
            objects,
            opaque: Vec::new(),
        };
        let handle = message.handle.map(Big);
        Ok((
            table,
            TableRuntime {
                handle,
                chains: chain_runtimes,
                sets: set_runtimes,
                objects: Vec::new(),
                owner: None,
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

    fn chain(&self, id: &ChainId, message: &ChainMessage) -> Result<(Chain, ChainRuntime), Malformed> {
        let rules = self.rules.get(id).map(Vec::as_slice).unwrap_or_default();
        let rules: Result<Vec<LiftedRule>, Malformed> =
            rules.iter().map(|rule| self.rule(id.family, rule)).collect();
        let (rules, rule_runtimes): (Vec<_>, Vec<_>) = rules?.into_iter().unzip();
        let base = message
            .hook
            .as_ref()
            .map(|hook| base(id.family, message, hook))
            .transpose()?;
        let chain = Chain {
            name: message.name.clone(),
            base,
            comment: message.comment.clone(),
            rules,
            opaque: Vec::new(),
        };
        let runtime = ChainRuntime {
            handle: message.handle.map(Big),
            policy_counters: message.counters.map(expr::counters),
            rules: rule_runtimes,
        };
        Ok((chain, runtime))
    }

    fn rule(&self, family: Family, message: &message::RuleMessage<'a>) -> Result<LiftedRule, Malformed> {
        let read = expr::read(self.source(family, &message.table), attrs(message.expressions))?;
        let mut comments = message.comment.iter().cloned().chain(read.comments);
        let comment = comments.next();
        let mut items = read.items;
        items.extend(comments.map(extra_comment));
        let runtime = RuleRuntime {
            handle: message.handle.map(Big),
            counters: read.counters,
        };
        Ok((Rule { items, comment }, runtime))
    }

    fn source<'s>(&'s self, family: Family, table: &'s Text) -> Source<'s, 'a> {
        Source {
            family,
            table,
            sets: &self.sets,
            links: self.links,
        }
    }

    fn set(
        &self,
        (family, table, name): (Family, &Text, &Text),
        message: &SetMessage<'a>,
        filled: bool,
    ) -> Result<(Set, SetRuntime), Malformed> {
        let elements = self.elements(family, table, message)?;
        let dynamic = filled || message.flags & consts::SET_EVAL != 0;
        let (elements, packets) = if dynamic {
            (Vec::new(), elements)
        } else {
            (elements, Vec::new())
        };
        let mut flags = flag_words(&SET_FLAGS, SET_IMPLIED, message.flags);
        if message.auto_merge {
            flags.insert(0, "auto-merge".to_owned());
        }
        let set = Set {
            name: name.clone(),
            key_type: message.key_name(),
            data_type: message.data_name(),
            flags,
            timeout_ms: milliseconds(message.timeout),
            gc_interval_ms: message.gc_interval.filter(|interval| *interval != 0),
            size: message.size.filter(|size| *size != 0),
            policy: policy(message.policy)?,
            comment: message.comment.clone(),
            elements,
            statements: self.statements(family, table, &message.expressions)?,
            opaque: Vec::new(),
        };
        Ok((
            set,
            SetRuntime {
                handle: message.handle.map(Big),
                elements: packets,
                states: Vec::new(),
            },
        ))
    }

    fn elements(
        &self,
        family: Family,
        table: &Text,
        message: &SetMessage<'a>,
    ) -> Result<Vec<Element>, Malformed> {
        let entries = message.entries(&message.key_parts(), self.links)?;
        entries
            .into_iter()
            .map(|entry| {
                Ok(Element {
                    data: message.data_of(entry.element, self.links),
                    // Nought is "never" where the set has a timeout; the kernel leaves the set's own out.
                    timeout_ms: entry.element.timeout.map(Big),
                    comment: entry.element.comment.clone(),
                    statements: self.statements(family, table, &entry.element.expressions)?,
                    key: entry.key,
                    opaque: Vec::new(),
                })
            })
            .collect()
    }

    fn statements(
        &self,
        family: Family,
        table: &Text,
        expressions: &[Attr<'a>],
    ) -> Result<Vec<Item>, Malformed> {
        Ok(expr::read(self.source(family, table), expressions.iter().copied().map(Ok))?.items)
    }
}

/// A comment that is not the rule's first keeps its place in the configuration as a match of no effect.
fn extra_comment(text: Text) -> Item {
    use crate::netfilter::model::{Match, Op, Value};
    Item::Match(Match {
        field: "comment".into(),
        op: Op::Eq,
        value: Value::Text(text),
    })
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

fn base(family: Family, message: &ChainMessage, hook: &HookMessage) -> Result<BaseChain, Malformed> {
    Ok(BaseChain {
        chain_type: message.chain_type.clone(),
        hook: hook_of(family, hook.number)?,
        priority: hook.priority,
        policy: match message.policy {
            Some(0) => Verdict::Drop,
            Some(1) | None => Verdict::Accept,
            Some(other) => {
                return Err(Malformed::Value {
                    what: "NFTA_CHAIN_POLICY",
                    value: other.into(),
                });
            }
        },
        devices: hook.devices.clone(),
        offload: message.flags & consts::CHAIN_OFFLOAD != 0,
    })
}

/// `NF_INET_*`, `NF_ARP_*`, `NF_BR_*`, `NF_NETDEV_*`.
fn hook_of(family: Family, number: u32) -> Result<Hook, Malformed> {
    let hook = match (family, number) {
        (Family::Netdev, 0) | (Family::Inet, 5) => Some(Hook::Ingress),
        (Family::Netdev, 1) => Some(Hook::Egress),
        (Family::Arp, 0) => Some(Hook::Input),
        (Family::Arp, 1) => Some(Hook::Output),
        (Family::Arp, 2) => Some(Hook::Forward),
        (Family::Netdev | Family::Arp, _) => None,
        (_, 0) => Some(Hook::Prerouting),
        (_, 1) => Some(Hook::Input),
        (_, 2) => Some(Hook::Forward),
        (_, 3) => Some(Hook::Output),
        (_, 4) => Some(Hook::Postrouting),
        _ => None,
    };
    hook.ok_or(Malformed::Value {
        what: "NFTA_HOOK_HOOKNUM",
        value: number.into(),
    })
}

/// `enum nft_set_policies`; performance is what is meant when nothing is said.
fn policy(number: Option<u32>) -> Result<Option<String>, Malformed> {
    match number.unwrap_or(0) {
        0 => Ok(None),
        1 => Ok(Some("memory".to_owned())),
        other => Err(Malformed::Value {
            what: "NFTA_SET_POLICY",
            value: other.into(),
        }),
    }
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
