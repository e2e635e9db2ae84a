//! Legacy tables that are replaced while they are read.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests state what they expect by failing; clippy.toml reaches test functions, not what they call"
)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use netghost_core::artifact::json::Digest;
use netghost_core::raw::XtablesTable;
use netghost_core::section::State;
use netghost_kernel::xtables;
use netghost_lab::netns::Namespace;

/// Rules in one chain; the other has a single one. Two such rulesets have one size.
const RULES: usize = 400;
const READINGS: usize = 60;

fn ruleset(full: &str, other: &str) -> String {
    let rules: String = (0..RULES)
        .map(|n| format!("-A {full} -s 10.0.{}.{} -j ACCEPT\n", n / 250, n % 250))
        .collect();
    format!(
        "*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\n{rules}-A {other} -j ACCEPT -p tcp\nCOMMIT\n"
    )
}

fn load(namespace: &Namespace, ruleset: &str) {
    let command = ["iptables-legacy-restore", "-w", "5"];
    let loaded = namespace.exec_with_input(&command, ruleset.as_bytes());
    loaded.unwrap().ok(&command).unwrap();
}

fn digest(namespace: &Namespace) -> Digest {
    let read = namespace.enter(xtables::digest_ipv4).unwrap();
    assert_eq!(read.state, State::Captured);
    read.digest.unwrap()
}

/// Both rulesets have one size and another layout: what comes of mixing them is neither.
#[test]
fn root_of_two_rulesets_of_one_size_one_is_read() {
    let namespace = Namespace::new().unwrap();
    let rulesets = [ruleset("INPUT", "FORWARD"), ruleset("FORWARD", "INPUT")];
    let known = rulesets.each_ref().map(|ruleset| {
        load(&namespace, ruleset);
        digest(&namespace)
    });
    assert_ne!(known[0], known[1]);
    let done = AtomicBool::new(false);
    let seen: Vec<Digest> = thread::scope(|scope| {
        scope.spawn(|| {
            for ruleset in rulesets.iter().cycle() {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                load(&namespace, ruleset);
            }
        });
        let seen = (0..READINGS).map(|_| digest(&namespace)).collect();
        done.store(true, Ordering::Relaxed);
        seen
    });
    for digest in &seen {
        assert!(known.contains(digest), "a mixture of two rulesets");
    }
}

/// What one table's entries tell needs no second reading, and the ordinary tool sees the same.
#[test]
fn root_tables_as_iptables_lays_them_out_tell_their_chains() {
    let namespace = Namespace::new().unwrap();
    load(&namespace, &ruleset("INPUT", "FORWARD"));
    let raw = namespace.enter(xtables::raw_ipv4).unwrap().unwrap();
    let family = raw.family();
    let told = |table: &XtablesTable| netghost_core::netfilter::xt::chains_are_told(family, table);
    assert!(!raw.tables.is_empty() && raw.tables.iter().all(told));
    // Rules that every packet meets: no packet comes to what stands behind them.
    for (chain, number) in [("INPUT", "9"), ("FORWARD", "1"), ("OUTPUT", "1")] {
        let rule = ["iptables-legacy", "-w", "5", "-I", chain, number, "-j", "DROP"];
        namespace.must(&rule).unwrap();
        let raw = namespace.enter(xtables::raw_ipv4).unwrap().unwrap();
        assert!(raw.tables.iter().all(told), "{chain}");
    }
}
