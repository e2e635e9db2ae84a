//! Public addresses of machines, and services that reach one.

use super::*;

fn has_public(interface: &mut Interface, name: &str) {
    let mut body = nic_body(name, &interface.address.to_string(), "a");
    body["properties"]["ipConfigurations"][0]["properties"]["publicIPAddress"] =
        json!({"id": id("publicIPAddresses/p")});
    interface.nic = nic(&body, &subnet_body(name, "a"));
}

fn web(source: &str) -> Value {
    rule([
        "securityRules/web",
        "100",
        "Inbound",
        "Allow",
        "Tcp",
        "443",
        source,
        "*",
    ])
}

/// A destination with a public address that lets `source` in.
fn server(source: &str) -> Public {
    let (_, mut interface) = pair();
    has_public(&mut interface, "dst");
    interface.rules = rules("dst", &[web(source)], &[web(source)]);
    Public {
        address: ip("20.9.9.9"),
        interface,
    }
}

fn to(destination: &Public, source: &Interface, from: Option<&str>) -> Path {
    let from = from.map(ip);
    walk_public(source, destination, from, tcp((443, 443)), &Around::default()).unwrap()
}

#[test]
fn the_groups_of_a_machine_behind_a_public_address_are_asked() {
    let (source, _) = pair();
    let open = to(&server("Internet"), &source, None);
    assert_eq!(open.verdict, Verdict::Allow, "{}", shown(&open));
    assert_eq!(
        status(&open, Layer::PublicAddress, Place::Destination, Way::Forward),
        Some(Status::Pass)
    );
    let mut closed = server("Internet");
    closed.interface.rules = rules("dst", &[], &[]);
    let path = to(&closed, &source, None);
    let ids: Vec<String> = blocks(&path).into_iter().map(|block| block.3).collect();
    assert_eq!(path.verdict, Verdict::Deny, "{}", shown(&path));
    assert!(ids.iter().all(|id| id.contains("dst")), "{ids:?}");
    // No address of the destination's network lets it in: it comes from the Internet.
    let path = to(&server("VirtualNetwork"), &source, Some("20.1.1.1"));
    assert_eq!(path.verdict, Verdict::Deny, "{}", shown(&path));
}

#[test]
fn what_stops_it_on_its_way_out_is_listed_as_well() {
    let (mut source, _) = pair();
    source.rules = rules("src", &[deny("Outbound", "443")], &[]);
    let mut closed = server("Internet");
    closed.interface.rules = rules("dst", &[], &[]);
    let path = to(&closed, &source, None);
    let places: std::collections::BTreeSet<Place> = path.blocking().map(|row| row.place).collect();
    assert_eq!(
        places.into_iter().collect::<Vec<_>>(),
        [Place::Source, Place::Destination],
        "{}",
        shown(&path)
    );
    let forward = path.layers.iter().map(|row| row.direction);
    assert!(forward.is_sorted_by_key(|way| way == Way::Back));
}

#[test]
fn by_which_address_it_comes_matters_where_the_group_says_so() {
    let (mut source, _) = pair();
    has_public(&mut source, "src");
    let some = server("20.1.1.0/24");
    let verdicts = [Some("20.1.1.1"), Some("20.2.2.2"), None].map(|from| to(&some, &source, from).verdict);
    assert_eq!(verdicts, [Verdict::Allow, Verdict::Deny, Verdict::Unknown]);
    let path = to(&some, &source, None);
    assert!(
        path.missing
            .iter()
            .any(|missing| missing.layer == Layer::PublicAddress),
        "{:?}",
        path.missing
    );
}

#[test]
fn its_own_address_counts_only_where_nothing_goes_before_it() {
    let some = server("20.1.1.0/24");
    let asked = |source: &Interface, from| to(&some, source, Some(from)).verdict;
    let both = |source: &Interface| ["20.1.1.1", "20.2.2.2"].map(|from| asked(source, from));
    let (mut source, _) = pair();
    assert_eq!(both(&source), [Verdict::Unknown; 2], "it has none");
    has_public(&mut source, "src");
    assert_eq!(both(&source), [Verdict::Allow, Verdict::Deny]);
    let mut tunnelled = source.clone();
    tunnelled.routes = table(
        "a",
        &[entry("0.0.0.0/0", "User", "VirtualAppliance", &["10.0.9.9"])],
    );
    assert_eq!(both(&tunnelled), [Verdict::Unknown; 2]);
    let Read::Captured(nic) = &mut source.nic else {
        panic!()
    };
    let subnets = std::mem::take(&mut nic.subnets);
    assert_eq!(both(&source), [Verdict::Unknown; 2], "the subnet was not read");
    let Read::Captured(nic) = &mut source.nic else {
        panic!()
    };
    nic.subnets = subnets;
    nic.subnets[0].nat_gateway = Some(id("natGateways/n"));
    assert_eq!(both(&source), [Verdict::Unknown; 2]);
    // What the gateway does not carry may or may not leave by the interface's own address.
    let ping = Flow {
        protocol: Protocol::Icmp,
        source_ports: None,
        ports: None,
    };
    let outside = End::Outside(ip("20.9.9.9"));
    let path = ends(&End::Nic(Box::new(source)), &outside, ping, &[]);
    assert_eq!(path.verdict, Verdict::Unknown, "{}", shown(&path));
}

