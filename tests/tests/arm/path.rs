//! `netghost path` between two machines of the simulator, over TLS and with a login of its own.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use netghost_cli::world::World as Outside;
use serde_json::{Value, json};

use crate::client::{World, scratch};

/// The command's answer: its status, and its document where it gave one.
struct Answer {
    status: u8,
    document: Value,
}

impl Answer {
    fn verdict(&self) -> (u8, &str) {
        (self.status, self.document["verdict"].as_str().unwrap_or("none"))
    }

    /// The layers of this status: which, where, which way, and the resource to edit.
    fn layers(&self, status: &str) -> Vec<[String; 4]> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let rows = self.document["layers"].as_array().unwrap().iter();
        rows.filter(|row| row["status"] == status)
            .map(|row| {
                [
                    &row["layer"],
                    &row["where"],
                    &row["direction"],
                    &row["object"]["id"],
                ]
                .map(text)
            })
            .collect()
    }

    /// What was not read, with the section.
    fn missing(&self) -> String {
        let rows = self.document["missing"].as_array().unwrap().iter();
        let line = |row: &Value| format!("{} {}: {}\n", row["where"], row["section"], row["why"]);
        rows.map(line).collect()
    }
}

/// Asks as an application that may read, with a secret in a file.
fn ask(world: &World, words: &[&str]) -> Answer {
    let (status, answer) = run(world, words, "json");
    let document = answer.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap());
    Answer { status, document }
}

/// The status, and the answer where there is one.
fn run(world: &World, words: &[&str], format: &str) -> (u8, Option<String>) {
    let place = scratch();
    let secret = place.join("secret");
    let who = world.arm.state().principals[1].clone();
    std::fs::write(&secret, who.secret.unwrap()).unwrap();
    let out = place.join("out");
    let mut line: Vec<OsString> = ["netghost", "path"].map(OsString::from).into();
    line.extend(words.iter().map(OsString::from));
    let arm = format!("https://{}", world.arm.address().unwrap());
    for (option, value) in [
        ("--arm-endpoint", arm.as_str()),
        ("--arm-ca-file", world.arm.ca().to_str().unwrap()),
        ("--credential", "client-secret"),
        ("--tenant", world.tenant.as_str()),
        ("--client-id", who.client_id.as_str()),
        ("--client-secret-file", secret.to_str().unwrap()),
        ("--subscription", world.subscription.as_str()),
        ("-o", format),
        ("--out", out.to_str().unwrap()),
    ] {
        line.extend([option, value].map(OsString::from));
    }
    let status = netghost_cli::run(line, &Outside::real()) as u8;
    (status, std::fs::read_to_string(&out).ok())
}

fn flow(world: &World) -> Answer {
    ask(world, &["vm1", "lab/vm2", "tcp/5001", "--layers", "azure"])
}

/// Puts a resource there and waits until it is.
fn put(world: &World, id: &str, properties: Value) {
    let made = world.client.call(
        "PUT",
        id,
        &json!({"location": "westeurope", "properties": properties}),
    );
    assert!(matches!(made.status, 200 | 201), "{}", made.text());
    world.client.poll(&made.must("Azure-AsyncOperation")).with(200);
}

fn deny() -> Value {
    json!({"protocol": "Tcp", "sourcePortRange": "*", "destinationPortRange": "5001", "sourceAddressPrefix": "*",
        "destinationAddressPrefix": "*", "access": "Deny", "priority": 200, "direction": "Inbound"})
}

/// A group of the second machine's interface.
fn group_of_nic(world: &World) -> String {
    let group = world.network("networkSecurityGroups/vm2-nic");
    put(world, &group, json!({"securityRules": []}));
    let nic = world.network("networkInterfaces/vm2");
    world.set(
        "resources",
        &nic,
        &json!({"properties": {"networkSecurityGroup": {"id": group}}}),
    );
    group
}

/// The same three faults in Azure: a route that leads nowhere, and rules of one name at both gates.
fn compound(world: &World) -> [[String; 4]; 3] {
    let own = group_of_nic(world);
    let shared = world.network("networkSecurityGroups/default");
    let rules = [shared, own].map(|group| format!("{group}/securityRules/stop"));
    for rule in &rules {
        put(world, rule, deny());
    }
    let route = world.network("routeTables/default/routes/away");
    put(
        world,
        &route,
        json!({"addressPrefix": "10.77.0.5/32", "nextHopType": "None"}),
    );
    let row = |layer: &str, place: &str, id: &str| [layer, place, "forward", id].map(str::to_owned);
    let [shared, own] = &rules;
    [
        row("route", "source", &route),
        row("subnet-nsg", "destination", shared),
        row("nic-nsg", "destination", own),
    ]
}

