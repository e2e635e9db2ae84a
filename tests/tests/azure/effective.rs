//! Routes and rules that follow from configured resources, against what Microsoft's pages and recorded answers say.

use netghost_lab::azure::effective;
use netghost_lab::azure::effective::routes::{Row, select, table};
use netghost_lab::azure::{World, WorldError};
use serde_json::{Value, json};

use crate::state::{State, id, peering, reference, route, rule, subnet};

fn world(state: &State) -> World {
    World::from_state(&state.value()).unwrap()
}

/// `prefix hop state`, one line for each prefix.
fn lines(world: &World, nic: &str) -> Vec<String> {
    let shown = effective::routes(world, &id(&format!("networkInterfaces/{nic}"))).unwrap();
    let mut lines = Vec::new();
    for entry in shown["value"].as_array().unwrap() {
        for prefix in entry["addressPrefix"].as_array().unwrap() {
            let word = |value: &Value| value.as_str().unwrap().to_owned();
            let (prefix, hop, state) = (word(prefix), word(&entry["nextHopType"]), word(&entry["state"]));
            lines.push(format!("{prefix} {hop} {state}"));
        }
    }
    lines
}

fn taken(world: &World, nic: &str, to: &str) -> String {
    let nic = world.nic(&id(&format!("networkInterfaces/{nic}"))).unwrap();
    let rows = table(world, nic).unwrap();
    let chosen: Vec<&Row> = select(&rows, to.parse().unwrap());
    let shown: Vec<String> = chosen
        .iter()
        .map(|row| format!("{} {:?}", row.prefix, row.hop))
        .collect();
    shown.join(", ")
}

/// A VNet 10.0.0.0/16, peered with one of 10.1.0.0/16, with a gateway; `a` stands in a subnet of the route table `rt`.
fn hub(routes: &[Value]) -> State {
    let mut state = State::default();
    let table = json!({ "routeTable": reference("routeTables/rt") });
    let subnets = json!([
        subnet("hub", "default", "10.0.0.0/24", table),
        subnet("hub", "GatewaySubnet", "10.0.255.0/27", json!({})),
    ]);
    let spokes = json!([subnet("spoke", "default", "10.1.0.0/24", json!({}))]);
    state
        .vnet(
            "hub",
            &["10.0.0.0/16"],
            subnets,
            json!([peering("spoke", json!({ "allowGatewayTransit": true }))]),
        )
        .vnet(
            "spoke",
            &["10.1.0.0/16"],
            spokes,
            json!([peering("hub", json!({ "useRemoteGateways": true }))]),
        )
        .gateway(
            "gw",
            "hub",
            &[("172.16.0.0/16", "10.0.255.4"), ("10.0.9.0/24", "10.0.255.4")],
        )
        .route_table("rt", false, routes)
        .nic("a", "hub/subnets/default", "10.0.0.4", json!({}))
        .nic("b", "spoke/subnets/default", "10.1.0.4", json!({}));
    state
}

#[test]
fn a_nic_has_the_routes_of_the_documentation() {
    // The order is that of a recorded answer: VNet, peers, out, reserved ranges.
    let expected = [
        "10.0.0.0/16 VnetLocal Active",
        "10.1.0.0/16 VNetPeering Active",
        "0.0.0.0/0 Internet Active",
        "10.0.0.0/8 None Active",
        "172.16.0.0/12 None Active",
        "192.168.0.0/16 None Active",
        "100.64.0.0/10 None Active",
        "172.16.0.0/16 VirtualNetworkGateway Active",
        "10.0.9.0/24 VirtualNetworkGateway Active",
    ];
    assert_eq!(lines(&world(&hub(&[])), "a"), expected);
    // The spoke uses the hub's gateway.
    assert!(lines(&world(&hub(&[])), "b").contains(&"172.16.0.0/16 VirtualNetworkGateway Active".to_owned()));
}

