//! Deleting rules of legacy xtables: which rule is meant, and what stands against it. Needs root.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests state what they expect by failing; clippy.toml reaches test functions, not what they call"
)]

use std::process::Command;
use std::time::{Duration, Instant};

use netghost_core::gate::{IpFamily, Operation, RuleRef};
use netghost_kernel::write::{self, Change, Standing, WriteError};
use netghost_lab::netns::Namespace;

fn namespace(rules: &str) -> Namespace {
    let namespace = Namespace::new().unwrap();
    let text =
        format!("*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n{rules}COMMIT\n");
    let command = ["iptables-legacy-restore", "-w", "30", "-c"];
    let loaded = namespace.exec_with_input(&command, text.as_bytes());
    loaded.unwrap().ok(&command).unwrap();
    namespace
}

fn delete(text: &str, occurrence: u32) -> Operation {
    Operation::LegacyDelete {
        family: IpFamily::Ip,
        table: "filter".into(),
        chain: "INPUT".into(),
        rule: RuleRef {
            text: text.into(),
            occurrence,
        },
    }
}

fn plan(namespace: &Namespace, text: &str, occurrence: u32) -> Result<Change, WriteError> {
    namespace
        .enter(|| write::plan(&delete(text, occurrence)))
        .unwrap()
}

fn apply(namespace: &Namespace, change: &Change) -> Result<(), WriteError> {
    waited(|| namespace.enter(|| change.apply()).unwrap())
}

fn undo(namespace: &Namespace, change: &Change) -> Result<(), WriteError> {
    waited(|| namespace.enter(|| change.undo()).unwrap())
}

/// Tests of all namespaces share the lock.
fn waited(does: impl Fn() -> Result<(), WriteError>) -> Result<(), WriteError> {
    let mut done = does();
    while matches!(done, Err(WriteError::Locked { .. })) {
        done = does();
    }
    done
}

fn saved(namespace: &Namespace) -> Vec<String> {
    let output = namespace.must(&["iptables-legacy-save", "-c"]).unwrap().stdout;
    let text = String::from_utf8(output).unwrap();
    let rules = text.lines().filter(|line| line.contains("-A "));
    rules.map(str::to_owned).collect()
}

fn standing(namespace: &Namespace, change: &Change) -> Standing {
    namespace.enter(|| change.standing()).unwrap().unwrap()
}

const THREE: &str = "[1:60] -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
[2:120] -A INPUT -s 10.0.0.0/8 -m comment --comment \"it\\'s; $(touch /x) \\\"y\\\"\" -j DROP
[3:180] -A INPUT -p icmp -j DROP
";
const MIDDLE: &str = "-s 10.0.0.0/8 -m comment --comment \"it\\'s; $(touch /x) \\\"y\\\"\" -j DROP";

#[test]
fn root_a_rule_comes_back_to_its_place_with_its_counters() {
    let namespace = namespace(THREE);
    let before = saved(&namespace);
    let change = plan(&namespace, MIDDLE, 1).unwrap();
    assert_eq!(
        change.effect.change,
        [format!("iptables-legacy -t filter -D INPUT {MIDDLE}")
            .as_str()
            .into()]
    );
    assert_eq!(
        change.effect.inverse,
        [format!("iptables-legacy -t filter -I INPUT 2 -c 2 120 {MIDDLE}")
            .as_str()
            .into()]
    );
    apply(&namespace, &change).unwrap();
    assert_eq!(saved(&namespace), [before[0].clone(), before[2].clone()]);
    assert_eq!(standing(&namespace, &change), Standing::After);
    undo(&namespace, &change).unwrap();
    assert_eq!(saved(&namespace), before);
    assert_eq!(standing(&namespace, &change), Standing::Before);
    // The other way round, for an undo that a person asks for.
    apply(&namespace, &change).unwrap();
    let back = change.reversed().unwrap();
    assert_eq!(standing(&namespace, &back), Standing::Before);
    apply(&namespace, &back).unwrap();
    assert_eq!(saved(&namespace), before);
    undo(&namespace, &back).unwrap();
    assert_eq!(standing(&namespace, &back), Standing::Before);
}

#[test]
fn root_what_is_not_there_is_not_deleted() {
    let namespace = namespace(THREE);
    for (text, occurrence) in [("-p udp -j DROP", 1), (MIDDLE, 2), ("-p icmp -j DROP ", 1)] {
        let planned = plan(&namespace, text, occurrence);
        assert!(matches!(planned, Err(WriteError::NotThere { .. })), "{planned:?}");
    }
    let elsewhere = [("filter", "OTHER"), ("nat", "INPUT")].map(|(table, chain)| Operation::LegacyDelete {
        family: IpFamily::Ip,
        table: table.into(),
        chain: chain.into(),
        rule: RuleRef {
            text: "-p icmp -j DROP".into(),
            occurrence: 1,
        },
    });
    for operation in elsewhere {
        let planned = namespace.enter(|| write::plan(&operation)).unwrap();
        assert!(matches!(planned, Err(WriteError::NotThere { .. })), "{planned:?}");
    }
    // Asking for a table makes it, which is a change: it was not asked for.
    let names = namespace
        .must(&["cat", "/proc/thread-self/net/ip_tables_names"])
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&names.stdout), "filter\n");
}

