use std::net::IpAddr;

use serde_json::{Value, json};

use super::super::*;
use crate::azure::nsg::{Effective, parse};
use crate::azure::tags::Tags;

fn rule(name: &str, priority: Value, access: &str, source: &str, ports: &str) -> Value {
    json!({"name": name, "priority": priority, "access": access, "direction": "Inbound", "protocol": "Tcp",
        "sourceAddressPrefix": source, "sourcePortRange": "0-65535",
        "destinationAddressPrefix": "*", "destinationPortRange": ports})
}

fn with(mut rule: Value, extra: Value) -> Value {
    for (name, value) in extra.as_object().unwrap() {
        rule[name] = value.clone();
    }
    rule
}

fn defaults() -> Vec<Value> {
    let all = |name: &str, priority: u32, direction: &str, access: &str, from: &str, to: &str| {
        with(
            rule(name, json!(priority), access, from, "0-65535"),
            json!({"direction": direction, "protocol": "All", "destinationAddressPrefix": to}),
        )
    };
    vec![
        all(
            "AllowVnetInBound",
            65_000,
            "Inbound",
            "Allow",
            "VirtualNetwork",
            "VirtualNetwork",
        ),
        all(
            "AllowAzureLoadBalancerInBound",
            65_001,
            "Inbound",
            "Allow",
            "AzureLoadBalancer",
            "*",
        ),
        all("DenyAllInBound", 65_500, "Inbound", "Deny", "*", "*"),
        all(
            "AllowVnetOutBound",
            65_000,
            "Outbound",
            "Allow",
            "VirtualNetwork",
            "VirtualNetwork",
        ),
        all(
            "AllowInternetOutBound",
            65_001,
            "Outbound",
            "Allow",
            "*",
            "Internet",
        ),
        all("DenyAllOutBound", 65_500, "Outbound", "Deny", "*", "*"),
    ]
}

fn entry(kind: &str, rules: Vec<Value>) -> Value {
    json!({"networkSecurityGroup": {"id": format!("/{kind}-nsg")}, "association": {kind: {"id": "/x"}},
        "effectiveSecurityRules": rules})
}

fn both(subnet: Vec<Value>, nic: Vec<Value>) -> Value {
    let whole = |mut rules: Vec<Value>| {
        rules.extend(defaults());
        rules
    };
    json!({"value": [entry("networkInterface", whole(nic)), entry("subnet", whole(subnet))]})
}

fn flow(text: &str) -> Flow {
    let words: Vec<&str> = text.split(' ').collect();
    let address = |at: usize| -> IpAddr { words[at].parse().unwrap() };
    Flow {
        direction: if words[0] == "in" {
            Direction::Inbound
        } else {
            Direction::Outbound
        },
        protocol: Protocol::read(words[1]).unwrap(),
        source: address(2),
        destination: address(3),
        source_ports: None,
        ports: words
            .get(4)
            .map(|port| (port.parse().unwrap(), port.parse().unwrap())),
    }
}

fn vnet() -> Tags {
    Tags {
        vnet: vec!["10.0.0.0/16".parse().unwrap()],
        ..Tags::default()
    }
}

/// `VERDICT gate rule`, as far as a gate or a rule decides.
fn ask(body: &Value, admin: Option<&Value>, tags: &Tags, text: &str) -> String {
    let effective: Effective = parse(body).unwrap();
    let admin = admin.map(|admin| crate::azure::admin::parse(admin).unwrap().0);
    let compiled = Compiled::new(&effective, admin.as_ref(), tags);
    let found = compiled.evaluate(&flow(text), PublicAddress::Standard).unwrap();
    let gate = found.deciding_gate().map(|gate| format!(" {}", gate.gate.word()));
    let rule = found.deciding_rule().map(|rule| format!(" {}", rule.name));
    let words = [gate, rule].map(Option::unwrap_or_default).concat();
    format!("{}{words}", found.verdict.word())
}

