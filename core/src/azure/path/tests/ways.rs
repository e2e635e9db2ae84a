//! Routes, next hops, the Internet and the way back.

use super::*;

/// The source with another route to the destination.
fn routed(hop: &str, addresses: &[&str]) -> (Interface, Interface) {
    let (mut source, destination) = pair();
    source.routes = table("a", &[entry("10.0.0.5/32", "User", hop, addresses)]);
    (source, destination)
}

/// An interface with other fields.
fn changed(interface: &mut Interface, name: &str, vnet: &str, change: impl Fn(&mut Value, &mut Value)) {
    let mut body = nic_body(name, &interface.address.to_string(), vnet);
    let mut subnet = subnet_body(name, vnet);
    change(&mut body, &mut subnet);
    interface.nic = nic(&body, &subnet);
}

#[test]
fn a_peered_network_delivers_and_another_does_not() {
    let source = open("src", "10.0.0.4", "a");
    let peer = open("dst", "10.1.0.5", "b");
    let path = between(&source, &peer);
    assert_eq!(path.verdict, Verdict::Allow, "{}", shown(&path));
    // Without peering both tables know of the other only that private addresses lead nowhere.
    let alone = |own: &str| {
        let all = [
            entry(own, "Default", "VnetLocal", &[]),
            entry("10.0.0.0/8", "Default", "None", &[]),
        ];
        route::from_value(&json!({"value": all})).into()
    };
    let (mut source, mut other) = (source, peer);
    source.routes = alone("10.0.0.0/16");
    other.routes = alone("10.1.0.0/16");
    let path = between(&source, &other);
    let routes: Vec<_> = blocks(&path)
        .into_iter()
        .filter(|block| block.0 == Layer::Route)
        .collect();
    let expected = [
        (Layer::Route, Place::Source, Way::Forward, id("routeTables/src")),
        (Layer::Route, Place::Destination, Way::Back, id("routeTables/dst")),
    ];
    assert_eq!((path.verdict, routes), (Verdict::Deny, expected.to_vec()));
}

#[test]
fn the_same_prefix_in_another_network_is_another_place() {
    let (source, destination) = (open("src", "10.0.0.4", "a"), open("dst", "10.0.0.5", "other"));
    let path = between(&source, &destination);
    assert_eq!(
        status(&path, Layer::Route, Place::Source, Way::Forward),
        Some(Status::Block)
    );
    assert_eq!(path.verdict, Verdict::Deny);
}

#[test]
fn a_reply_that_has_no_way_is_no_path() {
    let (source, mut destination) = pair();
    destination.routes = table("a", &[entry("10.0.0.0/24", "User", "None", &[])]);
    let path = between(&source, &destination);
    assert_eq!(
        blocks(&path),
        [(
            Layer::Route,
            Place::Destination,
            Way::Back,
            id("routeTables/dst/routes/mine")
        )]
    );
    assert_eq!(path.verdict, Verdict::Deny);
}

#[test]
fn a_machine_in_between_must_forward_and_is_never_vouched_for() {
    let (source, destination) = routed("VirtualAppliance", &["10.0.9.9"]);
    let path = between(&source, &destination);
    assert_eq!(path.verdict, Verdict::Unknown);
    assert!(
        path.missing
            .iter()
            .any(|missing| missing.layer == Layer::NextHop && missing.why.contains("10.0.9.9"))
    );
    assert!(path.degraded, "the reply does not go by it");
    for (forwards, verdict) in [
        (json!(true), Verdict::Unknown),
        (json!(false), Verdict::Deny),
        (json!(null), Verdict::Unknown),
    ] {
        let mut body = nic_body("nva", "10.0.9.9", "a");
        body["properties"]["enableIPForwarding"] = forwards.clone();
        let appliance = Nic::parse(&body, &[]).unwrap();
        let end = |interface: &Interface| End::Nic(Box::new(interface.clone()));
        let path = ends(&end(&source), &end(&destination), tcp((1, 1)), &[appliance]);
        assert_eq!(path.verdict, verdict, "{forwards}");
        let blocked = blocks(&path)
            .into_iter()
            .any(|block| block.3 == id("networkInterfaces/nva"));
        assert_eq!(blocked, verdict == Verdict::Deny);
    }
    // The other end itself need not forward what is to it.
    let (source, destination) = routed("VirtualAppliance", &["10.0.0.5"]);
    assert_eq!(between(&source, &destination).verdict, Verdict::Allow);
}

