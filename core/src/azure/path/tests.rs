//! Paths between interfaces whose bodies are written as Azure Resource Manager writes them.

use serde_json::{Value, json};

use super::*;
use crate::azure::nsg::{self, FlowError, Verdict};
use crate::azure::route;

mod anywhere;
mod layers;
mod peerings;
mod properties;
mod public;
mod readings;
mod storage;
mod ways;

const GROUP: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network";

fn id(rest: &str) -> String {
    format!("{GROUP}/{rest}")
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The body of an interface of the machine `vm-NAME` in `VNET/s`.
fn nic_body(name: &str, address: &str, vnet: &str) -> Value {
    json!({"id": id(&format!("networkInterfaces/{name}")), "properties": {
        "enableIPForwarding": false,
        "virtualMachine": {"id": id(&format!("virtualMachines/vm-{name}"))},
        "networkSecurityGroup": {"id": id(&format!("networkSecurityGroups/{name}-nic"))},
        "ipConfigurations": [{"name": "one", "properties": {
            "privateIPAddress": address,
            "subnet": {"id": id(&format!("virtualNetworks/{vnet}/subnets/s"))}}}]}})
}

fn subnet_body(name: &str, vnet: &str) -> Value {
    json!({"id": id(&format!("virtualNetworks/{vnet}/subnets/s")), "properties": {
        "networkSecurityGroup": {"id": id(&format!("networkSecurityGroups/{name}-subnet"))},
        "routeTable": {"id": id(&format!("routeTables/{name}"))}}})
}

fn nic(body: &Value, subnet: &Value) -> Read<Nic> {
    Nic::parse(body, std::slice::from_ref(subnet)).into()
}

fn entry(prefix: &str, source: &str, hop: &str, addresses: &[&str]) -> Value {
    let name = (source == "User").then_some("mine");
    json!({"name": name, "source": source, "state": "Active", "addressPrefix": [prefix], "nextHopType": hop,
        "nextHopIpAddress": addresses})
}

/// The routes of a network 10.0.0.0/16 that is peered with 10.1.0.0/16 or the other way round, and others.
fn table(vnet: &str, more: &[Value]) -> Read<Table> {
    let (own, peer) = if vnet == "a" {
        ("10.0.0.0/16", "10.1.0.0/16")
    } else {
        ("10.1.0.0/16", "10.0.0.0/16")
    };
    let mut all = vec![
        entry(own, "Default", "VnetLocal", &[]),
        entry(peer, "Default", "VNetPeering", &[]),
        entry("10.0.0.0/8", "Default", "None", &[]),
        entry("0.0.0.0/0", "Default", "Internet", &[]),
    ];
    all.extend(more.iter().cloned());
    route::from_value(&json!({"value": all})).into()
}

/// A rule: name, priority, direction, access, protocol, ports, source, destination.
fn rule(words: [&str; 8]) -> Value {
    let [
        name,
        priority,
        direction,
        access,
        protocol,
        ports,
        source,
        destination,
    ] = words;
    json!({"name": name, "priority": priority.parse::<u32>().unwrap(), "direction": direction, "access": access,
        "protocol": protocol, "sourcePortRange": "0-65535", "destinationPortRange": ports,
        "sourceAddressPrefix": source, "destinationAddressPrefix": destination})
}

fn deny(direction: &str, port: &str) -> Value {
    rule([
        "securityRules/stop",
        "100",
        direction,
        "Deny",
        "Tcp",
        port,
        "*",
        "*",
    ])
}

/// A gate with these rules and those that every group has.
fn gate(name: &str, place: &str, rules: &[Value]) -> Value {
    let mut all = rules.to_vec();
    for words in [
        [
            "AllowVnetInBound",
            "65000",
            "Inbound",
            "Allow",
            "VirtualNetwork",
            "VirtualNetwork",
        ],
        [
            "AllowAzureLoadBalancerInBound",
            "65001",
            "Inbound",
            "Allow",
            "AzureLoadBalancer",
            "*",
        ],
        ["DenyAllInBound", "65500", "Inbound", "Deny", "*", "*"],
        [
            "AllowVnetOutBound",
            "65000",
            "Outbound",
            "Allow",
            "VirtualNetwork",
            "VirtualNetwork",
        ],
        [
            "AllowInternetOutBound",
            "65001",
            "Outbound",
            "Allow",
            "*",
            "Internet",
        ],
        ["DenyAllOutBound", "65500", "Outbound", "Deny", "*", "*"],
    ] {
        let [own, priority, direction, access, source, destination] = words;
        let own = format!("defaultSecurityRules/{own}");
        all.push(rule([
            &own,
            priority,
            direction,
            access,
            "All",
            "0-65535",
            source,
            destination,
        ]));
    }
    let group = id(&format!("networkSecurityGroups/{name}-{place}"));
    let place = if place == "nic" { "networkInterface" } else { place };
    json!({"networkSecurityGroup": {"id": group}, "association": {place: {"id": "/x"}}, "effectiveSecurityRules": all})
}

fn rules(name: &str, on_nic: &[Value], on_subnet: &[Value]) -> Read<Effective> {
    let body = json!({"value": [gate(name, "subnet", on_subnet), gate(name, "nic", on_nic)]});
    nsg::parse(&body).into()
}

fn admin_rule(direction: &str, access: &str) -> Value {
    json!({"id": id("networkManagers/m/rules/guard"), "kind": "Custom", "properties": {
        "protocol": "Any", "direction": direction, "access": access, "priority": 1,
        "sources": [{"addressPrefixType": "IPPrefix", "addressPrefix": "*"}],
        "destinations": [{"addressPrefixType": "IPPrefix", "addressPrefix": "*"}],
        "sourcePortRanges": ["0-65535"], "destinationPortRanges": ["0-65535"]}})
}

fn admin(rules: &[Value]) -> Read<Gate> {
    crate::azure::admin::parse(&json!({"value": rules}))
        .map(|(gate, _)| gate)
        .into()
}

/// An interface of which everything was read, with nothing in the way.
fn open(name: &str, address: &str, vnet: &str) -> Interface {
    Interface {
        address: ip(address),
        nic: nic(&nic_body(name, address, vnet), &subnet_body(name, vnet)),
        routes: table(vnet, &[]),
        rules: rules(name, &[], &[]),
        admin: admin(&[]),
        tags: Tags::default(),
    }
}

/// Two interfaces of one network.
fn pair() -> (Interface, Interface) {
    (open("src", "10.0.0.4", "a"), open("dst", "10.0.0.5", "a"))
}

fn tcp(ports: (u16, u16)) -> Flow {
    Flow {
        protocol: Protocol::Tcp,
        source_ports: None,
        ports: Some(ports),
    }
}

/// The body of a network of these peerings: other network, state, its prefix.
fn network(name: &str, peerings: &[(&str, &str, &str)]) -> Value {
    let peerings = peerings.iter().map(|(remote, state, prefix)| {
        json!({"name": remote, "properties": {"peeringState": state, "allowVirtualNetworkAccess": true,
            "remoteVirtualNetwork": {"id": id(&format!("virtualNetworks/{remote}"))},
            "remoteAddressSpace": {"addressPrefixes": [prefix]}}})
    });
    json!({"id": id(&format!("virtualNetworks/{name}")),
        "properties": {"virtualNetworkPeerings": peerings.collect::<Vec<_>>()}})
}

/// These networks and machines around the ends.
fn around(networks: &[Value], appliances: &[Nic]) -> Around {
    let read = |body: &Value| {
        let network = Network::parse(body).unwrap();
        (network.id.key(), Read::Captured(network))
    };
    Around {
        appliances: appliances.to_vec(),
        networks: networks.iter().map(read).collect(),
    }
}

/// The networks `a` and `b`, which are peered.
fn peers() -> [Value; 2] {
    [
        network("a", &[("b", "Connected", "10.1.0.0/16")]),
        network("b", &[("a", "Connected", "10.0.0.0/16")]),
    ]
}

fn ends(source: &End, destination: &End, flow: Flow, appliances: &[Nic]) -> Path {
    among(source, destination, flow, &around(&peers(), appliances))
}

fn among(source: &End, destination: &End, flow: Flow, around: &Around) -> Path {
    let question = Question {
        source,
        destination,
        flow,
        around,
    };
    walk(&question).unwrap()
}

fn between(source: &Interface, destination: &Interface) -> Path {
    let end = |interface: &Interface| End::Nic(Box::new(interface.clone()));
    ends(&end(source), &end(destination), tcp((5001, 5001)), &[])
}

fn outward(source: &Interface, address: &str) -> Path {
    let source = End::Nic(Box::new(source.clone()));
    ends(&source, &End::Outside(ip(address)), tcp((443, 443)), &[])
}

fn inward(address: &str, destination: &Interface) -> Path {
    let destination = End::Nic(Box::new(destination.clone()));
    ends(&End::Outside(ip(address)), &destination, tcp((443, 443)), &[])
}

/// The layers that block, with where they stand, which way, and the resource to edit.
fn blocks(path: &Path) -> Vec<(Layer, Place, Way, String)> {
    let edit = |row: &Row| {
        row.object
            .as_ref()
            .and_then(|object| object.id.clone())
            .unwrap_or_default()
    };
    path.blocking()
        .map(|row| (row.layer, row.place, row.direction, edit(row)))
        .collect()
}

fn status(path: &Path, layer: Layer, place: Place, way: Way) -> Option<Status> {
    let mut rows = path
        .layers
        .iter()
        .filter(|row| (row.layer, row.place, row.direction) == (layer, place, way));
    rows.next().map(|row| row.status)
}

fn shown(path: &Path) -> String {
    serde_json::to_string_pretty(path).unwrap()
}

#[test]
fn every_layer_stands_in_the_order_in_which_it_is_met() {
    let (source, destination) = pair();
    let path = between(&source, &destination);
    assert_eq!(path.verdict, Verdict::Allow, "{}", shown(&path));
    let order: Vec<(Layer, Place, Way)> = path
        .layers
        .iter()
        .map(|row| (row.layer, row.place, row.direction))
        .collect();
    use Layer::{AdminRules, Nic, NicNsg, Route, SubnetNsg};
    let there = |layer| (layer, Place::Source, Way::Forward);
    let here = |layer| (layer, Place::Destination, Way::Forward);
    let from = |layer| (layer, Place::Destination, Way::Back);
    let home = |layer| (layer, Place::Source, Way::Back);
    let expected = [
        there(Nic),
        there(AdminRules),
        there(NicNsg),
        there(SubnetNsg),
        there(Route),
        here(Nic),
        here(AdminRules),
        here(SubnetNsg),
        here(NicNsg),
        from(AdminRules),
        from(NicNsg),
        from(SubnetNsg),
        from(Route),
        home(AdminRules),
        home(SubnetNsg),
        home(NicNsg),
    ];
    assert_eq!(order, expected);
    assert!(path.missing.is_empty() && path.parts.is_empty() && !path.degraded);
}

#[test]
fn all_layers_that_block_are_listed_each_with_what_to_edit() {
    let (mut source, mut destination) = pair();
    source.rules = rules("src", &[deny("Outbound", "5001")], &[]);
    source.routes = table("a", &[entry("10.0.0.5/32", "User", "None", &[])]);
    destination.rules = rules("dst", &[], &[deny("Inbound", "5001")]);
    let path = between(&source, &destination);
    assert_eq!(path.verdict, Verdict::Deny);
    assert_eq!(
        blocks(&path),
        [
            (
                Layer::NicNsg,
                Place::Source,
                Way::Forward,
                id("networkSecurityGroups/src-nic/securityRules/stop")
            ),
            (
                Layer::Route,
                Place::Source,
                Way::Forward,
                id("routeTables/src/routes/mine")
            ),
            (
                Layer::SubnetNsg,
                Place::Destination,
                Way::Forward,
                id("networkSecurityGroups/dst-subnet/securityRules/stop")
            ),
        ],
        "{}",
        shown(&path)
    );
    // A gate that lets nothing through has no replies to let through.
    assert_eq!(
        status(&path, Layer::NicNsg, Place::Source, Way::Back),
        Some(Status::NotApplicable)
    );
    assert_eq!(
        status(&path, Layer::SubnetNsg, Place::Source, Way::Back),
        Some(Status::Pass)
    );
}

#[test]
fn addresses_of_two_families_are_refused() {
    let (source, _) = pair();
    let question = Question {
        source: &End::Nic(Box::new(source)),
        destination: &End::Outside(ip("2001:db8::1")),
        flow: tcp((1, 1)),
        around: &Around::default(),
    };
    assert_eq!(walk(&question), Err(FlowError::Families));
}

#[test]
fn one_address_of_two_machines_is_not_one_machine() {
    let (source, destination) = (open("src", "10.0.0.4", "a"), open("dst", "10.0.0.4", "b"));
    let path = ends(
        &End::Nic(Box::new(source)),
        &End::Nic(Box::new(destination)),
        tcp((443, 443)),
        &[],
    );
    assert_eq!(path.verdict, Verdict::Unknown, "{}", shown(&path));
    assert!(!path.missing.is_empty());
}

#[test]
fn a_flow_within_one_machine_meets_no_layer() {
    let (source, mut destination) = pair();
    let mut body = nic_body("dst", "10.0.0.5", "a");
    body["properties"]["virtualMachine"]["id"] = json!(id("virtualMachines/VM-SRC"));
    destination.nic = nic(&body, &subnet_body("dst", "a"));
    destination.rules = Read::Unread("stopped".to_owned());
    let path = between(&source, &destination);
    assert_eq!((path.verdict, path.layers.len()), (Verdict::Allow, 1));
    assert_eq!(path.layers[0].status, Status::NotApplicable);
}

#[test]
fn two_addresses_outside_are_unknown() {
    let path = ends(
        &End::Outside(ip("8.8.8.8")),
        &End::Outside(ip("1.1.1.1")),
        tcp((1, 1)),
        &[],
    );
    assert_eq!((path.verdict, path.missing.len()), (Verdict::Unknown, 1));
}
