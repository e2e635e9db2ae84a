//! This host, in a network namespace made for each test; these need root.

use std::fs;

use super::program::{Place, Run};

/// A firewall of both planes, a link and a route.
const SETTLED: &str = "
    ip link set lo up
    ip link add v0 type veth peer name v1
    ip link set v0 up
    ip link set v1 up
    ip addr add 10.9.0.1/24 dev v0
    iptables-legacy -A INPUT -p tcp --dport 22 -j ACCEPT
    nft add table inet f
    nft add chain inet f input '{ type filter hook input priority 0; }'
    nft add rule inet f input tcp dport 22 accept
    sleep 2.2
    $netghost host capture --save before --ticket CHG-1 >before.out
";

fn script(place: &Place, rest: &str) -> Run {
    let run = place.root_script(&format!("{SETTLED}\n{rest}"));
    assert!(run.stderr.is_empty(), "{}", run.stderr);
    run
}

fn lines(run: &Run) -> Vec<&str> {
    run.stdout.lines().collect()
}

#[test]
fn root_nothing_changed_is_no_drift_and_so_is_a_reload() {
    let place = Place::new();
    let run = script(
        &place,
        "$netghost host diff before >same.out; echo $?
         nft list ruleset >rules.nft; nft flush ruleset; nft -f rules.nft
         iptables-legacy-save >rules.v4; iptables-legacy -F; iptables-legacy-restore <rules.v4
         $netghost host diff before; echo $?",
    );
    let lines = lines(&run);
    assert_eq!(
        (lines[0], lines[1]),
        ("0", "no_drift: 0 changes"),
        "{}",
        run.stdout
    );
    assert_eq!(lines.last(), Some(&"0"));
}

