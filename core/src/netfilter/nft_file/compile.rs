//! From the tree to the messages that the kernel would list had the file been loaded.
//!
//! `nft` turns its language into expressions over registers, adding the matches on protocols that a field needs. This does
//! the same (tried with `nft --debug=netlink` 1.0.6), so that the decoder of the kernel's messages reads files too and one
//! ruleset has one form whichever way it came.

use std::collections::{BTreeMap, BTreeSet};

use super::ast::{Chain, Element, Expr, Judgement, Kind, Rule, Set, Statement, Table, Target};
use super::attributes::{Attributes, user_data};
use super::datatype::Ty;
use super::{Notes, UNRESOLVED_JUMP, UNRESOLVED_SET};
use crate::bytes::{Big, Hex, Text};
use crate::netfilter::model::{Family, Hook};
use crate::netfilter::nft::consts;
use crate::raw::{GroupName, LinkName, NetlinkRaw, RawMessage};

mod act;
mod constant;
mod depend;
mod emit;
mod filled;
mod load;
mod mangle;
mod merge;
mod object;
mod relation;
mod set;
mod shape;

use emit::Emitter;

/// Why a statement has no bytecode here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault(pub(super) String);

pub(super) type Compiled<T = ()> = Result<T, Fault>;

pub(super) fn fault<T>(why: impl Into<String>) -> Compiled<T> {
    Err(Fault(why.into()))
}

/// What a set holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Data {
    None,
    Verdict,
    Value(Vec<Ty>),
    /// `NFT_OBJECT_*`.
    Object(u32),
}

/// The types of a named set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SetType {
    pub(super) key: Vec<Ty>,
    pub(super) data: Data,
    pub(super) interval: bool,
}

/// Names of a table that its rules may use.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) sets: BTreeMap<String, SetType>,
    pub(super) chains: BTreeSet<String>,
}

/// What is written beside the rules.
#[derive(Debug)]
pub(super) struct Side<'n> {
    pub(super) messages: Vec<RawMessage>,
    pub(super) links: Vec<LinkName>,
    groups: Vec<GroupName>,
    pub(super) notes: &'n mut Notes,
    /// Counts sets and chains without names.
    numbered: u64,
    /// Sets that rules use and nobody declares, by table: their types stand until the messages are read.
    pub(super) phantoms: Vec<(Family, String, String)>,
    /// Chains in place that wait for their rules.
    waiting: Vec<(String, Vec<Rule>)>,
    /// Rules whose counter came without numbers, by their place.
    pub(super) uncounted: BTreeSet<(Family, Text, Text, usize)>,
}

/// Messages, and what has to be put right after they are read.
#[derive(Debug)]
pub(super) struct Messages {
    pub(super) raw: NetlinkRaw,
    pub(super) phantoms: Vec<(Family, String, String)>,
    pub(super) uncounted: BTreeSet<(Family, Text, Text, usize)>,
}

/// Compiles tables, which stand in the order in which they would be made.
pub(super) fn tables(mut tables: Vec<Table>, notes: &mut Notes) -> Messages {
    tables.iter_mut().for_each(filled::mark);
    let mut side = Side {
        messages: Vec::new(),
        links: Vec::new(),
        groups: Vec::new(),
        notes,
        numbered: 0,
        phantoms: Vec::new(),
        waiting: Vec::new(),
        uncounted: BTreeSet::new(),
    };
    for table in &tables {
        side.table(table);
    }
    Messages {
        raw: NetlinkRaw {
            groups: side.groups,
            links: side.links,
            sets: Vec::new(),
            messages: side.messages,
        },
        phantoms: side.phantoms,
        uncounted: side.uncounted,
    }
}

/// `NFPROTO_*`, `linux/netfilter.h`.
pub(super) fn family_number(family: Family) -> u8 {
    match family {
        Family::Inet => 1,
        Family::Ip => 2,
        Family::Arp => 3,
        Family::Netdev => 5,
        Family::Bridge => 7,
        Family::Ip6 => 10,
    }
}

/// Text as user data with its NUL, as `nft` writes comments.
pub(super) fn comment_data(kind: u8, comment: &str) -> Option<Vec<u8>> {
    user_data(kind, &[comment.as_bytes(), b"\0"].concat())
}