#[test]
fn ports_that_a_half_stops_are_named() {
    let (mut source, _) = pair();
    source.rules = rules("src", &[deny("Outbound", "80")], &[]);
    let mut some = server("20.1.1.0/24");
    let any = rule([
        "securityRules/any",
        "200",
        "Inbound",
        "Allow",
        "Tcp",
        "80-443",
        "20.1.1.0/24",
        "*",
    ]);
    some.interface.rules = rules("dst", &[web("*"), any.clone()], &[web("*"), any]);
    let flow = tcp((80, 443));
    let path = walk_public(&source, &some, None, flow, &Around::default()).unwrap();
    let parts: Vec<(&str, Verdict)> = path
        .parts
        .iter()
        .map(|part| (part.ports.as_str(), part.verdict))
        .collect();
    assert_eq!(
        parts,
        [("80", Verdict::Deny), ("81-443", Verdict::Unknown)],
        "{}",
        shown(&path)
    );
}

#[test]
fn policies_of_service_endpoints_are_not_passed_over() {
    let (mut source, _) = pair();
    source.routes = table(
        "a",
        &[entry(
            "20.0.0.0/8",
            "Default",
            "VirtualNetworkServiceEndpoint",
            &[],
        )],
    );
    assert_eq!(outward(&source, "20.1.1.1").verdict, Verdict::Allow);
    let mut subnet = subnet_body("src", "a");
    subnet["properties"]["serviceEndpointPolicies"] = json!([{"id": id("serviceEndpointPolicies/p")}]);
    let body = nic_body("src", "10.0.0.4", "a");
    source.nic = nic(&body, &subnet);
    let path = outward(&source, "20.1.1.1");
    assert_eq!(path.verdict, Verdict::Unknown, "{}", shown(&path));
    source.nic = Nic::parse(&body, &[]).into();
    assert_eq!(outward(&source, "20.1.1.1").verdict, Verdict::Unknown);
}

#[test]
fn a_service_by_its_endpoint_comes_in_as_from_the_internet() {
    let endpoint = || entry("20.0.0.0/8", "Default", "VirtualNetworkServiceEndpoint", &[]);
    let (_, mut destination) = pair();
    destination.rules = rules("dst", &[web("*")], &[web("*")]);
    destination.routes = table("a", &[endpoint()]);
    let path = inward("20.1.1.1", &destination);
    assert_eq!(path.verdict, Verdict::Deny, "{}", shown(&path));
    assert_eq!(
        status(&path, Layer::PublicAddress, Place::Destination, Way::Forward),
        Some(Status::Block)
    );
    has_public(&mut destination, "dst");
    assert_eq!(inward("20.1.1.1", &destination).verdict, Verdict::Allow);
    // Without a group a standard public address is closed, by whichever route the reply leaves.
    let bare = |routes: &[Value]| {
        let mut bare = destination.clone();
        let mut body = nic_body("dst", "10.0.0.5", "a");
        body["properties"]["networkSecurityGroup"] = json!(null);
        body["properties"]["ipConfigurations"][0]["properties"]["publicIPAddress"] =
            json!({"id": id("publicIPAddresses/p")});
        let mut subnet = subnet_body("dst", "a");
        subnet["properties"]["networkSecurityGroup"] = json!(null);
        bare.nic = nic(&body, &subnet);
        bare.rules = nsg::parse(&json!({"value": []})).into();
        bare.routes = table("a", routes);
        inward("20.1.1.1", &bare).verdict
    };
    assert_eq!(bare(&[endpoint()]), Verdict::Deny);
    let twice = [
        entry("20.1.0.0/16", "User", "Internet", &["20.0.0.1"]),
        entry("20.1.0.0/16", "User", "Internet", &["20.0.0.2"]),
    ];
    assert_eq!(bare(&twice), Verdict::Deny);
}

#[test]
fn a_public_address_says_whose_it_is() {
    let body = |properties: Value| json!({"id": id("publicIPAddresses/p"), "properties": properties});
    let of = |configuration: &str| {
        let properties = json!({"ipAddress": "20.9.9.9", "ipConfiguration": {"id": id(configuration)}});
        PublicIp::parse(&body(properties)).unwrap()
    };
    let nic = of("networkInterfaces/n/ipConfigurations/one");
    assert_eq!(nic.nic().unwrap().as_str(), id("networkInterfaces/n"));
    let balancer = of("loadBalancers/l/frontendIPConfigurations/f");
    assert_eq!(
        (balancer.nic(), balancer.owner()),
        (None, Some(id("loadBalancers/l").as_str()))
    );
    let gateway = body(json!({"ipAddress": "20.9.9.9", "natGateway": {"id": id("natGateways/n")}}));
    let gateway = PublicIp::parse(&gateway).unwrap();
    assert_eq!(
        (gateway.nic(), gateway.owner()),
        (None, Some(id("natGateways/n").as_str()))
    );
    let free = PublicIp::parse(&body(json!({"ipAddress": null}))).unwrap();
    assert_eq!((free.address, free.owner()), (None, None));
    for bad in [
        json!({"ipAddress": 5}),
        json!({"ipAddress": "twenty"}),
        json!({"ipConfiguration": "one"}),
        json!({"ipConfiguration": {}}),
    ] {
        assert!(PublicIp::parse(&body(bad.clone())).is_err(), "{bad}");
    }
}
