//! Security admin rules of Azure Virtual Network Manager, as a virtual network shows them.
//!
//! They come before every network security group: `Allow` goes on to those, `AlwaysAllow` and `Deny` end it (Microsoft:
//! "Security admin rules in Azure Virtual Network Manager").

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::azure::body::{BadField, field, shape, string};
use crate::azure::nsg::parse::rule::{Faults, access, direction, priority};
use crate::azure::nsg::parse::{arm_error, has_more, json};
use crate::azure::nsg::{BodyError, Gate, GateKind, Protocol, Rule, Side, Term, Warning, WarningCode};

/// Reads what `az network manager list-effective-security-admin-rules` or Azure Resource Manager gave.
///
/// # Errors
/// Where the text is not JSON, an error of Azure, or JSON of another form.
pub fn parse_bytes(bytes: &[u8]) -> Result<(Gate, Vec<Warning>), BodyError> {
    parse(&json(bytes)?)
}

/// Reads a body of admin rules: `value`, or a bare list; the parts of a rule inside `properties` or beside its name.
///
/// # Errors
/// Where the body is an error of Azure or of another form. A rule that is not understood is no error: it is kept as what it
/// is.
pub fn parse(body: &Value) -> Result<(Gate, Vec<Warning>), BodyError> {
    arm_error(body)?;
    let bad = |why: String| BodyError::Shape {
        what: "effective security admin rules",
        why,
    };
    let (members, more) = match body {
        Value::Array(members) => (members, false),
        Value::Object(fields) => match field(fields, "value") {
            Some(Value::Array(members)) => (members, has_more(fields)),
            Some(other) => return Err(bad(format!("value is {}, no list", shape(other)))),
            None => return Err(bad("it has no list `value`".to_owned())),
        },
        other => return Err(bad(format!("{} where a list of them belongs", shape(other)))),
    };
    if members.iter().any(|member| is_entry_of_nsg(member)) {
        return Err(bad(
            "these are effective security rules of a network interface".to_owned()
        ));
    }
    let mut rules: Vec<Rule> = members.iter().map(rule).collect();
    order_of_managers(&mut rules);
    let mut warnings: Vec<Warning> = rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| !rule.is_whole())
        .map(|(at, rule)| {
            let faults: Vec<String> = rule.faults.iter().map(ToString::to_string).collect();
            Warning {
                code: WarningCode::RuleNotUnderstood,
                at: format!("value.{at}"),
                message: format!("rule {:?}: {}", rule.name, faults.join("; ")),
            }
        })
        .collect();
    if more {
        warnings.push(Warning {
            code: WarningCode::More,
            at: "value".to_owned(),
            message: "there is more than this page holds".to_owned(),
        });
    }
    let gate = Gate {
        kind: GateKind::Admin,
        nsg: None,
        association: None,
        rules,
        cut: more.then(|| "there are more admin rules than were read".to_owned()),
        tags: BTreeMap::new(),
    };
    Ok((gate, warnings))
}

/// True for an entry of a network interface's effective security rules, which are of another body.
fn is_entry_of_nsg(member: &Value) -> bool {
    let fields = member.as_object();
    fields.is_some_and(|fields| field(fields, "effectiveSecurityRules").is_some())
}

fn rule(entry: &Value) -> Rule {
    let mut faults = Faults::default();
    let nothing = Map::new();
    let outer = entry.as_object().unwrap_or_else(|| {
        faults.add(BadField::new(
            "rule",
            format!("{} where a rule belongs", shape(entry)),
        ));
        &nothing
    });
    let inner = field(outer, "properties")
        .and_then(Value::as_object)
        .unwrap_or(outer);
    let id = faults.take(string(outer, "id")).flatten();
    let shown = faults.take(string(inner, "displayName")).flatten();
    let from_id = id.as_deref().and_then(|id| id.rsplit('/').next());
    Rule {
        name: from_id.map(str::to_owned).or(shown).unwrap_or_default(),
        collection: None,
        priority: faults.needed("priority", priority(inner)),
        direction: faults.word(inner, "direction", direction),
        access: faults.word(inner, "access", access),
        protocol: faults.word(inner, "protocol", Protocol::read),
        sources: side(inner, "sources", &mut faults),
        destinations: side(inner, "destinations", &mut faults),
        source_ports: faults.ports(inner, ["sourcePortRange", "sourcePortRanges"]),
        ports: faults.ports(inner, ["destinationPortRange", "destinationPortRanges"]),
        faults: faults.0,
        raw: entry.clone(),
    }
}

