//! Single changes, each with what it does.

use super::*;

#[test]
fn a_rule_that_changes_says_which_flows_do() {
    let world = world();
    let found = world.edited(|world| {
        world.rules["value"][0]["effectiveSecurityRules"][0]["access"] = json!("Deny");
    });
    let change = only(&found);
    assert_eq!(
        (change.section, change.kind),
        (SectionName::EffectiveNsg, Kind::FactChanged)
    );
    assert_eq!(
        (change.significance, effect(change)),
        (
            Significance::High,
            "stops new flows: inbound tcp from 10.0.0.0/8 to 0.0.0.0/0 port 443"
        )
    );
    // From private addresses only: less grave than from everywhere.
    let opened = |from: &str| {
        let found = world.edited(|world| {
            let rules = world.rules["value"][0]["effectiveSecurityRules"].as_array_mut();
            rules.unwrap().push(rule("more", 120, "Allow", from, "8443"));
        });
        (only(&found).kind, only(&found).significance)
    };
    assert_eq!(opened("10.0.0.0/8"), (Kind::FactAdded, Significance::Medium));
    assert_eq!(opened("*"), (Kind::FactAdded, Significance::High));
    let hidden = world.edited(|world| {
        world.rules["value"][0]["effectiveSecurityRules"][0]["description"] = json!("x");
    });
    assert_eq!(
        (only(&hidden).significance, effect(only(&hidden))),
        (Significance::Info, "no flow changes its verdict")
    );
}

#[test]
fn an_explanation_names_who_decides() {
    let before = world();
    let after = before.with(|world| {
        world.rules["value"][0]["effectiveSecurityRules"][0]["access"] = json!("Deny");
        world.routes["value"][4]["nextHopIpAddress"] = json!(["10.9.1.5"]);
    });
    let (before, after) = (before.snapshot(), after.snapshot());
    let found = compare(&before, &after, &SectionName::AZURE);
    let told = explain(&found, &before, &after);
    assert_eq!(told.len(), 2);
    let [routes, rules] = [&told[0], &told[1]];
    assert!(
        routes
            .text
            .contains("10.60.0.0/16: was VirtualAppliance 10.9.1.4"),
        "{}",
        routes.text
    );
    assert!(routes.evidence.iter().any(|row| row.role == Role::Used));
    assert!(
        rules
            .text
            .starts_with("subnet/web/inbound/https says something else. Stops new flows")
    );
    let decides: Vec<&str> = rules.evidence.iter().map(|row| row.text.as_str()).collect();
    assert!(
        decides[0].ends_with("rule all, priority 100 allows it"),
        "{decides:?}"
    );
    assert!(
        decides[1].ends_with("rule https, priority 100 denies it"),
        "{decides:?}"
    );
}

#[test]
fn a_route_that_changes_says_which_addresses_go_elsewhere() {
    let world = world();
    // The next hop of a gateway's route is part of its name: still one change.
    let found = world.edited(|world| world.routes["value"][3]["nextHopIpAddress"] = json!(["10.9.255.6"]));
    assert_eq!(only(&found).kind, Kind::FactChanged);
    let found = world.edited(|world| {
        world.routes["value"].as_array_mut().unwrap().remove(4);
    });
    let change = only(&found);
    assert_eq!(
        (change.kind, change.significance, effect(change)),
        (
            Kind::FactRemoved,
            Significance::Medium,
            "10.60.0.0/16: VirtualAppliance 10.9.1.4 -> Internet"
        )
    );
    let dropped = world.edited(|world| world.routes["value"][4]["nextHopType"] = json!("None"));
    assert_eq!(only(&dropped).significance, Significance::High);
    // A second route of one prefix and maker renames the first: that is no change of it.
    let second = route("10.60.0.0/16", "User", "VirtualAppliance", &["10.9.1.5"]);
    let found = world.edited(|world| world.routes["value"].as_array_mut().unwrap().push(second));
    assert_eq!(only(&found).kind, Kind::FactAdded);
    let second = route("10.61.0.0/16", "User", "VirtualAppliance", &["10.9.1.4"]);
    let found = world.edited(|world| world.routes["value"][4] = second);
    assert_eq!(found.changes.len(), 2, "without a name they are two routes");
}

