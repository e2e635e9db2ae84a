//! Priorities with names (`nft` "Standard priority names"; `linux/netfilter_ipv4.h`, `linux/netfilter_bridge.h`).

use crate::netfilter::model::Family;

const COMMON: [(&str, i32); 6] = [
    ("raw", -300),
    ("mangle", -150),
    ("dstnat", -100),
    ("filter", 0),
    ("security", 50),
    ("srcnat", 100),
];
const BRIDGE: [(&str, i32); 4] = [("dstnat", -300), ("filter", -200), ("out", 100), ("srcnat", 300)];

/// The number of a priority: `-150`, `filter`, `filter + 10`.
pub(super) fn number(family: Family, text: &str) -> Option<i32> {
    let text = text.trim();
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let end = text.find([' ', '+', '-']).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end)?;
    let names: &[(&str, i32)] = if family == Family::Bridge {
        &BRIDGE
    } else {
        &COMMON
    };
    let base = names.iter().find(|(known, _)| *known == name)?.1;
    let rest: String = rest.chars().filter(|letter| !letter.is_whitespace()).collect();
    let more = match rest.strip_prefix('+') {
        Some(number) => number.parse().ok()?,
        None if rest.is_empty() => 0,
        None => rest.parse().ok()?,
    };
    base.checked_add(more)
}
