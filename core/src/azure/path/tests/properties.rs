//! Random worlds: what is not read never turns into an answer.

use proptest::prelude::*;

use super::readings::without;
use super::*;

/// Something that is done to an end.
#[derive(Debug, Clone)]
enum Twist {
    Rule {
        nic: bool,
        access: &'static str,
        direction: &'static str,
        ports: &'static str,
        source: &'static str,
    },
    Admin {
        access: &'static str,
        direction: &'static str,
    },
    Route {
        prefix: &'static str,
        source: &'static str,
        hop: &'static str,
    },
    NoGroups,
}

fn twist() -> impl Strategy<Value = Twist> {
    let access = prop::sample::select(vec!["Allow", "Deny"]);
    let direction = prop::sample::select(vec!["Inbound", "Outbound"]);
    let ports = prop::sample::select(vec!["*", "5001", "5000-5001", "80"]);
    let source = prop::sample::select(vec!["*", "10.0.0.0/8", "Storage", "VirtualNetwork", "8.8.8.8"]);
    let rule = (any::<bool>(), access.clone(), direction.clone(), ports, source).prop_map(
        |(nic, access, direction, ports, source)| Twist::Rule {
            nic,
            access,
            direction,
            ports,
            source,
        },
    );
    let always = prop::sample::select(vec!["Allow", "Deny", "AlwaysAllow"]);
    let admin = (always, direction).prop_map(|(access, direction)| Twist::Admin { access, direction });
    let prefix = prop::sample::select(vec!["10.0.0.0/24", "10.0.0.5/32", "0.0.0.0/0", "8.8.8.0/24"]);
    let maker = prop::sample::select(vec!["User", "VirtualNetworkGateway", "Default", "Strange"]);
    let hop = prop::sample::select(vec![
        "None",
        "VnetLocal",
        "VirtualAppliance",
        "Internet",
        "VirtualNetworkGateway",
        "New",
    ]);
    let route = (prefix, maker, hop).prop_map(|(prefix, source, hop)| Twist::Route { prefix, source, hop });
    prop_oneof![3 => rule, 2 => admin, 3 => route, 1 => Just(Twist::NoGroups)]
}

fn world(name: &str, address: &str, vnet: &str, twists: &[Twist]) -> Interface {
    let mut end = open(name, address, vnet);
    let (mut on, mut guards, mut routes) = ([Vec::new(), Vec::new()], Vec::new(), Vec::new());
    let mut groups = true;
    for (at, twist) in twists.iter().enumerate() {
        match twist {
            Twist::Rule {
                nic,
                access,
                direction,
                ports,
                source,
            } => {
                let own = format!("securityRules/r{at}");
                let priority = (100 + at).to_string();
                on[usize::from(*nic)].push(rule([
                    &own, &priority, direction, access, "*", ports, source, "*",
                ]));
            }
            Twist::Admin { access, direction } => {
                let mut rule = admin_rule(direction, access);
                rule["properties"]["priority"] = json!(at + 1);
                guards.push(rule);
            }
            Twist::Route { prefix, source, hop } => routes.push(entry(prefix, source, hop, &["10.0.9.9"])),
            Twist::NoGroups => groups = false,
        }
    }
    end.rules = rules(name, &on[1], &on[0]);
    if !groups {
        let (mut body, mut subnet) = (nic_body(name, address, vnet), subnet_body(name, vnet));
        body["properties"]["networkSecurityGroup"] = json!(null);
        subnet["properties"]["networkSecurityGroup"] = json!(null);
        end.nic = nic(&body, &subnet);
        end.rules = nsg::parse(&json!({"value": []})).into();
    }
    end.admin = admin(&guards);
    end.routes = table(vnet, &routes);
    end
}

#[derive(Debug, Clone, Copy)]
enum Shape {
    Pair,
    Apart,
    Out,
    In,
}