#[test]
fn gates_are_asked_in_the_order_of_azure() {
    let deny = || rule("deny-db", json!(100), "Deny", "*", "5432");
    let out = |access: &str| {
        with(
            rule("ssh-out", json!(100), access, "*", "22"),
            json!({"direction": "Outbound"}),
        )
    };
    let allow = || rule("web", json!(200), "Allow", "*", "443");
    let body = both(
        vec![deny(), allow(), out("Allow")],
        vec![deny(), allow(), out("Deny")],
    );
    for (text, wanted) in [
        ("in tcp 10.0.0.5 10.0.1.4 443", "ALLOW nic web"),
        ("in tcp 10.0.0.5 10.0.1.4 5432", "DENY subnet deny-db"),
        ("in tcp 9.9.9.9 10.0.1.4 443", "ALLOW nic web"),
        ("in tcp 9.9.9.9 10.0.1.4 80", "DENY subnet DenyAllInBound"),
        ("in tcp 10.0.0.5 10.0.1.4 80", "ALLOW nic AllowVnetInBound"),
        (
            "in tcp 168.63.129.16 10.0.1.4 80",
            "ALLOW nic AllowAzureLoadBalancerInBound",
        ),
        ("in udp 192.168.0.1 10.0.1.4 443", "DENY subnet DenyAllInBound"),
        ("out tcp 10.0.1.4 10.0.2.4 22", "DENY nic ssh-out"),
        (
            "out tcp 10.0.1.4 9.9.9.9 443",
            "ALLOW subnet AllowInternetOutBound",
        ),
        ("out tcp 10.0.1.4 192.168.0.1 443", "DENY nic DenyAllOutBound"),
        ("in icmp 10.0.0.5 10.0.1.4", "ALLOW nic AllowVnetInBound"),
        ("in esp 9.9.9.9 10.0.1.4", "DENY subnet DenyAllInBound"),
    ] {
        assert_eq!(ask(&body, None, &vnet(), text), wanted, "{text}");
    }
}

#[test]
fn a_tag_that_is_not_known_matters_only_where_it_decides() {
    let body = both(vec![rule("web", json!(200), "Allow", "*", "443")], vec![]);
    let unknown = Tags::default();
    let ask = |text: &str| ask(&body, None, &unknown, text);
    assert_eq!(ask("in tcp 10.0.0.5 10.0.1.4 443"), "UNKNOWN nic");
    let tagged = rule("probe", json!(100), "Allow", "Storage", "443");
    let last = rule("deny", json!(4096), "Deny", "*", "*");
    let body = both(vec![tagged, last], vec![]);
    let ask = |text: &str| super::examples::ask(&body, None, &vnet(), text);
    // The port of the rule on the tag is another.
    assert_eq!(ask("in tcp 10.0.0.5 10.0.1.4 80"), "DENY subnet deny");
    assert_eq!(ask("in tcp 10.0.0.5 10.0.1.4 443"), "UNKNOWN subnet");
}

#[test]
fn a_certain_denial_counts_though_another_gate_is_not_known() {
    let tagged = rule("probe", json!(100), "Allow", "Storage", "443");
    let body = both(vec![tagged], vec![rule("no", json!(100), "Deny", "*", "443")]);
    assert_eq!(
        ask(&body, None, &vnet(), "in tcp 9.9.9.9 10.0.1.4 443"),
        "DENY nic no"
    );
}

#[test]
fn what_is_not_understood_never_lets_a_flow_through() {
    let text = "in tcp 9.9.9.9 10.0.1.4 443";
    let web = || rule("web", json!(200), "Allow", "*", "443");
    let of = |entry: Value| ask(&json!({"value": [entry]}), None, &vnet(), text);
    let placed = |association: Value, rule: Value| {
        let mut entry = entry("subnet", vec![rule]);
        entry["association"] = association;
        of(entry)
    };
    for association in [
        json!(null),
        json!({}),
        json!({"new": {"id": "/x"}}),
        json!({"subnet": {"id": "/s"}, "networkInterface": {"id": "/n"}}),
    ] {
        assert_eq!(
            placed(association.clone(), web()),
            "UNKNOWN unknown",
            "{association}"
        );
        let deny = rule("no", json!(100), "Deny", "*", "*");
        assert_eq!(placed(association, deny), "DENY unknown no");
    }
    for word in [json!("high"), json!(null), json!(-1)] {
        let deny = rule("no", word, "Deny", "*", "443");
        assert_eq!(of(entry("subnet", vec![deny.clone(), web()])), "UNKNOWN subnet");
        // Both ways lead to one end.
        let all = rule("all", json!(300), "Deny", "*", "*");
        assert_eq!(of(entry("subnet", vec![deny, all])), "DENY subnet all");
    }
    assert_eq!(of(entry("subnet", vec![json!("x"), web()])), "UNKNOWN subnet");
    assert_eq!(
        of(json!({"association": {"subnet": {"id": "/s"}}, "effectiveSecurityRules": null})),
        "UNKNOWN subnet"
    );
    assert_eq!(of(json!(7)), "UNKNOWN unknown");
    let page = json!({"value": [entry("subnet", vec![web()])], "nextLink": "https://x"});
    assert_eq!(ask(&page, None, &vnet(), text), "UNKNOWN");
    let unknown = with(web(), json!({"access": "AlwaysAllow"}));
    assert_eq!(of(entry("subnet", vec![unknown])), "UNKNOWN subnet");
}

