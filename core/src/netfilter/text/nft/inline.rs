//! Chains without a name, written where they are used: `jump { … }`.

use super::rule;
use crate::netfilter::model::{Chain, Rule, Table};

/// How the names of such chains begin in a model, before their number and a closing parenthesis. No person can give one.
const MARK: &str = "(implicit ";

/// How deep they may lie in one another: as deep as the kernel jumps (`NFT_JUMP_STACK_SIZE`).
const DEPTH: usize = 16;

/// True for a chain that has no name of its own.
pub(super) fn is_implicit(chain: &Chain) -> bool {
    chain.name.as_bytes().starts_with(MARK.as_bytes())
}

/// A rule on one line, with the chains without a name that it jumps to.
pub(super) fn rule_in(table: &Table, one: &Rule) -> String {
    filled(table, &rule(table.family, one), DEPTH)
}

/// The number of the first chain without a name that a chain uses. They are numbered as they were made, so chains that use
/// them have to be written in this order to be numbered so again.
pub(super) fn first_used(table: &Table, chain: &Chain) -> u64 {
    let numbers = chain.rules.iter().filter_map(|one| {
        let text = rule(table.family, one);
        let (_, name, _) = find(&text)?;
        let number = name.strip_prefix(MARK)?.strip_suffix(')')?;
        number.parse().ok()
    });
    numbers.min().unwrap_or(u64::MAX)
}

fn filled(table: &Table, text: &str, depth: usize) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let (Some((before, name, after)), true) = (find(rest), depth > 0) {
        out.push_str(before);
        match table.chains.iter().find(|chain| chain.name == name.into()) {
            Some(chain) => {
                let rules = chain.rules.iter();
                let lines: Vec<String> = rules
                    .map(|one| filled(table, &rule(table.family, one), depth - 1))
                    .collect();
                out.push_str(&format!("{{ {}; }}", lines.join("; ")));
            }
            None => out.push_str(name),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The first name of such a chain outside quotation marks, with what stands before and behind it.
fn find(text: &str) -> Option<(&str, &str, &str)> {
    let mut quoted = false;
    for (at, character) in text.char_indices() {
        quoted ^= character == '"';
        let (before, here) = text.split_at_checked(at)?;
        if !quoted && here.starts_with(MARK) {
            let (name, after) = here.split_at_checked(here.find(')')? + 1)?;
            return Some((before, name, after));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_quotation_marks_is_no_chain() {
        let text = "log prefix \"(implicit 1)\" jump (implicit 2)";
        let (before, name, after) = find(text).unwrap();
        assert_eq!(
            (before, name, after),
            ("log prefix \"(implicit 1)\" jump ", "(implicit 2)", "")
        );
        assert_eq!(find("jump (implicit 2"), None);
        assert_eq!(find("ip saddr & (1 | 2) == 1"), None);
    }
}