#[test]
fn a_reserved_range_that_the_vnet_has_is_no_more_reserved() {
    // Recorded: a VNet of 10.0.0.0/8 has no other route for it.
    let mut state = hub(&[]);
    let subnets = json!([subnet("big", "default", "10.0.0.0/24", json!({}))]);
    state
        .vnet("big", &["10.0.0.0/8", "172.0.0.0/8"], subnets, json!([]))
        .nic("c", "big/subnets/default", "10.0.0.4", json!({}));
    let expected = [
        "10.0.0.0/8 VnetLocal Active",
        "172.0.0.0/8 VnetLocal Active",
        "0.0.0.0/0 Internet Active",
        "192.168.0.0/16 None Active",
        "100.64.0.0/10 None Active",
    ];
    assert_eq!(lines(&world(&state), "c"), expected);
}

#[test]
fn user_routes_go_first_at_one_prefix_and_a_default_route_takes_the_reserved_ranges() {
    let world = world(&hub(&[
        route("all", "0.0.0.0/0 VirtualAppliance 10.0.0.9"),
        route("branch", "172.16.0.0/16 None"),
    ]));
    let expected = [
        "10.0.0.0/16 VnetLocal Active",
        "10.1.0.0/16 VNetPeering Active",
        "0.0.0.0/0 Internet Invalid",
        "172.16.0.0/16 VirtualNetworkGateway Invalid",
        "10.0.9.0/24 VirtualNetworkGateway Active",
        "0.0.0.0/0 VirtualAppliance Active",
        "172.16.0.0/16 None Active",
    ];
    assert_eq!(lines(&world, "a"), expected);
}

#[test]
fn a_packet_takes_the_route_of_the_documentation() {
    let plain = world(&hub(&[]));
    for (to, route) in [
        ("10.0.9.9", "10.0.0.0/16 VnetLocal"),
        ("10.1.2.3", "10.1.0.0/16 Peering"),
        ("10.9.9.9", "10.0.0.0/8 None"),
        ("172.16.1.1", "172.16.0.0/16 Gateway"),
        ("8.8.8.8", "0.0.0.0/0 Internet"),
    ] {
        assert_eq!(taken(&plain, "a", to), route, "{to}");
    }
    // The longest prefix, except that gateway routes never take addresses of the VNet away.
    let mut over = route("over", "172.0.0.0/8 None");
    over["properties"]["hasBgpOverride"] = json!(true);
    let user = world(&hub(&[route("part", "10.0.9.0/25 None"), over]));
    for (to, route) in [
        ("10.0.9.9", "10.0.9.0/25 None"),
        ("10.0.9.200", "10.0.0.0/16 VnetLocal"),
        // The user route goes before longer gateway routes, not before longer system routes.
        ("172.16.1.1", "172.16.0.0/12 None"),
        ("172.1.1.1", "172.0.0.0/8 None"),
    ] {
        assert_eq!(taken(&user, "a", to), route, "{to}");
    }
}

#[test]
fn gateway_routes_can_be_kept_away() {
    let mut state = hub(&[]);
    state.route_table("rt", true, &[]);
    let shown = lines(&world(&state), "a");
    assert!(!shown.iter().any(|line| line.contains("Gateway")), "{shown:?}");
}

#[test]
fn a_service_endpoint_is_an_entry_of_many_prefixes_that_no_route_table_takes() {
    let mut state = hub(&[route("mine", "20.38.0.0/24 None")]);
    let path = id("virtualNetworks/hub").to_lowercase();
    let endpoints = json!([{ "service": "Microsoft.Storage", "locations": ["westeurope"] }]);
    state.0[&path]["properties"]["subnets"][0]["properties"]["serviceEndpoints"] = endpoints;
    let missing = effective::routes(&world(&state), &id("networkInterfaces/a"));
    assert!(matches!(missing, Err(WorldError::Missing { .. })), "{missing:?}");
    state.tags(&[("Storage.WestEurope", &["20.38.0.0/22", "20.60.0.0/16"])]);
    let world = world(&state);
    let shown = effective::routes(&world, &id("networkInterfaces/a")).unwrap();
    let entries = shown["value"].as_array().unwrap();
    let endpoint = entries
        .iter()
        .find(|entry| entry["nextHopType"] == "VirtualNetworkServiceEndpoint");
    assert_eq!(
        endpoint.unwrap()["addressPrefix"],
        json!(["20.38.0.0/22", "20.60.0.0/16"])
    );
    assert_eq!(taken(&world, "a", "20.38.0.1"), "20.38.0.0/22 ServiceEndpoint");
}