#[test]
fn rules_of_one_priority_that_disagree_decide_nothing() {
    let (yes, no) = (
        rule("yes", json!(100), "Allow", "*", "443"),
        rule("no", json!(100), "Deny", "*", "443"),
    );
    let of = |rules: Vec<Value>| {
        ask(
            &json!({"value": [entry("subnet", rules)]}),
            None,
            &vnet(),
            "in tcp 9.9.9.9 10.0.1.4 443",
        )
    };
    assert_eq!(of(vec![yes.clone(), no.clone()]), of(vec![no, yes.clone()]));
    assert_eq!(
        of(vec![yes.clone(), rule("no", json!(100), "Deny", "*", "443")]),
        "UNKNOWN subnet"
    );
    assert_eq!(of(vec![yes.clone(), yes]), "ALLOW subnet yes");
}

#[test]
fn default_rules_that_are_not_listed_deny_but_never_allow() {
    let body = json!({"value": [entry("subnet", vec![rule("web", json!(200), "Allow", "*", "443")])]});
    assert_eq!(
        ask(&body, None, &vnet(), "in tcp 9.9.9.9 10.0.1.4 80"),
        "DENY subnet"
    );
    assert_eq!(
        ask(&body, None, &vnet(), "in tcp 10.0.0.5 10.0.1.4 80"),
        "UNKNOWN subnet"
    );
    assert_eq!(
        ask(&body, None, &Tags::default(), "in tcp 9.9.9.9 10.0.1.4 80"),
        "UNKNOWN subnet"
    );
}

#[test]
fn no_group_is_open_but_for_a_standard_public_address() {
    let none = json!({"value": []});
    let address = |address, text: &str| {
        let effective = parse(&none).unwrap();
        let tags = vnet();
        let compiled = Compiled::new(&effective, None, &tags);
        compiled.evaluate(&flow(text), address).unwrap().verdict
    };
    for (kind, text, wanted) in [
        (
            PublicAddress::Standard,
            "in tcp 10.0.0.5 10.0.1.4 443",
            Verdict::Allow,
        ),
        (
            PublicAddress::Standard,
            "in tcp 192.168.0.1 10.0.1.4 443",
            Verdict::Allow,
        ),
        (
            PublicAddress::Standard,
            "in tcp 9.9.9.9 10.0.1.4 443",
            Verdict::Deny,
        ),
        (
            PublicAddress::Basic,
            "in tcp 9.9.9.9 10.0.1.4 443",
            Verdict::Allow,
        ),
        (PublicAddress::None, "in tcp 9.9.9.9 10.0.1.4 443", Verdict::Allow),
        (
            PublicAddress::Standard,
            "out tcp 10.0.1.4 9.9.9.9 443",
            Verdict::Allow,
        ),
    ] {
        assert_eq!(address(kind, text), wanted, "{kind:?} {text}");
    }
}

#[test]
fn families_never_meet() {
    let v4 = rule("v4", json!(100), "Allow", "0.0.0.0/0", "443");
    let v6 = rule("v6", json!(200), "Allow", "::/0", "80");
    let body = json!({"value": [entry("subnet", [vec![v4, v6], defaults()].concat())]});
    let ask = |text: &str| ask(&body, None, &vnet(), text);
    assert_eq!(
        ask("in tcp 2001:db8::1 2001:db8::2 443"),
        "DENY subnet DenyAllInBound"
    );
    assert_eq!(ask("in tcp 2001:db8::1 2001:db8::2 80"), "ALLOW subnet v6");
    assert_eq!(ask("in tcp 9.9.9.9 10.0.0.1 80"), "DENY subnet DenyAllInBound");
    let effective = parse(&body).unwrap();
    let crossed = flow("in tcp 9.9.9.9 ::1 80");
    let compiled = Compiled::new(&effective, None, &Tags::default());
    assert_eq!(
        compiled.evaluate(&crossed, PublicAddress::None),
        Err(FlowError::Families)
    );
}

