use serde_json::json;

use super::*;
use crate::azure::nsg::{Access, Direction, Protocol, Term};

fn rule_of(extra: Value) -> Value {
    let mut rule = json!({
        "name": "securityRules/web", "priority": 200, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
        "sourceAddressPrefix": "*", "sourcePortRange": "0-65535",
        "destinationAddressPrefix": "10.0.0.0/8", "destinationPortRange": "80-80"
    });
    for (name, value) in extra.as_object().unwrap() {
        rule[name] = value.clone();
    }
    rule
}

fn entry_of(association: Value, rules: Value) -> Value {
    json!({"networkSecurityGroup": {"id": "/nsg"}, "association": association, "effectiveSecurityRules": rules})
}

fn subnet() -> Value {
    json!({"subnet": {"id": "/subnet"}})
}

fn only_rule(extra: Value) -> Rule {
    super::rule::read(&rule_of(extra))
}

#[test]
fn every_envelope_gives_the_same_gate() {
    let entry = entry_of(subnet(), json!([rule_of(json!({}))]));
    let nested = json!({"association": subnet(), "networkSecurityGroup": {"id": "/nsg",
        "effectiveSecurityRules": [rule_of(json!({}))]}});
    let wanted = parse(&json!({"value": [entry]})).unwrap();
    assert_eq!((wanted.gates.len(), wanted.warnings.len()), (1, 0));
    let gate = &wanted.gates[0];
    assert_eq!((gate.kind, gate.nsg.as_deref()), (GateKind::Subnet, Some("/nsg")));
    for body in [
        json!({"networkSecurityGroups": [entry]}),
        json!([entry]),
        entry.clone(),
        json!({"value": [nested]}),
        json!({"Value": [entry], "nextLink": null}),
    ] {
        assert_eq!(parse(&body).unwrap(), wanted, "{body}");
    }
    let bare = parse(&json!([rule_of(json!({}))])).unwrap();
    assert_eq!(
        (bare.gates[0].kind, &bare.gates[0].rules),
        (GateKind::Unknown, &gate.rules)
    );
}

#[test]
fn no_group_is_said_by_an_empty_list_and_by_nothing_else() {
    assert!(parse(&json!({"value": []})).unwrap().gates.is_empty());
    for body in [
        json!(null),
        json!({}),
        json!({"value": null}),
        json!({"value": {}}),
        json!("x"),
        json!([1]),
        json!({"networkSecurityGroups": null}),
        json!([{"name": "x"}]),
    ] {
        assert!(matches!(parse(&body), Err(BodyError::Shape { .. })), "{body}");
    }
}

