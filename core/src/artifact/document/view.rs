//! Rulesets as people read them: each rule as a line, with what it decides, looks at, and hides from this version.

use serde::Serialize;

use crate::bytes::{Big, Text};
use crate::netfilter::model::{
    BaseChain, Chain, ChainRuntime, Counters, Element, ElementRuntime, Item, Match, NatKind, Object,
    ObjectRuntime, Opaque, OpaqueAttribute, Plane, Rule, RuleRuntime, Set, SetRuntime, Statement, Table,
    TableRuntime, TargetOption, Value, Verdict,
};
use crate::netfilter::text;
use crate::section::Content;

#[derive(Serialize)]
pub(super) struct TableView<'a> {
    family: &'static str,
    name: &'a Text,
    flags: &'a [String],
    comment: Option<&'a Text>,
    chains: Vec<ChainView<'a>>,
    sets: Vec<SetView<'a>>,
    objects: Vec<ObjectView<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    opaque: &'a [OpaqueAttribute],
}

#[derive(Serialize)]
struct ChainView<'a> {
    name: &'a Text,
    #[serde(rename = "type")]
    chain_type: Option<&'a Text>,
    hook: Option<&'static str>,
    priority: Option<i32>,
    policy: Option<String>,
    policy_counters: Option<Counters>,
    devices: &'a [Text],
    comment: Option<&'a Text>,
    rules: Vec<RuleView<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    opaque: &'a [OpaqueAttribute],
}

#[derive(Serialize)]
struct RuleView<'a> {
    text: String,
    verdict: Option<String>,
    matches: Vec<&'a Match>,
    statements: Vec<&'a Statement>,
    opaque: Vec<&'a Opaque>,
    comment: Option<&'a Text>,
    counters: Option<Counters>,
    handle: Option<Big>,
    /// In force, and not shown by the ordinary tools.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    hidden: bool,
}

#[derive(Serialize)]
struct SetView<'a> {
    #[serde(flatten)]
    set: &'a Set,
    /// Elements that packets added.
    runtime_elements: &'a [Element],
    /// What the elements have come to, in the same places.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    element_states: &'a [ElementRuntime],
}

#[derive(Serialize)]
struct ObjectView<'a> {
    #[serde(flatten)]
    object: &'a Object,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    counters: Option<Counters>,
    /// What of a quota is used, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    used: Option<Big>,
}

/// The tables of a ruleset; none for what is no ruleset.
pub(super) fn tables(content: &Content) -> Vec<TableView<'_>> {
    let Content::Netfilter { config, runtime } = content else {
        return Vec::new();
    };
    let runtime = runtime.tables.iter().map(Some).chain(std::iter::repeat(None));
    config
        .tables
        .iter()
        .zip(runtime)
        .map(|(table, runtime)| table_view(config.plane, table, runtime))
        .collect()
}

fn table_view<'a>(plane: Plane, table: &'a Table, runtime: Option<&'a TableRuntime>) -> TableView<'a> {
    let chain = |(index, chain)| {
        let runtime = runtime.and_then(|runtime| runtime.chains.get(index));
        chain_view(plane, table, chain, runtime)
    };
    let set = |(index, set)| {
        let runtime: Option<&SetRuntime> = runtime.and_then(|runtime| runtime.sets.get(index));
        SetView {
            set,
            runtime_elements: runtime.map_or(&[], |runtime| &runtime.elements),
            element_states: runtime.map_or(&[], |runtime| &runtime.states),
        }
    };
    let object = |(index, object)| {
        let runtime: Option<&ObjectRuntime> = runtime.and_then(|runtime| runtime.objects.get(index));
        ObjectView {
            object,
            text: text::nft::object(object),
            counters: runtime.and_then(|runtime| runtime.counters),
            used: runtime.and_then(|runtime| runtime.used),
        }
    };
    TableView {
        family: table.family.as_str(),
        name: &table.name,
        flags: &table.flags,
        comment: table.comment.as_ref(),
        chains: table.chains.iter().enumerate().map(chain).collect(),
        sets: table.sets.iter().enumerate().map(set).collect(),
        objects: table.objects.iter().enumerate().map(object).collect(),
        opaque: &table.opaque,
    }
}