/// One side: `[{"addressPrefix": "…", "addressPrefixType": "IPPrefix" | "ServiceTag" | "NetworkGroup"}]`.
fn side(fields: &Map<String, Value>, name: &str, faults: &mut Faults) -> Side {
    let members = match field(fields, name) {
        Some(Value::Array(members)) if !members.is_empty() => members.as_slice(),
        Some(Value::Array(_)) | None => {
            faults.add(BadField::new(name, "not given"));
            &[]
        }
        Some(other) => {
            faults.add(BadField::new(
                name,
                format!("{} where a list belongs", shape(other)),
            ));
            &[]
        }
    };
    let mut side = Side::default();
    for (at, member) in members.iter().enumerate() {
        let text = member
            .as_object()
            .and_then(|fields| string(fields, "addressPrefix").ok().flatten());
        let term = text
            .as_deref()
            .map_or_else(|| Term::Unreadable(member.to_string()), Term::read);
        if let Term::Unreadable(text) = &term {
            faults.add(BadField::new(
                format!("{name}.{at}"),
                format!("{text:?} is no address"),
            ));
        }
        side.terms.push(term);
    }
    side
}

/// Priorities order the rules of one network manager. Which of several comes first depends on their scopes, which the body
/// does not tell: their rules then have no known place.
fn order_of_managers(rules: &mut [Rule]) {
    let manager = |rule: &Rule| {
        let id = rule.raw.as_object().and_then(|fields| field(fields, "id"))?;
        let id = id.as_str()?.to_lowercase();
        let (before, after) = id.split_once("/networkmanagers/")?;
        Some(format!(
            "{before}/{}",
            after.split('/').next().unwrap_or_default()
        ))
    };
    let managers: BTreeSet<String> = rules.iter().filter_map(manager).collect();
    if managers.len() > 1 {
        for rule in rules {
            rule.priority = None;
            let why = "there are rules of several network managers, and which comes first is not told";
            rule.faults.push(BadField::new("priority", why));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::azure::nsg::Access;

    fn admin(manager: &str, properties: &Value) -> Value {
        let id = format!(
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkManagers/{manager}/securityAdminConfigurations/c/ruleCollections/rc/rules/r"
        );
        json!({"id": id, "kind": "Custom", "properties": properties})
    }

    fn properties() -> Value {
        json!({"displayName": "Shown", "protocol": "Tcp", "direction": "Inbound", "access": "AlwaysAllow", "priority": 7,
            "sources": [{"addressPrefixType": "ServiceTag", "addressPrefix": "Internet"}],
            "destinations": [{"addressPrefixType": "IPPrefix", "addressPrefix": "*"}],
            "sourcePortRanges": ["0-65535"], "destinationPortRanges": ["22"]})
    }

    #[test]
    fn a_rule_is_the_same_nested_or_flat() {
        let nested = parse(&json!({"value": [admin("m", &properties())]})).unwrap().0;
        let rule = &nested.rules[0];
        assert!(rule.is_whole(), "{:?}", rule.faults);
        assert_eq!(
            (rule.name.as_str(), rule.priority, rule.access),
            ("r", Some(7), Some(Access::AlwaysAllow))
        );
        assert_eq!(rule.sources.terms, [Term::Tag("Internet".to_owned())]);
        let mut flat = properties();
        flat["id"] = admin("m", &json!({}))["id"].clone();
        let flat = parse(&json!([flat])).unwrap().0;
        let same = Rule {
            raw: rule.raw.clone(),
            ..flat.rules[0].clone()
        };
        assert_eq!(&same, rule);
    }

    #[test]
    fn what_is_not_understood_is_kept() {
        let mut strange = properties();
        strange["sources"] = json!([{"addressPrefixType": "IPPrefix"}]);
        strange["priority"] = json!("first");
        let (gate, warnings) = parse(&json!({"value": [admin("m", &strange), 5], "skipToken": "x"})).unwrap();
        assert_eq!((gate.rules.len(), warnings.len()), (2, 3));
        assert!(gate.cut.is_some() && gate.rules[0].priority.is_none());
        for body in [
            json!({}),
            json!({"value": null}),
            json!("x"),
            json!({"value": [{"effectiveSecurityRules": []}]}),
        ] {
            assert!(parse(&body).is_err(), "{body}");
        }
    }

    #[test]
    fn rules_of_several_managers_have_no_order() {
        let (gate, _) = parse(&json!([admin("a", &properties()), admin("b", &properties())])).unwrap();
        assert!(
            gate.rules
                .iter()
                .all(|rule| rule.priority.is_none() && !rule.is_whole())
        );
        let (gate, _) = parse(&json!([admin("a", &properties()), admin("A", &properties())])).unwrap();
        assert!(gate.rules.iter().all(Rule::is_whole));
    }
}
