//! Rules behind one that is too large to be listed.
//!
//! The kernel fills a message of a dump with at most 32 KiB; a rule that does not fit ends the dump of its chain without a
//! word, for every tool alike (`__nf_tables_dump_rules`). But each rule can still be asked for by its handle. That answer has
//! one page (`NLMSG_GOODSIZE`, `nf_tables_getrule_single`), so the large rule itself is refused, and by that known to be there.
//!
//! An answer to such a request does not say which rule stands before (`NFTA_RULE_POSITION` comes in dumps only), so rules
//! found so are put in the order of their handles: the order in which they were added. That is their order in the chain
//! unless one was put before another later on, which nothing tells; the gap of the large rule says so.

use super::Lifted;
use crate::bytes::{Hex, Text};
use crate::netfilter::model::{Item, Opaque, Plane, Rule, RuleRuntime};
use crate::netfilter::text;
use crate::section::{Gap, Warning};

/// The code of a warning about a rule that the ordinary tools do not show.
pub const HIDDEN_RULE: &str = "HIDDEN_RULE";

/// The kind of [`Opaque`] that stands for a whole rule.
const KIND: &str = "rule";

/// So many hidden rules are named one by one; of more, only how many there are.
const NAMED: usize = 100;

/// What stands in a chain for a rule that can't be read.
pub(super) fn placeholder() -> Rule {
    let opaque = Opaque {
        kind: KIND.to_owned(),
        name: Text::from("too large to be read"),
        revision: None,
        payload: Hex::default(),
        text: None,
    };
    Rule {
        items: vec![Item::Opaque(opaque)],
        comment: None,
    }
}

/// True for what stands in a chain for a rule that can't be read.
pub(in crate::netfilter) fn is_placeholder(rule: &Rule) -> bool {
    matches!(rule.items.as_slice(), [Item::Opaque(opaque)] if opaque.kind == KIND)
}

/// A rule in its place.
struct Placed<'l> {
    path: String,
    rule: &'l Rule,
    runtime: &'l RuleRuntime,
    text: String,
}

/// The rules behind the first one of their chain that can't be read, and that one.
fn hidden(lifted: &Lifted) -> Vec<Placed<'_>> {
    let mut out = Vec::new();
    for (table, table_runtime) in lifted.config.tables.iter().zip(&lifted.runtime.tables) {
        for (chain, chain_runtime) in table.chains.iter().zip(&table_runtime.chains) {
            let rules = chain.rules.iter().zip(&chain_runtime.rules).enumerate();
            for (index, (rule, runtime)) in rules.filter(|(_, (_, runtime))| runtime.hidden) {
                let place = index.saturating_add(1);
                out.push(Placed {
                    path: format!("{}/{}/{}/rule[{place}]", table.family, table.name, chain.name),
                    rule,
                    runtime,
                    text: text::rule(Plane::Nft, table, chain, rule),
                });
            }
        }
    }
    out
}

/// One gap for each rule that can't be read.
pub fn gaps(lifted: &Lifted) -> Vec<Gap> {
    let mut out = Vec::new();
    for placed in hidden(lifted).iter().filter(|placed| is_placeholder(placed.rule)) {
        let handle = placed.runtime.handle.unwrap_or_default();
        out.push(Gap {
            path: placed.path.clone(),
            why: format!(
                "a rule too large to be read, handle {handle}: it ends the listing of its chain, and the kernel does not \
                 give it alone either; the rules behind it were read one by one and stand in the order of their handles"
            ),
        });
    }
    out
}

/// One warning for each rule that is in force and that the ordinary tools do not show.
pub fn warnings(lifted: &Lifted) -> Vec<Warning> {
    let all = hidden(lifted);
    let mut out: Vec<Warning> = all.iter().take(NAMED).map(warning).collect();
    let more = all.len().saturating_sub(NAMED);
    if more > 0 {
        out.push(Warning {
            code: HIDDEN_RULE.to_owned(),
            message: format!("and {more} more rules that the ordinary tools do not show"),
        });
    }
    out
}

fn warning(placed: &Placed<'_>) -> Warning {
    let handle = placed.runtime.handle.unwrap_or_default();
    let why = if is_placeholder(placed.rule) {
        "it is too large for their listing"
    } else {
        "it stands behind a rule that is too large for their listing"
    };
    Warning {
        code: HIDDEN_RULE.to_owned(),
        message: format!(
            "{} (handle {handle}) is in force, and `nft list ruleset` and `iptables-nft-save` do not show it: {why}: {}",
            placed.path, placed.text
        ),
    }
}
