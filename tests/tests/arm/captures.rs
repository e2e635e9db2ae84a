//! Packet captures: their life as Azure shows it.

use serde_json::{Value, json};

use crate::client::World;

#[test]
fn a_capture_is_made_asked_stopped_and_deleted() {
    let world = World::new();
    let path = world
        .in_group("Microsoft.Network/networkWatchers/NetworkWatcher_westeurope/packetCaptures/c1")
        .replace("/lab/", "/NetworkWatcherRG/");
    assert_eq!(world.client.get(&path).refused(404), "NotFound");
    let wanted = |target: String| json!({"properties": {"target": target, "storageLocation": {"filePath": "/tmp/c1.cap"}, "timeLimitInSeconds": 60}});
    let made = world
        .client
        .call("PUT", &path, &wanted(world.machine("vm1")))
        .with(201);
    assert!(made.header("Azure-AsyncOperation").is_some());
    assert_eq!(made.json()["properties"]["timeLimitInSeconds"], 60);
    world.client.poll(&made.must("Azure-AsyncOperation"));
    let status = |world: &World| {
        world
            .client
            .post(&format!("{path}/queryStatus"), &Value::Null)
            .with(200)
            .json()
    };
    assert_eq!(status(&world)["packetCaptureStatus"], "Running");
    assert_eq!(
        world
            .client
            .call("PUT", &path, &wanted(world.machine("vm1")))
            .refused(409),
        "Conflict"
    );
    let stop = world.client.post(&format!("{path}/stop"), &Value::Null).with(202);
    let ended = world
        .client
        .poll(&stop.must("Azure-AsyncOperation"))
        .with(200)
        .json();
    assert_eq!(ended, json!({"status": "Succeeded", "properties": {}}));
    let stopped = status(&world);
    assert_eq!(
        (&stopped["packetCaptureStatus"], &stopped["stopReason"]),
        (&json!("Stopped"), &json!("Manual"))
    );
    let list = path.trim_end_matches("/c1");
    assert_eq!(
        world.client.get(list).with(200).json()["value"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let deleted = world.client.call("DELETE", &path, &Value::Null).with(202);
    world.client.poll(&deleted.must("Azure-AsyncOperation"));
    assert_eq!(world.client.get(&path).refused(404), "NotFound");
    assert_eq!(world.client.get(list).with(200).json()["value"], json!([]));
}

#[test]
fn a_capture_ends_with_its_time_and_needs_a_running_machine() {
    let world = World::new();
    let path = world
        .in_group("Microsoft.Network/networkWatchers/NetworkWatcher_westeurope/packetCaptures/c1")
        .replace("/lab/", "/NetworkWatcherRG/");
    let wanted = json!({"properties": {"target": world.machine("vm1"), "storageLocation": {"filePath": "/c"}, "timeLimitInSeconds": 60}});
    world.set("vms", &world.machine("vm1"), &json!({"power": "stopped"}));
    assert_eq!(
        world.client.call("PUT", &path, &wanted).refused(409),
        "OperationNotAllowed"
    );
    world.set("vms", &world.machine("vm1"), &json!({"power": "running"}));
    world
        .client
        .call(
            "PUT",
            &path,
            &json!({"properties": {"target": world.machine("vm1")}}),
        )
        .refused(400);
    world.client.call("PUT", &path, &wanted).with(201);
    world.patch(&json!({"settings": {"clockSkew": 61}}));
    let status = world
        .client
        .post(&format!("{path}/queryStatus"), &Value::Null)
        .with(200)
        .json();
    assert_eq!(
        (&status["packetCaptureStatus"], &status["stopReason"]),
        (&json!("Stopped"), &json!("TimeExceeded"))
    );
}
