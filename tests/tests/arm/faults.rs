//! What goes wrong on demand.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::World;

fn nsg(world: &World) -> String {
    world.network("networkInterfaces/vm1/effectiveNetworkSecurityGroups")
}

/// The result of the effective security groups, however it comes.
fn result(world: &World) -> crate::client::Reply {
    let first = world.client.post(&nsg(world), &Value::Null);
    match first.header("Location") {
        Some(location) if first.status == 202 => world.client.poll(location),
        _ => first,
    }
}

#[test]
fn a_body_is_spoiled_whether_it_comes_at_once_or_later() {
    for late in [0, 20] {
        let world = World::new();
        world.patch(&json!({"settings": {"effectiveMs": late}}));
        let once = |fault: Value| {
            let mut fault = fault;
            fault["path"] = json!("effectiveNetworkSecurityGroups");
            fault["times"] = json!(1);
            world.fault(&fault);
            result(&world)
        };
        let html = once(json!({"fault": "html", "status": 200}));
        assert!(
            html.text().starts_with("<!DOCTYPE html>") && html.must("Content-Type") == "text/html",
            "{html:?}"
        );
        let cut = once(json!({"fault": "cut", "at": 30}));
        assert!(!cut.whole && cut.body.len() == 30, "{cut:?}");
        let short = once(json!({"fault": "truncate", "at": 30}));
        assert!(short.whole && serde_json::from_slice::<Value>(&short.body).is_err());
        let word = once(json!({"fault": "priority_word"})).json();
        assert_eq!(word["value"][0]["effectiveSecurityRules"][0]["priority"], "high");
        let null = once(json!({"fault": "association_null"})).json();
        assert!(null["value"][0].as_object().unwrap()["association"].is_null());
        let unknown = once(json!({"fault": "association_unknown"})).json();
        assert!(unknown["value"][0]["association"]["gateway"].is_object());
        let edited = once(json!({"fault": "edit", "pointer": "/value", "value": null})).json();
        assert_eq!(edited, json!({"value": null}));
        let good = result(&world).with(200).json();
        assert!(
            good["value"][0]["association"]["subnet"].is_object(),
            "all faults are used up"
        );
    }
}

#[test]
fn an_operation_may_never_end() {
    let world = World::new();
    world.fault(&json!({"fault": "endless", "verb": "POST", "times": 1}));
    let first = world.client.post(&nsg(&world), &Value::Null).with(202);
    std::thread::sleep(Duration::from_millis(150));
    let waits = world.client.get(&first.must("Location")).with(202);
    assert_eq!(waits.must("Retry-After"), "1");
    assert_eq!(result(&world).status, 200);
}

#[test]
fn an_action_may_fail_at_its_end() {
    let world = World::new();
    world.fault(
        &json!({"fault": "fail_later", "code": "InternalServerError", "message": "sorry", "times": 1}),
    );
    let first = world.client.post(&nsg(&world), &Value::Null).with(202);
    let location = first.must("Location");
    assert_eq!(world.client.poll(&location).refused(400), "InternalServerError");
    let status = world
        .client
        .get(&location.replace("operationResults", "operations"))
        .with(200)
        .json();
    assert_eq!(
        (&status["status"], &status["error"]["code"]),
        (&json!("Failed"), &json!("InternalServerError"))
    );
}

#[test]
fn requests_are_refused_on_demand() {
    let world = World::new();
    let nic = world.network("networkInterfaces/vm1");
    for (fault, status, code) in [
        (
            json!({"fault": "throttle", "retry_after": 7}),
            429,
            "SubscriptionRequestsThrottled",
        ),
        (
            json!({"fault": "wrong_subscription"}),
            404,
            "SubscriptionNotFound",
        ),
        (
            json!({"fault": "error", "status": 503, "code": "ServerTimeout", "retry_after": 2}),
            503,
            "ServerTimeout",
        ),
        (
            json!({"fault": "token_expired"}),
            401,
            "ExpiredAuthenticationToken",
        ),
    ] {
        let mut once = fault.clone();
        once["times"] = json!(1);
        world.fault(&once);
        let reply = world.client.get(&nic);
        assert_eq!(reply.refused(status), code, "{fault}");
        match status {
            429 => assert_eq!(reply.must("Retry-After"), "7"),
            503 => assert_eq!(reply.must("Retry-After"), "2"),
            _ => {}
        }
    }
    assert_eq!(
        world.client.get(&nic).refused(401),
        "ExpiredAuthenticationToken",
        "the token stays expired"
    );
    world.logged_in(0).get(&nic).with(200);
}

