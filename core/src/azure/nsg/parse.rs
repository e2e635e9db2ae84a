//! From a body to the model.

use serde_json::{Map, Value};

use super::model::{Effective, Gate, GateKind, Rule, Warning, WarningCode};
use crate::artifact::json::value;
use crate::azure::body::{field, shape, string};

mod association;
pub(crate) mod rule;
mod tags;

/// A body that is none of effective security rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is not JSON, or cut.
    #[error("this is not JSON ({why}); it begins with {begins:?}")]
    NotJson {
        /// What the reader of JSON says.
        why: String,
        /// The first letters.
        begins: String,
    },
    /// Azure Resource Manager answered with an error.
    #[error("Azure answered with an error: {code}: {message}")]
    Arm {
        /// Azure's word for it.
        code: String,
        /// Azure's explanation.
        message: String,
    },
    /// It is JSON of another form.
    #[error("these are no {what}: {why}")]
    Shape {
        /// What was expected.
        what: &'static str,
        /// What is there instead.
        why: String,
    },
}

/// How much of a text that is not JSON is shown.
const SHOWN: usize = 80;

/// Reads JSON.
pub(crate) fn json(bytes: &[u8]) -> Result<Value, BodyError> {
    // What some editors put before UTF-8.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    value::parse(bytes).map_err(|error| BodyError::NotJson {
        why: error.to_string(),
        begins: String::from_utf8_lossy(bytes)
            .trim_start()
            .chars()
            .take(SHOWN)
            .collect(),
    })
}

/// What every answer of Azure may be instead of what was asked for.
pub(crate) fn arm_error(body: &Value) -> Result<(), BodyError> {
    let Some(Value::Object(error)) = body.as_object().and_then(|body| field(body, "error")) else {
        return Ok(());
    };
    let word = |name| string(error, name).ok().flatten();
    Err(BodyError::Arm {
        code: word("code").unwrap_or_else(|| "no code".to_owned()),
        message: word("message").unwrap_or_else(|| "no message".to_owned()),
    })
}

/// True where the body names where more of it is.
pub(crate) fn has_more(body: &Map<String, Value>) -> bool {
    let named = |name| field(body, name).is_some_and(|link| link.as_str() != Some(""));
    ["nextLink", "skipToken", "$skipToken"].into_iter().any(named)
}

/// Reads what `az network nic list-effective-nsg` or Azure Resource Manager gave.
///
/// # Errors
/// Where the text is not JSON, an error of Azure, or JSON of another form.
pub fn parse_bytes(bytes: &[u8]) -> Result<Effective, BodyError> {
    parse(&json(bytes)?)
}

/// What stands instead of effective security rules.
fn bad(why: impl Into<String>) -> BodyError {
    BodyError::Shape {
        what: "effective security rules",
        why: why.into(),
    }
}

/// Reads a body of effective security rules, in each of the forms that Azure, its tools and its libraries write: `value`,
/// `networkSecurityGroups`, a bare list of entries or of rules, a single entry.
///
/// # Errors
/// Where the body is an error of Azure or of another form. An entry or a rule that is not understood is no error: it is kept
/// as what it is.
pub fn parse(body: &Value) -> Result<Effective, BodyError> {
    arm_error(body)?;
    let mut found = Effective::default();
    match body {
        Value::Array(members) => entries(members, "", &mut found)?,
        Value::Object(fields) => object(fields, &mut found)?,
        other => return Err(bad(format!("{} where a list of them belongs", shape(other)))),
    }
    Ok(found)
}

fn object(fields: &Map<String, Value>, found: &mut Effective) -> Result<(), BodyError> {
    for name in ["value", "networkSecurityGroups"] {
        match (field(fields, name), fields.contains_key(name)) {
            (Some(Value::Array(members)), _) => {
                entries(members, name, found)?;
                if has_more(fields) {
                    found.more = true;
                    let message = "there is more than this page holds".to_owned();
                    warn(found, WarningCode::More, name, message);
                }
                return Ok(());
            }
            (Some(other), _) => return Err(bad(format!("{name} is {}, no list", shape(other)))),
            (None, true) => return Err(bad(format!("{name} is null, no list"))),
            (None, false) => {}
        }
    }
    if is_entry(fields) {
        entry(fields, "", found);
        return Ok(());
    }
    Err(bad("it has neither `value` nor `effectiveSecurityRules`"))
}

