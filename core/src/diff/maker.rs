//! Programs that make chains and tables of their own, recognised by the names that they give.
//!
//! A wrong maker is worse than none: who reads `docker` beside a change looks no further. So a name counts only in the form
//! that the program gives it (`KUBE-SEP-` and sixteen characters of base 32, not `KUBE-mine`), what is weak by itself only
//! beside what the program always makes with it, and chains that are there for what people write (`DOCKER-USER`) have no maker.

use crate::bytes::Text;
use crate::netfilter::model::{Chain, Item, Match, Rule, Statement, Table, Value, Verdict};

mod names;

use names::{FIREWALLD, PROGRAMS, TABLES};

/// The program that makes chains of this name, wherever they are.
pub fn of_chain(name: &Text) -> Option<&'static str> {
    let name = name.as_str()?;
    let knows = |program: &&names::Program| {
        program.chains.contains(&name)
            || program
                .made
                .iter()
                .any(|(start, rest)| name.strip_prefix(start).is_some_and(|after| rest.fits(after)))
    };
    PROGRAMS.iter().find(knows).map(|program| program.maker)
}

/// As [`of_chain`], for a chain of this table: its other chains may prove more.
pub fn of_chain_in(table: &Table, name: &Text) -> Option<&'static str> {
    of_table(&table.name)
        .or_else(|| of_chain(name))
        .or_else(|| firewalld(table, name.as_str()?).then_some("firewalld"))
        .or_else(|| calico(table, name).then_some("calico"))
}

/// Who wrote a rule: the maker of its chain; else of the chain that it leads to, or whose mark it carries.
pub fn of_rule(table: &Table, chain: &Text, rule: &Rule) -> Option<&'static str> {
    of_chain_in(table, chain)
        .or_else(|| leads_to(rule).find_map(|target| of_chain_in(table, target)))
        .or_else(|| has_calicos_mark(rule).then_some("calico"))
        .or_else(|| bans(rule).then_some("fail2ban"))
}

/// The program that makes tables of this name.
pub fn of_table(name: &Text) -> Option<&'static str> {
    let name = name.as_str()?;
    let found = TABLES.iter().find(|(known, _)| *known == name);
    found.map(|(_, maker)| *maker)
}

fn has(table: &Table, name: &str) -> bool {
    table
        .chains
        .iter()
        .any(|chain| chain.name.as_bytes() == name.as_bytes())
}

/// A zone's chain has its four stages beside it; the chains of direct rules are there for every hook of the table at once.
fn firewalld(table: &Table, name: &str) -> bool {
    if name.strip_suffix("_direct").is_some_and(|hook| has(table, hook)) {
        let mut bases = table.chains.iter().filter(|chain| chain.base.is_some());
        let direct = |chain: &Chain| has(table, &format!("{}_direct", chain.name));
        return ["INPUT", "OUTPUT", "PREROUTING"]
            .iter()
            .any(|hook| has(table, &format!("{hook}_ZONES")))
            || bases.all(direct);
    }
    let stages = ["_pre", "_log", "_deny", "_allow", "_post"];
    let stage = stages.iter().find_map(|stage| name.strip_suffix(stage));
    let base = stage.unwrap_or(name);
    let is_zone = FIREWALLD
        .iter()
        .any(|start| base.strip_prefix(start).is_some_and(|zone| !zone.is_empty()));
    let beside = ["", "_log", "_deny", "_allow"];
    is_zone && beside.iter().all(|stage| has(table, &format!("{base}{stage}")))
}

/// Chains of versions that have more of them: all their rules carry Calico's mark.
fn calico(table: &Table, name: &Text) -> bool {
    let mut named = table.chains.iter().filter(|chain| chain.name == *name);
    name.as_bytes().starts_with(b"cali-")
        && named.any(|chain| !chain.rules.is_empty() && chain.rules.iter().all(has_calicos_mark))
}

fn leads_to(rule: &Rule) -> impl Iterator<Item = &Text> {
    rule.items.iter().filter_map(|item| match item {
        Item::Statement(Statement::Verdict(Verdict::Jump { chain } | Verdict::Goto { chain })) => Some(chain),
        _ => None,
    })
}

fn matches(rule: &Rule) -> impl Iterator<Item = &Match> {
    rule.items.iter().filter_map(|item| match item {
        Item::Match(one) => Some(one),
        _ => None,
    })
}

/// A comment of `cali:` and sixteen characters, by which Calico finds its rules again.
fn has_calicos_mark(rule: &Rule) -> bool {
    let is_mark = |text: &Text| {
        let hash = text.as_bytes().strip_prefix(b"cali:");
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        hash.is_some_and(|hash| hash.len() == 16 && hash.iter().all(plain))
    };
    let is_comment = |one: &Match| one.field.0 == "comment" && holds(&one.value, &is_mark);
    rule.comment.as_ref().is_some_and(is_mark) || matches(rule).any(is_comment)
}

/// It asks a set that fail2ban fills.
fn bans(rule: &Rule) -> bool {
    let is_jail = |text: &Text| text.as_bytes().starts_with(b"f2b-");
    matches(rule).any(|one| one.field.0 == "set" && holds(&one.value, &is_jail))
}

fn holds(value: &Value, is_it: &dyn Fn(&Text) -> bool) -> bool {
    match value {
        Value::Text(text) | Value::SetName(text) => is_it(text),
        Value::Parts(parts) => parts.iter().any(|part| holds(&part.value, is_it)),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
