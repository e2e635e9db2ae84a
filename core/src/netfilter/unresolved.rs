//! Rules that name an ipset or a control group by the kernel's number only.
//!
//! The structures of xtables' `set` match and `SET` target hold an index (`struct xt_set_info`,
//! `linux/netfilter/xt_set.h`). Two rules with one index may mean two sets, and one set may get another index, so until the
//! names are read such a rule is never known to be the same. So it is with control groups (`socket cgroupv2`) whose path was
//! not read, or that are no more.

use super::model::{ElementData, Item, Rule, Ruleset, Statement, Value};
use super::nft::typed::NO_GROUP;
use crate::section::Gap;

/// One gap for each rule that knows something by number alone.
pub fn gaps(ruleset: &Ruleset) -> Vec<Gap> {
    let mut out = set_gaps(ruleset);
    for table in &ruleset.tables {
        for chain in &table.chains {
            let path = format!("{}/{}/{}", table.family, table.name, chain.name);
            for (rule, number) in chain.rules.iter().zip(1..) {
                out.extend(of_rule(&path, rule, number));
            }
        }
    }
    out
}

/// One gap for each named set that holds a control group by its number.
pub(crate) fn set_gaps(ruleset: &Ruleset) -> Vec<Gap> {
    let mut out = Vec::new();
    for table in &ruleset.tables {
        let unknown = table
            .sets
            .iter()
            .filter(|set| set.elements.iter().any(|element| names_no_group(&element.key)));
        out.extend(unknown.map(|set| Gap {
            path: format!("{}/{}/set[{}]", table.family, table.name, set.name),
            why: GROUP.to_owned(),
        }));
    }
    out
}

const GROUP: &str =
    "it uses a control group that the kernel gives by number only, and no group of that number was seen";

/// The gap for a rule, counted from 1, of the chain with this path, where it has one.
pub(crate) fn of_rule(chain: &str, rule: &Rule, number: u64) -> Option<Gap> {
    if names_a_set(rule) {
        return Some(gap(chain, number));
    }
    names_a_group(rule).then(|| Gap {
        why: GROUP.to_owned(),
        ..gap(chain, number)
    })
}

/// Whether a gap is one that the paths of control groups may close.
pub fn is_of_group(gap: &Gap) -> bool {
    gap.why == GROUP
}

fn names_a_group(rule: &Rule) -> bool {
    let keys = |entries: &[(Value, ElementData)]| entries.iter().any(|(key, _)| names_no_group(key));
    rule.items.iter().any(|item| match item {
        Item::Match(one) => names_no_group(&one.value),
        Item::Statement(Statement::VerdictMap { entries, .. } | Statement::MapTo { entries, .. }) => {
            keys(entries)
        }
        Item::Statement(Statement::Elements { elements }) => {
            elements.iter().any(|element| names_no_group(&element.key))
        }
        _ => false,
    })
}

fn names_no_group(value: &Value) -> bool {
    match value {
        Value::Symbol(word) => word.starts_with(NO_GROUP),
        Value::Set(values) | Value::Concat(values) => values.iter().any(names_no_group),
        Value::Range { from, to } => names_no_group(from) || names_no_group(to),
        Value::Masked { mask, value } => names_no_group(mask) || names_no_group(value),
        _ => false,
    }
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
