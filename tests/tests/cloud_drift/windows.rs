//! Change windows of Azure's layer: who is compared at the end, what nothing is opened over, and what the log can't tell.

use serde_json::{Value, json};

use crate::site::{Answer, Site, gaps};

/// A window over a baseline that is there, without targets.
fn open(site: &Site, ticket: &str, more: &[&str]) -> Answer {
    let words = ["window", "open", ticket, "--baseline", "b"];
    site.run(&[&words[..], more].concat())
}

fn close(site: &Site, ticket: &str) -> Answer {
    site.run(&["window", "close", ticket])
}

fn targets(document: &Value) -> Vec<&str> {
    let rows = document["targets"].as_array().unwrap().iter();
    rows.filter_map(|row| row["resource"].as_str()).collect()
}

#[test]
fn a_window_over_a_baseline_compares_the_interfaces_it_holds_and_no_other() {
    let site = Site::new();
    site.rule(Some("Allow"));
    let nic = site.nic("vm1");
    site.run(&["baseline", "create", "b", "--nic", &nic]).with(0);
    let opened = open(&site, "CHG-1", &[]).with(0).json();
    assert_eq!(opened["selector"]["members"], true, "{opened:#}");
    let found = close(&site, "CHG-1").with(0).json();
    assert_eq!(
        (&found["verdict"], targets(&found)),
        (&json!("no_drift"), vec![nic.as_str()]),
        "{found:#}"
    );

    open(&site, "CHG-2", &["--layers", "azure"]).with(0);
    site.rule(Some("Deny"));
    let found = close(&site, "CHG-2").with(1).json();
    assert_eq!(targets(&found), [nic.as_str()]);
    // Nobody asked for the change, and what may be written later is said.
    let said = &found["changes"][0]["attribution"];
    assert_eq!(said["outcome"], "no_record", "{said:#}");
    assert!(
        said["why"].as_str().unwrap().contains("twenty minutes late"),
        "{said:#}"
    );
    assert!(said["settled_until_us"].is_string(), "{said:#}");

    open(&site, "CHG-3", &[]).with(0);
    site.cloud.set("resources", &nic, &Value::Null);
    let found = close(&site, "CHG-3").with(3).json();
    assert_eq!(
        (&found["verdict"], targets(&found)),
        (&json!("unknown"), vec![nic.as_str()]),
        "{found:#}"
    );
    assert!(!gaps(&found, &nic).is_empty(), "{found:#}");
}

#[test]
fn nothing_is_opened_over_nothing() {
    let site = Site::sealed();
    let refused = json!({"fault": "error", "status": 403, "code": "AuthorizationFailed", "path": "networkInterfaces/vm1"});
    site.cloud.arm.fault(&refused).unwrap();
    let nic = site.nic("vm1");
    let opened = site.run(&["window", "open", "CHG-1", "--nic", &nic]).with(4);
    assert!(
        opened.stdout.is_empty()
            && opened.stderr.contains(&nic)
            && opened.stderr.contains("CHG-1 is not open"),
        "{opened:?}"
    );
    site.run(&["window", "show", "CHG-1"]).with(2);
    // Where something was sealed the window is open, and the status says that not all was.
    let opened = site
        .run(&["window", "open", "CHG-1", "--group", "lab", "--layers", "azure"])
        .with(3);
    let missing = opened.json()["not_covered"].to_string();
    assert!(
        missing.contains(&nic) && !missing.contains(&site.nic("vm2")),
        "{opened:?}"
    );
    let hosts = open(&site, "CHG-2", &["--layers", "host,azure"]);
    assert!(
        hosts.status >= 2 && hosts.stderr.contains("nothing of the layer host"),
        "{hosts:?}"
    );
    let timed = open(&site, "CHG-2", &["--deadline", "1m"]).with(2);
    assert!(timed.stderr.contains("--deadline"), "{timed:?}");
}

#[test]
fn an_hour_that_the_log_no_longer_has_is_not_known() {
    let site = Site::sealed();
    let hour = |ticket: &str, starts: &[&str]| {
        let opened = open(&site, ticket, starts).with(0).json();
        opened["before"]["azure"].clone()
    };
    let now = hour("CHG-1", &[]);
    assert_eq!(now["outcome"], "no_record", "{now:#}");
    assert!(
        now["why"].as_str().unwrap().contains("twenty minutes late"),
        "{now:#}"
    );
    let settled = hour("CHG-2", &["--starts", "1h"]);
    // What is beyond a gateway is in no log, but this hour's is whole.
    let why = settled["why"].as_str().unwrap_or_default();
    assert!(
        settled["outcome"] == "no_record" && !why.contains("twenty minutes late"),
        "{settled:#}"
    );
    let old = hour("CHG-3", &["--starts", "91d"]);
    assert_eq!(
        (&old["outcome"], &old["searched"]),
        (&json!("unreadable"), &Value::Null),
        "{old:#}"
    );
    assert!(old["why"].as_str().unwrap().contains("90 days"), "{old:#}");
    let again = open(&site, "CHG-2", &["--starts", "2h"]).with(2);
    assert!(
        again.stderr.contains("already") && again.stderr.contains("its start"),
        "{again:?}"
    );
}

#[test]
fn a_change_that_may_come_from_a_peer_is_no_record_only_where_its_log_was_read() {
    let site = Site::new();
    let route = |prefix: &str| {
        json!({"name": null, "source": "VirtualNetworkGateway", "state": "Active", "addressPrefix": [prefix],
            "nextHopType": "VirtualNetworkGateway", "nextHopIpAddress": ["10.77.9.4"]})
    };
    let tell = |routes: &[Value]| {
        let body = json!({"routes": {"value": routes}, "nsg": null});
        site.cloud.set("effective", &site.nic("vm1"), &body);
    };
    tell(&[route("192.168.0.0/16"), route("192.168.7.0/24")]);
    let nic = site.nic("vm1");
    site.run(&["baseline", "create", "b", "--nic", &nic]).with(0);
    tell(&[route("192.168.0.0/16")]);
    let check = || {
        let found = site
            .run(&["drift", "check", "--baseline", "b", "--nic", &nic])
            .with(1)
            .json();
        found["changes"][0]["attribution"].clone()
    };
    let alone = check();
    assert_eq!(alone["outcome"], "no_record", "{alone:#}");
    assert!(
        alone["why"].as_str().unwrap().contains("beyond a gateway"),
        "{alone:#}"
    );
    let other = "99999999-2222-4333-8444-555555555555";
    let hub =
        format!("/subscriptions/{other}/resourceGroups/h/providers/Microsoft.Network/virtualNetworks/hub");
    let vnet = site.cloud.network("virtualNetworks/lab");
    let peering = json!({"name": "hub", "id": format!("{vnet}/virtualNetworkPeerings/hub"),
        "properties": {"remoteVirtualNetwork": {"id": hub}}});
    site.cloud.set(
        "resources",
        &vnet,
        &json!({"properties": {"virtualNetworkPeerings": [peering]}}),
    );
    let peered = check();
    assert_eq!(peered["outcome"], "unreadable", "{peered:#}");
    assert!(peered["why"].as_str().unwrap().contains(other), "{peered:#}");
    // Where nobody may look for the peers, they could be anywhere.
    let fault = json!({"fault": "error", "status": 403, "code": "AuthorizationFailed", "verb": "GET", "path": "virtualNetworks/lab"});
    site.cloud.arm.fault(&fault).unwrap();
    let refused = check();
    assert_eq!(refused["outcome"], "unreadable", "{refused:#}");
}