#[test]
fn all_protocols_at_once_are_one_answer_only_where_they_agree() {
    let deny = rule("no-tcp", json!(100), "Deny", "*", "*");
    let all = with(
        rule("all", json!(200), "Allow", "*", "*"),
        json!({"protocol": "*"}),
    );
    let body = json!({"value": [entry("subnet", vec![deny, all.clone()])]});
    assert_eq!(
        ask(&body, None, &vnet(), "in * 9.9.9.9 10.0.1.4 443"),
        "UNKNOWN subnet"
    );
    let body = json!({"value": [entry("subnet", vec![all])]});
    assert_eq!(
        ask(&body, None, &vnet(), "in * 9.9.9.9 10.0.1.4 443"),
        "ALLOW subnet all"
    );
}

#[test]
fn source_ports_count() {
    let from = with(
        rule("from", json!(100), "Allow", "*", "443"),
        json!({"sourcePortRange": "456-460"}),
    );
    let body = json!({"value": [entry("subnet", [vec![from], defaults()].concat())]});
    let effective = parse(&body).unwrap();
    let compiled = Compiled::new(
        &effective,
        None,
        &Tags {
            vnet: vec!["10.0.0.0/8".parse().unwrap()],
            ..Tags::default()
        },
    );
    let ask = |source_ports| {
        let flow = Flow {
            source_ports,
            ..flow("in tcp 9.9.9.9 10.0.1.4 443")
        };
        compiled.evaluate(&flow, PublicAddress::Standard).unwrap().verdict
    };
    assert_eq!(ask(Some((456, 460))), Verdict::Allow);
    assert_eq!(ask(Some((455, 455))), Verdict::Deny);
    assert_eq!(ask(Some((460, 461))), Verdict::Unknown);
    assert_eq!(ask(None), Verdict::Unknown);
}

#[test]
fn packets_without_ports_are_no_matter_of_rules_on_ports() {
    let all = with(
        rule("all-443", json!(100), "Allow", "*", "443"),
        json!({"protocol": "*"}),
    );
    let icmp = with(
        rule("ping", json!(110), "Allow", "*", "*"),
        json!({"protocol": "Icmp"}),
    );
    let odd = with(
        rule("odd", json!(120), "Allow", "*", "7"),
        json!({"protocol": "Esp"}),
    );
    let body = json!({"value": [entry("subnet", [vec![all, icmp, odd], defaults()].concat())]});
    let ask = |text: &str| ask(&body, None, &vnet(), text);
    assert_eq!(ask("in icmp 9.9.9.9 10.0.1.4"), "ALLOW subnet ping");
    assert_eq!(ask("in ah 9.9.9.9 10.0.1.4"), "DENY subnet DenyAllInBound");
    assert_eq!(ask("in esp 9.9.9.9 10.0.1.4"), "UNKNOWN subnet");
    assert_eq!(ask("in icmp 2001:db8::1 2001:db8::2"), "UNKNOWN subnet");
}

#[test]
fn services_of_the_host_are_stopped_by_their_own_tags_only() {
    let out = |name: &str, priority: u32, to: &str, ports: &str| {
        with(
            rule(name, json!(priority), "Deny", "*", ports),
            json!({"direction": "Outbound", "destinationAddressPrefix": to, "protocol": "*"}),
        )
    };
    let body =
        json!({"value": [entry("networkInterface", [vec![out("all", 100, "*", "*")], defaults()].concat())]});
    assert_eq!(
        ask(&body, None, &vnet(), "out tcp 10.0.1.4 169.254.169.254 80"),
        "ALLOW nic"
    );
    assert_eq!(
        ask(&body, None, &vnet(), "out udp 10.0.1.4 168.63.129.16 53"),
        "ALLOW nic"
    );
    let dns = out("no-dns", 100, "AzurePlatformDNS", "53");
    let body = json!({"value": [entry("networkInterface", vec![dns])]});
    assert_eq!(
        ask(&body, None, &vnet(), "out udp 10.0.1.4 168.63.129.16 53"),
        "DENY nic no-dns"
    );
    // Health probes come from the host, and a rule can stop them.
    let probes = rule("no-probes", json!(100), "Deny", "AzureLoadBalancer", "*");
    let body = json!({"value": [entry("subnet", [vec![probes], defaults()].concat())]});
    assert_eq!(
        ask(&body, None, &vnet(), "in tcp 168.63.129.16 10.0.1.4 80"),
        "DENY subnet no-probes"
    );
}

