//! The syntax of `iptables-save`.
//!
//! What iptables can't say (steps of nf_tables, structures that are not decoded) is printed in brackets, which no tool
//! loads: such a line is for people.

use crate::bytes::Text;
use crate::netfilter::builtin;
use crate::netfilter::model::{Chain, Counters, Family, Item, Rule, Statement, Table, TableRuntime, Verdict};

mod matches;
mod statements;
pub(super) mod words;

pub(super) use matches::{address, interface};
pub(super) use statements::target;
use words::Words;
pub(in crate::netfilter) use words::{bare, save_string};

/// `-A CHAIN …` as `iptables-save` prints it. Bytes that are not text are shown as `\xNN`; [`rule_bytes`] keeps them.
pub fn rule(family: Family, chain: &Text, rule: &Rule) -> String {
    Text::from(rule_bytes(family, chain, rule)).to_string()
}

/// The same line, byte for byte as `iptables-restore` takes it.
pub fn rule_bytes(family: Family, chain: &Text, rule: &Rule) -> Vec<u8> {
    let mut line = b"-A ".to_vec();
    line.extend_from_slice(chain.as_bytes());
    let (header, rest) = matches::header(&rule.items);
    for words in header {
        line.push(b' ');
        line.extend_from_slice(&words);
    }
    let (targets, steps): (Vec<&Item>, Vec<&Item>) = rest.into_iter().partition(|item| is_target(item));
    let comment = rule.comment.as_ref().map(comment).unwrap_or_default();
    // The first comment is the rule's, so it stands before any further one, else where people look for it.
    let is_comment = |item: &&Item| matches!(item, Item::Match(step) if step.field.0 == "comment");
    let comes_first = steps.iter().any(is_comment);
    line.extend_from_slice(if comes_first { &comment } else { &[] });
    matches::print(&mut line, &steps);
    line.extend_from_slice(if comes_first { &[] } else { &comment });
    for (place, target) in targets.into_iter().enumerate() {
        let words = statements::target(family, target).filter(|_| place == 0);
        line.push(b' ');
        line.extend(words.unwrap_or_else(|| unsayable(target)));
    }
    line
}

fn comment(comment: &Text) -> Vec<u8> {
    let mut words = b" -m comment --comment ".to_vec();
    save_string(&mut words, comment.as_bytes());
    words
}

/// A whole table as a block that `iptables-restore` loads, with counters where `runtime` has them.
///
/// It is bytes, not a `String`: comments and names may not be UTF-8.
pub fn table_save(table: &Table, runtime: Option<&TableRuntime>) -> Text {
    let mut out = Words::default();
    out.push("*").bytes(table.name.as_bytes()).push("\n");
    let mut order: Vec<usize> = (0..table.chains.len()).collect();
    order.sort_by_key(|place| {
        table
            .chains
            .get(*place)
            .and_then(built_in_place)
            .map_or((1, 0), |hook| (0, hook))
    });
    let counts = |place: usize| runtime.and_then(|runtime| runtime.chains.get(place));
    for place in &order {
        if let Some(chain) = table.chains.get(*place) {
            let counters = counts(*place)
                .and_then(|chain| chain.policy_counters)
                .unwrap_or_default();
            out.push(":")
                .bytes(chain.name.as_bytes())
                .push(" ")
                .push(policy(chain));
            out.push(&format!(" {}\n", bracketed(&counters)));
        }
    }
    for place in order {
        for (number, rule) in table
            .chains
            .get(place)
            .iter()
            .flat_map(|chain| chain.rules.iter().enumerate())
        {
            let of_rule = counts(place).and_then(|chain| chain.rules.get(number));
            if let Some(counters) = of_rule.and_then(|rule| rule.counters) {
                out.push(&format!("{} ", bracketed(&counters)));
            }
            let name = table
                .chains
                .get(place)
                .map(|chain| chain.name.clone())
                .unwrap_or_default();
            out.bytes(&rule_bytes(table.family, &name, rule)).push("\n");
        }
    }
    out.push("COMMIT\n");
    Text::from(out.0)
}

fn built_in_place(chain: &Chain) -> Option<usize> {
    chain.base.as_ref()?;
    builtin::CHAINS
        .iter()
        .position(|name| name.as_bytes() == chain.name.as_bytes())
}

/// `-` leaves a policy as it is.
fn policy(chain: &Chain) -> &'static str {
    match chain.base.as_ref().map(|base| &base.policy) {
        Some(Verdict::Accept) => "ACCEPT",
        Some(Verdict::Drop) => "DROP",
        Some(Verdict::Queue) => "QUEUE",
        Some(Verdict::Return) => "RETURN",
        _ => "-",
    }
}

fn bracketed(counters: &Counters) -> String {
    format!("[{}:{}]", counters.packets, counters.bytes)
}

/// True for what stands after `-j`. A limit and a quota are matches to iptables, and every rule counts.
fn is_target(item: &Item) -> bool {
    match item {
        Item::Match(_)
        | Item::Statement(
            Statement::Limit { .. } | Statement::Quota { .. } | Statement::Counter { name: None },
        ) => false,
        Item::Statement(_) => true,
        Item::Opaque(opaque) => opaque.kind == "target",
    }
}

/// What iptables has no words for.
pub(super) fn unsayable(item: &Item) -> Vec<u8> {
    let shown = match item {
        Item::Match(step) => serde_json::to_string(step),
        Item::Statement(step) => serde_json::to_string(step),
        Item::Opaque(step) => serde_json::to_string(step),
    };
    format!("[not in words of iptables: {}]", shown.unwrap_or_default()).into_bytes()
}
