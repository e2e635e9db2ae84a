use proptest::prelude::*;

use super::*;
use crate::azure::nsg::{Compiled, Flow, Protocol, PublicAddress, Verdict as Fate, parse};

fn rule(name: &str, priority: u32, access: &str, from: &str, ports: &str) -> Value {
    json!({"name": name, "priority": priority, "access": access, "direction": "Inbound", "protocol": "Tcp",
        "sourceAddressPrefix": from, "sourcePortRange": "*", "destinationAddressPrefix": "*",
        "destinationPortRange": ports})
}

fn last() -> Value {
    let mut rule = rule("DenyAllInBound", 65_500, "Deny", "*", "*");
    rule["protocol"] = json!("*");
    rule
}

fn entry(kind: &str, nsg: &str, rules: &[Value]) -> Value {
    json!({"networkSecurityGroup": {"id": nsg}, "association": {kind: {"id": format!("/{kind}")}},
        "effectiveSecurityRules": rules})
}

fn one(rules: &[Value]) -> Value {
    json!({"value": [entry("subnet", "/a", rules)]})
}

fn compare(before: &Value, after: &Value) -> Diff {
    let (before, after) = (parse(before).unwrap(), parse(after).unwrap());
    diff(&before, &after, &Tags::default())
}

fn kinds(found: &Diff) -> Vec<(Kind, &str)> {
    found
        .changes
        .iter()
        .map(|change| (change.kind, change.path.as_str()))
        .collect()
}

/// The effect in short: `from>to protocols sources ports`.
fn short(effect: &Effect) -> Vec<String> {
    let flows = match effect {
        Effect::None => return vec!["none".to_owned()],
        Effect::Changed { flows, .. } => flows,
        Effect::Unknown { .. } => return vec!["unknown".to_owned()],
    };
    let words = |flows: &Flows| {
        let parts = [
            flows.protocols.join(","),
            flows.sources.join(","),
            flows.ports.join(","),
        ];
        format!("{}>{} {}", flows.from.word(), flows.to.word(), parts.join(" "))
    };
    flows.iter().map(words).collect()
}

#[test]
fn an_edit_is_one_change_with_the_flows_that_it_changes() {
    let before = one(&[rule("web", 100, "Allow", "10.0.0.0/8", "443"), last()]);
    let after = one(&[rule("web", 100, "Allow", "10.0.0.0/8", "444"), last()]);
    let found = compare(&before, &after);
    assert_eq!(kinds(&found), [(Kind::RuleChanged, "subnet/a/inbound/web")]);
    let wanted = ["DENY>ALLOW tcp 10.0.0.0/8 444", "ALLOW>DENY tcp 10.0.0.0/8 443"];
    assert_eq!(short(&found.changes[0].effect), wanted);
    let change = &found.changes[0];
    let ports = |side: &Option<Value>| side.as_ref().unwrap()["ports"].clone();
    assert_eq!(
        (ports(&change.before), ports(&change.after)),
        (json!(["443"]), json!(["444"]))
    );
}

#[test]
fn every_field_is_seen() {
    let base = rule("web", 100, "Allow", "10.0.0.0/8", "443");
    for (field, value) in [
        ("priority", json!(101)),
        ("access", json!("Deny")),
        ("protocol", json!("Udp")),
        ("sourceAddressPrefix", json!("10.0.0.0/9")),
        ("sourcePortRange", json!("5")),
        ("destinationAddressPrefix", json!("10.0.0.4")),
        ("destinationPortRange", json!("1-9")),
        ("destinationPortRanges", json!(["443", "8443"])),
        ("direction", json!("Outbound")),
        ("expandedDestinationAddressPrefix", json!(["0.0.0.0/0"])),
        ("description", json!("x")),
        ("priority", json!("first")),
    ] {
        let mut edited = base.clone();
        edited[field] = value;
        let found = compare(&one(&[base.clone(), last()]), &one(&[edited, last()]));
        assert_eq!(found.verdict, Verdict::Drift, "{field}");
    }
    let tagged = |expansion: Value| {
        let mut rule = rule("tag", 100, "Allow", "Storage", "443");
        rule["expandedSourceAddressPrefix"] = expansion;
        one(&[rule, last()])
    };
    let found = compare(
        &tagged(json!(["20.0.0.0/8"])),
        &tagged(json!(["20.0.0.0/8", "30.0.0.0/8"])),
    );
    assert_eq!(short(&found.changes[0].effect), ["DENY>ALLOW tcp 30.0.0.0/8 443"]);
    // The same addresses in other parts are the same.
    let found = compare(
        &tagged(json!(["20.0.0.0/8"])),
        &tagged(json!(["20.128.0.0/9", "20.0.0.0/9"])),
    );
    assert_eq!(found.verdict, Verdict::NoDrift);
}

