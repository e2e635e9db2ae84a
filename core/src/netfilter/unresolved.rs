//! Rules that name an ipset by the kernel's number only.
//!
//! The structures of xtables' `set` match and `SET` target hold an index (`struct xt_set_info`,
//! `linux/netfilter/xt_set.h`). Two rules with one index may mean two sets, and one set may get another index, so until the
//! names are read such a rule is never known to be the same.

use super::model::{Item, Rule, Ruleset};
use crate::section::Gap;

/// One gap for each rule whose set is known by number alone.
pub fn gaps(ruleset: &Ruleset) -> Vec<Gap> {
    let mut out = Vec::new();
    for table in &ruleset.tables {
        for chain in &table.chains {
            for (index, _) in chain
                .rules
                .iter()
                .enumerate()
                .filter(|(_, rule)| names_a_set(rule))
            {
                let path = format!("{}/{}/{}", table.family, table.name, chain.name);
                let number = u64::try_from(index.saturating_add(1)).unwrap_or(u64::MAX);
                out.push(gap(&path, number));
            }
        }
    }
    out
}

/// The gap for a rule, counted from 1, of the chain with this path.
pub(crate) fn gap(chain: &str, rule: u64) -> Gap {
    Gap {
        path: format!("{chain}/rule[{rule}]"),
        why: "it uses an ipset that the kernel gives by number only, and the name of that set was not read"
            .to_owned(),
    }
}

/// Whether a rule names a set by number only.
pub(crate) fn names_a_set(rule: &Rule) -> bool {
    rule.items.iter().any(|item| match item {
        Item::Opaque(opaque) => {
            opaque.kind != "expression"
                && opaque.text.is_none()
                && matches!(opaque.name.as_bytes(), b"set" | b"SET")
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::Hex;
    use crate::netfilter::model::{Chain, Family, Opaque, Plane, Table};

    fn ruleset(name: &str, text: Option<&str>) -> Ruleset {
        let opaque = Opaque {
            kind: "match".to_owned(),
            name: name.into(),
            revision: Some(4),
            payload: Hex(vec![0, 0, 1, 1]),
            text: text.map(Into::into),
        };
        let rule = Rule {
            items: vec![Item::Opaque(opaque)],
            comment: None,
        };
        let plain = Rule {
            items: Vec::new(),
            comment: None,
        };
        let chain = Chain {
            name: "INPUT".into(),
            base: None,
            comment: None,
            rules: vec![plain, rule],
            opaque: Vec::new(),
        };
        let table = Table {
            family: Family::Ip,
            name: "filter".into(),
            flags: Vec::new(),
            comment: None,
            chains: vec![chain],
            sets: Vec::new(),
            objects: Vec::new(),
            opaque: Vec::new(),
        };
        Ruleset {
            plane: Plane::Legacy,
            tables: vec![table],
            hook_order: Vec::new(),
        }
    }

    #[test]
    fn a_set_by_number_is_a_gap_at_its_rule() {
        let found = gaps(&ruleset("set", None));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, "ip/filter/INPUT/rule[2]");
        assert_eq!(gaps(&ruleset("SET", None)).len(), 1);
    }

    #[test]
    fn a_set_by_name_and_other_extensions_are_none() {
        assert_eq!(gaps(&ruleset("set", Some("-m set --match-set one src"))), []);
        assert_eq!(gaps(&ruleset("string", None)), []);
    }
}