#[test]
fn root_each_change_is_explained_beside_a_certificate() {
    let place = Place::new();
    let run = script(
        &place,
        "iptables-legacy -I INPUT -p tcp --dport 5001 -j DROP
         tc qdisc add dev v0 root tbf rate 1mbit burst 32kbit latency 400ms
         set +e
         $netghost host diff before --explain --certificate drift.json -o json --out drift.out; echo $?
         key=$(ls $XDG_STATE_HOME/netghost/keys/*.pub.pem)
         $netghost verify drift.json --key $key >/dev/null; echo $?",
    );
    assert_eq!(lines(&run), ["1", "0"]);
    let found: serde_json::Value =
        serde_json::from_slice(&fs::read(place.path("drift.out")).unwrap()).unwrap();
    let told = |index: usize| {
        found["changes"][index]["explanation"]["text"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(
        told(0).starts_with("New: if meta.l4proto is tcp and tcp.dport is 5001: drops it silently."),
        "{}",
        told(0)
    );
    assert!(
        told(1).starts_with("Packets leave here at a rate at most"),
        "{}",
        told(1)
    );
}

#[test]
fn root_each_layer_is_one_change_and_the_certificate_says_so() {
    let place = Place::new();
    let run = script(
        &place,
        "iptables-legacy -I INPUT -p tcp --dport 5001 -j DROP
         nft insert rule inet f input udp dport 53 reject
         tc qdisc add dev v0 root tbf rate 1mbit burst 32kbit latency 400ms
         ip link set v1 mtu 1400
         ip route add 10.20.0.0/16 via 10.9.0.2
         set +e
         $netghost host diff before --certificate drift.json --asked-by ops -o json --out drift.out; echo $?
         key=$(ls $XDG_STATE_HOME/netghost/keys/*.pub.pem)
         $netghost verify drift.json --key $key >/dev/null; echo $?
         $netghost verify drift.json --key $key --require no_drift >/dev/null; echo $?",
    );
    assert_eq!(lines(&run), ["1", "0", "1"]);
    let found: serde_json::Value =
        serde_json::from_slice(&fs::read(place.path("drift.out")).unwrap()).unwrap();
    let kinds: Vec<&str> = found["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "rule_added",
            "rule_added",
            "qdisc_changed",
            "link_changed",
            "route_added"
        ]
    );
    let shown = place
        .run(&["certificate", "show", "drift.json", "-o", "json"])
        .json();
    assert_eq!(shown["predicate"]["changes"]["count"], 5);
    assert_eq!(shown["predicate"]["asked_by"], "ops");
    let manifest = fs::read(place.path("state/netghost/baselines/before/manifest.json")).unwrap();
    let digest = netghost_core::artifact::json::Digest::of(&manifest).to_string();
    assert_eq!(
        shown["subject"][0]["digest"]["sha256"], digest,
        "it is about the baseline's manifest"
    );
}

#[test]
fn root_a_certificate_of_no_drift_meets_the_requirement() {
    let place = Place::new();
    let run = script(
        &place,
        "$netghost host diff before --certificate same.json >/dev/null
         $netghost verify same.json --key $XDG_STATE_HOME/netghost/keys/*.pub.pem --require no_drift; echo $?",
    );
    assert!(lines(&run)[0].starts_with("signature good"), "{}", run.stdout);
    assert_eq!(lines(&run).last(), Some(&"0"));
}

/// What was set apart did change, so a requirement of no drift is not met by setting it apart.
#[test]
fn root_muting_does_not_meet_the_requirement() {
    let place = Place::new();
    let run = script(
        &place,
        "iptables-legacy -w 5 -A INPUT -s 192.0.2.9 -j DROP; $netghost host capture --save ruled >/dev/null
         iptables-legacy -w 5 -A INPUT -s 192.0.2.10 -j DROP
         $netghost host diff ruled --mute 'INP*' --certificate muted.json >/dev/null; echo $?
         $netghost verify muted.json --key $XDG_STATE_HOME/netghost/keys/*.pub.pem --require no_drift >/dev/null 2>&1 || echo $?",
    );
    assert_eq!(lines(&run), ["0", "3"]);
}

#[test]
fn root_a_name_is_saved_once() {
    let place = Place::new();
    let run = place.root_script(&format!(
        "{SETTLED} cp -r $XDG_STATE_HOME kept; set +e
         $netghost host capture --save before; echo $?; diff -r kept $XDG_STATE_HOME; echo $?"
    ));
    assert_eq!(lines(&run), ["2", "0"]);
    assert!(
        run.stderr.contains("there is a baseline before already"),
        "{}",
        run.stderr
    );
}

#[test]
fn root_an_edited_baseline_is_refused() {
    let place = Place::new();
    let run = place.root_script(&format!(
        "{SETTLED} sed -i s/CHG-1/CHG-2/ $XDG_STATE_HOME/netghost/baselines/before/manifest.json; set +e
         $netghost host diff before -o json; echo $?"
    ));
    assert_eq!(lines(&run), ["4"]);
    assert!(run.stderr.contains("\"code\":\"edited\""), "{}", run.stderr);
}

#[test]
fn root_without_privilege_nothing_reads_as_empty() {
    let place = Place::new();
    let run = place.root_script(
        "nft add table inet f; iptables-legacy -A INPUT -j DROP; chmod 777 . ; cp $netghost ./program
         set +e
         setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all ./program host capture -o json; echo $?",
    );
    let lines = lines(&run);
    assert_eq!(lines[1], "3", "{}", run.stdout);
    let document: serde_json::Value = serde_json::from_str(lines[0]).unwrap();
    for section in document["sections"].as_array().unwrap() {
        let name = section["name"].as_str().unwrap();
        // Traffic control, links and routes are open to everybody.
        if ["nftables", "xtables-legacy-ipv4"].contains(&name) {
            assert_eq!(section["state"], "unreadable", "{name}");
            assert!(
                section["why"].as_str().unwrap().contains("CAP_NET_ADMIN"),
                "{section}"
            );
        }
    }
}

#[test]
fn root_a_snapshot_file_serves_as_baseline_and_as_current_side() {
    let place = Place::new();
    let run = script(
        &place,
        "$netghost host capture -o json --out one.json
         nft add table inet more
         $netghost host capture -o json --out two.json
         set +e
         $netghost host diff ./one.json ./two.json -o json --out file.out; echo $?
         $netghost host diff before two.json >/dev/null; echo $?
         $netghost host diff - <one.json >/dev/null; echo $?
         $netghost host diff one.json --section routes >/dev/null; echo $?",
    );
    assert_eq!(lines(&run), ["1", "1", "1", "0"]);
    let found: serde_json::Value =
        serde_json::from_slice(&fs::read(place.path("file.out")).unwrap()).unwrap();
    assert_eq!(found["changes"].as_array().unwrap().len(), 1);
    assert_eq!(found["changes"][0]["kind"], "table_added");
}
