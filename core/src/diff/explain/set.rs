//! Changes of sets, maps and objects: what matters is which rules use them.

use super::board::{Board, Boards};
use super::{Evidence, Explanation, Role};
use crate::bytes::Text;
use crate::diff::Kind;
use crate::diff::comparison::{Change, Side};
use crate::netfilter::model::{ElementData, Family, Item, Rule, Statement, Value};

/// Rules named as evidence.
const MOST_NAMED: usize = 8;

/// What such a change means; `None` for one of another kind.
pub(super) fn explain(change: &Change, boards: &mut Boards<'_>) -> Option<Explanation> {
    let (text, side) = sentence(change.kind)?;
    let mut out = Explanation::new(text);
    let Some((family, table, name)) = place(change) else {
        return Some(out);
    };
    let Some((board, _)) = boards.of(side, change.section, family, &table) else {
        return Some(out);
    };
    let users = users(board, &name);
    match users.len() {
        0 if !board.is_whole() => out.say(
            "No rule of its table that was read and decoded uses it; whether another does is not decided.",
        ),
        0 => out.say("No rule of its table uses it, so packets are treated as before."),
        1 => out.say("One rule uses it."),
        several => out.say(&format!("{several} rules use it.")),
    }
    out.evidence = users.into_iter().take(MOST_NAMED).collect();
    Some(out)
}

fn sentence(kind: Kind) -> Option<(&'static str, Side)> {
    Some(match kind {
        Kind::SetAdded => ("A new set or map.", Side::Current),
        Kind::SetRemoved => ("A set or map is gone.", Side::Baseline),
        Kind::SetElementAdded => ("Packets with this key are now found in the set.", Side::Current),
        Kind::SetElementRemoved => (
            "Packets with this key are no longer found in the set.",
            Side::Current,
        ),
        Kind::SetElementChanged => (
            "What the set gives for this key, or does at it, is another.",
            Side::Current,
        ),
        Kind::SetTypeChanged => (
            "The set is looked up by other keys or gives other values.",
            Side::Current,
        ),
        Kind::SetFlagsChanged => (
            "What may stand in the set, and who may fill it, is another.",
            Side::Current,
        ),
        Kind::SetTimeoutChanged => ("Elements stay in the set for another time.", Side::Current),
        Kind::SetChanged => (
            "How much the set may hold, or what new elements carry, is another.",
            Side::Current,
        ),
        Kind::ObjectAdded => ("A new named object.", Side::Current),
        Kind::ObjectRemoved => ("A named object is gone.", Side::Baseline),
        Kind::ObjectChanged => ("What a named object says is another.", Side::Current),
        _ => return None,
    })
}

/// The table and the name, from `family/table/set[NAME]`, the way that changes of sets and objects are named.
fn place(change: &Change) -> Option<(Family, Text, Text)> {
    const FAMILIES: [Family; 6] = [
        Family::Ip,
        Family::Ip6,
        Family::Inet,
        Family::Arp,
        Family::Bridge,
        Family::Netdev,
    ];
    let mut parts = change.path.splitn(3, '/');
    let (family, table, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let family = FAMILIES.into_iter().find(|one| one.as_str() == family)?;
    let (_, name) = rest.split_once('[')?;
    let name = name.split_once("]/element[").map_or(name, |(name, _)| name);
    let name = name.strip_suffix(']').unwrap_or(name);
    Some((family, table.into(), name.into()))
}

/// The rules that use a set or object by its name, or by a map that gives it.
fn users(board: &Board<'_>, name: &Text) -> Vec<Evidence> {
    let gives = |data: Option<&ElementData>| matches!(data, Some(ElementData::Object { name: object }) if object == name);
    let sets = board.table.sets.iter();
    let maps = sets.filter(|set| set.elements.iter().any(|element| gives(element.data.as_ref())));
    let names: Vec<&Text> = maps.map(|set| &set.name).chain([name]).collect();
    let mut out = Vec::new();
    for chain in &board.table.chains {
        for (index, rule) in chain.rules.iter().enumerate() {
            let written = |item: &Item| match item {
                Item::Statement(Statement::MapTo { entries, .. }) => {
                    entries.iter().any(|(_, data)| gives(Some(data)))
                }
                _ => false,
            };
            if rule.items.iter().any(written) || names.iter().any(|name| uses(rule, name)) {
                out.push(board.evidence(Role::Uses, chain, index));
            }
        }
    }
    out
}

fn uses(rule: &Rule, name: &Text) -> bool {
    rule.items.iter().any(|item| match item {
        Item::Match(one) => matches!(&one.value, Value::SetName(set) if set == name),
        Item::Statement(statement) => match statement {
            Statement::VerdictMap { map, .. } | Statement::MapTo { map, .. } => map.as_ref() == Some(name),
            Statement::Dynset { set, .. } => set == name,
            Statement::Object { name: object, .. } => object == name,
            Statement::Counter { name: Some(counter) } => counter == name,
            Statement::FlowOffload { flowtable } => flowtable == name,
            _ => false,
        },
        Item::Opaque(_) => false,
    })
}
