//! Rules and chains in words.

use super::super::model::{Chain, Item, Match, Op, Rule, Statement, Value, Verdict};
use crate::bytes::Text;

/// Values of a set that are said one by one.
const MOST_SHOWN: usize = 16;

/// When a chain runs, and what becomes of packets that no rule decides.
pub(crate) fn chain_summary(chain: &Chain) -> String {
    match &chain.base {
        None => "runs only where another chain leads to it".to_owned(),
        Some(base) => {
            let devices: Vec<String> = base.devices.iter().map(Text::to_string).collect();
            let on = if devices.is_empty() {
                String::new()
            } else {
                format!(" of {}", devices.join(", "))
            };
            format!(
                "{} at {}{on}, priority {}; what no rule decides: {}",
                base.chain_type,
                base.hook.as_str(),
                base.priority,
                base.policy.word()
            )
        }
    }
}

/// What a rule does.
pub(crate) fn summary(rule: &Rule) -> String {
    let mut clauses = Vec::new();
    let (mut conditions, mut actions) = (Vec::new(), Vec::new());
    for item in &rule.items {
        match item {
            Item::Match(one) if one.field.0 == "comment" => {}
            Item::Match(one) => {
                // What stands before a condition is done whether or not it is met.
                if !actions.is_empty() {
                    clauses.push(clause(&conditions, &actions));
                    (conditions, actions) = (Vec::new(), Vec::new());
                }
                conditions.push(format!("{} {} {}", one.field, words(one.op), meant(one)));
            }
            Item::Statement(statement) => actions.push(action(statement)),
            Item::Opaque(opaque) => actions.push(format!(
                "does what {} {} says, which is not decoded",
                opaque.kind, opaque.name
            )),
        }
    }
    if actions.is_empty() {
        actions.push(
            if clauses.is_empty() {
                "does nothing"
            } else {
                "nothing more"
            }
            .to_owned(),
        );
    }
    clauses.push(clause(&conditions, &actions));
    clauses.join("; then, ")
}

fn clause(conditions: &[String], actions: &[String]) -> String {
    let when = if conditions.is_empty() {
        "every packet".to_owned()
    } else {
        format!("if {}", conditions.join(" and "))
    };
    format!("{when}: {}", actions.join(", then "))
}

/// Numbers that everybody knows by a name: `IPPROTO_*` and `NFPROTO_*`.
const NAMED: [(&str, u32, &str); 10] = [
    ("meta.l4proto", 1, "icmp"),
    ("meta.l4proto", 6, "tcp"),
    ("meta.l4proto", 17, "udp"),
    ("meta.l4proto", 47, "gre"),
    ("meta.l4proto", 50, "esp"),
    ("meta.l4proto", 51, "ah"),
    ("meta.l4proto", 58, "icmpv6"),
    ("meta.l4proto", 132, "sctp"),
    ("meta.nfproto", 2, "IPv4"),
    ("meta.nfproto", 10, "IPv6"),
];

fn meant(of: &Match) -> String {
    let named = |number: u32| {
        let mut rows = NAMED.iter();
        let row = rows.find(|(field, known, _)| *field == of.field.0 && *known == number);
        row.map(|(.., name)| (*name).to_owned())
    };
    match &of.value {
        Value::Number(number) => named(*number),
        _ => None,
    }
    .unwrap_or_else(|| value(&of.value))
}

fn words(op: Op) -> &'static str {
    match op {
        Op::Eq => "is",
        Op::Ne => "is NOT",
        Op::Lt => "is below",
        Op::Le => "is at most",
        Op::Gt => "is above",
        Op::Ge => "is at least",
        Op::In => "is one of",
        Op::NotIn => "is NONE of",
        Op::Any => "has any of",
        Op::None => "has NONE of",
    }
}

fn value(value_of: &Value) -> String {
    let list = |values: &[Value], with: &str| {
        let shown: Vec<String> = values.iter().take(MOST_SHOWN).map(value).collect();
        let more = values.len().saturating_sub(MOST_SHOWN);
        let more = (more > 0).then(|| format!(" and {more} more"));
        shown.join(with) + &more.unwrap_or_default()
    };
    match value_of {
        Value::Number(number) => number.to_string(),
        Value::Wide(number) => number.0.to_string(),
        Value::Address(address) => address.to_string(),
        Value::Prefix { address, length } => format!("{address}/{length}"),
        Value::Mac(word) | Value::Symbol(word) => word.clone(),
        Value::Text(text) => format!("\"{text}\""),
        Value::Flags(flags) => flags.join(", "),
        Value::Masked { mask, value: of } => format!("{} under the mask {}", value(of), value(mask)),
        Value::Range { from, to } => format!("{} to {}", value(from), value(to)),
        Value::Set(values) => list(values, ", "),
        Value::SetName(name) => format!("the set {name}"),
        Value::Concat(values) => list(values, " with "),
        Value::Field(field) => field.to_string(),
        other => serde_json::to_string(other).unwrap_or_default(),
    }
}

fn action(statement: &Statement) -> String {
    match statement {
        Statement::Verdict(verdict) => match verdict {
            Verdict::Accept => "accepts it here; later hooks still see it".to_owned(),
            Verdict::Drop => "drops it silently".to_owned(),
            Verdict::Continue => "goes on with the next rule".to_owned(),
            Verdict::Return => "returns to the chain that led here, or to the policy".to_owned(),
            Verdict::Jump { chain } => {
                format!("goes through the chain {chain}, from which what is not decided there comes back")
            }
            Verdict::Goto { chain } => format!("goes to the chain {chain} and does not come back"),
            Verdict::Queue => "hands it to a program".to_owned(),
        },
        Statement::VerdictMap { key, map, entries } => match map {
            Some(name) => format!("decides by {key} in the map {name}"),
            None => format!("decides by {key} among {} entries", entries.len()),
        },
        Statement::Reject { .. } => "refuses it with an answer".to_owned(),
        Statement::Counter { .. } => "counts it".to_owned(),
        Statement::Log { .. } => "logs it".to_owned(),
        Statement::Limit { over, .. } if *over => "goes on only above a rate".to_owned(),
        Statement::Limit { .. } => "goes on only within a rate".to_owned(),
        Statement::Nat { .. } => "translates its addresses".to_owned(),
        Statement::Set { field, value: of } => format!("sets {field} to {}", value(of)),
        Statement::MapTo { key, map, .. } => {
            let map = map
                .as_ref()
                .map_or_else(|| "a map".to_owned(), |name| format!("the map {name}"));
            format!("looks {key} up in {map}, and lets what is not there go on with the next rule")
        }
        Statement::Target { name, .. } => format!("does what the target {name} does"),
        Statement::Notrack => "leaves it untracked".to_owned(),
        Statement::Queue { .. } => "hands it to a program".to_owned(),
        Statement::Dynset { op, set, key, .. } => format!("does {op} {key} in the set {set}"),
        other => {
            let name = serde_json::to_value(other).ok();
            let name = name
                .as_ref()
                .and_then(|value| value.get("statement"))
                .and_then(serde_json::Value::as_str);
            format!("does {}", name.unwrap_or("something else"))
        }
    }
}
