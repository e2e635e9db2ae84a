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