#[test]
fn an_edit_behind_a_rule_that_takes_all_changes_no_flow() {
    let of = |port: &str| {
        one(&[
            rule("no", 90, "Deny", "*", "*"),
            rule("web", 100, "Allow", "*", port),
            last(),
        ])
    };
    let found = compare(&of("443"), &of("80"));
    assert_eq!(
        (found.verdict, short(&found.changes[0].effect)),
        (Verdict::Drift, vec!["none".to_owned()])
    );
}

#[test]
fn an_edit_that_another_gate_stops_changes_no_flow() {
    let of = |port: &str| {
        let nic = entry(
            "networkInterface",
            "/b",
            &[rule("ssh", 100, "Allow", "*", "22"), last()],
        );
        json!({"value": [entry("subnet", "/a", &[rule("web", 100, "Allow", "*", port), last()]), nic]})
    };
    assert_eq!(short(&compare(&of("443"), &of("80")).changes[0].effect), ["none"]);
    let found = compare(&of("443"), &of("22"));
    assert_eq!(
        short(&found.changes[0].effect),
        ["DENY>ALLOW tcp 0.0.0.0/0,::/0 22"]
    );
}

#[test]
fn gates_come_go_move_and_are_replaced() {
    let rules = [rule("web", 100, "Allow", "*", "443"), last()];
    let subnet = entry("subnet", "/a", &rules);
    let nic = entry("networkInterface", "/a", &rules);
    let other = entry("subnet", "/b", &[last()]);
    let none = json!({"value": []});
    let of = |entry: &Value| json!({"value": [entry]});
    let found = compare(&none, &of(&subnet));
    assert_eq!(kinds(&found), [(Kind::GateAdded, "subnet/a")]);
    assert!(
        short(&found.changes[0].effect)[0].starts_with("ALLOW>DENY"),
        "{:?}",
        found.changes
    );
    assert_eq!(
        kinds(&compare(&of(&subnet), &none)),
        [(Kind::GateRemoved, "subnet/a")]
    );
    let moved = compare(&of(&subnet), &of(&nic));
    assert_eq!(kinds(&moved), [(Kind::GateMoved, "nic/a")]);
    assert_eq!(short(&moved.changes[0].effect), ["none"]);
    let replaced = compare(&of(&subnet), &of(&other));
    assert_eq!(kinds(&replaced), [(Kind::GroupReplaced, "subnet/b")]);
    assert_eq!(
        short(&replaced.changes[0].effect),
        ["ALLOW>DENY tcp 0.0.0.0/0,::/0 443"]
    );
}

#[test]
fn rules_of_one_name_in_two_gates_are_two_rules() {
    let of = |subnet: &str, nic: &str| {
        json!({"value": [entry("subnet", "/a", &[rule("web", 100, subnet, "*", "443"), last()]),
            entry("networkInterface", "/b", &[rule("web", 100, nic, "*", "443"), last()])]})
    };
    let found = compare(&of("Allow", "Deny"), &of("Deny", "Allow"));
    assert_eq!(
        kinds(&found),
        [
            (Kind::RuleChanged, "nic/b/inbound/web"),
            (Kind::RuleChanged, "subnet/a/inbound/web")
        ]
    );
    assert!(found.changes.iter().all(|change| change.effect == Effect::None));
}

#[test]
fn what_is_not_understood_is_never_equal() {
    let mut strange = rule("web", 100, "Allow", "*", "443");
    strange["priority"] = json!("first");
    let of = one(&[strange, last()]);
    let found = compare(&of, &of);
    assert_eq!((found.verdict, found.changes.len()), (Verdict::Unknown, 0));
    assert!(!found.not_covered.is_empty() && found.digests == [None, None]);
    let page = json!({"value": [], "nextLink": "https://x"});
    assert_eq!(compare(&page, &page).verdict, Verdict::Unknown);
    let none = json!({"value": []});
    assert_eq!(compare(&none, &none).verdict, Verdict::NoDrift);
    assert_eq!(compare(&page, &one(&[last()])).verdict, Verdict::Drift);
}

#[test]
fn a_tag_that_is_not_resolved_leaves_the_effect_open() {
    let of = |port: &str| one(&[rule("tag", 100, "Allow", "Storage", port), last()]);
    let found = compare(&of("443"), &of("80"));
    assert_eq!(short(&found.changes[0].effect), ["unknown"]);
    // What a renamed rule means has not changed, whatever the tag is.
    let renamed = one(&[rule("other", 100, "Allow", "Storage", "443"), last()]);
    let found = compare(&of("443"), &renamed);
    assert_eq!(found.changes.len(), 2);
    assert!(found.changes.iter().all(|change| change.effect == Effect::None));
}

