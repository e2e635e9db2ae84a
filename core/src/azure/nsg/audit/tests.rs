use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::azure::nsg::{Compiled, Flow, Protocol, PublicAddress, Verdict, parse};

fn rule(name: &str, priority: u32, access: &str, protocol: &str, from: &str, ports: &str) -> Value {
    json!({"name": name, "priority": priority, "access": access, "direction": "Inbound", "protocol": protocol,
        "sourceAddressPrefix": from, "sourcePortRange": "*", "destinationAddressPrefix": "*",
        "destinationPortRange": ports})
}

fn body(rules: &[Value]) -> Effective {
    parse(
        &json!({"value": [{"networkSecurityGroup": {"id": "/nsg"}, "association": {"subnet": {"id": "/s"}},
        "effectiveSecurityRules": rules}]}),
    )
    .unwrap()
}

/// Each hidden rule with those that hide it: `rule<a,b`.
fn names(hidden: &[Hidden<'_>]) -> Vec<String> {
    let by =
        |hidden: &Hidden<'_>| -> Vec<String> { hidden.by.iter().map(|rule| rule.name.clone()).collect() };
    hidden
        .iter()
        .map(|hidden| format!("{}<{}", hidden.place.rule.name, by(hidden).join(",")))
        .collect()
}

fn seen(rules: &[Value], tags: &Tags) -> (Vec<String>, Vec<String>) {
    let effective = body(rules);
    let found = audit(&effective, None, tags);
    (names(&found.shadowed), names(&found.redundant))
}

#[test]
fn a_rule_hidden_by_several_together_is_found() {
    let rules = [
        rule("low", 100, "Deny", "Tcp", "0.0.0.0/1", "*"),
        rule("high", 110, "Deny", "*", "128.0.0.0/1", "*"),
        rule("web", 120, "Allow", "Tcp", "0.0.0.0/0", "443"),
        rule("udp", 130, "Allow", "Udp", "0.0.0.0/0", "443"),
    ];
    let (shadowed, redundant) = seen(&rules, &Tags::default());
    assert_eq!(shadowed, ["web<low,high"]);
    assert!(redundant.is_empty());
    let ports = [
        rule("a", 100, "Allow", "Tcp", "*", "1-100"),
        rule("b", 110, "Deny", "Tcp", "*", "101-200"),
        rule("c", 120, "Allow", "Tcp", "10.0.0.0/8", "50-150"),
        rule("d", 130, "Allow", "Tcp", "10.0.0.0/8", "50-99"),
        rule("e", 140, "Allow", "Tcp", "10.0.0.0/8", "50-201"),
    ];
    let (shadowed, redundant) = seen(&ports, &Tags::default());
    assert_eq!(
        (shadowed, redundant),
        (vec!["c<a,b".to_owned()], vec!["d<a".to_owned()])
    );
}

#[test]
fn a_tag_that_is_not_known_neither_hides_nor_is_hidden() {
    let rules = [
        rule("tag", 100, "Deny", "*", "Storage", "*"),
        rule("net", 110, "Allow", "Tcp", "20.0.0.0/8", "443"),
        rule("again", 120, "Allow", "Tcp", "Storage", "443"),
        rule("all", 130, "Deny", "*", "*", "*"),
        rule("last", 140, "Allow", "Udp", "Sql", "53"),
    ];
    let (shadowed, _) = seen(&rules, &Tags::default());
    // The same tag is within itself, and all is all.
    assert_eq!(shadowed, ["again<tag", "last<all"]);
    let known = Tags {
        service: std::collections::BTreeMap::from([(
            "storage".to_owned(),
            vec!["20.0.0.0/7".parse().unwrap()],
        )]),
        ..Tags::default()
    };
    assert_eq!(seen(&rules, &known).0, ["net<tag", "again<tag", "last<tag,all"]);
}

#[test]
fn what_is_not_understood_is_undecided_and_hides_nothing() {
    let mut strange = rule("strange", 100, "Deny", "*", "*", "*");
    strange["priority"] = json!("first");
    let effective = body(&[strange, rule("web", 200, "Allow", "Tcp", "*", "443")]);
    let found = audit(&effective, None, &Tags::default());
    assert!(found.shadowed.is_empty());
    assert_eq!(found.undecided[0].place.rule.name, "strange");
}

#[test]
fn a_rule_on_every_ipv4_address_does_not_hide_one_on_all() {
    let rules = [
        rule("v4", 100, "Deny", "*", "0.0.0.0/0", "*"),
        rule("all", 110, "Allow", "Tcp", "*", "443"),
    ];
    assert!(seen(&rules, &Tags::default()).0.is_empty());
}

#[test]
fn wide_rules_are_named_with_their_dimensions() {
    let rules = [
        rule("any", 100, "Allow", "*", "*", "*"),
        rule("ssh", 110, "Allow", "Tcp", "Internet", "22"),
        rule("web", 120, "Allow", "Tcp", "0.0.0.0/0", "443"),
        rule("inside", 130, "Allow", "Tcp", "10.0.0.0/8", "443"),
        rule("no", 140, "Deny", "*", "*", "*"),
        rule("defaultSecurityRules/in", 65000, "Allow", "*", "*", "*"),
    ];
    let effective = body(&rules);
    let found = audit(&effective, None, &Tags::default());
    let seen: Vec<String> = found
        .permissive
        .iter()
        .map(|one| {
            let words: Vec<&str> = one.wildcards.iter().map(|wildcard| wildcard.word()).collect();
            format!(
                "{} {} {}",
                one.place.rule.name,
                words.join(","),
                one.severity.word()
            )
        })
        .collect();
    let wanted = [
        "any source,destination,port,protocol critical",
        "ssh source,destination high",
        "web source,destination low",
        "inside destination info",
    ];
    assert_eq!(seen, wanted);
}

#[test]
fn gates_without_rules_of_their_own_are_named() {
    let effective = body(&[rule("defaultSecurityRules/in", 65500, "Deny", "*", "*", "*")]);
    let found = audit(&effective, None, &Tags::default());
    let inbound: Vec<(&str, bool)> = found
        .default_only
        .iter()
        .filter(|gate| gate.direction == Direction::Inbound)
        .map(|gate| (gate.gate.word(), gate.absent))
        .collect();
    assert_eq!(inbound, [("subnet", false), ("nic", true)]);
    let none = parse(&json!({"value": []})).unwrap();
    assert_eq!(audit(&none, None, &Tags::default()).default_only.len(), 4);
}

#[test]
fn sets_with_too_many_parts_are_undecided_and_end_soon() {
    // Each takes a stripe of another dimension, so that what is left falls into ever more parts.
    let stripes = |text: fn(u32) -> String| -> Value { (0..200).map(|at| json!(text(at))).collect() };
    let mut rules: Vec<Value> = (0..400)
        .map(|at| {
            let mut rule = rule(&format!("r{at}"), 100 + at, "Deny", "Tcp", "*", "*");
            rule["sourceAddressPrefix"] = json!(format!("10.{}.0.0/16", at % 200));
            rule["destinationAddressPrefix"] = json!(format!("10.{}.0.0/16", (at * 7) % 200));
            rule["destinationPortRange"] = json!(format!("{}", at * 3));
            rule
        })
        .collect();
    let mut last = rule("last", 4000, "Allow", "Tcp", "*", "*");
    last["sourceAddressPrefix"] = stripes(|at| format!("10.{at}.0.0/16"));
    rules.push(last);
    let effective = body(&rules);
    let began = std::time::Instant::now();
    let found = audit(&effective, None, &Tags::default());
    assert!(found.shadowed.is_empty());
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The oracle: a rule is hidden where no flow of a small universe ever has it as the deciding one, while it matches some.
    #[test]
    fn hidden_rules_are_those_that_decide_no_flow(
        plain in prop::collection::vec((any::<bool>(), 0..3usize, 0..7usize, 0..4u16, 0..4u16), 1..7),
    ) {
        let protocols = ["*", "Tcp", "Udp"];
        let sources = ["*", "10.0.0.0/30", "10.0.0.0/31", "10.0.0.2/31", "10.0.0.0", "10.0.0.1", "10.0.0.3"];
        let rules: Vec<Value> = plain
            .iter()
            .enumerate()
            .map(|(at, (allow, protocol, source, a, b))| {
                let ports = format!("{}-{}", a.min(b), a.max(b));
                let access = if *allow { "Allow" } else { "Deny" };
                rule(&at.to_string(), 100 + u32::try_from(at).unwrap(), access, protocols[*protocol], sources[*source], &ports)
            })
            .collect();
        let effective = body(&rules);
        let tags = Tags::default();
        let found = audit(&effective, None, &tags);
        let mut hidden: Vec<String> = found.shadowed.iter().chain(&found.redundant).map(|one| one.place.rule.name.clone()).collect();
        hidden.sort();
        let compiled = Compiled::new(&effective, None, &tags);
        let mut decides = std::collections::BTreeSet::new();
        for protocol in [Protocol::Tcp, Protocol::Udp] {
            for source in ["10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3", "11.0.0.0"] {
                for port in 0..4 {
                    let flow = Flow {
                        direction: Direction::Inbound,
                        protocol,
                        source: source.parse().unwrap(),
                        destination: "10.9.9.9".parse().unwrap(),
                        source_ports: Some((9, 9)),
                        ports: Some((port, port)),
                    };
                    let answer = compiled.evaluate(&flow, PublicAddress::None).unwrap();
                    prop_assert!(answer.verdict != Verdict::Unknown || answer.deciding_rule().is_none());
                    let subnet = answer.gates.iter().find(|gate| gate.gate == GateKind::Subnet).unwrap();
                    decides.extend(subnet.rule.map(|rule| rule.name.clone()));
                }
            }
        }
        let wanted: Vec<String> = (0..plain.len()).map(|at| at.to_string()).filter(|name| !decides.contains(name)).collect();
        prop_assert_eq!(hidden, wanted);
    }
}
