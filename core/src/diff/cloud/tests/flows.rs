//! What a change is said to do, against asking both sides about every flow of a small universe.

use super::*;

/// A rule: priority, whether it allows, which sources, which port.
type Row = (u32, bool, usize, u16);

const SOURCES: [&str; 4] = ["*", "10.0.0.0/31", "10.0.0.2/31", "10.0.0.1"];

fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec((100..106u32, any::<bool>(), 0..4usize, 1..4u16), 0..4)
}

fn group(place: &str, name: &str, rows: &[Row]) -> Json {
    let mut priorities = std::collections::BTreeSet::new();
    let one = |(at, (priority, allow, source, port)): (usize, &Row)| {
        let access = if *allow { "Allow" } else { "Deny" };
        // Azure refuses two rules of one priority.
        let alone = priorities.insert(*priority);
        alone.then(|| {
            rule(
                &format!("r{at}"),
                *priority,
                access,
                SOURCES[*source],
                &port.to_string(),
            )
        })
    };
    let rules: Vec<Json> = rows.iter().enumerate().filter_map(one).collect();
    gate(place, name, &rules)
}

fn of(rules: [&[Row]; 2], blocked: Option<u16>) -> World {
    let mut world = world();
    world.rules =
        json!({"value": [group("subnet", "web", rules[0]), group("networkInterface", "own", rules[1])]});
    let blocked = blocked.map(|port| admin("block", "Deny", &port.to_string()));
    world.admin = Some(json!({"value": Vec::from_iter(blocked)}));
    world
}

/// The verdicts of all flows of the universe.
fn fates(world: &World) -> Vec<Fate> {
    let rules = parse(&world.rules).unwrap();
    let (admin, _) = crate::azure::admin::parse(world.admin.as_ref().unwrap()).unwrap();
    let compiled = Compiled::new(&rules, Some(&admin), &Tags::default());
    let mut fates = Vec::new();
    for source in ["10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3", "11.0.0.0"] {
        for port in 1..4u16 {
            let flow = Flow {
                direction: Direction::Inbound,
                protocol: Protocol::Tcp,
                source: source.parse().unwrap(),
                destination: "10.9.0.4".parse().unwrap(),
                source_ports: Some((9, 9)),
                ports: Some((port, port)),
            };
            fates.push(compiled.evaluate(&flow, PublicAddress::None).unwrap().verdict);
        }
    }
    fates
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn an_effect_is_what_becomes_of_flows(
        subnet in (rows(), rows()),
        nic in (rows(), rows()),
        blocked in (prop::option::of(1..4u16), prop::option::of(1..4u16)),
        one_side in any::<bool>(),
    ) {
        let before = of([&subnet.0, &nic.0], blocked.0);
        let after_nic = if one_side { &nic.0 } else { &nic.1 };
        let after = of([&subnet.1, after_nic], blocked.1);
        let found = before.against(&after);
        let turned: Vec<(Fate, Fate)> = fates(&before).into_iter().zip(fates(&after)).filter(|(was, is)| was != is).collect();
        prop_assert!(found.changes.iter().all(|change| change.significance != Significance::Unrated), "{:#?}", found.changes);
        let most = found.changes.iter().map(|change| change.significance).max().unwrap_or(Significance::Info);
        let stopped = turned.iter().any(|(_, is)| *is == Fate::Deny);
        let expected = match (turned.is_empty(), stopped) {
            (true, _) => Significance::Info,
            (_, true) => Significance::High,
            // High as well where anybody on the Internet is let in.
            _ => Significance::Medium,
        };
        prop_assert!(most >= expected, "{:?} {:?} {:?} {:#?}", most, expected, turned, found.changes);
        prop_assert_eq!(most == Significance::Info, turned.is_empty(), "{:?} {:#?}", turned, found.changes);
    }

    #[test]
    fn the_order_of_lists_says_nothing(subnet in rows(), nic in rows(), turn in 0..8usize) {
        let before = of([&subnet, &nic], Some(1));
        let after = before.with(|world| {
            for at in 0..2 {
                let rules = world.rules["value"][at]["effectiveSecurityRules"].as_array_mut().unwrap();
                let by = turn % rules.len();
                rules.rotate_left(by);
            }
            world.rules["value"].as_array_mut().unwrap().reverse();
            let routes = world.routes["value"].as_array_mut().unwrap();
            let by = turn % routes.len();
            routes.rotate_left(by);
        });
        let found = before.against(&after);
        prop_assert_eq!((found.verdict, found.changes.len()), (Verdict::NoDrift, 0));
        prop_assert_eq!(found.digests.baseline, found.digests.current);
    }
}
