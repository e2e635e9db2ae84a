//! Rules and routes: written, read, deleted; who comes too soon or with an old etag is refused.

use serde_json::{Value, json};

use crate::client::World;

fn rule(priority: u32, access: &str) -> Value {
    json!({"properties": {"protocol": "tcp", "sourcePortRange": "*", "destinationPortRange": "5001",
        "sourceAddressPrefix": "*", "destinationAddressPrefix": "*", "access": access, "priority": priority,
        "direction": "inbound"}})
}

/// Waits until what a reply has begun is over, and must have ended so.
fn ended(world: &World, reply: &crate::client::Reply, status: &str) -> Value {
    let body = world
        .client
        .poll(&reply.must("Azure-AsyncOperation"))
        .with(200)
        .json();
    assert_eq!(body["status"], status, "{body}");
    body
}

#[test]
fn a_rule_is_written_read_changed_and_deleted() {
    let world = World::new();
    let group = world.network("networkSecurityGroups/default");
    let path = format!("{group}/securityRules/block");
    let before = world.client.get(&group).with(200);
    assert_eq!(before.must("ETag"), before.json()["etag"].as_str().unwrap());
    let made = world.client.call("PUT", &path, &rule(200, "deny")).with(201);
    assert!(
        made.must("Azure-AsyncOperation")
            .contains("/locations/westeurope/operations/")
    );
    assert_eq!(made.must("Retry-After"), "1");
    let body = made.json();
    assert_eq!(body["properties"]["provisioningState"], "Updating");
    assert_eq!(body["properties"]["access"], "Deny");
    assert_eq!(body["properties"]["sourcePortRanges"], json!([]));
    assert_eq!(
        body["type"],
        "Microsoft.Network/networkSecurityGroups/securityRules"
    );
    ended(&world, &made, "Succeeded");
    let read = world.client.get(&path).with(200).json();
    assert_eq!(read["properties"]["provisioningState"], "Succeeded");
    let whole = world.client.get(&group).with(200).json();
    assert_eq!(
        whole["properties"]["securityRules"][0], read,
        "the group holds the same rule"
    );
    assert_ne!(whole["etag"], before.json()["etag"]);
    assert_eq!(whole["etag"], read["etag"], "rules carry the etag of their group");
    let changed = world.client.call("PUT", &path, &rule(210, "allow")).with(200);
    ended(&world, &changed, "Succeeded");
    let deleted = world.client.call("DELETE", &path, &Value::Null).with(202);
    assert!(deleted.body.is_empty() && deleted.header("Location").is_some());
    ended(&world, &deleted, "Succeeded");
    let result = world.client.get(&deleted.must("Location")).with(200);
    assert_eq!(result.body, b"null");
    assert_eq!(world.client.get(&path).refused(404), "NotFound");
    world.client.call("DELETE", &path, &Value::Null).with(204);
}

#[test]
fn a_route_is_written_and_takes_effect() {
    let world = World::new();
    world.patch(&json!({"settings": {"effectiveMs": 0, "writeMs": 0}}));
    let path = world.network("routeTables/default/routes/away");
    let route = json!({"properties": {"addressPrefix": "10.77.0.5/32", "nextHopType": "None"}});
    let made = world.client.call("PUT", &path, &route).with(201);
    assert_eq!(made.json()["properties"]["hasBgpOverride"], false);
    let effective = world.network("networkInterfaces/vm1/effectiveRouteTable");
    let table = |world: &World| world.client.post(&effective, &Value::Null).with(200).text();
    assert!(table(&world).contains("10.77.0.5/32"), "{}", table(&world));
    world.client.call("DELETE", &path, &Value::Null).with(202);
    assert!(!table(&world).contains("10.77.0.5/32"));
}