#[test]
fn behind_a_machine_in_between_a_group_may_see_another_source() {
    let (source, mut destination) = routed("VirtualAppliance", &["10.0.9.9"]);
    destination.rules = rules("dst", &[deny("Inbound", "5001")], &[]);
    let path = between(&source, &destination);
    assert_eq!(path.verdict, Verdict::Unknown);
    let row = path.blocking().next().unwrap();
    assert_eq!((row.layer, row.assumes.is_some()), (Layer::NicNsg, true));
}

#[test]
fn several_next_hops_of_which_one_does_not_forward_are_unknown() {
    let (source, destination) = routed("VirtualAppliance", &["10.0.9.8", "10.0.9.9"]);
    let appliance = |address: &str, forwards: bool| {
        let mut body = nic_body("nva", address, "a");
        body["properties"]["enableIPForwarding"] = json!(forwards);
        Nic::parse(&body, &[]).unwrap()
    };
    let end = |interface: &Interface| End::Nic(Box::new(interface.clone()));
    let ask = |one: bool, other: bool| {
        let both = [appliance("10.0.9.8", one), appliance("10.0.9.9", other)];
        ends(&end(&source), &end(&destination), tcp((1, 1)), &both).verdict
    };
    assert_eq!(
        (ask(false, true), ask(false, false)),
        (Verdict::Unknown, Verdict::Deny)
    );
}

#[test]
fn behind_a_gateway_nothing_is_known() {
    let (source, destination) = routed("VirtualNetworkGateway", &[]);
    let path = between(&source, &destination);
    assert_eq!(path.verdict, Verdict::Unknown);
    assert_eq!(
        status(&path, Layer::NextHop, Place::Source, Way::Forward),
        Some(Status::Unknown)
    );
}

