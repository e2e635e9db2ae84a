//! Between a target with its options and the statement that says the same to every reader.

use super::under;
use crate::netfilter::model::{Family, Statement, TargetOption, Value};

/// Targets whose option sets a field: target, option, the field of IPv4 and of IPv6.
const SETTERS: [(&str, &str, &str, &str); 5] = [
    ("CLASSIFY", "set-class", "meta.priority", "meta.priority"),
    ("DSCP", "set-dscp", "ip.dscp", "ip6.dscp"),
    ("HL", "hl-set", "", "ip6.hoplimit"),
    ("TOS", "set-tos", "ip.tos", "ip6.tclass"),
    ("TTL", "ttl-set", "ip.ttl", ""),
];

/// Where `TRACE` is kept, as nf_tables says it.
const TRACE_FIELD: &str = "meta.nftrace";

/// All bits of the traffic class.
const WHOLE_TOS: u32 = 0xff;

/// An option with its value.
pub(crate) fn given(name: &str, value: impl Into<Option<Value>>) -> TargetOption {
    TargetOption {
        name: name.to_owned(),
        value: value.into(),
    }
}

/// The one form of a target with these options.
pub(crate) fn target(family: Family, name: &str, options: Vec<TargetOption>) -> Statement {
    match (name, options.as_slice()) {
        ("TRACE", []) => Statement::Set {
            field: TRACE_FIELD.into(),
            value: Value::Number(1),
        },
        ("CT", [one]) if one.name == "notrack" => Statement::Notrack,
        (
            _,
            [
                TargetOption {
                    name: option,
                    value: Some(value),
                },
            ],
        ) => match field(family, name, option) {
            Some(field) => Statement::Set {
                field: field.into(),
                value: plain(value),
            },
            None => whole(name, options),
        },
        _ => whole(name, options),
    }
}

fn whole(name: &str, options: Vec<TargetOption>) -> Statement {
    Statement::Target {
        name: name.to_owned(),
        options,
    }
}

/// The other way: the target that iptables says this with, if it is one that is said by its options.
pub(crate) fn as_target(family: Family, statement: &Statement) -> Option<(String, Vec<TargetOption>)> {
    match statement {
        Statement::Target { name, options } => Some((name.clone(), options.clone())),
        Statement::Set { field, value } if field.0 == TRACE_FIELD => {
            (*value == Value::Number(1)).then(|| ("TRACE".to_owned(), Vec::new()))
        }
        Statement::Set { field, value } => {
            let ours =
                |target: &str, option: &str| self::field(family, target, option) == Some(field.0.as_str());
            let (target, option, ..) = SETTERS.iter().find(|(target, option, ..)| ours(target, option))?;
            let value = match value {
                Value::Number(number) if *target == "TOS" => {
                    under(Value::Number(WHOLE_TOS), Value::Number(*number))
                }
                other => other.clone(),
            };
            Some(((*target).to_owned(), vec![given(option, value)]))
        }
        _ => None,
    }
}

fn field(family: Family, target: &str, option: &str) -> Option<&'static str> {
    let known = SETTERS.iter().find(|(t, o, ..)| *t == target && *o == option);
    let field = known.map(|(_, _, ip, ip6)| if family == Family::Ip6 { *ip6 } else { *ip })?;
    (!field.is_empty()).then_some(field)
}

/// A full mask goes without saying.
fn plain(value: &Value) -> Value {
    match value {
        Value::Masked { mask, value } if **mask == Value::Number(WHOLE_TOS) => (**value).clone(),
        other => other.clone(),
    }
}