#[test]
fn the_second_of_two_writes_on_one_group_is_refused() {
    let world = World::new();
    world.patch(&json!({"settings": {"writeMs": 60_000}}));
    let rules = world.network("networkSecurityGroups/default/securityRules");
    let first = world
        .client
        .call("PUT", &format!("{rules}/a"), &rule(200, "Deny"))
        .with(201);
    let operation = first.must("Azure-AsyncOperation");
    let second = world
        .client
        .call("PUT", &format!("{rules}/b"), &rule(201, "Deny"));
    assert_eq!(second.refused(409), "AnotherOperationInProgress");
    assert!(second.text().contains(&operation), "{}", second.text());
    world.patch(&json!({"settings": {"lockStatus": 429}}));
    let third = world.client.call("DELETE", &format!("{rules}/a"), &Value::Null);
    assert_eq!(third.refused(429), "RetryableErrorDueToAnotherOperation");
    // Another group is free.
    let other = world.network("routeTables/default/routes/a");
    let route = json!({"properties": {"addressPrefix": "10.9.0.0/16", "nextHopType": "None"}});
    world.client.call("PUT", &other, &route).with(201);
    assert_eq!(
        world.client.get(&operation).json(),
        json!({"status": "InProgress"})
    );
}

#[test]
fn an_old_etag_is_refused() {
    let world = World::new();
    world.patch(&json!({"settings": {"writeMs": 0}}));
    let path = world.network("networkSecurityGroups/default/securityRules/a");
    world.client.call("PUT", &path, &rule(200, "Deny")).with(201);
    let etag = world.client.get(&path).must("ETag");
    let put = |header: (&str, &str)| {
        world
            .client
            .call_with("PUT", &path, &[header], &rule(200, "Allow"))
    };
    put(("If-Match", &etag)).with(200);
    assert_eq!(put(("If-Match", &etag)).refused(412), "PreconditionFailed");
    assert_eq!(put(("If-None-Match", "*")).refused(412), "PreconditionFailed");
    let read = world.client.get(&path).json();
    assert_eq!(
        read["properties"]["access"], "Allow",
        "the refused ones changed nothing"
    );
    let gone = world.network("networkSecurityGroups/default/securityRules/none");
    let reply = world
        .client
        .call_with("PUT", &gone, &[("If-Match", "*")], &rule(300, "Deny"));
    assert_eq!(reply.refused(412), "PreconditionFailed");
}

#[test]
fn a_write_that_fails_at_its_end_leaves_what_was() {
    let world = World::new();
    world.fault(&json!({"fault": "fail_later", "code": "AnotherOperationInProgress", "message": "later", "verb": "PUT", "times": 1}));
    let path = world.network("networkSecurityGroups/default/securityRules/a");
    let made = world.client.call("PUT", &path, &rule(200, "Deny")).with(201);
    let body = ended(&world, &made, "Failed");
    assert_eq!(body["error"]["code"], "AnotherOperationInProgress");
    world.client.get(&path).refused(404);
    let again = world.client.call("PUT", &path, &rule(200, "Deny")).with(201);
    ended(&world, &again, "Succeeded");
}

#[test]
fn what_cannot_stand_beside_another_is_refused() {
    let world = World::new();
    world.patch(&json!({"settings": {"writeMs": 0}}));
    let rules = world.network("networkSecurityGroups/default/securityRules");
    world
        .client
        .call("PUT", &format!("{rules}/a"), &rule(200, "Deny"))
        .with(201);
    let rival = world
        .client
        .call("PUT", &format!("{rules}/b"), &rule(200, "Allow"));
    assert_eq!(rival.refused(400), "SecurityRuleConflict");
    let wild = world
        .client
        .call("PUT", &format!("{rules}/c"), &rule(99, "Allow"));
    assert_eq!(wild.refused(400), "SecurityRuleInvalidPriority");
    let cut = world.client.send(
        "PUT",
        &format!("{rules}/d?api-version=2024-05-01"),
        &[],
        b"{\"properties\":",
    );
    assert_eq!(cut.refused(400), "InvalidRequestContent");
    let group = world.network("networkSecurityGroups/default");
    let used = world.client.call("DELETE", &group, &Value::Null);
    assert_eq!(used.refused(400), "InUseNetworkSecurityGroupCannotBeDeleted");
    let nic = world
        .client
        .call("DELETE", &world.network("networkInterfaces/vm1"), &Value::Null);
    assert_eq!(nic.refused(400), "NicInUse");
}