#[test]
fn admin_rules_come_first() {
    let admin = |access: &str, source: &str| {
        json!({"value": [{"id": format!("/subscriptions/s/providers/m/rules/{access}"), "properties": {
            "protocol": "Tcp", "direction": "Inbound", "access": access, "priority": 1,
            "sources": [{"addressPrefixType": "IPPrefix", "addressPrefix": source}],
            "destinations": [{"addressPrefixType": "IPPrefix", "addressPrefix": "*"}],
            "sourcePortRanges": ["0-65535"], "destinationPortRanges": ["22"]}}]})
    };
    let open = both(
        vec![rule("in", json!(100), "Allow", "*", "*")],
        vec![rule("in", json!(100), "Allow", "*", "*")],
    );
    let shut = both(vec![], vec![]);
    let text = "in tcp 9.9.9.9 10.0.1.4 22";
    let unread = with(admin("Allow", "*"), json!({"skipToken": "x"}));
    for (body, admin, wanted) in [
        (&open, admin("Deny", "*"), "DENY admin Deny"),
        (&shut, admin("AlwaysAllow", "*"), "ALLOW admin AlwaysAllow"),
        (&shut, admin("Allow", "*"), "DENY subnet DenyAllInBound"),
        (&open, admin("Allow", "*"), "ALLOW nic in"),
        (&open, admin("Deny", "10.0.0.0/8"), "ALLOW nic in"),
        (&open, admin("Deny", "Storage"), "UNKNOWN admin"),
        (&shut, admin("Deny", "Storage"), "DENY subnet DenyAllInBound"),
        (&shut, admin("AlwaysAllow", "Storage"), "UNKNOWN admin"),
        (&open, admin("AlwaysAllow", "Storage"), "ALLOW nic in"),
        (&open, admin("Sometimes", "*"), "UNKNOWN admin"),
        (&open, unread, "UNKNOWN admin"),
    ] {
        assert_eq!(ask(body, Some(&admin), &vnet(), text), wanted, "{admin}");
    }
}

#[test]
fn a_gate_without_a_group_is_shown_in_its_place() {
    let body = json!({"value": [entry("networkInterface", [vec![rule("web", json!(100), "Allow", "*", "443")], defaults()].concat())]});
    let effective = parse(&body).unwrap();
    let compiled = Compiled::new(&effective, None, &Tags::default());
    let found = compiled
        .evaluate(&flow("in tcp 9.9.9.9 10.0.1.4 443"), PublicAddress::Standard)
        .unwrap();
    let gates: Vec<(&str, Reason)> = found
        .gates
        .iter()
        .map(|gate| (gate.gate.word(), gate.reason))
        .collect();
    assert_eq!(gates, [("subnet", Reason::NoGroup), ("nic", Reason::Rule)]);
    assert_eq!(found.deciding_rule().unwrap().name, "web");
}

#[test]
fn a_thousand_rules_answer_ten_thousand_flows_soon() {
    let rules = (0..1000u32).map(|at| {
        let source = format!("10.{}.{}.0/24", at / 250, at % 250);
        rule(
            &format!("r{at}"),
            json!(100 + at),
            "Deny",
            &source,
            &format!("{}-{}", at, at + 9),
        )
    });
    let body = both(rules.collect(), vec![]);
    let effective = parse(&body).unwrap();
    let tags = vnet();
    let compiled = Compiled::new(&effective, None, &tags);
    let began = std::time::Instant::now();
    let mut denied = 0;
    for at in 0..10_000u32 {
        let source = IpAddr::from([10, 0, u8::try_from(at % 256).unwrap(), 9]);
        let port = u16::try_from(at % 1009).unwrap();
        let flow = Flow {
            source,
            ports: Some((port, port)),
            ..flow("in tcp 10.0.0.5 10.0.1.4 443")
        };
        let found = compiled.evaluate(&flow, PublicAddress::Standard).unwrap();
        denied += usize::from(found.verdict == Verdict::Deny);
    }
    assert!(denied > 100 && denied < 10_000, "{denied}");
    // Unoptimised; `make bench` has the figure that counts.
    assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
}
