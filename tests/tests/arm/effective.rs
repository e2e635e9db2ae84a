//! Effective routes, security groups and admin rules.

use serde_json::{Value, json};

use crate::client::World;

fn routes(world: &World) -> String {
    world.network("networkInterfaces/vm1/effectiveRouteTable")
}

#[test]
fn the_first_answer_is_accepted_and_the_result_comes_later() {
    let world = World::new();
    let first = world.client.post(&routes(&world), &Value::Null).with(202);
    assert_eq!(first.body, b"null");
    assert_eq!(first.must("Retry-After"), "1");
    assert!(first.header("Azure-AsyncOperation").is_none(), "{first:?}");
    let location = first.must("Location");
    assert!(
        location.contains("/locations/westeurope/operationResults/"),
        "{location}"
    );
    assert!(location.ends_with("?api-version=2024-05-01"), "{location}");
    let waits = world.client.get(&location);
    assert!(waits.status == 202 || waits.status == 200);
    if waits.status == 202 {
        assert_eq!(
            (waits.body.as_slice(), &*waits.must("Location")),
            (&b"null"[..], &*location)
        );
    }
    let result = world.client.poll(&location).with(200);
    assert!(
        result.text().starts_with("{\r\n  \"value\": [\r\n"),
        "{}",
        result.text()
    );
    let entries = result.json()["value"].as_array().unwrap().clone();
    let local = entries
        .iter()
        .find(|entry| entry["addressPrefix"] == json!(["10.77.0.0/16"]))
        .unwrap();
    assert_eq!(
        (&local["nextHopType"], &local["state"]),
        (&json!("VnetLocal"), &json!("Active"))
    );
    // The status of the same operation, which nobody was told of.
    let status = world
        .client
        .get(&location.replace("operationResults", "operations"));
    assert_eq!(status.json(), json!({"status": "Succeeded"}));
}

#[test]
fn what_takes_no_time_is_answered_at_once() {
    let world = World::new();
    world.patch(&json!({"settings": {"effectiveMs": 0}}));
    let reply = world.client.post(&routes(&world), &Value::Null).with(200);
    assert!(reply.json()["value"].is_array());
    assert!(reply.must("Location").contains("/operationResults/"));
}

#[test]
fn rules_of_both_gates_are_shown_with_their_places() {
    let world = World::new();
    world.patch(&json!({"settings": {"effectiveMs": 0}}));
    let path = world.network("networkInterfaces/vm1/effectiveNetworkSecurityGroups");
    let body = world.client.post(&path, &Value::Null).with(200).json();
    let groups = body["value"].as_array().unwrap();
    assert_eq!(groups.len(), 1, "{body:#}");
    assert!(
        groups[0]["association"]["subnet"]["id"]
            .as_str()
            .unwrap()
            .ends_with("/subnets/default")
    );
    let rules = groups[0]["effectiveSecurityRules"].as_array().unwrap();
    assert!(
        rules
            .iter()
            .any(|rule| rule["name"] == "defaultSecurityRules/DenyAllInBound"),
        "{body:#}"
    );
}

#[test]
fn a_nic_of_a_stopped_or_absent_machine_is_refused() {
    let world = World::new();
    let nsg = world.network("networkInterfaces/vm1/effectiveNetworkSecurityGroups");
    world.set("vms", &world.machine("vm1"), &json!({"power": "deallocated"}));
    for (path, code) in [
        (routes(&world), "NicMustBeAttachedToRunningVmToGetEffectiveRoutes"),
        (nsg, "NicMustBeAttachedToRunningVmToGetEffectiveSecurityGroups"),
    ] {
        let reply = world.client.post(&path, &Value::Null);
        assert_eq!(reply.refused(400), code);
        assert!(
            reply
                .text()
                .contains("is not attached to a running virtual machine"),
            "{}",
            reply.text()
        );
        assert!(
            reply.header("x-ms-failure-cause").is_none(),
            "a provider's own refusal"
        );
        assert!(reply.json()["error"]["details"].is_array());
    }
    world.set(
        "resources",
        &world.network("networkInterfaces/vm2"),
        &json!({"properties": {"virtualMachine": null}}),
    );
    let path = world.network("networkInterfaces/vm2/effectiveRouteTable");
    world.client.post(&path, &Value::Null).refused(400);
}

#[test]
fn a_nic_deleted_midway_fails_at_the_end() {
    let world = World::new();
    let first = world.client.post(&routes(&world), &Value::Null).with(202);
    let nic = world.network("networkInterfaces/vm1");
    world.set("resources", &nic, &Value::Null);
    assert_eq!(
        world.client.poll(&first.must("Location")).refused(404),
        "ResourceNotFound"
    );
    world.client.get(&nic).refused(404);
}

#[test]
fn told_tables_are_answered_as_they_are() {
    let world = World::new();
    let odd = json!({"value": [{"source": "Default", "state": "Active", "addressPrefix": "10.0.0.0/8"}], "extra": null});
    let nic = world.network("networkInterfaces/vm1").to_lowercase();
    world.patch(
        &json!({"settings": {"effectiveMs": 0}, "effective": {&nic: {"routes": {"value": odd["value"]}}}}),
    );
    let body = world.client.post(&routes(&world), &Value::Null).with(200).json();
    assert_eq!(body["value"], odd["value"]);
}

#[test]
fn admin_rules_come_page_by_page() {
    let world = World::new();
    let network = world.network("virtualNetworks/lab");
    let rule = |number: u32| json!({"kind": "Custom", "id": format!("/r{number}"), "properties": {"priority": number}});
    let rules: Vec<Value> = (1..=5).map(rule).collect();
    world.patch(&json!({"settings": {"page": 2}, "adminRules": {network.to_lowercase(): rules}}));
    let path = format!("{network}/listNetworkManagerEffectiveSecurityAdminRules");
    let (mut token, mut seen) = (Value::Null, Vec::new());
    for _ in 0..5 {
        let body = world
            .client
            .post(&path, &json!({"skipToken": token}))
            .with(200)
            .json();
        seen.extend(body["value"].as_array().unwrap().clone());
        token = body["skipToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(seen, rules);
    world.client.post(&path, &json!({"skipToken": "x"})).refused(400);
}