#[test]
fn a_group_that_comes_goes_or_is_replaced_is_one_change() {
    let world = world();
    let gone = world.edited(|world| {
        world.rules["value"].as_array_mut().unwrap().remove(0);
    });
    let change = only(&gone);
    let below = |side: &Option<Value>| match side {
        Some(Value::Entry(entry)) => entry.below.len(),
        _ => 0,
    };
    assert_eq!((change.kind, below(&change.before)), (Kind::FactRemoved, 4));
    assert_eq!(change.path, format!("gate/subnet/{}/web", GROUP.to_lowercase()));
    assert_eq!(change.significance, Significance::High, "{}", effect(change));
    let other = gate(
        "subnet",
        "other",
        &[rule("https", 100, "Allow", "10.0.0.0/8", "443")],
    );
    let replaced = world.edited(|world| world.rules["value"][0] = other);
    let change = only(&replaced);
    assert_eq!(
        (change.kind, below(&change.before), below(&change.after)),
        (Kind::FactChanged, 4, 3)
    );
    assert_eq!(
        effect(change),
        "stops new flows: inbound tcp from 10.1.0.0/16 to 0.0.0.0/0 port 22"
    );
    // The same group at the other place.
    let moved = world.edited(|world| {
        world.rules["value"].as_array_mut().unwrap().remove(1);
        world.rules["value"][0]["association"] = json!({"networkInterface": {"id": NIC}});
    });
    assert!(moved.changes.len() <= 2, "{:#?}", moved.changes);
}

#[test]
fn admin_rules_come_first() {
    let mut world = world();
    world.admin = Some(json!({"value": [admin("block", "Deny", "22")]}));
    let edit = |world: &mut World| {
        let rules = world.rules["value"][0]["effectiveSecurityRules"].as_array_mut();
        rules.unwrap().remove(1);
    };
    let found = world.edited(edit);
    assert_eq!(effect(only(&found)), "no flow changes its verdict");
    let found = world.edited(|world| world.admin = Some(json!({"value": []})));
    let change = only(&found);
    assert_eq!(
        (change.section, change.kind),
        (SectionName::AdminRules, Kind::FactRemoved)
    );
    assert_eq!(
        effect(change),
        "lets new flows through: inbound tcp from 10.1.0.0/16 to 0.0.0.0/0 port 22"
    );
    // Where they were not read, nobody knows whether the groups are asked at all.
    world.admin = None;
    let found = world.edited(edit);
    assert_eq!(only(&found).significance, Significance::Unrated);
    assert!(
        effect(only(&found)).contains("were not read"),
        "{}",
        effect(only(&found))
    );
}

#[test]
fn what_is_not_understood_is_not_rated() {
    let mut world = world();
    let strange = rule("strange", 50, "Perhaps", "*", "0-65535");
    world.rules["value"][0]["effectiveSecurityRules"]
        .as_array_mut()
        .unwrap()
        .push(strange);
    let found = world.edited(|world| {
        world.rules["value"][0]["effectiveSecurityRules"][0]["access"] = json!("Deny");
    });
    let change = only(&found);
    assert_eq!(change.significance, Significance::Unrated);
    assert!(effect(change).contains("not all rules are understood"));
    assert!(found.not_covered.iter().any(|row| row.requested));
    let mut world = super::world();
    world.routes["value"]
        .as_array_mut()
        .unwrap()
        .push(json!({"addressPrefix": ["x"], "source": "User"}));
    let found = world.edited(|world| world.routes["value"][4]["nextHopType"] = json!("None"));
    // What could be any route hides which route changed.
    assert!(
        found
            .changes
            .iter()
            .all(|change| change.significance == Significance::Unrated)
    );
    assert_ne!(found.verdict, Verdict::NoDrift);
}

#[test]
fn resources_say_what_follows_for_packets() {
    let world = world();
    let found = world.edited(|world| world.nic["properties"]["enableIPForwarding"] = json!(false));
    let change = only(&found);
    assert_eq!(
        (change.section, change.significance),
        (SectionName::Nic, Significance::High)
    );
    let found = world.edited(|world| world.nic["tags"] = json!({"a": "b"}));
    assert_eq!(only(&found).significance, Significance::Info);
    let found = world.edited(|world| world.nic["properties"]["somethingNew"] = json!(1));
    assert_eq!(only(&found).significance, Significance::Unrated);
    let found = world.edited(|world| {
        world.nic["properties"]["ipConfigurations"][0]["properties"]["privateIPAddress"] = json!("10.9.0.5");
    });
    assert_eq!(only(&found).significance, Significance::High);
    // An association is as grave as what it does to the rules.
    let associate = |world: &mut World| {
        world.subnet["properties"]["networkSecurityGroup"] = json!({"id": format!("{GROUP}/other")});
    };
    let found = world.edited(associate);
    assert_eq!(only(&found).significance, Significance::Info);
    let found = world.edited(|world| {
        associate(world);
        world.rules["value"][0] = gate("subnet", "other", &[]);
    });
    assert_eq!(found.changes.len(), 2);
    assert!(
        found
            .changes
            .iter()
            .all(|change| change.significance == Significance::High)
    );
    let found = world.edited(|world| {
        associate(world);
        world.rules = json!("<html>");
    });
    assert_eq!(only(&found).significance, Significance::Unrated);
}
