//! Peered networks, and those that only look like them.

use super::*;

/// The flow from `a` to `b`, where the networks say this of their peerings.
fn crossing(networks: &[Value]) -> Path {
    let end = |interface| End::Nic(Box::new(interface));
    let (source, destination) = (open("src", "10.0.0.4", "a"), open("dst", "10.1.0.5", "b"));
    among(
        &end(source),
        &end(destination),
        tcp((5001, 5001)),
        &around(networks, &[]),
    )
}

fn between_of(source: Interface, destination: Interface, networks: &[Value]) -> Path {
    let end = |interface| End::Nic(Box::new(interface));
    let around = around(networks, &[]);
    among(&end(source), &end(destination), tcp((5001, 5001)), &around)
}

fn route_of(path: &Path) -> (Status, &str) {
    let mut rows = path.layers.iter();
    let row = rows.find(|row| (row.layer, row.place) == (Layer::Route, Place::Source));
    let row = row.unwrap();
    (row.status, &row.why)
}

const THERE: (&str, &str) = ("Connected", "10.1.0.0/16");

#[test]
fn a_clone_of_the_peered_network_is_another_place() {
    let [_, back] = peers();
    let clone = network("a", &[("clone-of-b", THERE.0, THERE.1)]);
    let path = crossing(&[clone, back.clone()]);
    let (status, why) = route_of(&path);
    assert_eq!((path.verdict, status), (Verdict::Deny, Status::Block), "{why}");
    assert!(why.contains("clone-of-b"), "{why}");
    // The reply has to find its way as well.
    let [there, _] = peers();
    let clone = network("b", &[("clone-of-a", "Connected", "10.0.0.0/16")]);
    let path = crossing(&[there.clone(), clone]);
    assert_eq!(path.verdict, Verdict::Deny, "{}", shown(&path));
    assert_eq!(
        crossing(&[there, back]).verdict,
        Verdict::Allow,
        "both are peered"
    );
}

#[test]
fn peerings_that_were_not_read_are_no_proof() {
    let [there, back] = peers();
    for networks in [vec![], vec![there], vec![back]] {
        let path = crossing(&networks);
        assert_eq!(path.verdict, Verdict::Unknown, "{}", shown(&path));
        assert!(
            path.missing
                .iter()
                .any(|missing| missing.layer == Layer::Route && missing.why.contains("was not read")),
            "{:?}",
            path.missing
        );
    }
}

#[test]
fn a_peering_that_does_not_fit_the_route_is_unknown() {
    let [_, back] = peers();
    for peering in [
        ("b", "Disconnected", "10.1.0.0/16"),
        ("b", "Initiated", "10.1.0.0/16"),
        ("b", "Connected", "10.7.0.0/16"),
        ("c", "Connected", "10.7.0.0/16"),
        ("c", "Disconnected", "10.1.0.0/16"),
    ] {
        let path = crossing(&[network("a", &[peering]), back.clone()]);
        let (status, why) = route_of(&path);
        assert_eq!(
            (path.verdict, status),
            (Verdict::Unknown, Status::Unknown),
            "{peering:?}: {why}"
        );
    }
}

#[test]
fn who_is_in_a_connected_group_is_not_known() {
    let (mut source, destination) = (open("src", "10.0.0.4", "a"), open("dst", "10.1.0.5", "b"));
    source.routes = table("a", &[entry("10.1.0.0/24", "Default", "ConnectedGroup", &[])]);
    let path = between(&source, &destination);
    assert_eq!(path.verdict, Verdict::Unknown, "{}", shown(&path));
}

#[test]
fn a_peer_kept_out_of_the_tag_is_not_let_in_by_it() {
    let [there, mut back] = peers();
    assert_eq!(crossing(&[there.clone(), back.clone()]).verdict, Verdict::Allow);
    back["properties"]["virtualNetworkPeerings"][0]["properties"]["allowVirtualNetworkAccess"] = json!(false);
    let path = crossing(&[there, back]);
    assert_eq!(path.verdict, Verdict::Unknown, "{}", shown(&path));
    let row = path
        .layers
        .iter()
        .find(|row| (row.layer, row.place) == (Layer::NicNsg, Place::Destination));
    assert_eq!(row.unwrap().status, Status::Unknown);
    // Which prefixes it has, and whether they belong to the tag, is not taken for granted.
    let [there, mut back] = peers();
    let peering = &mut back["properties"]["virtualNetworkPeerings"][0]["properties"];
    peering["allowVirtualNetworkAccess"] = json!(null);
    peering["remoteAddressSpace"] = json!(null);
    let path = crossing(&[there, back]);
    assert_eq!(path.verdict, Verdict::Unknown, "{}", shown(&path));
}

