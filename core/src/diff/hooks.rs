//! The order of base chains that share a hook and a priority.

use std::collections::BTreeMap;

use super::Kind;
use super::comparison::Change;
use super::ruleset::Scope;
use super::side::Value;
use crate::netfilter::model::{ChainId, Family, Hook, HookOrder};

/// Which packets meet a hook: an `inet` chain stands in the order of `ip` and of `ip6` alike, and is one chain.
fn packets(family: Family) -> Family {
    match family {
        Family::Ip | Family::Ip6 | Family::Inet => Family::Inet,
        other => other,
    }
}

type Group = (Family, Hook, i32);

/// One change for each hook and priority at which chains that are on both sides swapped places. A chain that came or went is
/// a change of its own elsewhere.
pub(super) fn compare(scope: &Scope<'_>, before: &[HookOrder], after: &[HookOrder]) -> Vec<Change> {
    let mut groups: BTreeMap<Group, (Vec<HookOrder>, Vec<HookOrder>)> = BTreeMap::new();
    for one in before {
        let same =
            |row: &&HookOrder| (row.family, row.hook, row.priority) == (one.family, one.hook, one.priority);
        let Some(other) = after.iter().find(same) else {
            continue;
        };
        let (left, right) = (common(scope, one, other), common(scope, other, one));
        if left.chains != right.chains {
            let slot = groups
                .entry((packets(one.family), one.hook, one.priority))
                .or_default();
            slot.0.push(left);
            slot.1.push(right);
        }
    }
    groups
        .into_iter()
        .map(|((family, hook, priority), (left, right))| {
            scope
                .change(
                    Kind::HookOrderChanged,
                    format!("{family}/{}/{priority}", hook.as_str()),
                )
                .before(Value::Order(left))
                .after(Value::Order(right))
        })
        .collect()
}

/// The order of those chains that the other side has too and that were read.
fn common(scope: &Scope<'_>, of: &HookOrder, with: &HookOrder) -> HookOrder {
    let keep = |id: &&ChainId| with.chains.contains(id) && !scope.gaps.touch(&id.to_string());
    HookOrder {
        chains: of.chains.iter().filter(keep).cloned().collect(),
        ..of.clone()
    }
}
