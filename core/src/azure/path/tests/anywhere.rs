//! The Internet as an end, and what is not asked at all.

use super::*;
use crate::azure::nsg::parse;

fn outbound(access: &str, priority: &str, to: &str) -> Value {
    let name = format!("securityRules/{access}{priority}");
    rule([&name, priority, "Outbound", access, "Tcp", "443-443", "*", to])
}

fn internet(interface: &Interface) -> Anywhere {
    walk_internet(interface, Place::Source, tcp((443, 443)), &Around::default())
}

/// What becomes of one address, as the parts have it.
fn of(found: &Anywhere, address: &str) -> Verdict {
    let address = ip(address);
    let held = |text: &String| match text.split_once('-') {
        Some((low, high)) => ip(low) <= address && address <= ip(high),
        None => text.parse::<crate::azure::net::Net>().unwrap().contains(address),
    };
    let part = found.parts.iter().find(|part| part.addresses.iter().any(held));
    part.map_or(found.path.verdict, |part| part.verdict)
}

#[test]
fn addresses_that_fare_alike_have_one_verdict() {
    let (source, _) = pair();
    let found = internet(&source);
    assert_eq!(
        (found.path.verdict, found.parts.len()),
        (Verdict::Allow, 0),
        "{}",
        shown(&found.path)
    );
    let (mut shut, _) = pair();
    shut.routes = table("a", &[entry("0.0.0.0/0", "User", "None", &[])]);
    assert_eq!(internet(&shut).path.verdict, Verdict::Deny);
}

#[test]
fn one_address_that_fares_otherwise_is_found_wherever_it_stands() {
    for odd in [
        "8.8.8.8/32",
        "1.0.0.0/32",
        "223.255.255.255/32",
        "198.51.100.0/25",
    ] {
        for by_route in [false, true] {
            let (mut source, _) = pair();
            if by_route {
                source.routes = table("a", &[entry(odd, "User", "None", &[])]);
            } else {
                source.rules = rules("src", &[outbound("Deny", "100", odd)], &[]);
            }
            let found = internet(&source);
            assert_eq!(found.path.verdict, Verdict::Unknown, "{odd}");
            let denied: Vec<&AddressPart> = found
                .parts
                .iter()
                .filter(|part| part.verdict == Verdict::Deny)
                .collect();
            assert_eq!(denied.len(), 1, "{odd}");
            assert_eq!(denied[0].addresses, [odd.trim_end_matches("/32")]);
        }
    }
}

#[test]
fn parts_are_what_each_address_alone_comes_to() {
    let (mut source, _) = pair();
    let own = [
        outbound("Deny", "110", "20.0.0.0/8"),
        outbound("Allow", "100", "20.1.0.0/16"),
        outbound("Deny", "120", "Storage"),
    ];
    source.rules = rules("src", &own, &[outbound("Deny", "130", "9.9.9.0/24")]);
    source.routes = table("a", &[entry("20.1.7.0/24", "User", "None", &[])]);
    let wide = |network: &str| format!("{network}.0.0.1");
    source
        .tags
        .service
        .insert("storage".to_owned(), vec!["52.0.0.0/8".parse().unwrap()]);
    let found = internet(&source);
    for address in [
        "20.0.0.1",
        "20.1.0.1",
        "20.1.7.9",
        "20.2.0.0",
        "9.9.9.9",
        "9.9.8.9",
        &wide("52"),
        &wide("53"),
    ] {
        let alone = outward(&source, address);
        assert_eq!(of(&found, address), alone.verdict, "{address}");
    }
}

#[test]
fn an_unknown_tag_leaves_the_internet_unknown_and_its_own_networks_are_no_part_of_it() {
    let (mut source, _) = pair();
    source.rules = rules("src", &[outbound("Deny", "100", "Storage")], &[]);
    let found = internet(&source);
    assert_eq!((found.path.verdict, found.parts.len()), (Verdict::Unknown, 0));
    assert!(!found.path.missing.is_empty());
    // A network that uses public addresses for its own.
    let (mut source, _) = pair();
    source.routes = table("a", &[entry("20.0.0.0/8", "Default", "VnetLocal", &[])]);
    let found = internet(&source);
    assert_eq!(
        (found.path.verdict, found.parts.len()),
        (Verdict::Allow, 0),
        "{:?}",
        found.parts
    );
}

#[test]
fn what_is_not_read_is_unknown_from_either_side() {
    for section in [
        SectionName::EffectiveRoutes,
        SectionName::EffectiveNsg,
        SectionName::AdminRules,
    ] {
        for place in [Place::Source, Place::Destination] {
            let (mut end, _) = pair();
            super::readings::without(&mut end, section);
            let found = walk_internet(&end, place, tcp((443, 443)), &Around::default());
            assert_ne!(found.path.verdict, Verdict::Allow, "{section} {place:?}");
        }
    }
}

#[test]
fn too_many_parts_are_unknown() {
    let (mut source, _) = pair();
    let many = |at: u32| std::net::Ipv4Addr::from_bits(0x1400_0000 + at * 512).to_string() + "/24";
    let mut one = outbound("Deny", "100", "*");
    one["destinationAddressPrefix"] = Value::Null;
    one["destinationAddressPrefixes"] = (0..3000).map(many).collect();
    let body = json!({"value": [gate("src", "nic", &[one])]});
    source.rules = parse(&body).into();
    let found = internet(&source);
    assert_eq!(found.path.verdict, Verdict::Unknown);
    assert!(
        found.path.missing[0].why.contains("too many"),
        "{:?}",
        found.path.missing
    );
}

#[test]
fn guests_that_are_not_asked_leave_nothing_allowed() {
    let (source, destination) = pair();
    let mut path = between(&source, &destination);
    assert_eq!(path.verdict, Verdict::Allow);
    path.without_guest(Place::Destination, Err("not asked"));
    path.without_guest(Place::Source, Ok("none"));
    assert_eq!((path.verdict, path.missing.len()), (Verdict::Unknown, 1));
    let guests: Vec<(usize, Status)> = path
        .layers
        .iter()
        .enumerate()
        .filter(|(_, row)| row.layer == Layer::Guest)
        .map(|(at, row)| (at, row.status))
        .collect();
    let forward = path
        .layers
        .iter()
        .filter(|row| row.direction == Way::Forward)
        .count();
    assert_eq!(
        guests,
        [(0, Status::NotApplicable), (forward - 1, Status::Unknown)]
    );
    // What is stopped stays stopped.
    let mut stopped = source;
    stopped.rules = rules("src", &[deny("Outbound", "5001")], &[]);
    let mut path = between(&stopped, &destination);
    path.without_guest(Place::Source, Err("not asked"));
    assert_eq!(path.verdict, Verdict::Deny);
}

#[test]
fn of_several_addresses_the_primary_one_is_first() {
    let mut body = nic_body("n", "10.0.0.4", "a");
    let second = json!({"name": "two", "properties": {"privateIPAddress": "10.0.0.9", "primary": true,
        "subnet": {"id": id("virtualNetworks/a/subnets/s")}}});
    body["properties"]["ipConfigurations"]
        .as_array_mut()
        .unwrap()
        .push(second);
    let nic = Nic::parse(&body, &[]).unwrap();
    assert_eq!((nic.first(true), nic.first(false)), (Some(ip("10.0.0.9")), None));
}
