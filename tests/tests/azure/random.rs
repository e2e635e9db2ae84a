//! Random worlds and packets: few addresses and ports, so that rules and routes meet often.

use std::collections::BTreeSet;
use std::net::IpAddr;

use netghost_lab::azure::World;
use serde_json::{Value, json};

use crate::packets::{Flow, Kind};
use crate::state::{State, id, peering, reference, subnet};

/// A sequence of numbers that follows from its seed (xorshift64*, Vigna 2016).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// The tag whose addresses are sometimes kept back.
pub(crate) const TAG: &str = "Storage";

/// The address of the private endpoint.
pub(crate) const ENDPOINT: &str = "10.1.0.7";

const PLACES: [&str; 24] = [
    "*",
    "*",
    "VirtualNetwork",
    "VirtualNetwork",
    "Internet",
    "AzureLoadBalancer",
    TAG,
    TAG,
    "0.0.0.0/0",
    "10.0.0.0/16",
    "10.0.0.0/24",
    "10.0.0.4/31",
    "10.0.0.4",
    "10.0.0.5",
    "10.0.1.0/24",
    "10.1.0.0/16",
    "10.1.0.4",
    "10.2.0.4",
    "8.0.0.0/7",
    "172.16.0.0/12",
    "20.38.0.0/17",
    "fd00:a::/48",
    "fd00:b::4",
    "::/0",
];

const PORTS: [&str; 11] = [
    "*",
    "*",
    "*",
    "22",
    "80",
    "443",
    "0-1023",
    "1024-65535",
    "8000-8010",
    "5001",
    "53",
];

const TO_PORTS: [u16; 10] = [1, 22, 53, 80, 443, 5001, 8000, 8010, 8011, 65535];

const DESTINATIONS: [&str; 22] = [
    "10.0.0.4",
    "10.0.0.5",
    "10.0.1.4",
    "10.1.0.4",
    "10.1.0.5",
    "10.2.0.4",
    "10.0.0.5",
    "10.1.0.4",
    "10.0.0.77",
    ENDPOINT,
    "8.8.8.8",
    "9.9.9.9",
    "172.16.3.3",
    "172.20.1.1",
    "192.168.1.1",
    "20.38.0.1",
    "20.38.200.1",
    "168.63.129.16",
    "fd00:a::4",
    "fd00:b::4",
    "fd00:b::99",
    "2600::1",
];

/// NICs: name, subnet, address, address of IPv6.
const NICS: [(&str, &str, &str, Option<&str>); 6] = [
    ("a1", "hub/subnets/a", "10.0.0.4", Some("fd00:a::4")),
    ("a2", "hub/subnets/a", "10.0.0.5", None),
    ("l1", "lone/subnets/l", "10.2.0.4", None),
    ("nva", "hub/subnets/n", "10.0.1.4", None),
    ("s1", "spoke/subnets/s", "10.1.0.4", Some("fd00:b::4")),
    ("s2", "spoke/subnets/s", "10.1.0.5", None),
];

