//! The syntax of `ebtables-save`.
//!
//! What ebtables can't say is printed in brackets, which no tool loads: such a line is for people.

use super::iptables::words::save_string;
use super::iptables::{target, unsayable};
use crate::bytes::Text;
use crate::netfilter::builtin;
use crate::netfilter::model::{
    Chain, Family, Item, LimitUnit, Match, Rule, Statement, Table, TableRuntime, Value, Verdict,
};
use crate::netfilter::xt::ebt::POLICY;

mod option;

/// `-A CHAIN …` as `ebtables-save` prints it. Bytes that are not text are shown as `\xNN`.
pub fn rule(chain: &Text, rule: &Rule) -> String {
    Text::from(rule_bytes(chain, rule)).to_string()
}

/// The same line, byte for byte as `ebtables-restore` takes it.
pub fn rule_bytes(chain: &Text, rule: &Rule) -> Vec<u8> {
    let mut line = b"-A ".to_vec();
    line.extend_from_slice(chain.as_bytes());
    let of_ipv6 = rule.items.iter().any(is_ipv6);
    let mut action: Option<Vec<u8>> = None;
    let mut rest = rule.items.as_slice();
    while let Some((item, after)) = rest.split_first() {
        rest = after;
        let words = match item {
            Item::Match(step) => match (option::icmp(step, after.first()), option::words(step, of_ipv6)) {
                (Some((words, used)), _) => {
                    rest = after.get(used..).unwrap_or_default();
                    words
                }
                (None, words) => words.unwrap_or_else(|| unsayable(item)),
            },
            Item::Statement(step) if is_watcher(step) => watcher(item),
            Item::Statement(Statement::Limit { .. }) => limit(item),
            Item::Statement(Statement::Counter { name: None }) => continue,
            Item::Opaque(opaque) if opaque.kind != "target" => unsayable(item),
            other => {
                action = Some(target(Family::Bridge, other).unwrap_or_else(|| unsayable(other)));
                continue;
            }
        };
        line.push(b' ');
        line.extend(words);
    }
    line.push(b' ');
    line.extend(action.unwrap_or_else(|| b"-j CONTINUE".to_vec()));
    if let Some(comment) = &rule.comment {
        line.extend_from_slice(b" [comment ");
        save_string(&mut line, comment.as_bytes());
        line.push(b']');
    }
    line
}

/// `ether type ip6`.
fn is_ipv6(item: &Item) -> bool {
    const IPV6: u32 = 0x86dd;
    matches!(item, Item::Match(Match { field, value: Value::Number(IPV6), .. }) if field.0 == "ether.type")
}

fn is_watcher(step: &Statement) -> bool {
    matches!(step, Statement::Target { name, .. } if name == "log" || name == "nflog")
}

/// A watcher is said by its options alone.
fn watcher(item: &Item) -> Vec<u8> {
    let words = target(Family::Bridge, item);
    let options = words.and_then(|words| {
        let begin = words.windows(3).position(|three| three == b" --")?;
        Some(words.get(begin + 1..)?.to_vec())
    });
    options.unwrap_or_else(|| unsayable(item))
}

fn limit(item: &Item) -> Vec<u8> {
    let Item::Statement(Statement::Limit {
        rate,
        unit,
        burst,
        bytes: false,
        over: false,
    }) = item
    else {
        return unsayable(item);
    };
    let unit = match unit {
        LimitUnit::Second => "sec",
        LimitUnit::Minute => "min",
        LimitUnit::Hour => "hour",
        LimitUnit::Day => "day",
        LimitUnit::Week => return unsayable(item),
    };
    format!("--limit {rate}/{unit} --limit-burst {burst}").into_bytes()
}

/// A whole table as a block that `ebtables-restore` loads, with counters where `runtime` has them.
pub fn table_save(table: &Table, runtime: Option<&TableRuntime>) -> Text {
    let mut out = b"*".to_vec();
    out.extend_from_slice(table.name.as_bytes());
    out.push(b'\n');
    let order = builtin::BRIDGE_CHAINS;
    let place = |name: &Text| order.iter().position(|known| known.as_bytes() == name.as_bytes());
    let mut chains: Vec<_> = table.chains.iter().enumerate().collect();
    chains.sort_by_key(|(_, chain)| (place(&chain.name).unwrap_or(order.len()), chain.name.clone()));
    for (_, chain) in &chains {
        out.push(b':');
        out.extend_from_slice(chain.name.as_bytes());
        out.push(b' ');
        out.extend_from_slice(policy(chain).as_bytes());
        out.push(b'\n');
    }
    for (number, chain) in chains {
        let counted = runtime.and_then(|runtime| runtime.chains.get(number));
        let rules = chain.rules.iter().filter(|rule| !is_policy(rule)).enumerate();
        for (place, rule) in rules {
            let of_rule = counted.and_then(|chain| chain.rules.get(place));
            if let Some(counters) = of_rule.and_then(|rule| rule.counters) {
                out.extend(format!("[{}:{}] ", counters.packets, counters.bytes).into_bytes());
            }
            out.extend(rule_bytes(&chain.name, rule));
            out.push(b'\n');
        }
    }
    Text::from(out)
}

fn is_policy(rule: &Rule) -> bool {
    rule.comment
        .as_ref()
        .is_some_and(|comment| comment.as_bytes() == POLICY.as_bytes())
}

fn policy(chain: &Chain) -> &'static str {
    let stated = chain
        .rules
        .last()
        .filter(|rule| is_policy(rule))
        .and_then(|rule| rule.items.first());
    let verdict = match (&chain.base, stated) {
        (Some(base), _) => Some(&base.policy),
        (None, Some(Item::Statement(Statement::Verdict(verdict)))) => Some(verdict),
        _ => None,
    };
    match verdict {
        Some(Verdict::Accept) => "ACCEPT",
        Some(Verdict::Drop) => "DROP",
        _ => "RETURN",
    }
}