/// A list of entries. One of rules alone is one gate whose place is not known.
fn entries(members: &[Value], at: &str, found: &mut Effective) -> Result<(), BodyError> {
    let is_rule = |member: &Value| member.as_object().is_some_and(rule::looks_like);
    if at.is_empty() && !members.is_empty() && members.iter().all(is_rule) {
        let message = "rules without the network security group that they are of".to_owned();
        warn(found, WarningCode::AssociationUnknown, at, message);
        let rules = rules(members, at, found);
        found.gates.push(Gate { rules, ..blank() });
        return Ok(());
    }
    let known = |member: &Value| member.as_object().is_some_and(is_entry);
    if at.is_empty() && !members.is_empty() && !members.iter().any(known) {
        return Err(bad("no member of the list is an entry of them"));
    }
    for (index, member) in members.iter().enumerate() {
        let at = join(at, &index.to_string());
        match member {
            Value::Object(fields) if is_entry(fields) => entry(fields, &at, found),
            other => {
                let why = match other {
                    Value::Object(_) => "an object without rules".to_owned(),
                    other => shape(other).to_owned(),
                };
                let message = format!("{why} where an entry belongs");
                found.gates.push(Gate {
                    cut: Some(message.clone()),
                    ..blank()
                });
                warn(found, WarningCode::EntryNotUnderstood, &at, message);
            }
        }
    }
    Ok(())
}

fn blank() -> Gate {
    Gate {
        kind: GateKind::Unknown,
        nsg: None,
        association: None,
        rules: Vec::new(),
        cut: None,
        tags: std::collections::BTreeMap::new(),
    }
}

/// True for an object with a field of an entry.
fn is_entry(fields: &Map<String, Value>) -> bool {
    ["effectiveSecurityRules", "networkSecurityGroup", "association"]
        .into_iter()
        .any(|name| field(fields, name).is_some())
}

fn entry(fields: &Map<String, Value>, at: &str, found: &mut Effective) {
    let nested = field(fields, "networkSecurityGroup").and_then(Value::as_object);
    let (kind, association) = association::read(fields).unwrap_or_else(|why| {
        warn(
            found,
            WarningCode::AssociationUnknown,
            &join(at, "association"),
            why,
        );
        (GateKind::Unknown, None)
    });
    let mut gate = Gate {
        kind,
        nsg: association::reference(field(fields, "networkSecurityGroup")),
        association,
        ..blank()
    };
    gate.tags = tags::read(fields).unwrap_or_else(|why| {
        warn(found, WarningCode::TagsNotUnderstood, &join(at, "tagMap"), why);
        std::collections::BTreeMap::new()
    });
    // Older tools put the rules inside the group.
    let inner = nested.map(|nested| ("networkSecurityGroup.effectiveSecurityRules", nested));
    let mut listed = false;
    for (name, holder) in [("effectiveSecurityRules", fields)].into_iter().chain(inner) {
        let at = join(at, name);
        match field(holder, "effectiveSecurityRules") {
            None => {}
            Some(Value::Array(members)) => {
                listed = true;
                gate.rules.extend(rules(members, &at, found));
            }
            Some(other) => {
                let message = format!("{} where a list of rules belongs", shape(other));
                gate.cut = Some(message.clone());
                warn(found, WarningCode::EntryNotUnderstood, &at, message);
            }
        }
    }
    if !listed && gate.cut.is_none() {
        let message = "the entry lists no rules".to_owned();
        gate.cut = Some(message.clone());
        warn(found, WarningCode::EntryNotUnderstood, at, message);
    }
    found.gates.push(gate);
}

fn rules(members: &[Value], at: &str, found: &mut Effective) -> Vec<Rule> {
    let mut rules = Vec::with_capacity(members.len());
    for (index, member) in members.iter().enumerate() {
        let rule = rule::read(member);
        if !rule.is_whole() {
            let faults: Vec<String> = rule.faults.iter().map(ToString::to_string).collect();
            let message = format!("rule {:?}: {}", rule.name, faults.join("; "));
            let at = join(at, &index.to_string());
            warn(found, WarningCode::RuleNotUnderstood, &at, message);
        }
        rules.push(rule);
    }
    rules
}

fn warn(found: &mut Effective, code: WarningCode, at: &str, message: String) {
    found.warnings.push(Warning {
        code,
        at: at.to_owned(),
        message,
    });
}

fn join(outer: &str, inner: &str) -> String {
    if outer.is_empty() {
        inner.to_owned()
    } else {
        format!("{outer}.{inner}")
    }
}

#[cfg(test)]
mod tests;
