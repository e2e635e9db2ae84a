//! What belongs to a program that makes it again when it starts.

use super::super::comparison::Change;
use super::super::maker;
use super::super::side::Value;
use crate::host::persisted::{Load, Starts};
use crate::netfilter::model::{Item, Statement, Verdict};

/// The maker of what changed: by the chain or table it is in, else by the chain that the rule leads to.
pub(super) fn of(change: &Change) -> Option<&'static str> {
    change
        .maker
        .or_else(|| change.chain.as_ref().and_then(|id| maker::of_chain(&id.chain)))
        .or_else(|| {
            let mut rules = [&change.before, &change.after]
                .into_iter()
                .flatten()
                .map(leads_to);
            // Both sides of a rule that changed have to be the maker's.
            let first = rules.next()??;
            rules.all(|other| other == Some(first)).then_some(first)
        })
}

fn leads_to(value: &Value) -> Option<&'static str> {
    let Value::Rule(rule) = value else {
        return None;
    };
    rule.items.iter().find_map(|item| match item {
        Item::Statement(Statement::Verdict(Verdict::Jump { chain } | Verdict::Goto { chain })) => {
            maker::of_chain(chain)
        }
        _ => None,
    })
}

/// True if the maker makes it again by itself. What ufw and firewalld make, they make of files that are compared.
pub(super) fn makes_again(maker: &str, loads: &[&Load]) -> bool {
    match maker {
        "ufw" => false,
        "firewalld" => loads
            .iter()
            .any(|load| load.unit == Some("firewalld.service") && load.starts == Starts::Yes),
        _ => true,
    }
}
