//! What people read of a change.

use netghost_core::bytes::Text;
use netghost_core::netfilter::model::{Family, Plane, Rule};
use netghost_core::netfilter::text;
use netghost_core::raw::attr::Malformed;

use super::WriteError;
use super::attributes::pieces;
use super::names::expression_name;
use super::seen::Seen;
use super::stored::StoredRule;

/// What `iptables-save` prints behind the chain, for rules of the tables that `iptables-nft` made, and the tool.
fn of_iptables(seen: &Seen, rule: &Rule) -> Result<Option<(String, String)>, WriteError> {
    let saved = text::rule(Plane::Nft, &seen.table, seen.chain()?, rule);
    let rest = saved.strip_prefix(&format!("-A {} ", seen.id.chain));
    let version = if seen.id.family == Family::Ip6 { "6" } else { "" };
    let tool = format!("ip{version}tables-nft -t {}", seen.id.table);
    let its_own = text::is_iptables_table(&seen.table);
    Ok(rest.filter(|_| its_own).map(|rest| (tool, rest.to_owned())))
}

fn place(seen: &Seen) -> String {
    format!("{} {} {}", seen.id.family, seen.id.table, seen.id.chain)
}

/// The command that deletes a rule that is there.
pub(super) fn deleted(seen: &Seen, at: usize, rule: &Rule) -> Result<Text, WriteError> {
    Ok(Text::from(match of_iptables(seen, rule)? {
        Some((tool, rest)) => {
            format!("{tool} -D {} {}  # {rest}", seen.id.chain, at.saturating_add(1))
        }
        None => {
            let (handle, words) = (seen.handle(at)?, text::nft::rule_in(&seen.table, rule));
            format!("nft delete rule {} handle {handle}  # {words}", place(seen))
        }
    }))
}

/// The command that puts back a rule that was deleted; `seen` is the chain without it.
pub(super) fn put_back(seen: &Seen, at: usize, rule: &Rule) -> Result<Text, WriteError> {
    match of_iptables(seen, rule)? {
        Some((tool, rest)) => Ok(Text::from(format!(
            "{tool} -I {} {} {rest}",
            seen.id.chain,
            at.saturating_add(1)
        ))),
        None => inserted(seen, at, rule),
    }
}

/// The command that inserts a rule of `nft`'s; `seen` is the chain without it.
pub(super) fn inserted(seen: &Seen, at: usize, rule: &Rule) -> Result<Text, WriteError> {
    let (place, words) = (place(seen), text::nft::rule_in(&seen.table, rule));
    Ok(Text::from(match at.checked_sub(1) {
        None => format!("nft insert rule {place} {words}"),
        Some(_) if at >= seen.chain()?.rules.len() => format!("nft add rule {place} {words}"),
        Some(before) => format!("nft add rule {place} index {before} {words}"),
    }))
}

/// The command that deletes it again; its handle is not known before it is there.
pub(super) fn taken_out(seen: &Seen, rule: &Rule) -> Text {
    let words = text::nft::rule_in(&seen.table, rule);
    Text::from(format!(
        "nft delete rule {} handle …  # the new rule: {words}",
        place(seen)
    ))
}

/// Expressions that go on from what they had come to, and those that begin anew.
const KEPT: [&[u8]; 3] = [b"counter", b"quota", b"last"];
const ANEW: [&[u8]; 6] = [b"limit", b"connlimit", b"numgen", b"dynset", b"match", b"target"];

/// What is lost although a deleted rule is put back.
pub(super) fn lost(rule: &StoredRule) -> Result<Vec<Text>, Malformed> {
    let found = Found::of(rule)?;
    let mut out = vec!["the rule comes back with another handle"];
    if found.kept {
        out.push("its counters and used quotas come back as they were when this was planned");
    }
    if found.anew {
        out.push("what its limits, connection counts and xtables extensions remember begins anew");
    }
    if found.expires {
        out.push("elements of its sets that time out come back with the time that they had left when this was planned");
    }
    Ok(out.into_iter().map(Text::from).collect())
}

#[derive(Default)]
struct Found {
    kept: bool,
    anew: bool,
    expires: bool,
}

impl Found {
    fn of(rule: &StoredRule) -> Result<Self, Malformed> {
        let mut found = Self::default();
        found.rule(rule)?;
        Ok(found)
    }

    fn rule(&mut self, rule: &StoredRule) -> Result<(), Malformed> {
        for expression in pieces(&rule.expressions.0)? {
            self.expression(expression.value)?;
        }
        for element in rule.sets.iter().flat_map(|set| &set.elements) {
            for part in pieces(&element.0)? {
                match part.kind {
                    // `NFTA_SET_ELEM_EXPIRATION`, `NFTA_SET_ELEM_EXPR` and `NFTA_SET_ELEM_EXPRESSIONS`.
                    5 => self.expires = true,
                    7 => self.expression(part.value)?,
                    11 => {
                        for expression in pieces(part.value)? {
                            self.expression(expression.value)?;
                        }
                    }
                    _ => {}
                }
            }
        }
        rule.chains
            .iter()
            .flat_map(|chain| &chain.rules)
            .try_for_each(|rule| self.rule(rule))
    }

    fn expression(&mut self, expression: &[u8]) -> Result<(), Malformed> {
        let parts = pieces(expression)?;
        let name = expression_name(&parts);
        self.kept |= KEPT.contains(&name);
        self.anew |= ANEW.contains(&name);
        Ok(())
    }
}
