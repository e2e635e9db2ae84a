//! Throttling.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::World;

#[test]
fn a_bucket_that_is_empty_refuses_and_says_how_long() {
    let world = World::new();
    let slow = json!({"size": 3.0, "per_second": 1.0});
    world.patch(&json!({"settings": {"effectiveMs": 0, "limits": {"writes": slow}}}));
    let path = world.network("networkInterfaces/vm1/effectiveRouteTable");
    let left: Vec<String> = (0..3)
        .map(|_| {
            let reply = world.client.post(&path, &Value::Null).with(200);
            reply.must("x-ms-ratelimit-remaining-subscription-writes")
        })
        .collect();
    assert_eq!(left[..2], ["2", "1"], "actions count as writes");
    let begun = Instant::now();
    let refused = world.client.post(&path, &Value::Null);
    assert_eq!(refused.refused(429), "SubscriptionRequestsThrottled");
    assert_eq!(refused.must("Retry-After"), "1");
    assert_eq!(refused.must("x-ms-failure-cause"), "gateway");
    // Reads have a bucket of their own.
    let read = world
        .client
        .get(&world.network("networkInterfaces/vm1"))
        .with(200);
    assert_eq!(read.must("x-ms-ratelimit-remaining-subscription-reads"), "249");
    assert_eq!(
        read.must("x-ms-ratelimit-remaining-subscription-global-reads"),
        "3749"
    );
    // So has another principal.
    world.logged_in(1).post(&path, &Value::Null).with(200);
    while world.client.post(&path, &Value::Null).status == 429 {
        assert!(begun.elapsed() < Duration::from_secs(5));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(
        begun.elapsed() > Duration::from_millis(500),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn updates_of_one_machine_are_counted_apart() {
    let world = World::new();
    world.patch(
        &json!({"settings": {"writeMs": 0, "limits": {"machine": {"size": 1.0, "per_second": 0.01}}}}),
    );
    let first = world
        .client
        .post(&world.machine("vm1/start"), &Value::Null)
        .with(202);
    assert!(
        first
            .must("x-ms-ratelimit-remaining-resource")
            .starts_with("Microsoft.Compute/UpdateVM3Min;0")
    );
    let second = world.client.post(&world.machine("vm1/start"), &Value::Null);
    assert_eq!(second.refused(429), "OperationNotAllowed");
    assert_eq!(second.json()["error"]["details"][0]["code"], "TooManyRequests");
    assert!(second.header("x-ms-failure-cause").is_none());
    world
        .client
        .post(&world.machine("vm2/start"), &Value::Null)
        .with(202);
}

#[test]
fn queries_of_resource_graph_have_a_quota() {
    let world = World::new();
    world.patch(&json!({"settings": {"limits": {"graph": {"size": 1.0, "per_second": 0.1}}}}));
    let path = "/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01";
    let query = json!({"query": "Resources | project id"});
    let first = world.client.post(path, &query).with(200);
    assert_eq!(first.must("x-ms-user-quota-remaining"), "0");
    let second = world.client.post(path, &query);
    assert_eq!(second.refused(429), "RateLimiting");
    assert_eq!(second.must("x-ms-user-quota-resets-after"), "00:00:10");
}
