//! The syntax of `nft`.

use crate::netfilter::model::{Family, Rule};

/// A rule as `nft list ruleset` prints it.
pub fn rule(family: Family, rule: &Rule) -> String {
    let _unused = (family, rule);
    String::new()
}
