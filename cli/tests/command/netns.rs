//! Other network namespaces of this host; these need root.

use std::fs;

use serde_json::Value;

use super::program::Place;

/// Two namespaces, each with a rule of its own; their names are `$a` and `$b`.
fn two(place: &Place, rest: &str) -> super::program::Run {
    let number = std::process::id();
    let tail = place.path("x").display().to_string().len() + rest.len();
    place.root_script(&format!(
        "a=ngc{number}-{tail}-a b=ngc{number}-{tail}-b
         trap 'ip netns del $a; ip netns del $b' EXIT 2>/dev/null
         for n in $a $b; do
             ip netns add $n
             ip netns exec $n nft add table inet f
             ip netns exec $n nft add chain inet f input '{{ type filter hook input priority 0; }}'
             ip netns exec $n nft add rule inet f input tcp dport 22 accept
         done
         set +e
         one() {{ $netghost \"$@\" --section nftables --netns $a --netns $b; }}
         {rest}"
    ))
}

fn document(place: &Place, name: &str) -> Value {
    serde_json::from_slice(&fs::read(place.path(name)).unwrap()).unwrap()
}

#[test]
fn root_a_change_inside_a_namespace_is_one_change_that_names_it() {
    let place = Place::new();
    let run = two(
        &place,
        "one host capture --save before -o json --out before.json; echo $?
         $netghost host diff before -o json --out same.json; echo $?
         ip netns exec $b nft insert rule inet f input udp dport 53 drop
         $netghost host diff before --certificate drift.json -o json --out drift.out; echo $?
         $netghost host diff before --netns $a -o json --out other.json; echo $?
         key=$(ls $XDG_STATE_HOME/netghost/keys/*.pub.pem)
         $netghost verify drift.json --key $key; echo $?
         $netghost host diff ./before.json before; echo $?",
    );
    let statuses: Vec<&str> = run.stdout.lines().filter(|line| line.len() == 1).collect();
    assert_eq!(
        statuses,
        ["0", "0", "1", "0", "0", "0"],
        "{}\n{}",
        run.stdout,
        run.stderr
    );
    assert_eq!(document(&place, "same.json")["verdict"], "no_drift");
    let found = document(&place, "drift.out");
    let changes = found["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(changes[0]["kind"], "rule_added");
    assert!(changes[0]["namespace"].as_str().unwrap().ends_with("-b"));
    assert!(run.stdout.contains("-b  rule_added"), "{}", run.stdout);
    let snapshot = document(&place, "before.json");
    let sections = snapshot["sections"].as_array().unwrap();
    let of: Vec<&str> = sections
        .iter()
        .filter_map(|section| section["namespace"].as_str())
        .collect();
    assert_eq!(of.len(), 2, "{of:?}");
    assert!(sections[0].get("namespace").is_none());
    assert_eq!(snapshot["namespaces"]["all"][0]["state"], "read");
}

#[test]
fn root_one_namespace_fewer_is_a_change() {
    let place = Place::new();
    let run = two(
        &place,
        "one host capture --save before >/dev/null
         ip netns del $b
         $netghost host diff before -o json --out fewer.json; echo $?
         one host diff before; echo $?
         one host capture --save after; echo $?",
    );
    let changes = document(&place, "fewer.json")["changes"].clone();
    assert_eq!(changes[0]["kind"], "namespace_removed");
    assert_eq!(changes[0]["section"], "namespaces");
    // Named on the command line it must be there.
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines, ["1", "2", "2"], "{}", run.stderr);
    assert!(
        run.stderr.contains("there is no network namespace"),
        "{}",
        run.stderr
    );
}

#[test]
fn root_all_namespaces_are_read_with_what_the_baseline_had() {
    let place = Place::new();
    let run = two(
        &place,
        "$netghost host capture --section nftables --netns all -o json --out all.json; echo $?",
    );
    let all = document(&place, "all.json");
    assert_eq!(all["namespaces"]["asked"], "all", "{}", run.stderr);
    let names: Vec<&str> = all["namespaces"]["all"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|namespace| namespace["name"].as_str())
        .collect();
    for tail in ["-a", "-b"] {
        assert!(names.iter().any(|name| name.ends_with(tail)), "{names:?}");
    }
    let row = all["coverage"].as_array().unwrap().iter();
    let row = row
        .into_iter()
        .find(|row| row["mechanism"] == "other-network-namespaces");
    assert_ne!(row.unwrap()["why"], "not asked for");
}

#[test]
fn an_unknown_namespace_is_wrong_use() {
    let place = Place::new();
    let run = place.run(&["host", "capture", "--netns", "no-such", "--section", "links"]);
    assert_eq!((run.status, run.stdout.as_str()), (2, ""));
    assert!(
        run.stderr.contains("no-such") && run.stderr.contains("--netns all"),
        "{}",
        run.stderr
    );
}
