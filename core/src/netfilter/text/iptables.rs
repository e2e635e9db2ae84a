//! The syntax of `iptables-save`.

use crate::bytes::Text;
use crate::netfilter::model::{Family, Rule};

/// `-A CHAIN …` as `iptables-save` prints it.
pub fn rule(family: Family, chain: &Text, rule: &Rule) -> String {
    let _unused = (family, rule);
    format!("-A {chain}")
}