#[test]
fn a_resource_vanishes_just_before_it_is_used() {
    let world = World::new();
    world.fault(&json!({"fault": "vanish", "path": "effectiveNetworkSecurityGroups", "times": 1}));
    assert_eq!(
        world.client.post(&nsg(&world), &Value::Null).refused(404),
        "ResourceNotFound"
    );
    world
        .client
        .get(&world.network("networkInterfaces/vm1"))
        .refused(404);
    world
        .client
        .get(&world.network("networkInterfaces/vm2"))
        .with(200);
}

#[test]
fn a_lock_that_nobody_holds() {
    let world = World::new();
    world.fault(&json!({"fault": "lock", "times": 1}));
    let path = world.network("routeTables/default/routes/a");
    let route = json!({"properties": {"addressPrefix": "10.9.0.0/16", "nextHopType": "None"}});
    assert_eq!(
        world.client.call("PUT", &path, &route).refused(409),
        "AnotherOperationInProgress"
    );
    world.client.call("PUT", &path, &route).with(201);
}

#[test]
fn answers_come_late_and_lists_lead_elsewhere() {
    let world = World::new();
    let nic = world.network("networkInterfaces/vm1");
    world.fault(&json!([
        {"fault": "delay", "ms": 300, "times": 1},
        {"fault": "edit", "pointer": "/nextLink", "value": "https://elsewhere.example/", "path": "networkInterfaces?", "times": 1},
        {"fault": "header", "name": "Location", "value": "https://elsewhere.example/", "verb": "POST", "times": 1},
    ]));
    let begun = Instant::now();
    world.client.get(&nic).with(200);
    assert!(begun.elapsed() >= Duration::from_millis(300));
    let list = world
        .client
        .get(&world.network("networkInterfaces"))
        .with(200)
        .json();
    assert_eq!(list["nextLink"], "https://elsewhere.example/");
    assert_eq!(
        world.client.post(&nsg(&world), &Value::Null).must("Location"),
        "https://elsewhere.example/"
    );
}

#[test]
fn the_lab_has_a_door_of_its_own() {
    let world = World::new();
    let door = |verb: &str, path: &str, body: &Value| {
        world
            .client
            .send(verb, &format!("/__lab/{path}"), &[], body.to_string().as_bytes())
    };
    door("POST", "faults", &json!({"fault": "delay", "ms": 1, "times": 2})).with(200);
    let set = door("GET", "faults", &Value::Null).with(200).json();
    assert_eq!((&set[0]["fault"], &set[0]["times"]), (&json!("delay"), &json!(2)));
    door("DELETE", "faults", &Value::Null).with(200);
    assert_eq!(door("GET", "faults", &Value::Null).json(), json!([]));
    door("POST", "faults", &json!({"fault": "flood"})).with(400);
    door("PATCH", "state", &json!({"settings": {"page": 7}})).with(200);
    door("PATCH", "state", &json!({"settings": {"page": "many"}})).with(400);
    assert_eq!(door("GET", "state", &Value::Null).json()["settings"]["page"], 7);
    world
        .client
        .get(&world.network("networkInterfaces/vm1"))
        .with(200);
    let seen = door("GET", "requests", &Value::Null).json();
    let last = seen.as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["verb"], &last["status"]), (&json!("GET"), &json!(200)));
    assert!(
        last["path"].as_str().unwrap().ends_with("/networkInterfaces/vm1"),
        "{last}"
    );
    door("POST", "tokens/expire", &Value::Null).with(200);
    world
        .client
        .get(&world.network("networkInterfaces/vm1"))
        .refused(401);
}