#[test]
fn the_internet_needs_a_way_out() {
    let (mut source, _) = pair();
    let public = json!({"id": id("publicIPAddresses/p")});
    let pool = json!([{"id": id("loadBalancers/l/backendAddressPools/p")}]);
    let nat = json!({"id": id("natGateways/n")});
    type Change<'a> = Box<dyn Fn(&mut Value, &mut Value) + 'a>;
    let set = |name: &'static str, value: &Value| -> Change<'_> {
        let value = value.clone();
        Box::new(move |nic, subnet| {
            subnet["properties"]["defaultOutboundAccess"] = json!(false);
            if name == "natGateway" {
                subnet["properties"][name] = value.clone();
            } else {
                nic["properties"]["ipConfigurations"][0]["properties"][name] = value.clone();
            }
        })
    };
    let cases: [(Change<'_>, Verdict, Status); 5] = [
        (Box::new(|_, _| {}), Verdict::Allow, Status::Pass),
        (set("none", &json!(null)), Verdict::Deny, Status::Block),
        (set("publicIPAddress", &public), Verdict::Allow, Status::Pass),
        (set("natGateway", &nat), Verdict::Allow, Status::Pass),
        (
            set("loadBalancerBackendAddressPools", &pool),
            Verdict::Unknown,
            Status::Unknown,
        ),
    ];
    for (at, (change, verdict, egress)) in cases.into_iter().enumerate() {
        changed(&mut source, "src", "a", change);
        let path = outward(&source, "8.8.8.8");
        assert_eq!(path.verdict, verdict, "{at}: {}", shown(&path));
        assert_eq!(
            status(&path, Layer::Egress, Place::Source, Way::Forward),
            Some(egress),
            "{at}"
        );
    }
    let Read::Captured(whole) = &mut source.nic else {
        panic!()
    };
    whole.subnets.clear();
    whole.configurations[0].balancers.clear();
    assert_eq!(outward(&source, "8.8.8.8").verdict, Verdict::Unknown);
    // Private addresses are not routed there.
    source.routes = table("a", &[entry("192.168.0.0/16", "User", "Internet", &[])]);
    let path = outward(&source, "192.168.1.1");
    assert_eq!(
        status(&path, Layer::Route, Place::Source, Way::Forward),
        Some(Status::Block)
    );
}

#[test]
fn from_the_internet_a_flow_needs_an_address_to_come_to() {
    let (_, mut destination) = pair();
    let allow = rule([
        "securityRules/web",
        "100",
        "Inbound",
        "Allow",
        "Tcp",
        "443",
        "Internet",
        "*",
    ]);
    destination.rules = rules("dst", std::slice::from_ref(&allow), std::slice::from_ref(&allow));
    let path = inward("8.8.8.8", &destination);
    assert_eq!(
        blocks(&path),
        [(
            Layer::PublicAddress,
            Place::Destination,
            Way::Forward,
            id("networkInterfaces/dst")
        )],
        "{}",
        shown(&path)
    );
    changed(&mut destination, "dst", "a", |nic, _| {
        nic["properties"]["ipConfigurations"][0]["properties"]["publicIPAddress"] =
            json!({"id": id("publicIPAddresses/p")});
    });
    let path = inward("8.8.8.8", &destination);
    assert_eq!(path.verdict, Verdict::Allow, "{}", shown(&path));
    assert_eq!(
        status(&path, Layer::NicNsg, Place::Source, Way::Forward),
        Some(Status::NotApplicable)
    );
    // Without any group a standard public address lets nothing in.
    changed(&mut destination, "dst", "a", |nic, subnet| {
        nic["properties"]["ipConfigurations"][0]["properties"]["publicIPAddress"] =
            json!({"id": id("publicIPAddresses/p")});
        nic["properties"]["networkSecurityGroup"] = json!(null);
        subnet["properties"]["networkSecurityGroup"] = json!(null);
    });
    destination.rules = nsg::parse(&json!({"value": []})).into();
    assert_eq!(inward("8.8.8.8", &destination).verdict, Verdict::Deny);
    assert_eq!(
        inward("10.0.7.7", &destination).verdict,
        Verdict::Unknown,
        "an interface that was not read"
    );
}

#[test]
fn the_platform_answers_whatever_routes_there_are() {
    let (mut source, _) = pair();
    source.routes = Read::Unread("stopped".to_owned());
    let path = outward(&source, "168.63.129.16");
    assert_eq!(path.verdict, Verdict::Allow, "{}", shown(&path));
    source.routes = table("a", &[entry("0.0.0.0/0", "User", "None", &[])]);
    assert_eq!(outward(&source, "169.254.169.254").verdict, Verdict::Allow);
    assert_eq!(outward(&source, "8.8.8.8").verdict, Verdict::Deny);
}

#[test]
fn an_address_in_the_network_that_was_not_read_is_unknown() {
    let (source, _) = pair();
    let path = outward(&source, "10.0.0.77");
    assert_eq!(path.verdict, Verdict::Unknown);
    assert!(
        path.missing
            .iter()
            .any(|missing| missing.place == Place::Destination && missing.layer == Layer::Nic)
    );
}

#[test]
fn a_private_endpoint_is_followed_as_far_as_it_was_read() {
    let (mut source, mut destination) = pair();
    source.routes = table("a", &[entry("10.0.0.5/32", "Default", "InterfaceEndpoint", &[])]);
    let path = outward(&source, "10.0.0.5");
    assert_eq!(path.verdict, Verdict::Unknown);
    assert_eq!(
        status(&path, Layer::Route, Place::Source, Way::Forward),
        Some(Status::Pass)
    );
    destination.rules = rules("dst", &[deny("Inbound", "5001")], &[]);
    destination.routes = Read::Unread("no virtual machine".to_owned());
    for (policies, verdict) in [("Disabled", Verdict::Unknown), ("Enabled", Verdict::Deny)] {
        changed(&mut destination, "dst", "a", |nic, subnet| {
            nic["properties"]["virtualMachine"] = json!(null);
            nic["properties"]["privateEndpoint"] = json!({"id": id("privateEndpoints/e")});
            subnet["properties"]["privateEndpointNetworkPolicies"] = json!(policies);
        });
        let path = between(&source, &destination);
        assert_eq!(path.verdict, verdict, "{policies}: {}", shown(&path));
        let open = path
            .missing
            .iter()
            .map(|missing| missing.layer)
            .collect::<Vec<_>>();
        assert!(open.contains(&Layer::PrivateEndpoint), "{open:?}");
        assert_eq!(open.len() == 1, policies == "Disabled", "{open:?}");
    }
}

#[test]
fn a_service_by_its_endpoint_needs_no_way_out() {
    let (mut source, _) = pair();
    changed(&mut source, "src", "a", |_, subnet| {
        subnet["properties"]["defaultOutboundAccess"] = json!(false)
    });
    source.routes = table(
        "a",
        &[entry(
            "20.0.0.0/8",
            "Default",
            "VirtualNetworkServiceEndpoint",
            &[],
        )],
    );
    let path = outward(&source, "20.1.1.1");
    assert_eq!(path.verdict, Verdict::Allow, "{}", shown(&path));
}

#[test]
fn an_address_of_another_is_dropped_unless_the_interface_forwards() {
    let (mut source, mut destination) = pair();
    source.address = ip("10.0.0.9");
    let path = between(&source, &destination);
    assert_eq!(
        status(&path, Layer::Nic, Place::Source, Way::Forward),
        Some(Status::Block)
    );
    let mut body = nic_body("src", "10.0.0.4", "a");
    body["properties"]["enableIPForwarding"] = json!(true);
    source.nic = nic(&body, &subnet_body("src", "a"));
    // The reply goes to whoever has that address, unless a route leads it back to the machine that sent the flow.
    let path = between(&source, &destination);
    assert_eq!(path.verdict, Verdict::Unknown, "{}", shown(&path));
    assert_eq!(
        status(&path, Layer::NextHop, Place::Destination, Way::Back),
        Some(Status::Unknown)
    );
    destination.routes = table(
        "a",
        &[entry("10.0.0.9/32", "User", "VirtualAppliance", &["10.0.0.4"])],
    );
    assert_eq!(between(&source, &destination).verdict, Verdict::Allow);
    // Nor does the network of the forwarding machine say where another address is.
    source.address = ip("172.16.0.9");
    let any = |way| rule(["securityRules/any", "100", way, "Allow", "*", "0-65535", "*", "*"]);
    let both = [any("Inbound"), any("Outbound")];
    source.rules = rules("src", &both, &both);
    destination.rules = rules("dst", &both, &both);
    for (hop, wanted) in [
        ("Internet", Verdict::Deny),
        ("None", Verdict::Deny),
        ("VnetLocal", Verdict::Unknown),
        ("VNetPeering", Verdict::Unknown),
    ] {
        destination.routes = table("a", &[entry("172.16.0.0/12", "Default", hop, &[])]);
        let path = between(&source, &destination);
        assert_eq!(path.verdict, wanted, "{hop}: {}", shown(&path));
    }
}

#[test]
fn routes_between_which_nothing_decides_are_unknown() {
    let (mut source, destination) = pair();
    // The network's own route is preferred to those of gateways, however long they are.
    let gateway = |address: &str| {
        entry(
            "10.0.0.5/32",
            "VirtualNetworkGateway",
            "VirtualNetworkGateway",
            &[address],
        )
    };
    source.routes = table("a", &[gateway("10.9.0.1"), gateway("10.9.0.2")]);
    assert_eq!(between(&source, &destination).verdict, Verdict::Allow);
    source.routes = table("a", &[entry("10.0.0.5/32", "Strange", "None", &[])]);
    let path = between(&source, &destination);
    assert_eq!(path.verdict, Verdict::Unknown);
    assert!(
        path.missing
            .iter()
            .any(|missing| missing.section == Some(SectionName::EffectiveRoutes))
    );
    source.routes = route::from_value(&json!({"value": []})).into();
    assert_eq!(
        status(
            &between(&source, &destination),
            Layer::Route,
            Place::Source,
            Way::Forward
        ),
        Some(Status::Block)
    );
}