#[test]
fn a_peering_may_not_take_what_is_only_forwarded() {
    let forwarded = |word: Value| {
        let [there, mut back] = peers();
        back["properties"]["virtualNetworkPeerings"][0]["properties"]["allowForwardedTraffic"] = word;
        let (mut source, mut destination) = (open("src", "10.0.0.4", "a"), open("dst", "10.1.0.5", "b"));
        let mut body = nic_body("src", "10.0.0.4", "a");
        body["properties"]["enableIPForwarding"] = json!(true);
        source.nic = nic(&body, &subnet_body("src", "a"));
        source.address = ip("192.168.9.9");
        let any = |way| rule(["securityRules/any", "100", way, "Allow", "*", "0-65535", "*", "*"]);
        let both = [any("Inbound"), any("Outbound")];
        source.rules = rules("src", &both, &both);
        destination.rules = rules("dst", &both, &both);
        destination.routes = table(
            "b",
            &[entry("192.168.0.0/16", "User", "VirtualAppliance", &["10.0.0.4"])],
        );
        between_of(source, destination, &[there, back]).verdict
    };
    let verdicts = [json!(true), json!(false), json!(null)].map(forwarded);
    assert_eq!(verdicts, [Verdict::Allow, Verdict::Unknown, Verdict::Unknown]);
}

#[test]
fn a_next_hop_in_a_network_that_is_not_reached_is_another_machine() {
    let (mut source, mut destination) = (open("src", "10.0.0.4", "a"), open("dst", "10.1.0.5", "b"));
    let hop = |prefix, address: &'static str| entry(prefix, "User", "VirtualAppliance", &[address]);
    source.routes = table("a", &[hop("10.1.0.5/32", "10.1.0.5")]);
    destination.routes = table("b", &[hop("10.0.0.4/32", "10.0.0.4")]);
    let asked = |networks: &[Value]| between_of(source.clone(), destination.clone(), networks).verdict;
    assert_eq!(asked(&peers()), Verdict::Allow);
    assert_eq!(asked(&[]), Verdict::Unknown);
    let [_, back] = peers();
    let clone = network("a", &[("clone-of-b", THERE.0, THERE.1)]);
    assert_eq!(asked(&[clone, back]), Verdict::Deny);
    assert_eq!(asked(&[network("a", &[]), network("b", &[])]), Verdict::Unknown);
}

#[test]
fn a_machine_of_another_network_with_the_address_is_not_the_next_hop() {
    let (mut source, destination) = pair();
    source.routes = table(
        "a",
        &[entry("10.0.0.5/32", "User", "VirtualAppliance", &["10.1.9.9"])],
    );
    let asked = |vnet: &str| {
        let body = nic_body("nva", "10.1.9.9", vnet);
        let appliance = Nic::parse(&body, &[]).unwrap();
        let end = |interface: &Interface| End::Nic(Box::new(interface.clone()));
        let around = around(&peers(), &[appliance]);
        among(&end(&source), &end(&destination), tcp((1, 1)), &around).verdict
    };
    // Its forwarding is off, which matters only where the route leads to it.
    assert_eq!(asked("b"), Verdict::Deny);
    assert_eq!(asked("elsewhere"), Verdict::Unknown);
}

#[test]
fn a_network_that_does_not_name_its_peerings_has_not_none() {
    let fine = network("a", &[("b", THERE.0, THERE.1)]);
    assert_eq!(Network::parse(&fine).unwrap().peers().count(), 1);
    let flat = json!({"id": fine["id"], "virtualNetworkPeerings": []});
    assert_eq!(Network::parse(&flat).unwrap().peerings, []);
    let peering = "/properties/virtualNetworkPeerings/0/properties";
    for (place, other) in [
        ("/properties/virtualNetworkPeerings", json!(null)),
        ("/properties/virtualNetworkPeerings", json!("none")),
        ("/properties/virtualNetworkPeerings/0", json!("b")),
        ("/id", json!(null)),
        ("/id", json!(id("networkInterfaces/a"))),
        ("/id", json!(id("virtualNetworks/a/subnets/s"))),
        (peering, json!({})),
        (peering, json!({"remoteVirtualNetwork": {}})),
        (peering, json!({"remoteVirtualNetwork": "b"})),
        (
            peering,
            json!({"remoteVirtualNetwork": {"id": "b"}, "remoteAddressSpace": {"addressPrefixes": ["ten"]}}),
        ),
        (
            peering,
            json!({"remoteVirtualNetwork": {"id": "b"}, "allowVirtualNetworkAccess": "maybe"}),
        ),
    ] {
        let mut body = fine.clone();
        *body.pointer_mut(place).unwrap() = other.clone();
        assert!(Network::parse(&body).is_err(), "{place}: {other}");
    }
}
