//! Storage accounts behind their own firewall.

use super::*;

const ADDRESS: &str = "20.60.1.1";

fn account(access: Value, rules: Value) -> Value {
    json!({"id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/logs",
        "properties": {"publicNetworkAccess": access, "networkAcls": rules, "privateEndpointConnections": [],
            "primaryEndpoints": {"blob": "https://logs.blob.core.windows.net/"}}})
}

/// A firewall that lets in no other than these subnets and addresses.
fn only(subnets: &[(&str, &str)], addresses: &[&str]) -> Value {
    let subnets = subnets
        .iter()
        .map(|(vnet, state)| json!({"id": id(&format!("virtualNetworks/{vnet}/subnets/S")), "state": state, "action": "Allow"}));
    let addresses = addresses
        .iter()
        .map(|value| json!({"value": value, "action": "Allow"}));
    json!({"defaultAction": "Deny", "bypass": "AzureServices", "virtualNetworkRules": subnets.collect::<Vec<_>>(),
        "ipRules": addresses.collect::<Vec<_>>()})
}

/// The flow to the account, by its service endpoint or by the Internet.
fn stored(body: &Value, by_endpoint: bool, from: Option<&str>) -> Path {
    let (mut source, _) = pair();
    let mut own = nic_body("src", "10.0.0.4", "a");
    own["properties"]["ipConfigurations"][0]["properties"]["publicIPAddress"] =
        json!({"id": id("publicIPAddresses/p")});
    source.nic = nic(&own, &subnet_body("src", "a"));
    let endpoint = entry("20.60.0.0/16", "Default", "VirtualNetworkServiceEndpoint", &[]);
    if by_endpoint {
        source.routes = table("a", &[endpoint]);
    }
    let account = Account::parse(body).unwrap();
    let to = (&account, ip(ADDRESS));
    walk_storage(&source, to, from.map(ip), tcp((443, 443)), &Around::default()).unwrap()
}

fn firewall(path: &Path) -> Status {
    status(path, Layer::StorageRules, Place::Destination, Way::Forward).unwrap()
}