#[test]
fn a_private_endpoint_is_taken_over_only_where_its_subnet_says_so() {
    let mut state = hub(&[route("firewall", "10.1.0.0/16 VirtualAppliance 10.0.0.9")]);
    state.nic(
        "pe",
        "spoke/subnets/default",
        "10.1.0.7",
        json!({ "virtualMachine": null }),
    );
    let endpoint = json!({
        "subnet": reference("virtualNetworks/spoke/subnets/default"),
        "networkInterfaces": [reference("networkInterfaces/pe")],
    });
    state.put("privateEndpoints/pe", json!({ "properties": endpoint }));
    assert_eq!(
        taken(&world(&state), "a", "10.1.0.7"),
        "10.1.0.7/32 InterfaceEndpoint"
    );
    let path = id("virtualNetworks/spoke").to_lowercase();
    let policies = &mut state.0[&path]["properties"]["subnets"][0]["properties"];
    policies["privateEndpointNetworkPolicies"] = json!("RouteTableEnabled");
    assert_eq!(
        taken(&world(&state), "a", "10.1.0.7"),
        "10.1.0.0/16 Appliance(10.0.0.9)"
    );
}

#[test]
fn gates_name_what_they_are_bound_to_and_expand_their_tags() {
    let mut state = hub(&[route("udr", "192.168.7.0/24 None")]);
    state.nsg(
        "nsg",
        &[rule(
            "web",
            "100 Inbound Allow Tcp Internet,10.9.0.0/16 * 80,443-444",
        )],
    );
    let nsg = json!({ "networkSecurityGroup": reference("networkSecurityGroups/nsg") });
    state.nic("a", "hub/subnets/default", "10.0.0.4", nsg);
    let shown = effective::nsg(&world(&state), &id("networkInterfaces/a")).unwrap();
    let gate = &shown["value"][0];
    assert_eq!(
        gate["association"],
        json!({ "networkInterface": reference("networkInterfaces/a") })
    );
    let rules = gate["effectiveSecurityRules"].as_array().unwrap();
    assert_eq!(rules.len(), 7);
    let web = &rules[0];
    assert_eq!(web["name"], "securityRules/web");
    assert_eq!(web["destinationPortRanges"], json!(["80-80", "443-444"]));
    assert_eq!(web["destinationAddressPrefixes"], json!(["0.0.0.0/0"]));
    assert_eq!(web["sourceAddressPrefixes"], json!(["Internet", "10.9.0.0/16"]));
    let expanded = |rule: &Value| rule["expandedSourceAddressPrefix"].as_array().unwrap().clone();
    assert!(expanded(web).contains(&json!("8.0.0.0/7")) && !expanded(web).contains(&json!("10.0.0.0/8")));
    let vnet = rules
        .iter()
        .find(|rule| rule["name"] == "defaultSecurityRules/AllowVnetInBound")
        .unwrap();
    let space = [
        "10.0.0.0/16",
        "10.1.0.0/16",
        "168.63.129.16/32",
        "172.16.0.0/16",
        "192.168.7.0/24",
    ];
    assert_eq!(expanded(vnet), space.map(|prefix| json!(prefix)));
    // No group at all is a known shape of its own.
    assert_eq!(
        effective::nsg(&world(&state), &id("networkInterfaces/b")).unwrap(),
        json!({ "value": [] })
    );
}

#[test]
fn access_to_a_peer_is_a_matter_of_the_tag_not_of_the_route() {
    let mut state = hub(&[]);
    let path = id("virtualNetworks/hub").to_lowercase();
    state.0[&path]["properties"]["virtualNetworkPeerings"][0]["properties"]["allowVirtualNetworkAccess"] =
        json!(false);
    state.nsg("nsg", &[]);
    let nsg = json!({ "networkSecurityGroup": reference("networkSecurityGroups/nsg") });
    state.nic("a", "hub/subnets/default", "10.0.0.4", nsg);
    let world = world(&state);
    assert_eq!(taken(&world, "a", "10.1.0.4"), "10.1.0.0/16 Peering");
    let shown = effective::nsg(&world, &id("networkInterfaces/a")).unwrap();
    let tag = &shown["value"][0]["tagMap"]["VirtualNetwork"];
    assert!(!tag.as_array().unwrap().contains(&json!("10.1.0.0/16")), "{tag}");
}

