//! What is in scope, and what is wrong use.

use serde_json::{Value, json};

use crate::site::{Site, gaps};

fn targets(document: &Value) -> Vec<&str> {
    let all = document["targets"].as_array().unwrap();
    let mut ids: Vec<&str> = all.iter().filter_map(|row| row["resource"].as_str()).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn everything_that_can_be_named_is_selected() {
    let site = Site::new();
    let (one, two) = (site.nic("vm1"), site.nic("vm2"));
    let (vnet, vm) = (
        site.cloud.network("virtualNetworks/lab"),
        site.cloud.machine("vm1"),
    );
    let group = format!("/subscriptions/{}/resourceGroups/lab", site.cloud.subscription);
    for (number, (words, expected)) in [
        (vec!["--nic", &one], vec![&one]),
        (vec!["--nic", &one, &two], vec![&one, &two]),
        (vec!["--vnet", &vnet], vec![&one, &two]),
        (vec!["--group", "lab"], vec![&one, &two]),
        (vec!["--group", &group], vec![&one, &two]),
        (vec!["--layers", "azure"], vec![&one, &two]),
        (vec!["--layers", "azure", "--vm", "vm1"], vec![&one]),
        (
            vec!["--layers", "azure", "--vm", "lab/vm1", "lab/vm2"],
            vec![&one, &two],
        ),
        (
            vec!["--layers", "azure", "--vm", &vm, "--nic", &two],
            vec![&one, &two],
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("b{number}");
        let made = site.run(&[&["baseline", "create", &name][..], words.as_slice()].concat());
        let made = made.with(0).json();
        assert_eq!(targets(&made), expected, "{words:?}");
        let found = site.run(&[&["drift", "check", "--baseline", &name][..], words.as_slice()].concat());
        assert_eq!(targets(&found.with(0).json()), expected, "{words:?}");
    }
    let shown = site
        .bare(&["baseline", "show", "b1", "-o", "json"])
        .with(0)
        .json();
    let members = shown["baselines"][0]["members"].as_array().unwrap();
    assert!(members.iter().all(|member| member["way"] == "arm"), "{shown:#}");
    let text = site.bare(&["baseline", "show", "b1"]).with(0).stdout;
    assert!(text.contains(&one) && text.contains("arm"), "{text}");
    let list = site.bare(&["baseline", "list"]).with(0).stdout;
    assert!(list.contains("2 of 2 network interfaces"), "{list}");
}

#[test]
fn an_interface_that_came_after_the_baseline_is_unknown() {
    let site = Site::new();
    let nic = site.nic("vm1");
    site.run(&["baseline", "create", "b", "--nic", &nic]).with(0);
    let found = site.check(&[]).with(3).json();
    assert_eq!(found["verdict"], "unknown");
    assert!(!gaps(&found, &site.nic("vm2")).is_empty(), "{found:#}");
    // What was not asked for makes nothing unknown.
    site.run(&["drift", "check", "--baseline", "b", "--nic", &nic])
        .with(0);
}

#[test]
fn host_and_azure_stand_in_one_baseline() {
    let site = Site::new();
    let made = site
        .run(&["baseline", "create", "b", "--all", "--layers", "host,azure"])
        .with(3)
        .json();
    let ways: Vec<Value> = made["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["way"].clone())
        .collect();
    let count = |way: &str| ways.iter().filter(|there| **there == way).count();
    // This host is no VM of the subscription, which is said in a row of its own.
    assert_eq!((count("this-host"), count("arm")), (1, 3), "{ways:?}");
    assert!(made["missing"].to_string().contains("there is no VM"), "{made:#}");
    // Only a part of it, without the host. What could not be found then may be a part of the group, for all that is known.
    let found = site.check(&[]).with(3).json();
    assert_eq!(targets(&found), [site.nic("vm1"), site.nic("vm2")]);
    let rows = found["targets"].as_array().unwrap();
    let verdicts = |resource: bool| -> Vec<&Value> {
        let rows = rows.iter().filter(|row| row["resource"].is_string() == resource);
        rows.map(|row| &row["verdict"]).collect()
    };
    assert_eq!(verdicts(true), ["no_drift", "no_drift"], "{found:#}");
    assert_eq!(verdicts(false), ["unknown"], "no host was read: {found:#}");
}

#[test]
fn what_names_nothing_is_refused() {
    let site = Site::new();
    let disk = site.cloud.id("Microsoft.Compute/disks/d");
    let nic = site.nic("vm1");
    for (words, wanted) in [
        (vec!["--nic", "vm1"], "a network interface"),
        (vec!["--nic", &disk], "a network interface"),
        (vec!["--vnet", &nic], "a virtual network"),
        (vec!["--group", &nic], "a resource group"),
        (vec!["--vm", "a/b/c"], "a VM"),
        (vec!["--vm", &nic, "--layers", "azure"], "a VM"),
        (vec!["--layers", "cloud"], "cloud"),
    ] {
        let ended = site.run(&[&["baseline", "create", "b"][..], words.as_slice()].concat());
        assert!(ended.stderr.contains(wanted), "{words:?}: {ended:?}");
        assert_eq!((ended.status, ended.stdout.as_str()), (2, ""), "{words:?}");
    }
    // A group without anything in it, and one that is not there, are no baseline.
    for name in ["NetworkWatcherRG", "nowhere"] {
        let ended = site.run(&["baseline", "create", "b", "--group", name]);
        assert!(
            matches!(ended.status, 2 | 4) && ended.stdout.is_empty(),
            "{name}: {ended:?}"
        );
    }
    let login = site.cloud.login(true);
    let login: Vec<&str> = login.iter().map(String::as_str).collect();
    let ended = site.bare(
        &[
            &["baseline", "create", "b", "--layers", "azure"][..],
            login.as_slice(),
        ]
        .concat(),
    );
    assert_eq!(ended.status, 2, "nothing is selected: {ended:?}");
    let ended = site.bare(
        &[
            &["baseline", "create", "b", "--group", "lab"][..],
            login.as_slice(),
        ]
        .concat(),
    );
    assert_eq!(
        ended.status, 2,
        "the group's subscription is not known: {ended:?}"
    );
    assert_eq!(
        site.bare(&["baseline", "list", "-o", "json"]).with(0).json(),
        json!({"schema": "netghost.baselines/v1", "baselines": []})
    );
}