impl Side<'_> {
    pub(super) fn message(&mut self, family: Family, message_type: u16, attributes: &Attributes) {
        let header = [family_number(family), 0, 0, 0];
        if attributes.is_too_large() {
            self.notes
                .gap(family.as_str(), "an attribute is larger than a message can hold");
            return;
        }
        self.messages.push(RawMessage {
            message_type,
            payload: Hex([header.as_slice(), attributes.bytes()].concat()),
        });
    }

    /// A name for what has none.
    pub(super) fn unnamed(&mut self, what: &str) -> String {
        self.numbered = self.numbered.saturating_add(1);
        format!("__{what}{}", self.numbered)
    }

    /// The number that stands for a link's name in these messages.
    pub(super) fn link(&mut self, name: &str) -> u32 {
        const FIRST: u32 = 0x4000_0000;
        let is_loopback = name == "lo";
        let name = Text::from(name);
        if let Some(known) = self.links.iter().find(|link| link.name == name) {
            return known.index;
        }
        // The loopback is the first link of every namespace.
        let next = FIRST.saturating_add(u32::try_from(self.links.len()).unwrap_or(u32::MAX));
        let index = if is_loopback { 1 } else { next };
        self.links.push(LinkName { index, name });
        index
    }

    /// A number for a control group, which the text names by its path; no group has one that large.
    pub(super) fn group(&mut self, path: &str) -> u64 {
        const FIRST: u64 = 1 << 62;
        let path = Text::from(path.trim_start_matches('/'));
        if let Some(known) = self.groups.iter().find(|group| group.path == path) {
            return known.number.0;
        }
        let number = FIRST.saturating_add(u64::try_from(self.groups.len()).unwrap_or(u64::MAX));
        self.groups.push(GroupName {
            number: Big(number),
            path,
        });
        number
    }

    fn table(&mut self, table: &Table) {
        let mut out = Attributes::default();
        out.text(1, &table.name);
        out.be32(2, table_flags(&table.flags));
        if let Some(handle) = table.handle {
            out.be64(4, handle);
        }
        if let Some(data) = table.comment.as_deref().and_then(|text| comment_data(0, text)) {
            out.put(6, &data);
        }
        self.message(table.family, consts::NEW_TABLE, &out);
        let mut names = Names {
            sets: BTreeMap::new(),
            chains: table.chains.iter().map(|chain| chain.name.clone()).collect(),
        };
        for set in &table.sets {
            match self.set_type(table, set) {
                Ok(ty) => drop(names.sets.insert(set.name.clone(), ty)),
                Err(Fault(why)) => self
                    .notes
                    .gap(&format!("{}/{}/{}", table.family, table.name, set.name), &why),
            }
        }
        for chain in &table.chains {
            self.chain(table, chain, is_numbered(chain));
        }
        for object in &table.objects {
            object::object(self, table, object);
        }
        for flowtable in &table.flowtables {
            object::flowtable(self, table, flowtable);
        }
        for set in &table.sets {
            if let Some(ty) = names.sets.get(&set.name).cloned() {
                self.named_set(table, set, &ty, &names);
            }
        }
        for chain in &table.chains {
            self.rules(table, &chain.name, &chain.rules, &mut names);
        }
    }

    fn set_type(&self, table: &Table, set: &Set) -> Compiled<SetType> {
        let Some(key) = &set.key else {
            return fault("a set without the type of its keys");
        };
        let data = match &set.data {
            None if set.is_map => return fault("a map without the type of its values"),
            None => Data::None,
            Some(Kind::Verdict) => Data::Verdict,
            Some(Kind::Object(kind)) => Data::Object(object::number(kind)?),
            Some(kind) => Data::Value(shape::types(table.family, kind)?),
        };
        Ok(SetType {
            key: shape::types(table.family, key)?,
            data,
            interval: set.flags.iter().any(|flag| flag == "interval"),
        })
    }

    fn chain(&mut self, table: &Table, chain: &Chain, bound: bool) {
        let mut out = Attributes::default();
        out.text(1, &table.name);
        if let Some(handle) = chain.handle {
            out.be64(2, handle);
        }
        out.text(3, &chain.name);
        let mut flags = if bound { consts::CHAIN_BINDING } else { 0 };
        if let Some(base) = &chain.base {
            let mut hook = Attributes::default();
            hook.be32(1, hook_number(table.family, base.hook));
            hook.be32(2, base.priority.cast_unsigned());
            let mut devices = Attributes::default();
            for device in &base.devices {
                devices.text(1, device);
            }
            if !devices.is_empty() {
                hook.nest(4, &devices);
            }
            out.nest(4, &hook);
            out.be32(5, u32::from(base.policy.as_deref() != Some("drop")));
            out.text(7, &base.kind);
            if chain.offload {
                flags |= consts::CHAIN_OFFLOAD;
            }
        }
        if flags != 0 {
            out.be32(10, flags);
        }
        if let Some(data) = chain.comment.as_deref().and_then(|text| comment_data(0, text)) {
            out.put(12, &data);
        }
        self.message(table.family, consts::NEW_CHAIN, &out);
    }

    fn rules(&mut self, table: &Table, chain: &str, rules: &[Rule], names: &mut Names) {
        for (index, rule) in rules.iter().enumerate() {
            let path = format!(
                "{}/{}/{chain}/rule[{}]",
                table.family,
                table.name,
                index.saturating_add(1)
            );
            let mut emitter = Emitter::new(table, names, self, &path);
            for sourced in &rule.statements {
                emitter.sourced(sourced);
            }
            let expressions = emitter.finish();
            if rule
                .statements
                .iter()
                .any(|one| one.statement == Statement::Counter(None))
            {
                let place = (
                    table.family,
                    Text::from(table.name.as_str()),
                    Text::from(chain),
                    index,
                );
                self.uncounted.insert(place);
            }
            self.rule(table, chain, rule, &expressions);
            for (name, rules) in std::mem::take(&mut self.waiting) {
                let bound = Chain {
                    name: name.clone(),
                    handle: Some(self.numbered),
                    ..Chain::default()
                };
                names.chains.insert(name.clone());
                self.chain(table, &bound, true);
                self.rules(table, &name, &rules, names);
            }
        }
    }

    fn rule(&mut self, table: &Table, chain: &str, rule: &Rule, expressions: &Attributes) {
        let mut out = Attributes::default();
        out.text(1, &table.name);
        out.text(2, chain);
        if let Some(handle) = rule.handle {
            out.be64(3, handle);
        }
        out.nest(4, expressions);
        if let Some(comment) = &rule.comment {
            match comment_data(0, comment) {
                Some(data) => out.put(7, &data),
                None => self.notes.gap(
                    &format!("{}/{}/{chain}", table.family, table.name),
                    "a comment is longer than the kernel takes",
                ),
            }
        }
        self.message(table.family, consts::NEW_RULE, &out);
    }

    /// The chain that a verdict leads to.
    pub(super) fn target(&mut self, path: &str, names: &Names, target: &Target) -> String {
        match target {
            Target::Chain(name) => {
                if !names.chains.contains(name) {
                    let what = format!("{path} leads to the chain {name}, which is not there");
                    self.notes.warn(UNRESOLVED_JUMP, what);
                }
                name.clone()
            }
            Target::Rules(rules) => {
                let name = self.unnamed("chain");
                self.waiting.push((name.clone(), rules.clone()));
                name
            }
        }
    }

    pub(super) fn missing_set(&mut self, path: &str, name: &str) {
        let what = format!("{path} uses the set {name}, which is not there");
        self.notes.warn(UNRESOLVED_SET, what);
    }
}