#[test]
fn an_answer_that_is_no_body_is_named() {
    let html = parse_bytes(b"<html>502 Bad Gateway</html>").unwrap_err();
    assert!(html.to_string().contains("<html>502"), "{html}");
    assert!(matches!(
        parse_bytes(br#"{"value": ["#),
        Err(BodyError::NotJson { .. })
    ));
    assert!(matches!(parse_bytes(b""), Err(BodyError::NotJson { .. })));
    let arm = json!({"error": {"code": "AuthorizationFailed", "message": "no"}});
    let wanted = "Azure answered with an error: AuthorizationFailed: no";
    assert_eq!(parse(&arm).unwrap_err().to_string(), wanted);
    assert!(
        parse(&json!({"value": [], "nextLink": "https://x"}))
            .unwrap()
            .more
    );
}

#[test]
fn what_is_not_null_in_an_association_decides() {
    let of = |association: Value| parse(&entry_of(association, json!([]))).unwrap().gates[0].kind;
    let nic = json!({"subnet": null, "networkInterface": {"id": "/nic"}});
    assert_eq!(of(nic), GateKind::Nic);
    assert_eq!(of(json!({"Subnet": {"Id": "/s"}})), GateKind::Subnet);
    assert_eq!(of(json!({"networkManager": {"id": "/m"}})), GateKind::Admin);
    for unknown in [
        json!(null),
        json!({}),
        json!({"subnet": null, "networkInterface": null}),
        json!({"subnet": {"id": "/s"}, "networkInterface": {"id": "/n"}}),
        json!({"somethingNew": {"id": "/x"}}),
        json!("subnet"),
        json!({"subnet": {}}),
    ] {
        let body = json!({"value": [entry_of(unknown.clone(), json!([]))]});
        let found = parse(&body).unwrap();
        assert_eq!(found.gates[0].kind, GateKind::Unknown, "{unknown}");
        assert_eq!(found.warnings[0].code, WarningCode::AssociationUnknown);
    }
}

#[test]
fn an_entry_without_readable_rules_is_a_gate_all_the_same() {
    for entry in [
        json!("x"),
        json!({"other": 1}),
        entry_of(subnet(), json!(null)),
        entry_of(subnet(), json!("x")),
    ] {
        let found = parse(&json!({"value": [entry]})).unwrap();
        assert!(found.gates[0].cut.is_some(), "{entry}");
        assert_eq!(found.warnings[0].code, WarningCode::EntryNotUnderstood);
    }
}

#[test]
fn a_rule_has_one_form_whatever_fields_it_stands_in() {
    let wanted = only_rule(json!({}));
    assert!(wanted.is_whole(), "{:?}", wanted.faults);
    assert_eq!(
        (wanted.name.as_str(), wanted.collection.as_deref()),
        ("web", Some("securityRules"))
    );
    assert_eq!((wanted.priority, wanted.access), (Some(200), Some(Access::Allow)));
    assert_eq!(
        (wanted.direction, wanted.protocol),
        (Some(Direction::Inbound), Some(Protocol::Tcp))
    );
    for extra in [
        json!({"priority": "200", "access": "ALLOW", "direction": "inbound", "protocol": "TCP"}),
        json!({"destinationPortRange": "80"}),
        json!({"destinationPortRanges": ["80-80"], "sourceAddressPrefixes": [], "expandedSourceAddressPrefix": null}),
        json!({"destinationAddressPrefix": "10.1.2.3/8"}),
        json!({"destinationAddressPrefix": null, "destinationAddressPrefixes": ["10.0.0.0/8"]}),
        json!({"sourcePortRange": "*"}),
        json!({"sourceAddressPrefix": ["Any"]}),
    ] {
        let rule = only_rule(extra.clone());
        let same = Rule {
            raw: wanted.raw.clone(),
            ..rule
        };
        assert_eq!(same, wanted, "{extra}");
    }
}

#[test]
fn lists_are_taken_whole() {
    let rule = only_rule(json!({
        "destinationPortRange": "80-80", "destinationPortRanges": ["80-80", "30000-32767", "443"],
        "sourceAddressPrefix": "0.0.0.0/0", "sourceAddressPrefixes": ["0.0.0.0/0", "0.0.0.0/0"],
        "destinationAddressPrefix": "VirtualNetwork", "expandedDestinationAddressPrefix": ["10.0.0.0/16", "168.63.129.16/32"]
    }));
    assert!(rule.is_whole(), "{:?}", rule.faults);
    assert_eq!(
        rule.ports.unwrap().ranges(),
        [(80, 80), (443, 443), (30_000, 32_767)]
    );
    assert_eq!(rule.destinations.terms, [Term::Tag("VirtualNetwork".to_owned())]);
    assert_eq!(rule.destinations.expanded.len(), 2);
    let commas = only_rule(json!({"destinationPortRange": "80,443"}));
    assert_eq!(commas.ports.unwrap().ranges(), [(80, 80), (443, 443)]);
    let groups = json!({"sourceAddressPrefix": "", "sourceApplicationSecurityGroups": [{"id": "/asg"}]});
    assert_eq!(only_rule(groups).sources.terms, [Term::Group("/asg".to_owned())]);
}

#[test]
fn what_is_not_understood_is_a_fault_and_no_default() {
    for (extra, field) in [
        (json!({"priority": "high"}), "priority"),
        (json!({"priority": null}), "priority"),
        (json!({"access": "Maybe"}), "access"),
        (json!({"direction": null}), "direction"),
        (json!({"protocol": 6}), "protocol"),
        (json!({"destinationPortRange": "80-"}), "destinationPortRange"),
        (json!({"destinationPortRange": "90-80"}), "destinationPortRange"),
        (json!({"destinationPortRange": "70000"}), "destinationPortRange"),
        (json!({"destinationPortRange": null}), "destinationPortRange"),
        (
            json!({"sourceAddressPrefix": "10.0.0.0/33"}),
            "sourceAddressPrefix",
        ),
        (json!({"sourceAddressPrefix": null}), "sourceAddressPrefix"),
        (
            json!({"expandedSourceAddressPrefix": ["x/y"]}),
            "expandedSourceAddressPrefix",
        ),
        (
            json!({"sourceAddressPrefixes": ["10.0.0.0/8"]}),
            "sourceAddressPrefix",
        ),
        (
            json!({"expandedSourceAddressPrefix": ["10.0.0.0/8"]}),
            "sourceAddressPrefix",
        ),
    ] {
        let rule = only_rule(extra.clone());
        let fields: Vec<&str> = rule.faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, [field], "{extra}");
    }
    let body = json!({"value": [entry_of(subnet(), json!(["x", rule_of(json!({"priority": "high"}))]))]});
    let found = parse(&body).unwrap();
    assert_eq!((found.gates[0].rules.len(), found.warnings.len()), (2, 2));
    assert_eq!(found.warnings[1].at, "value.0.effectiveSecurityRules.1");
}

#[test]
fn tags_are_read_from_a_map_or_from_a_string_that_holds_one() {
    let mut entry = entry_of(subnet(), json!([]));
    for map in [
        json!({"VirtualNetwork": ["10.0.0.0/8"]}),
        json!("{\"VirtualNetwork\": [\"10.0.0.0/8\"]}"),
    ] {
        entry["tagMap"] = map;
        let found = parse(&entry).unwrap();
        assert_eq!(found.gates[0].tags["virtualnetwork"].len(), 1);
        assert!(found.warnings.is_empty());
    }
    for (map, warned) in [
        (json!(""), false),
        (json!({}), false),
        (json!("AzureCloud"), true),
        (json!([1]), true),
    ] {
        entry["tagMap"] = map;
        let found = parse(&entry).unwrap();
        assert!(found.gates[0].tags.is_empty());
        assert_eq!(found.warnings.len(), usize::from(warned));
    }
}
