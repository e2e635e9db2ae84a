//! Run-command in a namespace that stands for the machine.

use std::time::{Duration, Instant};

use netghost_lab::Namespace;
use netghost_lab::arm::state::Place;
use serde_json::{Value, json};

use crate::client::{Reply, World, state};

/// A simulator whose `vm1` is a namespace.
fn world(name: &str) -> (Namespace, World) {
    let name = format!("ngarm-{}-{name}", std::process::id());
    let namespace = Namespace::named(&name).unwrap();
    let world = World::of(state(Some(Place::Namespace { namespace: name })));
    (namespace, world)
}

fn run(world: &World, script: &[&str]) -> Reply {
    let asked = json!({"commandId": "RunShellScript", "script": script});
    world.client.post(&world.machine("vm1/runCommand"), &asked)
}

fn message(world: &World, first: &Reply) -> String {
    let ended = world
        .client
        .poll(&first.must("Azure-AsyncOperation"))
        .with(200)
        .json();
    assert_eq!(ended["status"], "Succeeded", "{ended}");
    let output = &ended["properties"]["output"];
    let result = world.client.get(&first.must("Location")).with(200).json();
    assert_eq!(&result, output, "both addresses say the same");
    assert_eq!(output["value"][0]["code"], "ProvisioningState/succeeded");
    output["value"][0]["message"].as_str().unwrap().to_owned()
}

#[test]
fn root_a_command_runs_in_the_machine() {
    let (namespace, world) = world("run");
    namespace
        .must(&["ip", "link", "add", "only-here", "type", "veth"])
        .unwrap();
    let first = run(
        &world,
        &["ip -o link show dev only-here | wc -l", "echo oops >&2; exit 3"],
    )
    .with(202);
    assert!(first.body.is_empty());
    let (operation, location) = (first.must("Azure-AsyncOperation"), first.must("Location"));
    assert!(
        operation.contains("/Microsoft.Compute/locations/westeurope/operations/"),
        "{operation}"
    );
    assert_eq!(
        location,
        operation.replace("?api-version", "?monitor=true&api-version")
    );
    assert_eq!(
        message(&world, &first),
        "Enable succeeded: \n[stdout]\n1\n\n[stderr]\noops\n"
    );
    let asked = json!({"commandId": "RunShellScript", "script": ["echo $who $1"], "parameters": [{"name": "who", "value": "ada"}]});
    let second = world
        .client
        .post(&world.machine("vm1/runCommand"), &asked)
        .with(202);
    assert!(message(&world, &second).contains("ada ada\n"));
}

#[test]
fn root_the_last_bytes_of_each_stream_are_kept() {
    let (_namespace, world) = world("tail");
    let first = run(&world, &["seq 1 3000; seq 5001 5400 >&2"]).with(202);
    let message = message(&world, &first);
    let (stdout, stderr) = message.split_once("\n[stderr]\n").unwrap();
    let stdout = stdout.strip_prefix("Enable succeeded: \n[stdout]\n").unwrap();
    assert_eq!((stdout.len(), stderr.len()), (4096, 2000));
    assert!(stdout.ends_with("2999\n3000\n") && !stdout.contains("\n1\n"));
    assert!(stderr.starts_with("5001\n"), "{stderr}");
}

#[test]
fn root_one_command_at_a_time() {
    let (_namespace, world) = world("busy");
    let first = run(&world, &["sleep 1"]).with(202);
    let second = run(&world, &["true"]);
    assert_eq!(second.refused(409), "Conflict");
    assert!(
        second
            .text()
            .contains("Run command extension execution is in progress"),
        "{}",
        second.text()
    );
    let begun = Instant::now();
    let waits = world.client.get(&first.must("Location")).with(202);
    assert!(waits.header("Retry-After").is_some());
    message(&world, &first);
    assert!(begun.elapsed() < Duration::from_secs(10));
    run(&world, &["true"]).with(202);
}

#[test]
fn a_machine_that_is_off_or_silent_runs_nothing() {
    let world = World::new();
    let first = run(&world, &["true"]).with(202);
    let ended = world
        .client
        .poll(&first.must("Azure-AsyncOperation"))
        .with(200)
        .json();
    assert_eq!(
        (&ended["status"], &ended["error"]["code"]),
        (&json!("Failed"), &json!("VMAgentStatusCommunicationError"))
    );
    world.set("vms", &world.machine("vm1"), &json!({"power": "deallocated"}));
    assert_eq!(run(&world, &["true"]).refused(409), "OperationNotAllowed");
    world.set("vms", &world.machine("vm1"), &json!({"power": "running"}));
    let windows = world.client.post(
        &world.machine("vm1/runCommand"),
        &json!({"commandId": "RunPowerShellScript", "script": []}),
    );
    assert_eq!(windows.refused(400), "BadRequest");
}

#[test]
fn root_managed_commands_run_side_by_side_and_tell_their_status() {
    let (_namespace, world) = world("managed");
    let put = |name: &str, script: &str, more: Value| {
        let mut properties = more;
        properties["source"] = json!({"script": script});
        let asked = json!({"location": "westeurope", "properties": properties});
        world
            .client
            .call("PUT", &world.machine(&format!("vm1/runCommands/{name}")), &asked)
    };
    let begun = Instant::now();
    let slow = put("slow", "sleep 1; echo done", json!({})).with(201);
    assert_eq!(slow.json()["properties"]["provisioningState"], "Creating");
    let bad = put("bad", "echo out; echo err >&2; exit 7", json!({})).with(201);
    let late = put("late", "sleep 30", json!({"timeoutInSeconds": 1})).with(201);
    for reply in [&bad, &slow, &late] {
        let ended = world
            .client
            .poll(&reply.must("Azure-AsyncOperation"))
            .with(200)
            .json();
        assert_eq!(ended["status"], "Succeeded", "{ended}");
    }
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    let view = |name: &str| {
        let path = world.machine(&format!("vm1/runCommands/{name}"));
        assert!(world.client.get(&path).with(200).json()["properties"]["instanceView"].is_null());
        world
            .client
            .get(&format!("{path}?$expand=instanceView"))
            .with(200)
            .json()["properties"]["instanceView"]
            .clone()
    };
    let (slow, bad) = (view("slow"), view("bad"));
    assert_eq!(
        (&slow["executionState"], &slow["output"]),
        (&json!("Succeeded"), &json!("done\n"))
    );
    assert_eq!(
        (&bad["executionState"], &bad["exitCode"]),
        (&json!("Failed"), &json!(7))
    );
    assert_eq!(
        (&bad["output"], &bad["error"]),
        (&json!("out\n"), &json!("err\n"))
    );
    assert_eq!(view("late")["executionState"], "TimedOut");
    let path = world.machine("vm1/runCommands/bad");
    let deleted = world.client.call("DELETE", &path, &Value::Null).with(202);
    world.client.poll(&deleted.must("Azure-AsyncOperation"));
    world.client.get(&path).refused(404);
    world.client.call("DELETE", &path, &Value::Null).with(204);
    let free = put("free", "sleep 1", json!({"asyncExecution": true})).with(201);
    world.client.poll(&free.must("Azure-AsyncOperation"));
    assert_eq!(
        view("free")["executionState"],
        "Running",
        "its deployment does not wait for it"
    );
}