#[test]
fn an_open_way_is_allow_and_whole() {
    let world = World::new();
    let answer = flow(&world);
    assert_eq!(answer.verdict(), (0, "ALLOW"), "{:#}", answer.document);
    assert_eq!(answer.missing(), "");
    let places: Vec<&Value> = answer.document["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["where"])
        .collect();
    assert!(places.len() > 10, "{places:?}");
    // What the evidence names was read, and can be found.
    let read = answer.document["read"].as_array().unwrap();
    assert_eq!(read.len(), 8, "{read:?}");
    for row in answer.document["layers"].as_array().unwrap() {
        for evidence in row["evidence"].as_array().unwrap() {
            let found = read.iter().any(|section| {
                section["section"] == evidence["section"]
                    && section["where"] == evidence["where"]
                    && section["digest"] == evidence["digest"]
                    && evidence["digest"]
                        .as_str()
                        .is_some_and(|digest| digest.len() == 64)
            });
            assert!(found, "{row:#}");
        }
    }
    // The layers within the guests are not asked, and are not passed over.
    let whole = ask(&world, &["vm1", "vm2", "tcp/5001"]);
    assert_eq!(whole.verdict(), (3, "UNKNOWN"));
    let guests = whole.layers("UNKNOWN");
    assert!(
        guests.len() == 2 && guests.iter().all(|row| row[0] == "guest"),
        "{guests:?}"
    );
}

#[test]
fn all_blocking_layers_are_listed_and_rules_of_one_name_stay_two() {
    let world = World::new();
    let faults = compound(&world);
    let answer = flow(&world);
    assert_eq!(answer.verdict(), (1, "DENY"), "{:#}", answer.document);
    assert_eq!(answer.layers("BLOCK"), faults, "{:#}", answer.document);
    // Each is still there when the ones before it are taken away.
    for left in (0..faults.len()).rev() {
        let [.., id] = &faults[faults.len() - 1 - left];
        let gone = world.client.call("DELETE", id, &Value::Null).with(202);
        world.client.poll(&gone.must("Azure-AsyncOperation"));
        let answer = flow(&world);
        assert_eq!(
            answer.layers("BLOCK"),
            faults[faults.len() - left..],
            "{:#}",
            answer.document
        );
        assert_eq!(
            answer.verdict(),
            if left == 0 { (0, "ALLOW") } else { (1, "DENY") }
        );
    }
    // Another port, and the other protocols, were never stopped by the rules.
    assert_eq!(
        ask(&world, &["vm1", "vm2", "udp/53", "--layers", "azure"]).verdict(),
        (0, "ALLOW")
    );
}

#[test]
fn people_read_each_layer_with_what_to_edit() {
    let world = World::new();
    let faults = compound(&world);
    let (status, text) = run(&world, &["vm1", "vm2", "tcp/5001", "--layers", "azure"], "text");
    let text = text.unwrap();
    assert_eq!(status, 1, "{text}");
    assert!(
        text.starts_with("DENY: tcp/5001 from vm1 (10.77.0.4, network interface vm1) to vm2 (10.77.0.5"),
        "{text}"
    );
    let edits: Vec<&str> = text
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("edit "))
        .collect();
    assert_eq!(edits, faults.each_ref().map(|[.., id]| id.as_str()), "{text}");
    let (there, back) = text.split_once("\nback\n").unwrap();
    assert!(
        there.contains("\nthere\n") && back.ends_with("not read: nothing\n"),
        "{text}"
    );
}