fn chain_view<'a>(
    plane: Plane,
    table: &'a Table,
    chain: &'a Chain,
    runtime: Option<&'a ChainRuntime>,
) -> ChainView<'a> {
    let base = chain.base.as_ref();
    let rule = |(index, rule)| {
        let runtime = runtime.and_then(|runtime| runtime.rules.get(index));
        rule_view(text::rule(plane, table, chain, rule), rule, runtime)
    };
    ChainView {
        name: &chain.name,
        chain_type: base.map(|base| &base.chain_type),
        hook: base.map(|base| base.hook.as_str()),
        priority: base.map(|base| base.priority),
        policy: base.map(|base| policy(plane, base)),
        policy_counters: runtime.and_then(|runtime| runtime.policy_counters),
        devices: base.map_or(&[], |base| &base.devices),
        comment: chain.comment.as_ref(),
        rules: chain.rules.iter().enumerate().map(rule).collect(),
        opaque: &chain.opaque,
    }
}

/// The policy in the spelling of the plane's own tools.
fn policy(plane: Plane, base: &BaseChain) -> String {
    match plane {
        Plane::Nft => base.policy.word().to_owned(),
        Plane::Legacy | Plane::Unstated => base.policy.word().to_ascii_uppercase(),
    }
}

fn rule_view<'a>(text: String, rule: &'a Rule, runtime: Option<&RuleRuntime>) -> RuleView<'a> {
    let (mut matches, mut statements, mut opaque) = (Vec::new(), Vec::new(), Vec::new());
    for item in &rule.items {
        match item {
            Item::Match(item) => matches.push(item),
            Item::Statement(item) => statements.push(item),
            Item::Opaque(item) => opaque.push(item),
        }
    }
    RuleView {
        text,
        verdict: statements.iter().rev().find_map(|statement| verdict(statement)),
        matches,
        statements,
        opaque,
        comment: rule.comment.as_ref(),
        counters: runtime.and_then(|runtime| runtime.counters),
        handle: runtime.and_then(|runtime| runtime.handle),
        hidden: runtime.is_some_and(|runtime| runtime.hidden),
    }
}

/// What a target decides. Those of arptables and ebtables say it in an option, as `--mark-target ACCEPT`.
fn target(name: &str, options: &[TargetOption]) -> Option<String> {
    let stated = options.iter().find(|option| option.name.ends_with("-target"));
    match (name, stated.and_then(|option| option.value.as_ref())) {
        (_, Some(Value::Symbol(word))) => (word != "CONTINUE").then(|| word.to_ascii_lowercase()),
        ("mangle", _) => Some("accept".to_owned()),
        ("TPROXY" | "SYNPROXY" | "NETMAP", _) => Some(name.to_ascii_lowercase()),
        _ => None,
    }
}

/// What a statement decides about the packet, in one or two words.
fn verdict(statement: &Statement) -> Option<String> {
    let word = match statement {
        Statement::Verdict(Verdict::Jump { chain }) => return Some(format!("jump {chain}")),
        Statement::Verdict(Verdict::Goto { chain }) => return Some(format!("goto {chain}")),
        Statement::Verdict(verdict) => verdict.word(),
        Statement::VerdictMap { .. } => "vmap",
        Statement::Reject { .. } => "reject",
        Statement::Queue { .. } | Statement::QueueBy { .. } => "queue",
        Statement::Tproxy { .. } => "tproxy",
        Statement::Synproxy { .. } => "synproxy",
        Statement::Fwd { .. } => "fwd",
        Statement::Nat { nat, .. } => match nat {
            NatKind::Snat => "snat",
            NatKind::Dnat => "dnat",
            NatKind::Masquerade => "masquerade",
            NatKind::Redirect => "redirect",
        },
        Statement::Target { name, options } => return target(name, options),
        // These let the packet go on to the next rule.
        Statement::Counter { .. }
        | Statement::Log { .. }
        | Statement::Limit { .. }
        | Statement::Quota { .. }
        | Statement::Set { .. }
        | Statement::MapTo { .. }
        | Statement::Elements { .. }
        | Statement::Dup { .. }
        | Statement::FlowOffload { .. }
        | Statement::ConnLimit { .. }
        | Statement::Last
        | Statement::ResetOption { .. }
        | Statement::Notrack
        | Statement::Dynset { .. }
        | Statement::Object { .. }
        | Statement::TcpMss { .. } => return None,
    };
    Some(word.to_owned())
}