#[test]
fn a_group_is_written_whole() {
    let world = World::new();
    let path = world.network("networkSecurityGroups/other");
    let named = |name: &str, priority| {
        let mut rule = rule(priority, "Deny");
        rule["name"] = json!(name);
        rule
    };
    let body = |rules: &[Value]| json!({"location": "westeurope", "properties": {"securityRules": rules}});
    let clash = world
        .client
        .call("PUT", &path, &body(&[named("a", 200), named("b", 200)]));
    assert_eq!(clash.refused(400), "SecurityRuleConflict");
    assert_eq!(
        world
            .client
            .call("PUT", &path, &json!({"properties": {}}))
            .refused(400),
        "LocationRequired"
    );
    let made = world
        .client
        .call("PUT", &path, &body(&[named("a", 200), named("b", 201)]))
        .with(201);
    ended(&world, &made, "Succeeded");
    let read = world.client.get(&path).json();
    assert_eq!(
        read["properties"]["defaultSecurityRules"]
            .as_array()
            .unwrap()
            .len(),
        6
    );
    assert!(
        read["properties"]["securityRules"][1]["id"]
            .as_str()
            .unwrap()
            .ends_with("/other/securityRules/b")
    );
    let deleted = world.client.call("DELETE", &path, &Value::Null).with(202);
    ended(&world, &deleted, "Succeeded");
    assert_eq!(world.client.get(&path).refused(404), "ResourceNotFound");
}

#[test]
fn each_change_is_in_the_file_and_in_the_log() {
    let world = World::new();
    world.patch(&json!({"settings": {"writeMs": 0}}));
    let path = world.network("networkSecurityGroups/default/securityRules/a");
    let client_id = [
        ("x-ms-client-request-id", "mine"),
        ("x-ms-return-client-request-id", "true"),
    ];
    let made = world
        .client
        .call_with("PUT", &path, &client_id, &rule(200, "Deny"))
        .with(201);
    assert_eq!(made.must("x-ms-client-request-id"), "mine");
    let log = |filter: &str| {
        let filter = filter.replace(' ', "%20").replace('\'', "%27");
        let path = format!(
            "/subscriptions/{}/providers/Microsoft.Insights/eventtypes/management/values?api-version=2015-04-01&$filter={filter}",
            world.subscription
        );
        world.client.get(&path)
    };
    let first = world.arm.state().events[0]["eventTimestamp"]
        .as_str()
        .unwrap()
        .to_owned();
    let recent = &format!("eventTimestamp ge '{first}' and resourceUri eq '{path}'");
    let events = log(recent).with(200).json()["value"].as_array().unwrap().clone();
    let words = |event: &Value| {
        let word = |pointer: &str| event.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        (
            word("/operationName/value"),
            word("/status/value"),
            word("/caller"),
        )
    };
    let operator = world.arm.state().principals[0].object_id.clone();
    let action = "Microsoft.Network/networkSecurityGroups/securityRules/write".to_owned();
    assert_eq!(
        events.iter().map(words).collect::<Vec<_>>(),
        [
            (action.clone(), "Succeeded".to_owned(), operator.clone()),
            (action, "Started".to_owned(), operator)
        ]
    );
    assert_eq!(
        events[0]["correlationId"],
        made.must("x-ms-correlation-request-id")
    );
    log("resourceUri eq '/x'").refused(400);
    log("eventTimestamp ge '2001-01-01'").refused(400);
    // A change behind Azure's back leaves no trace.
    let count = world.arm.state().events.len();
    world.set(
        "resources",
        &world.network("networkInterfaces/vm1"),
        &json!({"properties": {"enableIPForwarding": true}}),
    );
    assert_eq!(world.arm.state().events.len(), count);
}