/// An account, whether the flow comes by the endpoint, its public address, and what the firewall does.
type Case = (Value, bool, Option<&'static str>, Status);

fn cases() -> Vec<Case> {
    let open = || json!({"defaultAction": "Allow", "ipRules": [], "virtualNetworkRules": []});
    let access = |word: Value| account(word, open());
    let rules = |rules: Value| account(json!("Enabled"), rules);
    let subnet = |vnet, state| rules(only(&[(vnet, state)], &[]));
    let address = |value| rules(only(&[], &[value]));
    let endpoint = |body, wanted| (body, true, None, wanted);
    let internet = |body, from, wanted| (body, false, from, wanted);
    vec![
        internet(rules(open()), None, Status::Pass),
        endpoint(access(json!(null)), Status::Pass),
        endpoint(access(json!("Disabled")), Status::Block),
        endpoint(access(json!("SecuredByPerimeter")), Status::Unknown),
        endpoint(rules(json!(null)), Status::Unknown),
        endpoint(subnet("A", "Succeeded"), Status::Pass),
        // Without the endpoint the subnet is no more than an address.
        internet(subnet("A", "Succeeded"), None, Status::Block),
        endpoint(subnet("a", "NetworkSourceDeleted"), Status::Unknown),
        endpoint(subnet("b", "Succeeded"), Status::Block),
        (address("20.1.1.0/24"), true, Some("20.1.1.1"), Status::Block),
        internet(address("20.1.1.0/24"), Some("20.1.1.1"), Status::Unknown),
        internet(address("20.1.1.1"), Some("20.1.1.2"), Status::Block),
        internet(address("20.1.1.1"), None, Status::Unknown),
    ]
}

#[test]
fn the_firewall_of_an_account_asks_where_a_flow_comes_from() {
    for (body, by_endpoint, from, wanted) in cases() {
        let path = stored(&body, by_endpoint, from);
        assert_eq!(
            firewall(&path),
            wanted,
            "{body:#} {by_endpoint} {from:?}: {}",
            shown(&path)
        );
        let verdict = match wanted {
            Status::Pass => Verdict::Allow,
            Status::Block => Verdict::Deny,
            _ => Verdict::Unknown,
        };
        assert_eq!(path.verdict, verdict);
    }
}

#[test]
fn what_stops_the_flow_before_is_listed_beside_the_firewall() {
    let (mut source, _) = pair();
    source.rules = rules("src", &[deny("Outbound", "443")], &[]);
    let account = Account::parse(&account(json!("Enabled"), only(&[], &[]))).unwrap();
    let path = walk_storage(
        &source,
        (&account, ip(ADDRESS)),
        None,
        tcp((443, 443)),
        &Around::default(),
    );
    let layers: Vec<Layer> = blocks(&path.unwrap()).into_iter().map(|block| block.0).collect();
    assert_eq!(layers, [Layer::NicNsg, Layer::StorageRules]);
}

#[test]
fn other_ports_than_those_of_the_web_are_not_known() {
    let (source, _) = pair();
    let open = account(json!("Enabled"), json!({"defaultAction": "Allow"}));
    let account = Account::parse(&open).unwrap();
    let to = (&account, ip(ADDRESS));
    let asked = |flow| {
        walk_storage(&source, to, None, flow, &Around::default())
            .unwrap()
            .verdict
    };
    let ping = Flow {
        protocol: Protocol::Icmp,
        source_ports: None,
        ports: None,
    };
    let flows = [
        tcp((443, 443)),
        tcp((80, 80)),
        tcp((445, 445)),
        tcp((443, 444)),
        ping,
    ];
    assert_eq!(
        flows.map(asked),
        [
            Verdict::Allow,
            Verdict::Allow,
            Verdict::Unknown,
            Verdict::Unknown,
            Verdict::Unknown
        ]
    );
}

#[test]
fn private_endpoints_leave_it_open_where_the_name_leads() {
    let mut body = account(json!("Enabled"), json!({"defaultAction": "Allow"}));
    body["properties"]["privateEndpointConnections"] = json!([{"id": "/x"}]);
    let path = stored(&body, true, None);
    assert_eq!(
        (path.verdict, firewall(&path)),
        (Verdict::Unknown, Status::Pass),
        "{}",
        shown(&path)
    );
    // Public access may well be disabled there, and the flow come by the endpoint.
    body["properties"]["publicNetworkAccess"] = json!("Disabled");
    let path = stored(&body, true, None);
    assert_eq!((path.verdict, firewall(&path)), (Verdict::Unknown, Status::Block));
    assert!(path.blocking().all(|row| row.assumes.is_some()));
}

#[test]
fn an_account_of_another_form_is_none() {
    let fine = account(json!("Enabled"), only(&[("a", "Succeeded")], &["20.1.1.1"]));
    let parsed = Account::parse(&fine).unwrap();
    assert_eq!(parsed.blob_host.as_deref(), Some("logs.blob.core.windows.net"));
    for (place, other) in [
        ("/id", json!(5)),
        ("/properties/networkAcls", json!("Deny")),
        ("/properties/networkAcls/defaultAction", json!(1)),
        ("/properties/networkAcls/ipRules", json!("20.1.1.1")),
        ("/properties/networkAcls/ipRules/0", json!({})),
        ("/properties/networkAcls/ipRules/0/value", json!("everywhere")),
        ("/properties/networkAcls/virtualNetworkRules/0", json!({})),
        ("/properties/privateEndpointConnections", json!({})),
    ] {
        let mut body = fine.clone();
        *body.pointer_mut(place).unwrap() = other.clone();
        assert!(Account::parse(&body).is_err(), "{place}: {other}");
    }
}