fn list(random: &mut Random, from: &[&'static str], most: usize) -> Vec<&'static str> {
    (0..=random.below(most)).map(|_| random.of(from)).collect()
}

fn protocol(random: &mut Random) -> (&'static str, bool) {
    random.of(&[
        ("*", true),
        ("*", true),
        ("Tcp", true),
        ("Tcp", true),
        ("Udp", true),
        ("Icmp", false),
        ("Esp", false),
        ("Ah", false),
    ])
}

fn rules(random: &mut Random) -> Vec<Value> {
    let mut priorities = BTreeSet::new();
    for _ in 0..random.below(9) {
        priorities.insert(100 + random.below(4000));
    }
    priorities
        .into_iter()
        .enumerate()
        .map(|(number, priority)| {
            let (protocol, ports) = protocol(random);
            // What ports mean of a protocol without any is not documented.
            let mut port = |chance| match ports && random.chance(chance) {
                true => list(random, &PORTS, 2),
                false => vec!["*"],
            };
            let (from_ports, to_ports) = (port(20), port(60));
            let mut properties = json!({
                "priority": priority,
                "direction": random.of(&["Inbound", "Outbound"]),
                "access": random.of(&["Allow", "Allow", "Deny"]),
                "protocol": protocol,
                "sourceAddressPrefixes": list(random, &PLACES, 3),
                "destinationAddressPrefixes": list(random, &PLACES, 3),
                "sourcePortRanges": from_ports,
                "destinationPortRanges": to_ports,
            });
            if random.chance(15) {
                let side = random.of(&["source", "destination"]);
                properties[format!("{side}AddressPrefixes")] = json!([]);
                properties[format!("{side}ApplicationSecurityGroups")] =
                    json!([reference("applicationSecurityGroups/web")]);
            }
            json!({ "name": format!("r{number}"), "properties": properties })
        })
        .collect()
}

fn admin_rules(random: &mut Random) -> Vec<Value> {
    let mut priorities = BTreeSet::new();
    for _ in 0..random.below(7) {
        priorities.insert(1 + random.below(100));
    }
    let place = |random: &mut Random| {
        // Such rules come without what their tags stand for: not those that follow from the VNet.
        let place = if random.chance(40) {
            "*"
        } else {
            random.of(&PLACES[5..])
        };
        let tag = place.starts_with(|first: char| first.is_ascii_uppercase());
        json!({ "addressPrefixType": if tag { "ServiceTag" } else { "IPPrefix" }, "addressPrefix": place })
    };
    priorities
        .into_iter()
        .map(|priority| {
            let (protocol, ports) = protocol(random);
            json!({
                "priority": priority,
                "direction": random.of(&["Inbound", "Outbound"]),
                "access": random.of(&["Allow", "AlwaysAllow", "Deny"]),
                "protocol": if protocol == "*" { "Any" } else { protocol },
                "sources": [place(random)],
                "destinations": [place(random)],
                "sourcePortRanges": ["0-65535"],
                "destinationPortRanges": if ports { list(random, &PORTS[2..], 2) } else { vec!["0-65535"] },
            })
        })
        .collect()
}

fn routes(random: &mut Random) -> Vec<Value> {
    const TO: [&str; 14] = [
        "10.0.0.0/24",
        "10.0.0.5/32",
        "10.1.0.0/16",
        "10.1.0.0/24",
        "10.1.0.4/32",
        "0.0.0.0/0",
        "0.0.0.0/0",
        "8.8.8.0/24",
        "172.16.0.0/16",
        "172.16.0.0/20",
        "10.0.0.0/8",
        TAG,
        "fd00:b::/64",
        "10.0.0.0/16",
    ];
    let mut to = BTreeSet::new();
    for _ in 0..random.below(5) {
        to.insert(random.of(&TO));
    }
    to.into_iter()
        .map(|to| {
            let hop = random.of(&[
                "VirtualAppliance",
                "VirtualAppliance",
                "None",
                "Internet",
                "VnetLocal",
                "VirtualNetworkGateway",
            ]);
            json!({ "name": format!("to-{}", to.replace('/', "-")), "properties": {
                "addressPrefix": to,
                "nextHopType": hop,
                "nextHopIpAddress": (hop == "VirtualAppliance").then_some("10.0.1.4"),
                "hasBgpOverride": random.chance(30),
            }})
        })
        .collect()
}

/// Perhaps a security group, perhaps a route table.
fn bound(random: &mut Random, name: &str, nsg: usize, table: usize) -> Value {
    let mut more = json!({});
    if random.chance(nsg) {
        more["networkSecurityGroup"] = reference(&format!("networkSecurityGroups/{name}"));
    }
    if random.chance(table) {
        more["routeTable"] = reference(&format!("routeTables/{name}"));
    }
    more
}

/// What the gateway has learnt.
fn learned(random: &mut Random) -> Vec<(&'static str, &'static str)> {
    let learned = [
        "172.16.0.0/16",
        "10.0.0.0/25",
        "8.8.8.0/24",
        "0.0.0.0/0",
        "10.1.0.0/24",
        "172.16.0.0/20",
    ];
    learned
        .into_iter()
        .filter(|prefix| random.chance(if *prefix == "0.0.0.0/0" { 15 } else { 40 }))
        .map(|prefix| (prefix, "10.0.255.4"))
        .collect()
}

/// A world with the same NICs as any other.
pub(crate) fn state(random: &mut Random) -> State {
    let mut state = State::default();
    let mut a = bound(random, "a", 60, 70);
    if random.chance(50) {
        a["serviceEndpoints"] = json!([{ "service": "Microsoft.Storage", "locations": ["*"] }]);
    }
    let mut s = bound(random, "s", 60, 50);
    s["privateEndpointNetworkPolicies"] = json!(random.of(&["Disabled", "Enabled", "RouteTableEnabled"]));
    let hub = json!([
        subnet("hub", "a", "10.0.0.0/24", a),
        subnet("hub", "n", "10.0.1.0/24", bound(random, "n", 30, 20)),
        subnet("hub", "GatewaySubnet", "10.0.255.0/27", json!({})),
    ]);
    let spoke = json!([subnet("spoke", "s", "10.1.0.0/24", s)]);
    let lone = json!([subnet("lone", "l", "10.2.0.0/24", json!({}))]);
    let access = random.chance(80);
    let to_spoke = json!({ "allowGatewayTransit": true, "allowForwardedTraffic": true, "allowVirtualNetworkAccess": access });
    let to_hub = json!({ "useRemoteGateways": true, "allowForwardedTraffic": true });
    let learned = learned(random);
    state
        .vnet(
            "hub",
            &["10.0.0.0/16", "fd00:a::/48"],
            hub,
            json!([peering("spoke", to_spoke)]),
        )
        .vnet(
            "spoke",
            &["10.1.0.0/16", "fd00:b::/48"],
            spoke,
            json!([peering("hub", to_hub)]),
        )
        .vnet("lone", &["10.2.0.0/16"], lone, json!([]))
        .gateway("gw", "hub", &learned)
        .tags(&[(TAG, &["20.38.0.0/16", "40.71.0.0/24"])]);
    for name in ["a", "n", "s"] {
        let (rules, no_gateway_routes, routes) = (rules(random), random.chance(20), routes(random));
        state
            .nsg(name, &rules)
            .route_table(name, no_gateway_routes, &routes);
    }
    for (name, subnet, address, v6) in NICS {
        let rules = rules(random);
        state.nsg(&format!("nic-{name}"), &rules);
        nic(&mut state, random, (name, subnet, address, v6));
    }
    let vnets: &[&str] = random.of(&[&["hub"][..], &["hub", "spoke"], &["spoke"], &[]]);
    let rules = admin_rules(random);
    state.admin(vnets, &rules);
    private_endpoint(&mut state);
    state
}

fn nic(
    state: &mut State,
    random: &mut Random,
    (name, subnet, address, v6): (&str, &str, &str, Option<&str>),
) {
    let at = reference(&format!("virtualNetworks/{subnet}"));
    let groups = if name.starts_with('a') && random.chance(60) {
        json!([reference("applicationSecurityGroups/web")])
    } else {
        json!([])
    };
    let config = |address: &str, primary: bool| {
        json!({ "name": address, "properties": {
            "privateIPAddress": address, "primary": primary, "subnet": at, "applicationSecurityGroups": groups,
        }})
    };
    let mut configs = vec![config(address, true)];
    configs.extend(v6.map(|v6| config(v6, false)));
    let mut more =
        json!({ "ipConfigurations": configs, "enableIPForwarding": name == "nva" && random.chance(85) });
    if random.chance(50) {
        more["networkSecurityGroup"] = reference(&format!("networkSecurityGroups/nic-{name}"));
    }
    state.nic(name, subnet, address, more);
}

fn private_endpoint(state: &mut State) {
    state.nic(
        "pe",
        "spoke/subnets/s",
        ENDPOINT,
        json!({ "virtualMachine": null }),
    );
    let properties = json!({
        "subnet": reference("virtualNetworks/spoke/subnets/s"),
        "networkInterfaces": [reference("networkInterfaces/pe")],
    });
    state.put("privateEndpoints/pe", json!({ "properties": properties }));
    assert!(state.0.contains_key(&id("privateEndpoints/pe").to_lowercase()));
}

/// Packets between the NICs of a world and to elsewhere, no two alike where they arrive.
pub(crate) fn flows(random: &mut Random, world: &World, most: usize) -> Vec<Flow> {
    let from: Vec<IpAddr> = world
        .nics
        .values()
        .filter(|nic| nic.vm.is_some())
        .flat_map(|nic| nic.addresses().collect::<Vec<_>>())
        .collect();
    let (mut ports, mut pairs) = (BTreeSet::new(), BTreeSet::new());
    let mut flows = Vec::new();
    for _ in 0..most {
        let (from, to) = (
            random.of(&from),
            random.of(&DESTINATIONS).parse::<IpAddr>().unwrap(),
        );
        if from == to || from.is_ipv4() != to.is_ipv4() {
            continue;
        }
        let mut kinds = vec![Kind::Tcp, Kind::Tcp, Kind::Udp, Kind::Udp];
        if from.is_ipv4() {
            // Whether a rule on ICMP is one on ICMPv6 is not documented, and the product says so.
            kinds.extend([Kind::Icmp, Kind::Esp, Kind::Ah]);
        }
        let kind = random.of(&kinds);
        // A protocol without ports has one flow between two addresses, and one to an address: translation could not keep two of
        // them apart.
        let mut alone = |from: IpAddr| pairs.insert((kind, from.min(to), from.max(to)));
        if matches!(kind, Kind::Esp | Kind::Ah) && !(alone(from) && alone(to)) {
            continue;
        }
        let source_port = u16::try_from(1 + random.below(65_535)).unwrap();
        if !ports.insert((kind, source_port)) {
            continue;
        }
        flows.push(Flow {
            kind,
            from,
            to,
            source_port,
            destination_port: random.of(&TO_PORTS),
        });
    }
    flows
}

/// Takes away what a tag stands for, as a list of service tags that is too old would.
pub(crate) fn keep_back(answer: &mut Value, tag: &str) {
    for gate in answer["value"].as_array_mut().unwrap() {
        gate["tagMap"].as_object_mut().unwrap().remove(tag);
        for rule in gate["effectiveSecurityRules"].as_array_mut().unwrap() {
            for side in ["Source", "Destination"] {
                let named = &rule[format!("{}AddressPrefixes", side.to_lowercase())];
                if named.as_array().unwrap().contains(&json!(tag)) {
                    rule[format!("expanded{side}AddressPrefix")] = Value::Null;
                }
            }
        }
    }
}