/// Rules on one half of the addresses of a small universe.
fn some() -> impl Strategy<Value = Vec<(u32, bool, usize, u16)>> {
    prop::collection::vec((100..106u32, any::<bool>(), 0..4usize, 1..4u16), 0..5)
}

const SOURCES: [&str; 4] = ["*", "10.0.0.0/31", "10.0.0.2/31", "10.0.0.1"];

fn listed(rules: &[(u32, bool, usize, u16)]) -> Vec<Value> {
    let one = |(at, (priority, allow, source, port)): (usize, &(u32, bool, usize, u16))| {
        let access = if *allow { "Allow" } else { "Deny" };
        rule(
            &format!("r{at}"),
            *priority,
            access,
            SOURCES[*source],
            &port.to_string(),
        )
    };
    rules.iter().enumerate().map(one).chain([last()]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn permuted_lists_are_no_drift(rules in some(), seed in any::<u64>()) {
        let before = listed(&rules);
        let mut after = before.clone();
        for at in (1..after.len()).rev() {
            let to = usize::try_from((seed >> at) % (u64::try_from(at).unwrap() + 1)).unwrap();
            after.swap(at, to);
        }
        let found = compare(&one(&before), &one(&after));
        prop_assert_eq!(found.verdict, Verdict::NoDrift);
        prop_assert_eq!(found.digests[0], found.digests[1]);
    }

    /// The oracle asks both sides about every flow of a small universe.
    #[test]
    fn the_effects_of_all_changes_are_the_flows_that_change(a in some(), b in some()) {
        let (before, after) = (one(&listed(&a)), one(&listed(&b)));
        let found = compare(&before, &after);
        let (before, after) = (parse(&before).unwrap(), parse(&after).unwrap());
        let tags = Tags::default();
        let sides = [Compiled::new(&before, None, &tags), Compiled::new(&after, None, &tags)];
        let (mut any, mut tied) = (false, false);
        for source in ["10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3", "11.0.0.0"] {
            for port in 1..4u16 {
                let flow = Flow {
                    direction: Direction::Inbound,
                    protocol: Protocol::Tcp,
                    source: source.parse().unwrap(),
                    destination: "10.9.9.9".parse().unwrap(),
                    source_ports: Some((9, 9)),
                    ports: Some((port, port)),
                };
                let verdicts = sides.each_ref().map(|side| side.evaluate(&flow, PublicAddress::None).unwrap().verdict);
                tied |= verdicts.contains(&Fate::Unknown);
                any |= matches!(verdicts, [Fate::Allow, Fate::Deny] | [Fate::Deny, Fate::Allow]);
                let shown = found.changes.iter().any(|change| names(&change.effect, source, port));
                if matches!(verdicts, [Fate::Allow, Fate::Allow] | [Fate::Deny, Fate::Deny]) {
                    prop_assert!(!shown, "{source} {port} {verdicts:?} {:?}", found.changes);
                }
            }
        }
        let changed = found.changes.iter().any(|change| matches!(change.effect, Effect::Changed { .. }));
        prop_assert_eq!(changed, any, "{:?}", found.changes);
        let open = found.changes.iter().any(|change| matches!(change.effect, Effect::Unknown { .. }));
        prop_assert!(!open || tied, "{:?}", found.changes);
    }
}

/// True where the effect names this flow.
fn names(effect: &Effect, source: &str, port: u16) -> bool {
    let Effect::Changed { flows, .. } = effect else {
        return false;
    };
    let address = source.parse().unwrap();
    let within = |words: &[String]| {
        words.iter().any(|word| match word.split_once('-') {
            Some((low, high)) => {
                (low.parse::<std::net::IpAddr>().unwrap()..=high.parse().unwrap()).contains(&address)
            }
            None => word.parse::<crate::azure::net::Net>().unwrap().contains(address),
        })
    };
    let on = |words: &[String]| {
        words.iter().any(|word| match word.split_once('-') {
            _ if word == "*" => true,
            Some((low, high)) => (low.parse::<u16>().unwrap()..=high.parse().unwrap()).contains(&port),
            None => word.parse::<u16>().unwrap() == port,
        })
    };
    flows.iter().any(|flows| {
        within(&flows.sources)
            && on(&flows.ports)
            && flows.protocols.iter().any(|name| matches!(*name, "tcp" | "any"))
    })
}
