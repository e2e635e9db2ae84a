//! An undo that is cut off after any of its messages is begun again.

use super::*;

/// The objects of the tree, each behind what it hangs on, as an undo makes them.
const TREE: [&str; 7] = [
    "qdisc add dev v0 root handle 1: htb default 20",
    "class add dev v0 parent 1: classid 1:1 htb rate 100mbit quantum 2000",
    "class add dev v0 parent 1:1 classid 1:10 htb rate 20mbit quantum 3000",
    "class add dev v0 parent 1:1 classid 1:20 htb rate 30mbit quantum 3000",
    "qdisc add dev v0 parent 1:10 handle 10: tbf rate 1mbit burst 32kb latency 400ms",
    "filter add dev v0 parent 1: protocol ip prio 1 u32 match ip dport 22 0xffff flowid 1:10",
    "filter add dev v0 parent 1: protocol ip prio 2 u32 match ip dport 80 0xffff flowid 1:20",
];

fn make(namespace: &Namespace, objects: &[&str]) {
    for object in objects {
        namespace.must(&["sh", "-c", &format!("tc {object}")]).unwrap();
    }
}

#[test]
fn root_an_undo_that_was_cut_off_is_begun_again() {
    let namespace = namespace("tc qdisc add dev v0 clsact");
    make(&namespace, &TREE);
    let before = digest(&namespace);
    let spec = QdiscSpec::Pfifo { limit: 8 };
    for operation in [remove("v0", QdiscPlace::Root), replace("v0", spec)] {
        let change = plan(&namespace, &operation).unwrap();
        for cut in 0..TREE.len() {
            apply(&namespace, &change).unwrap();
            // As far as an undo came: what the change made is gone, and these stand.
            namespace
                .exec(&["tc", "qdisc", "del", "dev", "v0", "root"])
                .unwrap();
            make(&namespace, &TREE[..cut]);
            let stands = standing(&namespace, &change);
            let after = cut == 0 && matches!(operation, Operation::QdiscRemove { .. });
            assert_eq!(
                stands,
                if after { Standing::After } else { Standing::Between },
                "{cut}"
            );
            undo(&namespace, &change).unwrap();
            assert_eq!(digest(&namespace), before, "{cut}");
        }
    }
}

#[test]
fn root_what_somebody_else_put_between_is_left_alone() {
    let namespace = namespace("");
    make(&namespace, &TREE);
    let change = plan(&namespace, &remove("v0", QdiscPlace::Root)).unwrap();
    for strange in [
        "class add dev v0 parent 1: classid 1:99 htb rate 1mbit",
        "class change dev v0 parent 1: classid 1:1 htb rate 99mbit quantum 2000",
        "qdisc add dev v0 parent 1:10 handle 10: pfifo limit 5",
        "filter add dev v0 parent 1: protocol ip prio 1 u32 match ip dport 23 0xffff flowid 1:10",
        "qdisc add dev v0 clsact",
    ] {
        apply(&namespace, &change).unwrap();
        make(&namespace, &TREE[..3]);
        assert_eq!(standing(&namespace, &change), Standing::Between);
        make(&namespace, &[strange]);
        let moved = digest(&namespace);
        assert_eq!(standing(&namespace, &change), Standing::Other, "{strange}");
        assert!(matches!(undo(&namespace, &change), Err(WriteError::Moved { .. })));
        assert_eq!(digest(&namespace), moved);
        namespace
            .exec(&["tc", "qdisc", "del", "dev", "v0", "clsact"])
            .unwrap();
        namespace
            .must(&["tc", "qdisc", "del", "dev", "v0", "root"])
            .unwrap();
        make(&namespace, &TREE);
    }
}
