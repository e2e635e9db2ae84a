//! What stands against a change.

use super::*;

fn unsupported(namespace: &Namespace, operation: &Operation, word: &str) {
    let before = digest(namespace);
    match plan(namespace, operation) {
        Err(WriteError::Unsupported { what }) => assert!(what.contains(word), "{what}"),
        other => panic!("{operation:?}: {other:?}"),
    }
    assert_eq!(digest(namespace), before);
}

#[test]
fn root_what_is_not_there_is_not_removed() {
    let namespace = namespace("tc qdisc add dev v1 clsact");
    for (device, at) in [
        ("v0", QdiscPlace::Root),
        ("v0", QdiscPlace::Ingress),
        ("none", QdiscPlace::Root),
        ("v1", QdiscPlace::Root),
    ] {
        let planned = plan(&namespace, &remove(device, at));
        assert!(matches!(planned, Err(WriteError::NotThere { .. })), "{planned:?}");
    }
}

#[test]
fn root_what_could_not_be_put_back_is_not_touched() {
    let table =
        namespace("tc qdisc add dev v0 root handle 1: stab overhead 20 linklayer ethernet pfifo limit 3");
    unsupported(&table, &remove("v0", QdiscPlace::Root), "size table");
    let block = namespace("tc qdisc add dev v0 ingress_block 7 ingress");
    unsupported(&block, &remove("v0", QdiscPlace::Ingress), "block");
    let chain = namespace(
        "tc qdisc add dev v0 ingress
        tc chain add dev v0 ingress chain 9",
    );
    unsupported(&chain, &remove("v0", QdiscPlace::Ingress), "chain 9");
    let shared = namespace(
        "tc actions add action mirred egress mirror dev v1 index 5
        tc qdisc add dev v0 ingress
        tc filter add dev v0 ingress protocol ip u32 match u32 0 0 action mirred index 5",
    );
    unsupported(&shared, &remove("v0", QdiscPlace::Ingress), "mirred");
}

#[test]
fn root_a_device_that_is_down_has_no_known_default() {
    let namespace = namespace(
        "tc qdisc add dev v0 root pfifo limit 3
        ip link set v0 down",
    );
    unsupported(&namespace, &remove("v0", QdiscPlace::Root), "down");
}

#[test]
fn root_a_tree_that_moved_is_left_alone() {
    let namespace = namespace("tc qdisc add dev v0 root handle 1: htb default 3");
    let change = plan(&namespace, &remove("v0", QdiscPlace::Root)).unwrap();
    run(
        &namespace,
        "tc class add dev v0 parent 1: classid 1:3 htb rate 1mbit",
    );
    let moved = digest(&namespace);
    assert_eq!(standing(&namespace, &change), Standing::Other);
    assert!(matches!(
        apply(&namespace, &change),
        Err(WriteError::Moved { .. })
    ));
    assert!(matches!(undo(&namespace, &change), Err(WriteError::Moved { .. })));
    assert_eq!(digest(&namespace), moved);
    // Between the change and its undo.
    let change = plan(&namespace, &remove("v0", QdiscPlace::Root)).unwrap();
    apply(&namespace, &change).unwrap();
    run(&namespace, "tc qdisc add dev v0 root pfifo limit 9");
    let moved = digest(&namespace);
    assert!(matches!(undo(&namespace, &change), Err(WriteError::Moved { .. })));
    assert_eq!(digest(&namespace), moved);
    // Another device is somebody else's business.
    let change = plan(&namespace, &remove("v0", QdiscPlace::Root)).unwrap();
    run(&namespace, "tc qdisc add dev v1 root pfifo limit 9");
    assert_eq!(standing(&namespace, &change), Standing::Before);
    // A device that is gone.
    run(&namespace, "ip link del v0");
    assert_eq!(standing(&namespace, &change), Standing::Other);
}

/// A kernel that has it makes the same of it on every device, so what a change leaves is known before; one that does not refuses it.
#[test]
fn root_what_this_kernel_lacks_is_refused_before_anything_is_done() {
    let namespace = namespace("");
    for spec in [QdiscSpec::Fq, QdiscSpec::FqCodel] {
        match plan(&namespace, &replace("v0", spec.clone())) {
            Ok(_) => there_and_back(&namespace, &replace("v0", spec)).unwrap(),
            Err(WriteError::Unsupported { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
}