#[test]
fn a_group_stands_for_its_members() {
    let mut state = hub(&[]);
    let mut about = rule("web", "100 Inbound Allow Tcp * * 80");
    about["properties"]["destinationAddressPrefixes"] = json!([]);
    about["properties"]["destinationApplicationSecurityGroups"] =
        json!([reference("applicationSecurityGroups/web")]);
    state.nsg("nsg", &[about]);
    let nsg = json!({ "networkSecurityGroup": reference("networkSecurityGroups/nsg") });
    state.nic("a", "hub/subnets/default", "10.0.0.4", nsg);
    let first = |state: &State| {
        let shown = effective::nsg(&world(state), &id("networkInterfaces/a")).unwrap();
        shown["value"][0]["effectiveSecurityRules"][0].clone()
    };
    assert_eq!(
        first(&state)["name"],
        "defaultSecurityRules/AllowVnetInBound",
        "it can match nothing yet"
    );
    let path = id("networkInterfaces/a").to_lowercase();
    let config = &mut state.0[&path]["properties"]["ipConfigurations"][0]["properties"];
    config["applicationSecurityGroups"] = json!([reference("applicationSecurityGroups/WEB")]);
    assert_eq!(
        first(&state)["destinationAddressPrefixes"],
        json!(["10.0.0.4/32"])
    );
}

#[test]
fn admin_rules_are_shown_by_vnet() {
    let mut state = hub(&[]);
    let properties = json!({
        "priority": 5, "direction": "Inbound", "access": "Deny", "protocol": "Tcp",
        "sources": [{ "addressPrefixType": "IPPrefix", "addressPrefix": "*" }],
        "destinations": [], "sourcePortRanges": ["0-65535"], "destinationPortRanges": ["22"],
    });
    state.admin(&["hub"], std::slice::from_ref(&properties));
    let world = world(&state);
    let shown = effective::admin(&world, &id("networkInterfaces/a")).unwrap();
    assert_eq!(shown["value"][0]["properties"], properties);
    assert_eq!(
        shown,
        effective::admin(&world, &id("virtualNetworks/HUB")).unwrap()
    );
    assert_eq!(
        effective::admin(&world, &id("virtualNetworks/spoke")).unwrap(),
        json!({ "value": [] })
    );
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    let broken = [
        (
            "networkSecurityGroups/nsg",
            json!({ "securityRules": [rule("r", "100 Inbound Allow Gre * * 1")] }),
            "Gre",
        ),
        (
            "networkSecurityGroups/nsg",
            json!({ "securityRules": [rule("r", "100 Inbound Allow Tcp * * 9-1")] }),
            "9-1",
        ),
        (
            "routeTables/rt",
            json!({ "routes": [route("r", "10.0.0.0/8 VirtualAppliance")] }),
            "nextHopIpAddress",
        ),
        (
            "networkInterfaces/a",
            json!({ "ipConfigurations": [] }),
            "ipConfigurations",
        ),
    ];
    for (path, properties, named) in broken {
        let mut state = hub(&[]);
        state.put(path, json!({ "properties": properties }));
        let error = World::from_state(&state.value()).unwrap_err().to_string();
        assert!(error.contains(named) && error.contains("/providers/"), "{error}");
    }
    assert_eq!(
        World::from_state(&json!({})).unwrap_err(),
        WorldError::NoResources
    );
    let none = effective::routes(&world(&hub(&[])), &id("networkInterfaces/none"));
    assert!(none.unwrap_err().to_string().contains("there is no NIC"));
}

#[test]
fn a_part_may_stand_under_an_id_of_its_own() {
    let mut state = hub(&[]);
    let part = route("own", "9.9.9.0/24 None");
    state.put("routeTables/rt/routes/own", part);
    assert_eq!(taken(&world(&state), "a", "9.9.9.9"), "9.9.9.0/24 None");
}