fn ask(shape: Shape, source: &Interface, destination: &Interface) -> Path {
    match shape {
        Shape::Pair | Shape::Apart => between(source, destination),
        Shape::Out => outward(source, "8.8.8.8"),
        Shape::In => inward("8.8.8.8", destination),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// A section that is taken away leaves the verdict or makes it UNKNOWN; it never makes it ALLOW or DENY. And ALLOW stays
    /// only where an admin rule always allows.
    #[test]
    fn what_is_not_read_never_turns_into_an_answer(
        there in prop::collection::vec(twist(), 0..4),
        here in prop::collection::vec(twist(), 0..4),
        shape in prop::sample::select(vec![Shape::Pair, Shape::Apart, Shape::Out, Shape::In]),
        section in prop::sample::select(SECTIONS.to_vec()),
        at_source in any::<bool>(),
    ) {
        let vnet = if matches!(shape, Shape::Apart) { "other" } else { "a" };
        let mut source = world("src", "10.0.0.4", "a", &there);
        let mut destination = world("dst", "10.0.0.5", vnet, &here);
        let whole = ask(shape, &source, &destination);
        let at_source = match shape {
            Shape::Out => true,
            Shape::In => false,
            Shape::Pair | Shape::Apart => at_source,
        };
        without(if at_source { &mut source } else { &mut destination }, section);
        let path = ask(shape, &source, &destination);
        prop_assert!(
            path.verdict == Verdict::Unknown || path.verdict == whole.verdict,
            "{:?} became {:?}: {}\n{}", whole.verdict, path.verdict, shown(&whole), shown(&path)
        );
        if path.verdict == Verdict::Allow {
            let twists = if at_source { &there } else { &here };
            let always = twists.iter().any(|twist| matches!(twist, Twist::Admin { access: "AlwaysAllow", .. }));
            prop_assert!(section == SectionName::EffectiveNsg && always, "{section}: {}", shown(&path));
        }
        consistent(&path);
        consistent(&whole);
    }

    /// A range of ports is what each of its ports is.
    #[test]
    fn a_range_is_what_its_ports_are(
        there in prop::collection::vec(twist(), 0..4),
        here in prop::collection::vec(twist(), 0..4),
        low in 4990u16..5003,
        length in 0u16..8,
    ) {
        let end = |interface: Interface| End::Nic(Box::new(interface));
        let source = end(world("src", "10.0.0.4", "a", &there));
        let destination = end(world("dst", "10.0.0.5", "a", &here));
        let whole = ends(&source, &destination, tcp((low, low + length)), &[]);
        let each: Vec<Verdict> = (low..=low + length)
            .map(|port| ends(&source, &destination, tcp((port, port)), &[]).verdict)
            .collect();
        let same = each.iter().all(|verdict| *verdict == each[0]);
        prop_assert_eq!(whole.verdict, if same { each[0] } else { Verdict::Unknown });
        prop_assert_eq!(whole.parts.is_empty(), same);
        for part in &whole.parts {
            let (first, last) = part.ports.split_once('-').unwrap_or((&part.ports, &part.ports));
            for port in first.parse::<u16>().unwrap()..=last.parse::<u16>().unwrap() {
                prop_assert_eq!(part.verdict, each[usize::from(port - low)], "{}", port);
            }
        }
    }
}

/// The verdict is what the rows say, and what is not known is named.
fn consistent(path: &Path) {
    let has = |status| path.layers.iter().any(|row| row.status == status);
    match path.verdict {
        Verdict::Allow => assert!(!has(Status::Block) && !has(Status::Unknown)),
        Verdict::Deny => assert!(path.blocking().any(|row| row.assumes.is_none())),
        Verdict::Unknown => assert!(!path.missing.is_empty() || !path.parts.is_empty()),
    }
    for row in path.layers.iter().filter(|row| row.status == Status::Unknown) {
        let named = |missing: &Missing| missing.place == row.place && missing.layer == row.layer;
        // All layers of an address that was not read are named once; so are admin rules that may pass the groups.
        let whole = |missing: &Missing| {
            missing.place == row.place && matches!(missing.layer, Layer::Nic | Layer::AdminRules)
        };
        assert!(
            path.missing
                .iter()
                .any(|missing| named(missing) || whole(missing)),
            "{row:?}\n{:?}",
            path.missing
        );
    }
}