#[test]
fn root_of_equal_rules_the_tool_takes_the_first() {
    let same = "-A INPUT -p icmp -j DROP\n";
    let apart = namespace(&format!("{same}{same}-A INPUT -p udp -j ACCEPT\n{same}"));
    let before = saved(&apart);
    // Those between are the same rule, so it makes no difference which one goes.
    let second = plan(&apart, "-p icmp -j DROP", 2).unwrap();
    apply(&apart, &second).unwrap();
    assert_eq!(saved(&apart).len(), 3);
    undo(&apart, &second).unwrap();
    assert_eq!(saved(&apart), before);
    let third = plan(&apart, "-p icmp -j DROP", 3);
    assert!(matches!(third, Err(WriteError::Unsupported { .. })), "{third:?}");
}

#[test]
fn root_a_chain_that_moved_is_left_alone() {
    let namespace = namespace(THREE);
    let change = plan(&namespace, MIDDLE, 1).unwrap();
    let add = [
        "iptables-legacy",
        "-w",
        "30",
        "-A",
        "INPUT",
        "-p",
        "udp",
        "-j",
        "DROP",
    ];
    namespace.must(&add).unwrap();
    let moved = saved(&namespace);
    assert_eq!(standing(&namespace, &change), Standing::Other);
    assert!(matches!(
        apply(&namespace, &change),
        Err(WriteError::Moved { .. })
    ));
    assert!(matches!(undo(&namespace, &change), Err(WriteError::Moved { .. })));
    assert_eq!(saved(&namespace), moved);
    // Moved between the change and its undo.
    let change = plan(&namespace, MIDDLE, 1).unwrap();
    apply(&namespace, &change).unwrap();
    namespace.must(&add).unwrap();
    let moved = saved(&namespace);
    assert!(matches!(undo(&namespace, &change), Err(WriteError::Moved { .. })));
    assert_eq!(saved(&namespace), moved);
    // Other chains are other people's.
    let change = plan(&namespace, "-p icmp -j DROP", 1).unwrap();
    let other = [
        "iptables-legacy",
        "-w",
        "30",
        "-A",
        "OUTPUT",
        "-p",
        "udp",
        "-j",
        "DROP",
    ];
    namespace.must(&other).unwrap();
    assert_eq!(standing(&namespace, &change), Standing::Before);
}

/// What the tool compares is less than what the rule says: it takes the first of two rules that differ in a part that it leaves out.
#[test]
fn root_another_rule_that_the_tool_took_is_put_back() {
    let first = "-A INPUT -m quota --quota 1000 -j ACCEPT\n";
    let namespace = namespace(&format!(
        "{first}-A INPUT -p udp -j DROP\n-A INPUT -m quota --quota 2000 -j ACCEPT\n"
    ));
    let before = saved(&namespace);
    let change = plan(&namespace, "-m quota --quota 2000 -j ACCEPT", 1).unwrap();
    match apply(&namespace, &change) {
        Ok(()) => assert_eq!(saved(&namespace), before[..2]),
        Err(WriteError::Refused { .. }) => assert_eq!(saved(&namespace), before),
        Err(other) => panic!("{other}"),
    }
}

/// A lock of its own, so that others are not kept waiting: this very program again, where another file is mounted on the lock's.
#[test]
fn root_a_lock_that_is_held_is_waited_for_within_bounds() {
    let own = std::env::current_exe().unwrap();
    let script =
        "lock=$(mktemp) && touch /run/xtables.lock && mount --bind $lock /run/xtables.lock && rm -f $lock
        exec \"$0\" --exact --ignored a_held_lock --nocapture";
    let done = Command::new("unshare")
        .args(["-m", "sh", "-c", script])
        .arg(own)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(
        done.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

#[test]
#[ignore = "run by root_a_lock_that_is_held_is_waited_for_within_bounds, with a lock file of its own"]
fn a_held_lock() {
    let namespace = namespace(THREE);
    let before = saved(&namespace);
    let change = plan(&namespace, MIDDLE, 1).unwrap();
    let mut holder = Command::new("flock")
        .args(["--no-fork", "/run/xtables.lock", "sleep", "60"])
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let started = Instant::now();
    let applied = namespace.enter(|| change.apply()).unwrap();
    assert!(matches!(applied, Err(WriteError::Locked { .. })), "{applied:?}");
    let took = started.elapsed();
    assert!(
        took > Duration::from_secs(4) && took < Duration::from_secs(10),
        "{took:?}"
    );
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(standing(&namespace, &change), Standing::Before);
    assert_eq!(saved(&namespace), before);
}
