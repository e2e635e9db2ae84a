//! What changed in Azure is drift, what did not is certified, and what was undone is no drift again.

use serde_json::{Value, json};

use crate::site::Site;

/// The sections in which a target changed.
fn changed(document: &Value, target: &str) -> Vec<String> {
    let changes = document["changes"].as_array().unwrap().iter();
    let mut sections: Vec<String> = changes
        .filter(|change| change["target"] == target)
        .map(|change| change["section"].as_str().unwrap().to_owned())
        .collect();
    sections.dedup();
    sections
}

#[test]
fn the_login_is_known_and_both_interfaces_are_listed() {
    let site = Site::new();
    site.run(&["azure", "login-check"]).with(0);
    assert_eq!(
        site.run(&["azure", "vms"]).with(0).json()["nics"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn a_rule_that_changed_is_drift_and_its_undoing_is_certified() {
    let site = Site::new();
    site.rule(Some("Allow"));
    let made = site
        .run(&[
            "baseline", "create", "b", "--group", "lab", "--layers", "azure", "--ticket", "CHG-1",
        ])
        .with(0)
        .json();
    assert_eq!(made["verdict"], "complete", "{made:#}");
    let targets = made["targets"].as_array().unwrap();
    let known: Vec<(&Value, &Value)> = targets
        .iter()
        .map(|row| (&row["resource"], &row["way"]))
        .collect();
    let (one, two) = (json!(site.nic("vm1")), json!(site.nic("vm2")));
    assert_eq!(
        known,
        [(&one, &json!("arm")), (&two, &json!("arm"))],
        "no host, both interfaces: {made:#}"
    );

    site.rule(Some("Deny"));
    let certificate = site.file("drift.dsse.json");
    let found = site.check(&["--certificate", &certificate]).with(1).json();
    assert_eq!(
        (&found["verdict"], &found["drift_detected"]),
        (&json!("drift"), &json!(true))
    );
    for nic in ["vm1", "vm2"] {
        assert_eq!(changed(&found, &site.nic(nic)), ["effective-nsg"], "{found:#}");
    }
    let key = site.key();
    let verify = |file: &str| site.bare(&["verify", file, "--key", &key, "--require", "no_drift"]);
    assert_eq!(verify(&certificate).status, 1);
    let shown = site
        .bare(&["certificate", "show", &certificate, "-o", "json"])
        .with(0)
        .json();
    let covered = shown["predicate"]["covered"].as_array().unwrap();
    assert!(covered.iter().all(|row| row["way"] == "arm"), "{shown:#}");
    assert!(
        covered
            .iter()
            .any(|row| row["target"] == one && row["section"] == "effective-nsg"),
        "{shown:#}"
    );

    site.rule(Some("Allow"));
    let certificate = site.file("same.dsse.json");
    let found = site.check(&["--certificate", &certificate]).with(0).json();
    assert_eq!(
        (&found["verdict"], &found["drift_detected"]),
        (&json!("no_drift"), &json!(false))
    );
    verify(&certificate).with(0);
}

#[test]
fn a_route_that_bgp_withdrew_is_drift_although_no_resource_changed() {
    let site = Site::new();
    let route = |prefix: &str, source: &str, hop: &str| {
        json!({"name": null, "source": source, "state": "Active", "addressPrefix": [prefix], "nextHopType": hop,
            "nextHopIpAddress": if hop == "VirtualNetworkGateway" { json!(["10.77.9.4"]) } else { json!([]) }})
    };
    let local = route("10.77.0.0/16", "Default", "VnetLocal");
    let learnt = route("192.168.0.0/16", "VirtualNetworkGateway", "VirtualNetworkGateway");
    let tell = |routes: &[&Value]| {
        let body = json!({"routes": {"value": routes}, "nsg": null});
        site.cloud.set("effective", &site.nic("vm1"), &body);
    };
    tell(&[&local, &learnt]);
    let vm = site.cloud.machine("vm1");
    site.run(&["baseline", "create", "b", "--vm", "lab/vm1", "--layers", "azure"])
        .with(0);
    let check = || {
        site.run(&[
            "drift",
            "check",
            "--baseline",
            "b",
            "--vm",
            &vm,
            "--layers",
            "azure",
        ])
    };
    check().with(0);
    // The order of a table says nothing.
    tell(&[&learnt, &local]);
    check().with(0);
    tell(&[&local]);
    let found = check().with(1).json();
    assert_eq!(
        changed(&found, &site.nic("vm1")),
        ["effective-routes"],
        "{found:#}"
    );
    assert!(
        found["changes"].to_string().contains("192.168.0.0/16"),
        "{found:#}"
    );
    let text = site.bare(&["drift", "show", found["job"].as_str().unwrap()]);
    for word in [&*site.nic("vm1"), "effective-routes", "192.168.0.0/16"] {
        assert!(text.stdout.contains(word), "{word}: {}", text.stdout);
    }
    // An empty table is another than none that could be read.
    tell(&[]);
    let found = check().with(1).json();
    assert_eq!(
        changed(&found, &site.nic("vm1")),
        ["effective-routes"],
        "{found:#}"
    );
    tell(&[&local, &learnt]);
    check().with(0);
}

#[test]
fn admin_rules_and_the_interface_itself_are_compared_too() {
    let site = Site::sealed();
    let vnet = site.cloud.network("virtualNetworks/lab");
    let rule = json!({"kind": "Custom", "id": format!("{vnet}/x"), "properties": {
        "protocol": "Tcp", "sources": [{"addressPrefix": "*", "addressPrefixType": "IPPrefix"}], "destinations": [{"addressPrefix": "*",
        "addressPrefixType": "IPPrefix"}], "sourcePortRanges": ["0-65535"], "destinationPortRanges": ["22"], "access": "Deny",
        "priority": 10, "direction": "Inbound", "provisioningState": "Succeeded"}});
    site.cloud.set("adminRules", &vnet, &json!([rule]));
    let found = site.check(&[]).with(1).json();
    assert_eq!(changed(&found, &site.nic("vm1")), ["admin-rules"], "{found:#}");
    site.cloud.set("adminRules", &vnet, &json!([]));
    site.check(&[]).with(0);
    site.cloud.set(
        "resources",
        &site.nic("vm2"),
        &json!({"properties": {"enableIPForwarding": true}}),
    );
    let found = site.check(&[]).with(1).json();
    assert_eq!(changed(&found, &site.nic("vm2")), ["nic"], "{found:#}");
    assert!(changed(&found, &site.nic("vm1")).is_empty());
}