/// What is asked for, the fault that befalls it, and the section that is missing then.
const UNREAD: [(&str, &str, &str, &str); 9] = [
    (
        "/networkInterfaces/vm2/effectiveRouteTable",
        "POST",
        "error",
        "effective-routes",
    ),
    (
        "/networkInterfaces/vm1/effectiveRouteTable",
        "POST",
        "error",
        "effective-routes",
    ),
    (
        "/networkInterfaces/vm2/effectiveNetworkSecurityGroups",
        "POST",
        "error",
        "effective-nsg",
    ),
    (
        "/listNetworkManagerEffectiveSecurityAdminRules",
        "POST",
        "error",
        "admin-rules",
    ),
    ("/networkInterfaces/vm2?", "GET", "error", "nic"),
    (
        "/networkInterfaces/vm2/effectiveNetworkSecurityGroups",
        "POST",
        "association_null",
        "effective-nsg",
    ),
    (
        "/networkInterfaces/vm2/effectiveNetworkSecurityGroups",
        "POST",
        "association_unknown",
        "effective-nsg",
    ),
    (
        "/networkInterfaces/vm1/effectiveNetworkSecurityGroups",
        "POST",
        "priority_word",
        "effective-nsg",
    ),
    (
        "/networkInterfaces/vm1/effectiveRouteTable",
        "POST",
        "html",
        "effective-routes",
    ),
];

#[test]
fn what_could_not_be_read_is_never_allow() {
    for (path, verb, kind, section) in UNREAD {
        let mut fault = json!({"fault": kind, "path": path, "verb": verb});
        if kind == "error" {
            fault["status"] = json!(403);
            fault["code"] = json!("AuthorizationFailed");
            fault["message"] = json!("no such action");
        }
        if kind == "html" {
            fault["status"] = json!(200);
        }
        let world = World::new();
        world.fault(&fault);
        let answer = flow(&world);
        assert_eq!(answer.verdict(), (3, "UNKNOWN"), "{fault}: {:#}", answer.document);
        assert!(
            answer.missing().contains(&format!("\"{section}\"")),
            "{fault}: {}",
            answer.missing()
        );
    }
}

#[test]
fn a_certain_stop_outweighs_what_was_not_read() {
    let world = World::new();
    let faults = compound(&world);
    world.fault(
        &json!({"fault": "error", "status": 403, "code": "AuthorizationFailed", "message": "no such action",
        "path": "/networkInterfaces/vm2/effectiveNetworkSecurityGroups"}),
    );
    let answer = flow(&world);
    assert_eq!(answer.verdict(), (1, "DENY"), "{:#}", answer.document);
    assert!(
        answer.layers("BLOCK").contains(&faults[0]),
        "{:#}",
        answer.document
    );
    assert_ne!(answer.missing(), "");
}

#[test]
fn ends_are_found_by_address_and_id_and_never_guessed() {
    let world = World::new();
    let nic = world.network("networkInterfaces/vm2");
    for end in ["10.77.0.5", nic.as_str(), &world.machine("vm2")] {
        let answer = ask(&world, &["vm1", end, "icmp", "--layers", "azure"]);
        assert_eq!(answer.verdict(), (0, "ALLOW"), "{end}: {:#}", answer.document);
        assert!(
            answer.document["destination"]["nic"]
                .as_str()
                .unwrap()
                .eq_ignore_ascii_case(&nic)
        );
        assert_eq!(answer.document["destination"]["address"], "10.77.0.5");
    }
    // Nobody has this address, though it is one of the network.
    let nobody = ask(&world, &["vm1", "10.77.0.99", "icmp", "--layers", "azure"]);
    assert_eq!(nobody.verdict(), (3, "UNKNOWN"), "{:#}", nobody.document);
    for (words, status) in [
        (&["vm1", "vm9", "icmp"][..], 2),
        (&["vm1", "vm2", "tcp"], 2),
        (&["vm1", "vm2"], 2),
        (&["vm1", "vm2", "icmp", "-6"], 2),
        (&["vm1", "vm2", "icmp", "--nic", "none"], 2),
        (
            &["vm1", "internet", "icmp", "--destination-address", "10.77.0.5"],
            2,
        ),
        (&["10.77.0.4", "vm2", "icmp", "--source-address", "10.77.0.4"], 2),
        (&["vm1", "vm2", "icmp", "-6", "--source-address", "10.77.0.4"], 2),
        (
            &["vm2", "icmp", "--layers", "host", "--azure-source", "nowhere"],
            2,
        ),
        (&["vm1", "vm2", "icmp", "--layers", "host", "--nic", "vm1"], 2),
        (&["vm1", "nowhere.invalid", "icmp"], 2),
        (&["vm1", "5b1e7d3a-0000-4000-8000-000000000001", "icmp"], 2),
    ] {
        let answer = ask(&world, words);
        assert_eq!(
            (answer.status, &answer.document),
            (status, &Value::Null),
            "{words:?}"
        );
    }
}

