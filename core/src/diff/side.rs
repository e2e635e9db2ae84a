//! What stood on one side of a change.

use serde::Serialize;

use crate::artifact::json::Digest;
use crate::bytes::{Big, Text};
use crate::netfilter::model::{
    BaseChain, Chain, Element, Family, HookOrder, Item, Object, Plane, Rule, Set, Table,
};
use crate::netfilter::text;

/// The state before or after a change.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// A word of a fixed list: a policy, a hook, a plane.
    Word(&'static str),
    /// A number: a priority.
    Number(i32),
    /// A number that can be large: milliseconds.
    Big(Big),
    /// Yes or no.
    Flag(bool),
    /// A name or comment.
    Text(Text),
    /// Words: flags.
    Words(Vec<String>),
    /// Names: devices.
    Texts(Vec<Text>),
    /// A rule.
    Rule(RuleState),
    /// Rules too many to be told apart.
    Stretch(Stretch),
    /// A chain with its rules.
    Chain(ChainState),
    /// How a chain is hooked in.
    Base(BaseChain),
    /// A table with everything in it.
    Table(Box<TableState>),
    /// A set.
    Set(Box<Set>),
    /// An element of a set.
    Element(Element),
    /// A named object.
    Object(Object),
    /// The order of base chains, once for each packet family that meets them.
    Order(Vec<HookOrder>),
    /// An entry of a section that is a list: a qdisc, a link, a route.
    Entry(EntryState),
    /// A configuration that is only known to differ.
    Digest(Digest),
}

/// A rule in its place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleState {
    /// Its place in the chain, from 1.
    pub position: usize,
    /// The rule as its owner's tool prints it.
    pub text: String,
    /// What it does.
    pub items: Vec<Item>,
    /// Its comment.
    pub comment: Option<Text>,
}

/// All rules of a chain, where they can't be told apart one by one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stretch {
    /// How many rules.
    pub rules: usize,
    /// The digest of the rules in canonical form.
    pub digest: Option<Digest>,
}

/// An entry of a section that is a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EntryState {
    /// The entry as `tc` or `ip` prints it.
    pub text: String,
    /// The entry whole, as it stands in the configuration.
    pub config: serde_json::Value,
    /// What hangs below it and came or went with it: the classes and queues of a qdisc, likewise as text.
    pub below: Vec<String>,
}

/// A chain with its rules.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChainState {
    /// Its name.
    pub name: Text,
    /// How it is hooked in.
    pub base: Option<BaseChain>,
    /// Its comment.
    pub comment: Option<Text>,
    /// In order.
    pub rules: Vec<RuleState>,
}

/// A table with everything in it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableState {
    /// Its family.
    pub family: Family,
    /// Its name.
    pub name: Text,
    /// Its flags.
    pub flags: Vec<String>,
    /// Its comment.
    pub comment: Option<Text>,
    /// Its chains.
    pub chains: Vec<ChainState>,
    /// Its named sets and maps.
    pub sets: Vec<Set>,
    /// Its named objects.
    pub objects: Vec<Object>,
}

/// The rule at `index` (from 0) as a change shows it.
pub(super) fn rule(plane: Plane, table: &Table, chain: &Chain, index: usize, rule: &Rule) -> RuleState {
    RuleState {
        position: index + 1,
        text: text::rule(plane, table, chain, rule),
        items: rule.items.clone(),
        comment: rule.comment.clone(),
    }
}

/// A chain as a change shows it.
pub(super) fn chain(plane: Plane, table: &Table, of: &Chain) -> ChainState {
    let rules = of.rules.iter().enumerate();
    ChainState {
        name: of.name.clone(),
        base: of.base.clone(),
        comment: of.comment.clone(),
        rules: rules
            .map(|(index, one)| rule(plane, table, of, index, one))
            .collect(),
    }
}

/// A table as a change shows it.
pub(super) fn table(plane: Plane, of: &Table) -> TableState {
    TableState {
        family: of.family,
        name: of.name.clone(),
        flags: of.flags.clone(),
        comment: of.comment.clone(),
        chains: of.chains.iter().map(|one| chain(plane, of, one)).collect(),
        sets: of.sets.clone(),
        objects: of.objects.clone(),
    }
}
