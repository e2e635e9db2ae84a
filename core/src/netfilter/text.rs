//! Rules in the syntax that their owner knows.

use super::builtin;
use super::model::{BaseChain, Chain, Family, Plane, Rule, Table, Verdict};
use super::nft::hidden;

pub mod arptables;
pub mod ebtables;
pub mod iptables;
pub mod nft;

/// One rule as a line: as `iptables-save` or its kin prints it (`-A INPUT -p tcp …`) for legacy tables, for text from a save tool and
/// for tables that `iptables-nft` owns; as `nft list ruleset` prints it for all others.
pub fn rule(plane: Plane, table: &Table, chain: &Chain, rule: &Rule) -> String {
    if hidden::is_placeholder(rule) {
        return nft::rule(table.family, rule);
    }
    let is_save = plane != Plane::Nft || is_iptables_table(table);
    match table.family {
        Family::Arp if is_save => arptables::rule(&chain.name, rule),
        Family::Bridge if is_save => ebtables::rule(&chain.name, rule),
        _ if is_save => iptables::rule(table.family, &chain.name, rule),
        _ => nft::rule_in(table, rule),
    }
}

/// True for a table that `iptables-nft` or `ip6tables-nft` made: its name and its base chains are theirs.
pub fn is_iptables_table(table: &Table) -> bool {
    let family = matches!(table.family, Family::Ip | Family::Ip6);
    family
        && builtin::is_table(&table.name)
        && table.sets.is_empty()
        && table.chains.iter().all(|chain| fits(table, chain))
}

/// A base chain is hooked in as the built-in chain of its name; any other may have any name but those.
fn fits(table: &Table, chain: &Chain) -> bool {
    let built_in = |policy| builtin::base(&table.name, &chain.name, policy);
    let Some(base) = &chain.base else {
        return built_in(Verdict::Accept).is_none();
    };
    built_in(base.policy.clone()).is_some_and(|expected| {
        let of_nft = BaseChain {
            priority: builtin::SECURITY_OF_NFT,
            ..expected.clone()
        };
        *base == expected || (table.name.as_bytes() == b"security" && *base == of_nft)
    })
}