#[test]
fn the_internet_is_every_address_of_it() {
    let world = World::new();
    let to = ["vm1", "internet", "tcp/443", "--layers", "azure"];
    let open = ask(&world, &to);
    assert_eq!(open.verdict(), (0, "ALLOW"), "{:#}", open.document);
    let rule = world.network("networkSecurityGroups/default/securityRules/some");
    let mut some = deny();
    some["direction"] = json!("Outbound");
    some["destinationAddressPrefix"] = json!("203.0.113.0/24");
    some["destinationPortRange"] = json!("443");
    put(&world, &rule, some);
    let split = ask(&world, &to);
    // Some of it is certainly denied, which is something to act on.
    assert_eq!(split.verdict(), (1, "UNKNOWN"), "{:#}", split.document);
    let whole = ask(&world, &["vm1", "internet", "tcp/443"]);
    let verdicts: Vec<&Value> = whole.document["addresses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| &part["verdict"])
        .collect();
    assert!(
        verdicts.contains(&&json!("DENY")) && !verdicts.contains(&&json!("ALLOW")),
        "the guest was not asked: {verdicts:?}"
    );
    let denied = split.document["addresses"]
        .as_array()
        .unwrap()
        .iter()
        .find(|part| part["verdict"] == "DENY");
    assert_eq!(denied.unwrap()["addresses"], json!(["203.0.113.0/24"]));
    let one = ask(&world, &["vm1", "203.0.113.9", "tcp/443", "--layers", "azure"]);
    assert_eq!(one.verdict(), (1, "DENY"), "{:#}", one.document);
    // Nothing comes from the Internet to an interface without a public address.
    let inward = ask(&world, &["internet", "vm2", "tcp/443", "--layers", "azure"]);
    assert_eq!(inward.verdict(), (1, "DENY"), "{:#}", inward.document);
    assert!(
        inward
            .layers("BLOCK")
            .iter()
            .any(|row| row[0] == "public-address")
    );
}

/// A peering with a network, which has this prefix.
fn peering(remote: &str, prefix: &str) -> Value {
    json!({"name": "peer", "properties": {"peeringState": "Connected", "allowVirtualNetworkAccess": true,
        "remoteVirtualNetwork": {"id": remote}, "remoteAddressSpace": {"addressPrefixes": [prefix]}}})
}

/// Moves the second machine into a network of its own, `other`, and gives the first one's the peer `of_lab` of that prefix.
fn in_two_networks(world: &World, of_lab: &str) {
    let network = |name: &str| world.network(&format!("virtualNetworks/{name}"));
    for name in ["other", "clone"] {
        let subnet = json!({"name": "default", "properties": {"addressPrefix": "10.78.0.0/24"}});
        let properties = json!({"addressSpace": {"addressPrefixes": ["10.78.0.0/16"]}, "subnets": [subnet],
            "virtualNetworkPeerings": [peering(&network("lab"), "10.77.0.0/16")]});
        put(world, &network(name), properties);
    }
    let peerings = json!([peering(&network(of_lab), "10.78.0.0/16")]);
    world.set(
        "resources",
        &network("lab"),
        &json!({"properties": {"virtualNetworkPeerings": peerings}}),
    );
    configure(
        world,
        &json!({"privateIPAddress": "10.78.0.4", "subnet": {"id": format!("{}/subnets/default", network("other"))}}),
    );
}

/// Gives the second machine's interface this address configuration.
fn configure(world: &World, fields: &Value) {
    let nic = world.network("networkInterfaces/vm2");
    let mut own = world.client.get(&nic).json()["properties"]["ipConfigurations"].clone();
    for (name, value) in fields.as_object().unwrap() {
        own[0]["properties"][name] = value.clone();
    }
    world.set(
        "resources",
        &nic,
        &json!({"properties": {"ipConfigurations": own}}),
    );
}

#[test]
fn a_peering_is_read_and_a_clone_of_the_peer_is_another_place() {
    let world = World::new();
    in_two_networks(&world, "other");
    let open = flow(&world);
    assert_eq!(open.verdict(), (0, "ALLOW"), "{:#}", open.document);
    // Without the networks no route says in which of them its prefix is.
    for (path, kind) in [
        ("/virtualNetworks/lab?", "error"),
        ("/virtualNetworks/other?", "html"),
    ] {
        world.fault(
            &json!({"fault": kind, "path": path, "verb": "GET", "status": 403, "code": "AuthorizationFailed",
            "message": "no such action", "times": 1}),
        );
        let unread = flow(&world);
        assert_eq!(unread.verdict(), (3, "UNKNOWN"), "{path}: {:#}", unread.document);
        assert!(unread.missing().contains("peered"), "{}", unread.missing());
        world.arm.clear_faults();
    }
    let world = World::new();
    in_two_networks(&world, "clone");
    let elsewhere = flow(&world);
    assert_eq!(elsewhere.verdict(), (1, "DENY"), "{:#}", elsewhere.document);
    let [layer, place, way, _] = &elsewhere.layers("BLOCK")[0];
    assert_eq!(
        (layer.as_str(), place.as_str(), way.as_str()),
        ("route", "source", "forward")
    );
}

#[test]
fn networks_that_were_kept_give_the_same_answer_and_are_missed() {
    let world = World::new();
    in_two_networks(&world, "other");
    let kept = scratch().join("read");
    let answer = ask(
        &world,
        &[
            "vm1",
            "vm2",
            "tcp/5001",
            "--layers",
            "azure",
            "--save",
            kept.to_str().unwrap(),
        ],
    );
    let sums = std::fs::read_to_string(kept.join("SHA256SUMS")).unwrap();
    assert_eq!(sums.lines().count(), 4, "{sums}");
    let with = offline(&kept, &["vnet-1.json", "vnet-2.json"]);
    assert_eq!(
        (with.status, &with.document["layers"]),
        (0, &answer.document["layers"])
    );
    let without = offline(&kept, &["vnet-1.json"]);
    assert_eq!(without.verdict(), (3, "UNKNOWN"), "{:#}", without.document);
}

#[test]
fn a_public_address_is_the_machine_behind_it() {
    let world = World::new();
    let to = ["vm1", "20.9.9.9", "tcp/443", "--layers", "azure"];
    let free = ask(&world, &to);
    assert_eq!(free.verdict(), (0, "ALLOW"), "{:#}", free.document);
    let note = free.document["notes"][0].as_str().unwrap();
    assert!(note.contains("another subscription"), "{note}");
    let address = world.network("publicIPAddresses/web");
    let nic = world.network("networkInterfaces/vm2");
    let name = world.client.get(&nic).json()["properties"]["ipConfigurations"][0]["name"].clone();
    let configuration = format!("{nic}/ipConfigurations/{}", name.as_str().unwrap());
    put(
        &world,
        &address,
        json!({"ipAddress": "20.9.9.9", "ipConfiguration": {"id": configuration}}),
    );
    configure(&world, &json!({"publicIPAddress": {"id": address}}));
    // The group lets in what comes from its network, and this flow comes from the Internet.
    let closed = ask(&world, &to);
    assert_eq!(closed.verdict(), (1, "DENY"), "{:#}", closed.document);
    let blocks = closed.layers("BLOCK");
    assert!(
        blocks.len() == 1 && blocks[0][0] == "subnet-nsg" && blocks[0][1] == "destination",
        "{blocks:?}"
    );
    assert_eq!(closed.document["destination"]["address"], "20.9.9.9");
    let mut allow = deny();
    allow["access"] = json!("Allow");
    allow["destinationPortRange"] = json!("443");
    let rule = world.network("networkSecurityGroups/default/securityRules/web");
    put(&world, &rule, allow);
    assert_eq!(ask(&world, &to).verdict(), (0, "ALLOW"));
    assert_eq!(
        ask(&world, &["internet", "20.9.9.9", "tcp/443", "--layers", "azure"]).verdict(),
        (0, "ALLOW")
    );
    // By private addresses it is another flow, which the same machine answers.
    assert_eq!(flow(&world).verdict(), (0, "ALLOW"));
    for (path, kind) in [
        ("/publicIPAddresses?", "error"),
        ("/networkInterfaces/vm2?", "error"),
        ("/networkInterfaces/vm2/effectiveNetworkSecurityGroups", "html"),
    ] {
        world.fault(
            &json!({"fault": kind, "path": path, "status": 403, "code": "AuthorizationFailed",
            "message": "no such action"}),
        );
        let unread = ask(&world, &to);
        assert_eq!(unread.verdict(), (3, "UNKNOWN"), "{path}: {:#}", unread.document);
        world.arm.clear_faults();
    }
    // What stands on a load balancer or on nothing is not the Internet either.
    put(
        &world,
        &address,
        json!({"ipAddress": "20.9.9.9", "ipConfiguration": {"id": world.network("loadBalancers/l/frontendIPConfigurations/f")}}),
    );
    let balanced = ask(&world, &to);
    assert_eq!(balanced.verdict(), (3, "UNKNOWN"), "{:#}", balanced.document);
    assert!(
        balanced.missing().contains("loadBalancers/l"),
        "{}",
        balanced.missing()
    );
}

#[test]
fn what_was_read_is_kept_and_gives_the_same_answer_without_azure() {
    let world = World::new();
    let faults = compound(&world);
    let kept = scratch().join("read");
    let there = kept.to_str().unwrap();
    let answer = ask(
        &world,
        &["vm1", "vm2", "tcp/5001", "--layers", "azure", "--save", there],
    );
    assert_eq!(answer.layers("BLOCK"), faults);
    let offline = offline(&kept, &[]);
    assert_eq!(offline.document["layers"], answer.document["layers"]);
    assert_eq!(offline.verdict(), (1, "DENY"));
    let sums = std::fs::read_to_string(kept.join("SHA256SUMS")).unwrap();
    assert_eq!(sums.lines().count(), 2, "{sums}");
    // A directory that is there is not written into, and nothing is asked first.
    let again = ask(
        &world,
        &["vm1", "vm2", "tcp/5001", "--layers", "azure", "--save", there],
    );
    assert_eq!((again.status, again.document), (2, Value::Null));
}

#[test]
fn the_firewall_of_a_storage_account_is_asked() {
    let world = World::new();
    let ask_it = || {
        let words = ["vm1", "storage:labstorage", "tcp/443", "--layers", "azure"];
        ask(
            &world,
            &[&words[..], &["--destination-address", "20.60.1.1"]].concat(),
        )
    };
    let open = ask_it();
    assert_eq!(open.verdict(), (0, "ALLOW"), "{:#}", open.document);
    let account = world.in_group("Microsoft.Storage/storageAccounts/labstorage");
    let rules = json!({"defaultAction": "Deny", "ipRules": [], "virtualNetworkRules": []});
    world.set(
        "resources",
        &account,
        &json!({"properties": {"networkAcls": rules}}),
    );
    let closed = ask_it();
    assert_eq!(closed.verdict(), (1, "DENY"), "{:#}", closed.document);
    let wanted = ["storage-rules", "destination", "forward", account.as_str()].map(str::to_owned);
    assert_eq!(closed.layers("BLOCK"), [wanted]);
    // A rule of addresses is asked for the source's own, which it does not have.
    let rules =
        json!({"defaultAction": "Deny", "ipRules": [{"value": "20.1.1.1"}], "virtualNetworkRules": []});
    world.set(
        "resources",
        &account,
        &json!({"properties": {"networkAcls": rules}}),
    );
    assert_eq!(ask_it().verdict(), (3, "UNKNOWN"));
    for (path, kind) in [("/storageAccounts?", "error"), ("/storageAccounts?", "html")] {
        world.fault(
            &json!({"fault": kind, "path": path, "status": 403, "code": "AuthorizationFailed",
            "message": "no such action"}),
        );
        let unread = ask_it();
        assert_eq!(unread.verdict(), (3, "UNKNOWN"), "{kind}: {:#}", unread.document);
        assert!(unread.missing().contains("labstorage"), "{}", unread.missing());
        world.arm.clear_faults();
    }
    let nowhere = ask(&world, &["vm1", "storage:other", "tcp/443", "--layers", "azure"]);
    assert_eq!(nowhere.verdict(), (3, "UNKNOWN"), "{:#}", nowhere.document);
}

/// Asks again from what was kept, with these networks.
fn offline(kept: &Path, networks: &[&str]) -> Answer {
    let out: PathBuf = scratch().join("out.json");
    let file = |name: &str| kept.join(name).into_os_string();
    let mut line: Vec<OsString> = ["netghost", "path", "tcp/5001", "--layers", "azure", "-o", "json"]
        .map(OsString::from)
        .into();
    line.extend([
        "--azure-source".into(),
        file("source.json"),
        "--azure-destination".into(),
        file("destination.json"),
    ]);
    for network in networks {
        line.extend(["--azure-vnet".into(), file(network)]);
    }
    line.extend(["--out".into(), out.clone().into_os_string()]);
    let status = netghost_cli::run(line, &Outside::real()) as u8;
    let document = serde_json::from_slice(&std::fs::read(out).unwrap()).unwrap();
    Answer { status, document }
}