/// The kernel numbers chains without names so; a person can't call a chain like this and hook it in nowhere by chance.
fn is_numbered(chain: &Chain) -> bool {
    let number = chain.name.strip_prefix("__chain");
    chain.base.is_none()
        && number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn table_flags(words: &[String]) -> u32 {
    let bit = |word: &String| match word.as_str() {
        "dormant" => 1,
        "owner" => 2,
        "persist" => 4,
        _ => 0,
    };
    words.iter().map(bit).fold(0, |bits, bit| bits | bit)
}

/// `NF_INET_*`, `NF_ARP_*`, `NF_NETDEV_*`.
fn hook_number(family: Family, hook: Hook) -> u32 {
    match (family, hook) {
        (Family::Netdev, Hook::Egress) => 1,
        (Family::Inet, Hook::Ingress) => 5,
        (Family::Arp, Hook::Output) => 1,
        (Family::Arp, Hook::Forward) => 2,
        (Family::Arp | Family::Netdev, _) | (_, Hook::Prerouting | Hook::Ingress) => 0,
        (_, Hook::Input) => 1,
        (_, Hook::Forward) => 2,
        (_, Hook::Output) => 3,
        (_, Hook::Postrouting | Hook::Egress) => 4,
    }
}

/// The verdict's code (`enum nft_verdicts`) and the chain it leads to.
pub(super) fn verdict_parts(judgement: &Judgement) -> (i32, Option<&Target>) {
    match judgement {
        Judgement::Drop => (0, None),
        Judgement::Accept => (1, None),
        Judgement::Continue => (-1, None),
        Judgement::Jump(target) => (-3, Some(target)),
        Judgement::Goto(target) => (-4, Some(target)),
        Judgement::Return => (-5, None),
    }
}

/// True for elements that hold more than key and value.
pub(super) fn is_plain(element: &Element) -> bool {
    element.data.is_none()
        && element.timeout_ms.is_none()
        && element.comment.is_none()
        && element.statements.is_empty()
        && element.key != Expr::CatchAll
}
